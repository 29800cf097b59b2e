// SPDX-License-Identifier: Apache-2.0
#include "database/selection.h"

#include "support/strings.h"

namespace tunesmith::database {
namespace {

int HexDigit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

class Builder {
 public:
  explicit Builder(Selection* out) : out_(out) {}

  /// One condition of the conjunction; its parameters in order.
  template <class... Values>
  void Where(std::string_view condition, Values... values) {
    StrAppend(&where_, where_.empty() ? " WHERE " : " AND ", condition);
    (out_->parameters.emplace_back(std::move(values)), ...);
    ++out_->conditions;
  }
  const std::string& where() const { return where_; }

 private:
  Selection* out_;
  std::string where_;
};

// A prefix of lowercase hexadecimal digits as the range [prefix 000…, prefix fff…].
std::pair<std::string, std::string> PrefixRange(const std::string& prefix) {
  std::string low = prefix, high = prefix;
  low.resize(32, '0');
  high.resize(32, 'f');
  return {low, high};
}

// Conditions on the key, each as "key is one of those …": few rows, then the index record_best.
void WhereKey(const Filter& filter, Builder& builder) {
  auto among = [&](std::string_view condition, auto... values) {
    builder.Where(StrCat("record.key IN (SELECT number FROM record_key WHERE ", condition, ")"), values...);
  };
  if (!filter.workload.empty()) {
    auto [low, high] = PrefixRange(filter.workload);
    among("workload BETWEEN ? AND ?", low, high);
  }
  if (filter.key) {
    const Key& key = *filter.key;
    builder.Where(StrCat("record.key = (", kKeyNumberSql, ")"), key.workload, key.target, key.features,
                  key.layouts, std::string(CacheName(key.scenario.cold)), int64_t{key.scenario.threads},
                  key.scenario.pinning, key.scenario.page_bytes, key.codegen, key.llvm);
  }
  if (!filter.target.empty()) among("target = ?", filter.target);
  if (!filter.codegen.empty()) among("codegen = ?", filter.codegen);
  if (!filter.llvm.empty()) among("llvm = ?", filter.llvm);
  if (filter.cold) among("cache = ?", std::string(CacheName(*filter.cold)));
  if (filter.threads) among("threads = ?", int64_t{*filter.threads});
}

void WhereOperation(const Filter& filter, Builder& builder) {
  if (!filter.operator_name.empty()) {
    builder.Where("record.operation IN (SELECT number FROM operation WHERE name = ?)", filter.operator_name);
  }
  for (const auto& [name, value] : filter.bindings) {
    builder.Where(
        "record.operation IN (SELECT operation.number FROM operation, json_each(operation.bindings) AS "
        "binding WHERE binding.key = ? AND binding.value = ?)",
        name, value);
  }
}

void WhereRecord(const Filter& filter, Builder& builder) {
  if (!filter.id.empty()) {
    auto [low, high] = PrefixRange(filter.id);
    builder.Where("record.id BETWEEN ? AND ?", IdBytes(low), IdBytes(high));
  }
  if (!filter.outcomes.empty()) {
    builder.Where(StrCat(
        "record.outcome IN (",
        StrJoin(filter.outcomes, ", ",
                [](std::string* out, measure::OutcomeKind kind) { StrAppend(out, static_cast<int>(kind)); }),
        ")"));
  }
  if (filter.min_latency_ns) builder.Where("record.median_ns >= ?", *filter.min_latency_ns);
  if (filter.max_latency_ns) builder.Where("record.median_ns <= ?", *filter.max_latency_ns);
  if (filter.since_ns) builder.Where("record.created_ns >= ?", *filter.since_ns);
  if (filter.until_ns) builder.Where("record.created_ns < ?", *filter.until_ns);
}

std::string_view OrderSql(Order order) {
  switch (order) {
    case Order::kNewest:
      return "record.created_ns DESC, record.id";
    case Order::kOldest:
      return "record.created_ns, record.id";
    case Order::kFastest:
      return "record.median_ns, record.id";
    case Order::kSlowest:
      return "record.median_ns DESC, record.id";
  }
  return "record.id";
}

}  // namespace

const std::string_view kKeyNumberSql =
    "SELECT number FROM record_key WHERE workload = ? AND target = ? AND features = ? AND layouts = ? AND "
    "cache = ? AND threads = ? AND pinning = ? AND page_bytes = ? AND codegen = ? AND llvm = ?";

void BindKey(const Key& key, Statement& statement) {
  statement.Bind(key.workload).Bind(key.target).Bind(key.features).Bind(key.layouts);
  statement.Bind(CacheName(key.scenario.cold)).Bind(int64_t{key.scenario.threads});
  statement.Bind(key.scenario.pinning).Bind(key.scenario.page_bytes).Bind(key.codegen).Bind(key.llvm);
}

std::vector<std::byte> IdBytes(std::string_view hex) {
  std::vector<std::byte> bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(HexDigit(hex[i]) << 4 | HexDigit(hex[i + 1])));
  }
  return bytes;
}

void Selection::BindTo(Statement& statement) const {
  for (const auto& parameter : parameters) {
    if (const auto* bytes = std::get_if<std::vector<std::byte>>(&parameter)) {
      statement.BindBlob(*bytes);
    } else if (const auto* text = std::get_if<std::string>(&parameter)) {
      statement.Bind(std::string_view(*text));
    } else if (const auto* real = std::get_if<double>(&parameter)) {
      statement.Bind(*real);
    } else {
      statement.Bind(std::get<int64_t>(parameter));
    }
  }
}

Result<Selection> SelectionOf(const Filter& filter) {
  if (!IsHexPrefix(filter.id)) return Invalid("id: not a prefix of 32 lowercase hexadecimal digits");
  if (!IsHexPrefix(filter.workload))
    return Invalid("workload: not a prefix of 32 lowercase hexadecimal digits");
  if (filter.limit && *filter.limit < 0) return Invalid("limit: negative");
  if (filter.best_per_key && *filter.best_per_key < 1) return Invalid("best: below 1");

  Selection selection;
  Builder builder(&selection);
  WhereKey(filter, builder);
  WhereOperation(filter, builder);
  WhereRecord(filter, builder);
  int conditions = selection.conditions;
  if (filter.order == Order::kFastest || filter.order == Order::kSlowest || filter.best_per_key) {
    builder.Where("record.outcome = 0");
  }
  selection.conditions = conditions;

  if (filter.best_per_key) {
    selection.sql = StrCat(
        "SELECT record.number FROM (SELECT *, row_number() OVER (PARTITION BY record.key ORDER BY "
        "record.median_ns, record.id) AS place FROM record",
        builder.where(), ") AS record WHERE place <= ?");
    selection.parameters.emplace_back(*filter.best_per_key);
  } else {
    selection.sql = StrCat("SELECT record.number FROM record", builder.where());
  }
  StrAppend(&selection.sql, " ORDER BY ", OrderSql(filter.order));
  if (filter.limit) {
    selection.sql.append(" LIMIT ?");
    selection.parameters.emplace_back(*filter.limit);
  }
  return selection;
}

}  // namespace tunesmith::database
