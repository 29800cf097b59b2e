// SPDX-License-Identifier: Apache-2.0
// What the database's tests share: folders that go away, records to keep, files to compare, children to fork.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "database/database.h"
#include "database/record.h"
#include "support/files.h"
#include "support/status.h"

namespace tunesmith::database {

template <class T>
T Value(Result<T> result) {
  EXPECT_TRUE(result.ok()) << result.status();
  return std::move(result).value();
}

/// A folder of its own for each test, removed after it.
class FolderTest : public testing::Test {
 protected:
  FolderTest();
  ~FolderTest() override;
  /// A path in the folder.
  std::string Path(std::string_view name) const;
  /// `text` without the folder: what is left is the same in every run.
  std::string WithoutFolder(std::string_view text) const;
  std::string MessageOf(const Status& status) const { return WithoutFolder(tunesmith::MessageOf(status)); }

  TemporaryFolder temporary_;
  const std::string folder_;  ///< its path
};

/// A sealed record of a matrix product on one thread: 100 + `number` us, created `number` seconds after
/// 2026-01-01.
Record TimedRecord(int number);
/// The same timed again in finals, later than all records with numbers below `later`.
Record FinalistRecord(int number, int later, double median_ns);
/// The same trial, failed.
Record FailedRecord(int number, measure::OutcomeKind kind = measure::OutcomeKind::kTimeout);
/// The filter of these terms; "now" is 2026-01-01T00:16:40Z.
Filter Where(const std::vector<std::string>& terms);
/// A record with its id made anew after a change.
Record Resealed(Record record);

inline constexpr int64_t kSecondNs = 1'000'000'000;
inline constexpr int64_t kStartNs = 1767225600 * kSecondNs;  ///< 2026-01-01T00:00:00Z

std::string ReadBytes(const std::string& path);
void WriteBytes(const std::string& path, std::string_view bytes);
/// The names in a folder, sorted.
std::vector<std::string> NamesIn(const std::string& folder);

/// Runs `body` in a forked child; what it returns comes back. A child that dies answers "(killed)".
std::string InChild(const std::function<std::string()>& body);
/// The same in `count` children at once, which start together: body(0), body(1), …
std::vector<std::string> InChildren(int count, const std::function<std::string(int)>& body);
/// InChild without the powers of root, for whom every file is writable.
std::string InChildWithoutPrivileges(const std::function<std::string()>& body);

#define EXPECT_OK(expression)                           \
  do {                                                  \
    const ::tunesmith::Status ts_status = (expression); \
    EXPECT_TRUE(ts_status.ok()) << ts_status;           \
  } while (false)

}  // namespace tunesmith::database
