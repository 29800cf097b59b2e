// SPDX-License-Identifier: Apache-2.0
// Where records are kept. One implementation so far: SQLite, one file, many processes
// (docs/formats/database.md).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "database/filter.h"
#include "database/record.h"
#include "measure/outcome.h"
#include "support/status.h"

namespace tunesmith::database {

struct InsertCounts {
  int64_t added = 0;
  int64_t already = 0;  ///< records whose id was there; a record is never changed
};

/// What Gc keeps: of each key the `keep_best` best records (Filter) and all finalists, and everything,
/// failures too, created at `keep_since_ns` or later. Older failures and older slower records go.
struct GcPolicy {
  int64_t keep_best = 16;
  int64_t keep_since_ns = 0;  ///< UTC; 0 keeps everything
  bool dry_run = false;       ///< only count
};

struct GcCounts {
  int64_t kept = 0;
  int64_t dropped_timed = 0;
  int64_t dropped_failures = 0;
};

/// What the file's records, and those deleted since the last gc, are of.
struct Names {
  std::map<std::string, std::set<std::string>> parameters;  ///< of each operator: its symbols and attributes
  std::set<std::string> targets;
  std::set<std::string> codegens;  ///< versions of the code generator
  std::set<std::string> llvms;
};

struct Stats {
  std::array<int64_t, measure::kOutcomeNames.size()> by_outcome{};  ///< index: OutcomeKind
  std::map<std::string, int64_t> by_operator;
  int64_t keys = 0;       ///< distinct keys
  int64_t workloads = 0;  ///< distinct workloads
  int64_t oldest_ns = 0;  ///< created; 0 when there is no record
  int64_t newest_ns = 0;
  int64_t file_bytes = 0;  ///< the file and its write-ahead log
  int schema_version = 0;

  int64_t records() const;
};

/// Records and questions about them. Safe to use from several threads at once. Every error's message starts
/// with the file's path and ends with a way out; an error leaves what was there as it was.
class Database {
 public:
  virtual ~Database() = default;

  /// Adds the records, all or none; once it returns they outlive a killed process and a power cut. A record
  /// that does not satisfy Check is an error.
  virtual Result<InsertCounts> Insert(std::span<const Record> records) = 0;

  /// The best record of the key, as Filter says: the first of best_per_key. Ties: the smallest id, so that
  /// the same records give the same answer whatever order they came in. Nothing if no trial succeeded. An
  /// index search, past the few records that were faster than the last winner: O(log records).
  virtual Result<std::optional<Record>> Best(const Key& key) = 0;

  /// Gives each record of the filter to `visit`, in the filter's order, from one consistent snapshot; memory
  /// does not grow with their number. `visit` may use this database. An error of `visit` ends the walk and is
  /// returned.
  virtual Status Query(const Filter& filter, const std::function<Status(const Record&)>& visit) = 0;

  /// Deletes the records of the filter, all or none, and returns how many. A filter without any condition is
  /// an error: it would delete everything.
  virtual Result<int64_t> Delete(const Filter& filter) = 0;

  /// Drops what the policy does not keep, all or nothing, then gives free space back to the file system.
  virtual Result<GcCounts> Gc(const GcPolicy& policy) = 0;

  virtual Result<Stats> GetStats() = 0;

  /// Reads a row for each operator with its bindings and for each key.
  virtual Result<Names> GetNames() = 0;

  /// Reads the whole file and checks its structure: minutes for a large one. The error names the first
  /// finding.
  virtual Status CheckIntegrity() = 0;

  /// Query's records as a vector.
  Result<std::vector<Record>> Find(const Filter& filter);
};

enum class OpenMode : uint8_t {
  kReadWrite,  ///< made if it is missing (its folder must exist), brought to the newest schema if older
  kChange,     ///< the same, but must exist
  kReadOnly,   ///< must exist; not a byte of it changes, but an older schema is brought up to date where the
               ///< file may be written; works in a folder that cannot be written
};

struct OpenOptions {
  OpenMode mode = OpenMode::kReadWrite;
  int busy_timeout_ms = 10000;  ///< how long to wait for another process's write
};

/// Opens a SQLite database file. A file of something else, of a newer version, or damaged is an error and
/// stays as it is. Do not use an open database after fork(): open it again in the child.
Result<std::unique_ptr<Database>> OpenDatabase(const std::string& path, const OpenOptions& options = {});

}  // namespace tunesmith::database
