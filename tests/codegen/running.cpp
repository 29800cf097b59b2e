// SPDX-License-Identifier: Apache-2.0
#include "tests/codegen/running.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "codegen/llvm/compile.h"
#include "codegen/runtime/tunesmith_kernel.h"
#include "ir/interpret.h"
#include "support/strings.h"
#include "te/scalar.h"

namespace tunesmith::codegen::testing {

namespace {

constexpr int64_t kPage = 4096;

int64_t RoundUp(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

void RunPieces(void* context, tunesmith_body body, void* closure, int64_t iterations, int64_t grain) {
  int threads = *static_cast<int*>(context);
  int64_t pieces = (iterations + grain - 1) / grain;
  for (int64_t piece = pieces; piece-- > 0;) {
    int64_t first = piece * grain, last = std::min(iterations, first + grain);
    body(closure, first, last, static_cast<int32_t>(piece % threads));
  }
}

/// Distance in units in the last place of the wanted value's type.
double UlpsBetween(DType type, double got, double want) {
  if (std::isnan(got) && std::isnan(want)) return 0;
  if (got == want) return 0;
  if (!std::isfinite(got) || !std::isfinite(want)) return INFINITY;
  int exponent = want == 0 ? -1000 : std::ilogb(want);
  double ulp = std::max(std::ldexp(1.0, exponent - te::MantissaBits(type) + 1), te::SmallestPositive(type));
  return std::fabs(got - want) / ulp;
}

std::string Text(const Value& v, int64_t n) {
  return te::IsFloat(v.dtype()) ? StrCat(v.Load(n)) : StrCat(v.LoadInteger(n));
}

}  // namespace

std::vector<Target> RunnableTargets() {
  std::vector<Target> targets;
  Target native = *TargetNamed("native");
  for (const char* name : {"x86-64-sse4.2", "x86-64-avx2", "x86-64-avx512"}) {
    Target target = *TargetNamed(name);
    if (target.vector_bytes <= native.vector_bytes) targets.push_back(target);
  }
  if (!native.dots.empty()) targets.push_back(native);
  return targets;
}

Fenced::Fenced(int64_t bytes, int64_t alignment, bool at_end) : size_(RoundUp(bytes, kPage) + 2 * kPage) {
  void* map = mmap(nullptr, static_cast<size_t>(size_), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT_NE(map, MAP_FAILED);
  map_ = static_cast<uint8_t*>(map);
  EXPECT_EQ(mprotect(map_ + kPage, static_cast<size_t>(size_ - 2 * kPage), PROT_READ | PROT_WRITE), 0);
  data_ = map_ + (at_end ? (size_ - kPage - bytes) / alignment * alignment : kPage);
}

Fenced::~Fenced() { munmap(map_, static_cast<size_t>(size_)); }

Status RunImage(const Image& image, int64_t offset, const Workspace& workspace, const ir::Function& function,
                std::vector<Value>* parameters, int threads, bool at_end) {
  int64_t bytes = RoundUp(static_cast<int64_t>(image.bytes.size()), kPage);
  void* code =
      mmap(nullptr, static_cast<size_t>(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (code == MAP_FAILED) return Unavailable("no memory for the image");
  std::memcpy(code, image.bytes.data(), image.bytes.size());
  mprotect(code, static_cast<size_t>(bytes), PROT_READ | PROT_EXEC);

  std::vector<const ir::Buffer*> buffers(parameters->size());
  for (const ir::Buffer& b : function.buffers) {
    if (b.parameter >= 0) buffers[static_cast<size_t>(b.parameter)] = &b;
  }
  std::vector<std::unique_ptr<Fenced>> memory;
  std::vector<void*> pointers;
  for (size_t i = 0; i < parameters->size(); ++i) {
    Value& value = (*parameters)[i];
    memory.push_back(std::make_unique<Fenced>(value.size_in_bytes(), buffers[i]->alignment, at_end));
    std::copy_n(value.data(), value.size_in_bytes(), memory.back()->data());
    pointers.push_back(memory.back()->data());
  }
  Fenced work(workspace.BytesFor(threads), 64, at_end);
  std::memset(work.data(), 0xA5, static_cast<size_t>(workspace.BytesFor(threads)));
  tunesmith_threads table{RunPieces, &threads, threads};
  reinterpret_cast<tunesmith_entry>(static_cast<uint8_t*>(code) + offset)(pointers.data(), work.data(),
                                                                          &table);
  munmap(code, static_cast<size_t>(bytes));

  for (size_t i = 0; i < parameters->size(); ++i) {
    Value& value = (*parameters)[i];
    auto size = static_cast<size_t>(value.size_in_bytes());
    if (buffers[i]->written) {
      std::copy_n(memory[i]->data(), size, value.data());
    } else if (!std::equal(value.data(), value.data() + size, memory[i]->data())) {
      return Internal(StrCat("the kernel changed its input ", buffers[i]->name));
    }
  }
  return absl::OkStatus();
}

Result<std::vector<Value>> CompileAndRun(const ir::Function& function, const Target& target,
                                         std::vector<Value> parameters, int threads) {
  ir::Program program;
  program.main = function;
  TS_ASSIGN_OR_RETURN(Kernel kernel, Compile(program, target));
  for (const ir::Buffer& b : function.buffers) {
    if (b.written && b.parameter >= 0) {
      Value& value = parameters[static_cast<size_t>(b.parameter)];
      std::memset(value.data(), b.dtype == DType::kBool ? 1 : 0x7B,
                  static_cast<size_t>(value.size_in_bytes()));
    }
  }
  std::vector<Value> from_below = parameters;
  const Image& image = kernel.image;
  TS_RETURN_IF_ERROR(
      RunImage(image, image.main_offset, kernel.main_workspace, function, &parameters, threads));
  // Once more with the fences right below the buffers, and alone.
  TS_RETURN_IF_ERROR(
      RunImage(image, image.main_offset, kernel.main_workspace, function, &from_below, 1, false));
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (!std::equal(parameters[i].data(), parameters[i].data() + parameters[i].size_in_bytes(),
                    from_below[i].data()))
      return Internal(StrCat("parameter ", i, " differs between two runs"));
  }
  return parameters;
}

std::string DifferenceFromInterpreter(const ir::Function& function, const Target& target,
                                      const std::vector<Value>& parameters, double ulps, int threads) {
  std::vector<Value> expected = parameters;
  if (Status status = ir::Interpret(function, &expected); !status.ok())
    return StrCat("interpreter: ", MessageOf(status), "\n", ir::ToString(function));
  Result<std::vector<Value>> actual = CompileAndRun(function, target, parameters, threads);
  std::string where = StrCat("\n", target.name, "\n", ir::ToString(function));
  if (!actual.ok()) return StrCat(MessageOf(actual.status()), where);
  for (size_t p = 0; p < expected.size(); ++p) {
    const Value &want = expected[p], &got = (*actual)[p];
    for (int64_t n = 0; n < want.elements(); ++n) {
      bool same = te::IsFloat(want.dtype()) ? UlpsBetween(want.dtype(), got.Load(n), want.Load(n)) <= ulps
                                            : want.LoadInteger(n) == got.LoadInteger(n);
      if (!same)
        return StrCat("parameter ", p, " [", n, "] is ", Text(got, n), ", not ", Text(want, n), where);
    }
  }
  return "";
}

void ExpectAsInterpreted(const ir::Function& function, const std::vector<Value>& parameters, double ulps) {
  for (const Target& target : RunnableTargets())
    EXPECT_EQ(DifferenceFromInterpreter(function, target, parameters, ulps), "");
}

ir::Function FunctionOf(const std::vector<Parameter>& inputs, Parameter output, int variables) {
  ir::Function f;
  f.name = "main";
  auto add = [&](std::string name, const Parameter& p, bool written) {
    ir::Buffer b;
    b.name = std::move(name);
    b.dtype = p.dtype;
    b.elements = p.elements;
    b.alignment = p.alignment > 0 ? p.alignment : te::SizeOf(p.dtype);
    b.parameter = static_cast<int>(f.buffers.size());
    b.written = written;
    f.buffers.push_back(b);
  };
  for (const Parameter& p : inputs) add(std::string(1, static_cast<char>('A' + f.buffers.size())), p, false);
  add("O", output, true);
  for (int v = 0; v < variables; ++v) f.variables.push_back(std::string(1, static_cast<char>('i' + v)));
  return f;
}

int AddBuffer(ir::Function* function, const std::string& name, DType dtype, ir::Scope scope,
              int64_t elements) {
  ir::Buffer b;
  b.name = name;
  b.dtype = dtype;
  b.scope = scope;
  b.elements = elements;
  b.alignment = 64;
  function->buffers.push_back(b);
  return static_cast<int>(function->buffers.size()) - 1;
}

Value SmallNumbers(DType dtype, int64_t elements) {
  Value value(dtype, {elements});
  for (int64_t n = 0; n < elements; ++n) {
    int64_t number = n * 7 % 23 - 11;
    if (dtype == DType::kU8) number += 11;
    if (dtype == DType::kBool) number = number > 0;
    if (te::IsFloat(dtype)) {
      value.Store(n, static_cast<double>(number));
    } else {
      value.StoreInteger(n, number);
    }
  }
  return value;
}

std::vector<Value> ParametersOf(const ir::Function& function) {
  std::vector<Value> values;
  for (const ir::Buffer& b : function.buffers) {
    if (b.parameter >= 0) values.push_back(SmallNumbers(b.dtype, b.elements));
  }
  return values;
}

}  // namespace tunesmith::codegen::testing
