// SPDX-License-Identifier: Apache-2.0
// The standard operators that multiply and add: matrix products and convolutions.
#include <gtest/gtest.h>

#include "tests/te/operator_check.h"

namespace tunesmith::te {
namespace {

using Arrays = std::vector<Array>;

Reference Matmul(int64_t m, int64_t n, int64_t k, bool bias = false, const std::string& act = "none") {
  return [=](const Arrays& in) {
    EXPECT_EQ(in.size(), bias ? 3u : 2u);
    Array c({m, n});
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        double sum = bias ? in[2]({j}) : 0;
        for (int64_t l = 0; l < k; ++l) sum += in[0]({i, l}) * in[1]({l, j});
        c({i, j}) = Activate(act, sum);
      }
    }
    return c;
  };
}

TEST(StandardOperators, Matmul) {
  ExpectComputes("matmul", "M=7 N=33 K=19", Matmul(7, 33, 19));
  ExpectComputes("matmul", "M=7 N=33 K=19 bias=1 act=relu", Matmul(7, 33, 19, true, "relu"));
  ExpectComputes("matmul", "M=5 N=13 K=64 bias=1 act=relu6", Matmul(5, 13, 64, true, "relu6"));
  ExpectComputes("matmul", "M=16 N=4 K=32 act=silu", Matmul(16, 4, 32, false, "silu"));
  ExpectComputes("matmul", "M=1 N=1 K=1", Matmul(1, 1, 1));
  ExpectComputes("matmul", "M=65 N=1 K=7", Matmul(65, 1, 7));
  ExpectComputes("matmul", "M=1 N=33 K=7 bias=1", Matmul(1, 33, 7, true));
  ExpectComputes("matmul", "M=9 N=9 K=9 bias=0 dtype=f32 act=none", Matmul(9, 9, 9));
}

TEST(StandardOperators, MatmulOfNothing) {
  ExpectComputes("matmul", "M=3 N=4 K=0 bias=1", Matmul(3, 4, 0, true));
  ExpectComputes("matmul", "M=0 N=4 K=2", Matmul(0, 4, 2));
  ExpectComputes("matmul", "M=3 N=0 K=2 act=relu", Matmul(3, 0, 2, false, "relu"));
}

TEST(StandardOperators, MatmulOfOtherTypes) {
  ExpectComputes("matmul", "M=13 N=37 K=53 dtype=u8s8s32", Matmul(13, 37, 53));
  ExpectComputes("matmul", "M=3 N=7 K=53 dtype=u8s8s32 act=relu6", Matmul(3, 7, 53, false, "relu6"));
  ExpectComputes("matmul", "M=13 N=17 K=23 dtype=bf16f32", Matmul(13, 17, 23));
  ExpectComputes("matmul", "M=4 N=6 K=12 dtype=bf16f32 bias=1 act=gelu_erf",
                 Matmul(4, 6, 12, true, "gelu_erf"));
  ExpectComputes("matmul", "M=4 N=6 K=12 dtype=f64", Matmul(4, 6, 12));
}

TEST(StandardOperators, BatchMatmul) {
  for (std::string dtype : {"f32", "bf16f32", "u8s8s32"}) {
    ExpectComputes("batch_matmul", "B=3 M=7 N=5 K=11 dtype=" + dtype, [](const Arrays& in) {
      Array c({3, 7, 5});
      for (int64_t b = 0; b < 3; ++b) {
        for (int64_t i = 0; i < 7; ++i) {
          for (int64_t j = 0; j < 5; ++j) {
            for (int64_t k = 0; k < 11; ++k) c({b, i, j}) += in[0]({b, i, k}) * in[1]({b, k, j});
          }
        }
      }
      return c;
    });
  }
}

struct Conv {
  int64_t n = 1, h = 8, w = 8, ci = 4, co = 4, kh = 3, kw = 3, s = 1, ph = 0, pw = 0, dil = 1, g = 1;
  std::string act = "none";
  bool bias = true;
};

/// Scatters each tap to where it belongs, group by group: another order than the definition's.
Reference Conv2d(const Conv& p) {
  return [=](const Arrays& in) {
    int64_t oh = (p.h + 2 * p.ph - p.dil * (p.kh - 1) - 1) / p.s + 1;
    int64_t ow = (p.w + 2 * p.pw - p.dil * (p.kw - 1) - 1) / p.s + 1;
    int64_t cig = p.ci / p.g, cog = p.co / p.g;
    Array y({p.n, oh, ow, p.co});
    for (int64_t n = 0; n < p.n; ++n) {
      for (int64_t oy = 0; oy < oh; ++oy) {
        for (int64_t ox = 0; ox < ow; ++ox) {
          for (int64_t g = 0; g < p.g; ++g) {
            for (int64_t o = 0; o < cog; ++o) {
              double sum = p.bias ? in[2]({g * cog + o}) : 0;
              for (int64_t c = 0; c < cig; ++c) {
                for (int64_t dy = 0; dy < p.kh; ++dy) {
                  for (int64_t dx = 0; dx < p.kw; ++dx) {
                    int64_t iy = oy * p.s - p.ph + dy * p.dil, ix = ox * p.s - p.pw + dx * p.dil;
                    sum += in[0].Or(0, {n, iy, ix, g * cig + c}) * in[1]({dy, dx, c, g * cog + o});
                  }
                }
              }
              y({n, oy, ox, g * cog + o}) = Activate(p.act, sum);
            }
          }
        }
      }
    }
    return y;
  };
}

TEST(StandardOperators, Conv2d) {
  ExpectComputes("conv2d", "N=2 H=9 W=11 CI=3 CO=5 KH=3 KW=3 S=1 P=1",
                 Conv2d({.n = 2, .h = 9, .w = 11, .ci = 3, .co = 5, .ph = 1, .pw = 1}));
  ExpectComputes("conv2d", "N=1 H=6 W=10 CI=6 CO=8 KH=1 KW=7 S=1 PH=0 PW=3 act=relu",
                 Conv2d({.h = 6, .w = 10, .ci = 6, .co = 8, .kh = 1, .kw = 7, .pw = 3, .act = "relu"}));
  ExpectComputes("conv2d", "N=1 H=12 W=5 CI=6 CO=8 KH=7 KW=1 S=1 P=0 PH=3 act=silu",
                 Conv2d({.h = 12, .w = 5, .ci = 6, .co = 8, .kh = 7, .kw = 1, .ph = 3, .act = "silu"}));
  ExpectComputes("conv2d", "N=1 H=8 W=8 CI=6 CO=6 KH=1 KW=1 S=1 P=0 act=gelu_erf",
                 Conv2d({.ci = 6, .co = 6, .kh = 1, .kw = 1, .act = "gelu_erf"}));
  ExpectComputes(
      "conv2d", "N=1 H=13 W=14 CI=6 CO=6 KH=5 KW=3 S=3 P=1 act=relu",
      Conv2d({.h = 13, .w = 14, .ci = 6, .co = 6, .kh = 5, .s = 3, .ph = 1, .pw = 1, .act = "relu"}));
  ExpectComputes("conv2d", "N=1 H=8 W=8 CI=4 CO=4 KH=3 KW=3 bias=0", Conv2d({.bias = false}));
}

TEST(StandardOperators, Conv2dDilated) {
  ExpectComputes("conv2d", "N=1 H=10 W=10 CI=6 CO=6 KH=3 KW=3 S=1 P=2 DIL=2 act=relu",
                 Conv2d({.h = 10, .w = 10, .ci = 6, .co = 6, .ph = 2, .pw = 2, .dil = 2, .act = "relu"}));
  ExpectComputes("conv2d", "N=1 H=21 W=18 CI=4 CO=8 KH=3 KW=3 S=2 P=3 DIL=3",
                 Conv2d({.h = 21, .w = 18, .co = 8, .s = 2, .ph = 3, .pw = 3, .dil = 3}));
}

TEST(StandardOperators, Conv2dGrouped) {
  ExpectComputes(
      "conv2d", "N=2 H=10 W=10 CI=12 CO=18 KH=3 KW=3 S=1 P=1 G=3 act=relu6",
      Conv2d({.n = 2, .h = 10, .w = 10, .ci = 12, .co = 18, .ph = 1, .pw = 1, .g = 3, .act = "relu6"}));
  ExpectComputes("conv2d", "N=1 H=10 W=10 CI=8 CO=16 KH=3 KW=3 S=2 P=1 G=8",
                 Conv2d({.h = 10, .w = 10, .ci = 8, .co = 16, .s = 2, .ph = 1, .pw = 1, .g = 8}));
  ExpectComputes(
      "conv2d", "N=1 H=7 W=7 CI=6 CO=6 KH=5 KW=5 S=1 P=2 G=6 act=relu",
      Conv2d({.h = 7, .w = 7, .ci = 6, .co = 6, .kh = 5, .kw = 5, .ph = 2, .pw = 2, .g = 6, .act = "relu"}));
  ExpectComputes(
      "conv2d", "N=1 H=9 W=9 CI=6 CO=6 KH=3 KW=3 S=1 P=2 G=6 DIL=2 act=silu",
      Conv2d({.h = 9, .w = 9, .ci = 6, .co = 6, .ph = 2, .pw = 2, .dil = 2, .g = 6, .act = "silu"}));
}

TEST(StandardOperators, Conv1d) {
  ExpectComputes("conv1d", "N=2 L=13 CI=3 CO=4 K=5 S=2 P=2", [](const Arrays& in) {
    Array y({2, 7, 4});
    for (int64_t n = 0; n < 2; ++n) {
      for (int64_t x = 0; x < 7; ++x) {
        for (int64_t o = 0; o < 4; ++o) {
          for (int64_t c = 0; c < 3; ++c) {
            for (int64_t d = 0; d < 5; ++d)
              y({n, x, o}) += in[0].Or(0, {n, 2 * x + d - 2, c}) * in[1]({d, c, o});
          }
        }
      }
    }
    return y;
  });
}

TEST(StandardOperators, Conv3d) {
  ExpectComputes("conv3d", "N=2 D=4 H=5 W=6 CI=2 CO=3 K=3 S=1 P=1", [](const Arrays& in) {
    Array y({2, 4, 5, 6, 3});
    for (int64_t n = 0; n < 2; ++n) {
      for (int64_t z = 0; z < 4; ++z) {
        for (int64_t h = 0; h < 5; ++h) {
          for (int64_t w = 0; w < 6; ++w) {
            for (int64_t o = 0; o < 3; ++o) {
              for (int64_t tap = 0; tap < 54; ++tap) {
                int64_t c = tap % 2, dx = tap / 2 % 3, dy = tap / 6 % 3, dz = tap / 18;
                y({n, z, h, w, o}) +=
                    in[0].Or(0, {n, z + dz - 1, h + dy - 1, w + dx - 1, c}) * in[1]({dz, dy, dx, c, o});
              }
            }
          }
        }
      }
    }
    return y;
  });
}

/// Each input element is scattered to the outputs that it reaches.
Reference Transposed(int64_t n, int64_t h, int64_t w, int64_t ci, int64_t co, int64_t k, int64_t s,
                     int64_t p) {
  return [=](const Arrays& in) {
    Array y({n, (h - 1) * s + k - 2 * p, (w - 1) * s + k - 2 * p, co});
    for (int64_t b = 0; b < n; ++b) {
      for (int64_t iy = 0; iy < h; ++iy) {
        for (int64_t ix = 0; ix < w; ++ix) {
          for (int64_t dy = 0; dy < k; ++dy) {
            for (int64_t dx = 0; dx < k; ++dx) {
              int64_t oy = iy * s - p + dy, ox = ix * s - p + dx;
              if (oy < 0 || oy >= y.shape[1] || ox < 0 || ox >= y.shape[2]) continue;
              for (int64_t c = 0; c < ci; ++c) {
                for (int64_t o = 0; o < co; ++o)
                  y({b, oy, ox, o}) += in[0]({b, iy, ix, c}) * in[1]({dy, dx, c, o});
              }
            }
          }
        }
      }
    }
    return y;
  };
}

TEST(StandardOperators, Conv2dTranspose) {
  ExpectComputes("conv2d_transpose", "N=2 H=5 W=4 CI=3 CO=4 K=4 S=2 P=1", Transposed(2, 5, 4, 3, 4, 4, 2, 1));
  ExpectComputes("conv2d_transpose", "N=1 H=3 W=4 CI=2 CO=3 K=3 S=2 P=0", Transposed(1, 3, 4, 2, 3, 3, 2, 0));
  ExpectComputes("conv2d_transpose", "N=1 H=4 W=4 CI=2 CO=3 K=3 S=1 P=1", Transposed(1, 4, 4, 2, 3, 3, 1, 1));
  ExpectComputes("conv2d_transpose", "N=1 H=3 W=3 CI=2 CO=2 K=2 S=3 P=0", Transposed(1, 3, 3, 2, 2, 2, 3, 0));
}

}  // namespace
}  // namespace tunesmith::te
