// SPDX-License-Identifier: Apache-2.0
// tune build, and -o of tune run: what goes in, what comes out, and what is refused.
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "database/database.h"
#include "nlohmann/json.hpp"
#include "support/strings.h"
#include "tests/library/generated.h"

namespace tunesmith::library {
namespace {

namespace fs = std::filesystem;

/// A small workload, with its words on the command line.
const std::vector<std::string> kProduct = {"matmul", "M=24", "N=32", "K=16"};

class BuildTest : public testing::Test {
 protected:
  std::string Path(std::string_view name) const { return (temporary_.path() / name).string(); }
  static std::vector<std::string> Words(const std::string& command, const std::vector<std::string>& more,
                                        const std::vector<std::string>& workload = kProduct) {
    std::vector<std::string> words = {command};
    words.insert(words.end(), workload.begin(), workload.end());
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  static std::map<std::string, std::string> Contents(const fs::path& folder) {
    std::map<std::string, std::string> contents;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file())
        contents[entry.path().lexically_relative(folder).string()] = Value(ReadFile(entry.path(), 1 << 30));
    }
    return contents;
  }
  static nlohmann::json ManifestOf(const fs::path& folder) {
    return nlohmann::json::parse(Value(ReadFile(folder / "manifest.json", 1 << 30)));
  }
  /// Expects an exit code and all that is said on standard error, in which this test's folder is "TOP".
  void ExpectRefused(const CommandOutput& output, int code, const std::string& message) const {
    EXPECT_EQ(output.status.code, code);
    std::string text = output.error_output, top = temporary_.path().string();
    for (size_t at = text.find(top); at != std::string::npos; at = text.find(top))
      text.replace(at, top.size(), "TOP");
    EXPECT_EQ(text, message);
  }

  TemporaryFolder temporary_ = Value(TemporaryFolder::Make());
};

TEST_F(BuildTest, GivesAllThatTheManifestLists) {
  ExpectOk(Tune(Words("build", {"-o", Path("lib")})));
  std::map<std::string, std::string> contents = Contents(Path("lib"));
  nlohmann::json manifest = ManifestOf(Path("lib"));
  std::vector<std::string> files;
  for (const auto& [path, bytes] : contents) {
    if (path != "manifest.json") files.push_back(path);
  }
  EXPECT_EQ(manifest["files"], files);
  EXPECT_EQ(files,
            (std::vector<std::string>{
                "LICENSE", "bin/tuned_matmul_bench", "include/tuned_matmul.h", "include/tunesmith_kernel.h",
                "include/tunesmith_library.h", "lib/cmake/tuned_matmul/tuned_matmulConfig.cmake",
                "lib/libtuned_matmul.a", "lib/libtuned_matmul.so", "python/tuned_matmul.py"}));
  EXPECT_EQ(manifest["format"], "tunesmith library 1");
  const nlohmann::json& kernel = manifest["kernels"][0];
  EXPECT_EQ(kernel["name"], "matmul_M24_N32_K16");
  EXPECT_EQ(kernel["function"], "tuned_matmul_matmul_M24_N32_K16");
  EXPECT_EQ(kernel["bindings"]["M"], "24");
  EXPECT_EQ(kernel["parameters"][1],
            nlohmann::json::parse(R"({"name": "B", "role": "weight", "dtype": "f32", "shape": [16, 32]})"));
  const nlohmann::json& variant = kernel["variants"][0];
  EXPECT_EQ(variant["target"], "x86-64-sse4.2");
  EXPECT_EQ(variant["schedule"], "default");
  EXPECT_TRUE(variant["latency_ns"].is_null());
  EXPECT_TRUE(variant["trace"].get<std::string>().starts_with("trace 1\n"));
  EXPECT_EQ(variant["tolerance"]["factor"], 1.0);
}

TEST_F(BuildTest, GivesTheSameBytesAnywhere) {
  ExpectOk(Tune(Words("build", {"-o", Path("one")})));
  ExpectOk(Tune(Words("build", {"-o", Path("two")})));
  ExpectOk(Tune(Words("build", {"-o", Path("one")})));  // in the place of the first
  // Neither the working folder nor PATH nor the date show.
  Command elsewhere{{(Value(ExecutableFolder()) / "tune").string()},
                    std::vector<std::string>{"XDG_DATA_HOME=/nonexistent", "TZ=Asia/Tokyo"},
                    temporary_.path().string()};
  for (const std::string& word : Words("build", {"-o", "three"})) elsewhere.args.push_back(word);
  ExpectOk(Value(RunCommand(elsewhere, "", After(std::chrono::minutes(5)))));
  std::map<std::string, std::string> one = Contents(Path("one"));
  EXPECT_EQ(one.size(), 10u);
  EXPECT_TRUE(one == Contents(Path("two")));
  EXPECT_TRUE(one == Contents(Path("three")));
  for (const auto& [path, bytes] : one) {
    EXPECT_EQ(bytes.find(temporary_.path().string()), std::string::npos) << path;
    EXPECT_EQ(bytes.find(TUNESMITH_SOURCE_DIR), std::string::npos) << path;
  }
}

TEST_F(BuildTest, HoldsTheLevelsUpToTheTarget) {
  ExpectOk(Tune(Words("build", {"--target", "x86-64-avx2", "-o", Path("lib")})));
  std::vector<std::string> targets;
  nlohmann::json manifest = ManifestOf(Path("lib"));
  for (const nlohmann::json& variant : manifest["kernels"][0]["variants"])
    targets.push_back(variant["target"]);
  EXPECT_EQ(targets, (std::vector<std::string>{"x86-64-sse4.2", "x86-64-avx2"}));
}

TEST_F(BuildTest, TakesTheFastestRecords) {
  // The run leaves a library of its own, of the records that it has just made.
  CommandOutput run = Tune(Words("run", {"--trials", "3", "--db", Path("t.db"), "-o", Path("run")}));
  ExpectOk(run);
  auto database = Value(database::OpenDatabase(Path("t.db"), {database::OpenMode::kReadOnly}));
  std::vector<database::Record> records = Value(database->Find({}));
  ASSERT_FALSE(records.empty());
  database::Record best = Value(database->Best(records[0].key)).value_or(database::Record());
  ASSERT_FALSE(best.id.empty());
  nlohmann::json manifest = ManifestOf(Path("run")), variants = manifest["kernels"][0]["variants"];
  EXPECT_EQ(manifest["kernels"][0]["workload"], best.key.workload);
  EXPECT_EQ(manifest["target"], best.key.target);
  const nlohmann::json& tuned = variants.back();
  EXPECT_EQ(tuned["schedule"], "record");
  EXPECT_EQ(tuned["record"], best.id);
  EXPECT_EQ(tuned["latency_ns"], best.outcome.median_ns);
  EXPECT_EQ(tuned["trace"], best.trace);
  EXPECT_EQ(tuned["environment"], nlohmann::json::parse(best.environment));
  Loaded loaded(Path("run"), "tuned_matmul");
  const tunesmith_kernel& kernel = loaded.library().kernel[0];
  EXPECT_EQ(kernel.variant[kernel.variants - 1].recorded_ns, best.outcome.median_ns);

  // The same records give the same bytes, through another file as well.
  ExpectOk(Tune(Words("build", {"--missing", "fail", "--db", Path("t.db"), "-o", Path("built")})));
  EXPECT_TRUE(Contents(Path("run")) == Contents(Path("built")));
  ExpectOk(Tune({"db", "export", "--db", Path("t.db"), "-o", Path("t.jsonl")}));
  ExpectOk(Tune({"db", "import", "--db", Path("u.db"), Path("t.jsonl")}));
  ExpectOk(Tune(Words("build", {"--db", Path("u.db"), "-o", Path("imported")})));
  EXPECT_TRUE(Contents(Path("run")) == Contents(Path("imported")));

  // Records under other circumstances are no records.
  CommandOutput cold = Tune(
      Words("build", {"--scenario", "cold", "--missing", "fail", "--db", Path("t.db"), "-o", Path("cold")}));
  ExpectRefused(
      cold, 1,
      StrCat("tune: no record for ", best.key.target,
             ", cold threads=1 pinned huge, of:\n  matmul M=24 N=32 K=16\ntune them with tune run, or take "
             "default schedules with --missing default\n"));
  EXPECT_FALSE(fs::exists(Path("cold")));
}

TEST_F(BuildTest, HoldsTheRecordsAlgorithm) {
  std::ofstream(Path("sums.te")) << "op row_sum(X: f32[R, C]) -> (Y: f32[R]) { Y[r] = sum(c) X[r, c] }\n"
                                    "algorithm split tolerance 2 if C % 8 == 0 {\n"
                                    "  p[r, s < 8] = sum(c < C/8) X[r, s*(C/8) + c]\n"
                                    "  Y[r]        = sum(s) p[r, s]\n"
                                    "}\n";
  const std::vector<std::string> sums = {Path("sums.te"), "R=6", "C=64"};
  ExpectOk(Tune(Words("run", {"--trials", "6", "--db", Path("t.db")}, sums)));
  // Only records of the algorithm are left, so that the best is one of them.
  ExpectOk(Tune({"db", "export", "--db", Path("t.db"), "-o", Path("all.jsonl")}));
  std::string split;
  for (std::string_view line : StrSplit(Value(ReadFile(Path("all.jsonl"), 1 << 20)), '\n')) {
    if (line.find("algorithm split\\ntarget") != std::string_view::npos) StrAppend(&split, line, "\n");
  }
  std::ofstream(Path("split.jsonl")) << split;
  ExpectOk(Tune({"db", "import", "--db", Path("split.db"), Path("split.jsonl")}));
  ExpectOk(Tune(Words("build",
                      {"--missing", "fail", "--db", Path("split.db"), "--target", "native", "--name", "sums",
                       "-o", Path("lib")},
                      sums)));
  const nlohmann::json manifest = ManifestOf(Path("lib"));
  const nlohmann::json& variant = manifest["kernels"][0]["variants"].back();
  EXPECT_NE(variant["trace"].get<std::string>().find("\nalgorithm split\n"), std::string::npos);
  EXPECT_EQ(variant["tolerance"]["factor"], 2.0);

  Loaded loaded(Path("lib"), "sums");
  const tunesmith_kernel& kernel = loaded.library().kernel[0];
  te::Value x(te::DType::kF32, {6, 64});
  for (int64_t i = 0; i < x.elements(); ++i) x.Store(i, static_cast<double>(i % 37));
  Buffer in(x), out(kernel.parameter[1].bytes);
  tunesmith_tensor tensors[] = {Describe(kernel.parameter[0], in.data()),
                                Describe(kernel.parameter[1], out.data())};
  Buffer workspace(static_cast<int64_t>(loaded.workspace_bytes(kernel, 1)));
  ASSERT_EQ(loaded.run(kernel, {&tensors[0], &tensors[1]}, nullptr, workspace.data(),
                       static_cast<size_t>(workspace.size()), nullptr),
            TUNESMITH_OK);
  for (int64_t r = 0; r < 6; ++r) {
    double sum = 0;
    for (int64_t c = 0; c < 64; ++c) sum += x.Load(r * 64 + c);
    EXPECT_EQ(te::LoadElement(te::DType::kF32, out.data() + 4 * r), sum) << r;
  }
}

TEST_F(BuildTest, LeavesJsonAlone) {
  CommandOutput run =
      Tune(Words("run", {"--trials", "1", "--format", "json", "--db", Path("t.db"), "-o", Path("lib")}));
  ExpectOk(run);
  nlohmann::json last;
  for (std::string_view line : StrSplit(run.output, '\n')) {
    if (line.empty()) continue;
    last = nlohmann::json::parse(line, nullptr, false);
    ASSERT_TRUE(last.is_object()) << line;
  }
  EXPECT_EQ(last, nlohmann::json({{"event", "library"}, {"folder", Path("lib")}}));
}

TEST_F(BuildTest, NamesAllThatIsMissing) {
  std::ofstream(Path("two.tsv")) << "first\trelu\tR=8 C=8\nsecond\trelu\tR=8 C=16\n";
  CommandOutput output = Tune({"build", "--suite", Path("two.tsv"), "--target", "x86-64-avx2", "--missing",
                               "fail", "-o", Path("lib")});
  ExpectRefused(
      output, 1,
      "tune: no record for x86-64-avx2, warm threads=1 pinned huge, of:\n  first\n  second\ntune them with "
      "tune run, or take default schedules with --missing default\n");
  EXPECT_FALSE(fs::exists(Path("lib")));
}

TEST_F(BuildTest, NamesComeFromTheSuiteOrTheUser) {
  std::ofstream(Path("my-net.tsv")) << "relu.1\trelu\tR=8 C=8\nrelu-1\trelu\tR=8 C=16\n";
  ExpectOk(Tune({"build", "--suite", Path("my-net.tsv"), "-o", Path("net")}));
  nlohmann::json manifest = ManifestOf(Path("net"));
  EXPECT_EQ(manifest["name"], "tuned_my_net");
  EXPECT_EQ(manifest["kernels"][0]["name"], "relu_1");
  EXPECT_EQ(manifest["kernels"][1]["name"], "relu_1_2");
  std::ofstream(Path("mine.te")) << "op twice(X: f32[N]) -> (Y: f32[N]) { Y[i] = X[i] + X[i] }\n";
  ExpectOk(Tune({"build", Path("mine.te"), "N=9", "--name", "mine", "-o", Path("mine")}));
  manifest = ManifestOf(Path("mine"));
  EXPECT_EQ(manifest["name"], "mine");
  EXPECT_EQ(manifest["kernels"][0]["name"], "twice_N9");  // no path shows
  ExpectRefused(Tune(Words("build", {"--name", "2fast", "-o", Path("bad")})), 2,
                "tune: '2fast' cannot be a library's name: a letter, then letters, digits and underscores, "
                "64 at most\n");
}

TEST_F(BuildTest, RefusesFoldersBeforeAnyWork) {
  ExpectRefused(
      Tune(Words("build", {"-o", Path("missing/lib")})), 2,
      "tune: cannot write to TOP/missing: No such file or directory; check the path, and that its folder "
      "exists\n");
  ExpectRefused(
      Tune(Words("build", {"-o", "/dev/full"})), 2,
      "tune: cannot write a library to /dev/full: it is not a folder; name one that is new or empty\n");
  std::ofstream(Path("thesis.txt")) << "mine";
  const std::string foreign =
      "tune: cannot write a library to TOP: it holds thesis.txt, which is not of a library; name a folder "
      "that is new "
      "or empty\n";
  ExpectRefused(Tune(Words("build", {"-o", temporary_.path().string()})), 2, foreign);
  // Tuning for hours and failing at the end would be worse.
  CommandOutput run = Tune(Words("run", {"--db", Path("t.db"), "-o", temporary_.path().string()}));
  ExpectRefused(run, 2, foreign);
  EXPECT_FALSE(fs::exists(Path("t.db")));
}

TEST_F(BuildTest, RefusesADatabaseThatIsNotThere) {
  CommandOutput output = Tune(Words("build", {"--db", Path("no.db"), "-o", Path("lib")}));
  EXPECT_EQ(output.status.code, 2);
  EXPECT_NE(output.error_output.find("no.db"), std::string::npos) << output.error_output;
  EXPECT_FALSE(fs::exists(Path("lib")));
}

TEST_F(BuildTest, LeavesNothingOnAFullDisk) {
  // A disk of 48 KiB of our own, where the system lets us mount one.
  fs::create_directory(Path("disk"));
  std::string script =
      StrCat("mount -t tmpfs -o size=48k none ", Path("disk"), " || exit 77; ",
             (Value(ExecutableFolder()) / "tune").string(), " build ", StrJoin(kProduct, " "), " -o ",
             Path("disk"), "/lib; code=$?; ls -A ", Path("disk"), "; exit $code");
  CommandOutput output = RunProgram({"unshare", "--mount", "sh", "-c", script});
  if (output.status.code == 77 || output.error_output.starts_with("unshare:"))
    GTEST_SKIP() << "file systems cannot be mounted here: " << output.error_output;
  EXPECT_EQ(output.status.code, 3) << output.error_output;
  EXPECT_NE(output.error_output.find("No space left on device; free some space or choose another disk"),
            std::string::npos)
      << output.error_output;
  EXPECT_EQ(output.output, "");  // nothing is there, not even a folder
}

}  // namespace
}  // namespace tunesmith::library
