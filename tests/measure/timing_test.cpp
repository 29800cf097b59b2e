// SPDX-License-Identifier: Apache-2.0
// Where codegen/runtime/timing.h puts memory and threads.
#include "codegen/runtime/timing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>
#include <vector>

namespace tunesmith {
namespace {

constexpr uintptr_t kPage = 4096;

TEST(TimingOffset, TellsTheBuffersOfAKernelApart) {
  std::set<size_t> offsets, in_page;
  for (uint32_t n = 0; n < 12; ++n) {
    size_t offset = tunesmith_timing_offset(n);
    EXPECT_EQ(offset % 64, 0u);
    EXPECT_LT(offset, size_t{256} << 10);
    offsets.insert(offset);
    in_page.insert(offset % kPage);
  }
  EXPECT_EQ(offsets.size(), 12u);
  EXPECT_EQ(in_page.size(), 12u);
}

TEST(TimingBuffer, LiesAtItsOffset) {
  for (uint32_t number : {0u, 1u, 7u}) {
    for (int64_t bytes : {int64_t{0}, int64_t{1}, int64_t{3} << 20}) {
      tunesmith_timing_buffer buffer = {};
      ASSERT_EQ(tunesmith_timing_map(&buffer, bytes, number), 1);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.data) % TUNESMITH_HUGE_PAGE_BYTES,
                tunesmith_timing_offset(number));
      auto* data = static_cast<uint8_t*>(buffer.data);
      EXPECT_TRUE(std::all_of(data, data + bytes, [](uint8_t byte) { return byte == 0; }));
      std::fill(data, data + bytes, uint8_t{1});
      tunesmith_timing_unmap(&buffer);
      EXPECT_EQ(buffer.mapping, nullptr);
      tunesmith_timing_unmap(&buffer);  // once more does nothing
    }
  }
}

TEST(TimingBuffer, TooLargeIsRefused) {
  for (int64_t bytes : {int64_t{-1}, int64_t{1} << 60}) {
    tunesmith_timing_buffer buffer = {};
    EXPECT_EQ(tunesmith_timing_map(&buffer, bytes, 0), 0);
    EXPECT_EQ(buffer.mapping, nullptr);
    tunesmith_timing_unmap(&buffer);
  }
}

cpu_set_t Affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  EXPECT_EQ(sched_getaffinity(0, sizeof set, &set), 0);
  return set;
}

struct Places {
  std::vector<cpu_set_t> of;  // by worker
  static void Body(void* closure, int64_t first, int64_t last, int32_t worker) {
    static_cast<Places*>(closure)->of[static_cast<size_t>(worker)] = Affinity();
    // Long enough for every worker to come by.
    std::this_thread::sleep_for(std::chrono::milliseconds(last - first));
  }
};

/// The affinity of each worker of a pool, worker 0 being this thread.
std::vector<cpu_set_t> AffinitiesOn(tunesmith_pool* pool) {
  const tunesmith_threads* table = tunesmith_pool_threads(pool);
  Places places;
  places.of.resize(static_cast<size_t>(table->threads));
  auto unseen = [](const cpu_set_t& set) { return CPU_COUNT(&set) == 0; };
  for (int round = 0; round < 100 && std::any_of(places.of.begin(), places.of.end(), unseen); ++round)
    table->run(table->context, Places::Body, &places, 64, 1);
  return places.of;
}

TEST(TimingPool, PutsEachThreadOnACpuOfItsOwnAndTheCallerToo) {
  const cpu_set_t allowed = Affinity();
  const int threads = std::min(CPU_COUNT(&allowed), 4);
  for (int round = 0; round < 2; ++round) {  // the second finds its caller bound by the first
    tunesmith_pool* pool = tunesmith_timing_pool(threads, &allowed);
    ASSERT_NE(pool, nullptr);
    cpu_set_t together;
    CPU_ZERO(&together);
    for (const cpu_set_t& one : AffinitiesOn(pool)) {
      EXPECT_EQ(CPU_COUNT(&one), 1);
      CPU_OR(&together, &together, &one);
    }
    EXPECT_EQ(CPU_COUNT(&together), threads);
    const cpu_set_t own = Affinity();
    EXPECT_EQ(CPU_COUNT(&own), 1);
    tunesmith_pool_destroy(pool);
  }
  sched_setaffinity(0, sizeof allowed, &allowed);
}

TEST(TimingPool, TakesTurnsOnTooFewCpus) {
  const cpu_set_t allowed = Affinity();
  const int threads = CPU_COUNT(&allowed) + 1;
  tunesmith_pool* pool = tunesmith_timing_pool(threads, &allowed);
  ASSERT_NE(pool, nullptr);
  cpu_set_t together;
  CPU_ZERO(&together);
  for (const cpu_set_t& one : AffinitiesOn(pool)) {
    EXPECT_EQ(CPU_COUNT(&one), 1);
    CPU_OR(&together, &together, &one);
  }
  EXPECT_TRUE(CPU_EQUAL(&together, &allowed));
  tunesmith_pool_destroy(pool);
  sched_setaffinity(0, sizeof allowed, &allowed);
  EXPECT_EQ(tunesmith_timing_pool(0, &allowed), nullptr);
}

}  // namespace
}  // namespace tunesmith
