// SPDX-License-Identifier: Apache-2.0
// Every kernel of a generated library, at every level that this processor runs, against the interpreter.
#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "support/strings.h"
#include "te/inputs.h"
#include "tests/library/generated.h"

namespace tunesmith::library {
namespace {

/// Runs the kernel on these inputs, and compares each element of each output.
void ExpectComputes(const Loaded& loaded, const tunesmith_kernel& kernel, const te::Graph& definition,
                    const std::vector<te::Value>& inputs, te::ErrorModel model,
                    const tunesmith_threads* threads) {
  std::vector<Buffer> buffers;
  std::vector<tunesmith_tensor> tensors;
  for (int n = 0; n < kernel.parameters; ++n) {
    const tunesmith_parameter& parameter = kernel.parameter[n];
    bool given = static_cast<size_t>(n) < inputs.size();
    given ? buffers.emplace_back(inputs[static_cast<size_t>(n)]) : buffers.emplace_back(parameter.bytes);
    if (!given) std::memset(buffers.back().data(), 0xff, static_cast<size_t>(parameter.bytes));
  }
  for (int n = 0; n < kernel.parameters; ++n)
    tensors.push_back(Describe(kernel.parameter[n], buffers[static_cast<size_t>(n)].data()));
  std::vector<const tunesmith_tensor*> plain, weights;
  for (int n = 0; n < kernel.parameters; ++n)
    (kernel.parameter[n].role == TUNESMITH_WEIGHT ? weights : plain)
        .push_back(&tensors[static_cast<size_t>(n)]);

  int count = threads ? threads->threads : 1;
  Buffer workspace(static_cast<int64_t>(loaded.workspace_bytes(kernel, count)));
  Buffer packed(static_cast<int64_t>(loaded.packed_bytes(kernel)));
  auto workspace_size = static_cast<size_t>(workspace.size());
  if (!weights.empty()) {
    int result = loaded.pack(kernel, weights, packed.data(), static_cast<size_t>(packed.size()),
                             workspace.data(), workspace_size, threads);
    ASSERT_EQ(result, TUNESMITH_OK) << loaded.error_text(result);
  }
  int result = loaded.run(kernel, plain, packed.data(), workspace.data(), workspace_size, threads);
  ASSERT_EQ(result, TUNESMITH_OK) << loaded.error_text(result) << " " << TUNESMITH_ARGUMENT_OF(result);

  std::vector<std::string> outputs;
  EXPECT_TRUE(workspace.intact());
  EXPECT_TRUE(packed.intact());
  for (const Buffer& buffer : buffers) EXPECT_TRUE(buffer.intact());
  for (size_t n = inputs.size(); n < buffers.size(); ++n)
    outputs.emplace_back(reinterpret_cast<const char*>(buffers[n].data()), buffers[n].size());
  ExpectOutputs(definition, inputs, model, outputs);
}

class KernelsTest : public testing::Test {
 protected:
  KernelsTest() : loaded_(GeneratedFolder(), "tuned_kernels") { suite_ = Suite(); }
  ~KernelsTest() override { EXPECT_EQ(loaded_.use_level(nullptr), TUNESMITH_OK); }

  Loaded loaded_;
  std::vector<te::SuiteEntry> suite_;
};

TEST_F(KernelsTest, AreThoseOfTheSuite) {
  const tunesmith_library& library = loaded_.library();
  EXPECT_STREQ(library.name, "tuned_kernels");
  ASSERT_EQ(library.kernels, static_cast<int64_t>(suite_.size()));
  EXPECT_STREQ(library.kernel[0].name, "product");
  EXPECT_STREQ(library.kernel[3].name, "empty_sum");  // of the id empty-sum
  const tunesmith_parameter& weight = library.kernel[0].parameter[1];
  EXPECT_STREQ(weight.name, "B");
  EXPECT_EQ(weight.role, TUNESMITH_WEIGHT);
  EXPECT_EQ(weight.dtype, TUNESMITH_F32);
  ASSERT_EQ(weight.dimensions, 2);
  EXPECT_EQ(weight.shape[0], 23);
  EXPECT_EQ(weight.shape[1], 29);
}

TEST_F(KernelsTest, ComputeWhatTheDefinitionSaysAtEveryLevelWithAnyThreads) {
  std::set<std::string> levels_run;
  Pool pool(loaded_, 3);
  for (int level = 0; level < loaded_.library().kernel[0].variants; ++level) {
    const char* target = loaded_.library().kernel[0].variant[level].target;
    if (loaded_.use_level(target) != TUNESMITH_OK) continue;  // not on this processor
    for (size_t k = 0; k < suite_.size(); ++k) {
      const tunesmith_kernel& kernel = loaded_.library().kernel[k];
      SCOPED_TRACE(StrCat(kernel.name, " for ", target));
      ASSERT_NE(loaded_.variant(kernel), nullptr);
      EXPECT_STREQ(loaded_.variant(kernel)->target, target);
      te::Graph definition = DefinitionOf(suite_[k]);
      for (te::InputKind kind : {te::InputKind::kUniform, te::InputKind::kCancelling}) {
        std::vector<te::Value> inputs = te::GenerateInputs(kind, 7, definition);
        for (const tunesmith_threads* threads :
             {static_cast<const tunesmith_threads*>(nullptr), pool.threads()})
          ExpectComputes(loaded_, kernel, definition, inputs, te::ErrorModelFor(kind), threads);
      }
    }
    levels_run.insert(target);
  }
  EXPECT_TRUE(levels_run.contains("x86-64-sse4.2"));
}

TEST_F(KernelsTest, SomeRepackTheirWeightsAndSomeDoNot) {
  int repacking = 0, copying = 0;
  for (int64_t k = 0; k < loaded_.library().kernels; ++k) {
    const tunesmith_kernel& kernel = loaded_.library().kernel[k];
    for (int v = 0; v < kernel.variants; ++v) {
      if (kernel.weights > 0) ++(kernel.variant[v].pack ? repacking : copying);
    }
  }
  EXPECT_GT(repacking, 0);  // so that the tests see both
  EXPECT_GT(copying, 0);
}

TEST_F(KernelsTest, PackEqualWeightsIntoEqualBytes) {
  const tunesmith_kernel& kernel = loaded_.kernel("padded");
  te::Graph definition = DefinitionOf(suite_[7]);
  Buffer weight(te::GenerateInputs(te::InputKind::kUniform, 7, definition)[1]);
  tunesmith_tensor tensor = Describe(kernel.parameter[1], weight.data());
  std::vector<std::string> packed;
  for (uint8_t before : {0x00, 0xff}) {
    Buffer buffer(static_cast<int64_t>(loaded_.packed_bytes(kernel)));
    auto size = static_cast<size_t>(buffer.size());
    std::memset(buffer.data(), before, size);
    ASSERT_EQ(loaded_.pack(kernel, {&tensor}, buffer.data(), size, nullptr, 0, nullptr), TUNESMITH_OK);
    packed.emplace_back(reinterpret_cast<const char*>(buffer.data()), size);
  }
  EXPECT_EQ(packed[0], packed[1]);
}

}  // namespace
}  // namespace tunesmith::library
