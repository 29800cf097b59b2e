// SPDX-License-Identifier: Apache-2.0
#include "cli/output_check.h"

#include <algorithm>
#include <cmath>

#include "measure/check.h"
#include "te/interpret.h"

namespace tunesmith::cli {
namespace {

/// The same with the bounds that the allowance makes of them.
measure::ExpectedOutput Allowed(measure::ExpectedOutput output, te::DType dtype, const Allowance& allowance) {
  double largest = 0;
  for (const te::Expected& e : output.elements) {
    if (std::isfinite(e.value)) largest = std::max(largest, std::fabs(e.value));
  }
  const double least = te::IsFloat(dtype) ? allowance.of_largest * largest : 0;
  for (te::Expected& e : output.elements) e.bound = std::max(e.bound * allowance.tolerance_factor, least);
  return output;
}

}  // namespace

Status OutputCheck::Expect(const Blobs& inputs) {
  std::vector<te::Value> values;
  std::vector<int> parameters = definition_.Parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const te::Tensor& t = definition_.tensors[static_cast<size_t>(parameters[i])];
    te::Value value(t.dtype, t.shape);
    std::copy(inputs[i].begin(), inputs[i].end(), value.data());
    values.push_back(std::move(value));
  }
  TS_ASSIGN_OR_RETURN(te::ElementEvaluator evaluator,
                      te::ElementEvaluator::Create(definition_, values, te::Tolerance()));
  std::vector<measure::ExpectedOutput> expected;
  std::vector<int> ids = definition_.Outputs();
  for (size_t o = 0; o < ids.size(); ++o) {
    constexpr int64_t kElements = 512;
    constexpr uint64_t kSeed = 1;
    measure::ExpectedOutput& output = expected.emplace_back();
    output.indices =
        measure::ChooseElements(definition_.tensors[static_cast<size_t>(ids[o])].shape, kElements, kSeed);
    for (uint64_t index : output.indices)
      output.elements.push_back(evaluator.Evaluate(static_cast<int>(o), static_cast<int64_t>(index)));
  }
  expected_ = std::move(expected);
  return absl::OkStatus();
}

Status OutputCheck::Check(const Blobs& inputs, const Blobs& outputs, const Allowance& allowance) {
  if (expected_.empty()) TS_RETURN_IF_ERROR(Expect(inputs));
  std::vector<int> ids = definition_.Outputs();
  for (size_t o = 0; o < ids.size(); ++o) {
    const te::Tensor& t = definition_.tensors[static_cast<size_t>(ids[o])];
    const auto size = static_cast<std::ptrdiff_t>(te::SizeOf(t.dtype));
    std::vector<uint8_t> chosen;
    for (uint64_t index : expected_[o].indices) {
      auto element = outputs[o].begin() + static_cast<std::ptrdiff_t>(index) * size;
      chosen.insert(chosen.end(), element, element + size);
    }
    measure::ExpectedOutput allowed = Allowed(expected_[o], t.dtype, allowance);
    if (auto wrong = measure::CompareElements({t.name, t.dtype, t.shape, t.role}, allowed, chosen, 1))
      return Invalid(*wrong);
  }
  return absl::OkStatus();
}

}  // namespace tunesmith::cli
