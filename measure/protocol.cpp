// SPDX-License-Identifier: Apache-2.0
#include "measure/protocol.h"

#include <cstring>
#include <utility>

namespace tunesmith::measure {
namespace {

constexpr uint8_t kMagic[4] = {'T', 'S', 'r', 'n'};

uint32_t LoadU32(const uint8_t* bytes) {
  return uint32_t{bytes[0]} | uint32_t{bytes[1]} << 8 | uint32_t{bytes[2]} << 16 | uint32_t{bytes[3]} << 24;
}

void StoreLittle(uint64_t value, int count, uint8_t* bytes) {
  for (int i = 0; i < count; ++i) bytes[i] = static_cast<uint8_t>(value >> (8 * i));
}

std::vector<uint8_t> ToVector(std::span<const uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

/// An enumerator below `count`.
template <class Enum>
Enum ReadEnum(PayloadReader& r, uint8_t count) {
  const uint8_t value = r.U8();
  if (value >= count) r.Fail();
  return value < count ? static_cast<Enum>(value) : Enum{};
}

bool ReadBool(PayloadReader& r) { return ReadEnum<uint8_t>(r, 2) != 0; }

}  // namespace

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

// ---- messages

void Greeting::Put(PayloadWriter& w) const {
  w.U32(cpus);
  w.U64(page_bytes);
  w.U64(available_bytes);
}
void Greeting::Get(PayloadReader& r) {
  cpus = r.U32();
  page_bytes = r.U64();
  available_bytes = r.U64();
}

void Load::Put(PayloadWriter& w) const {
  w.U32(kernel);
  w.I64(main_offset);
  w.I64(pack_offset);
  w.Bytes(image);
}
void Load::Get(PayloadReader& r) {
  kernel = r.U32();
  main_offset = r.I64();
  pack_offset = r.I64();
  image = ToVector(r.Bytes());
}

void Allocate::Put(PayloadWriter& w) const {
  w.U32(buffer);
  w.U64(bytes);
  w.U32(alignment);
  w.U8(static_cast<uint8_t>(placement));
}
void Allocate::Get(PayloadReader& r) {
  buffer = r.U32();
  bytes = r.U64();
  alignment = r.U32();
  placement = ReadEnum<Placement>(r, 2);
}

void Write::Put(PayloadWriter& w) const {
  w.U32(buffer);
  w.U64(offset);
  w.Bytes(data);
}
void Write::Get(PayloadReader& r) {
  buffer = r.U32();
  offset = r.U64();
  data = ToVector(r.Bytes());
}

void Copy::Put(PayloadWriter& w) const {
  w.U32(from);
  w.U32(to);
}
void Copy::Get(PayloadReader& r) {
  from = r.U32();
  to = r.U32();
}

void KernelCall::Put(PayloadWriter& w) const {
  w.U32(kernel);
  w.U8(static_cast<uint8_t>(entry));
  w.U32(threads);
  w.U8(pinned);
  w.U64(shared_workspace_bytes);
  w.U64(worker_workspace_bytes);
  w.U64(arguments.size());
  for (const Argument& a : arguments) {
    w.U32(a.buffer);
    w.U8(static_cast<uint8_t>(a.access));
    w.U32(a.element_bytes);
  }
}
void KernelCall::Get(PayloadReader& r) {
  kernel = r.U32();
  entry = ReadEnum<Entry>(r, 2);
  threads = r.U32();
  pinned = ReadBool(r);
  shared_workspace_bytes = r.U64();
  worker_workspace_bytes = r.U64();
  arguments.resize(r.Count(9));
  for (Argument& a : arguments) {
    a.buffer = r.U32();
    a.access = ReadEnum<Access>(r, 3);
    a.element_bytes = r.U32();
  }
}

void Run::Put(PayloadWriter& w) const {
  call.Put(w);
  w.U8(poison);
}
void Run::Get(PayloadReader& r) {
  call.Get(r);
  poison = r.U8();
}

void Finding::Put(PayloadWriter& w) const {
  w.U8(static_cast<uint8_t>(kind));
  w.U32(buffer);
  w.I64(position);
  w.U64(count);
  w.U64(elapsed_ns);
}
void Finding::Get(PayloadReader& r) {
  kind = ReadEnum<Kind>(r, 3);
  buffer = r.U32();
  position = r.I64();
  count = r.U64();
  elapsed_ns = r.U64();
}

void Read::Put(PayloadWriter& w) const {
  w.U32(buffer);
  w.U64(offset);
  w.U64(bytes);
}
void Read::Get(PayloadReader& r) {
  buffer = r.U32();
  offset = r.U64();
  bytes = r.U64();
}

void Gather::Put(PayloadWriter& w) const {
  w.U32(buffer);
  w.U32(element_bytes);
  w.U64(indices.size());
  for (uint64_t index : indices) w.U64(index);
}
void Gather::Get(PayloadReader& r) {
  buffer = r.U32();
  element_bytes = r.U32();
  indices.resize(r.Count(8));
  for (uint64_t& index : indices) index = r.U64();
}

void Data::Get(PayloadReader& r) { data = ToVector(r.Bytes()); }

void Time::Put(PayloadWriter& w) const {
  call.Put(w);
  w.U8(cold);
  w.U32(samples);
  w.U64(sample_ns);
  w.U64(budget_ns);
}
void Time::Get(PayloadReader& r) {
  call.Get(r);
  cold = ReadBool(r);
  samples = r.U32();
  sample_ns = r.U64();
  budget_ns = r.U64();
}

void Samples::Put(PayloadWriter& w) const {
  w.U64(calls);
  w.U64(ns.size());
  for (double sample : ns) w.F64(sample);
  finding.Put(w);
}
void Samples::Get(PayloadReader& r) {
  calls = r.U64();
  ns.resize(r.Count(8));
  for (double& sample : ns) sample = r.F64();
  finding.Get(r);
}

void Probe::Put(PayloadWriter& w) const {
  w.U8(static_cast<uint8_t>(kind));
  w.U32(threads);
  w.U64(bytes);
  w.U64(duration_ns);
}
void Probe::Get(PayloadReader& r) {
  kind = ReadEnum<ProbeKind>(r, kProbeKinds);
  threads = r.U32();
  bytes = r.U64();
  duration_ns = r.U64();
}

void Refusal::Put(PayloadWriter& w) const {
  w.U8(static_cast<uint8_t>(code));
  w.Text(text);
}
void Refusal::Get(PayloadReader& r) {
  code = ReadEnum<Code>(r, 2);
  text = r.Text();
}

void Crash::EncodePayload(uint8_t (&payload)[kBytes]) const {
  StoreLittle(signal, 4, payload);
  StoreLittle(address, 8, payload + 4);
  payload[12] = in_kernel;
  payload[13] = wrote;
  StoreLittle(buffer, 4, payload + 14);
  StoreLittle(static_cast<uint64_t>(offset), 8, payload + 18);
}
void Crash::Put(PayloadWriter& w) const {
  uint8_t payload[kBytes];
  EncodePayload(payload);
  for (uint8_t byte : payload) w.U8(byte);
}
void Crash::Get(PayloadReader& r) {
  signal = r.U32();
  address = r.U64();
  in_kernel = ReadBool(r);
  wrote = ReadBool(r);
  buffer = r.U32();
  offset = r.I64();
}

}  // namespace tunesmith::measure
