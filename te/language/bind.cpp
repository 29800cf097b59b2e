// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "support/files.h"
#include "support/strings.h"
#include "support/units.h"
#include "te/language/binder.h"
#include "te/language/evaluator.h"

namespace tunesmith::te {
namespace language {
namespace {

/// A year of work at a hundred million a second; and a tensor with as many elements of 8 bytes can be
/// counted.
constexpr int64_t kMostPoints = int64_t{1} << 52;

void AddTensors(Environment* environment, const std::vector<TensorSyntax>& tensors,
                const std::vector<std::optional<std::vector<int64_t>>>& shapes, bool outputs, Draft* draft) {
  for (size_t i = 0; i < tensors.size(); ++i) {
    DraftTensor tensor;
    tensor.name = tensors[i].name.text;
    tensor.role = outputs ? Role::kOutput : tensors[i].weight ? Role::kWeight : Role::kInput;
    tensor.exists = shapes[i].has_value();
    tensor.defined = !outputs;
    for (const NodePtr& extent : tensors[i].shape) tensor.shape_syntax.push_back(extent.get());
    tensor.shape = shapes[i].value_or(std::vector<int64_t>(tensors[i].shape.size()));
    if (tensor.exists) tensor.dtype = environment->TypeOf(tensors[i]).value_or(DType::kF32);
    draft->tensors.push_back(std::move(tensor));
  }
}

void AddStatements(Evaluator* evaluator, const std::vector<Statement>& statements) {
  for (const Statement& statement : statements) {
    if (!statement.condition) {
      evaluator->Stage(statement);
      continue;
    }
    auto holds = evaluator->KnownTruth(*statement.condition);
    if (holds) AddStatements(evaluator, *holds ? statement.yes : statement.no);
  }
}

/// Reports a temporary or a stage's loop nest whose size cannot be counted.
void CheckSizes(Draft* draft, Diagnostics* diagnostics) {
  for (const DraftStage& stage : draft->stages) {
    int64_t points = 1;
    bool fits = true;
    std::vector<int> axes = stage.spatial;
    axes.insert(axes.end(), stage.reduced.begin(), stage.reduced.end());
    for (int axis : axes) {
      int64_t extent = std::max<int64_t>(*draft->axes[static_cast<size_t>(axis)].extent, 1);
      fits = fits && points <= kMostPoints / extent;
      if (fits) points *= extent;
    }
    if (fits) continue;
    draft->too_large = true;
    std::string ranges = StrJoin(axes, ", ", [&](std::string* out, int axis) {
      const DraftAxis& of = draft->axes[static_cast<size_t>(axis)];
      StrAppend(out, of.name, " < ", *of.extent);
    });
    diagnostics->Report(stage.span, "the stage has more than 2^52 iterations", ranges,
                        "bind smaller extents");
  }
}

}  // namespace

Draft BuildDraft(Environment* environment, const AlgorithmSyntax* algorithm) {
  Draft draft;
  const OperatorSyntax& op = environment->op();
  Diagnostics* diagnostics = environment->diagnostics();
  AddTensors(environment, op.parameters, environment->parameter_shapes(), false, &draft);
  AddTensors(environment, op.outputs, environment->output_shapes(), true, &draft);
  size_t before = diagnostics->reported();
  Evaluator evaluator(environment, &draft);
  AddStatements(&evaluator, algorithm ? algorithm->body : op.body);
  for (const DraftTensor& tensor : draft.tensors) {
    if (diagnostics->reported() > before || tensor.role != Role::kOutput || !tensor.exists || tensor.defined)
      continue;
    diagnostics->Report(algorithm ? algorithm->end : op.end,
                        StrCat("no stage defines the output ", tensor.name, " with these attributes"), "",
                        "define it in every branch");
  }
  if (diagnostics->reported() == before) InferRanges(&draft, diagnostics);
  if (diagnostics->reported() == before) CheckSizes(&draft, diagnostics);
  return draft;
}

std::vector<Algorithm> BuildAlgorithms(Environment* environment) {
  const OperatorSyntax& op = environment->op();
  std::vector<Algorithm> algorithms;
  auto add = [&](const AlgorithmSyntax* algorithm) {
    size_t before = environment->diagnostics()->reported();
    Draft draft = BuildDraft(environment, algorithm);
    if (environment->diagnostics()->reported() > before) return;
    algorithms.push_back(
        {algorithm ? algorithm->name.text : "direct", Finish(draft), algorithm ? algorithm->factor : 1});
  };
  add(nullptr);
  for (const AlgorithmSyntax& algorithm : op.algorithms) {
    if (!algorithm.condition || Evaluator(environment).KnownTruth(*algorithm.condition).value_or(false))
      add(&algorithm);
  }
  return algorithms;
}

}  // namespace language

namespace {

Status CheckMemory(const std::string& op, const Graph& graph, int64_t memory_bytes) {
  std::vector<std::string> sizes;
  int64_t total = 0;
  for (const Tensor& tensor : graph.tensors) {
    if (tensor.role == Role::kTemp) continue;
    int64_t bytes = tensor.elements() * SizeOf(tensor.dtype);
    if (__builtin_add_overflow(total, bytes, &total)) total = INT64_MAX;
    sizes.push_back(StrCat(tensor.name, " ", FormatBytes(bytes)));
  }
  if (total <= memory_bytes) return {};
  return Invalid(StrCat(op, ": its tensors need ", FormatBytes(total), " (", StrJoin(sizes, ", "),
                        "), this machine has ", FormatBytes(memory_bytes), "; bind smaller extents"));
}

}  // namespace

Result<Workload> Bind(const Operator& op, const std::vector<std::string>& bindings,
                      std::optional<int64_t> memory_bytes) {
  language::Diagnostics diagnostics(op.file()->source);
  language::Environment environment(*op.file(), op.syntax(), &diagnostics);
  TS_RETURN_IF_ERROR(environment.Give(bindings, /*partial=*/false));
  environment.Evaluate();
  TS_RETURN_IF_ERROR(language::ToStatus(diagnostics.list()));
  Workload workload;
  workload.op = op.name();
  workload.bindings = environment.Canonical();
  workload.algorithms = language::BuildAlgorithms(&environment);
  TS_RETURN_IF_ERROR(language::ToStatus(diagnostics.list()));
  TS_RETURN_IF_ERROR(
      CheckMemory(op.name(), workload.definition(), memory_bytes ? *memory_bytes : MemoryBytes()));
  for (const Algorithm& algorithm : workload.algorithms) {
    if (Status status = Verify(algorithm.graph); !status.ok()) {
      return Annotate(status, StrCat(op.name(), ", algorithm ", algorithm.name));
    }
  }
  return workload;
}

std::vector<Bindable> Operator::bindables() const { return language::BindablesOf(*syntax_); }

}  // namespace tunesmith::te
