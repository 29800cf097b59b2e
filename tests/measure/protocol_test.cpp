// SPDX-License-Identifier: Apache-2.0
#include "measure/protocol.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/measure/law.h"

namespace tunesmith::measure {
namespace {

/// Takes a stream apart that is given in pieces of `piece` bytes; stops at the first fault.
std::vector<Frame> Cut(const std::vector<uint8_t>& stream, size_t piece, std::string* error) {
  FrameDecoder decoder;
  std::vector<Frame> frames;
  for (size_t at = 0; at < stream.size(); at += piece) {
    decoder.Append(std::span(stream).subspan(at, std::min(piece, stream.size() - at)));
    Frame frame;
    FrameDecoder::State state;
    while ((state = decoder.Next(&frame)) == FrameDecoder::State::kFrame) frames.push_back(frame);
    if (state == FrameDecoder::State::kBroken) break;
    EXPECT_GE(decoder.MissingBytes(), 1u);
  }
  *error = decoder.error();
  return frames;
}

template <class Message>
Message RoundTrip(const Message& message) {
  std::string error;
  const std::vector<Frame> frames = Cut(Encode(message), 7, &error);
  EXPECT_EQ(error, "");
  EXPECT_EQ(frames.size(), 1u);
  Message read;
  EXPECT_TRUE(!frames.empty() && Decode(frames[0], &read));
  return read;
}

KernelCall SampleCall() {
  KernelCall call;
  call.kernel = 3;
  call.entry = Entry::kPack;
  call.threads = 5;
  call.pinned = true;
  call.shared_workspace_bytes = uint64_t{1} << 40;
  call.worker_workspace_bytes = 64;
  call.arguments = {{1, Access::kRead, 1}, {1023, Access::kWriteSome, 8}};
  return call;
}

TEST(Protocol, FrameIsLaidOutAsDocumented) {
  const std::vector<uint8_t> bytes = Encode(Unload{0x01020304});
  const std::vector<uint8_t> documented = {'T', 'S', 'r', 'n', 4, 3, 0, 0, 4, 0, 0, 0, 4, 3, 2, 1};
  EXPECT_EQ(bytes, documented);
}

TEST(Protocol, CallIsLaidOutAsDocumented) {
  PayloadWriter writer;
  SampleCall().Put(writer);
  const std::vector<uint8_t> documented = {3,   0, 0, 0,                  // kernel
                                           1,                             // entry
                                           5,   0, 0, 0,                  // threads
                                           1,                             // pinned
                                           0,   0, 0, 0, 0, 1, 0, 0,      // shared workspace
                                           64,  0, 0, 0, 0, 0, 0, 0,      // workspace of each thread
                                           2,   0, 0, 0, 0, 0, 0, 0,      // arguments
                                           1,   0, 0, 0, 0, 1, 0, 0, 0,   // the first
                                           255, 3, 0, 0, 2, 8, 0, 0, 0};  // the second
  EXPECT_EQ(writer.Take(), documented);
}

TEST(Protocol, MessagesSurvive) {
  const Load load = RoundTrip(Load{7, 16, -1, {1, 2, 3}});
  EXPECT_EQ(load.kernel, 7u);
  EXPECT_EQ(load.main_offset, 16);
  EXPECT_EQ(load.pack_offset, -1);
  EXPECT_EQ(load.image, (std::vector<uint8_t>{1, 2, 3}));

  measure::Run run;
  run.call = SampleCall();
  run.poison = 0x7f;
  run = RoundTrip(run);
  EXPECT_EQ(run.poison, 0x7f);
  EXPECT_EQ(run.call.shared_workspace_bytes, uint64_t{1} << 40);
  ASSERT_EQ(run.call.arguments.size(), 2u);
  EXPECT_EQ(run.call.arguments[1].buffer, 1023u);
  EXPECT_EQ(run.call.arguments[1].access, Access::kWriteSome);

  Samples samples;
  samples.calls = 12;
  samples.ns = {0.5, 1e300, -0.0};
  samples.finding = {Finding::Kind::kRedZone, kWorkspaceBuffer, -4, 0, 9};
  samples = RoundTrip(samples);
  EXPECT_EQ(samples.ns, (std::vector<double>{0.5, 1e300, -0.0}));
  EXPECT_EQ(samples.finding.position, -4);
  EXPECT_EQ(samples.finding.buffer, kWorkspaceBuffer);

  const Crash crash = RoundTrip(Crash{11, ~uint64_t{0}, true, true, 4, -8});
  EXPECT_EQ(crash.signal, 11u);
  EXPECT_EQ(crash.address, ~uint64_t{0});
  EXPECT_TRUE(crash.in_kernel && crash.wrote);
  EXPECT_EQ(crash.buffer, 4u);
  EXPECT_EQ(crash.offset, -8);

  const Rate rate = RoundTrip(Rate{3e9, 0.75, 0.125});
  EXPECT_EQ(rate.a_second, 3e9);
  EXPECT_EQ(rate.cpu_share, 0.75);
  EXPECT_EQ(rate.spread, 0.125);

  const Refusal refusal = RoundTrip(Refusal{Refusal::Code::kOutOfMemory, "no"});
  EXPECT_EQ(refusal.code, Refusal::Code::kOutOfMemory);
  EXPECT_EQ(refusal.text, "no");
  EXPECT_EQ(RoundTrip(Gather{2, 4, {5, 6}}).indices, (std::vector<uint64_t>{5, 6}));
  EXPECT_EQ(RoundTrip(Copy{1, 2}).to, 2u);
  EXPECT_EQ(RoundTrip(Read{1, 2, 3}).bytes, 3u);
  EXPECT_EQ(RoundTrip(measure::Hash{7}).buffer, 7u);
  EXPECT_EQ(RoundTrip(Digest{{1, 2}}).hash, (Hash128{1, 2}));
  EXPECT_EQ(RoundTrip(Greeting{2, 4096, 77}).available_bytes, 77u);
}

TEST(Protocol, BrokenStreamsAreNamed) {
  const auto error_of = [](size_t at, uint8_t value) {
    std::vector<uint8_t> bytes = Encode(Unload{1});
    bytes[at] = value;
    std::string error;
    EXPECT_TRUE(Cut(bytes, bytes.size(), &error).empty());
    return error;
  };
  EXPECT_EQ(error_of(0, 'X'), "a frame does not begin with TSrn");
  EXPECT_EQ(error_of(4, 9), "a frame has protocol version 9, not 4");
  EXPECT_EQ(error_of(7, 1), "a frame's reserved bytes are not 0");
  EXPECT_EQ(error_of(11, 255), "a frame announces a payload of 4278190084 bytes, more than 67108864");
}

TEST(Protocol, MalformedPayloadsAreRefused) {
  const auto decodes = [](std::vector<uint8_t> payload) {
    measure::Run run;
    return Decode(Frame{MessageType::kRun, std::move(payload)}, &run);
  };
  PayloadWriter writer;
  SampleCall().Put(writer);
  writer.U8(0xff);
  const std::vector<uint8_t> good = writer.Take();
  EXPECT_TRUE(decodes(good));
  std::vector<uint8_t> longer = good;
  longer.push_back(0);
  EXPECT_FALSE(decodes(longer));
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_FALSE(decodes({good.begin(), good.begin() + static_cast<long>(length)})) << length;
  }
  std::vector<uint8_t> no_such_entry = good;
  no_such_entry[4] = 2;
  EXPECT_FALSE(decodes(no_such_entry));
  std::vector<uint8_t> half_true = good;
  half_true[9] = 2;
  EXPECT_FALSE(decodes(half_true));
  std::vector<uint8_t> endless = good;  // a count that would take all memory
  std::fill(endless.begin() + 26, endless.begin() + 34, 0xff);
  EXPECT_FALSE(decodes(endless));
  Unload unload;
  EXPECT_FALSE(Decode(Frame{MessageType::kFree, {1, 0, 0, 0}}, &unload));
}

TEST(Protocol, FramesAreCutAlikeWhateverThePieces) {
  ExpectLaw([](const std::vector<std::vector<uint8_t>>& payloads) {
    std::vector<uint8_t> stream;
    for (const auto& payload : payloads) {
      const std::vector<uint8_t> frame = EncodeFrame(MessageType::kWrite, payload);
      stream.insert(stream.end(), frame.begin(), frame.end());
    }
    std::string error;
    const std::vector<Frame> frames = Cut(stream, *rc::gen::inRange<size_t>(1, 40), &error);
    RC_ASSERT(error.empty());
    RC_ASSERT(frames.size() == payloads.size());
    for (size_t n = 0; n < frames.size(); ++n) RC_ASSERT(frames[n].payload == payloads[n]);
  });
}

/// Decodes a frame as every message; what is accepted is written again as it was.
template <class... Messages>
void DecodeAsAll(const std::vector<uint8_t>& payload) {
  const auto as = [&](auto message) {
    using Message = decltype(message);
    if (!Decode(Frame{Message::kType, payload}, &message)) return;
    PayloadWriter writer;
    message.Put(writer);
    RC_ASSERT(writer.Take() == payload);
  };
  (as(Messages()), ...);
}

TEST(Protocol, GarbageIsNeverMoreThanRefused) {
  ExpectLaw([](std::vector<uint8_t> payload) {
    // Bytes near those of a real message go further than random ones.
    if (*rc::gen::arbitrary<bool>()) {
      PayloadWriter writer;
      SampleCall().Put(writer);
      std::vector<uint8_t> real = writer.Take();
      const size_t keep = *rc::gen::inRange<size_t>(0, real.size() + 1);
      payload.insert(payload.begin(), real.begin(), real.begin() + static_cast<long>(keep));
    }
    DecodeAsAll<Hello, Greeting, Load, Unload, Allocate, Free, Write, measure::Run, Finding, Read, Gather,
                Data, Hash, Digest, Time, Samples, Copy, Done, Refusal, Crash>(payload);
    std::string error;
    Cut(payload, 3, &error);
  });
}

}  // namespace
}  // namespace tunesmith::measure
