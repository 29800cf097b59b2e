// SPDX-License-Identifier: Apache-2.0
#include "cli/filter_names.h"

#include <algorithm>
#include <vector>

#include "codegen/target.h"
#include "support/strings.h"
#include "support/suggest.h"
#include "te/language.h"

namespace tunesmith::cli {
namespace {

bool Has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// "; did you mean 'K'?", or else what there is.
std::string Suggest(const std::string& name, const std::vector<std::string>& there) {
  std::string near = DidYouMean(name, there);
  return !near.empty() || there.empty() ? near : StrCat("; there are: ", StrJoin(there, ", "));
}

/// A version must be one that a record has, or look like one: numbers with points between.
Status CheckVersion(const char* condition, const std::string& version,
                    const std::set<std::string>& recorded) {
  if (version.find_first_not_of("0123456789.") == std::string::npos || recorded.contains(version))
    return absl::OkStatus();
  return Invalid(StrCat("filter '", condition, "=", version, "': no record is of that version",
                        Suggest(version, {recorded.begin(), recorded.end()})));
}

/// The symbols and attributes of the operator, or of all that have records if none is named.
Result<std::set<std::string>> ParametersOf(const std::string& operator_name,
                                           const database::Names& recorded) {
  std::set<std::string> parameters;
  for (const auto& [name, of_operator] : recorded.parameters) {
    if (operator_name.empty() || operator_name == name)
      parameters.insert(of_operator.begin(), of_operator.end());
  }
  if (operator_name.empty() || recorded.parameters.contains(operator_name)) return parameters;
  TS_ASSIGN_OR_RETURN(te::Operator op, te::StandardOperator(operator_name));
  for (const te::Bindable& bindable : op.bindables()) parameters.insert(bindable.name);
  return parameters;
}

}  // namespace

Status CheckNames(const database::Filter& filter, const database::Names& recorded) {
  std::vector<std::string> operators;
  for (const auto& [name, parameters] : recorded.parameters) operators.push_back(name);
  std::vector<std::string> all = te::StandardOperators();
  all.insert(all.end(), operators.begin(), operators.end());
  const std::string& op = filter.operator_name;
  if (!op.empty() && !Has(all, op)) {
    std::string near = DidYouMean(op, all);
    return Invalid(StrCat("filter 'operator=", op, "': no record is of that operator",
                          near.empty() ? Suggest(op, operators) : near));
  }
  const std::vector<std::string> targets = codegen::KnownTargets();
  if (!filter.target.empty() && !recorded.targets.contains(filter.target) && !Has(targets, filter.target)) {
    return Invalid(StrCat("filter 'target=", filter.target, "': there is no such target",
                          Suggest(filter.target, targets)));
  }
  TS_RETURN_IF_ERROR(CheckVersion("codegen", filter.codegen, recorded.codegens));
  TS_RETURN_IF_ERROR(CheckVersion("llvm", filter.llvm, recorded.llvms));
  if (operators.empty() && op.empty()) return absl::OkStatus();
  TS_ASSIGN_OR_RETURN(std::set<std::string> parameters, ParametersOf(op, recorded));
  for (const auto& [name, value] : filter.bindings) {
    if (parameters.contains(name)) continue;
    return Invalid(StrCat("filter '", name, "=", value, "': ", op.empty() ? "no record" : op, " has ",
                          op.empty() ? "a" : "no", " parameter ", name,
                          Suggest(name, {parameters.begin(), parameters.end()})));
  }
  return absl::OkStatus();
}

}  // namespace tunesmith::cli
