// SPDX-License-Identifier: Apache-2.0
#include "cli/option_values.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "support/strings.h"
#include "support/suggest.h"

namespace tunesmith::cli {

std::string CheckInteger(const std::string& text, int64_t low, int64_t high, const std::string& what) {
  std::optional<int64_t> number = ParseInteger(text);
  if (number && *number >= low && *number <= high) return "";
  return StrCat("'", text, "' is not a whole number from ", low, " to ", high, what.empty() ? "" : ", ",
                what);
}

std::string CheckText(const std::string& text) {
  if (text.empty()) return "the value is empty; leave the option out, or name one";
  // The parser takes -oDIR for -o DIR, and so -o=DIR for a folder of that odd name.
  if (text[0] == '=') return StrCat("'", text, "' begins with '='; put a blank in its place");
  return "";
}

std::string CheckSeconds(const std::string& text) {
  double seconds = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  bool right =
      error == std::errc() && end == text.data() + text.size() && std::isfinite(seconds) && seconds >= 0;
  return right ? "" : StrCat("'", text, "' is not a number of seconds; write 0 or more, as in 2.5");
}

std::string CheckChoice(const std::string& text, const std::vector<std::string>& choices) {
  if (std::find(choices.begin(), choices.end(), text) != choices.end()) return "";
  return StrCat("there is no '", text, "'; there are: ", StrJoin(choices, ", "), DidYouMean(text, choices));
}

CLI::Option* AddText(CLI::App* app, const std::string& name, std::string* value, const std::string& type,
                     const std::string& help) {
  return app->add_option(name, *value, help)
      ->type_name(type)
      ->check(CLI::Validator([](std::string& text) { return CheckText(text); }, "", name));
}

CLI::Option* AddSeconds(CLI::App* app, const std::string& name, double* value, const std::string& help) {
  return app->add_option(name, *value, help)
      ->type_name("S")
      ->capture_default_str()
      ->check(CLI::Validator([](std::string& text) { return CheckSeconds(text); }, "", name));
}

CLI::Option* AddChoice(CLI::App* app, const std::string& name, std::string* value,
                       const std::vector<std::string>& choices, const std::string& help) {
  return app->add_option(name, *value, help)
      ->type_name(StrJoin(choices, "|"))
      ->capture_default_str()
      ->check(CLI::Validator([=](std::string& text) { return CheckChoice(text, choices); }, "", name));
}

CLI::Option* AddChoices(CLI::App* app, const std::string& name, std::vector<std::string>* values,
                        const std::vector<std::string>& choices, const std::string& help) {
  return app->add_option(name, *values, help)
      ->type_name(StrJoin(choices, "|"))
      ->delimiter(',')
      ->check(CLI::Validator([=](std::string& text) { return CheckChoice(text, choices); }, "", name));
}

}  // namespace tunesmith::cli
