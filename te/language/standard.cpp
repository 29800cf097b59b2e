// SPDX-License-Identifier: Apache-2.0
// The standard operators, which are part of the program so that it can be moved.
#include "te/language/standard.h"

#include <algorithm>

#include "support/strings.h"
#include "support/suggest.h"

namespace tunesmith::te {
namespace {

/// All files, parsed once; a file that does not parse makes every look-up fail, and a test.
const Result<std::vector<Operator>>& Operators() {
  static const auto* operators = new Result<std::vector<Operator>>([]() -> Result<std::vector<Operator>> {
    std::vector<Operator> all;
    for (const language::StandardFile& file : language::StandardFiles()) {
      TS_ASSIGN_OR_RETURN(Module module, Parse(file.text, file.name));
      all.insert(all.end(), module.operators.begin(), module.operators.end());
    }
    std::sort(all.begin(), all.end(),
              [](const Operator& a, const Operator& b) { return a.name() < b.name(); });
    return all;
  }());
  return *operators;
}

}  // namespace

Result<Operator> StandardOperator(std::string_view name) {
  const auto& operators = Operators();
  TS_RETURN_IF_ERROR(operators);
  for (const Operator& op : *operators) {
    if (op.name() == name) return op;
  }
  return NotFound(StrCat("unknown operator ", name, DidYouMean(name, StandardOperators())));
}

std::vector<std::string> StandardOperators() {
  std::vector<std::string> names;
  if (!Operators().ok()) return names;
  for (const Operator& op : *Operators()) names.push_back(op.name());
  return names;
}

}  // namespace tunesmith::te
