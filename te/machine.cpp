// SPDX-License-Identifier: Apache-2.0
#include "te/machine.h"

#include <algorithm>

#include "te/error_bounds.h"
#include "te/scalar.h"
#include "te/value.h"

namespace tunesmith::te {
namespace {

int64_t ValueAt(const Affine& a, const std::vector<int64_t>& point) {
  int64_t value = a.constant;
  for (const auto& [axis, coefficient] : a.terms) value += coefficient * point[static_cast<size_t>(axis)];
  return value;
}

/// out[l] = data[l * step], converted.
template <class T, class Out>
void Gather(const T* data, int64_t step, int count, Out* out) {
  if (step == 0) {
    std::fill(out, out + count, static_cast<Out>(*data));
  } else if (step == 1) {
    for (int l = 0; l < count; ++l) out[l] = static_cast<Out>(data[l]);
  } else {
    for (int l = 0; l < count; ++l) out[l] = static_cast<Out>(data[l * step]);
  }
}

void GatherStored(const Source& source, int64_t first, int64_t step, int count, double* out) {
  if (source.dtype == DType::kF32) {
    Gather(reinterpret_cast<const float*>(source.stored) + first, step, count, out);
  } else if (source.dtype == DType::kF64) {
    Gather(reinterpret_cast<const double*>(source.stored) + first, step, count, out);
  } else {
    const auto* bits = reinterpret_cast<const uint16_t*>(source.stored) + first;
    auto decode = source.dtype == DType::kF16 ? F16FromBits : BF16FromBits;
    for (int l = 0; l < count; ++l) out[l] = decode(bits[l * step]);
  }
}

void GatherStored(const Source& source, int64_t first, int64_t step, int count, int64_t* out) {
  switch (source.dtype) {
    case DType::kI64:
      return Gather(reinterpret_cast<const int64_t*>(source.stored) + first, step, count, out);
    case DType::kI32:
      return Gather(reinterpret_cast<const int32_t*>(source.stored) + first, step, count, out);
    case DType::kI16:
      return Gather(reinterpret_cast<const int16_t*>(source.stored) + first, step, count, out);
    case DType::kI8:
      return Gather(reinterpret_cast<const int8_t*>(source.stored) + first, step, count, out);
    default:
      return Gather(source.stored + first, step, count, out);
  }
}

/// The lanes [begin, end) for which 0 <= first + step * lane < extent, narrowed from what is there.
void NarrowLanes(int64_t first, int64_t step, int64_t extent, int* begin, int* end) {
  int64_t low = *begin, high = *end;
  if (step == 0) {
    if (first < 0 || first >= extent) high = low;
  } else {
    // Solve for the lane; with a negative step, the other end of the range comes first.
    int64_t from = step > 0 ? -first : extent - 1 - first, to = step > 0 ? extent - 1 - first : -first;
    low = std::max(low, -FloorDiv(-from, step));
    high = std::min(high, FloorDiv(to, step) + 1);
  }
  *begin = static_cast<int>(std::min<int64_t>(low, *end));
  *end = static_cast<int>(std::max<int64_t>(high, *begin));
}

}  // namespace

Machine::Machine(Bytecode code, bool bounded) : code_(std::move(code)), bounded_(bounded) {
  floats_.resize(Lane(code_.float_registers));
  integers_.resize(Lane(code_.int_registers));
  if (bounded_) {
    float_errors_.resize(floats_.size());
    integer_errors_.resize(integers_.size());
  }
  for (const Instruction& in : code_.constants) {
    if (IsFloat(in.type)) {
      std::fill_n(&floats_[Lane(in.to)], kLanes, in.number);
    } else {
      std::fill_n(&integers_[Lane(in.to)], kLanes, in.integer);
    }
  }
}

void Machine::Run(const std::vector<int64_t>& point, int lane_axis, int lanes,
                  const std::vector<Source>& sources, Supplier* supplier) {
  point_ = &point;
  lane_axis_ = lane_axis;
  lanes_ = lanes;
  sources_ = &sources;
  supplier_ = supplier;
  for (const Instruction& in : code_.instructions) {
    Execute(in, lanes);
    if (bounded_) ExecuteErrors(in, lanes);
  }
}

void Machine::Execute(const Instruction& in, int n) {
  double* f = floats_.data();
  int64_t* i = integers_.data();
  size_t to = Lane(in.to), a = Lane(in.a), b = Lane(in.b), c = Lane(in.c);
  // One loop an operation: the common ones are worth an instruction of their own, the others branch inside.
  auto floats = [&](auto apply) {
    for (int l = 0; l < n; ++l) f[to + l] = apply(f[a + l], f[b + l]);
  };
  auto integers = [&](auto apply) {
    for (int l = 0; l < n; ++l) i[to + l] = apply(i[a + l], i[b + l]);
  };
  switch (in.op) {
    case Opcode::kConstant:
      break;
    case Opcode::kAffine: {
      const Affine& affine = code_.affines[static_cast<size_t>(in.extra)];
      int64_t first = ValueAt(affine, *point_), step = affine.CoefficientOf(lane_axis_);
      for (int l = 0; l < n; ++l) i[to + l] = first + step * l;
      break;
    }
    case Opcode::kLoad:
      ExecuteLoad(in);
      break;
    case Opcode::kFloatBinary:
      if (in.kind == ExprKind::kAdd) return floats([](double x, double y) { return x + y; });
      if (in.kind == ExprKind::kSub) return floats([](double x, double y) { return x - y; });
      if (in.kind == ExprKind::kMul) return floats([](double x, double y) { return x * y; });
      return floats([&](double x, double y) { return ApplyFloat(in.kind, x, y); });
    case Opcode::kIntBinary:
      if (in.kind == ExprKind::kMul && in.type == DType::kI32) {
        return integers([](int64_t x, int64_t y) { return static_cast<int32_t>(x * y); });
      }
      return integers([&](int64_t x, int64_t y) { return ApplyInteger(in.kind, in.type, x, y); });
    case Opcode::kFloatCompare:
      for (int l = 0; l < n; ++l) i[to + l] = Compare(in.kind, f[a + l], f[b + l]);
      break;
    case Opcode::kIntCompare:
      return integers([&](int64_t x, int64_t y) { return Compare(in.kind, x, y); });
    case Opcode::kFloatNegate:
      for (int l = 0; l < n; ++l) f[to + l] = -f[a + l];
      break;
    case Opcode::kIntNegate:
      for (int l = 0; l < n; ++l) i[to + l] = Wrap(in.type, WrappingSub(0, i[a + l]));
      break;
    case Opcode::kNot:
      for (int l = 0; l < n; ++l) i[to + l] = i[a + l] == 0;
      break;
    case Opcode::kFloatSelect:
      for (int l = 0; l < n; ++l) f[to + l] = i[c + l] != 0 ? f[a + l] : f[b + l];
      break;
    case Opcode::kIntSelect:
      for (int l = 0; l < n; ++l) i[to + l] = i[c + l] != 0 ? i[a + l] : i[b + l];
      break;
    case Opcode::kFloatToFloat:
      if (MantissaBits(in.type) >= MantissaBits(in.from) && in.type != DType::kF16) {
        std::copy_n(f + a, n, f + to);
      } else {
        for (int l = 0; l < n; ++l) f[to + l] = RoundTo(in.type, f[a + l]);
      }
      break;
    case Opcode::kFloatToInt:
      for (int l = 0; l < n; ++l) i[to + l] = CastToInteger(in.type, in.rounding, f[a + l]);
      break;
    case Opcode::kIntToFloat:
      for (int l = 0; l < n; ++l) f[to + l] = CastToFloat(in.type, i[a + l]);
      break;
    case Opcode::kIntToInt:
      for (int l = 0; l < n; ++l) i[to + l] = CastInteger(in.type, i[a + l]);
      break;
    case Opcode::kCall:
      for (int l = 0; l < n; ++l) f[to + l] = ApplyFunction(in.function, f[a + l], f[b + l], f[c + l]);
      break;
    case Opcode::kFloatBits:
      for (int l = 0; l < n; ++l) i[to + l] = Wrap(in.type, BitsOf(in.from, f[a + l]));
      break;
    case Opcode::kIntBits:
      for (int l = 0; l < n; ++l) f[to + l] = FloatOfBits(in.type, i[a + l]);
      break;
  }
}

void Machine::ExecuteErrors(const Instruction& in, int n) {
  const double* f = floats_.data();
  const int64_t* i = integers_.data();
  double *ef = float_errors_.data(), *ei = integer_errors_.data();
  size_t to = Lane(in.to), a = Lane(in.a), b = Lane(in.b), c = Lane(in.c);
  const Format& format = Format::Of(in.type);
  switch (in.op) {
    case Opcode::kConstant:
    case Opcode::kAffine:  // exact from the start
    case Opcode::kLoad:    // done with the values
      break;
    case Opcode::kFloatBinary:
      for (int l = 0; l < n; ++l) {
        ef[to + l] = BinaryError(in.kind, format, f[a + l], ef[a + l], f[b + l], ef[b + l], f[to + l]);
      }
      break;
    case Opcode::kIntBinary:
      for (int l = 0; l < n; ++l)
        ei[to + l] = IntegerError(in.kind, i[a + l], ei[a + l], i[b + l], ei[b + l]);
      break;
    case Opcode::kFloatCompare:
      for (int l = 0; l < n; ++l) ei[to + l] = CompareError(f[a + l], ef[a + l], f[b + l], ef[b + l]);
      break;
    case Opcode::kIntCompare:
      for (int l = 0; l < n; ++l) {
        ei[to + l] =
            CompareError(static_cast<double>(i[a + l]), ei[a + l], static_cast<double>(i[b + l]), ei[b + l]);
      }
      break;
    case Opcode::kFloatNegate:
      std::copy_n(ef + a, n, ef + to);
      break;
    case Opcode::kIntNegate:
    case Opcode::kNot:
      std::copy_n(ei + a, n, ei + to);
      break;
    case Opcode::kFloatSelect:
      for (int l = 0; l < n; ++l) {
        size_t yes = (i[c + l] != 0 ? a : b) + l, no = (i[c + l] != 0 ? b : a) + l;
        ef[to + l] = SelectError(ei[c + l], f[yes], ef[yes], f[no], ef[no]);
      }
      break;
    case Opcode::kIntSelect:
      for (int l = 0; l < n; ++l) {
        size_t yes = (i[c + l] != 0 ? a : b) + l, no = (i[c + l] != 0 ? b : a) + l;
        ei[to + l] =
            SelectError(ei[c + l], static_cast<double>(i[yes]), ei[yes], static_cast<double>(i[no]), ei[no]);
      }
      break;
    case Opcode::kFloatToFloat: {
      bool widens = MantissaBits(in.type) >= MantissaBits(in.from) && in.type != DType::kF16;
      for (int l = 0; l < n; ++l) {
        ef[to + l] = widens
                         ? ef[a + l]
                         : MonotoneError([&](double x) { return RoundTo(in.type, x); }, f[a + l], ef[a + l]);
      }
      break;
    }
    case Opcode::kFloatToInt:
      for (int l = 0; l < n; ++l) {
        auto cast = [&](double x) { return static_cast<double>(CastToInteger(in.type, in.rounding, x)); };
        ei[to + l] = MonotoneError(cast, f[a + l], ef[a + l]);
      }
      break;
    case Opcode::kIntToFloat:
      for (int l = 0; l < n; ++l) ef[to + l] = ei[a + l] == 0 ? 0 : format.Bound(f[to + l], ei[a + l], 1);
      break;
    case Opcode::kIntToInt:
      for (int l = 0; l < n; ++l) {
        // Unless the value is kept, what wraps may change altogether.
        ei[to + l] = ei[a + l] == 0 || i[to + l] == i[a + l] ? ei[a + l] : kUnbounded;
      }
      break;
    case Opcode::kCall:
      for (int l = 0; l < n; ++l) {
        ef[to + l] = FunctionError(in.function, format, f[a + l], ef[a + l], f[b + l], ef[b + l], ef[c + l],
                                   f[to + l]);
      }
      break;
    case Opcode::kFloatBits:
      for (int l = 0; l < n; ++l) ei[to + l] = ef[a + l] == 0 ? 0 : kUnbounded;
      break;
    case Opcode::kIntBits:
      for (int l = 0; l < n; ++l) ef[to + l] = ei[a + l] == 0 ? 0 : kUnbounded;
      break;
  }
}

void Machine::ExecuteLoad(const Instruction& in) {
  const Load& load = code_.loads[static_cast<size_t>(in.extra)];
  const Source& source = (*sources_)[static_cast<size_t>(load.tensor)];
  if (load.affine) {
    LoadAffine(load, source, in);
  } else {
    LoadIndexed(load, source, in);
  }
}

void Machine::LoadAffine(const Load& load, const Source& source, const Instruction& in) {
  int begin = 0, end = lanes_;
  if (load.guarded) {
    for (const LoadIndex& index : load.indices) {
      NarrowLanes(ValueAt(index.affine, *point_), index.affine.CoefficientOf(lane_axis_), index.extent,
                  &begin, &end);
    }
    size_t to = Lane(in.to), other = Lane(load.otherwise);
    auto fill = [&](auto& registers) {
      auto* lanes = registers.data();
      std::copy_n(lanes + other, begin, lanes + to);
      std::copy(lanes + other + end, lanes + other + lanes_, lanes + to + end);
    };
    bool is_float = IsFloat(in.type);
    if (is_float) {
      fill(floats_);
    } else {
      fill(integers_);
    }
    if (bounded_) fill(is_float ? float_errors_ : integer_errors_);
  }
  if (begin == end) return;
  int64_t step = load.flat.CoefficientOf(lane_axis_);
  int64_t first = ValueAt(load.flat, *point_) + step * begin;
  if (supplier_ != nullptr && source.stored == nullptr)
    supplier_->Supply(load.tensor, first, step, end - begin);
  LoadRun(source, in, first, step, begin, end);
}

void Machine::LoadRun(const Source& source, const Instruction& in, int64_t first, int64_t step, int begin,
                      int end) {
  size_t to = Lane(in.to) + static_cast<size_t>(begin);
  int count = end - begin;
  if (IsFloat(in.type)) {
    if (source.stored != nullptr) {
      GatherStored(source, first, step, count, &floats_[to]);
    } else {
      Gather(source.floats + first, step, count, &floats_[to]);
    }
  } else if (source.stored != nullptr) {
    GatherStored(source, first, step, count, &integers_[to]);
  } else {
    Gather(source.integers + first, step, count, &integers_[to]);
  }
  if (!bounded_) return;
  double* errors = IsFloat(in.type) ? &float_errors_[to] : &integer_errors_[to];
  if (source.errors != nullptr) {
    Gather(source.errors + first, step, count, errors);
  } else {
    std::fill_n(errors, count, 0.0);
  }
}

void Machine::LoadIndexed(const Load& load, const Source& source, const Instruction& in) {
  for (int l = 0; l < lanes_; ++l) {
    int64_t flat = 0;
    bool inside = true, certain = true;
    for (const LoadIndex& index : load.indices) {
      int64_t at;
      if (index.reg >= 0) {
        size_t lane = Lane(index.reg) + static_cast<size_t>(l);
        at = integers_[lane];
        certain = certain && (!bounded_ || integer_errors_[lane] == 0);
      } else {
        at = ValueAt(index.affine, *point_) + index.affine.CoefficientOf(lane_axis_) * l;
      }
      inside = inside && at >= 0 && at < index.extent;
      flat += at * index.stride;
    }
    auto lane = static_cast<size_t>(l);
    size_t to = Lane(in.to) + lane;
    std::vector<double>& errors = IsFloat(in.type) ? float_errors_ : integer_errors_;
    if (inside) {
      if (supplier_ != nullptr && source.stored == nullptr) supplier_->Supply(load.tensor, flat, 0, 1);
      LoadRun(source, in, flat, 0, l, l + 1);
    } else if (load.guarded) {
      size_t other = Lane(load.otherwise) + lane;
      if (IsFloat(in.type)) {
        floats_[to] = floats_[other];
      } else {
        integers_[to] = integers_[other];
      }
      if (bounded_) errors[to] = errors[other];
    } else {
      // Verify has proven that this can't be; memory stays safe all the same.
      if (IsFloat(in.type)) {
        floats_[to] = 0;
      } else {
        integers_[to] = 0;
      }
    }
    if (bounded_ && !certain) errors[to] = kUnbounded;
  }
}

}  // namespace tunesmith::te
