// SPDX-License-Identifier: Apache-2.0
// What LLVM is told of buffers, and compilation on several threads.
#include "codegen/llvm/compile.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "support/strings.h"
#include "tests/codegen/listing.h"
#include "tests/codegen/running.h"

namespace tunesmith::codegen {
namespace {

using ir::LoopKind;
using testing::FunctionOf;
using testing::ListingOf;

int CountOf(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

/// O[i] = A[0] * (i + 1) for i in 0..elements, in vectors of 8; A and O begin at multiples of `alignment`
/// bytes.
ir::Program Scaled(int64_t elements, int64_t alignment) {
  ir::Program program;
  program.main = FunctionOf({{te::DType::kF32, 8, alignment}}, {te::DType::kF32, 8 * elements, alignment}, 2);
  const te::Expr i = te::Var(0), lane = te::Var(1);
  const te::Expr read = te::Read(te::DType::kF32, 0, {lane});
  program.main.body =
      ir::For(LoopKind::kUnroll, 0, te::Int(0), te::Int(elements),
              ir::For(LoopKind::kVector, 1, te::Int(0), te::Int(8),
                      ir::Store(1, i * te::Int(8) + lane, read * te::Cast(te::DType::kF32, i + te::Int(1)))));
  return program;
}

Target Avx2() { return TargetNamed("x86-64-avx2").value(); }

// Were the output allowed to overlap the input, each store could change it, and it would be loaded again.
TEST(Compile, TellsLlvmThatParametersDoNotOverlap) {
  const Listing listing = ListingOf(Scaled(4, 4), Avx2());
  EXPECT_EQ(CountOf(listing.optimised_llvm_ir, "store <8 x float>"), 4);
  EXPECT_EQ(CountOf(listing.optimised_llvm_ir, "load <8 x float>"), 1);
}

TEST(Compile, TellsLlvmHowParametersAreAligned) {
  for (const auto& [alignment, known] : {std::pair{4, "align 4"}, {32, "align 32"}, {64, "align 64"}}) {
    const std::string ir = ListingOf(Scaled(1, alignment), Avx2()).optimised_llvm_ir;
    const size_t store = ir.find("store <8 x float>");
    ASSERT_NE(store, std::string::npos);
    const std::string line = ir.substr(store, ir.find('\n', store) - store);
    EXPECT_TRUE(line.ends_with(known)) << line;
  }
}

// Each thread compiles all of the programs, in its own order; the images are those of one thread alone.
TEST(Compile, RunsOnSeveralThreadsAtOnce) {
  constexpr int kPrograms = 12, kThreads = 4;
  const Target target = TargetNamed("x86-64-avx2").value();
  std::vector<std::string> alone;
  for (int n = 0; n < kPrograms; ++n) alone.push_back(CompileObject(Scaled(n + 1, 4), target).value().bytes);
  std::vector<std::vector<std::string>> together(kThreads, std::vector<std::string>(kPrograms));
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int k = 0; k < kPrograms; ++k) {
        const int n = (k + t * kPrograms / kThreads) % kPrograms;
        Result<Object> object = CompileObject(Scaled(n + 1, 4), target);
        if (object.ok()) together[static_cast<size_t>(t)][static_cast<size_t>(n)] = object->bytes;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::vector<std::string>& images : together) EXPECT_TRUE(images == alone);
}

}  // namespace
}  // namespace tunesmith::codegen
