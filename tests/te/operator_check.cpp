// SPDX-License-Identifier: Apache-2.0
#include "tests/te/operator_check.h"

#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "te/interpret.h"
#include "te/language.h"

namespace tunesmith::te {
namespace {

Array ToArray(const Value& value) {
  Array array(value.shape());
  for (int64_t i = 0; i < value.elements(); ++i) array.elements[static_cast<size_t>(i)] = value.Load(i);
  return array;
}

void ExpectNear(const Value& got, const Array& want, double slack, const std::string& what) {
  ASSERT_EQ(got.elements(), static_cast<int64_t>(want.elements.size())) << what;
  // Half a unit in the last place, and what double precision leaves.
  double precision = std::ldexp(1.0, -std::max(MantissaBits(got.dtype()), 0));
  if (!IsFloat(got.dtype())) precision = 0;
  for (int64_t i = 0; i < got.elements(); ++i) {
    double expected = want.elements[static_cast<size_t>(i)];
    ASSERT_NEAR(got.Load(i), expected, slack * (precision * std::fabs(expected) * 1.0001 + 1e-13))
        << what << ", element " << i;
  }
}

}  // namespace

Array::Array(std::vector<int64_t> extents) : shape(std::move(extents)) {
  int64_t count = 1;
  for (int64_t extent : shape) count *= extent;
  elements.resize(static_cast<size_t>(count));
}

bool Array::Find(const std::vector<int64_t>& indices, size_t* flat) const {
  EXPECT_EQ(indices.size(), shape.size());
  int64_t at = 0;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (indices[d] < 0 || indices[d] >= shape[d]) return false;
    at = at * shape[d] + indices[d];
  }
  *flat = static_cast<size_t>(at);
  return true;
}

double& Array::operator()(const std::vector<int64_t>& indices) {
  size_t flat = 0;
  EXPECT_TRUE(Find(indices, &flat));
  return elements[flat];
}

double Array::operator()(const std::vector<int64_t>& indices) const {
  size_t flat = 0;
  EXPECT_TRUE(Find(indices, &flat));
  return elements[flat];
}

double Array::Or(double otherwise, const std::vector<int64_t>& indices) const {
  size_t flat = 0;
  return Find(indices, &flat) ? elements[flat] : otherwise;
}

void ExpectComputes(const std::string& op, const std::string& bindings, const Reference& reference,
                    InputKind kind) {
  std::string what = op + " " + bindings;
  auto definition = StandardOperator(op);
  ASSERT_TRUE(definition.ok()) << definition.status();
  std::vector<std::string> words;
  std::istringstream stream(bindings);
  for (std::string word; stream >> word;) words.push_back(word);
  auto workload = Bind(*definition, words);
  ASSERT_TRUE(workload.ok()) << what << ": " << workload.status();

  const Graph& graph = workload->definition();
  auto inputs = GenerateInputs(kind, 17, graph);
  std::vector<Array> arrays;
  for (const Value& input : inputs) arrays.push_back(ToArray(input));
  Array want = reference(arrays);

  auto got = Interpret(graph, inputs);
  ASSERT_TRUE(got.ok()) << what << ": " << got.status();
  ASSERT_EQ(got->size(), 1u);
  EXPECT_EQ(got->front().shape(), want.shape) << what;
  ExpectNear(got->front(), want, 1, what);
  for (const Algorithm& algorithm : workload->algorithms) {
    auto normal = Interpret(Normalize(algorithm.graph), inputs);
    ASSERT_TRUE(normal.ok()) << what << ": " << normal.status();
    ExpectNear(normal->front(), want, algorithm.tolerance_factor, what + ", normalised, " + algorithm.name);
  }
}

double Activate(const std::string& act, double x) {
  if (act == "relu") return std::max(x, 0.0);
  if (act == "relu6") return std::min(std::max(x, 0.0), 6.0);
  if (act == "silu") return x / (1 + std::exp(-x));
  // The definition's constant is an f32.
  if (act == "gelu_erf") return 0.5 * x * (1 + std::erf(x * static_cast<float>(M_SQRT1_2)));
  EXPECT_EQ(act, "none");
  return x;
}

}  // namespace tunesmith::te
