// SPDX-License-Identifier: Apache-2.0
#include "database/filter.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>

#include "support/strings.h"
#include "support/suggest.h"

namespace tunesmith::database {
namespace {

constexpr std::string_view kConditions[] = {"operator", "target", "cache",    "threads", "codegen",
                                            "llvm",     "id",     "workload", "outcome", "latency",
                                            "since",    "until",  "best",     "order",   "limit"};

struct Unit {
  std::string_view name;
  double ns;
};
constexpr Unit kLatencyUnits[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
constexpr Unit kAgeUnits[] = {{"s", 1e9}, {"min", 60e9}, {"h", 3600e9}, {"d", 86400e9}, {"w", 7 * 86400e9}};

// "1.5ms" in nanoseconds.
std::optional<double> ParseQuantity(std::string_view text, std::span<const Unit> units) {
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || !std::isfinite(value) || value < 0) return std::nullopt;
  std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  for (const Unit& known : units) {
    if (known.name == unit) return value * known.ns;
  }
  return std::nullopt;
}

// Exactly `digits` decimal digits from `at` on, which moves past them.
std::optional<int> TakeDigits(std::string_view text, size_t* at, size_t digits) {
  int value = 0;
  for (size_t end = *at + digits; *at < end; ++*at) {
    if (*at >= text.size() || text[*at] < '0' || text[*at] > '9') return std::nullopt;
    value = value * 10 + (text[*at] - '0');
  }
  return value;
}

// "2026-01-31", "2026-01-31T12:30" or "2026-01-31T12:30:05", UTC ("Z" may say so), as nanoseconds since 1970.
std::optional<int64_t> ParseDate(std::string_view text) {
  if (text.ends_with('Z')) text.remove_suffix(1);
  size_t at = 0;
  int parts[6] = {};  // year, month, day, hour, minute, second
  constexpr std::string_view kSeparators = "--T::";
  for (size_t i = 0; i < 6; ++i) {
    if (i > 0) {
      if (at == text.size() && (i == 3 || i == 5)) break;
      if (at >= text.size() || text[at] != kSeparators[i - 1]) return std::nullopt;
      ++at;
    }
    std::optional<int> part = TakeDigits(text, &at, i == 0 ? 4 : 2);
    if (!part) return std::nullopt;
    parts[i] = *part;
  }
  namespace chrono = std::chrono;
  chrono::year_month_day day(chrono::year(parts[0]), chrono::month(static_cast<unsigned>(parts[1])),
                             chrono::day(static_cast<unsigned>(parts[2])));
  // Nanoseconds since 1970 fit into 64 bits until 2262.
  bool valid = at == text.size() && day.ok() && parts[0] >= 1970 && parts[0] <= 2261 && parts[3] < 24 &&
               parts[4] < 60 && parts[5] < 60;
  if (!valid) return std::nullopt;
  auto time =
      chrono::sys_days(day) + chrono::hours(parts[3]) + chrono::minutes(parts[4]) + chrono::seconds(parts[5]);
  return chrono::duration_cast<chrono::nanoseconds>(time.time_since_epoch()).count();
}

std::optional<int64_t> ParseMoment(std::string_view text, int64_t now_ns) {
  if (std::optional<int64_t> date = ParseDate(text)) return date;
  std::optional<double> age = ParseQuantity(text, kAgeUnits);
  if (!age || *age > static_cast<double>(now_ns)) return std::nullopt;
  return now_ns - static_cast<int64_t>(*age);
}

std::optional<std::set<measure::OutcomeKind>> ParseOutcomes(std::string_view text) {
  std::set<measure::OutcomeKind> kinds;
  for (std::string_view name : StrSplit(text, ',')) {
    if (name == "failed") {
      for (std::string_view kind : measure::kOutcomeNames) kinds.insert(*measure::ParseOutcomeKind(kind));
      kinds.erase(measure::OutcomeKind::kOk);
    } else if (std::optional<measure::OutcomeKind> kind = measure::ParseOutcomeKind(name)) {
      kinds.insert(*kind);
    } else {
      return std::nullopt;
    }
  }
  return kinds;
}

/// Whether it is a number as bindings have them: 64, -1, 1e-05.
bool IsDecimal(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool IsNameStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

/// A number as it is recorded, 1e-05 for 1e-5 and 64 for 064; other values as they are.
std::string Canonical(std::string_view text) {
  if (IsNameStart(text[0]) || !IsDecimal(text)) return std::string(text);
  if (const std::optional<int64_t> integer = ParseInteger(text)) return StrCat(*integer);
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return StrCat(value);
}

class Parser {
 public:
  explicit Parser(int64_t now_ns) : now_ns_(now_ns) {}

  Status Term(std::string_view term) {
    size_t at = term.find_first_of("=<>");
    if (at == std::string_view::npos || at == 0) {
      return Invalid(
          StrCat("filter '", term, "': not a condition; write NAME=VALUE, such as operator=matmul"));
    }
    size_t width = term.substr(at).starts_with("<=") || term.substr(at).starts_with(">=") ? 2 : 1;
    std::string_view name = term.substr(0, at), sign = term.substr(at, width),
                     value = term.substr(at + width);
    auto wrong = [&](std::string_view right) { return Invalid(StrCat("filter '", term, "': ", right)); };
    if (name == "latency")
      return Latency(sign, value) ? Status()
                                  : wrong("write latency<2ms, with <, <=, > or >= and ns, us, ms or s");
    if (sign != "=") return wrong("only latency can be compared; write NAME=VALUE");
    if (value.empty()) return wrong("the value is missing; write NAME=VALUE");
    std::string_view binding = name;
    if (name.starts_with("binding.")) {
      binding.remove_prefix(8);
    } else if (std::ranges::find(kConditions, name) != std::end(kConditions)) {
      if (!given_.insert(std::string(name)).second)
        return wrong(StrCat(name, " is given twice; give it once"));
      std::string_view right = Condition(name, value);
      return right.empty() ? Status() : wrong(right);
    } else if (std::optional<std::string> near = Nearest(name)) {
      return wrong(StrCat("did you mean ", *near, "? (for a binding of that name: binding.", term, ")"));
    }
    if (value.find_first_of("0123456789") <= 1 && !IsDecimal(value) && !IsNameStart(value[0]))
      return wrong(StrCat("values are recorded in decimal; write ", binding, "=64"));
    if (!filter_.bindings.emplace(binding, Canonical(value)).second)
      return wrong(StrCat(binding, " is given twice; give it once"));
    return Status();
  }

  Result<Filter> Take() {
    if (filter_.order == Order::kBest && !filter_.best_per_key)
      return Invalid("filter 'order=best': say of how many of each key, such as best=3");
    return std::move(filter_);
  }

 private:
  // Sets the condition; answers with what would be right if the value is not.
  std::string_view Condition(std::string_view name, std::string_view value) {
    if (name == "operator") return Set(&filter_.operator_name, value);
    if (name == "target") return Set(&filter_.target, value);
    if (name == "codegen") return Set(&filter_.codegen, value);
    if (name == "llvm") return Set(&filter_.llvm, value);
    if (name == "id" || name == "workload") {
      if (!IsHexPrefix(value)) return "write the first of its 32 digits, 0 to 9 and a to f";
      return Set(name == "id" ? &filter_.id : &filter_.workload, value);
    }
    if (name == "cache") {
      if (value != CacheName(true) && value != CacheName(false)) return "write cache=warm or cache=cold";
      filter_.cold = value == CacheName(true);
    } else if (name == "threads") {
      std::optional<int64_t> threads = ParseInteger(value);
      if (!threads || *threads < 1 || *threads > INT32_MAX) return "write a number from 1, such as threads=2";
      filter_.threads = static_cast<int>(*threads);
    } else if (name == "outcome") {
      auto outcomes = ParseOutcomes(value);
      if (!outcomes) {
        return "write ok, failed, compile_error, wrong_result, crash, timeout, out_of_memory or "
               "out_of_bounds; several with commas between";
      }
      filter_.outcomes = *outcomes;
    } else if (name == "since" || name == "until") {
      std::optional<int64_t> moment = ParseMoment(value, now_ns_);
      if (!moment)
        return "write a UTC date from 1970 to 2261, such as 2026-01-31 or 2026-01-31T12:30:05, or a time "
               "ago, such as 7d (s, min, h, d, w)";
      (name == "since" ? filter_.since_ns : filter_.until_ns) = *moment;
    } else if (name == "order") {
      static constexpr std::pair<std::string_view, Order> kOrders[] = {{"newest", Order::kNewest},
                                                                       {"oldest", Order::kOldest},
                                                                       {"fastest", Order::kFastest},
                                                                       {"slowest", Order::kSlowest},
                                                                       {"best", Order::kBest}};
      auto order = std::ranges::find(kOrders, value, &std::pair<std::string_view, Order>::first);
      if (order == std::end(kOrders)) return "write order=newest, oldest, fastest, slowest or best";
      filter_.order = order->second;
    } else {  // best, limit
      std::optional<int64_t> count = ParseInteger(value);
      if (!count || *count < 1) return "write a number from 1";
      (name == "best" ? filter_.best_per_key : filter_.limit) = *count;
    }
    return "";
  }

  static std::string_view Set(std::string* field, std::string_view value) {
    field->assign(value);
    return "";
  }

  bool Latency(std::string_view sign, std::string_view value) {
    std::optional<double> ns = ParseQuantity(value, kLatencyUnits);
    if (!ns || sign == "=") return false;
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    double bound = sign == "<"   ? std::nextafter(*ns, -kInfinity)
                   : sign == ">" ? std::nextafter(*ns, kInfinity)
                                 : *ns;
    if (sign[0] == '<') {
      filter_.max_latency_ns = std::min(bound, filter_.max_latency_ns.value_or(kInfinity));
    } else {
      filter_.min_latency_ns = std::max(bound, filter_.min_latency_ns.value_or(0));
    }
    return true;
  }

  // A condition that the name may be a misspelling of. Short names, such as ID, are bindings.
  static std::optional<std::string> Nearest(std::string_view name) {
    static const std::vector<std::string> candidates(std::begin(kConditions), std::end(kConditions));
    return name.size() < 4 ? std::nullopt : NearestName(name, candidates);
  }

  int64_t now_ns_;
  Filter filter_;
  std::set<std::string> given_;
};

}  // namespace

Result<Filter> ParseFilter(std::span<const std::string> terms, int64_t now_ns) {
  Parser parser(now_ns);
  for (const std::string& term : terms) TS_RETURN_IF_ERROR(parser.Term(term));
  return parser.Take();
}

}  // namespace tunesmith::database
