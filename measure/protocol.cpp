// SPDX-License-Identifier: Apache-2.0
#include "measure/protocol.h"

#include <algorithm>

namespace tunesmith::measure {
namespace {

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
  placement = ReadEnum<Placement>(r, 3);
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

void Digest::Put(PayloadWriter& w) const {
  w.U64(hash.high);
  w.U64(hash.low);
}
void Digest::Get(PayloadReader& r) {
  hash.high = r.U64();
  hash.low = r.U64();
}

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

void Rate::Put(PayloadWriter& w) const {
  w.F64(a_second);
  w.F64(cpu_share);
  w.F64(spread);
}
void Rate::Get(PayloadReader& r) {
  a_second = r.F64();
  cpu_share = r.F64();
  spread = r.F64();
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
