// SPDX-License-Identifier: Apache-2.0
// Generated libraries in the life of a process: callers at once, threads of the caller's own, two libraries,
// unloading, forking.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <thread>

#include "te/inputs.h"
#include "tests/library/generated.h"

namespace tunesmith::library {
namespace {

/// `large` (f32: C[200,192] = A[200,160] B[160,192]) on inputs of its own.
class LargeCall {
 public:
  explicit LargeCall(const Loaded& loaded) : loaded_(loaded), kernel_(loaded.kernel("large")) {
    for (Buffer* buffer : {&a_, &b_}) {
      auto* elements = reinterpret_cast<float*>(buffer->data());
      for (int64_t i = 0; i < buffer->size() / 4; ++i) elements[i] = static_cast<float>(i * 7 % 13 - 6);
    }
    int error =
        loaded.pack(kernel_, {&B_}, packed_.data(), static_cast<size_t>(packed_.size()), nullptr, 0, nullptr);
    EXPECT_EQ(error, TUNESMITH_OK);
  }

  int Run(const tunesmith_threads* threads) {
    auto bytes = static_cast<int64_t>(loaded_.workspace_bytes(kernel_, threads ? threads->threads : 1));
    Buffer workspace(bytes);
    std::memset(c_.data(), 0xff, static_cast<size_t>(c_.size()));
    return loaded_.run(kernel_, {&A_, &C_}, packed_.data(), workspace.data(), static_cast<size_t>(bytes),
                       threads);
  }
  /// Whether C is A B: small integers, so it is exact.
  bool Right() {
    auto* a = reinterpret_cast<float*>(a_.data());
    auto* b = reinterpret_cast<float*>(b_.data());
    auto* c = reinterpret_cast<float*>(c_.data());
    for (int i = 0; i < 200; ++i) {
      for (int j = 0; j < 192; ++j) {
        float sum = 0;
        for (int k = 0; k < 160; ++k) sum += a[i * 160 + k] * b[k * 192 + j];
        if (c[i * 192 + j] != sum) return false;
      }
    }
    return true;
  }

 private:
  const Loaded& loaded_;
  const tunesmith_kernel& kernel_;
  Buffer a_{200 * 160 * 4}, b_{160 * 192 * 4}, c_{200 * 192 * 4};
  Buffer packed_{static_cast<int64_t>(loaded_.packed_bytes(kernel_))};
  tunesmith_tensor A_ = Describe(kernel_.parameter[0], a_.data());
  tunesmith_tensor B_ = Describe(kernel_.parameter[1], b_.data());
  tunesmith_tensor C_ = Describe(kernel_.parameter[2], c_.data());
};

/// Runs `body` in a forked child; what it returns is the exit code.
int InChild(const std::function<int()>& body) {
  pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(Callers, ManyAtOnceOnOnePoolAndAlone) {
  Loaded loaded(GeneratedFolder(), "tuned_kernels");
  Pool pool(loaded, 3);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> callers;
  for (int n = 0; n < 4; ++n) {
    callers.emplace_back([&, n] {
      LargeCall call(loaded);
      for (int round = 0; round < 10; ++round) {
        if (call.Run(n == 0 ? nullptr : pool.threads()) != TUNESMITH_OK || !call.Right()) ++wrong;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

/// A pool as a host may have one: each piece on a fresh thread.
struct HostPool {
  static constexpr int kThreads = 4;
  std::atomic<int> runs = 0, pieces = 0;
  tunesmith_threads table = {&HostPool::Run, this, kThreads};

  static void Run(void* context, tunesmith_body body, void* closure, int64_t iterations, int64_t grain) {
    auto* self = static_cast<HostPool*>(context);
    ++self->runs;
    int64_t each = std::max<int64_t>((iterations + kThreads - 1) / kThreads, grain);
    std::vector<std::thread> workers;
    for (int32_t worker = 0; worker * each < iterations; ++worker) {
      ++self->pieces;
      workers.emplace_back(body, closure, worker * each, std::min<int64_t>((worker + 1) * each, iterations),
                           worker);
    }
    for (std::thread& worker : workers) worker.join();
  }
};

TEST(Callers, BringTheirOwnThreads) {
  Loaded loaded(GeneratedFolder(), "tuned_kernels");
  LargeCall call(loaded);
  HostPool pool;
  EXPECT_EQ(call.Run(&pool.table), TUNESMITH_OK);
  EXPECT_TRUE(call.Right());
  EXPECT_GE(pool.runs, 1);
  EXPECT_GE(pool.pieces, 2);
}

TEST(Libraries, TwoLiveInOneProcessAndOneLeaves) {
  std::filesystem::path folder = GeneratedFolder().parent_path() / "other";
  ExpectOk(Tune({"build", "relu", "R=64", "C=64", "--name", "other", "-o", folder.string()}));
  Loaded first(GeneratedFolder(), "tuned_kernels");
  auto second = std::make_unique<Loaded>(folder, "other");
  EXPECT_STREQ(first.library().name, "tuned_kernels");
  EXPECT_STREQ(second->library().name, "other");
  const tunesmith_kernel& relu = second->kernel("relu_R64_C64");
  Buffer x(relu.parameter[0].bytes), y(relu.parameter[1].bytes);
  reinterpret_cast<float*>(x.data())[0] = -3;
  reinterpret_cast<float*>(x.data())[1] = 5;
  tunesmith_tensor X = Describe(relu.parameter[0], x.data()), Y = Describe(relu.parameter[1], y.data());
  LargeCall call(first);
  Pool pool(first, 2);
  {
    // One library's kernels run on the other's pool, too.
    Pool others(*second, 2);
    EXPECT_EQ(second->run(relu, {&X, &Y}, nullptr, nullptr, 0, pool.threads()), TUNESMITH_OK);
    EXPECT_EQ(reinterpret_cast<float*>(y.data())[0], 0);
    EXPECT_EQ(reinterpret_cast<float*>(y.data())[1], 5);
    EXPECT_EQ(call.Run(others.threads()), TUNESMITH_OK);
    EXPECT_TRUE(call.Right());
  }
  // A level that one is held to is nothing to the other.
  const tunesmith_variant* best = first.variant(first.kernel("large"));
  EXPECT_EQ(second->use_level("x86-64-sse4.2"), TUNESMITH_OK);
  EXPECT_EQ(first.variant(first.kernel("large")), best);
  second.reset();
  EXPECT_EQ(call.Run(pool.threads()), TUNESMITH_OK);
  EXPECT_TRUE(call.Right());
}

TEST(Libraries, ComeAndGo) {
  for (int round = 0; round < 3; ++round) {
    Loaded loaded(GeneratedFolder(), "tuned_kernels");
    Pool pool(loaded, 2);
    LargeCall call(loaded);
    EXPECT_EQ(call.Run(pool.threads()), TUNESMITH_OK);
    EXPECT_TRUE(call.Right());
  }
}

TEST(Forks, GoOnInTheChildAndInTheParent) {
  Loaded loaded(GeneratedFolder(), "tuned_kernels");
  Pool pool(loaded, 2);
  LargeCall call(loaded);
  ASSERT_EQ(call.Run(pool.threads()), TUNESMITH_OK);
  EXPECT_EQ(InChild([&] { return call.Run(pool.threads()) == TUNESMITH_OK && call.Right() ? 42 : 1; }), 42);
  EXPECT_EQ(call.Run(pool.threads()), TUNESMITH_OK);
  EXPECT_TRUE(call.Right());
}

}  // namespace
}  // namespace tunesmith::library
