// SPDX-License-Identifier: Apache-2.0
// What tune doctor makes of the system's files, on systems made of files.
#include "cli/system_findings.h"

#include <gtest/gtest.h>

#include <fstream>

#include "support/files.h"
#include "support/strings.h"

namespace tunesmith::cli {
namespace {

class SystemFiles : public testing::Test {
 protected:
  void SetUp() override {
    Result<TemporaryFolder> folder = TemporaryFolder::Make();
    ASSERT_TRUE(folder.ok()) << folder.status();
    folder_.emplace(*std::move(folder));
  }
  void Write(const std::string& path, const std::string& contents) {
    std::filesystem::create_directories((folder_->path() / path).parent_path());
    std::ofstream(folder_->path() / path) << contents;
  }
  /// "warning: off: …", with the cure on a line of its own.
  std::string About(const std::string& name, int cpus = 4) {
    for (const Finding& f : SystemFindings(folder_->path(), cpus)) {
      if (f.name == name) return StrCat(NameOf(f.state), ": ", f.text, f.cure.empty() ? "" : "\n", f.cure);
    }
    return "no such finding";
  }

  std::optional<TemporaryFolder> folder_;
};

TEST_F(SystemFiles, ThatAreMissingAreNoFaultExceptHugePages) {
  EXPECT_EQ(About("clock source"), "ok: the system does not tell");
  EXPECT_EQ(About("governor"), "ok: the system does not tell (usual in virtual machines)");
  EXPECT_EQ(About("load"), "ok: the system does not tell");
  EXPECT_EQ(About("CPU quota"), "ok: none");
  EXPECT_EQ(About("huge pages"),
            "warning: off: buffers lie on small pages, and the same kernel differs from one process to the "
            "next\necho madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled");
}

TEST_F(SystemFiles, TellTheClockSource) {
  const std::string file = "sys/devices/system/clocksource/clocksource0/current_clocksource";
  Write(file, "tsc\n");
  EXPECT_EQ(About("clock source"), "ok: tsc");
  Write(file, "hpet\n");
  EXPECT_EQ(
      About("clock source"),
      "warning: hpet: each look at the clock is a system call\nstart Linux with clocksource=tsc, if this "
      "machine's counter is reliable");
}

TEST_F(SystemFiles, TellTheGovernorOfEveryCpu) {
  Write("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
  EXPECT_EQ(About("governor"), "ok: performance");
  Write("sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "powersave\n");
  EXPECT_EQ(About("governor"),
            "warning: performance, powersave: the CPU's frequency changes while kernels are timed\nsudo "
            "cpupower frequency-set --governor performance");
}

TEST_F(SystemFiles, TellTheLoad) {
  Write("proc/loadavg", "1.50 3.00 3.00 2/345 6789\n");
  EXPECT_EQ(About("load", 4), "ok: 1.5 programs were running in the last minute, on 4 CPUs");
  EXPECT_EQ(About("load", 2),
            "warning: 1.5 programs were running in the last minute, on 2 CPUs\nend what else runs while "
            "kernels are timed, or wait for it");
  EXPECT_EQ(About("load", 1),
            "warning: 1.5 programs were running in the last minute, on 1 CPU\nend what else runs while "
            "kernels are timed, or wait for it");
}

TEST_F(SystemFiles, TellTheQuota) {
  Write("sys/fs/cgroup/cpu.max", "max 100000\n");
  EXPECT_EQ(About("CPU quota"), "ok: none");
  Write("sys/fs/cgroup/cpu.max", "400000 100000\n");
  EXPECT_EQ(About("CPU quota", 4), "ok: the time of 4 CPUs");
  Write("sys/fs/cgroup/cpu.max", "150000 100000\n");
  EXPECT_EQ(About("CPU quota", 4),
            "warning: the time of 1.5 CPUs on 4: kernels are stopped while they are timed\nraise the "
            "container's CPU limit to whole CPUs, or pin it to some (docker run --cpuset-cpus)");
  Write("sys/fs/cgroup/cpu.max", "nonsense\n");
  EXPECT_EQ(About("CPU quota"), "ok: none");
}

TEST_F(SystemFiles, TellWhetherHugePagesAreOn) {
  const std::string file = "sys/kernel/mm/transparent_hugepage/enabled";
  Write(file, "always [madvise] never\n");
  EXPECT_EQ(About("huge pages"), "ok: transparent: madvise");
  Write(file, "[always] madvise never\n");
  EXPECT_EQ(About("huge pages"), "ok: transparent: always");
  Write(file, "always madvise [never]\n");
  EXPECT_TRUE(About("huge pages").starts_with("warning: off: "));
}

TEST(Clock, IsFineHereAndSaysItsStep) {
  Finding finding = ClockFinding();
  EXPECT_EQ(finding.name, "clock");
  EXPECT_TRUE(finding.text.starts_with("smallest step ")) << finding.text;
  EXPECT_EQ(finding.cure.empty(), finding.state == Finding::State::kOk);
}

}  // namespace
}  // namespace tunesmith::cli
