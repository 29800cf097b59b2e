// SPDX-License-Identifier: Apache-2.0
// docs/formats/manifest.md
#include <cmath>

#include "library/names.h"
#include "library/texts.h"
#include "nlohmann/json.hpp"
#include "support/strings.h"
#include "te/tolerance.h"

namespace tunesmith::library {
namespace {

using Json = nlohmann::ordered_json;  // members in the order of the page

std::string_view RoleName(te::Role role) {
  return role == te::Role::kWeight ? "weight" : role == te::Role::kOutput ? "output" : "input";
}

Json ParameterJson(const te::Tensor& t) {
  return {{"name", t.name}, {"role", RoleName(t.role)}, {"dtype", te::NameOf(t.dtype)}, {"shape", t.shape}};
}

Result<Json> VariantJson(const Variant& variant, const Packing& packing) {
  const codegen::Workspace &main = variant.object.main_workspace, &pack = variant.object.pack_workspace;
  Json json = {{"target", variant.target.name}, {"schedule", variant.record ? "record" : "default"}};
  json["record"] = nullptr;
  json["latency_ns"] = nullptr;
  json["spread_ns"] = nullptr;
  json["limit_share"] = nullptr;
  json["environment"] = nullptr;
  if (variant.record) {
    const database::Record& record = *variant.record;
    json["record"] = record.id;
    json["latency_ns"] = record.outcome.median_ns;
    json["spread_ns"] = record.outcome.spread_ns;
    if (record.limit_share > 0) json["limit_share"] = record.limit_share;
    json["environment"] = Json::parse(record.environment, nullptr, /*allow_exceptions=*/false);
    if (json["environment"].is_discarded())
      return Invalid(StrCat("record ", record.id, " has an environment that is not JSON"));
  }
  json["tolerance"] = {
      {"factor", variant.tolerance_factor},
      {"text", te::ToString(te::Tolerance{te::ErrorModel::kIndependent, variant.tolerance_factor})}};
  json["workspace_bytes"] = {{"shared", std::max(main.shared_bytes, pack.shared_bytes)},
                             {"per_thread", std::max(main.bytes_per_worker, pack.bytes_per_worker)}};
  json["packed_bytes"] = packing.bytes;
  json["layout"] = packing.bytes > 0 ? Json(packing.layout.ToHex()) : Json();
  json["trace"] = variant.trace;
  return json;
}

Result<Json> KernelJson(const std::string& prefix, const NamedKernel& named) {
  const Kernel& kernel = *named.kernel;
  Json json = {{"name", named.name},
               {"function", StrCat(prefix, named.name)},
               {"id", kernel.name},
               {"operator", kernel.workload.op},
               {"bindings", kernel.workload.bindings},
               {"workload", kernel.hash}};
  json["parameters"] = Json::array();
  for (const te::Tensor& t : named.parameters) json["parameters"].push_back(ParameterJson(t));
  json["variants"] = Json::array();
  for (size_t n = 0; n < named.packings.size(); ++n) {
    TS_ASSIGN_OR_RETURN(Json variant, VariantJson(kernel.variants[n], named.packings[n]));
    json["variants"].push_back(std::move(variant));
  }
  return json;
}

}  // namespace

Result<std::string> ManifestText(const Library& library, const std::vector<NamedKernel>& kernels,
                                 const std::vector<std::string>& files) {
  const std::string prefix = library.name + "_";
  Json json = {{"format", kManifestFormat},
               {"name", library.name},
               {"code_generator", codegen::CodeGeneratorVersion()},
               {"llvm", codegen::LlvmVersion()},
               {"target", library.target},
               {"scenario", measure::ToString(library.scenario)},
               {"threads", library.scenario.threads}};
  json["kernels"] = Json::array();
  for (const NamedKernel& kernel : kernels) {
    TS_ASSIGN_OR_RETURN(Json one, KernelJson(prefix, kernel));
    json["kernels"].push_back(std::move(one));
  }
  json["files"] = files;
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tunesmith::library
