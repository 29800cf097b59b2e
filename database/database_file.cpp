// SPDX-License-Identifier: Apache-2.0
#include "database/database_file.h"

#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "database/schema.h"
#include "support/files.h"
#include "support/strings.h"

namespace tunesmith::database {
namespace {

namespace fs = std::filesystem;

constexpr size_t kHeaderBytes = 100;  // of a SQLite file; sqlite.org/fileformat.html, section 1.3
constexpr std::string_view kMagic("SQLite format 3\0", 16);

uint32_t BigEndian32(const unsigned char* bytes) {
  return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | uint32_t{bytes[3]};
}

// Reads the file's first bytes through SQLite's own file layer. Our own open and close would drop the POSIX
// locks that other connections of this process hold on the file (sqlite.org/howtocorrupt.html, section 2.2).
Status ReadHeader(const std::string& path, std::array<unsigned char, kHeaderBytes>* header) {
  sqlite3_vfs* vfs = sqlite3_vfs_find(nullptr);
  std::string full(static_cast<size_t>(vfs->mxPathname) + 1, '\0');
  errno = 0;
  int code = vfs->xFullPathname(vfs, path.c_str(), vfs->mxPathname + 1, full.data());
  if (code == SQLITE_OK || code == SQLITE_OK_SYMLINK) {
    sqlite3_filename name = sqlite3_create_filename(full.c_str(), "", "", 0, nullptr);
    std::string storage(static_cast<size_t>(vfs->szOsFile), '\0');
    auto* file = reinterpret_cast<sqlite3_file*>(storage.data());
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB;
    code = vfs->xOpen(vfs, name, file, flags, &flags);
    if (code == SQLITE_OK) {
      code = file->pMethods->xRead(file, header->data(), kHeaderBytes, 0);
      file->pMethods->xClose(file);
    }
    sqlite3_free_filename(name);
  }
  if (code == SQLITE_OK || code == SQLITE_IOERR_SHORT_READ)
    return Status();  // what is missing reads as zeros
  return Unavailable(
      StrCat(path, ": cannot be read: ", std::strerror(errno), "; make it readable, or choose another path"));
}

// Nothing there, or a database of ours; an error for all else. Writes nothing and takes no lock.
Result<bool> IsThere(const std::string& path, size_t known_version) {
  if (path.empty()) return Invalid("the path of the database is empty; give the path of a file");
  std::error_code error;
  fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) return false;
  if (status.type() == fs::file_type::none) {
    return Unavailable(StrCat(path, ": cannot be looked at: ", error.message(),
                              "; make its folder accessible, or choose another path"));
  }
  if (status.type() == fs::file_type::directory) {
    return FileError("open", path, EISDIR);
  }
  if (status.type() != fs::file_type::regular) {
    return Invalid(StrCat(path, ": not a regular file; choose another path"));
  }
  std::array<unsigned char, kHeaderBytes> header{};
  TS_RETURN_IF_ERROR(ReadHeader(path, &header));
  if (fs::file_size(path, error) == 0) {
    return Invalid(StrCat(path,
                          ": an empty file, not a Tunesmith database; remove it and a new one is made there, "
                          "or choose another path"));
  }
  if (std::string_view(reinterpret_cast<const char*>(header.data()), kMagic.size()) != kMagic) {
    return Invalid(StrCat(
        path, ": not a Tunesmith database (no SQLite file); it was left as it is; choose another path"));
  }
  if (BigEndian32(&header[68]) != kApplicationId) {
    return Invalid(StrCat(path, ": a SQLite database of another program (application id ",
                          BigEndian32(&header[68]), "); it was left as it is; choose another path"));
  }
  if (BigEndian32(&header[60]) > known_version) {
    return NewerVersion(path, BigEndian32(&header[60]), known_version);
  }
  return true;
}

// Everything about one connection that the file does not remember.
Status Configure(Connection& connection) {
  // FULL: a commit survives a power cut, for one fsync. The log is cut back after a large deletion.
  return connection.Execute("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864");
}

// Makes the whole file in memory and then under its name, so that no process ever sees half of one, and none
// that appeared meanwhile is overwritten.
Status Create(const std::string& path, int busy_timeout_ms, std::span<const std::string_view> steps) {
  const fs::path folder = fs::path(path).has_parent_path() ? fs::path(path).parent_path() : fs::path(".");
  std::error_code error;
  if (fs::exists(folder, error) && !fs::is_directory(folder, error)) {
    return Invalid(StrCat(path, ": ", folder.string(), " is not a folder; choose another path"));
  }
  if (!fs::is_directory(folder, error)) {
    return NotFound(StrCat(path, ": its folder does not exist; make it with: mkdir -p ", folder.string()));
  }
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    return Unavailable(StrCat(path, ": cannot be made: ", std::strerror(errno),
                              "; make its folder writable, or choose another path"));
  }
  // SQLite would read the log of a database that is gone into the new one.
  for (std::string_view suffix : {"-wal", "-journal"}) {
    std::string left = StrCat(path, suffix);
    // An empty one is harmless; and the database may have come into being just now, by another process.
    if (fs::exists(left, error) && fs::file_size(left, error) > 0 && !fs::exists(path, error)) {
      return Invalid(StrCat(path, ": the database is gone, but ", left,
                            " is left of it; put the database back, or remove that file to start a new one"));
    }
  }
  TS_ASSIGN_OR_RETURN(auto connection, Connection::Open(path, Connection::Access::kMemory, busy_timeout_ms));
  // Incremental vacuum is what lets `gc` give space back; it must be chosen before the first table.
  TS_RETURN_IF_ERROR(connection->Execute(
      StrCat("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA application_id = ", kApplicationId)));
  TS_RETURN_IF_ERROR(Upgrade(*connection, steps));
  TS_ASSIGN_OR_RETURN(std::string bytes, connection->Bytes());
  // What PRAGMA journal_mode = WAL writes, which memory has no use for (sqlite.org/fileformat.html, 1.3.3).
  bytes[18] = bytes[19] = 2;
  return MakeFile(path, bytes).status();
}

Result<std::unique_ptr<Connection>> OpenToWrite(const std::string& path, int busy_timeout_ms,
                                                std::span<const std::string_view> steps) {
  TS_ASSIGN_OR_RETURN(auto connection,
                      Connection::Open(path, Connection::Access::kReadWrite, busy_timeout_ms));
  if (sqlite3_db_readonly(connection->handle(), "main") == 1) {  // SQLite has fallen back to reading
    return Unavailable(
        StrCat(path, ": the file cannot be written; make it writable, or choose another path"));
  }
  // Its end would bring into the file what a newer program left in the log: not before the version is known.
  auto keep_log = [&](int keep) {
    sqlite3_db_config(connection->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep, nullptr);
  };
  keep_log(1);
  TS_RETURN_IF_ERROR(Configure(*connection));
  TS_RETURN_IF_ERROR(Upgrade(*connection, steps));
  keep_log(0);
  return connection;
}

Result<std::unique_ptr<Connection>> OpenToRead(const std::string& path, int busy_timeout_ms,
                                               std::span<const std::string_view> steps) {
  TS_ASSIGN_OR_RETURN(auto connection,
                      Connection::Open(path, Connection::Access::kReadOnly, busy_timeout_ms));
  Result<int64_t> version = connection->QueryInteger("PRAGMA user_version");
  std::error_code error;
  const fs::path file =
      fs::canonical(path, error);  // SQLite's own files stand beside it, not beside a link to it
  if (!version.ok() && access(file.parent_path().c_str(), W_OK) != 0 &&
      !fs::exists(file.string() + "-wal", error)) {
    // Readers of a write-ahead log share memory through a file beside the database, which cannot be made
    // here. But nobody writes: there is no log.
    TS_ASSIGN_OR_RETURN(connection, Connection::Open(path, Connection::Access::kImmutable, busy_timeout_ms));
    version = connection->QueryInteger("PRAGMA user_version");
  }
  TS_RETURN_IF_ERROR(version);
  if (*version > static_cast<int64_t>(steps.size())) return NewerVersion(path, *version, steps.size());
  if (*version == static_cast<int64_t>(steps.size())) return connection;
  connection.reset();
  Status upgraded = OpenToWrite(path, busy_timeout_ms, steps).status();
  if (upgraded.ok()) return Connection::Open(path, Connection::Access::kReadOnly, busy_timeout_ms);
  std::string_view cause = MessageOf(upgraded);
  if (cause.starts_with(path + ": ")) cause.remove_prefix(path.size() + 2);
  return Status(upgraded.code(), StrCat(path, ": written by an older Tunesmith (schema version ", *version,
                                        ", this program's is ", steps.size(),
                                        ") and cannot be brought up to date, which reading needs, too: ",
                                        cause, "; or read a copy of it"));
}

}  // namespace

Result<std::unique_ptr<Connection>> OpenFile(const std::string& path, const OpenOptions& options,
                                             std::span<const std::string_view> steps) {
  TS_ASSIGN_OR_RETURN(bool there, IsThere(path, steps.size()));
  if (!there && options.mode != OpenMode::kReadWrite) {
    return NotFound(StrCat(path, ": no such file; give the path of a database, or make one with: tune run"));
  }
  if (options.mode == OpenMode::kReadOnly) return OpenToRead(path, options.busy_timeout_ms, steps);
  if (!there) {
    TS_RETURN_IF_ERROR(Create(path, options.busy_timeout_ms, steps));
    TS_ASSIGN_OR_RETURN(there, IsThere(path, steps.size()));
    if (!there)
      return Invalid(StrCat(path, ": a symbolic link to nothing; remove it, or choose another path"));
  }
  return OpenToWrite(path, options.busy_timeout_ms, steps);
}

}  // namespace tunesmith::database
