// SPDX-License-Identifier: Apache-2.0
// Puts a generated library where the user wants it: all of it, or nothing.
#pragma once

#include <filesystem>

#include "library/library.h"
#include "support/status.h"

namespace tunesmith::library {

/// Whether WriteFolder could begin: to be asked before hours of tuning. The folder must be missing, empty, or
/// an earlier library with nothing else in it, not even an empty folder; the folder above must exist. Unless
/// the folder is empty, the one above must be writable, and this process not run in the folder. Otherwise an
/// error that says what stands in the way.
Status CheckFolder(const std::filesystem::path& folder);

/// Writes the files into a new folder beside `folder` and then puts it in its place, so that at any time
/// there is all of the old library or all of the new one, with the old one's owner, group and mode where the
/// system allows that. An empty folder stays and is filled, the manifest last. Fails where CheckFolder would,
/// and when the disk is full; what was there stays, and nothing else is left behind. What a killed process
/// leaves, the next one for the same folder removes; but not what one leaves that is killed while it moves its
/// files into an empty folder.
Status WriteFolder(const std::filesystem::path& folder, const Files& files);

}  // namespace tunesmith::library
