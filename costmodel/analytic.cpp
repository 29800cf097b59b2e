// SPDX-License-Identifier: Apache-2.0
// The analytic model. A stage takes the longest of what its resources need, as in Williams et al., "Roofline"
// (CACM 2009), refined inside the core as in Intel's port model: two vector pipes, two loads and one store a
// cycle, four cycles of latency for an addition. Constants are those of current x86 cores; only their ratios
// matter for ranking.
#include <algorithm>
#include <cmath>

#include "costmodel/features.h"

namespace tunesmith::costmodel {
namespace {

constexpr double kVectorPipes = 2;
constexpr double kLoadsPerCycle = 2;
constexpr double kStoresPerCycle = 1;
constexpr double kLoadLoss = 0.05;
constexpr double kAddLatency = 4;
constexpr double kLoopOverhead = 1.5;  // cycles an iteration: compare, branch, induction variables
constexpr double kKeepCycles = 30;
constexpr double kMoveCycles = 2;       // of a vector between registers and the second cache
constexpr double kSpillCycles = 1.5;    // of a vector to the stack and back
constexpr double kDivisionCycles = 12;  // of a vector
constexpr double kGatherCycles = 1.2;   // an element
constexpr double kApartFactor = 2;
constexpr double kInstructionBytes = 7;
constexpr double kMicroOpCache = 24 << 10;  // bytes of code that run at full speed
// Bytes a cycle from beyond the first, second and last cache.
constexpr double kBytesPerCycle[3] = {40, 14, 5};
constexpr double kStreamedBytesPerCycle = 4.5;  // written past the caches; memory need not be read first
constexpr double kOverlapLoss = 0.1;            // of the shorter of arithmetic and memory time
constexpr double kThreadStartCycles = 2000;
constexpr double kPieceCycles = 40;      // to take the next piece of a parallel loop
constexpr double kPiecesPerThread = 32;  // at most (codegen/runtime/threads.c)

double CoreCycles(const schedule::StageSummary& s, const schedule::Machine& machine) {
  double compute = (s.tile_operations - s.divisions) / kVectorPipes + s.divisions * kDivisionCycles;
  double loads = s.tile_loads / kLoadsPerCycle + s.tile_gathers * kGatherCycles;
  double stores = s.tile_stores / kStoresPerCycle;
  double chain = s.chain * kAddLatency;
  double cycles = std::max({compute, loads, stores, s.accumulators > 0 ? chain : 0.0});
  // Loads behind arithmetic are not quite free: a multiply-add may take one operand from memory.
  cycles += kLoadLoss * std::min(loads, compute);
  // Short of independent accumulators, additions wait for each other; short of registers, accumulators are
  // spilled. Beside them live a vector of each operand, which multiply-adds with a broadcast from memory
  // spare.
  const double operands = machine.vector_bytes < 64 ? 3 : 2;
  double spilled = std::max(0.0, s.accumulators + operands - machine.vector_registers);
  cycles += 2 * spilled * std::max(1.0, s.chain) / kLoadsPerCycle;
  // Shuffled vectors that wait for their next use are stored and loaded again.
  const double waiting = s.accumulators + operands + s.shuffled - machine.vector_registers - spilled;
  cycles += std::max(0.0, std::min(waiting, s.shuffled)) * s.shuffled_rounds *
            (1 / kStoresPerCycle + 1 / kLoadsPerCycle);
  // So are those of an unrolled row that wait for another pass over it.
  cycles += kSpillCycles * std::max(0.0, s.used_again - machine.vector_registers);
  // Under conditions that remain, elements for which the machine has no masks (MasksHave in
  // codegen/llvm/loads.cpp) go one by one where not all are wanted.
  constexpr int kAvxBytes = 32;
  const bool has_masks = machine.masks || (machine.vector_bytes >= kAvxBytes &&
                                           static_cast<double>(s.lanes) * 4 <= machine.vector_bytes);
  const bool apart = s.guards > 0 && !has_masks;
  if (apart) cycles *= kApartFactor;
  double overhead = kLoopOverhead * (1 + 0.5 * s.guards);
  // The work of loading the tile's results once and starting the loop is spread over its iterations.
  double entry = 12 / std::max(1.0, s.inner_extent);
  double narrow = static_cast<double>(s.lanes) * 4 < machine.vector_bytes && s.lanes > 1 ? 1.05 : 1;
  double bytes = s.code * kInstructionBytes;
  double fetch = bytes > kMicroOpCache ? 1.3 : 1;
  // Accumulators that begin anew wait for memory and for the pipeline to fill.
  double begin = s.keeps * (kKeepCycles + kMoveCycles * s.kept_moves);
  return s.tiles * (cycles * narrow * fetch + overhead + entry) + begin;
}

}  // namespace

double AnalyticCycles(const schedule::Summary& summary, const schedule::Machine& machine) {
  double core = 0;
  for (const schedule::StageSummary& s : summary.stages) core += CoreCycles(s, machine);
  core += summary.prefetched_lines / kLoadsPerCycle;
  double memory = 0;
  for (int level = 0; level < 3; ++level) memory += summary.traffic_bytes[level] / kBytesPerCycle[level];
  memory += summary.streamed_bytes / kStreamedBytesPerCycle + summary.strided_bytes / kBytesPerCycle[0];
  // Memory time hides behind arithmetic, but not all of it.
  double cycles = std::max(core, memory) + kOverlapLoss * std::min(core, memory);
  double threads = std::max(1, machine.threads);
  if (threads > 1) {
    const double pieces = std::clamp(summary.parallel_iterations / std::max(1.0, summary.grain), 1.0,
                                     threads * kPiecesPerThread);
    const double rounds = std::ceil(std::ceil(pieces) / threads);
    const double balance = pieces / (rounds * threads);  // 1: all threads busy to the end
    double parallel = cycles * (1 - summary.serial_share()) / (threads * balance);
    cycles = cycles * summary.serial_share() + parallel +
             (kThreadStartCycles + kPieceCycles * rounds) * summary.parallel_regions;
  }
  return cycles;
}

namespace {

class Analytic : public CostModel {
 public:
  std::vector<double> Score(const std::vector<Features>& rows) const override {
    std::vector<double> scores;
    for (const Features& row : rows) scores.push_back(row[kAnalyticCycles]);
    return scores;
  }
  Status Update(const std::vector<Example>&) override { return absl::OkStatus(); }
  std::string name() const override { return "analytic"; }
};

}  // namespace

std::unique_ptr<CostModel> AnalyticModel() { return std::make_unique<Analytic>(); }

}  // namespace tunesmith::costmodel
