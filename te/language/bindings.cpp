// SPDX-License-Identifier: Apache-2.0
// Reading "NAME=VALUE".
#include <algorithm>
#include <charconv>
#include <cmath>

#include "support/strings.h"
#include "support/suggest.h"
#include "te/language/environment.h"

namespace tunesmith::te::language {
namespace {

bool IsDecimal(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// What to write instead of a text that is no decimal integer: what was probably meant, 16 for 0x10, 1000 for
/// 1e3; else `standard` as an example.
std::string MeantInteger(std::string_view name, std::string_view text, std::string_view standard) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::string_view digits = text;
  if (digits.starts_with("0x") || digits.starts_with("0X")) {
    uint64_t value = 0;
    digits.remove_prefix(2);
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (error == std::errc() && end == digits.data() + digits.size())
      return StrCat("write ", name, "=", value);
  }
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  bool whole = error == std::errc() && end == text.data() + text.size() && std::fabs(value) < 1e15;
  if (whole && std::floor(value) == value) return StrCat("write ", name, "=", static_cast<int64_t>(value));
  return StrCat("write digits only, as in ", name, "=", IsDecimal(standard) ? standard : "64");
}

Result<Operand> ReadInteger(const Bindable& bindable, const std::string& text) {
  const std::string& name = bindable.name;
  bool extent = bindable.kind == Bindable::Kind::kExtent;
  if (!IsDecimal(text)) {
    return Invalid(
        StrCat(name, "=", text, " is not a decimal integer; ", MeantInteger(name, text, bindable.standard)));
  }
  auto value = ParseInteger(text);
  if (extent && text.starts_with('-')) {
    return Invalid(StrCat(name, "=", text, " is a negative extent; write 0 or more"));
  }
  if (!value) {
    return Invalid(StrCat(name, "=", text, " does not fit in 64 bits; write at most ", INT64_MAX));
  }
  return Operand::Integer(*value);
}

Result<Operand> ReadValue(const Bindable& bindable, const std::string& text) {
  const std::string& name = bindable.name;
  switch (bindable.kind) {
    case Bindable::Kind::kExtent:
    case Bindable::Kind::kInteger:
      return ReadInteger(bindable, text);
    case Bindable::Kind::kReal: {
      double value = 0;
      auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      bool whole = error == std::errc() && end == text.data() + text.size();
      if (whole && std::isfinite(value)) return Operand::Real(value);
      if (error == std::errc::result_out_of_range)
        return Invalid(StrCat(name, "=", text, " does not fit in a double; write 0, or a number from ",
                              "2.3e-308 to 1.7e308, without its sign"));
      return Invalid(
          StrCat(name, "=", text, " is not a decimal number; write ", name, "=0.5 or ", name, "=1e-5"));
    }
    case Bindable::Kind::kTruth:
      if (text == "1" || text == "true") return Operand::Truth(true);
      if (text == "0" || text == "false") return Operand::Truth(false);
      return Invalid(StrCat(name, "=", text, " is no truth value; write ", name, "=1 or ", name, "=0"));
    case Bindable::Kind::kChoice:
      if (std::find(bindable.choices.begin(), bindable.choices.end(), text) != bindable.choices.end()) {
        return Operand::Name(text);
      }
      if (auto nearest = NearestName(text, bindable.choices)) {
        return Invalid(StrCat(name, "=", text, " is not one of its names; write ", name, "=", *nearest));
      }
      return Invalid(StrCat(name, "=", text,
                            " is not one of its names; write one of: ", StrJoin(bindable.choices, ", ")));
  }
  return Internal("an attribute of no kind");
}

}  // namespace

Bindable Describe(const OperatorSyntax& op, const AttributeSyntax& attribute) {
  using Kind = Bindable::Kind;
  Bindable result;
  result.name = attribute.name.text;
  result.kind = Kind::kInteger;
  if (!attribute.choices.empty()) {
    result.kind = Kind::kChoice;
    for (const Word& choice : attribute.choices) result.choices.push_back(choice.text);
    result.standard = result.choices[0];
  }
  if (!attribute.value) return result;
  result.standard = Print(*attribute.value);
  const Node& value = Bare(*attribute.value);
  static constexpr std::string_view kConditions[] = {"<", "<=", ">", ">=", "==", "!=", "&&", "||", "!"};
  bool condition =
      std::find(std::begin(kConditions), std::end(kConditions), value.word.text) != std::end(kConditions);
  if (value.kind == NodeKind::kWord && value.word.text != "inf") condition = true;
  if (condition) {
    result.kind = Kind::kTruth;
    return result;
  }
  VisitNodes(value, [&](const Node& node) {
    static constexpr std::string_view kExact[] = {"min", "max", "abs", "select"};
    bool exact = std::find(std::begin(kExact), std::end(kExact), node.word.text) != std::end(kExact);
    if (node.kind == NodeKind::kReal || node.kind == NodeKind::kWord ||
        (node.kind == NodeKind::kCall && !exact)) {
      result.kind = Kind::kReal;
    }
    if (node.kind != NodeKind::kName) return;
    for (const AttributeSyntax& other : op.attributes) {
      if (&other == &attribute) return;
      if (other.name.text != node.word.text) continue;
      // `PH = P` takes whatever P takes.
      Bindable of_other = Describe(op, other);
      if (of_other.kind == Kind::kReal || &node == &value) {
        result.kind = of_other.kind;
        result.choices = of_other.choices;
      }
    }
  });
  return result;
}

std::vector<Bindable> BindablesOf(const OperatorSyntax& op) {
  std::vector<Bindable> all;
  for (const std::string& symbol : op.symbols) {
    Bindable bindable;
    bindable.name = symbol;
    all.push_back(std::move(bindable));
  }
  for (const AttributeSyntax& attribute : op.attributes) all.push_back(Describe(op, attribute));
  return all;
}

Status Environment::GiveOne(const std::string& name, const std::string& text) {
  std::vector<Bindable> all = BindablesOf(op_);
  for (const Bindable& bindable : all) {
    if (bindable.name != name) continue;
    if (!given_.insert({name, text}).second) {
      return Invalid(StrCat(name, " is given twice, as ", name, "=", given_[name], " and ", name, "=", text,
                            "; give it once"));
    }
    if (text.empty()) return Invalid(StrCat(name, "= has no value; write one, as in ", name, "=1"));
    TS_ASSIGN_OR_RETURN(Operand value, ReadValue(bindable, text));
    values_.insert({name, std::move(value)});
    return {};
  }
  std::vector<std::string> names;
  for (const Bindable& bindable : all) names.push_back(bindable.name);
  std::string message = StrCat("there is no parameter ", name);
  if (NearestName(name, names)) return Invalid(message + DidYouMean(name, names));
  if (names.empty()) return Invalid(message + "; there are none");
  return Invalid(StrCat(message, "; there are ", StrJoin(names, ", ")));
}

Status Environment::Give(const std::vector<std::string>& bindings, bool partial) {
  std::vector<std::string> errors;
  for (const std::string& binding : bindings) {
    size_t equals = binding.find('=');
    Status status;
    if (equals == std::string::npos || equals == 0) {
      status = Invalid(StrCat("'", binding, "' is not of the form NAME=VALUE; write it like M=64"));
    } else {
      status = GiveOne(binding.substr(0, equals), binding.substr(equals + 1));
    }
    if (!status.ok()) errors.emplace_back(MessageOf(status));
  }
  if (!errors.empty()) {
    return Invalid(StrJoin(errors, "\n", [&](std::string* out, const std::string& error) {
      StrAppend(out, op_.name.text, ": ", error);
    }));
  }
  std::vector<std::string> missing = partial ? std::vector<std::string>() : Unbound();
  if (missing.empty()) return {};
  return Invalid(StrCat(
      op_.name.text, ": ", StrJoin(missing, ", "), missing.size() == 1 ? " is" : " are", " not given; write ",
      StrJoin(missing, " ", [](std::string* out, const std::string& name) { StrAppend(out, name, "=64"); })));
}

std::vector<std::string> Environment::Open() const {
  std::vector<std::string> open;
  for (const std::string& symbol : op_.symbols) {
    if (!values_.contains(symbol)) open.push_back(symbol);
  }
  for (const AttributeSyntax& attribute : op_.attributes) {
    if (!attribute.value && attribute.choices.empty() && !values_.contains(attribute.name.text))
      open.push_back(attribute.name.text);
  }
  return open;
}

void Environment::LeaveOpen() {
  for (const std::string& name : Open()) values_.insert({name, Operand()});
}

std::vector<std::string> Environment::Unbound() {
  std::vector<std::string> missing;
  for (const std::string& symbol : op_.symbols) {
    if (values_.contains(symbol)) continue;
    // A symbol that only shapes of absent parameters mention may stay unbound.
    bool needed = false;
    for (const TensorSyntax& tensor : op_.parameters) {
      bool mentioned = false;
      for (const NodePtr& extent : tensor.shape) {
        VisitNodes(*extent, [&](const Node& node) {
          mentioned = mentioned || (node.kind == NodeKind::kName && node.word.text == symbol);
        });
      }
      needed = needed || (mentioned && MayExist(tensor));
    }
    if (needed) missing.push_back(symbol);
  }
  for (const AttributeSyntax& attribute : op_.attributes) {
    if (!attribute.value && attribute.choices.empty() && !values_.contains(attribute.name.text)) {
      missing.push_back(attribute.name.text);
    }
  }
  return missing;
}

std::map<std::string, std::string> Environment::Canonical() const {
  std::map<std::string, std::string> canonical;
  for (const auto& [name, value] : values_) {
    auto standard = defaults_.find(name);
    if (facts_.contains(name) || (standard != defaults_.end() && ToText(standard->second) == ToText(value)))
      continue;
    canonical[name] = value.kind == Operand::Kind::kTruth ? (value.truth ? "1" : "0") : ToText(value);
  }
  return canonical;
}

}  // namespace tunesmith::te::language
