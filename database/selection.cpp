// SPDX-License-Identifier: Apache-2.0
#include "database/selection.h"

#include "support/strings.h"

namespace tunesmith::database {
namespace {

constexpr std::string_view kOneKeySql =
    "workload = ? AND target = ? AND features = ? AND layouts = ? AND cache = ? AND threads = ? AND pinning "
    "= ? "
    "AND page_bytes = ? AND codegen = ? AND llvm = ?";

int HexDigit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

class Builder {
 public:
  explicit Builder(Selection* out) : out_(out) {}

  /// One condition on record_key; its parameters in order. Those on keys come before all others.
  template <class... Values>
  void Key(std::string_view condition, Values... values) {
    Add(&keys_, condition, std::move(values)...);
  }
  /// One condition on record; likewise.
  template <class... Values>
  void Record(std::string_view condition, Values... values) {
    Add(&records_, condition, std::move(values)...);
  }
  /// The conjunctions; empty if there is no condition.
  const std::string& keys() const { return keys_; }
  const std::string& records() const { return records_; }

 private:
  template <class... Values>
  void Add(std::string* where, std::string_view condition, Values... values) {
    StrAppend(where, where->empty() ? "" : " AND ", condition);
    (out_->parameters.emplace_back(std::move(values)), ...);
    ++out_->conditions;
  }
  Selection* out_;
  std::string keys_, records_;
};

// A prefix of lowercase hexadecimal digits as the range [prefix 000…, prefix fff…].
std::pair<std::string, std::string> PrefixRange(const std::string& prefix) {
  std::string low = prefix, high = prefix;
  low.resize(32, '0');
  high.resize(32, 'f');
  return {low, high};
}

void WhereKey(const Filter& filter, Builder& builder) {
  if (filter.key) {
    const Key& key = *filter.key;
    builder.Key(kOneKeySql, key.workload, key.target, key.features, key.layouts,
                std::string(CacheName(key.scenario.cold)), int64_t{key.scenario.threads},
                key.scenario.pinning, key.scenario.page_bytes, key.codegen, key.llvm);
  }
  if (!filter.workload.empty()) {
    auto [low, high] = PrefixRange(filter.workload);
    builder.Key("workload BETWEEN ? AND ?", low, high);
  }
  if (!filter.target.empty()) builder.Key("target = ?", filter.target);
  if (!filter.codegen.empty()) builder.Key("codegen = ?", filter.codegen);
  if (!filter.llvm.empty()) builder.Key("llvm = ?", filter.llvm);
  if (filter.cold) builder.Key("cache = ?", std::string(CacheName(*filter.cold)));
  if (filter.threads) builder.Key("threads = ?", int64_t{*filter.threads});
}

void WhereOperation(const Filter& filter, Builder& builder) {
  if (!filter.operator_name.empty()) {
    builder.Record("record.operation IN (SELECT number FROM operation WHERE name = ?)", filter.operator_name);
  }
  for (const auto& [name, value] : filter.bindings) {
    builder.Record(
        "record.operation IN (SELECT operation.number FROM operation, json_each(operation.bindings) AS "
        "binding WHERE binding.key = ? AND binding.value = ?)",
        name, value);
  }
}

void WhereRecord(const Filter& filter, Builder& builder) {
  if (!filter.id.empty()) {
    auto [low, high] = PrefixRange(filter.id);
    builder.Record("record.id BETWEEN ? AND ?", IdBytes(low), IdBytes(high));
  }
  if (!filter.outcomes.empty()) {
    builder.Record(StrCat(
        "record.outcome IN (",
        StrJoin(filter.outcomes, ", ",
                [](std::string* out, measure::OutcomeKind kind) { StrAppend(out, static_cast<int>(kind)); }),
        ")"));
  }
  if (filter.min_latency_ns) builder.Record("record.median_ns >= ?", *filter.min_latency_ns);
  if (filter.max_latency_ns) builder.Record("record.median_ns <= ?", *filter.max_latency_ns);
  if (filter.since_ns) builder.Record("record.created_ns >= ?", *filter.since_ns);
  if (filter.until_ns) builder.Record("record.created_ns < ?", *filter.until_ns);
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
    case Order::kBest:
      return "record.place, record.median_ns, record.id";
  }
  return "record.id";
}

// The best `count` of each key among the records of the conditions, as filter.h says, with their place among
// them. Of each key two stretches of the index record_best are read, each in the order of latencies and no
// further than `count` records: those since the finals, and those before. Conditions on records may leave
// most keys without any; then those keys are not looked at.
std::string BestSql(const Builder& builder, std::string_view keys, bool conditions, std::string_view count) {
  auto first = [&](std::string_view when) {
    return StrCat("SELECT number FROM (SELECT number FROM chosen WHERE key = finals.key AND ", when,
                  " ORDER BY median_ns, id LIMIT ", count, ")");
  };
  return StrCat(
      "WITH keys AS (", keys, "), ",  //
      "chosen AS NOT MATERIALIZED (SELECT * FROM record WHERE ", builder.records(), "), ",
      "finals AS MATERIALIZED (SELECT number AS key, coalesce((SELECT max(created_ns) FROM chosen WHERE ",
      "chosen.key = keys.number AND processes > 1), 0) AS created_ns FROM keys",
      conditions ? " WHERE number IN (SELECT key FROM chosen)" : "", ") ",
      "SELECT record.number FROM (SELECT record.*, row_number() OVER (PARTITION BY record.key ORDER BY ",
      "record.created_ns < finals.created_ns, record.median_ns, record.id) AS place ",
      "FROM finals CROSS JOIN record WHERE record.number IN (", first("created_ns >= finals.created_ns"),
      " UNION ALL ", first("finals.created_ns > 0 AND created_ns < finals.created_ns"),
      ")) AS record WHERE place <= ", count);
}

}  // namespace

const std::string& KeyNumberSql() {
  static const std::string sql = StrCat("SELECT number FROM record_key WHERE ", kOneKeySql);
  return sql;
}

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
  if (filter.best_per_key && *filter.best_per_key < 0) return Invalid("best: negative");
  if (filter.order == Order::kBest && !filter.best_per_key)
    return Invalid("order: of the best of each key, but how many of them is not said");

  Selection selection;
  Builder builder(&selection);
  WhereKey(filter, builder);
  WhereOperation(filter, builder);
  WhereRecord(filter, builder);
  const int conditions = selection.conditions;
  const bool of_records = !builder.records().empty();
  if (filter.order == Order::kFastest || filter.order == Order::kSlowest || filter.best_per_key) {
    builder.Record("record.outcome = 0");
  }
  selection.conditions = conditions;

  const std::string keys =
      StrCat("SELECT number FROM record_key", builder.keys().empty() ? "" : " WHERE ", builder.keys());
  if (filter.best_per_key) {
    selection.parameters.emplace_back(*filter.best_per_key);
    selection.sql =
        BestSql(builder, keys, of_records && !filter.key, StrCat("?", selection.parameters.size()));
  } else {
    std::vector<std::string> where;
    // One key's records lie in the index in the order of their latencies; those of several must be sorted.
    if (!builder.keys().empty())
      where.push_back(StrCat("record.key ", filter.key ? "= (" : "IN (", keys, ")"));
    if (!builder.records().empty()) where.push_back(builder.records());
    selection.sql =
        StrCat("SELECT record.number FROM record", where.empty() ? "" : " WHERE ", StrJoin(where, " AND "));
  }
  StrAppend(&selection.sql, " ORDER BY ", OrderSql(filter.order));
  if (filter.limit) {
    selection.sql.append(" LIMIT ?");
    selection.parameters.emplace_back(*filter.limit);
  }
  return selection;
}

}  // namespace tunesmith::database
