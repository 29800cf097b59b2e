// SPDX-License-Identifier: Apache-2.0
#include "cli/library_check.h"

#include <gtest/gtest.h>

#include "cli/kernels.h"
#include "codegen/llvm/compile.h"
#include "support/thread_pool.h"
#include "te/language.h"

namespace tunesmith::cli {
namespace {

te::Workload Product(const std::string& activation) {
  return te::Bind(te::StandardOperator("matmul").value(), {"M=5", "N=7", "K=9", "act=" + activation}).value();
}

measure::Job JobOf(const te::Workload& workload, const codegen::Target& target) {
  const BuiltKernel built = BuildTrace(workload, DefaultTrace(workload, target, 1).value()).value();
  measure::Job job;
  job.kernel = codegen::Compile(built.program, target).value();
  job.signature = built.signature;
  job.tolerance_factor = built.tolerance_factor;
  return job;
}

TEST(LibraryCheck, RefusesAKernelThatComputesSomethingElse) {
  ThreadPool pool(2);
  LibraryCheck check = LibraryCheck::Create(&pool).value();
  const te::Workload plain = Product("none"), relu = Product("relu");
  int levels = 0;
  for (const std::string& name : codegen::KnownTargets()) {
    const codegen::Target target = codegen::TargetNamed(name).value();
    if (!check.Runs(target)) continue;
    ++levels;
    ASSERT_TRUE(check.Take(relu).ok());
    EXPECT_EQ(MessageOf(check.Check(JobOf(relu, target))), "");
    const std::string wrong(MessageOf(check.Check(JobOf(plain, target))));
    EXPECT_TRUE(wrong.starts_with("wrong_result: C[")) << wrong;
    EXPECT_EQ(MessageOf(check.Check(JobOf(relu, target))), "");
    ASSERT_TRUE(check.Take(plain).ok());
    EXPECT_EQ(MessageOf(check.Check(JobOf(plain, target))), "");
  }
  EXPECT_GE(levels, 2);
}

TEST(LibraryCheck, SaysWhatItCannotCompute) {
  ThreadPool pool(1);
  LibraryCheck check = LibraryCheck::Create(&pool).value();
  const te::Workload large =
      te::Bind(te::StandardOperator("relu").value(), {"R=4000000", "C=1000000"}, int64_t{1} << 60).value();
  EXPECT_NE(MessageOf(check.Take(large)).find("this machine has"), std::string_view::npos);
}

}  // namespace
}  // namespace tunesmith::cli
