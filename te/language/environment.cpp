// SPDX-License-Identifier: Apache-2.0
#include "te/language/environment.h"

#include <algorithm>

#include "support/strings.h"
#include "te/language/evaluator.h"

namespace tunesmith::te::language {
namespace {

/// Far beyond any memory, and small enough that sums of a few sizes and offsets stay within 64 bits.
constexpr int64_t kMostBytes = int64_t{1} << 56;
constexpr size_t kMostValuesShown = 8;

}  // namespace

void Environment::ReportValue(Span span, std::string message, std::string inferred, std::string fix) {
  size_t before = diagnostics_->reported();
  diagnostics_->Report(span, std::move(message), std::move(inferred), std::move(fix));
  value_errors += diagnostics_->reported() - before;
}

const Operand* Environment::Find(const std::string& name) {
  if (auto value = values_.find(name); value != values_.end()) return &value->second;
  for (const FactSyntax& fact : op_.facts) {
    if (fact.name.text != name) continue;
    facts_.insert(name);
    Operand value = Evaluator(this).Known(*fact.value);
    return &(values_[name] = std::move(value));
  }
  if (std::find(op_.symbols.begin(), op_.symbols.end(), name) == op_.symbols.end()) return nullptr;
  ReportValue(op_.name.span, StrCat("the symbol ", name, " has no value"), "",
              StrCat("bind it: ", name, "=64"));
  return &(values_[name] = Operand());
}

void Environment::EvaluateDefaults() {
  for (const AttributeSyntax& attribute : op_.attributes) {
    const std::string& name = attribute.name.text;
    bool given = values_.contains(name);
    if (!attribute.choices.empty()) {
      defaults_[name] = Operand::Name(attribute.choices[0].text);
    } else if (attribute.value && given) {
      // Only to see whether what is given says anything new; its errors are nobody's concern.
      Diagnostics unheard(file_.source);
      Environment probe(file_, op_, &unheard);
      probe.values_ = values_;
      defaults_[name] = Evaluator(&probe).Known(*attribute.value);
    } else if (attribute.value) {
      defaults_[name] = Evaluator(this).Known(*attribute.value);
    } else {
      continue;
    }
    values_.insert({name, defaults_[name]});
  }
}

bool Environment::MayExist(const TensorSyntax& tensor) const {
  if (!tensor.condition) return true;
  Diagnostics unheard(file_.source);
  Environment probe(file_, op_, &unheard);
  probe.values_ = values_;
  probe.EvaluateDefaults();
  Operand condition = Evaluator(&probe).Known(*tensor.condition);
  return condition.kind != Operand::Kind::kTruth || condition.truth;
}

void Environment::Evaluate() {
  EvaluateDefaults();
  for (const FactSyntax& fact : op_.facts) {
    if (!fact.name.empty()) continue;
    auto holds = Evaluator(this).KnownTruth(*fact.value);
    if (holds == false) {
      ReportValue(fact.span, StrCat("the condition ", file_.source.Quote(fact.span), " does not hold"),
                  ValuesIn(*fact.value), "bind values that satisfy it");
    }
  }
  for (const TensorSyntax& tensor : op_.parameters) parameters_.push_back(Shape(tensor));
  for (const TensorSyntax& tensor : op_.outputs) outputs_.push_back(Shape(tensor));
}

std::optional<std::vector<int64_t>> Environment::Shape(const TensorSyntax& tensor) {
  Evaluator evaluator(this);
  if (tensor.condition && !evaluator.KnownTruth(*tensor.condition).value_or(false)) return std::nullopt;
  std::vector<int64_t> shape;
  auto dtype = TypeOf(tensor);
  int64_t bytes = dtype ? SizeOf(*dtype) : 8;
  bool fits = true;
  for (const NodePtr& node : tensor.shape) {
    auto extent = evaluator.KnownInteger(*node);
    if (!extent) return std::nullopt;
    if (*extent < 0) {
      ReportValue(node->span,
                  StrCat("the extent of dimension ", shape.size(), " of ", tensor.name.text, " is ", *extent),
                  ValuesIn(*node), "bind values that make it 0 or more");
      return std::nullopt;
    }
    shape.push_back(*extent);
    // An extent of 0 makes the tensor empty; the others must be reasonable all the same.
    int64_t factor = std::max<int64_t>(*extent, 1);
    fits = fits && bytes <= kMostBytes / factor;
    if (fits) bytes *= factor;
  }
  if (fits) return shape;
  ReportValue(tensor.span, StrCat("the tensor ", tensor.name.text, " would have more than 2^56 bytes"),
              StrCat("its shape is [", StrJoin(shape, ", "), "]"), "bind smaller extents");
  return std::nullopt;
}

std::optional<DType> Environment::TypeOf(const TensorSyntax& tensor) {
  return Evaluator(this).TypeNamed(tensor.type);
}

void Environment::CollectValues(const Node& node, std::vector<std::string>* names) {
  VisitNodes(node, [&](const Node& n) {
    const std::string& name = n.word.text;
    bool known = n.kind == NodeKind::kName && values_.contains(name) && !values_[name].poison();
    if (!known || std::find(names->begin(), names->end(), name) != names->end()) return;
    names->push_back(name);
    if (!facts_.contains(name)) return;
    for (const FactSyntax& fact : op_.facts) {
      if (fact.name.text == name) CollectValues(*fact.value, names);
    }
  });
}

std::string Environment::ValuesIn(const Node& node) {
  std::vector<std::string> names;
  CollectValues(node, &names);
  if (names.size() > kMostValuesShown) names.resize(kMostValuesShown);
  return StrJoin(names, ", ", [&](std::string* out, const std::string& name) {
    StrAppend(out, name, " = ", ToText(values_[name]));
  });
}

}  // namespace tunesmith::te::language
