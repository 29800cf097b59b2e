// SPDX-License-Identifier: Apache-2.0
#include "support/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <mutex>
#include <string>

#include "spdlog/logger.h"
#include "spdlog/sinks/base_sink.h"
#include "support/files.h"

namespace tunesmith {
namespace {

/// Writes each event in one piece behind what the file holds, so that several programs may log to one file.
/// (The library's own file sink buffers, waits and tries again when a file does not open, makes folders, and
/// leaves the file open in children.)
class AppendingSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  AppendingSink(std::filesystem::path path, FileDescriptor file)
      : path_(std::move(path)), file_(std::move(file)) {}

  Status error() {
    const std::scoped_lock lock(mutex_);
    return error_;
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    const char* at = line.data();
    for (size_t left = line.size(); left > 0;) {
      const ssize_t written = write(file_.get(), at, left);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        if (error_.ok()) error_ = FileError("write", path_, errno);
        return;
      }
      at += written;
      left -= static_cast<size_t>(written);
    }
  }
  void flush_() override {}

 private:
  const std::filesystem::path path_;
  const FileDescriptor file_;
  Status error_;
};

struct OpenedLog {
  std::shared_ptr<AppendingSink> sink;
  std::unique_ptr<spdlog::logger> logger;
};

// Opened before and closed after the threads that write to it.
OpenedLog opened;

}  // namespace

bool internal::log_is_open = false;

void internal::WriteEvent(std::string_view text, bool warning) {
  std::string event;
  for (const char c : text) c == '\n' ? event.append("\n  ") : event.append(1, c);
  opened.logger->log(warning ? spdlog::level::warn : spdlog::level::info,
                     spdlog::string_view_t(event.data(), event.size()));
}

Status OpenLog(const std::filesystem::path& path) {
  if (opened.logger) return Internal("a log is open already");
  FileDescriptor file(open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666));
  if (!file.valid()) return Annotate(FileError("open", path, errno), "the log");
  opened.sink = std::make_shared<AppendingSink>(path, std::move(file));
  opened.logger = std::make_unique<spdlog::logger>("tunesmith", opened.sink);
  opened.logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %z %l %v");
  internal::log_is_open = true;
  return absl::OkStatus();
}

Status CloseLog() {
  internal::log_is_open = false;
  const OpenedLog closed = std::exchange(opened, {});
  return closed.sink ? closed.sink->error() : absl::OkStatus();
}

}  // namespace tunesmith
