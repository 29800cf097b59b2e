// SPDX-License-Identifier: Apache-2.0
// What a measurer and a runner say to each other, byte by byte in docs/formats/runner-protocol.md. Both sides
// compile this file; it needs nothing but the standard library and one header of xxHash, so that the runner
// can be built for any board. The measurer sends a request, the runner answers it with exactly one reply, in
// order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "measure/frame.h"
#include "support/hash.h"

namespace tunesmith::measure {

/// Buffers have numbers below this.
inline constexpr uint32_t kMaxBuffers = 1024;
/// In Finding and Crash: the call's workspace, or no buffer at all.
inline constexpr uint32_t kWorkspaceBuffer = 0xfffffffe;
inline constexpr uint32_t kNoBuffer = 0xffffffff;

/// How a buffer lies in memory.
enum class Placement : uint8_t {
  kGuarded = 0,  // for checks: its end as close before an inaccessible page as its alignment allows
  kHuge = 1,     // for timing: on transparent huge pages, at an offset that differs from buffer to buffer
  kGuardedFront = 2,  // for checks: its beginning directly behind an inaccessible page
};

enum class Access : uint8_t {
  kRead = 0,
  kWrite = 1,     // every element of it
  kWriteSome = 2  // what is left unwritten is never used (the padding of a repacked weight)
};
enum class Entry : uint8_t { kMain = 0, kPack = 1 };

struct Hello {
  static constexpr MessageType kType = MessageType::kHello;
  void Put(PayloadWriter&) const {}
  void Get(PayloadReader&) {}
};

struct Greeting {
  static constexpr MessageType kType = MessageType::kGreeting;
  uint32_t cpus = 0;  // that the runner may use
  uint64_t page_bytes = 0;
  uint64_t available_bytes = 0;  // of memory, now
  void Put(PayloadWriter& w) const;
  void Get(PayloadReader& r);
};

/// Maps an image, readable and executable, under a number of the measurer's choice.
struct Load {
  static constexpr MessageType kType = MessageType::kLoad;
  uint32_t kernel = 0;
  int64_t main_offset = 0;
  int64_t pack_offset = -1;  // -1: no such entry
  std::vector<uint8_t> image;
  void Put(PayloadWriter& w) const;
  void Get(PayloadReader& r);
};

struct Unload {
  static constexpr MessageType kType = MessageType::kUnload;
  uint32_t kernel = 0;
  void Put(PayloadWriter& w) const { w.U32(kernel); }
  void Get(PayloadReader& r) { kernel = r.U32(); }
};

/// Makes a buffer, filled with zeros, between red zones. A number in use is freed first.
struct Allocate {
  static constexpr MessageType kType = MessageType::kAllocate;
  uint32_t buffer = 0;  // below kMaxBuffers
  uint64_t bytes = 0;
  uint32_t alignment = 64;  // a power of two up to 4096
  Placement placement = Placement::kGuarded;
  void Put(PayloadWriter& w) const;
  void Get(PayloadReader& r);
};

struct Free {
  static constexpr MessageType kType = MessageType::kFree;
  uint32_t buffer = 0;  // kNoBuffer: all of them
  void Put(PayloadWriter& w) const { w.U32(buffer); }
  void Get(PayloadReader& r) { buffer = r.U32(); }
};

struct Write {
  static constexpr MessageType kType = MessageType::kWrite;
  uint32_t buffer = 0;
  uint64_t offset = 0;
  std::vector<uint8_t> data;
  void Put(PayloadWriter& w) const;
  void Get(PayloadReader& r);
};

/// Fills a buffer with the content of another of the same size.
struct Copy {
  static constexpr MessageType kType = MessageType::kCopy;
  uint32_t from = 0;
  uint32_t to = 0;
  void Put(PayloadWriter& w) const;
  void Get(PayloadReader& r);
};

struct Argument {
  uint32_t buffer = 0;
  Access access = Access::kRead;
  uint32_t element_bytes = 1;  // 1, 2, 4 or 8
};

/// One call of an entry. Buffers that are read are made read-only for it.
struct KernelCall {
  uint32_t kernel = 0;
  Entry entry = Entry::kMain;
  uint32_t threads = 1;
  bool pinned = false;  // each worker on a CPU of its own
  uint64_t shared_workspace_bytes = 0;
  uint64_t worker_workspace_bytes = 0;  // for each thread
  std::vector<Argument> arguments;
  void Put(PayloadWriter& w) const;
  void Get(PayloadReader& r);
};

/// Fills what is written and the workspace with `poison`, calls once, looks at the red zones and for elements
/// that still hold poison. If there are some, it does all that again with `poison ^ 0x80`: an element that
/// holds the poison both times was not written.
struct Run {
  static constexpr MessageType kType = MessageType::kRun;
  KernelCall call;
  uint8_t poison = 0xff;  // 0xff: NaN in every floating type; 0x7f: huge
  void Put(PayloadWriter& w) const;
  void Get(PayloadReader& r);
};

struct Finding {
  static constexpr MessageType kType = MessageType::kFinding;
  enum class Kind : uint8_t { kClean = 0, kRedZone = 1, kUnwritten = 2 };
  Kind kind = Kind::kClean;
  uint32_t buffer = kNoBuffer;
  int64_t position = 0;     // kRedZone: of the first byte, from the buffer's start (negative: before it);
                            // kUnwritten: of the first element
  uint64_t count = 0;       // kUnwritten: of elements
  uint64_t elapsed_ns = 0;  // of the (first) call
  void Put(PayloadWriter& w) const;
  void Get(PayloadReader& r);
};

struct Read {
  static constexpr MessageType kType = MessageType::kRead;
  uint32_t buffer = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  void Put(PayloadWriter& w) const;
  void Get(PayloadReader& r);
};

/// The elements at these indices, in this order.
struct Gather {
  static constexpr MessageType kType = MessageType::kGather;
  uint32_t buffer = 0;
  uint32_t element_bytes = 1;
  std::vector<uint64_t> indices;
  void Put(PayloadWriter& w) const;
  void Get(PayloadReader& r);
};

struct Data {
  static constexpr MessageType kType = MessageType::kData;
  std::vector<uint8_t> data;
  void Put(PayloadWriter& w) const { w.Bytes(data); }
  void Get(PayloadReader& r);
};

/// Names what a buffer holds (XXH3-128), so that what was looked at once need not be fetched again.
struct Hash {
  static constexpr MessageType kType = MessageType::kHash;
  uint32_t buffer = 0;
  void Put(PayloadWriter& w) const { w.U32(buffer); }
  void Get(PayloadReader& r) { buffer = r.U32(); }
};

struct Digest {
  static constexpr MessageType kType = MessageType::kDigest;
  Hash128 hash;
  void Put(PayloadWriter& w) const;
  void Get(PayloadReader& r);
};

/// Warm: each sample is a batch of calls that follow each other, long enough to fill `sample_ns`.
/// Cold: each sample is one call, before which its buffers are evicted from the caches.
struct Time {
  static constexpr MessageType kType = MessageType::kTime;
  KernelCall call;
  bool cold = false;
  uint32_t samples = 1;
  uint64_t sample_ns = 0;
  uint64_t budget_ns = 0;  // no sample is begun after it, but the first
  void Put(PayloadWriter& w) const;
  void Get(PayloadReader& r);
};

struct Samples {
  static constexpr MessageType kType = MessageType::kSamples;
  uint64_t calls = 0;      // in each sample
  std::vector<double> ns;  // one call's share of each sample
  Finding finding;         // of the red zones, afterwards
  void Put(PayloadWriter& w) const;
  void Get(PayloadReader& r);
};

/// What a probe finds the limit of. The numbers are part of the protocol.
enum class ProbeKind : uint8_t {
  kFmaF32 = 0,   // operations a second: a fused multiply-add is two
  kFmaF64 = 1,   // (without fused ones: a product and a sum)
  kDotU8S8 = 2,  // u8 by s8 into s32
  kDotBF16 = 3,  // bf16 by bf16 into f32
  kRead = 4,     // bytes a second
  kWrite = 5,
  kCopy = 6,         // bytes read and bytes written, together
  kStreamWrite = 7,  // past the caches
  kStreamCopy = 8,
};
inline constexpr uint8_t kProbeKinds = 9;

/// Runs a loop of the runner's own on so many threads for about `duration_ns`.
struct Probe {
  static constexpr MessageType kType = MessageType::kProbe;
  ProbeKind kind = ProbeKind::kFmaF32;
  uint32_t threads = 1;
  uint64_t bytes = 0;  // of memory that each thread goes over, of the kinds that do; at least 4096
  uint64_t duration_ns = 0;
  void Put(PayloadWriter& w) const;
  void Get(PayloadReader& r);
};

struct Rate {
  static constexpr MessageType kType = MessageType::kRate;
  double a_second = 0;   // the best that was seen, of all threads together; 0: not on this processor
  double cpu_share = 0;  // the part of the passes' time for which the threads had a CPU
  double spread = 0;     // how much longer than the shortest pass the median one took, as a part of it
  void Put(PayloadWriter& w) const;
  void Get(PayloadReader& r);
};

struct Done {
  static constexpr MessageType kType = MessageType::kDone;
  void Put(PayloadWriter&) const {}
  void Get(PayloadReader&) {}
};

/// The request was not carried out; the runner goes on.
struct Refusal {
  static constexpr MessageType kType = MessageType::kRefusal;
  enum class Code : uint8_t { kBadRequest = 0, kOutOfMemory = 1 };
  Code code = Code::kBadRequest;
  std::string text;
  void Put(PayloadWriter& w) const;
  void Get(PayloadReader& r);
};

/// A kernel, or the runner itself, received a signal.
struct Crash {
  static constexpr MessageType kType = MessageType::kCrash;
  static constexpr size_t kBytes = 26;
  uint32_t signal = 0;
  uint64_t address = 0;  // that faulted; 0 if there is none
  bool in_kernel = false;
  bool wrote = false;           // if the fault is known to be a write
  uint32_t buffer = kNoBuffer;  // in whose neighbourhood (or, read-only, inside) the address lies
  int64_t offset = 0;           // from that buffer's start, bytes
  void Put(PayloadWriter& w) const;
  void Get(PayloadReader& r);
  /// The payload; usable in a signal handler.
  void EncodePayload(uint8_t (&payload)[kBytes]) const;
};

template <class Message>
std::vector<uint8_t> Encode(const Message& message) {
  PayloadWriter writer;
  message.Put(writer);
  return EncodeFrame(Message::kType, writer.Take());
}

/// False if the frame is of another type or malformed.
template <class Message>
bool Decode(const Frame& frame, Message* message) {
  if (frame.type != Message::kType) return false;
  PayloadReader reader(frame.payload);
  message->Get(reader);
  return reader.Finish();
}

}  // namespace tunesmith::measure
