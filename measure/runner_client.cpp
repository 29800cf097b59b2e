// SPDX-License-Identifier: Apache-2.0
#include "measure/runner_client.h"

#include <algorithm>

#include "support/strings.h"

namespace tunesmith::measure {
namespace {

constexpr int64_t kChunkBytes = int64_t{8} << 20;

std::vector<uint8_t> BytesOf(const te::Value& value, int64_t offset, int64_t count) {
  return {value.data() + offset, value.data() + offset + count};
}

}  // namespace

Outcome Failure(OutcomeKind kind, std::string detail) {
  Outcome outcome;
  outcome.kind = kind;
  outcome.detail = std::move(detail);
  return outcome;
}

std::string RunnerClient::NameOf(uint32_t buffer) const {
  return buffer < buffer_names_.size() ? buffer_names_[buffer] : "the workspace";
}

Outcome RunnerClient::OutcomeOfEnd(std::chrono::milliseconds limit, const std::string& conditions) {
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

Outcome RunnerClient::OutcomeOfOther(const Frame& frame) {
  Refusal refusal;
  if (!Decode(frame, &refusal)) {
    usable_ = false;
    return Failure(OutcomeKind::kCrash, "the runner's answer makes no sense");
  }
  const bool memory = refusal.code == Refusal::Code::kOutOfMemory;
  return Failure(memory ? OutcomeKind::kOutOfMemory : OutcomeKind::kCompileError, refusal.text);
}

uint32_t RunnerClient::NewBuffer(std::string name) {
  buffer_names_.push_back(std::move(name));
  return static_cast<uint32_t>(buffer_names_.size() - 1);
}

Outcome RunnerClient::Allocate(uint32_t buffer, int64_t bytes, int64_t alignment, Placement placement) {
  measure::Allocate request;
  request.buffer = buffer;
  request.bytes = static_cast<uint64_t>(bytes);
  request.alignment = static_cast<uint32_t>(alignment);
  request.placement = placement;
  Done done;
  return Ask(request, &done, kTransferLimit);
}

Outcome RunnerClient::Upload(uint32_t buffer, const te::Value& value) {
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

Outcome RunnerClient::Copy(uint32_t from, uint32_t to) {
  measure::Copy request;
  request.from = from;
  request.to = to;
  Done done;
  return Ask(request, &done, kTransferLimit);
}

Outcome RunnerClient::Download(uint32_t buffer, int64_t bytes, std::vector<uint8_t>* data) {
  data->clear();
  data->reserve(static_cast<size_t>(bytes));
  while (static_cast<int64_t>(data->size()) < bytes) {
    Read request;
    request.buffer = buffer;
    request.offset = data->size();
    request.bytes = static_cast<uint64_t>(std::min(kChunkBytes, bytes - static_cast<int64_t>(data->size())));
    Data part;
    TS_RETURN_IF_FAILED(Ask(request, &part, kTransferLimit));
    data->insert(data->end(), part.data.begin(), part.data.end());
  }
  return Outcome();
}

Outcome RunnerClient::FreeAll() {
  buffer_names_.clear();
  Free request;
  request.buffer = kNoBuffer;
  Done done;
  return Ask(request, &done, kTransferLimit);
}

}  // namespace tunesmith::measure
