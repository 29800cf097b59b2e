// SPDX-License-Identifier: Apache-2.0
// Files and folders of the system, and what the program asks the system about itself. Every error names the
// path, what the system answered, and one way out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "support/status.h"

namespace tunesmith {

/// A file descriptor that closes itself.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.Release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) Reset(other.Release());
    return *this;
  }
  ~FileDescriptor() { Reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int Release();
  void Reset(int fd = -1);

 private:
  int fd_ = -1;
};

/// "cannot <action> <path>: <what errno means>; <a way out that fits errno>". NotFound for a path that does
/// not exist, InvalidArgument for one that cannot be right (a folder in the place of a file, a file in the
/// place of a folder, a name too long), else Unavailable. `error` is an errno.
Status FileError(std::string_view action, const std::filesystem::path& path, int error);

/// The whole file. Fails for a file that is missing, unreadable, a folder, or longer than `limit_bytes`;
/// reads at most limit_bytes + 1 of a file without a length (a pipe, a device).
Result<std::string> ReadFile(const std::filesystem::path& path, int64_t limit_bytes);

/// Replaces a file's contents piece by piece: whatever happens, the file holds either all of the old bytes
/// or, once Finish has returned, all of the new ones (a temporary file beside it, fsync, rename, fsync of the
/// folder). Keeps the mode of a file that exists and follows a symbolic link. What is not a regular file
/// (/dev/full, a pipe), or is one that this process has open (/dev/stdout, /dev/fd/3), is written in place.
/// Every error is a FileError.
class FileReplacement {
 public:
  /// The folder must exist.
  static Result<FileReplacement> Begin(const std::filesystem::path& path);
  FileReplacement(FileReplacement&& other) noexcept
      : named_(std::move(other.named_)),
        target_(std::move(other.target_)),
        temporary_(std::exchange(other.temporary_, {})),
        file_(std::move(other.file_)),
        buffer_(std::move(other.buffer_)) {}
  FileReplacement& operator=(FileReplacement&&) = delete;
  /// Without Finish the old file stays.
  ~FileReplacement();

  Status Write(std::string_view bytes);
  /// The last call.
  Status Finish();

 private:
  explicit FileReplacement(std::filesystem::path named) : named_(std::move(named)) {}
  Status BeginBeside(std::filesystem::path target, unsigned mode);
  Status Flush();

  std::filesystem::path named_;   // as messages call it
  std::filesystem::path target_;  // what `temporary_` is renamed to
  std::string temporary_;         // empty: written in place, or done
  FileDescriptor file_;
  std::string buffer_;
};

/// FileReplacement with the contents as a whole.
Status WriteFile(const std::filesystem::path& path, std::string_view contents);

/// Makes a file that is not there: it appears whole and durable, or not at all; what ends the process
/// meanwhile leaves nothing behind (a file `path`.XXXXXX where the file system makes no file without a name).
/// False: something of that name is there, a link that leads nowhere included, and stays. Closes no
/// descriptor of the file once it has its name, so that no lock on it is lost. Every error is a FileError.
Result<bool> MakeFile(const std::filesystem::path& path, std::string_view contents);

/// Makes the folder and those above it; that it exists already is fine.
Status MakeFolder(const std::filesystem::path& path);

/// A fresh folder below the system's temporary folder, removed with all it holds at the end.
class TemporaryFolder {
 public:
  /// Its name starts with "tunesmith-".
  static Result<TemporaryFolder> Make();
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryFolder& operator=(TemporaryFolder&& other) noexcept;
  ~TemporaryFolder();

  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;
};

/// Where the user's data lives: $XDG_DATA_HOME/tunesmith, else ~/.local/share/tunesmith (XDG Base Directory
/// Specification 0.8: a relative value is ignored; without HOME the password file says where home is). The
/// folder may not exist yet. Fails if there is no home at all.
Result<std::filesystem::path> DataFolder();
/// What may be lost and measured again: $XDG_CACHE_HOME/tunesmith, else ~/.cache/tunesmith.
Result<std::filesystem::path> CacheFolder();

/// The folder of the running program's own file, symbolic links followed.
Result<std::filesystem::path> ExecutableFolder();

/// Bytes of memory that this process may use: the machine's, or its control group's limit if that is less.
int64_t MemoryBytes();

}  // namespace tunesmith
