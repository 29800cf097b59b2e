// SPDX-License-Identifier: Apache-2.0
// tune bench: recorded kernels, default schedules and peers, in turns in one run.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cli/command.h"
#include "cli/limit.h"
#include "cli/native_kernel.h"
#include "cli/option_values.h"
#include "cli/output.h"
#include "cli/peer.h"
#include "codegen/llvm/compile.h"
#include "measure/check.h"
#include "support/strings.h"
#include "support/units.h"
#include "te/interpret.h"

namespace tunesmith::cli {
namespace {

struct Options {
  WorkloadOptions workloads;
  TargetOptions target;
  DatabaseOptions database;
  std::vector<std::string> peers;
  std::string trace;
  double seconds = 0.4;
  std::string format = "text";
};

/// A peer as contender.
class PeerContender : public Contender {
 public:
  explicit PeerContender(Peer peer) : peer_(std::move(peer)) {}
  void Run() override { peer_.Run(); }
  std::vector<std::vector<uint8_t>> Inputs() override { return Contents(false); }
  std::vector<std::vector<uint8_t>> Outputs() override {
    peer_.Fetch();
    return Contents(true);
  }
  std::string name() const override { return peer_.name(); }

 private:
  std::vector<std::vector<uint8_t>> Contents(bool outputs) const {
    std::vector<std::vector<uint8_t>> contents;
    for (const PeerTensor& t : peer_.tensors()) {
      if (t.is_output != outputs) continue;
      int64_t bytes = t.dtype == "u8" || t.dtype == "s8" ? 1 : t.dtype == "bf16" ? 2 : 4;
      for (int64_t d : t.dims) bytes *= d;
      const auto* data = static_cast<const uint8_t*>(t.data);
      contents.emplace_back(data, data + bytes);
    }
    return contents;
  }
  Peer peer_;
};

/// Elements of the outputs against the definition, evaluated one by one on the contest's own inputs.
Result<bool> OutputsRight(const te::Graph& definition, const std::vector<std::vector<uint8_t>>& inputs,
                          const std::vector<std::vector<uint8_t>>& outputs, double factor) {
  std::vector<te::Value> values;
  std::vector<int> parameters = definition.Parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const te::Tensor& t = definition.tensors[static_cast<size_t>(parameters[i])];
    te::Value value(t.dtype, t.shape);
    std::copy(inputs[i].begin(), inputs[i].end(), value.data());
    values.push_back(std::move(value));
  }
  te::Tolerance tolerance;
  tolerance.factor = factor;
  TS_ASSIGN_OR_RETURN(te::ElementEvaluator evaluator,
                      te::ElementEvaluator::Create(definition, values, tolerance));
  std::vector<int> ids = definition.Outputs();
  for (size_t o = 0; o < ids.size(); ++o) {
    const te::Tensor& t = definition.tensors[static_cast<size_t>(ids[o])];
    constexpr int64_t kElements = 512;
    for (uint64_t index : measure::ChooseElements(t.shape, kElements, 1)) {
      te::Expected expected = evaluator.Evaluate(static_cast<int>(o), static_cast<int64_t>(index));
      if (!te::Accepts(expected, t.dtype,
                       outputs[o].data() + static_cast<int64_t>(index) * te::SizeOf(t.dtype)))
        return false;
    }
  }
  return true;
}

struct Line {
  std::string id;
  int threads = 1;
  double tuned_ns = 0, default_ns = 0, ratio = 0;
  std::map<std::string, double> peers;          // by name: the better of one and `threads` threads
  std::map<std::string, std::string> refusals;  // why a peer did not take part, by file
  bool recorded = false;                        // what counts as tuned is a record, or the trace given
  measure::Bound bound;                         // of the tuned kernel's algorithm
  bool checked = false;
};

/// `given` is timed instead of the best record, if there is one.
Result<Line> BenchOne(const Options& o, const NamedWorkload& named,
                      const std::optional<schedule::Trace>& given, database::Database* database,
                      const codegen::Target& target, const measure::Scenario& scenario,
                      const measure::Limits& limits) {
  Line line;
  line.id = named.id;
  line.threads = scenario.threads;
  TS_ASSIGN_OR_RETURN(schedule::Trace standard, DefaultTrace(named.workload, target, scenario.threads));
  std::vector<schedule::Trace> traces = {standard};
  if (given) {
    traces.push_back(*given);
  } else if (database) {
    TS_ASSIGN_OR_RETURN(std::optional<schedule::Trace> best,
                        BestTrace(database, KeyOf(named.hash, target, scenario)));
    if (best) traces.push_back(*std::move(best));
  }
  line.recorded = traces.size() > 1;
  line.bound = WorkloadBounds(limits, named.workload, scenario).Of(traces.back());

  std::vector<Entrant> entrants;
  std::vector<std::string> files;  // of the peers among the entrants
  for (const std::string& peer : o.peers) {
    std::vector<int> counts = {1};
    if (scenario.threads > 1) counts.push_back(scenario.threads);
    for (int threads : counts) {
      const std::string& suite_line = named.line;
      entrants.push_back({threads, [peer, suite_line](const auto&) -> Result<std::unique_ptr<Contender>> {
                            TS_ASSIGN_OR_RETURN(Peer opened, Peer::Open(peer, suite_line));
                            return std::unique_ptr<Contender>(
                                std::make_unique<PeerContender>(std::move(opened)));
                          }});
      files.push_back(peer);
    }
  }
  double factor = 1;
  const te::Graph& definition = named.workload.definition();
  for (const schedule::Trace& trace : traces) {
    TS_ASSIGN_OR_RETURN(BuiltKernel built, BuildTrace(named.workload, trace));
    TS_ASSIGN_OR_RETURN(codegen::Kernel kernel, codegen::Compile(built.program, target));
    factor = std::max(factor, built.tolerance_factor);
    entrants.push_back(
        {scenario.threads, [&definition, built, kernel, threads = scenario.threads](const auto& inputs) {
           return NativeKernel("tunesmith", definition, built, kernel, threads, inputs);
         }});
  }
  std::vector<Standing> standings = HoldContest(entrants, o.seconds);
  const Standing& own_default = standings[files.size()];
  const Standing& own_best = standings.back();
  TS_RETURN_IF_ERROR(own_default.status);
  TS_RETURN_IF_ERROR(own_best.status);
  line.default_ns = own_default.median_ns;
  line.tuned_ns = own_best.median_ns;
  double best_peer = 0;
  for (size_t i = 0; i < files.size(); ++i) {
    if (!standings[i].status.ok()) {
      line.refusals[files[i]] = std::string(MessageOf(standings[i].status));
      continue;
    }
    auto [at, fresh] = line.peers.try_emplace(standings[i].name, standings[i].median_ns);
    if (!fresh) at->second = std::min(at->second, standings[i].median_ns);
    best_peer = best_peer == 0 ? standings[i].median_ns : std::min(best_peer, standings[i].median_ns);
  }
  line.ratio = best_peer > 0 ? best_peer / line.tuned_ns : 0;
  line.checked = true;
  for (const Standing* s : {&own_default, &own_best}) {
    TS_ASSIGN_OR_RETURN(bool right, OutputsRight(definition, s->inputs, s->outputs, factor));
    line.checked = line.checked && right;
  }
  return line;
}

nlohmann::json JsonOf(const Line& line) {
  nlohmann::json json = {{"id", line.id},
                         {"threads", line.threads},
                         {"tuned_ns", line.tuned_ns},
                         {"default_ns", line.default_ns},
                         {"recorded", line.recorded},
                         {"peers", line.peers},
                         {"limit", line.bound.what},
                         {"checked", line.checked}};
  double share = ShareOf(line.bound, line.tuned_ns);
  json["ratio"] = line.ratio > 0 ? nlohmann::json(line.ratio) : nlohmann::json();
  json["limit_share"] = share > 0 ? nlohmann::json(share) : nlohmann::json();
  if (!line.refusals.empty()) json["refusals"] = line.refusals;
  return json;
}

std::string TsvOf(const Line& line) {
  char numbers[160];
  std::snprintf(numbers, sizeof numbers, "\t%d\t%.1f\t%.1f\t%.4f\t%.4f\t", line.threads, line.tuned_ns,
                line.default_ns, line.ratio, ShareOf(line.bound, line.tuned_ns));
  std::string text = StrCat(line.id, numbers, line.checked ? "checked" : "WRONG");
  for (const auto& [name, ns] : line.peers) StrAppend(&text, "\t", name, "=", ns);
  return text + "\n";
}

/// The columns of the text form, at fixed widths: a line is printed as soon as it is known.
std::string Columns(size_t id_width, const std::string (&cells)[9]) {
  return LineOf({{cells[0], id_width},
                 {cells[1], 7, Align::kRight},
                 {cells[2], 9, Align::kRight},
                 {cells[3], 9, Align::kRight},
                 {cells[4], 9, Align::kRight},
                 {cells[5], 6, Align::kRight},
                 {cells[6], 27},
                 {cells[7], 7},
                 {cells[8]}});
}

std::string TextOf(const Line& line, size_t id_width, const Style& style) {
  std::string best;
  double best_ns = 0;
  for (const auto& [name, ns] : line.peers) {
    if (best_ns == 0 || ns < best_ns) best = name, best_ns = ns;
  }
  char ratio[32];
  std::snprintf(ratio, sizeof ratio, "%.3f", line.ratio);
  std::string text =
      Columns(id_width, {line.id, StrCat(line.threads), line.recorded ? FormatLatency(line.tuned_ns) : "-",
                         FormatLatency(line.default_ns), best_ns > 0 ? FormatLatency(best_ns) : "-",
                         line.ratio > 0 ? ratio : "-", ShareText(line.bound, line.tuned_ns),
                         line.checked ? "yes" : style.Bad("WRONG"), best});
  for (const auto& [file, why] : line.refusals) StrAppend(&text, "  ", file, ": ", why, "\n");
  return text;
}

Status Print(const Options& o, const Line& line, size_t id_width) {
  if (o.format == "json") return EmitJson(JsonOf(line));
  TS_RETURN_IF_ERROR(Emit(o.format == "tsv" ? TsvOf(line) : TextOf(line, id_width, Style(stdout))));
  return FlushOutput();
}

Status Bench(const Options& o) {
  TS_ASSIGN_OR_RETURN(std::vector<NamedWorkload> workloads, o.workloads.Resolve());
  TS_ASSIGN_OR_RETURN(codegen::Target target, o.target.ResolveTarget());
  measure::Scenario scenario = o.target.ResolveScenario();
  if (scenario.cold)
    return Invalid("tune bench times warm kernels: the peers' interface cannot clear caches between calls");
  TS_RETURN_IF_ERROR(codegen::RunsHere(target));
  std::optional<schedule::Trace> given;
  if (!o.trace.empty()) {
    TS_ASSIGN_OR_RETURN(given, ReadTrace(o.trace));
  }
  for (const std::string& peer : o.peers) TS_RETURN_IF_ERROR(Peer::Check(peer));
  TS_ASSIGN_OR_RETURN(std::unique_ptr<database::Database> database, o.database.OpenIfThere());
  TS_ASSIGN_OR_RETURN(measure::Limits limits, MachineLimits());
  constexpr size_t kHeadingWidth = 8;
  size_t id_width = kHeadingWidth;
  for (const NamedWorkload& named : workloads) id_width = std::max(id_width, WidthOf(named.id));
  if (o.format == "text") {
    TS_RETURN_IF_ERROR(Emit(Style(stdout).Heading(
        Columns(id_width, {"workload", "threads", "tuned", "default", "best peer", "ratio",
                           "share of this CPU's limit", "checked", "the best peer"}))));
    TS_RETURN_IF_ERROR(FlushOutput());
  }
  bool all = true;
  for (const NamedWorkload& named : workloads) {
    if (Interrupted()) return Quiet(kInterrupted);
    Result<Line> line = BenchOne(o, named, given, database.get(), target, scenario, limits);
    if (Interrupted()) return Quiet(kInterrupted);
    if (!line.ok()) {
      std::fprintf(stderr, "tune: %s: %s\n", named.id.c_str(), std::string(MessageOf(line.status())).c_str());
      all = false;
      continue;
    }
    TS_RETURN_IF_ERROR(Print(o, *line, id_width));
    all = all && line->checked;
  }
  if (o.format == "text") {
    TS_RETURN_IF_ERROR(
        Emit("Medians of turns in one run. ratio: best peer / tuned, above 1 is ahead. Without a record the "
             "default schedule stands for the tuned one.\n"));
  }
  return all ? absl::OkStatus() : Quiet(kFailed);
}

}  // namespace

void AddBench(CLI::App* app, Action* action) {
  auto o = std::make_shared<Options>();
  CLI::App* bench = app->add_subcommand(
      "bench", "Time recorded kernels, default schedules and peers in turns, and compare their outputs.");
  o->workloads.AddTo(bench);
  o->target.AddTo(bench);
  o->database.AddTo(bench);
  bench->add_option("--peer", o->peers, "a library behind the peers' interface (may be given again)")
      ->type_name("LIB.so")
      ->check(CLI::Validator(
          [](std::string& file) {
            return access(file.c_str(), R_OK) == 0 ? ""
                                                   : StrCat("cannot read ", file, ": ", std::strerror(errno),
                                                            "; name a library that is there");
          },
          "", "library"));
  AddText(bench, "--trace", &o->trace, "FILE", "time this trace instead of the best record");
  AddSeconds(bench, "--seconds", &o->seconds, "for each contender");
  AddChoice(bench, "--format", &o->format, {"text", "tsv", "json"},
            "tsv: a line each; json: one object a line");
  bench->footer(
      "Exit code 1 if a kernel is wrong or could not be timed.\n"
      "Examples:\n"
      "  tune bench matmul M=512 N=512 K=512\n"
      "  tune bench --suite bench/suite/cpu.tsv --only gemm_1024 --threads 2 --peer peers/mkl.so\n"
      "  tune bench --suite bench/suite/cpu.tsv --format json > bench.jsonl");
  bench->callback([o, action] { *action = [o] { return Bench(*o); }; });
}

}  // namespace tunesmith::cli
