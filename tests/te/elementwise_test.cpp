// SPDX-License-Identifier: Apache-2.0
// The standard operators that compute each element from few others.
#include <gtest/gtest.h>

#include <cmath>

#include "te/language.h"
#include "tests/te/operator_check.h"

namespace tunesmith::te {
namespace {

using Arrays = std::vector<Array>;

/// Y[r, c] = f(X[r, c]) for 5 rows and 37 columns.
void ExpectMaps(const std::string& op, const std::function<double(double)>& f, const std::string& more = "",
                InputKind kind = InputKind::kUniform) {
  ExpectComputes(
      op, "R=5 C=37 " + more,
      [&](const Arrays& in) {
        Array y = in[0];
        for (double& x : y.elements) x = f(x);
        return y;
      },
      kind);
}

TEST(StandardOperators, Activations) {
  ExpectMaps("relu", [](double x) { return Activate("relu", x); });
  ExpectMaps(
      "relu6", [](double x) { return Activate("relu6", x); }, "", InputKind::kCancelling);
  ExpectMaps("silu", [](double x) { return Activate("silu", x); });
  ExpectMaps("sigmoid", [](double x) { return 1 / (1 + std::exp(-x)); });
  ExpectMaps("tanh", [](double x) { return std::tanh(x); });
  ExpectMaps("exp", [](double x) { return std::exp(x); });
  ExpectMaps("leaky_relu", [](double x) { return x > 0 ? x : x * static_cast<float>(0.01); });
  ExpectMaps(
      "leaky_relu", [](double x) { return x > 0 ? x : x * 0.25; }, "slope=0.25");
  ExpectMaps("elu", [](double x) { return x > 0 ? x : std::expm1(x); });
  ExpectMaps(
      "elu", [](double x) { return x > 0 ? x : 0.5 * std::expm1(x); }, "alpha=0.5");
  ExpectMaps("hard_swish", [](double x) { return x * std::min(std::max(x + 3, 0.0), 6.0) * (1.0f / 6); });
}

TEST(StandardOperators, Gelu) {
  // The definition's constants are f32.
  ExpectMaps("gelu_erf",
             [](double x) { return 0.5 * x * (1 + std::erf(x * static_cast<float>(M_SQRT1_2))); });
  ExpectMaps("gelu_tanh", [](double x) {
    double c = static_cast<float>(std::sqrt(2 / M_PI)), d = 0.044715f;
    return 0.5 * x * (1 + std::tanh(c * (x + d * x * x * x)));
  });
}

/// With each of A and B a matrix, a row, a column and a single value.
void ExpectCombines(const std::string& op, const std::function<double(double, double)>& f) {
  struct Shape {
    int64_t rows, columns;
  };
  const Shape shapes[] = {{4, 6}, {1, 6}, {4, 1}, {1, 1}};
  auto bindings = [](const std::string& name, const Shape& shape) {
    return (shape.rows == 1 ? " " + name + "R=1" : "") + (shape.columns == 1 ? " " + name + "C=1" : "");
  };
  for (const Shape& a : shapes) {
    for (const Shape& b : shapes) {
      ExpectComputes(op, "R=4 C=6" + bindings("A", a) + bindings("B", b), [&](const Arrays& in) {
        EXPECT_EQ(in[0].shape, (std::vector<int64_t>{a.rows, a.columns}));
        EXPECT_EQ(in[1].shape, (std::vector<int64_t>{b.rows, b.columns}));
        Array y({4, 6});
        auto at = [](const Array& x, int64_t r, int64_t c) {
          return x({x.shape[0] == 1 ? 0 : r, x.shape[1] == 1 ? 0 : c});
        };
        for (int64_t r = 0; r < 4; ++r) {
          for (int64_t c = 0; c < 6; ++c) y({r, c}) = f(at(in[0], r, c), at(in[1], r, c));
        }
        return y;
      });
    }
  }
}

TEST(StandardOperators, Arithmetic) {
  ExpectCombines("add", [](double a, double b) { return a + b; });
  ExpectCombines("sub", [](double a, double b) { return a - b; });
  ExpectCombines("mul", [](double a, double b) { return a * b; });
  ExpectCombines("div", [](double a, double b) { return a / b; });
  ExpectCombines("maximum", [](double a, double b) { return std::max(a, b); });
  ExpectCombines("minimum", [](double a, double b) { return std::min(a, b); });
  ExpectCombines("add_relu", [](double a, double b) { return std::max(a + b, 0.0); });
}

TEST(StandardOperators, BroadcastingTakesOneOrAll) {
  Operator add = StandardOperator("add").value();
  EXPECT_TRUE(Bind(add, {"R=0", "C=6", "AR=1", "BC=1"}).ok());
  for (const char* wrong : {"AR=2", "AC=2", "BR=2", "BC=2"})
    EXPECT_FALSE(Bind(add, {"R=4", "C=6", wrong}).ok());
  EXPECT_EQ(MessageOf(Bind(add, {"R=4"}).status()), "add: C is not given; write C=64");
}

TEST(StandardOperators, IntegerArithmeticWraps) {
  ExpectComputes("mul", "R=4 C=6 dtype=i32", [](const Arrays& in) {
    Array y = in[0];
    for (size_t i = 0; i < y.elements.size(); ++i) {
      auto a = static_cast<int64_t>(in[0].elements[i]), b = static_cast<int64_t>(in[1].elements[i]);
      y.elements[i] = static_cast<int32_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
    }
    return y;
  });
}

TEST(StandardOperators, Transpose) {
  for (std::string dtype : {"f32", "f64", "f16", "bf16", "i64", "i32", "i16", "i8", "u8", "bool"}) {
    ExpectComputes("transpose", "R=5 C=7 dtype=" + dtype, [](const Arrays& in) {
      Array y({7, 5});
      for (int64_t r = 0; r < 5; ++r) {
        for (int64_t c = 0; c < 7; ++c) y({c, r}) = in[0]({r, c});
      }
      return y;
    });
  }
}

TEST(StandardOperators, Concat) {
  for (std::string dtype : {"f32", "i8"}) {
    ExpectComputes("concat", "R=3 CA=4 CB=5 dtype=" + dtype, [](const Arrays& in) {
      Array y({3, 9});
      for (int64_t r = 0; r < 3; ++r) {
        for (int64_t c = 0; c < 4; ++c) y({r, c}) = in[0]({r, c});
        for (int64_t c = 0; c < 5; ++c) y({r, 4 + c}) = in[1]({r, c});
      }
      return y;
    });
  }
  ExpectComputes("concat", "R=3 CA=0 CB=5", [](const Arrays& in) { return in[1]; });
}

TEST(StandardOperators, Pad) {
  ExpectComputes("pad", "R=3 C=4 top=1 bottom=2 left=3 value=0.5", [](const Arrays& in) {
    Array y({6, 7});
    for (double& x : y.elements) x = 0.5;
    for (int64_t r = 0; r < 3; ++r) {
      for (int64_t c = 0; c < 4; ++c) y({1 + r, 3 + c}) = in[0]({r, c});
    }
    return y;
  });
}

}  // namespace
}  // namespace tunesmith::te
