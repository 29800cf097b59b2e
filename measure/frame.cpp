// SPDX-License-Identifier: Apache-2.0
#include "measure/frame.h"

#include <cstring>

namespace tunesmith::measure {
namespace {

constexpr uint8_t kMagic[4] = {'T', 'S', 'r', 'n'};

uint32_t LoadU32(const uint8_t* bytes) {
  return uint32_t{bytes[0]} | uint32_t{bytes[1]} << 8 | uint32_t{bytes[2]} << 16 | uint32_t{bytes[3]} << 24;
}

}  // namespace

void StoreLittle(uint64_t value, int count, uint8_t* bytes) {
  for (int i = 0; i < count; ++i) bytes[i] = static_cast<uint8_t>(value >> (8 * i));
}

void EncodeHeader(MessageType type, uint32_t payload_bytes, uint8_t* header) {
  for (int i = 0; i < 4; ++i) header[i] = kMagic[i];
  header[4] = kProtocolVersion;
  header[5] = static_cast<uint8_t>(type);
  header[6] = header[7] = 0;
  StoreLittle(payload_bytes, 4, header + 8);
}

std::vector<uint8_t> EncodeFrame(MessageType type, std::span<const uint8_t> payload) {
  std::vector<uint8_t> bytes(kHeaderBytes);
  EncodeHeader(type, static_cast<uint32_t>(payload.size()), bytes.data());
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

void FrameDecoder::Append(std::span<const uint8_t> bytes) {
  if (begin_ == pending_.size()) {
    pending_.clear();
    begin_ = 0;
  }
  pending_.insert(pending_.end(), bytes.begin(), bytes.end());
}

size_t FrameDecoder::MissingBytes() const {
  const size_t held = pending_.size() - begin_;
  if (held < kHeaderBytes) return kHeaderBytes - held;
  const size_t whole = kHeaderBytes + LoadU32(pending_.data() + begin_ + 8);
  return whole > held ? whole - held : 1;
}

FrameDecoder::State FrameDecoder::Next(Frame* frame) {
  if (!error_.empty()) return State::kBroken;
  const uint8_t* header = pending_.data() + begin_;
  const size_t held = pending_.size() - begin_;
  if (held < kHeaderBytes) return State::kNeedMore;
  const uint32_t payload_bytes = LoadU32(header + 8);
  if (std::memcmp(header, kMagic, sizeof kMagic) != 0) {
    error_ = "a frame does not begin with TSrn";
  } else if (header[4] != kProtocolVersion) {
    error_ = "a frame has protocol version " + std::to_string(header[4]) + ", not " +
             std::to_string(kProtocolVersion);
  } else if (header[6] != 0 || header[7] != 0) {
    error_ = "a frame's reserved bytes are not 0";
  } else if (payload_bytes > kMaxPayloadBytes) {
    error_ = "a frame announces a payload of " + std::to_string(payload_bytes) + " bytes, more than " +
             std::to_string(kMaxPayloadBytes);
  }
  if (!error_.empty()) return State::kBroken;
  if (held < kHeaderBytes + payload_bytes) return State::kNeedMore;
  frame->type = static_cast<MessageType>(header[5]);
  frame->payload.assign(header + kHeaderBytes, header + kHeaderBytes + payload_bytes);
  begin_ += kHeaderBytes + payload_bytes;
  return State::kFrame;
}

void PayloadWriter::U32(uint32_t value) {
  uint8_t bytes[4];
  StoreLittle(value, 4, bytes);
  bytes_.insert(bytes_.end(), bytes, bytes + 4);
}

void PayloadWriter::U64(uint64_t value) {
  uint8_t bytes[8];
  StoreLittle(value, 8, bytes);
  bytes_.insert(bytes_.end(), bytes, bytes + 8);
}

void PayloadWriter::F64(double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  U64(bits);
}

void PayloadWriter::Bytes(std::span<const uint8_t> bytes) {
  U64(bytes.size());
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

void PayloadWriter::Text(const std::string& text) {
  Bytes({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

const uint8_t* PayloadReader::Take(size_t count) {
  if (!ok_ || count > bytes_.size() - position_) {
    ok_ = false;
    return nullptr;
  }
  const uint8_t* at = bytes_.data() + position_;
  position_ += count;
  return at;
}

uint8_t PayloadReader::U8() {
  const uint8_t* at = Take(1);
  return at == nullptr ? 0 : *at;
}

uint32_t PayloadReader::U32() {
  const uint8_t* at = Take(4);
  return at == nullptr ? 0 : LoadU32(at);
}

uint64_t PayloadReader::U64() {
  const uint8_t* at = Take(8);
  return at == nullptr ? 0 : LoadU32(at) | uint64_t{LoadU32(at + 4)} << 32;
}

double PayloadReader::F64() {
  const uint64_t bits = U64();
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

size_t PayloadReader::Count(size_t item_bytes) {
  const uint64_t count = U64();
  if (count > (bytes_.size() - position_) / item_bytes) {
    ok_ = false;
    return 0;
  }
  return count;
}

std::span<const uint8_t> PayloadReader::Bytes() {
  const size_t count = Count(1);
  const uint8_t* at = Take(count);
  return at == nullptr ? std::span<const uint8_t>() : std::span<const uint8_t>(at, count);
}

std::string PayloadReader::Text() {
  const std::span<const uint8_t> bytes = Bytes();
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace tunesmith::measure
