// SPDX-License-Identifier: Apache-2.0
// The standard operators that reduce rows, windows and columns: softmax, normalisation, attention, pooling.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/te/operator_check.h"

namespace tunesmith::te {
namespace {

using Arrays = std::vector<Array>;

TEST(StandardOperators, Softmax) {
  for (int64_t columns : {37, 1}) {
    ExpectComputes("softmax", "R=5 C=" + std::to_string(columns), [=](const Arrays& in) {
      Array y({5, columns});
      for (int64_t r = 0; r < 5; ++r) {
        double sum = 0;
        for (int64_t c = 0; c < columns; ++c) sum += std::exp(in[0]({r, c}));
        for (int64_t c = 0; c < columns; ++c) y({r, c}) = std::exp(in[0]({r, c})) / sum;
      }
      return y;
    });
  }
}

TEST(StandardOperators, SoftmaxOfLargeValuesDoesNotOverflow) {
  ExpectComputes(
      "softmax", "R=3 C=9",
      [](const Arrays& in) {
        // So far apart that only the largest counts.
        Array y({3, 9});
        for (int64_t r = 0; r < 3; ++r) {
          int64_t most = 0;
          for (int64_t c = 0; c < 9; ++c) most = in[0]({r, c}) > in[0]({r, most}) ? c : most;
          y({r, most}) = 1;
        }
        return y;
      },
      InputKind::kLarge);
}

double Mean(const Array& x, int64_t row) {
  double sum = 0;
  for (int64_t c = 0; c < x.shape[1]; ++c) sum += x({row, c});
  return sum / static_cast<double>(x.shape[1]);
}

double Variance(const Array& x, int64_t row) {
  double sum = 0, mean = Mean(x, row);
  for (int64_t c = 0; c < x.shape[1]; ++c) sum += (x({row, c}) - mean) * (x({row, c}) - mean);
  return sum / static_cast<double>(x.shape[1]);
}

Array Transposed(const Array& x) {
  Array y({x.shape[1], x.shape[0]});
  for (int64_t r = 0; r < x.shape[0]; ++r) {
    for (int64_t c = 0; c < x.shape[1]; ++c) y({c, r}) = x({r, c});
  }
  return y;
}

TEST(StandardOperators, LayerNorm) {
  for (double eps : {1e-5, 0.5}) {
    ExpectComputes("layer_norm", eps == 0.5 ? "R=5 C=37 eps=0.5" : "R=5 C=37", [=](const Arrays& in) {
      Array y({5, 37});
      // The definition's constant is an f32.
      double epsilon = static_cast<float>(eps);
      for (int64_t r = 0; r < 5; ++r) {
        for (int64_t c = 0; c < 37; ++c) {
          double unit = (in[0]({r, c}) - Mean(in[0], r)) / std::sqrt(Variance(in[0], r) + epsilon);
          y({r, c}) = unit * in[1]({c}) + in[2]({c});
        }
      }
      return y;
    });
  }
}

TEST(StandardOperators, RmsNorm) {
  ExpectComputes("rms_norm", "R=5 C=37", [](const Arrays& in) {
    Array y({5, 37});
    for (int64_t r = 0; r < 5; ++r) {
      double squares = 0;
      for (int64_t c = 0; c < 37; ++c) squares += in[0]({r, c}) * in[0]({r, c});
      for (int64_t c = 0; c < 37; ++c) {
        y({r, c}) = in[0]({r, c}) / std::sqrt(squares / 37 + static_cast<float>(1e-5)) * in[1]({c});
      }
    }
    return y;
  });
}

/// The weights softmax(q K^T / sqrt(D)) V of one query; `key` and `value` read one feature of one position.
std::vector<double> Attend(const std::vector<double>& q, int64_t positions,
                           const std::function<double(int64_t, int64_t)>& key,
                           const std::function<double(int64_t, int64_t)>& value) {
  std::vector<double> out(q.size());
  double total = 0;
  for (int64_t s = 0; s < positions; ++s) {
    double score = 0;
    for (size_t d = 0; d < q.size(); ++d) score += q[d] * key(s, static_cast<int64_t>(d));
    // The definition's scale is an f32.
    double weight = std::exp(score * static_cast<float>(1 / std::sqrt(static_cast<double>(q.size()))));
    total += weight;
    for (size_t d = 0; d < q.size(); ++d) out[d] += weight * value(s, static_cast<int64_t>(d));
  }
  for (double& x : out) x /= total;
  return out;
}

TEST(StandardOperators, Attention) {
  for (int64_t batches : {1, 2}) {
    ExpectComputes("attention", "B=" + std::to_string(batches) + " H=3 S=17 D=6", [=](const Arrays& in) {
      Array o({batches, 3, 17, 6});
      for (int64_t b = 0; b < batches; ++b) {
        for (int64_t h = 0; h < 3; ++h) {
          for (int64_t s = 0; s < 17; ++s) {
            std::vector<double> q;
            for (int64_t d = 0; d < 6; ++d) q.push_back(in[0]({b, h, s, d}));
            auto row = Attend(
                q, 17, [&](int64_t k, int64_t d) { return in[1]({b, h, k, d}); },
                [&](int64_t k, int64_t d) { return in[2]({b, h, k, d}); });
            for (int64_t d = 0; d < 6; ++d) o({b, h, s, d}) = row[static_cast<size_t>(d)];
          }
        }
      }
      return o;
    });
  }
}

TEST(StandardOperators, GqaDecode) {
  for (int64_t groups : {2, 3, 6}) {
    ExpectComputes("gqa_decode", "B=2 HQ=6 HKV=" + std::to_string(groups) + " S=33 D=4",
                   [=](const Arrays& in) {
                     Array o({2, 6, 4});
                     for (int64_t b = 0; b < 2; ++b) {
                       for (int64_t h = 0; h < 6; ++h) {
                         int64_t group = h / (6 / groups);
                         std::vector<double> q;
                         for (int64_t d = 0; d < 4; ++d) q.push_back(in[0]({b, h, d}));
                         auto row = Attend(
                             q, 33, [&](int64_t k, int64_t d) { return in[1]({b, group, k, d}); },
                             [&](int64_t k, int64_t d) { return in[2]({b, group, k, d}); });
                         for (int64_t d = 0; d < 4; ++d) o({b, h, d}) = row[static_cast<size_t>(d)];
                       }
                     }
                     return o;
                   });
  }
}

/// Reduces the windows of X[2, 9, 12, 5], 3 by 3 with stride 2, padded by ph rows and pw columns.
Reference Pool(int64_t ph, int64_t pw, bool largest) {
  return [=](const Arrays& in) {
    Array y({2, (9 + 2 * ph - 3) / 2 + 1, (12 + 2 * pw - 3) / 2 + 1, 5});
    for (int64_t n = 0; n < 2; ++n) {
      for (int64_t oy = 0; oy < y.shape[1]; ++oy) {
        for (int64_t ox = 0; ox < y.shape[2]; ++ox) {
          for (int64_t c = 0; c < 5; ++c) {
            double most = -std::numeric_limits<double>::infinity(), sum = 0;
            for (int64_t tap = 0; tap < 9; ++tap) {
              std::vector<int64_t> at = {n, oy * 2 - ph + tap / 3, ox * 2 - pw + tap % 3, c};
              most = std::max(most, in[0].Or(most, at));
              sum += in[0].Or(0, at);
            }
            y({n, oy, ox, c}) = largest ? most : sum * static_cast<float>(1.0 / 9);
          }
        }
      }
    }
    return y;
  };
}

TEST(StandardOperators, Pooling) {
  ExpectComputes("max_pool2d", "N=2 H=9 W=12 C=5 K=3 S=2 P=1", Pool(1, 1, true));
  ExpectComputes("max_pool2d", "N=2 H=9 W=12 C=5 K=3 S=2 PH=1 PW=0", Pool(1, 0, true));
  ExpectComputes("avg_pool2d", "N=2 H=9 W=12 C=5 K=3 S=2 P=1", Pool(1, 1, false));
  ExpectComputes("avg_pool2d", "N=2 H=9 W=12 C=5 K=3 S=2", Pool(0, 0, false));
  ExpectComputes("global_avg_pool", "N=2 H=3 W=5 C=19", [](const Arrays& in) {
    Array y({2, 19});
    for (int64_t n = 0; n < 2; ++n) {
      for (int64_t c = 0; c < 19; ++c) {
        for (int64_t i = 0; i < 15; ++i) y({n, c}) += in[0]({n, i / 5, i % 5, c}) / 15;
      }
    }
    return y;
  });
}

/// The operator over rows, and over columns, which are the rows of the transposed input.
void ExpectReduces(const std::string& op, const std::function<double(const Array&, int64_t)>& reduce) {
  for (int64_t axis : {0, 1}) {
    ExpectComputes(op, "R=5 C=7 axis=" + std::to_string(axis), [=](const Arrays& in) {
      Array x = axis == 1 ? in[0] : Transposed(in[0]);
      Array y({x.shape[0]});
      for (int64_t r = 0; r < x.shape[0]; ++r) y({r}) = reduce(x, r);
      return y;
    });
  }
}

int64_t IndexOf(const Array& x, int64_t row, bool largest) {
  int64_t best = 0;
  for (int64_t c = 0; c < x.shape[1]; ++c) {
    if (largest ? x({row, c}) > x({row, best}) : x({row, c}) < x({row, best})) best = c;
  }
  return best;
}

TEST(StandardOperators, Reductions) {
  ExpectReduces("reduce_sum",
                [](const Array& x, int64_t r) { return Mean(x, r) * static_cast<double>(x.shape[1]); });
  ExpectReduces("reduce_max", [](const Array& x, int64_t r) { return x({r, IndexOf(x, r, true)}); });
  ExpectReduces("reduce_min", [](const Array& x, int64_t r) { return x({r, IndexOf(x, r, false)}); });
  ExpectReduces("mean", Mean);
  ExpectReduces("variance", Variance);
  ExpectReduces("argmax", [](const Array& x, int64_t r) { return IndexOf(x, r, true); });
  ExpectReduces("argmin", [](const Array& x, int64_t r) { return IndexOf(x, r, false); });
}

TEST(StandardOperators, ArgmaxOfEqualValuesIsTheFirst) {
  ExpectComputes("argmax", "R=3 C=9 index=i32", [](const Arrays&) { return Array({3}); }, InputKind::kEqual);
}

TEST(StandardOperators, FrobeniusNorm) {
  ExpectComputes("frobenius_norm", "B=3 M=4 N=5", [](const Arrays& in) {
    Array y({3});
    for (int64_t b = 0; b < 3; ++b) {
      for (int64_t i = 0; i < 20; ++i) y({b}) += in[0]({b, i / 5, i % 5}) * in[0]({b, i / 5, i % 5});
      y({b}) = std::sqrt(y({b}));
    }
    return y;
  });
}

}  // namespace
}  // namespace tunesmith::te
