// SPDX-License-Identifier: Apache-2.0
// Options whose values are checked while the command line is read, so that a wrong one is refused before
// anything is done: "--trials: '0' is not a whole number from 1 to 1000000000".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"

namespace tunesmith::cli {

/// Decimal whole numbers from `low` to `high`; `what` ("the CPUs that this process may use") says where
/// `high` comes from, or is empty. The library alone would take 0x10 for 16 and 010 for 8.
template <class T>
CLI::Option* AddInteger(CLI::App* app, const std::string& name, T* value, int64_t low, int64_t high,
                        const std::string& what, const std::string& help);

/// Text that is not empty: an empty one is what a variable of a script gives that was never set. Nor does it
/// begin with '='.
CLI::Option* AddText(CLI::App* app, const std::string& name, std::string* value, const std::string& type,
                     const std::string& help);

/// Seconds: a decimal number, 0 or more.
CLI::Option* AddSeconds(CLI::App* app, const std::string& name, double* value, const std::string& help);

/// One of a list of words. A word that is none of them is answered with the list and the nearest.
CLI::Option* AddChoice(CLI::App* app, const std::string& name, std::string* value,
                       const std::vector<std::string>& choices, const std::string& help);

/// The same, several times or with commas between.
CLI::Option* AddChoices(CLI::App* app, const std::string& name, std::vector<std::string>* values,
                        const std::vector<std::string>& choices, const std::string& help);

/// Checks of the values themselves: empty if right, else what is wrong with `text`.
std::string CheckInteger(const std::string& text, int64_t low, int64_t high, const std::string& what);
std::string CheckText(const std::string& text);
std::string CheckSeconds(const std::string& text);
std::string CheckChoice(const std::string& text, const std::vector<std::string>& choices);

template <class T>
CLI::Option* AddInteger(CLI::App* app, const std::string& name, T* value, int64_t low, int64_t high,
                        const std::string& what, const std::string& help) {
  return app->add_option(name, *value, help)
      ->type_name("N")
      ->capture_default_str()
      ->check(
          CLI::Validator([=](std::string& text) { return CheckInteger(text, low, high, what); }, "", name));
}

}  // namespace tunesmith::cli
