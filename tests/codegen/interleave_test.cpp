// SPDX-License-Identifier: Apache-2.0
// Long computations that end in stores proceed side by side, down to the assembly, where that is right.
#include <gtest/gtest.h>

#include <map>
#include <regex>

#include "support/strings.h"
#include "tests/codegen/listing.h"
#include "tests/codegen/running.h"
#include "tests/ir/expressions.h"

namespace tunesmith::codegen::testing {
namespace {

using namespace ir::testing;  // NOLINT: Int, Var, …
using ir::For;
using ir::LoopKind;
using ir::Seq;
using ir::Stmt;
using ir::Store;

constexpr DType F32 = DType::kF32;
constexpr int64_t kLanes = 8;
constexpr int kAtOnce = 4;

Expr Read(int buffer, Expr at) { return te::Read(F32, buffer, {std::move(at)}); }

/// x -> x / 4 + 1 -> … : `steps` operations, each of which waits for the one before.
Expr Chain(Expr x, int steps) {
  for (int n = 0; n < steps; ++n) x = te::Call(te::Function::kFma, {x, te::Float(0.25), te::Float(n + 1)});
  return x;
}

/// O[i*lanes + l + shift] = chain(from[i*lanes + l]) for `vectors` vectors, all of it unrolled. `from` 0 is
/// an input, 1 is O itself.
ir::Function Chains(int64_t vectors, int steps, int from = 0, int64_t shift = 0) {
  ir::Function f = FunctionOf({{F32, vectors * kLanes, 64}}, {F32, vectors * kLanes + shift, 64}, 3);
  Expr at = Var(0) * Int(kLanes) + Var(1);
  Stmt body = Store(1, at + Int(shift), Chain(Read(from, at), steps));
  f.body = For(LoopKind::kUnroll, 0, Int(0), Int(vectors),
               For(LoopKind::kVector, 1, Int(0), Int(kLanes), std::move(body)));
  if (from == 1) {
    // Not unrolled, so that O is really read.
    Stmt fill = Store(1, Var(2), te::Cast(F32, Var(2)));
    f.body = Seq({For(LoopKind::kSerial, 2, Int(0), Int(vectors * kLanes + shift), std::move(fill)), f.body});
  }
  return f;
}

Target Avx2() { return TargetNamed("x86-64-avx2").value(); }

/// For each multiply-add of the text in order, the number of its chain: that of what it multiplies, or a new
/// one if that comes from memory. `pattern` has two groups: what is multiplied and what is made.
std::vector<int> ChainsOf(const std::string& text, const std::regex& pattern, int multiplied, int made) {
  std::map<std::string, int> chain_of;
  std::vector<int> chains;
  int next = 0;
  for (auto at = std::sregex_iterator(text.begin(), text.end(), pattern); at != std::sregex_iterator();
       ++at) {
    const std::string source = (*at)[static_cast<size_t>(multiplied)];
    const int chain = chain_of.contains(source) ? chain_of[source] : next++;
    chain_of[(*at)[static_cast<size_t>(made)]] = chain;
    chains.push_back(chain);
  }
  return chains;
}

std::vector<int> ChainsOfLlvmIr(const Listing& listing) {
  static const std::regex kFma("(%[0-9]+) = [^\n]*@llvm\\.fma\\.v8f32\\(<8 x float> (%[0-9]+)");
  return ChainsOf(listing.optimised_llvm_ir, kFma, 2, 1);
}

/// Multiply-adds in the assembly that take what the instruction before them has made.
int64_t Waiting(const Listing& listing) {
  static const std::regex kFma("vfmadd[0-9]+ps\t([^\n]*)");
  int64_t waiting = 0;
  std::string last = "nothing";
  for (auto at = std::sregex_iterator(listing.assembly.begin(), listing.assembly.end(), kFma);
       at != std::sregex_iterator(); ++at) {
    const std::string operands = (*at)[1];
    waiting += operands.find(last) != std::string::npos;
    last = operands.substr(operands.rfind('%'));
  }
  return waiting;
}

TEST(Interleave, LongChainsProceedFourAtATime) {
  const Listing listing = ListingOf(Chains(2 * kAtOnce, 10), Avx2());
  std::vector<int> expected;
  for (int group = 0; group < 2; ++group) {
    for (int step = 0; step < 10; ++step) {
      for (int chain = 0; chain < kAtOnce; ++chain) expected.push_back(group * kAtOnce + chain);
    }
  }
  EXPECT_EQ(ChainsOfLlvmIr(listing), expected) << listing.optimised_llvm_ir;
  EXPECT_EQ(Waiting(listing), 0) << listing.assembly;
}

TEST(Interleave, WhatRemainsProceedsTogetherToo) {
  const Listing listing = ListingOf(Chains(kAtOnce + 2, 10), Avx2());
  const std::vector<int> chains = ChainsOfLlvmIr(listing);
  ASSERT_EQ(chains.size(), 60u);
  for (size_t n = 40; n < chains.size(); ++n) EXPECT_EQ(chains[n], kAtOnce + static_cast<int>(n % 2)) << n;
}

TEST(Interleave, ShortChainsStayAsTheyAre) {
  const std::vector<int> chains = ChainsOfLlvmIr(ListingOf(Chains(4, 4), Avx2()));
  ASSERT_EQ(chains.size(), 16u);
  EXPECT_TRUE(std::is_sorted(chains.begin(), chains.end()));
}

TEST(Interleave, AChainThatReadsWhatAnotherHasWrittenWaitsForIt) {
  // Each vector is computed from the one before it: one chain, in truth.
  const Listing listing = ListingOf(Chains(4, 10, 1, kLanes), Avx2());
  EXPECT_GT(Waiting(listing), 30) << listing.assembly;
}

TEST(Interleave, ComputesTheSame) {
  for (int64_t vectors : {1, 2, 3, 4, 5, 8, 11}) {
    for (int steps : {1, 7, 8, 9, 20}) {
      for (int from : {0, 1}) {
        const ir::Function f = Chains(vectors, steps, from, from * kLanes);
        SCOPED_TRACE(StrCat(vectors, " vectors, ", steps, " steps, from ", from));
        ExpectAsInterpreted(f, ParametersOf(f), 4);
      }
    }
  }
}

}  // namespace
}  // namespace tunesmith::codegen::testing
