// SPDX-License-Identifier: Apache-2.0
// tune bench: recorded kernels, default schedules and peers, in turns in one run.
#include <cmath>
#include <cstdio>

#include "cli/command.h"
#include "cli/native_kernel.h"
#include "cli/peer.h"
#include "codegen/llvm/compile.h"
#include "measure/check.h"
#include "nlohmann/json.hpp"
#include "support/files.h"
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
  std::map<std::string, double> peers;  // by name: the better of one and `threads` threads
  std::map<std::string, std::string> refusals;
  bool tuned = false;  // a record was found
  bool checked = false;
};

Result<Line> BenchOne(const Options& o, const NamedWorkload& named, database::Database* database,
                      const codegen::Target& target, const measure::Scenario& scenario) {
  Line line;
  line.id = named.id;
  line.threads = scenario.threads;
  TS_ASSIGN_OR_RETURN(schedule::Trace standard, DefaultTrace(named.workload, target, scenario.threads));
  std::vector<schedule::Trace> traces = {standard};
  if (!o.trace.empty()) {
    TS_ASSIGN_OR_RETURN(std::string text, ReadFile(o.trace, 1 << 20));
    TS_ASSIGN_OR_RETURN(schedule::Trace trace, schedule::ParseTrace(text));
    traces.push_back(std::move(trace));
  } else if (database) {
    TS_ASSIGN_OR_RETURN(std::optional<schedule::Trace> best,
                        BestTrace(database, KeyOf(named.hash, target, scenario)));
    if (best) traces.push_back(*std::move(best));
  }
  line.tuned = traces.size() > 1;

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

void Print(const Options& o, const Line& line) {
  if (o.format == "json") {
    nlohmann::json json = {{"id", line.id},
                           {"threads", line.threads},
                           {"tuned_ns", line.tuned_ns},
                           {"default_ns", line.default_ns},
                           {"peers", line.peers},
                           {"checked", line.checked}};
    json["ratio"] = line.ratio > 0 ? nlohmann::json(line.ratio) : nlohmann::json();
    std::printf("%s\n", json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  } else if (o.format == "tsv") {
    std::printf("%s\t%d\t%.1f\t%.1f\t%.4f\t%s", line.id.c_str(), line.threads, line.tuned_ns, line.default_ns,
                line.ratio, line.checked ? "checked" : "WRONG");
    for (const auto& [name, ns] : line.peers) std::printf("\t%s=%.1f", name.c_str(), ns);
    std::printf("\n");
  } else {
    std::string best = "-";
    double best_ns = 0;
    for (const auto& [name, ns] : line.peers) {
      if (best_ns == 0 || ns < best_ns) best = name, best_ns = ns;
    }
    std::printf("%-36s %2d  %10s%s %10s %10s  %-28s %6.3f  %s\n", line.id.c_str(), line.threads,
                FormatLatency(line.tuned_ns).c_str(), line.tuned ? " " : "*",
                FormatLatency(line.default_ns).c_str(), best_ns > 0 ? FormatLatency(best_ns).c_str() : "-",
                best.c_str(), line.ratio, line.checked ? "checked" : "WRONG");
  }
  std::fflush(stdout);
}

Status Bench(const Options& o) {
  TS_ASSIGN_OR_RETURN(std::vector<NamedWorkload> workloads, o.workloads.Resolve());
  TS_ASSIGN_OR_RETURN(codegen::Target target, o.target.ResolveTarget());
  measure::Scenario scenario = o.target.ResolveScenario();
  if (scenario.cold)
    return Invalid("tune bench times warm kernels: the peers' interface cannot clear caches between calls");
  Result<std::unique_ptr<database::Database>> database = o.database.Open(database::OpenMode::kReadOnly);
  if (!database.ok() && !absl::IsNotFound(database.status())) return database.status();
  if (o.format == "text")
    std::printf("%-36s %2s  %11s %10s %10s  %-28s %6s\n", "workload", "th", "tuned", "default", "best peer",
                "", "ratio");
  bool all = true;
  for (const NamedWorkload& named : workloads) {
    if (Interrupted()) return Quiet(kInterrupted);
    Result<Line> line = BenchOne(o, named, database.ok() ? database->get() : nullptr, target, scenario);
    if (!line.ok()) {
      std::fprintf(stderr, "%s: %s\n", named.id.c_str(), std::string(MessageOf(line.status())).c_str());
      all = false;
      continue;
    }
    Print(o, *line);
    all = all && line->checked;
  }
  if (o.format == "text")
    std::printf("medians; ratio: best peer / tuned, above 1 is ahead; *: no record, the default schedule\n");
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
      ->type_name("LIB.so");
  bench->add_option("--trace", o->trace, "time this trace instead of the best record")->type_name("FILE");
  bench->add_option("--seconds", o->seconds, "for each contender")->capture_default_str();
  bench->add_option("--format", o->format, "text, tsv or json (one object a line)")
      ->check(CLI::IsMember({"text", "tsv", "json"}))
      ->capture_default_str();
  bench->footer(
      "Example:\n  tune bench --suite bench/suite/cpu.tsv --only gemm_1024 --threads 2 --peer peers/mkl.so");
  bench->callback([o, action] { *action = [o] { return Bench(*o); }; });
}

}  // namespace tunesmith::cli
