// SPDX-License-Identifier: Apache-2.0
#include "database/record.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "database/json_text.h"
#include "support/hash.h"
#include "support/strings.h"

namespace tunesmith::database {
namespace {

// Length of the UTF-8 sequence that starts `text`; 0 if it starts with none. The table 3-7 of the Unicode
// standard.
size_t SequenceLength(std::string_view text) {
  auto at = [&](size_t i) -> unsigned { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  auto tail = [&](size_t i) { return (at(i) & 0xC0) == 0x80; };
  unsigned a = at(0), b = at(1);
  if (a == 0) return 0;
  if (a < 0x80) return 1;
  if (a >= 0xC2 && a <= 0xDF) return tail(1) ? 2 : 0;
  if (a >= 0xE0 && a <= 0xEF) {
    bool second = a == 0xE0 ? b >= 0xA0 && b <= 0xBF : a == 0xED ? b >= 0x80 && b <= 0x9F : tail(1);
    return second && tail(2) ? 3 : 0;
  }
  if (a >= 0xF0 && a <= 0xF4) {
    bool second = a == 0xF0 ? b >= 0x90 && b <= 0xBF : a == 0xF4 ? b >= 0x80 && b <= 0x8F : tail(1);
    return second && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

std::string CleanText(std::string_view text) {
  std::string clean;
  for (size_t i = 0; i < text.size();) {
    size_t length = SequenceLength(text.substr(i));
    if (length == 0) {
      clean.append("\xEF\xBF\xBD");  // U+FFFD, the replacement character
      ++i;
    } else {
      clean.append(text.substr(i, length));
      i += length;
    }
  }
  return clean;
}

bool IsIdentifier(std::string_view name) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && letter(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

constexpr int kMaxEnvironmentDepth = 64;

Result<std::string> CanonicalObject(std::string_view json) {
  if (NestedDeeperThan(json, kMaxEnvironmentDepth)) {
    return Invalid(StrCat("environment: nested deeper than ", kMaxEnvironmentDepth, " levels"));
  }
  auto value = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!value.is_object()) return Invalid("environment: not a JSON object");
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Status CheckKey(const Key& key) {
  if (key.workload.size() != 32 || !IsHexPrefix(key.workload)) {
    return Invalid("workload: not 32 lowercase hexadecimal digits");
  }
  if (key.target.empty()) return Invalid("target: empty");
  if (key.codegen.empty()) return Invalid("codegen: empty");
  if (key.llvm.empty()) return Invalid("llvm: empty");
  if (key.scenario.threads < 1) return Invalid("threads: below 1");
  if (key.scenario.pinning != "none" && key.scenario.pinning != "each thread on a core")
    return Invalid("pinning: neither \"none\" nor \"each thread on a core\"");
  if (key.scenario.page_bytes < 1 || !std::has_single_bit(static_cast<uint64_t>(key.scenario.page_bytes))) {
    return Invalid("page_bytes: not a power of two");
  }
  return Status();
}

Status CheckOutcome(const measure::Outcome& outcome) {
  if (static_cast<size_t>(outcome.kind) >= measure::kOutcomeNames.size()) {
    return Invalid("outcome: unknown kind");
  }
  const std::vector<double>& samples = outcome.samples_ns;
  if (!outcome.ok()) {
    if (samples.empty() && outcome.median_ns == 0 && outcome.spread_ns == 0) return Status();
    return Invalid("outcome: a failure with a latency");
  }
  if (samples.empty()) return Invalid("samples_ns: empty, but the outcome is ok");
  if (!std::all_of(samples.begin(), samples.end(), [](double x) { return std::isfinite(x) && x > 0; })) {
    return Invalid("samples_ns: a sample is not a positive number");
  }
  auto [least, most] = std::minmax_element(samples.begin(), samples.end());
  if (!(outcome.median_ns >= *least && outcome.median_ns <= *most)) {
    return Invalid("median_ns: outside the samples");
  }
  if (!(outcome.spread_ns >= 0 && std::isfinite(outcome.spread_ns))) {
    return Invalid("spread_ns: negative or not finite");
  }
  return Status();
}

}  // namespace

bool IsText(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    size_t length = SequenceLength(text.substr(i));
    if (length == 0) return false;
    i += length;
  }
  return true;
}

bool IsHexPrefix(std::string_view text) {
  return text.size() <= 32 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

int64_t NowNs() {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

std::string BindingsJson(const std::map<std::string, std::string>& bindings) {
  return nlohmann::json(bindings).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<std::map<std::string, std::string>> ParseBindings(std::string_view json) {
  if (NestedDeeperThan(json, 1)) return Invalid("bindings: not an object of strings");
  auto value = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!value.is_object()) return Invalid("bindings: not an object of strings");
  std::map<std::string, std::string> bindings;
  for (const auto& [name, bound] : value.items()) {
    if (!bound.is_string()) return Invalid("bindings: not an object of strings");
    bindings[name] = bound.get<std::string>();
  }
  return bindings;
}

std::string IdOf(const Record& record) {
  Hasher hasher;
  auto add = [&](double value) { hasher.Add(value + 0.0); };  // minus zero as zero: SQLite drops its sign
  const Key& key = record.key;
  hasher.Add(key.workload).Add(key.layouts).Add(key.target).Add(key.features).Add(key.codegen).Add(key.llvm);
  hasher.Add(key.scenario.cold)
      .Add(key.scenario.threads)
      .Add(key.scenario.pinning)
      .Add(key.scenario.page_bytes);
  hasher.Add(record.operator_name).Add(record.bindings.size());
  for (const auto& [name, value] : record.bindings) hasher.Add(name).Add(value);
  hasher.Add(record.trace).Add(record.outcome.kind).Add(record.outcome.detail);
  hasher.Add(record.outcome.samples_ns.size());
  for (double sample : record.outcome.samples_ns) add(sample);
  add(record.outcome.median_ns);
  add(record.outcome.spread_ns);
  add(record.limit_share);
  hasher.Add(record.environment).Add(record.created_ns);
  // Format 1 had no such field: what it can say keeps its id.
  if (record.processes != 1) hasher.Add(record.processes);
  return hasher.Hash().ToHex();
}

Result<Record> Seal(Record draft) {
  draft.outcome.detail = CleanText(draft.outcome.detail);
  if (!IsText(draft.environment)) return Invalid("environment: not UTF-8 text");
  TS_ASSIGN_OR_RETURN(draft.environment, CanonicalObject(draft.environment));
  draft.id = IdOf(draft);
  TS_RETURN_IF_ERROR(Check(draft));
  return draft;
}

Status Check(const Record& record) {
  const std::pair<std::string_view, const std::string*> texts[] = {
      {"layouts", &record.key.layouts},     {"target", &record.key.target},
      {"features", &record.key.features},   {"pinning", &record.key.scenario.pinning},
      {"codegen", &record.key.codegen},     {"llvm", &record.key.llvm},
      {"operator", &record.operator_name},  {"trace", &record.trace},
      {"definition", &record.definition},   {"detail", &record.outcome.detail},
      {"environment", &record.environment},
  };
  for (const auto& [name, text] : texts) {
    if (!IsText(*text)) return Invalid(StrCat(name, ": not UTF-8 text"));
  }
  TS_RETURN_IF_ERROR(CheckKey(record.key));
  if (record.operator_name.empty()) return Invalid("operator: empty");
  for (const auto& [name, value] : record.bindings) {
    if (!IsIdentifier(name)) return Invalid("bindings: a name is not an identifier");
    if (!IsText(value)) return Invalid("bindings: not UTF-8 text");
  }
  if (record.trace.empty()) return Invalid("trace: empty");
  TS_RETURN_IF_ERROR(CheckOutcome(record.outcome));
  if (record.processes < 1) return Invalid("processes: below 1");
  if (!record.outcome.ok() && record.processes != 1) return Invalid("processes: a failure has 1");
  if (record.definition.size() > static_cast<size_t>(kMaxDefinitionBytes))
    return Invalid("definition: larger than 1 MiB");
  size_t payload = record.trace.size() + record.outcome.detail.size() + 8 * record.outcome.samples_ns.size();
  if (payload > static_cast<size_t>(kMaxPayloadBytes))
    return Invalid("trace: larger than 256 MiB with its samples");
  if (!(record.limit_share >= 0 && std::isfinite(record.limit_share))) {
    return Invalid("limit_share: negative or not finite");
  }
  if (record.created_ns <= 0) return Invalid("created_ns: not after 1970");
  TS_ASSIGN_OR_RETURN(std::string environment, CanonicalObject(record.environment));
  if (environment != record.environment) {
    return Invalid("environment: not in canonical form (keys sorted, no blanks)");
  }
  if (record.id != IdOf(record)) return Invalid("id: does not match the content; the record was changed");
  return Status();
}

}  // namespace tunesmith::database
