// SPDX-License-Identifier: Apache-2.0
#include "cli/replies.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace tunesmith::cli {
namespace {

bool WriteSized(int fd, const void* data, uint64_t size) {
  return WriteAll(fd, &size, sizeof size) && WriteAll(fd, data, size);
}

template <class Bytes>
Status ReadSized(Reply* reply, Bytes* bytes) {
  uint64_t size = 0;
  constexpr uint64_t kMost = uint64_t{1} << 36;
  TS_RETURN_IF_ERROR(reply->Read(&size, sizeof size));
  if (size > kMost) return Unavailable("the reply is damaged");
  bytes->resize(size);
  return reply->Read(bytes->data(), size);
}

}  // namespace

bool WriteAll(int fd, const void* data, size_t size) {
  const char* from = static_cast<const char*>(data);
  while (size > 0) {
    ssize_t done = write(fd, from, size);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    from += done;
    size -= static_cast<size_t>(done);
  }
  return true;
}

bool WriteText(int fd, std::string_view text) { return WriteSized(fd, text.data(), text.size()); }

bool WriteBlobs(int fd, const Blobs& blobs) {
  uint64_t count = blobs.size();
  bool ok = WriteAll(fd, &count, sizeof count);
  for (const auto& b : blobs) ok = ok && WriteSized(fd, b.data(), b.size());
  return ok;
}

Status Reply::Read(void* data, size_t size) {
  char* to = static_cast<char*>(data);
  while (size > 0) {
    // A signal may come just before poll, which it then does not end: so the wait is in slices. Only slices
    // count: a time in which this process itself was stopped is not the other's.
    constexpr double kSliceSeconds = 0.05;
    if (interrupted_ && *interrupted_) return absl::CancelledError("interrupted");
    pollfd here = {fd_, POLLIN, 0};
    int ready = poll(&here, 1, static_cast<int>(kSliceSeconds * 1e3));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) {
      seconds_left_ -= kSliceSeconds;
      if (seconds_left_ <= 0) return absl::DeadlineExceededError("no reply in time");
      continue;
    }
    ssize_t done = read(fd_, to, size);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return Unavailable("the process has ended");
    to += done;
    size -= static_cast<size_t>(done);
  }
  return absl::OkStatus();
}

Status Reply::ReadText(std::string* text) { return ReadSized(this, text); }

Status Reply::ReadBlobs(Blobs* blobs) {
  uint64_t count = 0;
  constexpr uint64_t kMost = 64;
  TS_RETURN_IF_ERROR(Read(&count, sizeof count));
  if (count > kMost) return Unavailable("the reply is damaged");
  blobs->resize(count);
  for (auto& blob : *blobs) TS_RETURN_IF_ERROR(ReadSized(this, &blob));
  return absl::OkStatus();
}

}  // namespace tunesmith::cli
