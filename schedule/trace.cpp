// SPDX-License-Identifier: Apache-2.0
#include "schedule/trace.h"

#include <algorithm>
#include <limits>
#include <set>

#include "support/strings.h"

namespace tunesmith::schedule {
namespace {

/// How a step is written: 'n' a name, 'i' a number, 'N' / 'I' any number of them, other words stand for
/// themselves, and what follows '?' may be left out as a whole. `peel` and `mask`, `registers` are names.
struct Form {
  Verb verb;
  std::string_view word;
  std::string_view arguments;
};
constexpr Form kForms[] = {
    {Verb::kInline, "inline", "n"},
    {Verb::kCache, "cache", "n for n as n ? pad I"},
    {Verb::kPack, "pack", "n"},
    {Verb::kAt, "at", "n n ? in n"},
    {Verb::kFuse, "fuse", "n with n at n"},
    {Verb::kSplit, "split", "n i n"},
    {Verb::kOrder, "order", "N"},
    {Verb::kVector, "vector", "n"},
    {Verb::kUnroll, "unroll", "n"},
    {Verb::kParallel, "parallel", "n ? grain i"},
    {Verb::kPartition, "partition", "n"},
    {Verb::kKeep, "keep", "n from n"},
    {Verb::kFactor, "factor", "n n as n"},
    {Verb::kLayout, "layout", "n order I ? blocks I"},
    {Verb::kStream, "stream", "n"},
    {Verb::kPrefetch, "prefetch", "n for n at n ahead i"},
};

const Form& FormOf(Verb verb) { return kForms[static_cast<size_t>(verb)]; }

Result<Step> ParseStep(std::string_view line) {
  std::vector<std::string_view> words = Words(line);
  const Form* form =
      std::find_if(std::begin(kForms), std::end(kForms), [&](const Form& f) { return f.word == words[0]; });
  if (form == std::end(kForms)) {
    std::string known =
        StrJoin(kForms, ", ", [](std::string* out, const Form& f) { StrAppend(out, f.word); });
    return Invalid(StrCat("no step is called '", words[0], "'; there are: ", known));
  }
  auto misses = [&](std::string_view what) {
    return Invalid(StrCat(form->word, ": ", what, "; it is written: ", form->word, " ", form->arguments,
                          " (n: a name, i: a number, capitals: several, after '?': optional)"));
  };
  Step step;
  step.verb = form->verb;
  size_t at = 1;
  for (std::string_view expected : Words(form->arguments)) {
    if (expected == "?") {
      if (at == words.size()) return step;
    } else if (expected == "n" || expected == "N") {
      if (at == words.size()) return misses("a name is missing");
      do {
        step.names.emplace_back(words[at++]);
      } while (expected == "N" && at < words.size());
    } else if (expected == "i" || expected == "I") {
      std::optional<int64_t> value;
      if (at == words.size() || !(value = ParseInteger(words[at]))) return misses("a number is missing");
      do {
        step.numbers.push_back(*value);
      } while (++at < words.size() && expected == "I" && (value = ParseInteger(words[at])));
    } else {
      if (at == words.size() || words[at] != expected) return misses(StrCat("'", expected, "' is missing"));
      // A layout's blocks are told from its order by how many come before this word.
      if (expected == "blocks") step.names.push_back(StrCat(step.numbers.size()));
      ++at;
    }
  }
  if (at != words.size()) return misses(StrCat("'", words[at], "' is too much"));
  return step;
}

Result<LoopKind> KindOf(Verb verb) {
  switch (verb) {
    case Verb::kVector:
      return LoopKind::kVector;
    case Verb::kUnroll:
      return LoopKind::kUnroll;
    case Verb::kParallel:
      return LoopKind::kParallel;
    default:
      return Internal("not a loop's kind");
  }
}

Result<int> TensorNamed(const Plan& plan, const std::string& name) {
  for (size_t t = 0; t < plan.graph->tensors.size(); ++t) {
    if (plan.graph->tensors[t].name == name) return static_cast<int>(t);
  }
  return NotFound(StrCat("no tensor is called '", name, "'"));
}

Result<Plan> ApplyLayout(Plan plan, const Step& step) {
  TS_ASSIGN_OR_RETURN(StageId stage, StageNamed(plan, step.names[0]));
  size_t rank = step.numbers.size();
  if (step.names.size() > 1) rank = static_cast<size_t>(ParseInteger(step.names[1]).value_or(0));
  if (rank > step.numbers.size() || (step.numbers.size() - rank) % 2 != 0) {
    return Invalid("layout: after 'blocks' come pairs of a dimension and a size");
  }
  for (size_t i = 0; i < step.numbers.size(); ++i) {
    bool size = i >= rank && (i - rank) % 2 == 1;
    if (!size && (step.numbers[i] < 0 || step.numbers[i] > std::numeric_limits<int>::max()))
      return Invalid(StrCat("layout ", step.names[0], ": ", step.numbers[i], " is no dimension"));
  }
  std::vector<int> order(step.numbers.begin(), step.numbers.begin() + static_cast<int64_t>(rank));
  std::vector<Piece> blocks;
  for (size_t i = rank; i < step.numbers.size(); i += 2) {
    blocks.push_back({static_cast<int>(step.numbers[i]), step.numbers[i + 1]});
  }
  return SetLayout(std::move(plan), stage, order, blocks);
}

/// Steps name tensors and loops: a name that means two of them would be taken for the first.
Status CheckNames(const Trace& trace, int line_number) {
  auto check = [&](const std::string& name, std::set<std::string>* seen, bool axis = false) -> Status {
    bool word = std::all_of(name.begin(), name.end(), [&](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
             (axis && c == '.');  // te::Normalize divides axes: "c.o"
    });
    if (!word) {
      return Invalid(
          StrCat("trace line ", line_number, ": '", name, "' is not a name: letters, digits and _"));
    }
    if (!seen->insert(name).second)
      return Invalid(StrCat("trace line ", line_number, ": the name '", name, "' is given twice"));
    return absl::OkStatus();
  };
  std::set<std::string> tensors;
  for (const std::string& name : trace.parameters) TS_RETURN_IF_ERROR(check(name, &tensors));
  for (const Trace::StageNames& s : trace.stages) {
    TS_RETURN_IF_ERROR(check(s.tensor, &tensors));
    std::set<std::string> axes;
    for (const std::string& name : s.axes) TS_RETURN_IF_ERROR(check(name, &axes, true));
  }
  return absl::OkStatus();
}

}  // namespace

Trace TraceFor(const te::Graph& graph, std::string target) {
  Trace trace;
  trace.target = std::move(target);
  for (int t : graph.Parameters()) trace.parameters.push_back(graph.tensors[static_cast<size_t>(t)].name);
  for (const te::Stage& s : graph.stages) {
    Trace::StageNames names{graph.tensors[static_cast<size_t>(s.tensor)].name, {}};
    for (const te::Axis& a : s.axes) names.axes.push_back(a.name);
    trace.stages.push_back(std::move(names));
  }
  return trace;
}

std::string ToString(const Step& step) {
  std::string text(FormOf(step.verb).word);
  size_t name = 0, number = 0;
  bool optional = false;
  size_t blocks_at = step.numbers.size();
  if (step.verb == Verb::kLayout && step.names.size() > 1)
    blocks_at = static_cast<size_t>(ParseInteger(step.names[1]).value_or(0));
  for (std::string_view expected : Words(FormOf(step.verb).arguments)) {
    if (expected == "?") {
      optional = true;
      if (name >= step.names.size() && number >= step.numbers.size()) return text;
    } else if (expected == "n" || expected == "N") {
      do {
        StrAppend(&text, " ", step.names[name++]);
      } while (expected == "N" && name < step.names.size());
    } else if (expected == "i") {
      StrAppend(&text, " ", step.numbers[number++]);
    } else if (expected == "I") {
      size_t end = step.verb == Verb::kLayout && !optional ? blocks_at : step.numbers.size();
      while (number < end) StrAppend(&text, " ", step.numbers[number++]);
    } else {
      StrAppend(&text, " ", expected);
    }
  }
  return text;
}

std::string ToString(const Trace& trace) {
  std::string text = StrCat("trace 1\nnames ", StrJoin(trace.parameters, " "), " |");
  for (const Trace::StageNames& s : trace.stages)
    StrAppend(&text, " ", s.tensor, "(", StrJoin(s.axes, " "), ")");
  if (!trace.algorithm.empty()) StrAppend(&text, "\nalgorithm ", trace.algorithm);
  StrAppend(&text, "\ntarget ", trace.target, "\n");
  for (const Step& step : trace.steps) StrAppend(&text, ToString(step), "\n");
  return text;
}

Result<Trace> ParseTrace(std::string_view text) {
  constexpr size_t kMostBytes = 1 << 20;
  constexpr size_t kMostSteps = 1000;  // a long one has fifty
  if (text.size() > kMostBytes) return Invalid("the trace is longer than 1 MiB");
  Trace trace;
  int line_number = 0, header = 0;
  for (std::string_view line : StrSplit(text, '\n')) {
    ++line_number;
    line = line.substr(0, line.find('#'));
    std::vector<std::string_view> words = Words(line);
    if (words.empty()) continue;
    auto fail = [&](std::string_view why) { return Invalid(StrCat("trace line ", line_number, ": ", why)); };
    if (header == 0) {
      if (words.size() != 2 || words[0] != "trace") return fail("it must begin with 'trace 1'");
      if (words[1] != "1")
        return fail(StrCat("its version is '", words[1], "'; this program reads version 1"));
      header = 1;
    } else if (header == 1) {
      if (words[0] != "names") return fail("'names' must follow");
      size_t bar = std::min(line.find('|'), line.size());
      size_t first = line.find("names") + 5;
      std::string_view before = line.substr(first, bar - first);
      std::string_view after = line.substr(std::min(bar + 1, line.size()));
      for (std::string_view w : Words(before)) trace.parameters.emplace_back(w);
      for (std::string_view s : Words(after, ")")) {
        std::vector<std::string_view> parts = Words(s, " (");
        if (parts.empty()) continue;
        Trace::StageNames names{std::string(parts[0]), {}};
        names.axes.assign(parts.begin() + 1, parts.end());
        trace.stages.push_back(std::move(names));
      }
      if (trace.stages.empty()) return fail("no stage is named");
      TS_RETURN_IF_ERROR(CheckNames(trace, line_number));
      header = 2;
    } else if (header == 2 && words[0] == "algorithm" && trace.algorithm.empty()) {
      if (words.size() != 2) return fail("it is written: algorithm NAME");
      trace.algorithm = std::string(words[1]);
    } else if (header == 2) {
      if (words.size() != 2 || words[0] != "target") return fail("'target NAME' must follow");
      trace.target = std::string(words[1]);
      header = 3;
    } else {
      Result<Step> step = ParseStep(line);
      if (!step.ok()) return fail(MessageOf(step.status()));
      if (trace.steps.size() == kMostSteps) return fail(StrCat("more than ", kMostSteps, " steps"));
      trace.steps.push_back(*std::move(step));
    }
  }
  if (header < 3)
    return Invalid("the trace is incomplete: it begins with the lines 'trace 1', 'names …' and 'target …'");
  return trace;
}

Result<Plan> Apply(Plan plan, const Step& step) {
  const auto& n = step.names;
  switch (step.verb) {
    case Verb::kInline: {
      TS_ASSIGN_OR_RETURN(StageId stage, StageNamed(plan, n[0]));
      return Inline(std::move(plan), stage);
    }
    case Verb::kCache: {
      TS_ASSIGN_OR_RETURN(int tensor, TensorNamed(plan, n[0]));
      TS_ASSIGN_OR_RETURN(StageId consumer, StageNamed(plan, n[1]));
      return Cache(std::move(plan), tensor, consumer, n[2], step.numbers);
    }
    case Verb::kPack: {
      TS_ASSIGN_OR_RETURN(StageId stage, StageNamed(plan, n[0]));
      return Pack(std::move(plan), stage);
    }
    case Verb::kAt: {
      TS_ASSIGN_OR_RETURN(StageId stage, StageNamed(plan, n[0]));
      TS_ASSIGN_OR_RETURN(NodeId loop, LoopNamed(plan, n[1]));
      if (n.size() > 2 && n[2] != "registers")
        return Invalid(StrCat("at: '", n[2], "' is no scope; leave it out or say 'in registers'"));
      return ComputeAt(std::move(plan), stage, loop, n.size() > 2 ? Scope::kRegister : Scope::kThread);
    }
    case Verb::kFuse: {
      TS_ASSIGN_OR_RETURN(StageId consumer, StageNamed(plan, n[0]));
      TS_ASSIGN_OR_RETURN(StageId producer, StageNamed(plan, n[1]));
      TS_ASSIGN_OR_RETURN(NodeId loop, LoopNamed(plan, n[2]));
      return FuseConsumer(std::move(plan), consumer, producer, loop);
    }
    case Verb::kSplit: {
      TS_ASSIGN_OR_RETURN(NodeId loop, LoopNamed(plan, n[0]));
      if (n[1] != "mask" && n[1] != "peel")
        return Invalid(StrCat("split: '", n[1], "' is no tail; say mask or peel"));
      return Split(std::move(plan), loop, step.numbers[0], n[1] == "mask" ? Tail::kMask : Tail::kPeel);
    }
    case Verb::kOrder: {
      std::vector<NodeId> loops;
      for (const std::string& name : n) {
        TS_ASSIGN_OR_RETURN(NodeId loop, LoopNamed(plan, name));
        loops.push_back(loop);
      }
      return Reorder(std::move(plan), loops);
    }
    case Verb::kVector:
    case Verb::kUnroll:
    case Verb::kParallel: {
      TS_ASSIGN_OR_RETURN(NodeId loop, LoopNamed(plan, n[0]));
      TS_ASSIGN_OR_RETURN(LoopKind kind, KindOf(step.verb));
      return SetKind(std::move(plan), loop, kind, step.numbers.empty() ? 1 : step.numbers[0]);
    }
    case Verb::kPartition: {
      TS_ASSIGN_OR_RETURN(NodeId loop, LoopNamed(plan, n[0]));
      return SetPartition(std::move(plan), loop);
    }
    case Verb::kKeep: {
      TS_ASSIGN_OR_RETURN(StageId stage, StageNamed(plan, n[0]));
      TS_ASSIGN_OR_RETURN(NodeId loop, LoopNamed(plan, n[1]));
      return Keep(std::move(plan), stage, loop);
    }
    case Verb::kFactor: {
      TS_ASSIGN_OR_RETURN(StageId stage, StageNamed(plan, n[0]));
      TS_ASSIGN_OR_RETURN(NodeId loop, LoopNamed(plan, n[1]));
      return Factor(std::move(plan), stage, loop, n[2]);
    }
    case Verb::kLayout:
      return ApplyLayout(std::move(plan), step);
    case Verb::kStream: {
      TS_ASSIGN_OR_RETURN(StageId stage, StageNamed(plan, n[0]));
      return Stream(std::move(plan), stage);
    }
    case Verb::kPrefetch: {
      TS_ASSIGN_OR_RETURN(int tensor, TensorNamed(plan, n[0]));
      TS_ASSIGN_OR_RETURN(StageId stage, StageNamed(plan, n[1]));
      TS_ASSIGN_OR_RETURN(NodeId loop, LoopNamed(plan, n[2]));
      return Prefetch(std::move(plan), tensor, stage, loop, step.numbers[0]);
    }
  }
  return Internal("a step of no kind");
}

Result<Plan> ApplyAll(Plan plan, const std::vector<Step>& steps) {
  for (const Step& step : steps) {
    Result<Plan> next = Apply(std::move(plan), step);
    if (!next.ok()) return Annotate(next.status(), StrCat("'", ToString(step), "'"));
    plan = *std::move(next);
  }
  return plan;
}

Result<Plan> Replay(const Trace& trace, const te::Graph& graph) {
  auto renamed = std::make_shared<te::Graph>(graph);
  std::vector<int> parameters = graph.Parameters();
  if (parameters.size() != trace.parameters.size() || graph.stages.size() != trace.stages.size()) {
    return Invalid(StrCat("the trace is for ", trace.parameters.size(), " parameters and ",
                          trace.stages.size(), " stages; this workload has ", parameters.size(), " and ",
                          graph.stages.size()));
  }
  for (size_t p = 0; p < parameters.size(); ++p)
    renamed->tensors[static_cast<size_t>(parameters[p])].name = trace.parameters[p];
  for (size_t s = 0; s < trace.stages.size(); ++s) {
    te::Stage& stage = renamed->stages[s];
    const Trace::StageNames& names = trace.stages[s];
    renamed->tensors[static_cast<size_t>(stage.tensor)].name = names.tensor;
    if (names.axes.size() != stage.axes.size()) {
      return Invalid(StrCat("the trace gives stage '", names.tensor, "' ", names.axes.size(),
                            " axes; this workload's has ", stage.axes.size()));
    }
    for (size_t a = 0; a < names.axes.size(); ++a) stage.axes[a].name = names.axes[a];
  }
  return ApplyAll(InitialPlan(std::move(renamed)), trace.steps);
}

}  // namespace tunesmith::schedule
