// SPDX-License-Identifier: Apache-2.0
// Runs the real `tune` in a folder of its own, with an empty PATH and nobody's environment.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "support/subprocess.h"

namespace tunesmith::cli {

class Sandbox {
 public:
  /// Fails the test if the system gives no temporary folder.
  Sandbox();

  std::filesystem::path folder() const { return folder_.path(); }
  std::string Path(const std::string& name) const { return (folder() / name).string(); }
  /// Makes the folders of the name too.
  void Write(const std::string& name, std::string_view contents) const;

  /// tune with these words, to be started in the folder. Its database is `data/tunesmith/tuning.db` there;
  /// limits are measured once for all sandboxes.
  Command TuneCommand(const std::vector<std::string>& words) const;
  /// Its whole run; a test fails if it does not end within two minutes.
  CommandOutput Tune(const std::vector<std::string>& words, std::string_view input = "") const;
  /// A shell's run of `script`, in which "$@" is tune with these words; in the folder, and within two minutes.
  CommandOutput InShell(const std::string& script, const std::vector<std::string>& words) const;
  /// The bytes of a file.
  std::string Read(const std::string& name) const;
  /// The names in the folder, sorted.
  std::vector<std::string> Names() const;

 private:
  TemporaryFolder folder_;
};

/// "--as 'a b'" as a shell would split it; single quotes only.
std::vector<std::string> ShellWords(std::string_view line);

/// The text with what differs from run to run, or from machine to machine, replaced: times, rates, sizes,
/// shares and gains by #, hashes by <hash>, the folder by <folder>, this machine's target by <native>, counts
/// of candidates by <candidates>; lines about finals, which take place if kernels are about equally fast,
/// and about limits that were measured on a busy machine are left out; runs of blanks within a line, which
/// follow the widths of these, become two.
std::string Normalised(std::string text, const Sandbox& sandbox);

/// Lines of the text, without their ends.
std::vector<std::string> Lines(const std::string& text);

}  // namespace tunesmith::cli
