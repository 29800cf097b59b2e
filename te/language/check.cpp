// SPDX-License-Identifier: Apache-2.0
// Checking an operator without bindings: it is bound to a few extents, short and long, under every single
// choice of an attribute. A wrong type shows whatever the extents are; a range that can leave its tensor, or
// extents that must agree but need not, show for some of these in practice, and Bind checks the real ones.
#include <algorithm>
#include <optional>
#include <set>

#include "support/strings.h"
#include "te/language/binder.h"
#include "te/language/evaluator.h"

namespace tunesmith::te {
namespace language {
namespace {

constexpr int kMostTries = 400;
constexpr int kSamples = 3;         // with short extents, and as many with long ones
constexpr int kMostLongTries = 64;  // an operator may be for short ones only
constexpr size_t kMostDiagnosticsOfCheck = 20;

/// Whether try number `attempt` has long extents: X[i + N/64] stays inside X for short ones.
bool IsLong(int attempt) {
  return attempt == 2 || attempt == 3 || (attempt > 4 && attempt % 2 == 1) || attempt >= kMostTries / 2;
}

/// The extent of symbol number `symbol` in try number `attempt`: all different at first, short and long, then
/// mixed, with equal and highly composite ones, so that conditions such as HQ % HKV == 0 are met soon; at
/// last very long ones.
int64_t SampleExtent(int attempt, size_t symbol) {
  static constexpr int64_t kDifferent[] = {5, 7, 3, 11, 4, 6, 9, 8, 10, 13, 12, 14, 15, 16, 17, 18};
  static constexpr int64_t kMixed[] = {4, 2, 8, 3, 6, 1, 5, 12, 16, 7, 9, 24};
  const int64_t long_ones = attempt % 4 == 1 ? 64 : 512;
  const int64_t different = kDifferent[symbol % std::size(kDifferent)];
  if (attempt == 0) return different;
  if (attempt == 1) return kDifferent[(symbol * 5 + 3) % std::size(kDifferent)] + 12;
  // Operators of many symbols are too large with the first.
  if (attempt == 2) return 5000 + 11 * different;
  if (attempt == 3) return 300 + different;
  uint32_t mixed =
      (static_cast<uint32_t>(attempt) * 2654435761u) ^ (static_cast<uint32_t>(symbol) * 40503u + 977u);
  mixed ^= mixed >> 15;
  mixed *= 2246822519u;
  mixed ^= mixed >> 13;
  const int64_t extent = kMixed[mixed % std::size(kMixed)];
  if (attempt < kMostTries / 2) return IsLong(attempt) ? extent * long_ones : extent;
  // Conditions such as C >= 4096 need long ones; but a few only, or else no tensor could be counted.
  static constexpr int64_t kScales[] = {1, 1, 1, 1, 16, 256, 4096};
  return extent * kScales[(mixed >> 8) % std::size(kScales)];
}

/// Binds what is open to the extents of one try.
std::string Sample(int attempt, Environment* environment) {
  std::vector<std::string> names = environment->Open();
  std::string shown;
  for (size_t i = 0; i < names.size(); ++i) {
    int64_t extent = SampleExtent(attempt, i);
    environment->Set(names[i], extent);
    StrAppend(&shown, shown.empty() ? "" : ", ", names[i], " = ", extent);
  }
  return shown;
}

/// Every attribute at its default, then every single other choice.
std::vector<std::vector<std::string>> Choices(const OperatorSyntax& op,
                                              const std::vector<std::string>& given) {
  std::vector<std::vector<std::string>> all{given};
  auto add = [&](const std::string& name, std::string_view value) {
    bool taken = std::any_of(given.begin(), given.end(),
                             [&](const std::string& binding) { return binding.starts_with(name + "="); });
    if (taken) return;
    all.push_back(given);
    all.back().push_back(StrCat(name, "=", value));
  };
  for (const Bindable& bindable : BindablesOf(op)) {
    if (bindable.kind == Bindable::Kind::kTruth) {
      add(bindable.name, "true");
      add(bindable.name, "false");
    }
    for (const std::string& choice : bindable.choices) {
      if (choice != bindable.standard) add(bindable.name, choice);
    }
  }
  return all;
}

/// The statements as they are written, each axis with its range: a number where what is bound decides it.
class Describer {
 public:
  /// `known` has values for what is bound, and leaves the rest open.
  Describer(const Draft& draft, Environment* known) : draft_(draft), known_(known) {}

  std::string Run() {
    std::string out;
    for (const Statement* statement : draft_.chosen) {
      StrAppend(&out, statement->tensor.text, "[", Axes(statement->axes),
                "] = ", Print(*statement->value, [this](const AxisSyntax& axis) { return Axis(axis); }),
                "\n");
    }
    return out;
  }

 private:
  std::string Axis(const AxisSyntax& axis) {
    auto found = draft_.axis_of_syntax.find(&axis);
    if (found == draft_.axis_of_syntax.end()) return axis.name.text;
    const DraftAxis& of = draft_.axes[static_cast<size_t>(found->second)];
    if (!of.extent_syntax) return StrCat(of.name, " < ", *of.extent);
    auto extent = Evaluator(known_).KnownInteger(*of.extent_syntax);
    return StrCat(of.name, " < ", extent ? StrCat(*extent) : Print(*of.extent_syntax));
  }
  std::string Axes(const std::vector<AxisSyntax>& axes) {
    return StrJoin(axes, ", ", [this](std::string* out, const AxisSyntax& axis) { out->append(Axis(axis)); });
  }

  const Draft& draft_;
  Environment* known_;
};

/// What one try found: nothing if its extents do not satisfy the conditions of the operator and the
/// algorithm.
struct Try {
  bool satisfied = false;
  std::string sample;  // "M = 5, N = 7"
  std::vector<Diagnostic> diagnostics;
  Draft draft;  // if nothing was reported
};

Try TryOne(const Operator& op, const AlgorithmSyntax* algorithm, const std::vector<std::string>& bindings,
           int attempt) {
  Try result;
  Diagnostics diagnostics(op.file()->source);
  Environment environment(*op.file(), op.syntax(), &diagnostics);
  if (!environment.Give(bindings, /*partial=*/true).ok()) return result;
  result.sample = Sample(attempt, &environment);
  environment.Evaluate();
  bool applies = true;
  if (algorithm && algorithm->condition && diagnostics.empty())
    applies = Evaluator(&environment).KnownTruth(*algorithm->condition).value_or(false);
  if (!diagnostics.empty()) {
    // Other extents may be allowed.
    if (environment.value_errors == diagnostics.reported()) return result;
  } else if (!applies) {
    return result;
  } else {
    result.draft = BuildDraft(&environment, algorithm);
    if (result.draft.too_large && IsLong(attempt)) return result;  // short ones may be allowed
  }
  result.satisfied = true;
  result.diagnostics = diagnostics.TakeList();
  return result;
}

struct Outcome {
  std::vector<Diagnostic> diagnostics;
  bool satisfied = false;
  Draft draft;  // of the first try, if nothing was found
};

/// One algorithm, or the definition if it is null, under one combination of attributes, with up to `samples`
/// short extents and as many long ones.
Outcome CheckOne(const Operator& op, const AlgorithmSyntax* algorithm,
                 const std::vector<std::string>& bindings, int samples) {
  Outcome outcome;
  std::optional<Try> failed;
  std::vector<bool> independent;
  int short_left = samples, long_left = samples;
  for (int attempt = 0; attempt < kMostTries; ++attempt) {
    const bool long_tried = attempt >= kMostLongTries;
    if (!failed && short_left <= 0 && (long_left <= 0 || long_tried)) break;
    int& left = IsLong(attempt) && !long_tried ? long_left : short_left;
    if (!failed && left <= 0) continue;
    Try current = TryOne(op, algorithm, bindings, attempt);
    if (!current.satisfied) continue;
    if (!outcome.satisfied) outcome.draft = std::move(current.draft);
    outcome.satisfied = true;
    --left;
    if (failed) {
      // What is the same with other extents does not depend on them.
      for (size_t i = 0; i < independent.size(); ++i) {
        const Diagnostic& d = outcome.diagnostics[i];
        independent[i] =
            std::any_of(current.diagnostics.begin(), current.diagnostics.end(), [&](const Diagnostic& other) {
              return other.message == d.message && other.inferred == d.inferred;
            });
      }
      break;
    }
    if (current.diagnostics.empty()) continue;
    outcome.diagnostics = current.diagnostics;
    independent.resize(outcome.diagnostics.size());
    failed = std::move(current);
  }
  if (!failed) return outcome;
  std::string attributes = StrJoin(bindings, ", ");
  for (size_t i = 0; i < outcome.diagnostics.size(); ++i) {
    Diagnostic& d = outcome.diagnostics[i];
    std::string with = independent[i] ? "" : failed->sample;
    if (!attributes.empty()) StrAppend(&with, with.empty() ? "" : ", ", attributes);
    if (!with.empty()) StrAppend(&d.inferred, d.inferred.empty() ? "" : "; ", "with ", with);
  }
  return outcome;
}

/// The definition, as null, and the further algorithms.
std::vector<const AlgorithmSyntax*> AlgorithmsOf(const OperatorSyntax& op) {
  std::vector<const AlgorithmSyntax*> all{nullptr};
  for (const AlgorithmSyntax& algorithm : op.algorithms) all.push_back(&algorithm);
  return all;
}

}  // namespace
}  // namespace language

std::vector<Diagnostic> Check(const Operator& op) {
  std::vector<Diagnostic> all;
  std::set<std::string> seen;
  for (const auto& bindings : language::Choices(op.syntax(), {})) {
    for (const auto* algorithm : language::AlgorithmsOf(op.syntax())) {
      language::Outcome outcome = language::CheckOne(op, algorithm, bindings, language::kSamples);
      for (Diagnostic& d : outcome.diagnostics) {
        if (all.size() >= language::kMostDiagnosticsOfCheck) return all;
        if (seen.insert(StrCat(d.line, ":", d.column, ":", d.message)).second) all.push_back(std::move(d));
      }
    }
  }
  return all;
}

Result<std::string> Describe(const Operator& op, const std::vector<std::string>& bindings) {
  language::Diagnostics diagnostics(op.file()->source);
  language::Environment known(*op.file(), op.syntax(), &diagnostics);
  TS_RETURN_IF_ERROR(known.Give(bindings, /*partial=*/true));
  known.LeaveOpen();
  known.Evaluate();
  TS_RETURN_IF_ERROR(language::ToStatus(diagnostics.list()));
  std::string out;
  for (const auto* algorithm : language::AlgorithmsOf(op.syntax())) {
    std::string name = op.name();
    if (algorithm) {
      std::optional<bool> applies = true;
      if (algorithm->condition) applies = language::Evaluator(&known).KnownTruth(*algorithm->condition);
      TS_RETURN_IF_ERROR(language::ToStatus(diagnostics.list()));
      if (applies == false) continue;
      StrAppend(&name, ", algorithm ", algorithm->name.text);
      StrAppend(&out, "algorithm ", algorithm->name.text, " tolerance ", algorithm->tolerance.text,
                applies ? "" : StrCat(" if ", language::Print(*algorithm->condition)), "\n");
    }
    language::Outcome outcome = language::CheckOne(op, algorithm, bindings, 1);
    TS_RETURN_IF_ERROR(language::ToStatus(outcome.diagnostics));
    if (!outcome.satisfied) {
      return Invalid(StrCat(name,
                            ": no extents were found that satisfy its conditions; bind its symbols, as in ",
                            op.syntax().symbols.empty() ? "N" : op.syntax().symbols[0], "=64"));
    }
    out += language::Describer(outcome.draft, &known).Run();
  }
  return out;
}

}  // namespace tunesmith::te
