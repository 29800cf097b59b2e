// SPDX-License-Identifier: Apache-2.0
// The texts that people read: what a header says of a kernel.
#include "library/texts.h"

#include <gtest/gtest.h>

#include "te/language.h"

namespace tunesmith::library {
namespace {

/// What the header says of one kernel, behind what it says of all.
std::string HeaderOf(const te::Workload& workload, const std::string& title) {
  Kernel kernel;
  kernel.title = title;
  kernel.workload = workload;
  NamedKernel named;
  named.kernel = &kernel;
  named.name = "k";
  named.parameters = ParametersOf(workload.definition());
  Library library;
  library.name = "my";
  library.target = "x86-64-avx2";
  std::string text = HeaderText(library, {named});
  EXPECT_EQ(text.find('@'), std::string::npos);
  size_t start = text.find("\n/* " + title.substr(0, 4));
  EXPECT_NE(start, std::string::npos) << text;
  return text.substr(start + 1);
}

te::Workload Bound(const std::string& op, const std::vector<std::string>& bindings) {
  return te::Bind(te::StandardOperator(op).value(), bindings).value();
}

constexpr char kEnd[] = "\n#ifdef __cplusplus\n}\n#endif\n#endif\n";

TEST(Header, DeclaresAKernelWithWeights) {
  EXPECT_EQ(HeaderOf(Bound("matmul", {"M=2", "N=3", "K=4", "bias=true"}), "matmul M=2 N=3 K=4 bias=true"),
            std::string(R"(/* matmul M=2 N=3 K=4 bias=true */
int my_k(
    const tunesmith_tensor*, /* A: f32[2, 4] */
    const tunesmith_tensor*, /* bias: f32[3] */
    const void* packed, /* by my_k_pack */
    const tunesmith_tensor*, /* C: f32[2, 3], written */
    void* workspace, size_t workspace_bytes, const tunesmith_threads* threads);
int my_k_pack(
    const tunesmith_tensor*, /* B: f32[4, 3] */
    void* packed, size_t packed_bytes,
    void* workspace, size_t workspace_bytes, const tunesmith_threads* threads);
size_t my_k_packed_bytes(void);
size_t my_k_workspace_bytes(int32_t threads);
const tunesmith_kernel* my_k_kernel(void);
)") + kEnd);
}

TEST(Header, DeclaresAKernelWithoutWeights) {
  EXPECT_EQ(HeaderOf(Bound("softmax", {"R=2", "C=3"}), "softmax R=2 C=3"),
            std::string(R"(/* softmax R=2 C=3 */
int my_k(
    const tunesmith_tensor*, /* X: f32[2, 3] */
    const tunesmith_tensor*, /* Y: f32[2, 3], written */
    void* workspace, size_t workspace_bytes, const tunesmith_threads* threads);
size_t my_k_workspace_bytes(int32_t threads);
const tunesmith_kernel* my_k_kernel(void);
)") + kEnd);
}

TEST(Header, CannotBeLeftThroughAComment) {
  std::string text = HeaderOf(Bound("softmax", {"R=2", "C=3"}), "soft*/int x;/*max");
  EXPECT_TRUE(text.starts_with("/* soft* /int x;/*max */\n")) << text;
}

}  // namespace
}  // namespace tunesmith::library
