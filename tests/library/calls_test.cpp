// SPDX-License-Identifier: Apache-2.0
// What a caller can get wrong is an error that names the argument, never a crash, and nothing is written.
#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "tests/library/generated.h"

namespace tunesmith::library {
namespace {

/// A call of `product` (f32: C[37,29] = relu(A[37,23] B[23,29] + bias[29])) with everything right. Its
/// function takes A, bias, packed, C, workspace, workspace_bytes, threads.
class CallsTest : public testing::Test {
 protected:
  enum Argument { kA = 1, kBias, kPacked, kC, kWorkspace, kWorkspaceBytes, kThreads };
  enum PackArgument { kB = 1, kPackTo, kPackedBytes, kPackWorkspace, kPackWorkspaceBytes, kPackThreads };

  CallsTest() {
    std::memset(c_.data(), 0x7f, static_cast<size_t>(c_.size()));
    EXPECT_EQ(Pack(), TUNESMITH_OK);
  }

  int Run() {
    std::vector<const tunesmith_tensor*> tensors = {&A_, &bias_, &C_};
    return loaded_.run(kernel_, tensors, packed_to_, nullptr, 0, threads_);
  }
  int Pack() { return loaded_.pack(kernel_, {&B_}, packed_to_, packed_bytes_, nullptr, 0, threads_); }
  static int At(int error, int argument) { return error | argument << 8; }
  bool OutputUntouched() {
    return std::all_of(c_.data(), c_.data() + c_.size(), [](uint8_t byte) { return byte == 0x7f; });
  }
  /// Expects this error, and the output as it was.
  void ExpectRefused(int error, int argument) {
    EXPECT_EQ(Run(), At(error, argument));
    EXPECT_TRUE(OutputUntouched());
  }

  Loaded loaded_{GeneratedFolder(), "tuned_kernels"};
  const tunesmith_kernel& kernel_ = loaded_.kernel("product");
  Buffer a_{37 * 23 * 4}, b_{23 * 29 * 4}, bias_data_{29 * 4}, c_{37 * 29 * 4};
  Buffer packed_{static_cast<int64_t>(loaded_.packed_bytes(kernel_))};
  void* packed_to_ = packed_.data();
  size_t packed_bytes_ = static_cast<size_t>(packed_.size());
  tunesmith_tensor A_ = Describe(kernel_.parameter[0], a_.data());
  tunesmith_tensor B_ = Describe(kernel_.parameter[1], b_.data());
  tunesmith_tensor bias_ = Describe(kernel_.parameter[2], bias_data_.data());
  tunesmith_tensor C_ = Describe(kernel_.parameter[3], c_.data());
  const tunesmith_threads* threads_ = nullptr;
};

TEST_F(CallsTest, ARightOneWrites) {
  EXPECT_EQ(Run(), TUNESMITH_OK);
  EXPECT_FALSE(OutputUntouched());
}

TEST_F(CallsTest, ANamedFunctionIsTheGeneralOne) {
  using Product = int(const tunesmith_tensor*, const tunesmith_tensor*, const void*, const tunesmith_tensor*,
                      void*, size_t, const tunesmith_threads*);
  auto* product = loaded_.Get<Product>("product");
  EXPECT_EQ(product(&A_, &bias_, packed_.data(), nullptr, nullptr, 0, nullptr),
            At(TUNESMITH_NULL_POINTER, kC));
  EXPECT_EQ(product(&A_, &bias_, packed_.data(), &C_, nullptr, 0, nullptr), TUNESMITH_OK);
  using PackProduct = int(const tunesmith_tensor*, void*, size_t, void*, size_t, const tunesmith_threads*);
  auto* pack = loaded_.Get<PackProduct>("product_pack");
  EXPECT_EQ(pack(&B_, packed_.data(), packed_bytes_ - 1, nullptr, 0, nullptr),
            At(TUNESMITH_TOO_SMALL, kPackedBytes));
  EXPECT_EQ(pack(&B_, packed_.data(), packed_bytes_, nullptr, 0, nullptr), TUNESMITH_OK);
  EXPECT_EQ(loaded_.Get<size_t()>("product_packed_bytes")(), packed_bytes_);
  EXPECT_EQ(loaded_.Get<size_t(int32_t)>("largest_workspace_bytes")(2),
            loaded_.workspace_bytes(loaded_.kernel("largest"), 2));
}

TEST_F(CallsTest, NullPointers) {
  std::vector<const tunesmith_tensor*> tensors = {&A_, nullptr, &C_};
  EXPECT_EQ(loaded_.run(kernel_, tensors, packed_to_, nullptr, 0, nullptr),
            At(TUNESMITH_NULL_POINTER, kBias));
  A_.data = nullptr;
  ExpectRefused(TUNESMITH_NULL_POINTER, kA);
  A_ = Describe(kernel_.parameter[0], a_.data());
  A_.shape = nullptr;
  ExpectRefused(TUNESMITH_NULL_POINTER, kA);
  A_ = Describe(kernel_.parameter[0], a_.data());
  packed_to_ = nullptr;
  ExpectRefused(TUNESMITH_NULL_POINTER, kPacked);
  EXPECT_EQ(Pack(), At(TUNESMITH_NULL_POINTER, kPackTo));
}

TEST_F(CallsTest, NullForWhatPublicFunctionsAreGiven) {
  using Run = int(const tunesmith_kernel*, const tunesmith_tensor* const*, const void*, void*, size_t,
                  const tunesmith_threads*);
  using Pack = int(const tunesmith_kernel*, const tunesmith_tensor* const*, void*, size_t, void*, size_t,
                   const tunesmith_threads*);
  const tunesmith_tensor* tensors[] = {&A_, &bias_, &C_};
  const tunesmith_tensor* weights[] = {&B_};
  auto* run = loaded_.Get<Run>("run");
  EXPECT_EQ(run(nullptr, tensors, packed_to_, nullptr, 0, nullptr), TUNESMITH_NULL_POINTER);
  EXPECT_EQ(run(&kernel_, nullptr, packed_to_, nullptr, 0, nullptr), TUNESMITH_NULL_POINTER);
  auto* pack = loaded_.Get<Pack>("pack");
  EXPECT_EQ(pack(nullptr, weights, packed_to_, packed_bytes_, nullptr, 0, nullptr), TUNESMITH_NULL_POINTER);
  EXPECT_EQ(pack(&kernel_, nullptr, packed_to_, packed_bytes_, nullptr, 0, nullptr), TUNESMITH_NULL_POINTER);
  EXPECT_EQ(loaded_.Get<size_t(const tunesmith_kernel*)>("packed_bytes")(nullptr), 0u);
  EXPECT_EQ(loaded_.Get<size_t(const tunesmith_kernel*, int32_t)>("workspace_bytes")(nullptr, 1), 0u);
  EXPECT_EQ(loaded_.Get<const void*(const tunesmith_kernel*)>("variant")(nullptr), nullptr);
  EXPECT_EQ(loaded_.Get<const void*(void*)>("pool_threads")(nullptr), nullptr);
  loaded_.Get<void(void*)>("pool_destroy")(nullptr);
  EXPECT_EQ(loaded_.use_level(nullptr), TUNESMITH_OK);
  // The kernel's own functions, with null for everything.
  using Product = int(const tunesmith_tensor*, const tunesmith_tensor*, const void*, const tunesmith_tensor*,
                      void*, size_t, const tunesmith_threads*);
  EXPECT_EQ(loaded_.Get<Product>("product")(nullptr, nullptr, nullptr, nullptr, nullptr, 0, nullptr),
            At(TUNESMITH_NULL_POINTER, kA));
  using PackProduct = int(const tunesmith_tensor*, void*, size_t, void*, size_t, const tunesmith_threads*);
  EXPECT_EQ(loaded_.Get<PackProduct>("product_pack")(nullptr, nullptr, 0, nullptr, 0, nullptr),
            At(TUNESMITH_NULL_POINTER, kB));
  EXPECT_TRUE(OutputUntouched());
}

TEST_F(CallsTest, WrongTypesAndShapes) {
  C_.dtype = TUNESMITH_F64;
  ExpectRefused(TUNESMITH_WRONG_TYPE, kC);
  C_ = Describe(kernel_.parameter[3], c_.data());
  std::array<int64_t, 3> shape = {37, 22, 1};
  A_.shape = shape.data();
  ExpectRefused(TUNESMITH_WRONG_SHAPE, kA);
  shape = {37, 23, 1};
  EXPECT_EQ(Run(), TUNESMITH_OK);
  A_.dimensions = 3;
  EXPECT_EQ(Run(), At(TUNESMITH_WRONG_SHAPE, kA));
  shape = {23, 29, 1};
  B_.shape = shape.data();
  EXPECT_EQ(Pack(), TUNESMITH_OK);
  shape = {29, 23, 1};
  EXPECT_EQ(Pack(), At(TUNESMITH_WRONG_SHAPE, kB));
}

TEST_F(CallsTest, Strides) {
  std::array<int64_t, 2> strides = {29, 1};
  C_.strides = strides.data();
  EXPECT_EQ(Run(), TUNESMITH_OK);
  std::memset(c_.data(), 0x7f, static_cast<size_t>(c_.size()));
  strides = {30, 1};  // rows with a gap
  ExpectRefused(TUNESMITH_WRONG_STRIDES, kC);
  strides = {1, 37};  // column-major
  ExpectRefused(TUNESMITH_WRONG_STRIDES, kC);
  strides = {-29, 1};
  ExpectRefused(TUNESMITH_WRONG_STRIDES, kC);
}

TEST_F(CallsTest, Misalignment) {
  Buffer shifted(37 * 23 * 4, 2);
  A_.data = shifted.data();
  ExpectRefused(TUNESMITH_MISALIGNED, kA);
  Buffer elements(37 * 23 * 4, 4);  // aligned to elements, and to nothing more
  A_.data = elements.data();
  EXPECT_EQ(Run(), TUNESMITH_OK);
  Buffer packed(packed_.size(), 32);
  std::memcpy(packed.data(), packed_.data(), packed_bytes_);
  packed_to_ = packed.data();
  EXPECT_EQ(Run(), At(TUNESMITH_MISALIGNED, kPacked));
  EXPECT_EQ(Pack(), At(TUNESMITH_MISALIGNED, kPackTo));
}

TEST_F(CallsTest, Overlaps) {
  A_.data = c_.data();
  ExpectRefused(TUNESMITH_OVERLAP, kC);
  A_.data = c_.data() + 37 * 29 * 4 - 4;  // one element
  ExpectRefused(TUNESMITH_OVERLAP, kC);
  A_ = Describe(kernel_.parameter[0], a_.data());
  bias_.data = a_.data();  // both only read
  EXPECT_EQ(Run(), TUNESMITH_OK);
  std::memset(c_.data(), 0x7f, static_cast<size_t>(c_.size()));
  C_.data = packed_.data() + 64;
  EXPECT_EQ(Run(), At(TUNESMITH_OVERLAP, kC));
  B_.data = packed_.data() + 128;
  EXPECT_EQ(Pack(), At(TUNESMITH_OVERLAP, kPackTo));
}

TEST_F(CallsTest, PackedWeightsOfAnythingElse) {
  packed_.data()[0] ^= 1;  // not packed at all
  ExpectRefused(TUNESMITH_WRONG_LAYOUT, kPacked);
  packed_.data()[0] ^= 1;
  packed_.data()[8] ^= 1;  // another layout
  ExpectRefused(TUNESMITH_WRONG_LAYOUT, kPacked);
  packed_.data()[8] ^= 1;
  Buffer copy(packed_.size());  // weights may move
  std::memcpy(copy.data(), packed_.data(), packed_bytes_);
  packed_to_ = copy.data();
  EXPECT_EQ(Run(), TUNESMITH_OK);

  const tunesmith_kernel& other = loaded_.kernel("large");
  Buffer weights(other.parameter[1].bytes), packed(static_cast<int64_t>(loaded_.packed_bytes(other)));
  tunesmith_tensor tensor = Describe(other.parameter[1], weights.data());
  ASSERT_EQ(
      loaded_.pack(other, {&tensor}, packed.data(), static_cast<size_t>(packed.size()), nullptr, 0, nullptr),
      TUNESMITH_OK);
  packed_to_ = packed.data();
  EXPECT_EQ(Run(), At(TUNESMITH_WRONG_LAYOUT, kPacked));
}

TEST_F(CallsTest, PackedWeightsOfAnotherLevelWithAnotherLayout) {
  const tunesmith_variant& least = kernel_.variant[0];
  const tunesmith_variant* best = loaded_.variant(kernel_);
  if (std::memcmp(least.layout, best->layout, sizeof least.layout) == 0)
    GTEST_SKIP() << "this processor's kernel packs as the least one does";
  ASSERT_EQ(loaded_.use_level("x86-64-sse4.2"), TUNESMITH_OK);
  EXPECT_EQ(loaded_.variant(kernel_), &least);
  ExpectRefused(TUNESMITH_WRONG_LAYOUT, kPacked);
  ASSERT_EQ(loaded_.use_level(nullptr), TUNESMITH_OK);
  EXPECT_EQ(loaded_.variant(kernel_), best);
  EXPECT_EQ(Run(), TUNESMITH_OK);
}

TEST_F(CallsTest, Workspaces) {
  const tunesmith_kernel& kernel = loaded_.kernel("largest");  // f32[6, 33] -> i64[6]
  size_t bytes = loaded_.workspace_bytes(kernel, 1);
  ASSERT_GT(bytes, 0u);
  Buffer x(kernel.parameter[0].bytes), y(kernel.parameter[1].bytes),
      workspace(static_cast<int64_t>(bytes) + 64);
  tunesmith_tensor X = Describe(kernel.parameter[0], x.data()), Y = Describe(kernel.parameter[1], y.data());
  auto run = [&](void* memory, size_t size) {
    return loaded_.run(kernel, {&X, &Y}, nullptr, memory, size, nullptr);
  };
  EXPECT_EQ(run(workspace.data(), bytes), TUNESMITH_OK);
  EXPECT_EQ(run(nullptr, bytes), At(TUNESMITH_NULL_POINTER, 3));
  EXPECT_EQ(run(workspace.data() + 8, bytes), At(TUNESMITH_MISALIGNED, 3));
  EXPECT_EQ(run(workspace.data(), bytes - 1), At(TUNESMITH_TOO_SMALL, 4));
  X.data = workspace.data();
  EXPECT_EQ(run(workspace.data(), bytes), At(TUNESMITH_OVERLAP, 3));
  EXPECT_EQ(loaded_.workspace_bytes(kernel, 0), 0u);
}

TEST_F(CallsTest, Threads) {
  tunesmith_threads none = {nullptr, nullptr, 2};
  threads_ = &none;
  ExpectRefused(TUNESMITH_BAD_THREADS, kThreads);
  EXPECT_EQ(Pack(), At(TUNESMITH_BAD_THREADS, kPackThreads));
  Pool pool(loaded_, 2);
  tunesmith_threads zero = *pool.threads();
  zero.threads = 0;
  threads_ = &zero;
  ExpectRefused(TUNESMITH_BAD_THREADS, kThreads);
  threads_ = pool.threads();
  EXPECT_EQ(Run(), TUNESMITH_OK);
}

TEST_F(CallsTest, TensorsWithoutElementsNeedNoMemory) {
  const tunesmith_kernel& kernel = loaded_.kernel("nothing");  // A[0, 4] B[4, 4] -> C[0, 4]
  Buffer weights(kernel.parameter[1].bytes), packed(static_cast<int64_t>(loaded_.packed_bytes(kernel)));
  tunesmith_tensor A = Describe(kernel.parameter[0], nullptr),
                   B = Describe(kernel.parameter[1], weights.data()),
                   C = Describe(kernel.parameter[2], nullptr);
  ASSERT_EQ(
      loaded_.pack(kernel, {&B}, packed.data(), static_cast<size_t>(packed.size()), nullptr, 0, nullptr),
      TUNESMITH_OK);
  EXPECT_EQ(loaded_.run(kernel, {&A, &C}, packed.data(), nullptr, 0, nullptr), TUNESMITH_OK);
}

TEST_F(CallsTest, KernelsWithoutWeightsDoNotPack) {
  EXPECT_EQ(loaded_.packed_bytes(loaded_.kernel("rows")), 0u);
  EXPECT_EQ(loaded_.pack(loaded_.kernel("rows"), {}, packed_.data(), packed_bytes_, nullptr, 0, nullptr),
            TUNESMITH_NOT_PACKABLE);
}

TEST_F(CallsTest, UnknownLevels) {
  EXPECT_EQ(loaded_.use_level("x86-64-avx2048"), At(TUNESMITH_NO_SUCH_LEVEL, 1));
  EXPECT_EQ(Run(), TUNESMITH_OK);  // nothing has changed
}

TEST_F(CallsTest, ErrorsHaveWords) {
  EXPECT_EQ(loaded_.error_text(TUNESMITH_OK), "no error");
  EXPECT_EQ(loaded_.error_text(At(TUNESMITH_WRONG_SHAPE, 3)), "another shape than the kernel's");
  EXPECT_EQ(loaded_.error_text(TUNESMITH_NOT_PACKABLE), "the kernel has no weights to pack");
  EXPECT_EQ(loaded_.error_text(TUNESMITH_NOT_PACKABLE + 1), "not a result of this library");
  EXPECT_EQ(loaded_.error_text(-1), "not a result of this library");
}

}  // namespace
}  // namespace tunesmith::library
