// SPDX-License-Identifier: Apache-2.0
// The content of a tensor: what interpreters take and give, and what inputs are generated into.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "te/dtype.h"

namespace tunesmith::te {

/// A dense row-major array of one type. Elements are zero at first. Indices are flat and are not checked.
class Value {
 public:
  Value() = default;
  /// Extents are at least 0 and their product fits in memory.
  Value(DType dtype, std::vector<int64_t> shape);

  DType dtype() const { return dtype_; }
  const std::vector<int64_t>& shape() const { return shape_; }
  int64_t elements() const { return elements_; }
  int64_t size_in_bytes() const { return static_cast<int64_t>(bytes_.size()); }
  uint8_t* data() { return bytes_.data(); }
  const uint8_t* data() const { return bytes_.data(); }
  /// The elements as an array of the C++ type that has the dtype's representation.
  template <class T>
  T* as() {
    return reinterpret_cast<T*>(bytes_.data());
  }
  template <class T>
  const T* as() const {
    return reinterpret_cast<const T*>(bytes_.data());
  }

  /// The element as a number, whatever the type; an i64 beyond 2^53 is rounded.
  double Load(int64_t index) const;
  /// The element of an integer or bool tensor.
  int64_t LoadInteger(int64_t index) const;
  /// Rounds to the type half to even; an integer type truncates towards zero and saturates.
  void Store(int64_t index, double value);
  /// Stores into an integer or bool tensor; wraps.
  void StoreInteger(int64_t index, int64_t value);

  /// Same type, shape and bits.
  bool operator==(const Value&) const = default;

 private:
  DType dtype_ = DType::kF32;
  std::vector<int64_t> shape_;
  int64_t elements_ = 0;
  std::vector<uint8_t> bytes_;  // operator new aligns it for every element type
};

/// One element at `address`, as Value's functions of the same name do.
double LoadElement(DType dtype, const uint8_t* address);
int64_t LoadIntegerElement(DType dtype, const uint8_t* address);
void StoreElement(DType dtype, uint8_t* address, double value);
void StoreIntegerElement(DType dtype, uint8_t* address, int64_t value);

}  // namespace tunesmith::te
