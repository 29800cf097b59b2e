// SPDX-License-Identifier: Apache-2.0
#include "te/value.h"

#include "te/scalar.h"

namespace tunesmith::te {
namespace {

template <class T>
T Get(const uint8_t* address) {
  T value;
  std::memcpy(&value, address, sizeof value);
  return value;
}

template <class T>
void Put(uint8_t* address, T value) {
  std::memcpy(address, &value, sizeof value);
}

}  // namespace

Value::Value(DType dtype, std::vector<int64_t> shape) : dtype_(dtype), shape_(std::move(shape)) {
  elements_ = 1;
  for (int64_t extent : shape_) elements_ *= extent;
  bytes_.resize(static_cast<size_t>(elements_ * SizeOf(dtype)));
}

double Value::Load(int64_t index) const { return LoadElement(dtype_, data() + index * SizeOf(dtype_)); }
int64_t Value::LoadInteger(int64_t index) const {
  return LoadIntegerElement(dtype_, data() + index * SizeOf(dtype_));
}
void Value::Store(int64_t index, double value) {
  StoreElement(dtype_, data() + index * SizeOf(dtype_), value);
}
void Value::StoreInteger(int64_t index, int64_t value) {
  StoreIntegerElement(dtype_, data() + index * SizeOf(dtype_), value);
}

double LoadElement(DType dtype, const uint8_t* address) {
  switch (dtype) {
    case DType::kF64:
      return Get<double>(address);
    case DType::kF32:
      return Get<float>(address);
    case DType::kF16:
      return F16FromBits(Get<uint16_t>(address));
    case DType::kBF16:
      return BF16FromBits(Get<uint16_t>(address));
    default:
      return static_cast<double>(LoadIntegerElement(dtype, address));
  }
}

int64_t LoadIntegerElement(DType dtype, const uint8_t* address) {
  switch (dtype) {
    case DType::kI64:
      return Get<int64_t>(address);
    case DType::kI32:
      return Get<int32_t>(address);
    case DType::kI16:
      return Get<int16_t>(address);
    case DType::kI8:
      return Get<int8_t>(address);
    default:
      return *address;
  }
}

void StoreElement(DType dtype, uint8_t* address, double value) {
  switch (dtype) {
    case DType::kF64:
      return Put(address, value);
    case DType::kF32:
      return Put(address, static_cast<float>(value));
    case DType::kF16:
      return Put(address, F16Bits(value));
    case DType::kBF16:
      return Put(address, BF16Bits(value));
    default:
      return StoreIntegerElement(dtype, address, CastToInteger(dtype, Rounding::kTowardsZero, value));
  }
}

void StoreIntegerElement(DType dtype, uint8_t* address, int64_t value) {
  switch (dtype) {
    case DType::kI64:
      return Put(address, value);
    case DType::kI32:
      return Put(address, static_cast<int32_t>(value));
    case DType::kI16:
      return Put(address, static_cast<int16_t>(value));
    case DType::kBool:
      return Put(address, static_cast<uint8_t>(value & 1));
    default:
      return Put(address, static_cast<uint8_t>(value));
  }
}

}  // namespace tunesmith::te
