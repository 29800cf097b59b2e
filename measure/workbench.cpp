// SPDX-License-Identifier: Apache-2.0
#include "measure/workbench.h"

#include <algorithm>
#include <utility>

#include "support/strings.h"

namespace tunesmith::measure {
namespace {

// For requests that do not run kernels: only a machine that is at its end is slower.
constexpr std::chrono::milliseconds kTransferLimit{60000};
constexpr int64_t kChunkBytes = int64_t{8} << 20;
// Vectors' and cache lines' alignment: kernels are timed on buffers as a careful caller gives them.
constexpr int64_t kTimedAlignment = 64;

Outcome Failure(OutcomeKind kind, std::string detail) {
  Outcome outcome;
  outcome.kind = kind;
  outcome.detail = std::move(detail);
  return outcome;
}

/// The numbers of threads that a kernel is checked on: alone, shared, odd, and its own.
std::vector<int> CheckedThreads(const Job& job) {
  std::vector<int> threads = {1, 2, 3};
  if (job.scenario.threads > 3) threads.push_back(job.scenario.threads);
  return threads;
}

std::vector<uint8_t> BytesOf(const te::Value& value, int64_t offset, int64_t count) {
  return {value.data() + offset, value.data() + offset + count};
}

}  // namespace

#define TS_RETURN_IF_FAILED(expression)      \
  do {                                       \
    Outcome ts_outcome = (expression);       \
    if (!ts_outcome.ok()) return ts_outcome; \
  } while (false)

Result<Workbench> Workbench::Start(const std::string& program, uint64_t memory_limit_bytes) {
  TS_ASSIGN_OR_RETURN(RunnerProcess runner, RunnerProcess::Start(program, memory_limit_bytes));
  return Workbench(std::move(runner));
}

template <class Request, class Reply>
Outcome Workbench::Ask(const Request& request, Reply* reply, std::chrono::milliseconds limit,
                       const std::string& conditions) {
  const std::optional<Frame> frame = runner_.Exchange(Encode(request), limit);
  if (!frame) return OutcomeOfEnd(limit, conditions);
  if (Decode(*frame, reply)) return Outcome();
  Refusal refusal;
  if (Decode(*frame, &refusal)) {
    return Failure(
        refusal.code == Refusal::Code::kOutOfMemory ? OutcomeKind::kOutOfMemory : OutcomeKind::kCompileError,
        refusal.text);
  }
  usable_ = false;
  return Failure(OutcomeKind::kCrash, "the runner's answer makes no sense");
}

std::string Workbench::NameOf(uint32_t buffer) const {
  return buffer < buffer_names_.size() ? buffer_names_[buffer] : "the workspace";
}

Outcome Workbench::OutcomeOfEnd(std::chrono::milliseconds limit, const std::string& conditions) {
  usable_ = false;
  const RunnerEnd& end = runner_.end();
  const std::string where = conditions.empty() ? "" : StrCat(" (", conditions, ")");
  if (end.timed_out) {
    return Failure(OutcomeKind::kTimeout, StrCat("did not end within ", limit.count(), " ms", where));
  }
  if (!end.crash) return Failure(OutcomeKind::kCrash, StrCat("the runner ", end.ToString(limit), where));
  const Crash& crash = *end.crash;
  if (!crash.in_kernel)
    return Failure(OutcomeKind::kCrash, StrCat("in the runner: ", end.ToString(limit), where));
  if (crash.buffer != kNoBuffer) {
    return Failure(OutcomeKind::kOutOfBounds, StrCat(crash.wrote ? "writes to" : "reads", " byte ",
                                                     crash.offset, " of ", NameOf(crash.buffer), where));
  }
  return Failure(OutcomeKind::kCrash, StrCat(end.ToString(limit), where));
}

Outcome Workbench::OutcomeOf(const Finding& finding, const std::string& conditions) {
  switch (finding.kind) {
    case Finding::Kind::kClean:
      break;
    case Finding::Kind::kRedZone:
      usable_ = false;  // who knows what else was overwritten
      return Failure(OutcomeKind::kOutOfBounds, StrCat("writes to byte ", finding.position, " of ",
                                                       NameOf(finding.buffer), " (", conditions, ")"));
    case Finding::Kind::kUnwritten: {
      const auto output = std::find_if(checked_[0].outputs.begin(), checked_[0].outputs.end(),
                                       [&](const Tensor& t) { return t.buffer == finding.buffer; });
      const size_t number = static_cast<size_t>(output - checked_[0].outputs.begin());
      if (number >= resident_->outputs.size()) break;
      return Failure(
          OutcomeKind::kWrongResult,
          StrCat(ElementName(resident_->outputs[number], static_cast<uint64_t>(finding.position)),
                 " is not written, the first of ", finding.count, " such elements (", conditions, ")"));
    }
  }
  return Outcome();
}

uint32_t Workbench::NewBuffer(std::string name) {
  buffer_names_.push_back(std::move(name));
  return static_cast<uint32_t>(buffer_names_.size() - 1);
}

Outcome Workbench::Allocate(uint32_t buffer, int64_t bytes, int64_t alignment, Placement placement) {
  measure::Allocate request;
  request.buffer = buffer;
  request.bytes = static_cast<uint64_t>(bytes);
  request.alignment = static_cast<uint32_t>(alignment);
  request.placement = placement;
  Done done;
  return Ask(request, &done, kTransferLimit);
}

Outcome Workbench::Upload(uint32_t buffer, const te::Value& value) {
  for (int64_t offset = 0; offset < value.size_in_bytes(); offset += kChunkBytes) {
    Write request;
    request.buffer = buffer;
    request.offset = static_cast<uint64_t>(offset);
    request.data = BytesOf(value, offset, std::min(kChunkBytes, value.size_in_bytes() - offset));
    Done done;
    TS_RETURN_IF_FAILED(Ask(request, &done, kTransferLimit));
  }
  return Outcome();
}

Outcome Workbench::PlaceWorkload(const Job& job) {
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
  if (resident_ == job.expectation && resident_alignments_ == alignments &&
      timed_on_huge_pages_ == job.scenario.huge_pages) {
    return Outcome();
  }

  resident_.reset();
  slots_.clear();
  buffer_names_.clear();
  checked_.assign(expectation.sets.size(), {});
  timed_ = {};
  Free everything;
  everything.buffer = kNoBuffer;
  Done done;
  TS_RETURN_IF_FAILED(Ask(everything, &done, kTransferLimit));
  const Placement timed_placement = job.scenario.huge_pages ? Placement::kHuge : Placement::kGuarded;
  for (size_t p = 0; p < expectation.parameters.size(); ++p) {
    const Interface& tensor = expectation.parameters[p];
    const std::string name = StrCat("input ", tensor.name, " of ", tensor.bytes(), " bytes");
    for (size_t set = 0; set < expectation.sets.size(); ++set) {
      const uint32_t buffer = NewBuffer(name);
      TS_RETURN_IF_FAILED(Allocate(buffer, tensor.bytes(), alignments[p], Placement::kGuarded));
      TS_RETURN_IF_FAILED(Upload(buffer, expectation.sets[set].parameters[p]));
      checked_[set].inputs.push_back({buffer, name, tensor.bytes()});
    }
    const uint32_t buffer = NewBuffer(name);
    TS_RETURN_IF_FAILED(
        Allocate(buffer, tensor.bytes(), std::max(alignments[p], kTimedAlignment), timed_placement));
    measure::Copy copy;
    copy.from = checked_[0].inputs.back().buffer;
    copy.to = buffer;
    TS_RETURN_IF_FAILED(Ask(copy, &done, kTransferLimit));
    timed_.inputs.push_back({buffer, name, tensor.bytes()});
  }
  for (size_t o = 0; o < expectation.outputs.size(); ++o) {
    const Interface& tensor = expectation.outputs[o];
    const std::string name = StrCat("output ", tensor.name, " of ", tensor.bytes(), " bytes");
    const int64_t alignment = alignments[expectation.parameters.size() + o];
    const uint32_t checked = NewBuffer(name);
    TS_RETURN_IF_FAILED(Allocate(checked, tensor.bytes(), alignment, Placement::kGuarded));
    for (Operands& operands : checked_) operands.outputs.push_back({checked, name, tensor.bytes()});
    const uint32_t timed = NewBuffer(name);
    TS_RETURN_IF_FAILED(
        Allocate(timed, tensor.bytes(), std::max(alignment, kTimedAlignment), timed_placement));
    timed_.outputs.push_back({timed, name, tensor.bytes()});
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
  if (place.packed_bytes == bytes) return Outcome();
  place.packed.resize(checked_.size());
  place.packed_bytes.clear();
  for (size_t n = 0; n < packed.size(); ++n) {
    const std::string name = StrCat("packed weight ", n);
    // Numbers are kept from one job to the next, so that a long search does not run out of them.
    if (place.timed_packed.size() == n) {
      for (std::vector<uint32_t>& set : place.packed) set.push_back(NewBuffer(name));
      place.timed_packed.push_back(NewBuffer(name));
    }
    for (const std::vector<uint32_t>& set : place.packed) {
      TS_RETURN_IF_FAILED(Allocate(set[n], packed[n].bytes(), kTimedAlignment, Placement::kGuarded));
    }
    TS_RETURN_IF_FAILED(Allocate(place.timed_packed[n], packed[n].bytes(), kTimedAlignment,
                                 timed_on_huge_pages_ ? Placement::kHuge : Placement::kGuarded));
  }
  place.packed_bytes = bytes;
  return Outcome();
}

Outcome Workbench::Load(int slot, const Job& job) {
  TS_RETURN_IF_FAILED(PlaceWorkload(job));
  TS_RETURN_IF_FAILED(PlaceSlot(slot, job));
  measure::Load request;
  request.kernel = static_cast<uint32_t>(slot);
  request.main_offset = job.kernel.image.main_offset;
  request.pack_offset = job.kernel.image.pack_offset;
  request.image = job.kernel.image.bytes;
  Done done;
  TS_RETURN_IF_FAILED(Ask(request, &done, kTransferLimit));
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
        run.call.arguments.push_back({checked_[set].inputs[source].buffer, Access::kRead, 1});
      } else {
        run.call.arguments.push_back({place.packed[set][source], Access::kWriteSome, 1});
      }
    }
    Finding finding;
    const std::string conditions = StrCat("packing, threads ", run.call.threads);
    TS_RETURN_IF_FAILED(Ask(run, &finding, job.timing.limit, conditions));
    TS_RETURN_IF_FAILED(OutcomeOf(finding, conditions));
  }
  for (size_t n = 0; n < job.signature.packed.size(); ++n) {
    measure::Copy copy;
    copy.from = place.packed[0][n];
    copy.to = place.timed_packed[n];
    Done done;
    TS_RETURN_IF_FAILED(Ask(copy, &done, kTransferLimit));
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
        call.arguments.push_back({operands.inputs[source].buffer, Access::kRead, 1});
        break;
      case Signature::Kind::kPacked:
        call.arguments.push_back({packed[source], Access::kRead, 1});
        break;
      case Signature::Kind::kOutput:
        call.arguments.push_back({operands.outputs[source].buffer, Access::kWrite,
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
    Gather gather;
    gather.buffer = operands.outputs[o].buffer;
    gather.element_bytes = static_cast<uint32_t>(te::SizeOf(tensor.dtype));
    gather.indices = expected.indices;
    Data some;
    TS_RETURN_IF_FAILED(Ask(gather, &some, kTransferLimit));
    std::optional<std::string> wrong = CompareElements(tensor, expected, some.data, job.tolerance_factor);
    if (!wrong && whole && expected.projection) {
      std::vector<uint8_t> all;
      all.reserve(static_cast<size_t>(tensor.bytes()));
      while (static_cast<int64_t>(all.size()) < tensor.bytes()) {
        measure::Read read;
        read.buffer = operands.outputs[o].buffer;
        read.offset = all.size();
        read.bytes =
            static_cast<uint64_t>(std::min(kChunkBytes, tensor.bytes() - static_cast<int64_t>(all.size())));
        Data part;
        TS_RETURN_IF_FAILED(Ask(read, &part, kTransferLimit));
        all.insert(all.end(), part.data.begin(), part.data.end());
      }
      wrong = CompareProjection(tensor, *expected.projection, all, job.tolerance_factor);
    }
    if (wrong) return Failure(OutcomeKind::kWrongResult, StrCat(*wrong, " (", conditions, ")"));
  }
  return Outcome();
}

Outcome Workbench::Check(int slot, const Job& job) {
  const Slot& place = slots_[static_cast<size_t>(slot)];
  const std::vector<int> threads = CheckedThreads(job);
  const size_t runs = std::max(threads.size(), checked_.size());
  for (size_t n = 0; n < runs; ++n) {
    const size_t set = n % checked_.size();
    Run run;
    run.call = CallOf(job, slot, checked_[set], place.packed[set]);
    run.call.threads = static_cast<uint32_t>(threads[n % threads.size()]);
    run.poison = n % 2 == 0 ? 0xff : 0x7f;
    const std::string conditions =
        StrCat("inputs ", job.expectation->sets[set].name, ", threads ", run.call.threads);
    Finding finding;
    TS_RETURN_IF_FAILED(Ask(run, &finding, job.timing.limit, conditions));
    TS_RETURN_IF_FAILED(OutcomeOf(finding, conditions));
    TS_RETURN_IF_FAILED(Compare(checked_[set], job, set, true, conditions));
  }
  return Outcome();
}

Outcome Workbench::Sample(int slot, const Job& job, int samples, double budget_ns,
                          std::vector<double>* samples_ns) {
  const std::string conditions = StrCat("while timing, threads ", job.scenario.threads);
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
  TS_RETURN_IF_FAILED(Ask(time, &reply, job.timing.limit + budget, conditions));
  TS_RETURN_IF_FAILED(OutcomeOf(reply.finding, conditions));
  TS_RETURN_IF_FAILED(Compare(timed_, job, 0, false, conditions));
  samples_ns->insert(samples_ns->end(), reply.ns.begin(), reply.ns.end());
  return Outcome();
}

Outcome Workbench::Unload(int slot) {
  measure::Unload request;
  request.kernel = static_cast<uint32_t>(slot);
  Done done;
  return Ask(request, &done, kTransferLimit);
}

#undef TS_RETURN_IF_FAILED

}  // namespace tunesmith::measure
