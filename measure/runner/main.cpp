// SPDX-License-Identifier: Apache-2.0
// tunesmith-runner: runs kernels for a measurer that speaks to its standard input and output
// (docs/formats/runner-protocol.md). It depends on nothing but libc, so that one static program serves as the
// local worker, on a board and under an emulator.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "measure/protocol.h"
#include "measure/runner/faults.h"
#include "measure/runner/session.h"

namespace {

using tunesmith::measure::Frame;
using tunesmith::measure::FrameDecoder;
using tunesmith::measure::runner::Session;

constexpr char kUsage[] =
    "usage: tunesmith-runner [--memory-limit BYTES]\n"
    "Runs kernels for a measurer at standard input and output; started by `tune`, not by hand.\n"
    "  --memory-limit BYTES   give no more than this to buffers\n";

bool WriteAll(int fd, const std::vector<uint8_t>& bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = write(fd, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    done += static_cast<size_t>(count);
  }
  return true;
}

/// The next request; false at the end of input, or if what comes is not the protocol.
bool ReadFrame(int fd, FrameDecoder* decoder, Frame* frame) {
  static uint8_t chunk[size_t{1} << 20];
  for (;;) {
    switch (decoder->Next(frame)) {
      case FrameDecoder::State::kFrame:
        return true;
      case FrameDecoder::State::kBroken:
        std::fprintf(stderr, "tunesmith-runner: %s; it is started by a measurer, not by hand\n",
                     decoder->error().c_str());
        return false;
      case FrameDecoder::State::kNeedMore:
        break;
    }
    const ssize_t count = read(fd, chunk, std::min(decoder->MissingBytes(), sizeof chunk));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    decoder->Append({chunk, static_cast<size_t>(count)});
  }
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t memory_limit = UINT64_MAX;
  if (argc == 3 && std::strcmp(argv[1], "--memory-limit") == 0) {
    char* end = nullptr;
    errno = 0;
    memory_limit = std::strtoull(argv[2], &end, 10);
    if (errno != 0 || end == argv[2] || *end != '\0' || argv[2][0] == '-') {
      std::fputs(kUsage, stderr);
      return 2;
    }
  } else if (argc != 1) {
    std::fputs(kUsage, stderr);
    return 2;
  }

  // Kernels have no business with the pipes' usual numbers.
  const int request_fd = dup(STDIN_FILENO);
  const int reply_fd = dup(STDOUT_FILENO);
  if (request_fd < 0 || reply_fd < 0) {
    std::fputs("tunesmith-runner: standard input or output is closed\n", stderr);
    return 2;
  }
  close(STDIN_FILENO);
  close(STDOUT_FILENO);

  Session session(memory_limit);
  tunesmith::measure::runner::ReportFaults(reply_fd, &session.buffers());
  if (!tunesmith::measure::runner::EndWithMeasurer(request_fd)) {
    std::fputs("tunesmith-runner: the system starts no more threads\n", stderr);
    return 2;
  }
  FrameDecoder decoder;
  Frame request;
  while (ReadFrame(request_fd, &decoder, &request)) {
    if (!WriteAll(reply_fd, session.Answer(request))) return 1;
  }
  return decoder.error().empty() ? 0 : 1;
}
