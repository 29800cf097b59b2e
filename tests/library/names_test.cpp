// SPDX-License-Identifier: Apache-2.0
#include "library/names.h"

#include <gtest/gtest.h>

namespace tunesmith::library {
namespace {

std::vector<std::string> NamesOf(const std::vector<std::string>& wanted,
                                 const std::string& target = "x86-64-avx2") {
  std::vector<Kernel> kernels;
  for (const std::string& name : wanted) {
    Kernel kernel;
    kernel.name = name;
    kernel.variants.emplace_back();
    kernel.variants.back().target = codegen::TargetNamed(target).value();
    kernels.push_back(std::move(kernel));
  }
  return KernelNames(kernels);
}

TEST(Identifier, KeepsWhatCAllows) {
  EXPECT_EQ(Identifier("matmul M=8 N=16 act=relu"), "matmul_M8_N16_act_relu");
  EXPECT_EQ(Identifier("gemm-1024"), "gemm_1024");
  EXPECT_EQ(Identifier("3x3"), "_3x3");
  EXPECT_EQ(Identifier("\xc3\xa4"), "__");
  EXPECT_EQ(Identifier(""), "_");
}

TEST(LibraryName, IsAnIdentifierOfAllLanguages) {
  EXPECT_TRUE(CheckLibraryName("bert_ffn2").ok());
  EXPECT_TRUE(CheckLibraryName(std::string(64, 'a')).ok());
  for (const std::string& name :
       std::vector<std::string>{"", "2d", "_x", "a-b", "a b", "../x", std::string(65, 'a')}) {
    Status status = CheckLibraryName(name);
    EXPECT_EQ(MessageOf(status), "'" + name +
                                     "' cannot be a library's name: a letter, then letters, digits and "
                                     "underscores, 64 at most");
  }
  for (const char* name : {"int", "class", "lambda", "restrict", "co_await"}) {
    EXPECT_EQ(MessageOf(CheckLibraryName(name)),
              std::string("'") + name + "' cannot be a library's name: C, C++ or Python reserve the word");
  }
}

TEST(LibraryName, IsNotTheRuntimes) {
  // tunesmith_library.h would be overwritten, and tunesmith_library be a type and a function.
  for (const char* name : {"tunesmith", "tunesmith_library", "tunesmith_x"}) {
    EXPECT_EQ(MessageOf(CheckLibraryName(name)),
              std::string("'") + name +
                  "' cannot be a library's name: types and headers that all libraries share are called so");
  }
  EXPECT_TRUE(CheckLibraryName("tunesmithy").ok());
}

TEST(KernelNames, AreAttributesInPython) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(NamesOf({"name", "manifest", "kernels"}), (Names{"name_2", "manifest_2", "kernels_2"}));
  EXPECT_EQ(NamesOf({"lambda", "None"}), (Names{"lambda_2", "None_2"}));
  EXPECT_EQ(NamesOf({"_dll", "_function", "__class__"}), (Names{"_dll_2", "_function_2", "__class___2"}));
  EXPECT_EQ(NamesOf({"name_2", "name"}), (Names{"name_2", "name_3"}));
}

TEST(KernelNames, AreUniqueWithAllThatBelongsToThem) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(NamesOf({"a b", "a-b", "a_b"}), (Names{"a_b", "a_b_2", "a_b_3"}));
  EXPECT_EQ(NamesOf({"run", "pool_create", "pool"}), (Names{"run_2", "pool_create_2", "pool_2"}));
  EXPECT_EQ(NamesOf({"a", "a_pack"}), (Names{"a", "a_pack_2"}));
  EXPECT_EQ(NamesOf({"a_workspace_bytes", "a"}), (Names{"a_workspace_bytes", "a_2"}));
  EXPECT_EQ(NamesOf({"a", "a_x86_64_avx2_main"}), (Names{"a", "a_x86_64_avx2_main_2"}));
  EXPECT_EQ(NamesOf({"int"}), (Names{"int"}));  // never without the library's prefix
}

}  // namespace
}  // namespace tunesmith::library
