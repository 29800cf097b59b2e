// SPDX-License-Identifier: Apache-2.0
#include "database/exchange.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <istream>
#include <vector>

#include "database/record_json.h"
#include "support/files.h"
#include "support/strings.h"

namespace tunesmith::database {
namespace {

constexpr size_t kMaxFindings = 10;
constexpr size_t kBatch = 256;  // records a transaction; also bounds the memory of an import

enum class LineEnd : uint8_t { kLine, kFileEnd, kTooLong };

LineEnd ReadLine(std::istream& in, std::string* line) {
  line->clear();
  std::streambuf* buffer = in.rdbuf();
  for (;;) {
    int c = buffer->sbumpc();
    if (c == std::streambuf::traits_type::eof()) return line->empty() ? LineEnd::kFileEnd : LineEnd::kLine;
    if (c == '\n') return LineEnd::kLine;
    if (static_cast<int64_t>(line->size()) == kMaxLineBytes) return LineEnd::kTooLong;
    line->push_back(static_cast<char>(c));
  }
}

// Gives each line that is not empty to `take(line number, text)`. The file is opened anew for every pass.
Status ForEachLine(const std::string& path, const std::function<Status(int64_t, std::string_view)>& take) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return FileError("read", path, EISDIR);
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) return FileError("read", path, errno);
  std::string line;
  for (int64_t number = 1;; ++number) {
    LineEnd end = ReadLine(in, &line);
    if (end == LineEnd::kFileEnd) return Status();
    if (end == LineEnd::kTooLong) {
      return Invalid(StrCat(path, ":", number, ": longer than ", kMaxLineBytes,
                            " bytes; give a file of `tune db export`"));
    }
    std::string_view text = line;
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (!text.empty()) TS_RETURN_IF_ERROR(take(number, text));
  }
}

Status CheckLines(const std::string& path, const Verifier& verify) {
  std::vector<std::string> findings;
  int64_t bad = 0;
  TS_RETURN_IF_ERROR(ForEachLine(path, [&](int64_t number, std::string_view line) {
    Result<Record> record = FromJsonLine(line);
    Status status = record.ok() ? verify(*record) : record.status();
    if (!status.ok() && ++bad <= static_cast<int64_t>(kMaxFindings)) {
      findings.push_back(StrCat(path, ":", number, ": ", MessageOf(status)));
    }
    return Status();
  }));
  if (bad == 0) return Status();
  if (bad > static_cast<int64_t>(kMaxFindings)) {
    findings.push_back(StrCat("and ", bad - static_cast<int64_t>(kMaxFindings), " more"));
  }
  findings.push_back(StrCat("nothing was imported; remove the ", bad == 1 ? "line" : "lines",
                            " or export the records again"));
  return Invalid(StrJoin(findings, "\n"));
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

Result<InsertCounts> Import(Database& database, const std::string& path, const Verifier& verify) {
  TS_RETURN_IF_ERROR(CheckLines(path, verify));
  InsertCounts total;
  std::vector<Record> batch;
  auto insert = [&]() -> Status {
    TS_ASSIGN_OR_RETURN(InsertCounts counts, database.Insert(batch));
    total.added += counts.added;
    total.already += counts.already;
    batch.clear();
    return Status();
  };
  TS_RETURN_IF_ERROR(ForEachLine(path, [&](int64_t number, std::string_view line) -> Status {
    Result<Record> record = FromJsonLine(line);
    if (!record.ok()) {
      return Annotate(record.status(), StrCat(path, ":", number, ": the file changed while it was imported"));
    }
    batch.push_back(std::move(record).value());
    return batch.size() < kBatch ? Status() : insert();
  }));
  TS_RETURN_IF_ERROR(insert());
  return total;
}

}  // namespace tunesmith::database
