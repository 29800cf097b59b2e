// SPDX-License-Identifier: Apache-2.0
#include "measure/runner/session.h"

#include <unistd.h>

#include <cinttypes>
#include <cstring>

#include "measure/runner/caches.h"
#include "measure/runner/clock.h"
#include "measure/runner/faults.h"
#include "measure/runner/memory.h"
#include "measure/runner/poison.h"
#include "measure/runner/probes.h"
#include "measure/runner/timing.h"

namespace tunesmith::measure::runner {
namespace {

// More than any machine has; a wrong number must not start a million threads.
constexpr uint32_t kMaxThreads = 4096;

std::vector<uint8_t> DoneOr(const std::optional<Refusal>& refusal) {
  return refusal ? Encode(*refusal) : Encode(Done());
}

bool IsElementSize(uint32_t bytes) { return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8; }

}  // namespace

std::vector<uint8_t> Session::Answer(const Frame& request) {
  const auto decode_and_answer = [&](auto message) {
    return Decode(request, &message)
               ? Answer(message)
               : Encode(BadRequest("a request of type %d is malformed", static_cast<int>(request.type)));
  };
  switch (request.type) {
    case MessageType::kHello:
      return decode_and_answer(Hello());
    case MessageType::kLoad:
      return decode_and_answer(measure::Load());
    case MessageType::kUnload:
      return decode_and_answer(measure::Unload());
    case MessageType::kAllocate:
      return decode_and_answer(measure::Allocate());
    case MessageType::kFree:
      return decode_and_answer(measure::Free());
    case MessageType::kWrite:
      return decode_and_answer(measure::Write());
    case MessageType::kCopy:
      return decode_and_answer(measure::Copy());
    case MessageType::kRun:
      return decode_and_answer(measure::Run());
    case MessageType::kRead:
      return decode_and_answer(measure::Read());
    case MessageType::kGather:
      return decode_and_answer(measure::Gather());
    case MessageType::kHash:
      return decode_and_answer(measure::Hash());
    case MessageType::kTime:
      return decode_and_answer(measure::Time());
    case MessageType::kProbe:
      return decode_and_answer(measure::Probe());
    default:
      return Encode(BadRequest("%d is no type of request", static_cast<int>(request.type)));
  }
}

std::vector<uint8_t> Session::Answer(const Hello&) {
  return Encode(Greeting{threads_.cpus(), static_cast<uint64_t>(sysconf(_SC_PAGESIZE)), AvailableBytes()});
}

std::vector<uint8_t> Session::Answer(const measure::Load& request) { return DoneOr(kernels_.Load(request)); }

std::vector<uint8_t> Session::Answer(const measure::Unload& request) {
  return DoneOr(kernels_.Unload(request.kernel));
}

std::vector<uint8_t> Session::Answer(const measure::Allocate& request) {
  return DoneOr(buffers_.Allocate(request));
}

std::vector<uint8_t> Session::Answer(const measure::Free& request) {
  if (request.buffer != kNoBuffer) return DoneOr(buffers_.Free(request.buffer));
  buffers_.FreeAll();
  return Encode(Done());
}

std::vector<uint8_t> Session::Answer(const measure::Write& request) {
  if (auto refusal = buffers_.SetReadOnly(request.buffer, false)) return Encode(*refusal);
  const Region& region = *buffers_.Find(request.buffer);
  if (request.offset > region.bytes || request.data.size() > region.bytes - request.offset) {
    return Encode(BadRequest("%zu bytes at %" PRIu64 " do not fit into buffer %" PRIu32 " of %zu bytes",
                             request.data.size(), request.offset, request.buffer, region.bytes));
  }
  if (!request.data.empty()) {
    std::memcpy(region.start + request.offset, request.data.data(), request.data.size());
  }
  return Encode(Done());
}

std::vector<uint8_t> Session::Answer(const measure::Copy& request) {
  const Region* from = buffers_.Find(request.from);
  if (from == nullptr) return Encode(BadRequest("there is no buffer %" PRIu32, request.from));
  if (auto refusal = buffers_.SetReadOnly(request.to, false)) return Encode(*refusal);
  const Region& to = *buffers_.Find(request.to);
  if (from->bytes != to.bytes) {
    return Encode(BadRequest("buffers %" PRIu32 " and %" PRIu32 " differ in size: %zu and %zu bytes",
                             request.from, request.to, from->bytes, to.bytes));
  }
  std::memmove(to.start, from->start, to.bytes);
  return Encode(Done());
}

std::vector<uint8_t> Session::Answer(const measure::Read& request) {
  const Region* region = buffers_.Find(request.buffer);
  if (region == nullptr) return Encode(BadRequest("there is no buffer %" PRIu32, request.buffer));
  if (request.offset > region->bytes || request.bytes > region->bytes - request.offset ||
      request.bytes > kMaxPayloadBytes - 8) {
    return Encode(BadRequest("%" PRIu64 " bytes at %" PRIu64 " of buffer %" PRIu32
                             " of %zu bytes cannot be read at once",
                             request.bytes, request.offset, request.buffer, region->bytes));
  }
  const uint8_t* begin = region->start + request.offset;
  return Encode(Data{{begin, begin + request.bytes}});
}

std::vector<uint8_t> Session::Answer(const measure::Gather& request) {
  const Region* region = buffers_.Find(request.buffer);
  if (region == nullptr) return Encode(BadRequest("there is no buffer %" PRIu32, request.buffer));
  const uint32_t size = request.element_bytes;
  if (!IsElementSize(size)) return Encode(BadRequest("elements of %" PRIu32 " bytes", size));
  const uint64_t elements = region->bytes / size;
  Data reply;
  reply.data.resize(request.indices.size() * size);
  for (size_t i = 0; i < request.indices.size(); ++i) {
    if (request.indices[i] >= elements) {
      return Encode(BadRequest("buffer %" PRIu32 " has %" PRIu64 " elements, none of index %" PRIu64,
                               request.buffer, elements, request.indices[i]));
    }
    std::memcpy(reply.data.data() + i * size, region->start + request.indices[i] * size, size);
  }
  return Encode(reply);
}

std::vector<uint8_t> Session::Answer(const measure::Hash& request) {
  const Region* region = buffers_.Find(request.buffer);
  if (region == nullptr) return Encode(BadRequest("there is no buffer %" PRIu32, request.buffer));
  return Encode(Digest{HashBytes128({reinterpret_cast<const char*>(region->start), region->bytes})});
}

std::optional<Refusal> Session::Prepare(const KernelCall& call, Placement workspace, Ready* ready) {
  ready->entry = kernels_.Find(call.kernel, call.entry);
  if (ready->entry == nullptr) {
    return BadRequest("kernel %" PRIu32 " is not loaded, or has no such entry", call.kernel);
  }
  if (call.threads < 1 || call.threads > kMaxThreads) {
    return BadRequest("%" PRIu32 " threads: the number is from 1 to %" PRIu32, call.threads, kMaxThreads);
  }
  for (const Argument& argument : call.arguments) {
    if (!IsElementSize(argument.element_bytes)) {
      return BadRequest("elements of %" PRIu32 " bytes", argument.element_bytes);
    }
    if (auto refusal = buffers_.SetReadOnly(argument.buffer, argument.access == Access::kRead))
      return refusal;
    ready->pointers.push_back(buffers_.Find(argument.buffer)->start);
  }
  uint64_t bytes = 0;
  if (__builtin_mul_overflow(call.worker_workspace_bytes, uint64_t{call.threads}, &bytes) ||
      __builtin_add_overflow(bytes, call.shared_workspace_bytes, &bytes)) {
    return Refusal{Refusal::Code::kOutOfMemory, "the workspace is larger than any memory"};
  }
  if (bytes > 0) {
    if (auto refusal = buffers_.Workspace(bytes, workspace, &ready->workspace)) return refusal;
  }
  ready->threads = threads_.Use(call.threads, call.pinned);
  if (ready->threads == nullptr) {
    return Refusal{Refusal::Code::kOutOfMemory, "the system refuses to start so many threads"};
  }
  return std::nullopt;
}

Finding Session::LookAtRedZones(const KernelCall& call, const Ready& ready) const {
  Finding finding;
  const auto look = [&](const Region& region, uint32_t buffer) {
    const std::optional<int64_t> damaged = Buffers::DamagedAt(region);
    if (!damaged) return;
    Buffers::PaintRedZones(region);
    if (finding.kind == Finding::Kind::kClean) {
      finding.kind = Finding::Kind::kRedZone;
      finding.buffer = buffer;
      finding.position = *damaged;
    }
  };
  for (const Argument& argument : call.arguments) look(*buffers_.Find(argument.buffer), argument.buffer);
  if (ready.workspace != nullptr) look(*ready.workspace, kWorkspaceBuffer);
  return finding;
}

void Session::Poison(const KernelCall& call, const Ready& ready, uint8_t poison) const {
  for (const Argument& argument : call.arguments) {
    const Region& region = *buffers_.Find(argument.buffer);
    if (argument.access != Access::kRead) std::memset(region.start, poison, region.bytes);
  }
  if (ready.workspace != nullptr) std::memset(ready.workspace->start, poison, ready.workspace->bytes);
}

std::vector<uint8_t> Session::Answer(const measure::Run& request) {
  const KernelCall& call = request.call;
  Ready ready;
  if (auto refusal = Prepare(call, Placement::kGuarded, &ready)) return Encode(*refusal);
  const auto call_once = [&](uint8_t poison) {
    Poison(call, ready, poison);
    const uint64_t begin = NowNs();
    {
      InKernel here;
      ready.entry(ready.pointers.data(), ready.workspace == nullptr ? nullptr : ready.workspace->start,
                  ready.threads);
    }
    return NowNs() - begin;
  };

  const uint64_t elapsed_ns = call_once(request.poison);
  Finding finding = LookAtRedZones(call, ready);
  if (finding.kind == Finding::Kind::kClean) {
    std::vector<PoisonScan> scans;
    bool suspicious = false;
    for (const Argument& argument : call.arguments) {
      if (argument.access != Access::kWrite) continue;
      const Region& region = *buffers_.Find(argument.buffer);
      scans.emplace_back(argument.buffer, region.start, region.bytes, argument.element_bytes);
      suspicious = scans.back().LookFor(request.poison) > 0 || suspicious;
    }
    if (suspicious) {
      const uint8_t other = request.poison ^ 0x80;
      call_once(other);
      finding = LookAtRedZones(call, ready);
      for (PoisonScan& scan : scans) {
        if (finding.kind != Finding::Kind::kClean) break;
        finding = scan.LookAgainFor(other);
      }
    }
  }
  finding.elapsed_ns = elapsed_ns;
  return Encode(finding);
}

void Session::Evict(const KernelCall& call, const Ready& ready) const {
  for (const Argument& argument : call.arguments) {
    const Region& region = *buffers_.Find(argument.buffer);
    EvictFromCaches(region.start, region.bytes);
  }
  if (ready.workspace != nullptr) EvictFromCaches(ready.workspace->start, ready.workspace->bytes);
}

std::vector<uint8_t> Session::Answer(const measure::Time& request) {
  Ready ready;
  if (auto refusal = Prepare(request.call, Placement::kHuge, &ready)) return Encode(*refusal);
  if (request.samples < 1 || request.samples > kMaxSamples) {
    return Encode(
        BadRequest("%" PRIu32 " samples: the number is from 1 to %" PRIu32, request.samples, kMaxSamples));
  }
  const auto call_once = [&] {
    ready.entry(ready.pointers.data(), ready.workspace == nullptr ? nullptr : ready.workspace->start,
                ready.threads);
  };
  Samples reply;
  {
    InKernel here;
    if (request.cold) {
      reply = TimeCold(request.samples, request.budget_ns, call_once, [&] { Evict(request.call, ready); });
    } else {
      reply = TimeWarm(request.samples, request.sample_ns, request.budget_ns, call_once);
    }
  }
  reply.finding = LookAtRedZones(request.call, ready);
  return Encode(reply);
}

std::vector<uint8_t> Session::Answer(const measure::Probe& request) {
  if (request.threads < 1 || request.threads > kMaxThreads) {
    return Encode(
        BadRequest("%" PRIu32 " threads: the number is from 1 to %" PRIu32, request.threads, kMaxThreads));
  }
  const Region* memory = nullptr;
  if (GoesOverMemory(request.kind)) {
    uint64_t bytes = 0;
    if (request.bytes < 4096 || __builtin_mul_overflow(request.bytes, uint64_t{request.threads}, &bytes)) {
      return Encode(BadRequest("a probe over %" PRIu64 " bytes of memory on each thread", request.bytes));
    }
    if (auto refusal = buffers_.Workspace(bytes, Placement::kHuge, &memory)) return Encode(*refusal);
  }
  const tunesmith_threads* threads = threads_.Use(request.threads, true);
  if (threads == nullptr) {
    return Encode(Refusal{Refusal::Code::kOutOfMemory, "the system refuses to start so many threads"});
  }
  return Encode(RunProbe(request, memory == nullptr ? nullptr : memory->start, *threads));
}

}  // namespace tunesmith::measure::runner
