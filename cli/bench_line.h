// SPDX-License-Identifier: Apache-2.0
// What tune bench says of a workload, in its three forms.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cli/contest.h"
#include "cli/output.h"
#include "measure/bound.h"

namespace tunesmith::cli {

/// Times are medians; 0 where there is none.
struct BenchLine {
  std::string id;
  int threads = 1;
  double tuned_ns = 0;
  double default_ns = 0;
  bool recorded = false;                // what counts as tuned is a record, or the trace given
  std::map<std::string, double> peers;  // by name: the better of one and `threads` threads
  std::string best_peer;                // the fastest of them
  double best_peer_ns = 0;
  std::map<std::string, std::string> refusals;  // why contenders do not count: by file; "tuned", "default"
  measure::Bound bound;                         // of the tuned kernel's algorithm
  bool provisional = false;                     // the bound is of limits that may be too low
  bool checked = false;                         // our kernels were timed and are right
  std::string error;                            // why nothing was timed; then there is nothing else

  static BenchLine Failed(std::string id, int threads, std::string error) {
    BenchLine line;
    line.id = std::move(id);
    line.threads = threads;
    line.error = std::move(error);
    return line;
  }

  /// best peer / tuned; 0 if one of them is missing.
  double ratio() const { return best_peer_ns > 0 && tuned_ns > 0 ? best_peer_ns / tuned_ns : 0; }
};

/// A peer on one number of threads.
struct PeerRun {
  int threads = 1;
  Standing standing;
};

/// Takes in the peers' standings, by file, with one run or more for each. A peer's time is the better of
/// those on one thread and on all. Libraries that give themselves the same name are told apart by their
/// files.
void AddPeers(const std::map<std::string, std::vector<PeerRun>>& peers, BenchLine* line);

nlohmann::json JsonOf(const BenchLine& line);
std::string TsvOf(const BenchLine& line);

/// The heading of the text form, and a line for a workload with one for each refusal. Columns have fixed
/// widths, so that a line can be printed as soon as it is known.
std::string BenchHeading(size_t id_width, const Style& style);
std::string TextOf(const BenchLine& line, size_t id_width, const Style& style);

}  // namespace tunesmith::cli
