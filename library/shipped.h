// SPDX-License-Identifier: Apache-2.0
// The parts of codegen/runtime that go into every generated library, inside this program.
#pragma once

#include <string_view>

namespace tunesmith::library {

/// A file by its name in codegen/runtime ("tunesmith_kernel.h"), or what it was compiled to ("library.o"):
/// position-independent code for every x86-64 processor, with "tunesmith_prefix_" in the place of a library's
/// prefix. Empty for any other name.
std::string_view ShippedFile(std::string_view name);

inline constexpr char kShippedPrefix[] = "tunesmith_prefix_";

}  // namespace tunesmith::library
