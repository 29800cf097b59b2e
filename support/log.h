// SPDX-License-Identifier: Apache-2.0
// The program's log: what a run did and when, for whoever asks why it went as it did. Off until it is opened.
// It repeats and explains; a result, an error or a trial is never said here alone.
#pragma once

#include <filesystem>
#include <string_view>

#include "support/status.h"
#include "support/strings.h"

namespace tunesmith {

namespace internal {
extern bool log_is_open;
void WriteEvent(std::string_view text, bool warning);
}  // namespace internal

/// Appends to the file from now on, until CloseLog. Each event is written at once and in one piece, so that a
/// process that is killed has said all that it did, and several may share a file. Errors: FileError of
/// opening; a log is open.
Status OpenLog(const std::filesystem::path& path);

/// An event, of parts as StrCat takes them: "2026-11-28 18:50:20.123 +01:00 info gemm_1024: learned from 16
/// trials". Text of several lines stays one event: its further lines are indented. Any thread may write;
/// nothing happens while no log is open.
template <class... Parts>
void Log(const Parts&... parts) {
  if (internal::log_is_open) internal::WriteEvent(StrCat(parts...), /*warning=*/false);
}

/// The same for what should not happen, or costs trials: "… warning runner 812 was killed by SIGKILL from
/// outside".
template <class... Parts>
void LogWarning(const Parts&... parts) {
  if (internal::log_is_open) internal::WriteEvent(StrCat(parts...), /*warning=*/true);
}

/// Errors: something was not written, as on a full disk. The first such error is told; it disturbs nobody
/// before.
Status CloseLog();

}  // namespace tunesmith
