// SPDX-License-Identifier: Apache-2.0
// Names in generated libraries: C identifiers, unique in a library.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "library/library.h"

namespace tunesmith::library {

/// The functions that every library has, without their prefix; codegen/runtime/library.h and threads.h.
inline constexpr std::string_view kCommonFunctions[] = {
    "error_text",   "library", "pack",      "packed_bytes", "pool_create",    "pool_destroy",
    "pool_threads", "run",     "use_level", "variant",      "workspace_bytes"};

/// Letters, digits and underscores of `text`; "=" before a digit dropped, anything else an underscore; an
/// underscore in front if it would begin with a digit: "matmul M=8 act=relu" is "matmul_M8_act_relu".
std::string Identifier(std::string_view text);

/// Of a library's name, in characters.
inline constexpr size_t kLongestName = 64;

/// Fails if `name` cannot be a library's name: it must be an identifier of C, C++, CMake and Python, not
/// longer than kLongestName, no word that one of them reserves, and not begin as the names of the runtime do.
Status CheckLibraryName(std::string_view name);

/// What the kernels are called in C, without the prefix, and as attributes in Python, in order. Those whose
/// names, or the names of the functions that belong to them, would meet another's get a number; so do those
/// that cannot be an attribute, or would be the loader's own.
std::vector<std::string> KernelNames(const std::vector<Kernel>& kernels);

/// "x86_64_avx2"
std::string LevelName(const codegen::Target& target);

}  // namespace tunesmith::library
