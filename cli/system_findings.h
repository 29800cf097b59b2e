// SPDX-License-Identifier: Apache-2.0
// What the operating system says about how well times can be measured here.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace tunesmith::cli {

/// One thing that tune doctor looked at.
struct Finding {
  enum class State : uint8_t {
    kOk,
    kWarning,  // everything works, but worse than it could
    kProblem,  // something does not work
  };
  State state = State::kOk;
  std::string name;
  std::string text;  // what was found
  std::string cure;  // what to do about it; of every finding that is not ok
};

/// "ok", "warning" or "problem".
std::string NameOf(Finding::State state);

/// Clock source, frequency governor, load, CPU quota and huge pages, read from the files below `root` ("/"
/// but in tests) that Linux keeps them in. A file that is not there is no fault: virtual machines and
/// containers hide some. `cpus` is how many this process may use.
std::vector<Finding> SystemFindings(const std::filesystem::path& root, int cpus);

/// The resolution of the clock that programs see, and what a look at it costs.
Finding ClockFinding();

}  // namespace tunesmith::cli
