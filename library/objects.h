// SPDX-License-Identifier: Apache-2.0
// Object files, archives, shared libraries and programs, made in this process: no compiler and no linker
// needs to be installed.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "support/status.h"

namespace tunesmith::library {

struct Member {
  std::string name;   // "matmul_x86_64_avx2.o"
  std::string bytes;  // an ELF object
};

/// A kernel's object with other names for its symbols. Code and constants begin at multiples of 64 bytes, as
/// they do in the image that was measured: where loops lie within cache lines can be heard in their latency.
Result<std::string> RenameKernel(const std::string& object, const std::map<std::string, std::string>& names);

/// An object in which each symbol whose name begins with `prefix` begins with `replacement` instead, defined
/// and undefined ones.
Result<std::string> RenamePrefix(const std::string& object, const std::string& prefix,
                                 const std::string& replacement);

/// A static library (GNU's format, without dates and owners).
Result<std::string> Archive(const std::vector<Member>& members);

/// A shared library lib`name`.so of the members, from which `exported` can be seen, and nothing else. It
/// needs the C library of this machine or a newer one.
Result<std::string> LinkShared(const std::vector<Member>& members, const std::string& name,
                               const std::vector<std::string>& exported);

/// A program of the members, which define _start, on top of that shared library; it finds it in ../lib beside
/// its own folder.
Result<std::string> LinkProgram(const std::vector<Member>& members, const std::string& name,
                                const std::string& shared_library);

}  // namespace tunesmith::library
