// SPDX-License-Identifier: Apache-2.0
// The law of every step: it leaves the meaning unchanged. What an operator means is what te/interpret.h
// computes; a plan is held against it through the IR's interpreter, and through compiled code.
#pragma once

#include <string>
#include <vector>

#include "codegen/target.h"
#include "ir/ir.h"
#include "schedule/plan.h"
#include "te/inputs.h"
#include "te/interpret.h"

namespace tunesmith::schedule::testing {

/// A graph, inputs for it and what it computes of them.
class Definition {
 public:
  /// The graph must pass te::Verify.
  explicit Definition(te::Graph graph, te::InputKind kind = te::InputKind::kUniform, uint64_t seed = 1);

  const te::Graph& graph() const { return graph_; }

  /// How the program's outputs, as the IR's interpreter computes them, differ from the definition's: the
  /// first element beyond its bound, or the interpreter's error, with the program. Empty if they do not.
  std::string DifferenceOf(const ir::Program& program) const;
  /// The same for the program compiled for a target that runs here.
  std::string DifferenceOf(const ir::Program& program, const codegen::Target& target) const;
  /// Of the plan: lowered (which verifies it), then interpreted.
  std::string DifferenceOf(const Plan& plan) const;

 private:
  std::string Compare(const std::vector<te::Value>& outputs) const;

  te::Graph graph_;
  std::vector<te::Value> inputs_;
  std::vector<int> weights_;  // positions among the parameters
  std::vector<te::BoundedValue> expected_;
};

/// The parameters of `program.main` after it ran on these inputs, compiled for the target, packing included.
Result<std::vector<te::Value>> RunCompiled(const ir::Program& program, const codegen::Target& target,
                                           const std::vector<te::Value>& inputs,
                                           const std::vector<int>& weights);

}  // namespace tunesmith::schedule::testing
