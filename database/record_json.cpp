// SPDX-License-Identifier: Apache-2.0
#include "database/record_json.h"

#include <nlohmann/json.hpp>
#include <set>

#include "database/json_text.h"
#include "support/strings.h"

namespace tunesmith::database {
namespace {

using Json = nlohmann::ordered_json;

// Takes the fields of one object, each once and by type; the first failure is kept, and Finish tells it.
class FieldReader {
 public:
  FieldReader(const Json& object, std::string_view prefix) : object_(object), prefix_(prefix) {}

  void Take(const char* name, std::string* value) {
    const Json* field = Find(name);
    if (field == nullptr) return;
    if (!field->is_string()) return Fail(name, "not a string");
    *value = field->get<std::string>();
  }
  void Take(const char* name, int64_t* value) {
    const Json* field = Find(name);
    if (field == nullptr) return;
    // An unsigned number is one beyond int64_t when its signed reading is negative.
    if (!field->is_number_integer() || (field->is_number_unsigned() && field->get<int64_t>() < 0)) {
      return Fail(name, "not a 64-bit integer");
    }
    *value = field->get<int64_t>();
  }
  void Take(const char* name, double* value) {
    const Json* field = Find(name);
    if (field == nullptr) return;
    if (!field->is_number()) return Fail(name, "not a number");
    *value = field->get<double>();
  }
  void Take(const char* name, std::vector<double>* values) {
    const Json* field = Find(name);
    if (field == nullptr) return;
    if (!field->is_array()) return Fail(name, "not an array of numbers");
    for (const Json& element : *field) {
      if (!element.is_number()) return Fail(name, "not an array of numbers");
      values->push_back(element.get<double>());
    }
  }
  // An object, as its JSON text.
  void TakeObject(const char* name, std::string* text) {
    const Json* field = Find(name);
    if (field == nullptr) return;
    if (!field->is_object()) return Fail(name, "not an object");
    *text = field->dump();
  }
  const Json* TakeObject(const char* name) {
    const Json* field = Find(name);
    if (field != nullptr && !field->is_object()) Fail(name, "not an object");
    return status_.ok() ? field : nullptr;
  }

  Status Finish() {
    if (!status_.ok()) return status_;
    for (const auto& [name, value] : object_.items()) {
      if (!taken_.contains(name)) return Invalid(StrCat(prefix_, name, ": unknown field"));
    }
    return Status();
  }

 private:
  const Json* Find(const char* name) {
    taken_.insert(name);
    auto field = object_.find(name);
    if (field != object_.end()) return &*field;
    Fail(name, "missing");
    return nullptr;
  }
  void Fail(std::string_view name, std::string_view what) {
    if (status_.ok()) status_ = Invalid(StrCat(prefix_, name, ": ", what));
  }

  const Json& object_;
  std::string prefix_;
  std::set<std::string> taken_;
  Status status_;
};

// Deeper than any record: its environment may be nested 64 deep, and the line itself adds a level.
constexpr int kMaxDepth = 65;

Result<Json> ParseLine(std::string_view line) {
  if (NestedDeeperThan(line, kMaxDepth)) return Invalid(StrCat("nested deeper than ", kMaxDepth, " levels"));
  Json object = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (object.is_discarded()) return Invalid("not JSON; is the line cut off?");
  if (!object.is_object()) return Invalid("not a JSON object");
  return object;
}

}  // namespace

std::string ToJsonLine(const Record& record) {
  const Key& key = record.key;
  Json object = {
      {"tunesmith_record", kRecordFormat},
      {"id", record.id},
      {"workload", key.workload},
      {"layouts", key.layouts},
      {"operator", record.operator_name},
      {"bindings", record.bindings},
      {"definition", record.definition},
      {"target", key.target},
      {"features", key.features},
      {"scenario",
       {{"cache", CacheName(key.scenario.cold)},
        {"threads", key.scenario.threads},
        {"pinning", key.scenario.pinning},
        {"page_bytes", key.scenario.page_bytes}}},
      {"codegen", key.codegen},
      {"llvm", key.llvm},
      {"trace", record.trace},
      {"outcome", measure::NameOf(record.outcome.kind)},
      {"detail", record.outcome.detail},
      {"samples_ns", record.outcome.samples_ns},
      {"median_ns", record.outcome.median_ns},
      {"spread_ns", record.outcome.spread_ns},
      {"processes", record.processes},
      {"limit_share", record.limit_share},
      {"environment", Json::parse(record.environment, nullptr, /*allow_exceptions=*/false)},
      {"created_ns", record.created_ns},
  };
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Record> FromJsonLine(std::string_view line) {
  TS_ASSIGN_OR_RETURN(Json object, ParseLine(line));
  auto format = object.find("tunesmith_record");
  if (format == object.end())
    return Invalid("tunesmith_record: missing; is this a line of `tune db export`?");
  if (!format->is_number_integer() || format->get<int64_t>() < 1 || format->get<int64_t>() > kRecordFormat) {
    return Invalid(
        StrCat("tunesmith_record: format ", format->dump(), ", but this program reads 1 to ", kRecordFormat));
  }
  Record record;
  Key& key = record.key;
  int64_t version = 0, threads = 0, processes = 1;
  std::string bindings, cache, outcome;
  FieldReader fields(object, "");
  fields.Take("tunesmith_record", &version);
  fields.Take("id", &record.id);
  fields.Take("workload", &key.workload);
  fields.Take("layouts", &key.layouts);
  fields.Take("operator", &record.operator_name);
  fields.TakeObject("bindings", &bindings);
  if (version >= 3) fields.Take("definition", &record.definition);
  fields.Take("target", &key.target);
  fields.Take("features", &key.features);
  const Json* scenario = fields.TakeObject("scenario");
  fields.Take("codegen", &key.codegen);
  fields.Take("llvm", &key.llvm);
  fields.Take("trace", &record.trace);
  fields.Take("outcome", &outcome);
  fields.Take("detail", &record.outcome.detail);
  fields.Take("samples_ns", &record.outcome.samples_ns);
  fields.Take("median_ns", &record.outcome.median_ns);
  fields.Take("spread_ns", &record.outcome.spread_ns);
  if (version >= 2) fields.Take("processes", &processes);
  fields.Take("limit_share", &record.limit_share);
  fields.TakeObject("environment", &record.environment);
  fields.Take("created_ns", &record.created_ns);
  TS_RETURN_IF_ERROR(fields.Finish());

  FieldReader parts(*scenario, "scenario.");
  parts.Take("cache", &cache);
  parts.Take("threads", &threads);
  parts.Take("pinning", &key.scenario.pinning);
  parts.Take("page_bytes", &key.scenario.page_bytes);
  TS_RETURN_IF_ERROR(parts.Finish());
  if (cache != CacheName(true) && cache != CacheName(false)) {
    return Invalid("scenario.cache: neither \"warm\" nor \"cold\"");
  }
  key.scenario.cold = cache == CacheName(true);
  if (threads < 1 || threads > INT32_MAX) return Invalid("scenario.threads: not between 1 and 2147483647");
  key.scenario.threads = static_cast<int>(threads);
  if (processes < 1 || processes > INT32_MAX) return Invalid("processes: not between 1 and 2147483647");
  record.processes = static_cast<int>(processes);

  std::optional<measure::OutcomeKind> kind = measure::ParseOutcomeKind(outcome);
  if (!kind) {
    return Invalid(StrCat("outcome: \"", outcome, "\" is none of ", StrJoin(measure::kOutcomeNames, ", ")));
  }
  record.outcome.kind = *kind;
  TS_ASSIGN_OR_RETURN(record.bindings, ParseBindings(bindings));
  // The environment is hashed in canonical form, whatever order and blanks a line has it in.
  record.environment = nlohmann::json::parse(record.environment, nullptr, false).dump();
  TS_RETURN_IF_ERROR(Check(record));
  return record;
}

}  // namespace tunesmith::database
