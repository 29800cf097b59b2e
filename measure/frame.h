// SPDX-License-Identifier: Apache-2.0
// Frames: how messages are told apart in a stream of bytes, and how numbers are written in their payloads;
// byte by byte in docs/formats/runner-protocol.md. Every function here accepts any bytes and refuses bad
// ones; none allocates more than the bytes it was given call for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tunesmith::measure {

inline constexpr uint8_t kProtocolVersion = 4;
inline constexpr size_t kHeaderBytes = 12;
inline constexpr size_t kMaxPayloadBytes = size_t{64} << 20;
enum class MessageType : uint8_t {
  // requests                 answered by
  kHello = 1,     // Greeting
  kLoad = 2,      // Done
  kUnload = 3,    // Done
  kAllocate = 4,  // Done
  kFree = 5,      // Done
  kWrite = 6,     // Done
  kRun = 7,       // Finding
  kRead = 8,      // Data
  kGather = 9,    // Data
  kTime = 10,     // Samples
  kCopy = 11,     // Done
  kProbe = 12,    // Rate
  kHash = 13,     // Digest
  // replies
  kGreeting = 128,
  kDone = 129,
  kFinding = 130,
  kData = 131,
  kSamples = 132,
  kRefusal = 133,  // instead of any of the above
  kRate = 135,
  kDigest = 136,
  kCrash = 134,  // instead of any of the above; the runner ends after it
};

struct Frame {
  MessageType type = MessageType::kHello;
  std::vector<uint8_t> payload;
};

/// The bytes of a frame: header, then payload (at most kMaxPayloadBytes).
std::vector<uint8_t> EncodeFrame(MessageType type, std::span<const uint8_t> payload);
/// The `count` lowest bytes of a value, the lowest first; usable in a signal handler, as the next one.
void StoreLittle(uint64_t value, int count, uint8_t* bytes);
/// Writes the 12 bytes of a header.
void EncodeHeader(MessageType type, uint32_t payload_bytes, uint8_t* header);

/// Cuts a stream of bytes into frames.
class FrameDecoder {
 public:
  enum class State : uint8_t { kFrame, kNeedMore, kBroken };

  void Append(std::span<const uint8_t> bytes);
  /// kFrame: `frame` is the next one. kBroken: the stream is not of this protocol, see error(); for good.
  State Next(Frame* frame);
  const std::string& error() const { return error_; }
  /// Bytes that the frame begun needs before Next can give it: at least 1.
  size_t MissingBytes() const;

 private:
  std::vector<uint8_t> pending_;
  size_t begin_ = 0;  // of the first byte not yet given out
  std::string error_;
};

/// Appends values in little-endian order.
class PayloadWriter {
 public:
  void U8(uint8_t value) { bytes_.push_back(value); }
  void U32(uint32_t value);
  void U64(uint64_t value);
  void I64(int64_t value) { U64(static_cast<uint64_t>(value)); }
  void F64(double value);
  /// Length (u64), then the bytes.
  void Bytes(std::span<const uint8_t> bytes);
  void Text(const std::string& text);
  std::vector<uint8_t> Take() { return std::move(bytes_); }

 private:
  std::vector<uint8_t> bytes_;
};

/// Reads what PayloadWriter wrote. After the first failure every value is 0 and Finish() is false.
class PayloadReader {
 public:
  explicit PayloadReader(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  uint8_t U8();
  uint32_t U32();
  uint64_t U64();
  int64_t I64() { return static_cast<int64_t>(U64()); }
  double F64();
  std::span<const uint8_t> Bytes();
  std::string Text();
  /// A number of items that follow, each of at least `item_bytes`: fails if they cannot all be there.
  size_t Count(size_t item_bytes);
  /// For a value out of its range.
  void Fail() { ok_ = false; }
  bool ok() const { return ok_; }
  /// True if every byte was read and nothing failed.
  bool Finish() const { return ok_ && position_ == bytes_.size(); }

 private:
  const uint8_t* Take(size_t count);

  std::span<const uint8_t> bytes_;
  size_t position_ = 0;
  bool ok_ = true;
};

}  // namespace tunesmith::measure
