// SPDX-License-Identifier: Apache-2.0
#include "support/files.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <optional>
#include <system_error>
#include <utility>

#include "support/strings.h"

namespace tunesmith {
namespace {

namespace fs = std::filesystem;

std::string_view WayOut(int error) {
  switch (error) {
    case ENOENT:
      return "check the path, and that its folder exists";
    case EACCES:
    case EPERM:
      return "choose a place that you may use, or change its permissions";
    case EROFS:
      return "choose a folder on a file system that can be written";
    case ENOSPC:
    case EDQUOT:
      return "free some space or choose another disk";
    case EFBIG:
      return "raise the limit of a file's length (ulimit -f)";
    case EISDIR:
      return "name a file, not a folder";
    case ENOTDIR:
    case EEXIST:
      return "a part of the path is a file; name a folder there";
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files (ulimit -n)";
    case ENAMETOOLONG:
      return "use a shorter name";
    case EPIPE:
      return "let its reader read to the end";
    default:
      return "check the path and the disk";
  }
}

/// Reads until the end of the file or until `contents` exceeds the limit. Returns errno, 0 if all went well.
int ReadAll(int fd, size_t limit, std::string* contents) {
  constexpr size_t kChunk = 64 << 10;
  while (contents->size() <= limit) {
    size_t start = contents->size();
    contents->resize(start + std::min(kChunk, limit + 1 - start));
    ssize_t got = read(fd, contents->data() + start, contents->size() - start);
    int error = errno;
    contents->resize(start + (got > 0 ? static_cast<size_t>(got) : 0));
    if (got == 0) return 0;
    if (got < 0 && error != EINTR) return error;
  }
  return 0;
}

int WriteAll(int fd, std::string_view contents) {
  while (!contents.empty()) {
    ssize_t written = write(fd, contents.data(), contents.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    contents.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

/// The rename is durable only when the folder that holds the name is. Not every file system can do it, and
/// the file itself is complete in any case.
void SyncFolder(const fs::path& folder) {
  FileDescriptor fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.valid()) fsync(fd.get());
}

/// The descriptor of this process that the path names: its file is the caller's, at the caller's position,
/// which may be the end of what others wrote.
std::optional<int> OwnDescriptor(const fs::path& path) {
  if (path == "/dev/stdout") return STDOUT_FILENO;
  if (path == "/dev/stderr") return STDERR_FILENO;
  if (path.parent_path() != "/dev/fd" && path.parent_path() != "/proc/self/fd") return std::nullopt;
  std::optional<int64_t> number = ParseInteger(path.filename().string());
  if (!number || *number < 0 || *number > INT_MAX) return std::nullopt;
  return static_cast<int>(*number);
}

/// The mode that open(…, 0666) would give. umask can only be read by setting it, which would race with other
/// threads, so the kernel is asked.
mode_t DefaultMode() {
  std::string status;
  FileDescriptor fd(open("/proc/self/status", O_RDONLY | O_CLOEXEC));
  constexpr std::string_view kField = "\nUmask:\t";
  if (fd.valid() && ReadAll(fd.get(), 64 << 10, &status) == 0) {
    if (size_t at = status.find(kField); at != std::string::npos) {
      return 0666 & ~static_cast<mode_t>(std::strtoul(status.c_str() + at + kField.size(), nullptr, 8));
    }
  }
  return 0644;
}

Result<fs::path> HomeFolder() {
  if (const char* home = std::getenv("HOME"); home && home[0] == '/') return fs::path(home);
  char buffer[16 << 10];
  passwd entry;
  passwd* found = nullptr;
  if (getpwuid_r(getuid(), &entry, buffer, sizeof buffer, &found) == 0 && found && entry.pw_dir[0] == '/') {
    return fs::path(entry.pw_dir);
  }
  return NotFound("this user has no home folder; set HOME to a folder that can be written");
}

Result<fs::path> UserFolder(const char* variable, const char* below_home) {
  const char* folder = std::getenv(variable);
  if (folder && folder[0] == '/') return fs::path(folder) / "tunesmith";
  TS_ASSIGN_OR_RETURN(fs::path home, HomeFolder());
  return home / below_home / "tunesmith";
}

}  // namespace

int FileDescriptor::Release() { return std::exchange(fd_, -1); }

void FileDescriptor::Reset(int fd) {
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
}

Status FileError(std::string_view action, const fs::path& path, int error) {
  std::string message = StrCat("cannot ", action, " ", path.empty() ? "''" : path.string(), ": ",
                               std::generic_category().message(error), "; ", WayOut(error));
  switch (error) {
    case ENOENT:
      return NotFound(message);
    case EISDIR:
    case ENOTDIR:
    case EEXIST:
    case ENAMETOOLONG:
    case ELOOP:
      return Invalid(message);  // such a path cannot be right, whatever the system allows
    default:
      return Unavailable(message);
  }
}

Result<std::string> ReadFile(const fs::path& path, int64_t limit_bytes) {
  FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd.valid()) return FileError("read", path, errno);
  std::string contents;
  if (int error = ReadAll(fd.get(), static_cast<size_t>(limit_bytes), &contents)) {
    return FileError("read", path, error);
  }
  if (contents.size() > static_cast<size_t>(limit_bytes)) {
    return Invalid(StrCat("cannot read ", path.string(), ": it is longer than the ", limit_bytes,
                          " bytes allowed here; split it or check that it is the right file"));
  }
  return contents;
}

Result<FileReplacement> FileReplacement::Begin(const fs::path& path) {
  FileReplacement file(path);
  if (std::optional<int> own = OwnDescriptor(path)) {
    file.file_.Reset(fcntl(*own, F_DUPFD_CLOEXEC, 0));
    if (!file.file_.valid()) return FileError("write", path, errno);
    return file;
  }
  struct stat info;
  if (stat(path.c_str(), &info) != 0) {
    if (errno != ENOENT) return FileError("write", path, errno);
    TS_RETURN_IF_ERROR(file.BeginBeside(path, DefaultMode()));
    return file;
  }
  if (S_ISDIR(info.st_mode)) return FileError("write", path, EISDIR);
  if (!S_ISREG(info.st_mode)) {
    file.file_.Reset(open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
    if (!file.file_.valid()) return FileError("write", path, errno);
    return file;
  }
  // Replacing needs no permission on the file itself, but a file marked read-only is meant to stay.
  if (faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0) return FileError("write", path, errno);
  std::error_code ignored;  // stat has just followed the same links
  fs::path target = fs::canonical(path, ignored);
  TS_RETURN_IF_ERROR(file.BeginBeside(ignored ? path : target, info.st_mode & 07777));
  return file;
}

Status FileReplacement::BeginBeside(fs::path target, unsigned mode) {
  target_ = std::move(target);
  std::string name = target_.string() + ".XXXXXX";
  file_.Reset(mkostemp(name.data(), O_CLOEXEC));
  if (!file_.valid()) return FileError("write", named_, errno);
  temporary_ = std::move(name);
  if (fchmod(file_.get(), mode) != 0) return FileError("write", named_, errno);
  return absl::OkStatus();
}

FileReplacement::~FileReplacement() {
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

Status FileReplacement::Flush() {
  int error = WriteAll(file_.get(), buffer_);
  buffer_.clear();
  return error ? FileError("write", named_, error) : absl::OkStatus();
}

Status FileReplacement::Write(std::string_view bytes) {
  constexpr size_t kBuffer = 64 << 10;
  buffer_.append(bytes);
  return buffer_.size() < kBuffer ? absl::OkStatus() : Flush();
}

Status FileReplacement::Finish() {
  TS_RETURN_IF_ERROR(Flush());
  if (temporary_.empty()) return absl::OkStatus();
  if (fsync(file_.get()) != 0 || rename(temporary_.c_str(), target_.c_str()) != 0)
    return FileError("write", named_, errno);
  temporary_.clear();
  SyncFolder(target_.has_parent_path() ? target_.parent_path() : fs::path("."));
  return absl::OkStatus();
}

Status WriteFile(const fs::path& path, std::string_view contents) {
  TS_ASSIGN_OR_RETURN(FileReplacement file, FileReplacement::Begin(path));
  TS_RETURN_IF_ERROR(file.Write(contents));
  return file.Finish();
}

Result<bool> MakeFile(const fs::path& path, std::string_view contents) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::string name;
  FileDescriptor file(open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666));
  if (!file.valid()) {
    name = path.string() + ".XXXXXX";
    file.Reset(mkostemp(name.data(), O_CLOEXEC));
    if (!file.valid()) return FileError("make", path, errno);
  }
  int error = name.empty() || fchmod(file.get(), DefaultMode()) == 0 ? 0 : errno;
  if (error == 0) error = WriteAll(file.get(), contents);
  if (error == 0 && fsync(file.get()) != 0) error = errno;
  // Closing an ordinary descriptor would drop the locks that other threads may have got on the named file.
  auto through = [](const FileDescriptor& fd) { return StrCat("/proc/self/fd/", fd.get()); };
  FileDescriptor nameless(name.empty() ? open(through(file).c_str(), O_PATH | O_CLOEXEC) : -1);
  if (error == 0 && name.empty() && !nameless.valid()) error = errno;
  file.Reset();
  const std::string from = name.empty() ? through(nameless) : name;
  bool made = error == 0 && linkat(AT_FDCWD, from.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0;
  if (error == 0 && !made && errno != EEXIST) error = errno;
  if (!name.empty()) unlink(name.c_str());
  if (error != 0) return FileError("make", path, error);
  SyncFolder(folder);
  return made;
}

Status MakeFolder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return FileError("make the folder", path, error.value());
  return absl::OkStatus();
}

Result<TemporaryFolder> TemporaryFolder::Make() {
  std::error_code error;
  fs::path base = fs::temp_directory_path(error);
  if (error) base = "/tmp";
  std::string name = (base / "tunesmith-XXXXXX").string();
  if (!mkdtemp(name.data())) return FileError("make a temporary folder in", base, errno);
  return TemporaryFolder(fs::path(name));
}

TemporaryFolder& TemporaryFolder::operator=(TemporaryFolder&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;  // nothing better can be done with a folder that refuses to go
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

Result<fs::path> DataFolder() { return UserFolder("XDG_DATA_HOME", ".local/share"); }

Result<fs::path> CacheFolder() { return UserFolder("XDG_CACHE_HOME", ".cache"); }

Result<fs::path> ExecutableFolder() {
  std::error_code error;
  fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return FileError("find this program's own file through", "/proc/self/exe", error.value());
  return program.parent_path();
}

int64_t MemoryBytes() {
  int64_t bytes = static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  for (const char* limit : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    Result<std::string> text = ReadFile(limit, 64);  // "max" where there is no limit
    if (!text.ok()) continue;
    std::string_view digits = *text;
    if (auto value = ParseInteger(digits.substr(0, digits.find('\n')))) bytes = std::min(bytes, *value);
  }
  return bytes;
}

}  // namespace tunesmith
