// SPDX-License-Identifier: Apache-2.0
// A runner that holds the buffers of one workload, and the kernels that are tried on them. What goes wrong
// with a kernel is an outcome; some outcomes cost the runner, and with it the workbench.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "measure/measurer.h"
#include "measure/runner_client.h"
#include "support/hash.h"

namespace tunesmith::measure {

/// The outputs of one workload that were compared and accepted: no kernel's equal bits are fetched again, in
/// whichever runner they were computed.
struct AcceptedOutputs {
  std::shared_ptr<const Expectation> expectation;
  /// Of each: a hash of its bits and of what they were compared with.
  absl::flat_hash_set<Hash128, Hash128Hasher> hashes;
};

class Workbench {
 public:
  /// `accepted` outlives the workbench. Errors: no runner can be started.
  static Result<Workbench> Start(const std::string& program, uint64_t memory_limit_bytes,
                                 AcceptedOutputs* accepted);

  /// False once the runner is gone, or a kernel may have spoilt its memory: start another one.
  bool usable() const { return client_.usable(); }

  /// Makes the job's kernel kernel number `slot`, with its workload's inputs in place, and packs its weights
  /// for each set of inputs. The workload's buffers stay for the next job; another workload's make room for
  /// them, along with every slot.
  Outcome Load(int slot, const Job& job);

  /// The same for a kernel that has been checked elsewhere and is only to be timed: with the first set of
  /// inputs alone, which is what takes the time. `Check` refuses it.
  Outcome LoadToTime(int slot, const Job& job);

  /// Runs the kernel on every set of inputs and on several numbers of threads, with poisoned outputs, and
  /// compares. Not a sample is taken before this has said ok.
  Outcome Check(int slot, const Job& job);

  /// Takes samples as the job's scenario says and appends them to `samples_ns`. They count once
  /// `CompareTimed` has said ok.
  Outcome Sample(int slot, const Job& job, int samples, double budget_ns, std::vector<double>* samples_ns);

  /// Compares what the last call of `Sample`, which was of this job, has computed.
  Outcome CompareTimed(const Job& job);

  Outcome Unload(int slot);

  int runner_pid() const { return client_.pid(); }

 private:
  /// The numbers of the buffers of one placement, for one set of inputs.
  struct Operands {
    std::vector<uint32_t> inputs;
    std::vector<uint32_t> outputs;
  };
  struct Slot {
    std::vector<std::vector<uint32_t>> packed;  // [set][packed weight]
    std::vector<uint32_t> timed_packed;
    std::vector<uint64_t> packed_bytes;
  };

  Workbench(RunnerProcess runner, AcceptedOutputs* accepted)
      : client_(std::move(runner)), accepted_(accepted) {}

  Outcome LoadWith(size_t sets, int slot, const Job& job);
  Outcome PlaceWorkload(size_t sets, const Job& job);
  Outcome PlaceSlot(int slot, const Job& job);
  Outcome Pack(int slot, const Job& job);
  /// Compares what lies in the outputs; those whose bits were accepted before, by their hash alone. `whole`:
  /// with all that is known of them, not only the elements that were chosen.
  Outcome Compare(const Operands& operands, const Job& job, size_t set, bool whole,
                  const std::string& conditions);
  KernelCall CallOf(const Job& job, int slot, const Operands& operands,
                    const std::vector<uint32_t>& packed) const;
  Outcome OutcomeOf(const Finding& finding, const std::string& conditions);

  RunnerClient client_;
  AcceptedOutputs* accepted_;
  std::shared_ptr<const Expectation> resident_;
  std::vector<int64_t> resident_alignments_;
  std::vector<Operands> checked_;  // one a set; the outputs are the same for all
  Operands timed_;                 // of the first set
  bool timed_on_huge_pages_ = true;
  std::vector<Slot> slots_;
};

}  // namespace tunesmith::measure
