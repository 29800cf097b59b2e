// SPDX-License-Identifier: Apache-2.0
#include "library/folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "library/texts.h"
#include "nlohmann/json.hpp"
#include "support/files.h"
#include "support/strings.h"

namespace tunesmith::library {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kLongestManifest = int64_t{256} << 20;
constexpr char kPythonCache[] = "python/__pycache__";

/// Paths without "." and without a slash at the end, so that the last part is the folder's name.
fs::path Plain(const fs::path& folder) {
  fs::path plain = fs::absolute(folder).lexically_normal();
  return plain.has_filename() ? plain : plain.parent_path();
}

/// The paths that belong to a library.
struct Own {
  std::set<std::string> files, folders;
};

/// What the library in `folder` lists as its own; empty if there is no library.
Own OwnPaths(const fs::path& folder) {
  Result<std::string> text = ReadFile(folder / "manifest.json", kLongestManifest);
  if (!text.ok()) return {};
  nlohmann::json manifest = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!manifest.is_object() || manifest.value("format", nlohmann::json()) != kManifestFormat) return {};
  Own own;
  own.files.insert("manifest.json");
  nlohmann::json files = manifest.value("files", nlohmann::json());
  for (const nlohmann::json& path : files) {
    if (!path.is_string()) continue;
    const std::string& file = path.get_ref<const std::string&>();
    own.files.insert(file);
    for (size_t slash = file.find('/'); slash != std::string::npos; slash = file.find('/', slash + 1))
      own.folders.insert(file.substr(0, slash));
  }
  own.folders.insert(kPythonCache);
  return own;
}

/// What Python leaves beside a module that it has loaded.
bool IsPythonCache(const std::string& path) {
  return path.starts_with(StrCat(kPythonCache, "/")) && path.ends_with(".pyc");
}

/// What the name of a staging folder begins with; six more characters are drawn. Nobody else's begins so.
std::string StagingPrefix(const fs::path& folder) {
  return StrCat(".", folder.filename().string(), ".tunesmith-");
}

bool IsStaging(const fs::path& path, const fs::path& folder) {
  const std::string name = path.filename().string(), prefix = StagingPrefix(folder);
  return name.starts_with(prefix) && name.size() == prefix.size() + 6;
}

/// What was begun in it and abandoned does not count.
bool IsEmpty(const fs::path& folder) {
  std::error_code error;
  fs::directory_iterator entry(folder, error), end;
  for (; !error && entry != end; entry.increment(error)) {
    if (!IsStaging(entry->path(), folder)) return false;
  }
  return !error;
}

Status CheckContents(const fs::path& folder) {
  const Own own = OwnPaths(folder);
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error), end;
  for (; !error && entry != end; entry.increment(error)) {
    std::string path = entry->path().lexically_relative(folder).string();
    const bool is_folder = entry->symlink_status(error).type() == fs::file_type::directory;
    if (error) break;
    if (is_folder && entry.depth() == 0 && IsStaging(path, folder)) {
      entry.disable_recursion_pending();
      continue;
    }
    if ((is_folder ? own.folders : own.files).count(path) > 0) continue;
    if (!is_folder && own.folders.count(kPythonCache) > 0 && IsPythonCache(path)) continue;
    return Invalid(StrCat("cannot write a library to ", folder.string(), ": it holds ", path,
                          ", which is not of a library; name a folder that is new or empty"));
  }
  if (error) return FileError("look into", folder, error.value());
  return absl::OkStatus();
}

bool MayWrite(const fs::path& folder) {
  return faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0;
}

/// Whether a new folder can be made beside it and put in its place: not where others own what is around it,
/// nor where something is mounted.
bool MayBeReplaced(const fs::path& folder) {
  struct stat itself, above;
  if (!MayWrite(folder.parent_path())) return false;
  if (stat(folder.c_str(), &itself) != 0) return true;
  return stat(folder.parent_path().c_str(), &above) == 0 && itself.st_dev == above.st_dev;
}

/// Whether this runs in the folder or below it.
bool RunsIn(const fs::path& folder) {
  std::error_code error;
  const fs::path below = fs::current_path(error).lexically_relative(fs::canonical(folder, error));
  return !error && !below.empty() && *below.begin() != "..";
}

/// A folder for this process alone, locked for as long as the process is at work in it.
struct Staging {
  fs::path path;
  FileDescriptor lock;
};

/// Makes one in `above`.
Result<Staging> MakeStaging(const fs::path& above, const fs::path& folder) {
  for (;;) {
    std::string name = (above / (StagingPrefix(folder) + "XXXXXX")).string();
    if (!mkdtemp(name.data())) return FileError("make a folder in", above, errno);
    FileDescriptor lock(open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!lock.valid() && errno != ENOENT) return FileError("make a folder in", above, errno);
    // Where locks are not supported nothing is taken for abandoned.
    const bool ours = lock.valid() && (flock(lock.get(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK);
    std::error_code error;
    if (ours && fs::exists(name, error)) return Staging{name, std::move(lock)};
    // Another process took it for abandoned before it was locked.
  }
}

/// Removes the staging folders whose makers were killed.
void RemoveAbandoned(const fs::path& above, const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  fs::directory_iterator entry(above, error), end;
  for (; !error && entry != end; entry.increment(error)) {
    if (IsStaging(entry->path(), folder)) found.push_back(entry->path());
  }
  for (const fs::path& path : found) {
    FileDescriptor lock(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (lock.valid() && flock(lock.get(), LOCK_EX | LOCK_NB) == 0) fs::remove_all(path, error);
  }
}

/// Moves a file or folder to where there is none; false, with errno, where that cannot be. Somebody else may
/// have filled the folder since it was looked at.
bool MoveBeside(const fs::path& from, const fs::path& to) {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL && errno != ENOSYS) return false;
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(to, ignored))) return errno = EEXIST, false;
  return rename(from.c_str(), to.c_str()) == 0;
}

/// Moves what `made` holds into `folder`; of what could not be moved whole, nothing stays.
Status MoveInto(const fs::path& made, const fs::path& folder) {
  const fs::path last = "manifest.json";  // by which a library is known: when all else is there
  std::vector<fs::path> names;
  std::error_code error;
  fs::directory_iterator entry(made, error), end;
  for (; !error && entry != end; entry.increment(error)) names.push_back(entry->path().filename());
  if (error) return FileError("look into", made, error.value());
  std::sort(names.begin(), names.end(), [&](const fs::path& a, const fs::path& b) {
    return std::pair(a == last, a) < std::pair(b == last, b);
  });
  for (size_t n = 0; n < names.size(); ++n) {
    if (MoveBeside((made / names[n]), (folder / names[n]))) continue;
    const int reason = errno;
    while (n-- > 0) rename((folder / names[n]).c_str(), (made / names[n]).c_str());
    return FileError("write", folder, reason);
  }
  return absl::OkStatus();
}

Status WriteAll(const fs::path& root, const Files& files) {
  for (const auto& [path, file] : files) {
    fs::path full = root / path;
    TS_RETURN_IF_ERROR(MakeFolder(full.parent_path()));
    TS_RETURN_IF_ERROR(WriteFile(full, file.bytes));
    struct stat info;
    if (!file.executable) continue;
    // Whoever may read a program may run it.
    if (stat(full.c_str(), &info) != 0 || chmod(full.c_str(), info.st_mode | (info.st_mode & 0444) >> 2) != 0)
      return FileError("write", full, errno);
  }
  return absl::OkStatus();
}

/// WriteAll, into a folder with the owner, group and mode of the one that it is to replace, as far as the
/// system lets this user give them.
Status WriteLike(const fs::path& replaced, const fs::path& made, const Files& files) {
  struct stat was, is;
  if (stat(replaced.c_str(), &was) != 0) return WriteAll(made, files);  // there is none
  TS_RETURN_IF_ERROR(MakeFolder(made));
  const auto give = [&](const fs::path& path) {
    return lchown(path.c_str(), was.st_uid, was.st_gid) == 0 || lchown(path.c_str(), -1, was.st_gid) == 0;
  };
  give(made);
  if (stat(made.c_str(), &is) != 0) return FileError("write", replaced, errno);
  mode_t mode = was.st_mode & 07777;
  // What a group may do that this user cannot give the folder to, another one may not.
  if (is.st_gid != was.st_gid) mode = (mode & ~(S_ISGID | S_IRWXG)) | (mode & S_IRWXO) << 3;
  // The group is handed down to what is made below.
  if (chmod(made.c_str(), S_IRWXU | (mode & S_ISGID)) != 0) return FileError("write", replaced, errno);
  TS_RETURN_IF_ERROR(WriteAll(made, files));
  std::error_code ignored;
  for (fs::recursive_directory_iterator entry(made, ignored), end; entry != end; entry.increment(ignored))
    give(entry->path());  // so that the owner can replace it in turn
  return chmod(made.c_str(), mode) == 0 ? absl::OkStatus() : FileError("write", replaced, errno);
}

/// Puts `made` in the place of `folder`. What was there is at `made` afterwards, or at `old`.
Status Exchange(const fs::path& made, const fs::path& folder, const fs::path& old) {
  if (rename(made.c_str(), folder.c_str()) == 0) return absl::OkStatus();  // there was none, or an empty one
  if (errno != ENOTEMPTY && errno != EEXIST) return FileError("write", folder, errno);
  if (renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, folder.c_str(), RENAME_EXCHANGE) == 0)
    return absl::OkStatus();
  if (errno != EINVAL && errno != ENOSYS) return FileError("replace", folder, errno);
  // A file system that cannot exchange: the old library steps aside first.
  if (rename(folder.c_str(), old.c_str()) != 0) return FileError("replace", folder, errno);
  if (rename(made.c_str(), folder.c_str()) == 0) return absl::OkStatus();
  int error = errno;
  rename(old.c_str(), folder.c_str());
  return FileError("replace", folder, error);
}

}  // namespace

Status CheckFolder(const fs::path& given) {
  if (given.empty()) return Invalid("the output folder's name is empty");
  fs::path folder = Plain(given);
  struct stat info;
  if (stat(folder.parent_path().c_str(), &info) != 0)
    return FileError("write to", folder.parent_path(), errno);
  if (!S_ISDIR(info.st_mode)) return FileError("write to", folder.parent_path(), ENOTDIR);
  const bool beside = MayBeReplaced(folder);
  if (stat(folder.c_str(), &info) != 0) {
    if (errno != ENOENT) return FileError("write to", folder, errno);
    return beside ? absl::OkStatus() : FileError("make a folder in", folder.parent_path(), EACCES);
  }
  if (!S_ISDIR(info.st_mode)) {
    return Invalid(StrCat("cannot write a library to ", folder.string(),
                          ": it is not a folder; name one that is new or empty"));
  }
  // Replacing needs no permission on the folder itself, but one marked read-only is meant to stay.
  if (faccessat(AT_FDCWD, folder.c_str(), R_OK | W_OK | X_OK, AT_EACCESS) != 0)
    return FileError("write to", folder, errno);
  TS_RETURN_IF_ERROR(CheckContents(folder));
  if (IsEmpty(folder)) return absl::OkStatus();
  if (!beside) {
    return Invalid(StrCat("cannot replace the library in ", folder.string(),
                          ": a new one is put in its place as a whole, and nothing can be made beside it; "
                          "empty it, or name another"));
  }
  if (RunsIn(folder)) {
    return Invalid(
        StrCat("cannot replace the library in ", folder.string(),
               ": a new folder is put in its place, and whoever works in it, as this command does, "
               "would be left in the old one; run it from another folder, or empty this one"));
  }
  return absl::OkStatus();
}

Status WriteFolder(const fs::path& given, const Files& files) {
  TS_RETURN_IF_ERROR(CheckFolder(given));
  std::error_code ignored;
  fs::path folder = Plain(given);
  // A link to a folder stays a link.
  if (fs::exists(folder, ignored)) folder = fs::canonical(folder, ignored);
  // An empty folder is filled: a shell may stand in it, its owner and group are as they were meant, and its
  // surroundings may belong to somebody else. A library is replaced.
  const bool fill = fs::is_directory(folder, ignored) && IsEmpty(folder);
  const fs::path above = fill ? folder : folder.parent_path();
  RemoveAbandoned(above, folder);
  TS_ASSIGN_OR_RETURN(Staging staging, MakeStaging(above, folder));
  // Below the private folder, so that the new one has the permissions that the user's mask gives.
  fs::path made = staging.path / folder.filename();
  Status status = fill ? WriteAll(made, files) : WriteLike(folder, made, files);
  if (status.ok()) status = fill ? MoveInto(made, folder) : Exchange(made, folder, staging.path / "old");
  fs::remove_all(staging.path, ignored);
  return status;
}

}  // namespace tunesmith::library
