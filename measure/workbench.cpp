// SPDX-License-Identifier: Apache-2.0
#include "measure/workbench.h"

#include <algorithm>
#include <utility>

#include "support/strings.h"

namespace tunesmith::measure {
namespace {

// Vectors' and cache lines' alignment: kernels are timed on buffers as a careful caller gives them.
constexpr int64_t kTimedAlignment = 64;

/// The numbers of threads that a kernel is checked on: alone, shared, odd, and its own.
std::vector<int> CheckedThreads(const Job& job) {
  std::vector<int> threads = {1, 2, 3};
  if (job.scenario.threads > 3) threads.push_back(job.scenario.threads);
  return threads;
}

/// Of the sets' buffers some lie directly before what is inaccessible, others directly behind it.
Placement GuardOf(size_t set) { return set % 2 == 0 ? Placement::kGuarded : Placement::kGuardedFront; }

std::string TimingConditions(const Job& job) {
  return StrCat("while timing, threads ", job.scenario.threads);
}

}  // namespace

Result<Workbench> Workbench::Start(const std::string& program, uint64_t memory_limit_bytes,
                                   AcceptedOutputs* accepted) {
  TS_ASSIGN_OR_RETURN(RunnerProcess runner, RunnerProcess::Start(program, memory_limit_bytes));
  return Workbench(std::move(runner), accepted);
}

Outcome Workbench::OutcomeOf(const Finding& finding, const std::string& conditions) {
  switch (finding.kind) {
    case Finding::Kind::kClean:
      break;
    case Finding::Kind::kRedZone:
      client_.Condemn();  // who knows what else was overwritten
      return Failure(OutcomeKind::kOutOfBounds,
                     StrCat("writes to byte ", finding.position, " of ", client_.NameOf(finding.buffer), " (",
                            conditions, ")"));
    case Finding::Kind::kUnwritten: {
      const std::vector<uint32_t>& outputs = checked_[0].outputs;
      const auto number =
          static_cast<size_t>(std::find(outputs.begin(), outputs.end(), finding.buffer) - outputs.begin());
      if (number >= resident_->outputs.size()) break;
      return Failure(
          OutcomeKind::kWrongResult,
          StrCat(ElementName(resident_->outputs[number], static_cast<uint64_t>(finding.position)),
                 " is not written, the first of ", finding.count, " such elements (", conditions, ")"));
    }
  }
  return Outcome();
}

Outcome Workbench::PlaceWorkload(size_t sets, const Job& job) {
  const Expectation& expectation = *job.expectation;
  std::vector<int64_t> alignments;  // of the inputs, then of the outputs
  for (const Interface& tensor : expectation.parameters) alignments.push_back(te::SizeOf(tensor.dtype));
  for (const Interface& tensor : expectation.outputs) alignments.push_back(te::SizeOf(tensor.dtype));
  const auto demand = [&](const Signature::Parameter& parameter) {
    if (parameter.kind == Signature::Kind::kPacked) return;
    const size_t first = parameter.kind == Signature::Kind::kInput ? 0 : expectation.parameters.size();
    int64_t& alignment = alignments[first + static_cast<size_t>(parameter.source)];
    alignment = std::max(alignment, parameter.alignment);
  };
  for (const Signature::Parameter& parameter : job.signature.main) demand(parameter);
  for (const Signature::Parameter& parameter : job.signature.pack) demand(parameter);
  if (resident_ == job.expectation && checked_.size() >= sets && resident_alignments_ == alignments &&
      timed_on_huge_pages_ == job.scenario.huge_pages) {
    return Outcome();
  }

  if (accepted_->expectation != job.expectation) *accepted_ = {job.expectation, {}};
  resident_.reset();
  slots_.clear();
  checked_.assign(sets, {});
  timed_ = {};
  TS_RETURN_IF_FAILED(client_.FreeAll());
  const Placement timed_placement = job.scenario.huge_pages ? Placement::kHuge : Placement::kGuarded;
  for (size_t p = 0; p < expectation.parameters.size(); ++p) {
    const Interface& tensor = expectation.parameters[p];
    const std::string name = StrCat("input ", tensor.name, " of ", tensor.bytes(), " bytes");
    for (size_t set = 0; set < sets; ++set) {
      const uint32_t buffer = client_.NewBuffer(name);
      TS_RETURN_IF_FAILED(client_.Allocate(buffer, tensor.bytes(), alignments[p], GuardOf(set)));
      TS_RETURN_IF_FAILED(client_.Upload(buffer, expectation.sets[set].parameters[p]));
      checked_[set].inputs.push_back(buffer);
    }
    const uint32_t buffer = client_.NewBuffer(name);
    TS_RETURN_IF_FAILED(
        client_.Allocate(buffer, tensor.bytes(), std::max(alignments[p], kTimedAlignment), timed_placement));
    TS_RETURN_IF_FAILED(client_.Copy(checked_[0].inputs.back(), buffer));
    timed_.inputs.push_back(buffer);
  }
  for (size_t o = 0; o < expectation.outputs.size(); ++o) {
    const Interface& tensor = expectation.outputs[o];
    const std::string name = StrCat("output ", tensor.name, " of ", tensor.bytes(), " bytes");
    const int64_t alignment = alignments[expectation.parameters.size() + o];
    for (size_t set = 0; set < sets; ++set) {
      const uint32_t checked = client_.NewBuffer(name);
      TS_RETURN_IF_FAILED(client_.Allocate(checked, tensor.bytes(), alignment, GuardOf(set)));
      checked_[set].outputs.push_back(checked);
    }
    const uint32_t timed = client_.NewBuffer(name);
    TS_RETURN_IF_FAILED(
        client_.Allocate(timed, tensor.bytes(), std::max(alignment, kTimedAlignment), timed_placement));
    timed_.outputs.push_back(timed);
  }
  resident_ = job.expectation;
  resident_alignments_ = alignments;
  timed_on_huge_pages_ = job.scenario.huge_pages;
  return Outcome();
}

Outcome Workbench::PlaceSlot(int slot, const Job& job) {
  const auto number = static_cast<size_t>(slot);
  if (slots_.size() <= number) slots_.resize(number + 1);
  Slot& place = slots_[number];
  const std::vector<Signature::Packed>& packed = job.signature.packed;
  std::vector<uint64_t> bytes;
  for (const Signature::Packed& weight : packed) bytes.push_back(static_cast<uint64_t>(weight.bytes()));
  place.packed.resize(checked_.size());
  if (place.packed_bytes == bytes) return Outcome();
  place.packed_bytes.clear();
  for (size_t n = 0; n < packed.size(); ++n) {
    const std::string name = StrCat("packed weight ", n);
    // Numbers are kept from one job to the next, so that a long search does not run out of them.
    if (place.timed_packed.size() == n) {
      for (std::vector<uint32_t>& set : place.packed) set.push_back(client_.NewBuffer(name));
      place.timed_packed.push_back(client_.NewBuffer(name));
    }
    for (size_t set = 0; set < place.packed.size(); ++set) {
      TS_RETURN_IF_FAILED(
          client_.Allocate(place.packed[set][n], packed[n].bytes(), kTimedAlignment, GuardOf(set)));
    }
    TS_RETURN_IF_FAILED(client_.Allocate(place.timed_packed[n], packed[n].bytes(), kTimedAlignment,
                                         timed_on_huge_pages_ ? Placement::kHuge : Placement::kGuarded));
  }
  place.packed_bytes = bytes;
  return Outcome();
}

Outcome Workbench::Load(int slot, const Job& job) {
  return LoadWith(job.expectation->sets.size(), slot, job);
}

Outcome Workbench::LoadToTime(int slot, const Job& job) { return LoadWith(1, slot, job); }

Outcome Workbench::LoadWith(size_t sets, int slot, const Job& job) {
  TS_RETURN_IF_FAILED(PlaceWorkload(sets, job));
  TS_RETURN_IF_FAILED(PlaceSlot(slot, job));
  measure::Load request;
  request.kernel = static_cast<uint32_t>(slot);
  request.main_offset = job.kernel.image.main_offset;
  request.pack_offset = job.kernel.image.pack_offset;
  request.image = job.kernel.image.bytes;
  Done done;
  TS_RETURN_IF_FAILED(client_.Ask(request, &done, kTransferLimit));
  return Pack(slot, job);
}

Outcome Workbench::Pack(int slot, const Job& job) {
  if (job.signature.packed.empty()) return Outcome();
  const Slot& place = slots_[static_cast<size_t>(slot)];
  for (size_t set = 0; set < checked_.size(); ++set) {
    Run run;
    run.call.kernel = static_cast<uint32_t>(slot);
    run.call.entry = Entry::kPack;
    run.call.threads = static_cast<uint32_t>(set % 2 + 1);
    run.call.shared_workspace_bytes = static_cast<uint64_t>(job.kernel.pack_workspace.shared_bytes);
    run.call.worker_workspace_bytes = static_cast<uint64_t>(job.kernel.pack_workspace.bytes_per_worker);
    for (const Signature::Parameter& parameter : job.signature.pack) {
      const auto source = static_cast<size_t>(parameter.source);
      if (parameter.kind == Signature::Kind::kInput) {
        run.call.arguments.push_back({checked_[set].inputs[source], Access::kRead, 1});
      } else {
        run.call.arguments.push_back({place.packed[set][source], Access::kWriteSome, 1});
      }
    }
    Finding finding;
    const std::string conditions = StrCat("packing, threads ", run.call.threads);
    TS_RETURN_IF_FAILED(client_.Ask(run, &finding, job.timing.limit, conditions));
    TS_RETURN_IF_FAILED(OutcomeOf(finding, conditions));
  }
  for (size_t n = 0; n < job.signature.packed.size(); ++n) {
    TS_RETURN_IF_FAILED(client_.Copy(place.packed[0][n], place.timed_packed[n]));
  }
  return Outcome();
}

KernelCall Workbench::CallOf(const Job& job, int slot, const Operands& operands,
                             const std::vector<uint32_t>& packed) const {
  KernelCall call;
  call.kernel = static_cast<uint32_t>(slot);
  call.shared_workspace_bytes = static_cast<uint64_t>(job.kernel.main_workspace.shared_bytes);
  call.worker_workspace_bytes = static_cast<uint64_t>(job.kernel.main_workspace.bytes_per_worker);
  for (const Signature::Parameter& parameter : job.signature.main) {
    const auto source = static_cast<size_t>(parameter.source);
    switch (parameter.kind) {
      case Signature::Kind::kInput:
        call.arguments.push_back({operands.inputs[source], Access::kRead, 1});
        break;
      case Signature::Kind::kPacked:
        call.arguments.push_back({packed[source], Access::kRead, 1});
        break;
      case Signature::Kind::kOutput:
        call.arguments.push_back({operands.outputs[source], Access::kWrite,
                                  static_cast<uint32_t>(te::SizeOf(job.expectation->outputs[source].dtype))});
        break;
    }
  }
  return call;
}

Outcome Workbench::Compare(const Operands& operands, const Job& job, size_t set, bool whole,
                           const std::string& conditions) {
  for (size_t o = 0; o < operands.outputs.size(); ++o) {
    const Interface& tensor = job.expectation->outputs[o];
    const ExpectedOutput& expected = job.expectation->sets[set].outputs[o];
    Digest digest;
    TS_RETURN_IF_FAILED(client_.Ask(Hash{operands.outputs[o]}, &digest, kTransferLimit));
    const auto seen = [&](bool entirely) {
      return Hasher().Add(digest.hash).Add(set).Add(o).Add(job.tolerance_factor).Add(entirely).Hash();
    };
    if (accepted_->hashes.contains(seen(whole))) continue;
    std::vector<uint8_t> all;
    std::optional<std::string> wrong;
    if (expected.IsWhole(tensor)) {
      TS_RETURN_IF_FAILED(client_.Download(operands.outputs[o], tensor.bytes(), &all));
      wrong = CompareElements(tensor, expected, all, job.tolerance_factor);
    } else {
      Gather gather;
      gather.buffer = operands.outputs[o];
      gather.element_bytes = static_cast<uint32_t>(te::SizeOf(tensor.dtype));
      gather.indices = expected.indices;
      Data some;
      TS_RETURN_IF_FAILED(client_.Ask(gather, &some, kTransferLimit));
      wrong = CompareElements(tensor, expected, some.data, job.tolerance_factor);
    }
    if (!wrong && whole && expected.projection) {
      TS_RETURN_IF_FAILED(client_.Download(operands.outputs[o], tensor.bytes(), &all));
      wrong = CompareProjection(tensor, *expected.projection, all, job.tolerance_factor);
    }
    if (wrong) return Failure(OutcomeKind::kWrongResult, StrCat(*wrong, " (", conditions, ")"));
    accepted_->hashes.insert(seen(false));
    if (whole) accepted_->hashes.insert(seen(true));
  }
  return Outcome();
}

Outcome Workbench::Check(int slot, const Job& job) {
  if (checked_.size() < job.expectation->sets.size()) {
    return Failure(OutcomeKind::kCrash, StrCat("kernel ", slot, " was loaded only to be timed"));
  }
  const Slot& place = slots_[static_cast<size_t>(slot)];
  // Each set of inputs, and each number of threads on the first set: its results are known best.
  struct Planned {
    size_t set;
    int threads;
  };
  const std::vector<int> threads = CheckedThreads(job);
  std::vector<Planned> runs;
  for (size_t set = 0; set < checked_.size(); ++set) runs.push_back({set, threads[set % threads.size()]});
  for (size_t t = 1; t < threads.size(); ++t) runs.push_back({0, threads[t]});
  for (size_t n = 0; n < runs.size(); ++n) {
    const size_t set = runs[n].set;
    Run run;
    run.call = CallOf(job, slot, checked_[set], place.packed[set]);
    run.call.threads = static_cast<uint32_t>(runs[n].threads);
    run.poison = n % 2 == 0 ? 0xff : 0x7f;
    const std::string conditions =
        StrCat("inputs ", job.expectation->sets[set].name, ", threads ", run.call.threads);
    Finding finding;
    TS_RETURN_IF_FAILED(client_.Ask(run, &finding, job.timing.limit, conditions));
    TS_RETURN_IF_FAILED(OutcomeOf(finding, conditions));
    // Whole outputs are fetched once for each set of inputs; more threads compute the same elements
    // elsewhere.
    const bool whole = n < checked_.size();
    TS_RETURN_IF_FAILED(Compare(checked_[set], job, set, whole, conditions));
  }
  return Outcome();
}

Outcome Workbench::Sample(int slot, const Job& job, int samples, double budget_ns,
                          std::vector<double>* samples_ns) {
  const std::string conditions = TimingConditions(job);
  Time time;
  time.call = CallOf(job, slot, timed_, slots_[static_cast<size_t>(slot)].timed_packed);
  time.call.threads = static_cast<uint32_t>(job.scenario.threads);
  time.call.pinned = job.scenario.pinned;
  time.cold = job.scenario.cold;
  time.samples = static_cast<uint32_t>(samples);
  time.sample_ns = static_cast<uint64_t>(job.timing.sample_ns);
  time.budget_ns = static_cast<uint64_t>(budget_ns);
  const auto budget = std::chrono::milliseconds(static_cast<int64_t>(budget_ns / 1e6));
  measure::Samples reply;
  TS_RETURN_IF_FAILED(client_.Ask(time, &reply, job.timing.limit + budget, conditions));
  TS_RETURN_IF_FAILED(OutcomeOf(reply.finding, conditions));
  samples_ns->insert(samples_ns->end(), reply.ns.begin(), reply.ns.end());
  return Outcome();
}

Outcome Workbench::CompareTimed(const Job& job) {
  return Compare(timed_, job, 0, false, TimingConditions(job));
}

Outcome Workbench::Unload(int slot) {
  measure::Unload request;
  request.kernel = static_cast<uint32_t>(slot);
  Done done;
  return client_.Ask(request, &done, kTransferLimit);
}

}  // namespace tunesmith::measure
