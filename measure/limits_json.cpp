// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "measure/limits.h"
#include "support/strings.h"

namespace tunesmith::measure {
namespace {

using nlohmann::json;

constexpr int kVersion = 2;

json ToObject(const LevelRates& rates) {
  return {{"read", rates.read}, {"write", rates.write}, {"copy", rates.copy}};
}

/// Reads the members of one object; remembers the first that is not as it should be.
class Members {
 public:
  Members(const json& object, Status* status) : object_(object), status_(status) {}

  template <class Number>
  void Read(const char* name, Number* value) const {
    const json* member = Find(name);
    if (member == nullptr) return;
    const bool fits = member->is_number() && member->get<double>() >= 0 && member->get<double>() < 0x1p62;
    if (!fits) return Fail(name, "a number of at least 0");
    *value = member->get<Number>();
  }
  void Read(const char* name, std::string* value) const {
    const json* member = Find(name);
    if (member == nullptr) return;
    if (!member->is_string()) return Fail(name, "a text");
    *value = member->get<std::string>();
  }
  void Read(const char* name, bool* value) const {
    const json* member = Find(name);
    if (member == nullptr) return;
    if (!member->is_boolean()) return Fail(name, "true or false");
    *value = member->get<bool>();
  }
  void Read(const char* name, LevelRates* value) const {
    const json* member = Find(name);
    if (member == nullptr) return;
    const Members rates(*member, status_);
    rates.Read("read", &value->read);
    rates.Read("write", &value->write);
    rates.Read("copy", &value->copy);
  }
  const json* Find(const char* name) const {
    if (object_.is_object() && object_.contains(name)) return &object_[name];
    Fail(name, "there");
    return nullptr;
  }
  void Fail(const char* name, const char* wanted) const {
    if (status_->ok()) *status_ = Invalid(StrCat("limits: ", name, " is not ", wanted, "; delete the file"));
  }

 private:
  const json& object_;
  Status* status_;
};

}  // namespace

std::string ToJson(const Limits& limits) {
  json threads = json::array();
  for (const ThreadLimits& at : limits.by_threads) {
    threads.push_back({{"threads", at.threads},
                       {"fma_f32", at.fma_f32},
                       {"fma_f64", at.fma_f64},
                       {"dot_u8s8", at.dot_u8s8},
                       {"dot_bf16", at.dot_bf16},
                       {"l1", ToObject(at.l1)},
                       {"l2", ToObject(at.l2)},
                       {"l3", ToObject(at.l3)},
                       {"memory", ToObject(at.memory)}});
  }
  const json object = {{"version", kVersion},
                       {"cpu", limits.cpu},
                       {"cpus", limits.cpus},
                       {"measured_at", limits.measured_at},
                       {"provisional", limits.provisional},
                       {"l1_bytes", limits.l1_bytes},
                       {"l2_bytes", limits.l2_bytes},
                       {"l3_bytes", limits.l3_bytes},
                       {"by_threads", std::move(threads)}};
  return object.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<Limits> LimitsFromJson(const std::string& text) {
  const json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (object.is_discarded()) return Invalid("limits: not JSON; delete the file");
  Status status;
  const Members members(object, &status);
  int version = 0;
  members.Read("version", &version);
  if (status.ok() && version != kVersion) members.Fail("version", StrCat(kVersion).c_str());
  Limits limits;
  members.Read("cpu", &limits.cpu);
  members.Read("cpus", &limits.cpus);
  members.Read("measured_at", &limits.measured_at);
  members.Read("provisional", &limits.provisional);
  members.Read("l1_bytes", &limits.l1_bytes);
  members.Read("l2_bytes", &limits.l2_bytes);
  members.Read("l3_bytes", &limits.l3_bytes);
  const json* by_threads = members.Find("by_threads");
  if (by_threads != nullptr && (!by_threads->is_array() || by_threads->empty())) {
    members.Fail("by_threads", "a list of at least one number of threads");
  }
  if (!status.ok()) return status;
  for (const json& element : *by_threads) {
    const Members each(element, &status);
    ThreadLimits at;
    each.Read("threads", &at.threads);
    each.Read("fma_f32", &at.fma_f32);
    each.Read("fma_f64", &at.fma_f64);
    each.Read("dot_u8s8", &at.dot_u8s8);
    each.Read("dot_bf16", &at.dot_bf16);
    each.Read("l1", &at.l1);
    each.Read("l2", &at.l2);
    each.Read("l3", &at.l3);
    each.Read("memory", &at.memory);
    const int before = limits.by_threads.empty() ? 0 : limits.by_threads.back().threads;
    if (status.ok() && at.threads <= before) each.Fail("threads", "larger than the one before");
    limits.by_threads.push_back(at);
  }
  if (!status.ok()) return status;
  return limits;
}

}  // namespace tunesmith::measure
