// SPDX-License-Identifier: Apache-2.0
#include "measure/expectation.h"

#include <cmath>
#include <cstring>

#include "support/strings.h"

namespace tunesmith::measure {
namespace {

std::string Print(te::DType dtype, const uint8_t* element) {
  const double value = te::LoadElement(dtype, element);
  if (dtype == te::DType::kF64) return StrCat(value);
  if (te::IsFloat(dtype)) return StrCat(static_cast<float>(value));
  return StrCat(te::LoadIntegerElement(dtype, element));
}

}  // namespace

int64_t Interface::elements() const {
  int64_t count = 1;
  for (int64_t extent : shape) count *= extent;
  return count;
}

bool ExpectedOutput::IsWhole(const Interface& tensor) const {
  return static_cast<int64_t>(indices.size()) == tensor.elements();  // ascending: none twice
}

std::string ElementName(const Interface& tensor, uint64_t index) {
  std::vector<int64_t> position(tensor.shape.size());
  auto rest = static_cast<int64_t>(index);
  for (size_t d = tensor.shape.size(); d-- > 0;) {
    if (tensor.shape[d] == 0) continue;  // a tensor without elements
    position[d] = rest % tensor.shape[d];
    rest /= tensor.shape[d];
  }
  return StrCat(tensor.name, "[", StrJoin(position, ", "), "]");
}

std::optional<std::string> CompareElements(const Interface& tensor, const ExpectedOutput& expected,
                                           const std::vector<uint8_t>& data, double tolerance_factor) {
  const auto size = static_cast<size_t>(te::SizeOf(tensor.dtype));
  const bool f32 = tensor.dtype == te::DType::kF32;
  for (size_t i = 0; i < expected.indices.size(); ++i) {
    const uint8_t* got = data.data() + i * size;
    te::Expected element = expected.elements[i];
    element.bound *= tolerance_factor;
    if (f32) {  // the usual case: written so that a NaN or an infinity is left to `Accepts`
      float value;
      std::memcpy(&value, got, sizeof value);
      if (std::fabs(static_cast<double>(value) - element.value) <= element.bound) continue;
    }
    if (te::Accepts(element, tensor.dtype, got)) continue;
    return StrCat(ElementName(tensor, expected.indices[i]), " is ", Print(tensor.dtype, got),
                  ", but must be ", te::ToString(element, tensor.dtype));
  }
  return std::nullopt;
}

std::optional<std::string> CompareProjection(const Interface& tensor, const Projection& projection,
                                             const std::vector<uint8_t>& data, double tolerance_factor) {
  const size_t columns = projection.weights.size();
  const auto size = static_cast<size_t>(te::SizeOf(tensor.dtype));
  const auto accumulate = [&](const auto& load) {
    std::optional<std::string> wrong;
    for (size_t row = 0; row < projection.sums.size() && !wrong; ++row) {
      const uint8_t* at = data.data() + row * columns * size;
      double sum = 0;
      for (size_t j = 0; j < columns; ++j) sum += load(at + j * size) * projection.weights[j];
      // Written so that a NaN is refused.
      if (std::fabs(sum - projection.sums[row]) <= projection.bounds[row] * tolerance_factor) continue;
      wrong = StrCat("the row of ", ElementName(tensor, row * columns), " sums to ", sum,
                     " under random signs, but must to ", projection.sums[row], " ± ",
                     projection.bounds[row] * tolerance_factor);
    }
    return wrong;
  };
  if (tensor.dtype == te::DType::kF32) {  // the usual case, worth a loop without a call
    return accumulate([](const uint8_t* at) {
      float value;
      std::memcpy(&value, at, sizeof value);
      return static_cast<double>(value);
    });
  }
  return accumulate([&](const uint8_t* at) { return te::LoadElement(tensor.dtype, at); });
}

}  // namespace tunesmith::measure
