// SPDX-License-Identifier: Apache-2.0
#include "te/evaluation.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "te/error_bounds.h"
#include "te/scalar.h"

namespace tunesmith::te {
namespace {

size_t Index(int id) { return static_cast<size_t>(id); }

/// Steps through the values of axes [begin, end) of a stage in order, the last fastest; false after the last.
bool Advance(const Stage& stage, size_t begin, size_t end, std::vector<int64_t>* point) {
  for (size_t a = end; a-- > begin;) {
    if (++(*point)[a] < stage.axes[a].extent) return true;
    (*point)[a] = 0;
  }
  return false;
}

int64_t Terms(const Stage& stage) {
  int64_t terms = 1;
  for (size_t a = Index(stage.spatial); a < stage.axes.size(); ++a) terms *= stage.axes[a].extent;
  return terms;
}

/// True if storing rounds: see te/interpret.h.
bool RoundsWhereStored(const Tensor& tensor, DType from) {
  return tensor.role == Role::kOutput || SizeOf(tensor.dtype) == 2 ||
         MantissaBits(from) > MantissaBits(tensor.dtype);
}

}  // namespace

/// No machine that tunes has more; and an allocator must not be asked for what it takes for a mistake.
constexpr int64_t kMostElements = int64_t{1} << 36;

template <class T>
Evaluation::Zeros<T> Evaluation::Allocate(int64_t elements) {
  if (elements > kMostElements) return Zeros<T>(nullptr, &std::free);
  auto count = static_cast<size_t>(std::max<int64_t>(elements, 1));
  return Zeros<T>(static_cast<T*>(std::calloc(count, sizeof(T))), &std::free);
}

Evaluation::Evaluation(const Graph& graph, const Tolerance* tolerance)
    : graph_(graph), bounded_(tolerance != nullptr), stage_of_(graph.tensors.size(), -1) {
  if (tolerance != nullptr) tolerance_ = *tolerance;
  sources_.resize(graph.tensors.size());
  contents_.resize(graph.tensors.size());
  for (size_t s = 0; s < graph.stages.size(); ++s) {
    stage_of_[Index(graph.stages[s].tensor)] = static_cast<int>(s);
    machines_.emplace_back(Compile(graph, graph.stages[s]), bounded_);
    sums_.emplace_back(graph.stages[s].reducer, graph.stages[s].body->type, bounded_);
    models_.push_back(bounded_ ? ModelOf(graph, graph.stages[s], tolerance_.model) : tolerance_.model);
  }
}

Result<std::unique_ptr<Evaluation>> Evaluation::Create(const Graph& graph, const std::vector<Value>& inputs,
                                                       const Tolerance* tolerance) {
  TS_RETURN_IF_ERROR(Verify(graph));
  std::unique_ptr<Evaluation> evaluation(new Evaluation(graph, tolerance));
  TS_RETURN_IF_ERROR(evaluation->AddInputs(inputs));
  TS_RETURN_IF_ERROR(evaluation->AllocateContents());
  return evaluation;
}

Status Evaluation::AddInputs(const std::vector<Value>& inputs) {
  std::vector<int> parameters = graph_.Parameters();
  if (inputs.size() != parameters.size()) {
    return Invalid("the graph has " + std::to_string(parameters.size()) + " parameters, but " +
                   std::to_string(inputs.size()) + " inputs were given: give one for each, in order");
  }
  for (size_t p = 0; p < parameters.size(); ++p) {
    const Tensor& tensor = graph_.tensors[Index(parameters[p])];
    const Value& input = inputs[p];
    if (input.dtype() != tensor.dtype || input.elements() != tensor.elements()) {
      return Invalid("input " + tensor.name + " has " + std::to_string(input.elements()) + " elements of " +
                     std::string(NameOf(input.dtype())) + ": give " + std::to_string(tensor.elements()) +
                     " of " + std::string(NameOf(tensor.dtype)));
    }
    Source& source = sources_[Index(parameters[p])];
    source.dtype = input.dtype();
    // An empty tensor has no memory, but no element of it is read either.
    static constexpr uint8_t kNothing[8] = {};
    source.stored = input.elements() == 0 ? kNothing : input.data();
  }
  return {};
}

Status Evaluation::AllocateContents() {
  for (const Stage& stage : graph_.stages) {
    const Tensor& tensor = graph_.tensors[Index(stage.tensor)];
    Content& content = contents_[Index(stage.tensor)];
    Source& source = sources_[Index(stage.tensor)];
    int64_t elements = tensor.elements();
    if (IsFloat(tensor.dtype)) {
      content.floats = Allocate<double>(elements);
    } else {
      content.integers = Allocate<int64_t>(elements);
    }
    if (bounded_) content.errors = Allocate<double>(elements);
    content.known = Allocate<uint8_t>(elements);
    if ((!content.floats && !content.integers) || (bounded_ && !content.errors) || !content.known) {
      return absl::ResourceExhaustedError("tensor " + tensor.name + " of " + std::to_string(elements) +
                                          " elements does not fit in memory: use smaller extents");
    }
    source = {tensor.dtype, nullptr, content.floats.get(), content.integers.get(), content.errors.get()};
  }
  return {};
}

void Evaluation::ComputeAll() {
  for (size_t s = 0; s < graph_.stages.size(); ++s) {
    const Tensor& tensor = graph_.tensors[Index(graph_.stages[s].tensor)];
    int64_t elements = tensor.elements(), row = tensor.shape.empty() ? 1 : tensor.shape.back();
    for (int64_t first = 0; first < elements; first += row) Compute(s, first, row);
    contents_[Index(graph_.stages[s].tensor)].complete = true;
  }
}

void Evaluation::Supply(int tensor, int64_t first, int64_t step, int64_t count) {
  const Content& content = contents_[Index(tensor)];
  if (content.complete) return;
  const std::vector<int64_t>& shape = graph_.tensors[Index(tensor)].shape;
  int64_t row = shape.empty() ? 1 : shape.back();
  for (int64_t l = 0; l < count; ++l) {
    int64_t index = first + step * l;
    if (content.known[index]) continue;
    // What is missing next to it is needed too, and cheaper together.
    int64_t missing = 1, most = std::min(count - l, row - index % row);
    while (step == 1 && missing < most && !content.known[index + missing]) ++missing;
    Compute(Index(stage_of_[Index(tensor)]), index, missing);
  }
}

void Evaluation::Compute(size_t s, int64_t first, int64_t count) {
  const Stage& stage = graph_.stages[s];
  std::vector<int64_t> point(stage.axes.size());
  int64_t rest = first;
  for (size_t d = Index(stage.spatial); d-- > 0;) {
    point[d] = rest % stage.axes[d].extent;
    rest /= stage.axes[d].extent;
  }
  // Lanes run across elements, or along the last reduction axis of one element, whichever is longer.
  bool reduces = stage.axes.size() > Index(stage.spatial);
  if (reduces && count < 64 && count < stage.axes.back().extent) {
    for (int64_t i = 0; i < count; ++i) {
      ComputeAlong(s, point, first + i);
      if (stage.spatial > 0) ++point[Index(stage.spatial) - 1];
    }
  } else {
    ComputeAcross(s, std::move(point), first, count);
  }
  std::fill_n(contents_[Index(stage.tensor)].known.get() + first, count, uint8_t{1});
}

void Evaluation::ComputeAcross(size_t s, std::vector<int64_t> point, int64_t first, int64_t count) {
  const Stage& stage = graph_.stages[s];
  int64_t terms = Terms(stage);
  int lane_axis = stage.spatial - 1;
  for (int64_t done = 0; done < count; done += kLanes) {
    int lanes = static_cast<int>(std::min<int64_t>(kLanes, count - done));
    if (stage.reducer == Reducer::kNone) {
      machines_[s].Run(point, lane_axis, lanes, sources_, this);
    } else {
      sums_[s].Start(lanes);
      for (bool more = terms > 0; more;
           more = Advance(stage, Index(stage.spatial), stage.axes.size(), &point)) {
        machines_[s].Run(point, lane_axis, lanes, sources_, this);
        sums_[s].AddAcross(machines_[s], lanes);
      }
      sums_[s].Finish(lanes, terms, models_[s]);
    }
    Store(s, first + done, lanes);
    if (lane_axis >= 0) point[Index(lane_axis)] += lanes;
  }
}

void Evaluation::ComputeAlong(size_t s, std::vector<int64_t> point, int64_t index) {
  const Stage& stage = graph_.stages[s];
  size_t last = stage.axes.size() - 1;
  int64_t terms = Terms(stage), extent = stage.axes[last].extent;
  sums_[s].Start(1);
  for (bool more = terms > 0; more; more = Advance(stage, Index(stage.spatial), last, &point)) {
    for (int64_t done = 0; done < extent; done += kLanes) {
      int lanes = static_cast<int>(std::min<int64_t>(kLanes, extent - done));
      point[last] = done;
      machines_[s].Run(point, static_cast<int>(last), lanes, sources_, this);
      sums_[s].AddAlong(machines_[s], lanes);
    }
  }
  sums_[s].Finish(1, terms, models_[s]);
  Store(s, index, 1);
}

void Evaluation::Store(size_t s, int64_t first, int lanes) {
  const Stage& stage = graph_.stages[s];
  const Tensor& tensor = graph_.tensors[Index(stage.tensor)];
  Content& content = contents_[Index(stage.tensor)];
  const Machine& machine = machines_[s];
  bool reduces = stage.reducer != Reducer::kNone;
  DType from = stage.body->type;
  const double* floats = reduces ? sums_[s].floats() : machine.floats();
  const int64_t* integers = reduces ? sums_[s].integers() : machine.integers();
  const double* errors = nullptr;
  if (bounded_) {
    errors = reduces ? sums_[s].errors() : IsFloat(from) ? machine.float_errors() : machine.integer_errors();
  }
  bool rounds = RoundsWhereStored(tensor, from);
  double factor = tensor.role == Role::kOutput ? tolerance_.factor : 1;
  for (int l = 0; l < lanes; ++l) {
    double error = bounded_ ? factor * errors[l] : 0;
    if (std::isnan(error)) error = kUnbounded;  // the factor may be 0
    if (IsFloat(tensor.dtype)) {
      double value = IsFloat(from) ? floats[l] : CastToFloat(tensor.dtype, integers[l]);
      auto round = [&](double x) { return RoundTo(tensor.dtype, x); };
      if (bounded_) content.errors[first + l] = rounds ? MonotoneError(round, value, error) : error;
      content.floats[first + l] = rounds ? round(value) : value;
    } else if (IsFloat(from)) {
      auto cast = [&](double x) {
        return static_cast<double>(CastToInteger(tensor.dtype, Rounding::kTowardsZero, x));
      };
      if (bounded_) content.errors[first + l] = MonotoneError(cast, floats[l], error);
      content.integers[first + l] = CastToInteger(tensor.dtype, Rounding::kTowardsZero, floats[l]);
    } else {
      if (bounded_) content.errors[first + l] = error;
      content.integers[first + l] = CastInteger(tensor.dtype, integers[l]);
    }
  }
}

Expected Evaluation::At(int tensor, int64_t index) const {
  const Content& content = contents_[Index(tensor)];
  Expected expected;
  if (content.floats) {
    expected.value = content.floats[index];
  } else {
    expected.integer = content.integers[index];
    expected.value = static_cast<double>(expected.integer);
  }
  if (bounded_) expected.bound = content.errors[index];
  return expected;
}

}  // namespace tunesmith::te
