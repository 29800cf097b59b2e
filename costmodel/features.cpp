// SPDX-License-Identifier: Apache-2.0
#include "costmodel/features.h"

#include <algorithm>
#include <cmath>

namespace tunesmith::costmodel {
namespace {

/// The numbers of one stage, with their names.
struct Column {
  const char* name;
  double (*value)(const schedule::StageSummary&);
};

double Log(double value) { return std::log2(1 + std::max(0.0, value)); }

constexpr Column kColumns[] = {
    {"iterations", [](const schedule::StageSummary& s) { return Log(s.iterations); }},
    {"waste", [](const schedule::StageSummary& s) { return s.iterations / std::max(1.0, s.useful); }},
    {"tiles", [](const schedule::StageSummary& s) { return Log(s.tiles); }},
    {"lanes", [](const schedule::StageSummary& s) { return Log(s.lanes); }},
    {"tile vectors", [](const schedule::StageSummary& s) { return Log(s.tile_vectors); }},
    {"tile operations", [](const schedule::StageSummary& s) { return Log(s.tile_operations); }},
    {"tile loads", [](const schedule::StageSummary& s) { return Log(s.tile_loads); }},
    {"tile gathers", [](const schedule::StageSummary& s) { return Log(s.tile_gathers); }},
    {"tile stores", [](const schedule::StageSummary& s) { return Log(s.tile_stores); }},
    {"loads an operation",
     [](const schedule::StageSummary& s) { return s.tile_loads / std::max(1.0, s.tile_operations); }},
    {"accumulators", [](const schedule::StageSummary& s) { return s.accumulators; }},
    {"keeps", [](const schedule::StageSummary& s) { return Log(s.keeps); }},
    {"kept moves", [](const schedule::StageSummary& s) { return Log(s.kept_moves); }},
    {"chain", [](const schedule::StageSummary& s) { return Log(s.chain); }},
    {"inner extent", [](const schedule::StageSummary& s) { return Log(s.inner_extent); }},
    {"code", [](const schedule::StageSummary& s) { return Log(s.code); }},
    {"guards", [](const schedule::StageSummary& s) { return s.guards; }},
    {"divisions", [](const schedule::StageSummary& s) { return Log(s.divisions); }},
};

constexpr const char* kWhole[] = {"cycles, analytic",
                                  "log cycles",
                                  "beyond first cache",
                                  "beyond second cache",
                                  "beyond last cache",
                                  "streamed",
                                  "strided",
                                  "prefetched",
                                  "parallel pieces",
                                  "grain",
                                  "serial share",
                                  "parallel regions",
                                  "thread bytes",
                                  "stages"};
constexpr int kStages = 2;  // the heaviest ones are looked at one by one

}  // namespace

const std::vector<std::string>& FeatureNames() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all(std::begin(kWhole), std::end(kWhole));
    for (int stage = 1; stage <= kStages; ++stage) {
      for (const Column& c : kColumns)
        all.push_back(std::string(c.name) + (stage == 1 ? ", heaviest" : ", second"));
    }
    return all;
  }();
  return names;
}

Features FeaturesOf(schedule::Summary summary, const schedule::Machine& machine) {
  double cycles = AnalyticCycles(summary, machine);
  Features row;
  row.reserve(FeatureNames().size());
  for (double value : {cycles, Log(cycles), Log(summary.traffic_bytes[0]), Log(summary.traffic_bytes[1]),
                       Log(summary.traffic_bytes[2]), Log(summary.streamed_bytes), Log(summary.strided_bytes),
                       Log(summary.prefetched_lines), Log(summary.parallel_iterations), Log(summary.grain),
                       summary.serial_share(), summary.parallel_regions, Log(summary.largest_thread_bytes),
                       static_cast<double>(summary.stages.size())}) {
    row.push_back(static_cast<float>(value));
  }
  std::stable_sort(summary.stages.begin(), summary.stages.end(),
                   [](const schedule::StageSummary& a, const schedule::StageSummary& b) {
                     return a.tiles * a.tile_operations > b.tiles * b.tile_operations;
                   });
  summary.stages.resize(kStages);
  for (const schedule::StageSummary& s : summary.stages) {
    for (const Column& c : kColumns) row.push_back(static_cast<float>(c.value(s)));
  }
  return row;
}

}  // namespace tunesmith::costmodel
