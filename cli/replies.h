// SPDX-License-Identifier: Apache-2.0
// What this process and those of contenders write to each other through pipes. Who waits for a library of
// others waits for a time only, and not after Ctrl-C.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/status.h"

namespace tunesmith::cli {

/// The contents of tensors, one after the other.
using Blobs = std::vector<std::vector<uint8_t>>;

/// False if the reader has gone.
bool WriteAll(int fd, const void* data, size_t size);
bool WriteText(int fd, std::string_view text);
bool WriteBlobs(int fd, const Blobs& blobs);

/// How long to wait for a reply, and what ends the wait before.
struct Patience {
  double seconds = 60;
  const std::atomic<bool>* interrupted = nullptr;  // may be null
};

/// One reply, read in the parts that it was written in. Errors: kUnavailable, the writer has gone;
/// kDeadlineExceeded, the whole reply took longer than there is patience for; kCancelled, interrupted.
class Reply {
 public:
  Reply(int fd, const Patience& patience)
      : fd_(fd), seconds_left_(patience.seconds), interrupted_(patience.interrupted) {}

  Status Read(void* data, size_t size);
  Status ReadText(std::string* text);
  Status ReadBlobs(Blobs* blobs);

 private:
  int fd_;
  double seconds_left_;
  const std::atomic<bool>* interrupted_;
};

}  // namespace tunesmith::cli
