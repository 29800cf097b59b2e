// SPDX-License-Identifier: Apache-2.0
// What users do with a generated library's folder: compile against it, find it with CMake, import it,
// measure.
#include <gtest/gtest.h>

#include <fstream>

#include "library/names.h"
#include "support/strings.h"
#include "te/inputs.h"
#include "tests/library/generated.h"

namespace tunesmith::library {
namespace {

std::string SourceOf(std::string_view name) { return StrCat(TUNESMITH_SOURCE_DIR, "/tests/library/", name); }

class ConsumersTest : public testing::Test {
 protected:
  std::string Path(std::string_view name) const { return (temporary_.path() / name).string(); }
  std::string Folder(std::string_view part) const { return (GeneratedFolder() / part).string(); }
  /// Compiles a program of this folder with every warning an error.
  std::string Compile(const std::string& name, const std::vector<std::string>& link) {
    std::vector<std::string> args = {
        "cc", "-std=c11",        "-D_ISOC11_SOURCE",    "-Wall", "-Wextra", "-Wpedantic", "-Werror",
        "-I", Folder("include"), SourceOf(name + ".c"), "-o",    Path(name)};
    args.insert(args.end(), link.begin(), link.end());
    ExpectOk(RunProgram(args));
    return Path(name);
  }
  /// The consumer's two lines, the second of which is the level.
  void ExpectConsumerRuns(const std::vector<std::string>& args, const std::string& level) {
    CommandOutput output = RunProgram(args);
    ExpectOk(output);
    EXPECT_EQ(output.output, StrCat("argument 1: another shape than the kernel's\n", level, "\n"));
  }
  std::string BestLevel() {
    Loaded loaded(GeneratedFolder(), "tuned_kernels");
    return loaded.variant(loaded.kernel("product"))->target;
  }

  TemporaryFolder temporary_ = Value(TemporaryFolder::Make());
};

TEST_F(ConsumersTest, ACProgramUsesTheSharedLibrary) {
  std::string program =
      Compile("consumer", {"-L", Folder("lib"), "-ltuned_kernels", StrCat("-Wl,-rpath,", Folder("lib"))});
  ExpectConsumerRuns({program}, BestLevel());
}

TEST_F(ConsumersTest, ACProgramUsesTheStaticLibrary) {
  std::string program = Compile("consumer", {Folder("lib/libtuned_kernels.a"), "-pthread"});
  ExpectConsumerRuns({program}, BestLevel());
}

TEST_F(ConsumersTest, AnOldProcessorRunsTheLeastLevel) {
  std::string program = Compile("consumer", {Folder("lib/libtuned_kernels.a"), "-pthread"});
  ExpectConsumerRuns({"qemu-x86_64", "-cpu", "Nehalem", program}, "x86-64-sse4.2");
}

TEST_F(ConsumersTest, EveryKernelIsRightOnAnOldProcessorWithCallersThatShareAPool) {
  const std::string program = Compile("every_kernel", {Folder("lib/libtuned_kernels.a"), "-pthread"});
  std::vector<te::Graph> definitions;
  std::vector<std::vector<te::Value>> inputs;
  std::string input;
  for (const te::SuiteEntry& entry : Suite()) {
    definitions.push_back(DefinitionOf(entry));
    inputs.push_back(te::GenerateInputs(te::InputKind::kUniform, 7, definitions.back()));
    for (const te::Value& value : inputs.back())
      input.append(reinterpret_cast<const char*>(value.data()), static_cast<size_t>(value.size_in_bytes()));
  }
  CommandOutput output = RunProgram({"qemu-x86_64", "-cpu", "Nehalem", program}, input);
  ExpectOk(output);
  size_t at = 0;
  for (size_t k = 0; k < definitions.size(); ++k) {
    for (const char* who : {"alone", "caller 1", "caller 2"}) {
      SCOPED_TRACE(StrCat(Suite()[k].id, ", ", who));
      std::vector<std::string> outputs;
      for (int t : definitions[k].Outputs()) {
        const te::Tensor& tensor = definitions[k].tensors[static_cast<size_t>(t)];
        auto bytes = static_cast<size_t>(tensor.elements() * te::SizeOf(tensor.dtype));
        ASSERT_LE(at + bytes, output.output.size());
        outputs.push_back(output.output.substr(at, bytes));
        at += bytes;
      }
      ExpectOutputs(definitions[k], inputs[k], te::ErrorModelFor(te::InputKind::kUniform), outputs);
    }
  }
  EXPECT_EQ(at, output.output.size());
}

TEST_F(ConsumersTest, APoolSurvivesForksWhereMemoryIsNotWiped) {
  const std::string program = Compile("forked", {Folder("lib/libtuned_kernels.a"), "-pthread"});
  ExpectOk(RunProgram({program}));
  // The emulator itself dies of threads that a forked child starts.
  ExpectOk(RunProgram({"qemu-x86_64", "-cpu", "Nehalem", program, "end"}));
}

TEST_F(ConsumersTest, AnOlderProcessorYetRunsNothing) {
  CommandOutput output = RunProgram(
      {"qemu-x86_64", "-cpu", "core2duo", Folder("bin/tuned_kernels_bench"), "--seconds", "0", "product"});
  EXPECT_EQ(output.status.code, 1) << output.error_output;
  EXPECT_NE(output.output.find("product                                  has no code for this processor\n"),
            std::string::npos)
      << output.output;
}

TEST_F(ConsumersTest, TheHeadersAreCPlusPlusToo) {
  std::ofstream(Path("header.cpp"))
      << "#include \"tuned_kernels.h\"\n#include \"tuned_kernels.h\"\n"
         "int main() { return tuned_kernels_library()->kernels == 17 ? 0 : 1; }\n";
  ExpectOk(RunProgram({"c++", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I", Folder("include"),
                       Path("header.cpp"), Folder("lib/libtuned_kernels.a"), "-o", Path("header")}));
  ExpectOk(RunProgram({Path("header")}));
}

TEST_F(ConsumersTest, TensorsMayHaveTheNamesOfMacros) {
  std::ofstream(Path("names.te"))
      << "op names(I: f32[N], linux: f32[N], weight stdin: f32[N]) -> (unix: f32[N]) {\n"
         "  unix[i] = I[i] + linux[i] * stdin[i]\n}\n";
  ExpectOk(Tune({"build", Path("names.te"), "N=4", "--name", "names", "-o", Path("names")}));
  std::ofstream(Path("names.c")) << "#include <complex.h>\n#include <stdio.h>\n"
                                    "#include \"names.h\"\n";
  for (const char* standard : {"c11", "gnu17"}) {
    ExpectOk(RunProgram({"cc", StrCat("-std=", standard), "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                         "-fsyntax-only", "-I", Path("names/include"), Path("names.c")}));
  }
}

TEST_F(ConsumersTest, CMakeFindsIt) {
  std::ofstream(Path("CMakeLists.txt"))
      << "cmake_minimum_required(VERSION 3.16)\nproject(consumer LANGUAGES C)\nset(CMAKE_C_STANDARD 11)\n"
         "find_package(tuned_kernels CONFIG REQUIRED)\nfind_package(tuned_kernels CONFIG REQUIRED)\n"
         "foreach(kind tuned_kernels static)\n  add_executable(consumer_${kind} "
      << SourceOf("consumer.c")
      << ")\n  target_link_libraries(consumer_${kind} PRIVATE tuned_kernels::${kind})\nendforeach()\n";
  ExpectOk(RunProgram({"cmake", "-S", temporary_.path().string(), "-B", Path("build"),
                       StrCat("-DCMAKE_PREFIX_PATH=", GeneratedFolder().string())}));
  ExpectOk(RunProgram({"cmake", "--build", Path("build")}));
  ExpectConsumerRuns({Path("build/consumer_tuned_kernels")}, BestLevel());
  ExpectConsumerRuns({Path("build/consumer_static")}, BestLevel());
}

TEST_F(ConsumersTest, PythonCallsEveryKernelOnArrays) {
  // The distribution's, which has NumPy; another one may come first in PATH.
  CommandOutput output =
      RunProgram({"/usr/bin/python3", SourceOf("consumer.py"), GeneratedFolder().string()});
  ExpectOk(output);
  EXPECT_EQ(output.output, "17 kernels\n");
}

TEST_F(ConsumersTest, PythonReachesKernelsByAnyName) {
  // Whatever a library is in Python without its kernels, and whatever Python reserves.
  CommandOutput words = RunProgram(
      {"/usr/bin/python3", "-B", "-c",
       StrCat("import keyword, sys; sys.path.insert(0, '", Folder("python"),
              "'); import tuned_kernels; lib = tuned_kernels.load(); print('\\n'.join(keyword.kwlist + "
              "dir(lib)))")});
  ExpectOk(words);
  std::vector<Kernel> one(1);
  int seen = 0;
  for (std::string_view word : StrSplit(words.output, '\n')) {
    if (word.empty()) continue;
    one[0].name = word;
    EXPECT_EQ(KernelNames(one)[0], StrCat(word, "_2"));
    ++seen;
  }
  EXPECT_GT(seen, 60);

  std::ofstream(Path("words.tsv")) << "name\trelu\tR=1 C=1\nlambda\trelu\tR=1 C=2\n__dict__\trelu\tR=1 C=3\n";
  ExpectOk(Tune({"build", "--suite", Path("words.tsv"), "-o", Path("words")}));
  CommandOutput output = RunProgram(
      {"/usr/bin/python3", "-B", "-c",
       StrCat("import sys, numpy; sys.path.insert(0, '", Path("words/python"),
              "'); import tuned_words; lib = tuned_words.load(); x = numpy.ones((1, 1), numpy.float32); "
              "print(lib.name, lib.name_2(x), lib.lambda_2.name, lib.__dict___2.name)")});
  ExpectOk(output);
  EXPECT_EQ(output.output, "tuned_words [[1.]] lambda_2 __dict___2\n");
}

TEST_F(ConsumersTest, TheProgramMeasures) {
  std::string program = Folder("bin/tuned_kernels_bench");
  CommandOutput output = RunProgram({program, "--seconds", "0", "--threads", "2", "product", "rows"});
  ExpectOk(output);
  std::vector<std::string_view> lines = StrSplit(output.output, '\n');
  ASSERT_EQ(lines.size(), 4u) << output.output;  // the heading, two kernels, nothing behind the last line
  EXPECT_TRUE(lines[1].starts_with("product ") && lines[1].find(" us ") != std::string_view::npos)
      << lines[1];
  EXPECT_TRUE(lines[2].starts_with("rows ")) << lines[2];
  EXPECT_NE(RunProgram({program, "--level", "x86-64-sse4.2", "--seconds", "0", "rows"})
                .output.find("x86-64-sse4.2"),
            std::string::npos);
  CommandOutput unknown = RunProgram({program, "nonsense"});
  EXPECT_EQ(unknown.status.code, 2);
  EXPECT_EQ(unknown.error_output, StrCat(program, ": the library has no kernel 'nonsense'\n"));
  EXPECT_EQ(RunProgram({program, "--threads", "0"}).status.code, 2);
}

}  // namespace
}  // namespace tunesmith::library
