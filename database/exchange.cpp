// SPDX-License-Identifier: Apache-2.0
#include "database/exchange.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "database/record_json.h"
#include "support/files.h"
#include "support/strings.h"

namespace tunesmith::database {
namespace {

constexpr size_t kMaxFindings = 10;
constexpr int64_t kMostAheadNs =
    int64_t{86400} * 1'000'000'000;  // clocks differ, and time zones are mixed up
constexpr size_t kBatch = 256;       // records a transaction; also bounds the memory of an import

// The lines of an open file.
class LineReader {
 public:
  LineReader(int file, const std::string& path) : file_(file), path_(path), buffer_(size_t{64} << 10, '\0') {}

  // Reads the next line, without its end; false if there is none.
  Result<bool> Next(std::string* line) {
    line->clear();
    ++number_;
    for (;;) {
      if (begin_ == end_) {
        TS_RETURN_IF_ERROR(Fill());
        if (begin_ == end_) return !line->empty();
      }
      const std::string_view there(buffer_.data() + begin_, end_ - begin_);
      const size_t length = std::min(there.find('\n'), there.size());
      if (static_cast<int64_t>(line->size() + length) > kMaxLineBytes) {
        return Invalid(StrCat(path_, ":", number_, ": longer than ", kMaxLineBytes,
                              " bytes; give a file of `tune db export`"));
      }
      line->append(there.substr(0, length));
      begin_ += length;
      if (begin_ == end_) continue;
      ++begin_;
      return true;
    }
  }
  int64_t number() const { return number_; }  // of the line read last, from 1

 private:
  Status Fill() {
    ssize_t got = 0;
    do {
      got = read(file_, buffer_.data(), buffer_.size());
    } while (got < 0 && errno == EINTR);
    if (got < 0) return FileError("read", path_, errno);
    begin_ = 0;
    end_ = static_cast<size_t>(got);
    return Status();
  }

  int file_;
  const std::string& path_;
  std::string buffer_;
  size_t begin_ = 0, end_ = 0;  // what of the buffer is yet to be given out
  int64_t number_ = 0;
};

// A copy of what can be read only once (a pipe, a terminal): a file without a name, which goes with its
// descriptor.
Result<FileDescriptor> CopyOf(int file, const std::string& path) {
  std::error_code error;
  std::filesystem::path folder = std::filesystem::temp_directory_path(error);
  std::string name = (error ? "/tmp" : folder.string()) + "/tunesmith-XXXXXX";
  FileDescriptor copy(mkostemp(name.data(), O_CLOEXEC));
  if (!copy.valid()) return FileError("make a temporary file in", folder, errno);
  unlink(name.c_str());
  std::string bytes(size_t{64} << 10, '\0');
  for (;;) {
    const ssize_t got = read(file, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError("read", path, errno);
    if (got == 0) return copy;
    for (ssize_t done = 0; done < got;) {
      const ssize_t written = write(copy.get(), bytes.data() + done, static_cast<size_t>(got - done));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return FileError("copy the pipe into", folder, errno);
      done += written;
    }
  }
}

// A file that can be read more than once.
Result<FileDescriptor> OpenToImport(const std::string& path) {
  FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  struct stat info;
  if (!file.valid() || fstat(file.get(), &info) != 0) return FileError("read", path, errno);
  if (S_ISREG(info.st_mode)) return file;
  return CopyOf(file.get(), path);
}

// Gives each line that is not empty to `take(line number, text)`, from the beginning of the file.
Status ForEachLine(const CheckedFile& file, const std::function<Status(int64_t, std::string_view)>& take) {
  if (lseek(file.file.get(), 0, SEEK_SET) != 0) return FileError("read", file.path, errno);
  LineReader reader(file.file.get(), file.path);
  std::string line;
  for (;;) {
    TS_ASSIGN_OR_RETURN(bool more, reader.Next(&line));
    if (!more) return Status();
    std::string_view text = line;
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (!text.empty()) TS_RETURN_IF_ERROR(take(reader.number(), text));
  }
}

// The date decides which finals of a key were the last, so one in the future would hold its key until then.
Status CheckDate(const Record& record, int64_t latest_ns) {
  if (record.created_ns <= latest_ns) return Status();
  return Invalid("created_ns: more than a day in the future; the clock was wrong here or where it was made");
}

// What is wrong with the lines of files: the first few findings, and how many there are.
struct Findings {
  std::vector<std::string> first;
  size_t count = 0;
};

Status CheckLines(const CheckedFile& file, const Verifier& verify, Findings* findings) {
  const int64_t latest_ns = NowNs() + kMostAheadNs;
  return ForEachLine(file, [&](int64_t number, std::string_view line) {
    Result<Record> record = FromJsonLine(line);
    Status status = record.status();
    if (status.ok()) status = CheckDate(*record, latest_ns);
    if (status.ok()) status = verify(*record);
    if (!status.ok() && ++findings->count <= kMaxFindings)
      findings->first.push_back(StrCat(file.path, ":", number, ": ", MessageOf(status)));
    return Status();
  });
}

}  // namespace

Result<int64_t> Export(Database& database, const Filter& filter,
                       const std::function<Status(std::string_view line)>& write) {
  int64_t count = 0;
  TS_RETURN_IF_ERROR(database.Query(filter, [&](const Record& record) -> Status {
    ++count;
    return write(ToJsonLine(record) + "\n");
  }));
  return count;
}

Result<std::vector<CheckedFile>> CheckFiles(std::span<const std::string> paths, const Verifier& verify) {
  std::vector<CheckedFile> files;
  for (const std::string& path : paths) {
    TS_ASSIGN_OR_RETURN(FileDescriptor file, OpenToImport(path));
    files.push_back({path, std::move(file)});
  }
  Findings findings;
  for (const CheckedFile& file : files) TS_RETURN_IF_ERROR(CheckLines(file, verify, &findings));
  if (findings.count == 0) return files;
  if (findings.count > kMaxFindings)
    findings.first.push_back(StrCat("and ", findings.count - kMaxFindings, " more"));
  findings.first.push_back(StrCat("nothing was imported; remove the ", findings.count == 1 ? "line" : "lines",
                                  " or export the records again"));
  return Invalid(StrJoin(findings.first, "\n"));
}

Result<InsertCounts> Import(Database& database, const CheckedFile& file) {
  InsertCounts total;
  std::vector<Record> batch;
  auto insert = [&]() -> Status {
    TS_ASSIGN_OR_RETURN(InsertCounts counts, database.Insert(batch));
    total.added += counts.added;
    total.already += counts.already;
    batch.clear();
    return Status();
  };
  TS_RETURN_IF_ERROR(ForEachLine(file, [&](int64_t number, std::string_view line) -> Status {
    Result<Record> record = FromJsonLine(line);
    if (!record.ok()) {
      return Annotate(record.status(),
                      StrCat(file.path, ":", number, ": the file changed while it was imported"));
    }
    batch.push_back(std::move(record).value());
    return batch.size() < kBatch ? Status() : insert();
  }));
  TS_RETURN_IF_ERROR(insert());
  return total;
}

}  // namespace tunesmith::database
