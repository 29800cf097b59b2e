// SPDX-License-Identifier: Apache-2.0
// scripts/install-packages on systems that are not this one: PATH holds made-up programs that say what is
// installed, who asks, and whether apt-get succeeds.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "support/files.h"
#include "support/strings.h"
#include "support/subprocess.h"

namespace tunesmith {
namespace {

namespace fs = std::filesystem;

class System {
 public:
  System() {
    std::string pattern = (fs::temp_directory_path() / "install-packages-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    for (const char* name : {"sh", "awk", "cat", "dirname", "env", "mktemp", "rm", "tail"}) {
      for (const char* where : {"/usr/bin", "/bin"}) {
        std::error_code error;
        if (fs::exists(fs::path(where) / name))
          fs::create_symlink(fs::path(where) / name, folder_ / name, error);
      }
    }
  }
  ~System() { fs::remove_all(folder_); }

  /// A program of this name, by the text of its script.
  void Has(const std::string& name, const std::string& script) {
    std::ofstream(folder_ / name) << "#!/bin/sh\n" << script << "\n";
    fs::permissions(folder_ / name, fs::perms::owner_all);
  }
  /// Debian, with everything of cmake/packages.txt installed but what matches a pattern of the shell.
  void IsDebianWithout(const std::string& missing) {
    Has("dpkg-query", StrCat("case \"$4\" in ", missing, ") exit 1;; *) printf installed;; esac"));
  }
  /// apt-get notes how it is called; it fails where a package matches.
  void AptGetFailsFor(const std::string& pattern) {
    Has("apt-get", StrCat("echo \"$DEBIAN_FRONTEND $*\" >> ", (folder_ / "apt.log").string(),
                          "\ncase \"$*\" in *", pattern, "*) echo unable to locate; exit 100;; esac"));
  }
  std::string AptGetCalls() const {
    Result<std::string> text = ReadFile(folder_ / "apt.log", 1 << 20);
    return text.ok() ? *text : "";
  }
  CommandOutput Install(std::vector<std::string> roles = {}) const {
    Command command;
    command.args = {"/bin/sh", TUNESMITH_SOURCE_DIR "/scripts/install-packages"};
    command.environment = {StrCat("PATH=", folder_.string()), StrCat("TMPDIR=", folder_.string())};
    command.args.insert(command.args.end(), roles.begin(), roles.end());
    Result<CommandOutput> output = RunCommand(command, "", After(std::chrono::seconds(60)));
    EXPECT_TRUE(output.ok()) << output.status();
    return output.ok() ? *output : CommandOutput();
  }

 private:
  fs::path folder_;
};

constexpr std::string_view kCmakeAlone =
    "With the same libraries from elsewhere (docs/dependencies.md) build with cmake alone, which names what "
    "is "
    "missing:\n"
    "  cmake -S . -B build -G Ninja -DCMAKE_PREFIX_PATH=/where/they/are && cmake --build build\n"
    "Tests and benchmarks are left out where what they need is missing.\n";

TEST(InstallPackages, WhereAllIsThereItSaysNothing) {
  System system;
  system.IsDebianWithout("none");
  const CommandOutput output = system.Install();
  EXPECT_EQ(output.status.code, 0);
  EXPECT_EQ(output.output + output.error_output, "");
}

TEST(InstallPackages, WithoutRootItSaysWhatIsMissingAndHowToBuildWithCmakeAlone) {
  System system;
  system.IsDebianWithout("libfmt-dev|libgtest-dev|mold");
  system.Has("id", "echo 1000");
  const CommandOutput output = system.Install();
  EXPECT_EQ(output.status.code, 1);
  EXPECT_EQ(output.error_output, StrCat("Not installed, and not required: mold\n"
                                        "These packages are missing, and only root can install them:\n"
                                        "  libfmt-dev libgtest-dev\n"
                                        "As root:\n"
                                        "  apt-get install --no-install-recommends libfmt-dev libgtest-dev\n",
                                        kCmakeAlone));
}

TEST(InstallPackages, WithoutRootItGoesOnWithoutWhatIsOptional) {
  System system;
  system.IsDebianWithout("libxgboost-dev");
  system.Has("id", "echo 1000");
  const CommandOutput output = system.Install();
  EXPECT_EQ(output.status.code, 0);
  EXPECT_EQ(output.error_output, "Not installed, and not required: libxgboost-dev\n");
}

TEST(InstallPackages, OnAnotherSystemItSaysHowToBuildWithCmakeAlone) {
  const CommandOutput output = System().Install();
  EXPECT_EQ(output.status.code, 0);
  EXPECT_EQ(output.error_output, StrCat("This system does not use Debian's packages.\n", kCmakeAlone));
}

TEST(InstallPackages, AsRootItInstallsWhatIsMissingOfTheRoles) {
  System system;
  system.IsDebianWithout("libfmt-dev|libgtest-dev|mold");
  system.Has("id", "echo 0");
  system.AptGetFailsFor("nothing");
  EXPECT_EQ(system.Install({"build", "optional"}).status.code, 0);
  const std::string apt = "noninteractive -qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 ";
  EXPECT_EQ(system.AptGetCalls(),
            StrCat(apt, "update\n", apt, "install -y --no-install-recommends libfmt-dev\n", apt,
                   "install -y --no-install-recommends mold\n"));
}

TEST(InstallPackages, ThroughSudoWhereItAsksForNoPassword) {
  System system;
  system.IsDebianWithout("libfmt-dev");
  system.Has("id", "echo 1000");
  system.Has("sudo", "[ \"$1\" = -n ] && shift\n\"$@\"");
  system.Has("true", ":");
  system.AptGetFailsFor("nothing");
  EXPECT_EQ(system.Install({"build"}).status.code, 0);
  EXPECT_NE(system.AptGetCalls().find("install -y --no-install-recommends libfmt-dev\n"), std::string::npos);
}

TEST(InstallPackages, ARequiredOneThatFailsIsToldAndTheOthersAreInstalled) {
  System system;
  system.IsDebianWithout("libfmt-dev|libxxhash-dev");
  system.Has("id", "echo 0");
  system.AptGetFailsFor("libfmt-dev");
  const CommandOutput output = system.Install({"build"});
  EXPECT_EQ(output.status.code, 1);
  EXPECT_EQ(
      output.error_output,
      StrCat("Installing libfmt-dev libxxhash-dev\nunable to locate\napt-get could not install: libfmt-dev\n",
             kCmakeAlone));
  EXPECT_NE(system.AptGetCalls().find("install -y --no-install-recommends libxxhash-dev\n"),
            std::string::npos);
}

TEST(InstallPackages, AnOptionalOneThatFailsIsLeftOut) {
  System system;
  system.IsDebianWithout("libxgboost-dev|mold");
  system.Has("id", "echo 0");
  system.AptGetFailsFor("libxgboost-dev");
  const CommandOutput output = system.Install({"optional"});
  EXPECT_EQ(output.status.code, 0);
  EXPECT_EQ(output.error_output, "Installing libxgboost-dev mold\nGoing on without libxgboost-dev\n");
  EXPECT_NE(system.AptGetCalls().find("install -y --no-install-recommends mold\n"), std::string::npos);
}

}  // namespace
}  // namespace tunesmith
