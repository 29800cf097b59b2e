// SPDX-License-Identifier: Apache-2.0
#include "database/filter.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>

#include "tests/database/fixtures.h"

namespace tunesmith::database {
namespace {

constexpr int64_t kNow = kStartNs + 10 * 86400 * kSecondNs;

Filter Parsed(std::vector<std::string> terms) { return Value(ParseFilter(terms, kNow)); }

std::string Refusal(std::vector<std::string> terms) {
  return std::string(MessageOf(ParseFilter(terms, kNow).status()));
}

TEST(FilterTest, NoTermIsNoCondition) {
  Filter filter = Parsed({});
  EXPECT_EQ(filter.operator_name, "");
  EXPECT_TRUE(filter.bindings.empty());
  EXPECT_FALSE(filter.limit);
  EXPECT_EQ(filter.order, Order::kNewest);
}

TEST(FilterTest, NamesAndBindings) {
  Filter filter =
      Parsed({"operator=matmul", "M=1024", "act=gelu_erf", "target=x86-64-avx512", "codegen=1", "llvm=19.1.7",
              "cache=cold", "threads=2", "id=3f", "workload=91c0", "binding.target=x=y"});
  EXPECT_EQ(filter.operator_name, "matmul");
  EXPECT_EQ(filter.bindings,
            (std::map<std::string, std::string>{{"M", "1024"}, {"act", "gelu_erf"}, {"target", "x=y"}}));
  EXPECT_EQ(filter.target, "x86-64-avx512");
  EXPECT_EQ(filter.codegen, "1");
  EXPECT_EQ(filter.llvm, "19.1.7");
  EXPECT_EQ(filter.cold, true);
  EXPECT_EQ(filter.threads, 2);
  EXPECT_EQ(filter.id, "3f");
  EXPECT_EQ(filter.workload, "91c0");
}

TEST(FilterTest, Outcomes) {
  using measure::OutcomeKind;
  EXPECT_EQ(Parsed({"outcome=ok"}).outcomes, (std::set{OutcomeKind::kOk}));
  EXPECT_EQ(Parsed({"outcome=timeout,crash"}).outcomes,
            (std::set{OutcomeKind::kCrash, OutcomeKind::kTimeout}));
  EXPECT_EQ(Parsed({"outcome=failed"}).outcomes.size(), 6u);
  EXPECT_FALSE(Parsed({"outcome=failed"}).outcomes.contains(OutcomeKind::kOk));
}

TEST(FilterTest, Latencies) {
  EXPECT_EQ(Parsed({"latency<=2ms"}).max_latency_ns, 2e6);
  EXPECT_EQ(Parsed({"latency<2ms"}).max_latency_ns, std::nextafter(2e6, 0));
  EXPECT_EQ(Parsed({"latency>=1.5us"}).min_latency_ns, 1500);
  EXPECT_EQ(Parsed({"latency>3s"}).min_latency_ns, std::nextafter(3e9, 4e9));
  Filter both = Parsed({"latency>10ns", "latency<1ms", "latency<2ms"});
  EXPECT_EQ(both.min_latency_ns, std::nextafter(10.0, 11.0));
  EXPECT_EQ(both.max_latency_ns, std::nextafter(1e6, 0));
}

TEST(FilterTest, DatesAreUtc) {
  EXPECT_EQ(Parsed({"since=2026-01-01"}).since_ns, kStartNs);
  EXPECT_EQ(Parsed({"until=2026-01-01T00:01"}).until_ns, kStartNs + 60 * kSecondNs);
  EXPECT_EQ(Parsed({"since=2026-01-01T01:00:05Z"}).since_ns, kStartNs + 3605 * kSecondNs);
  EXPECT_EQ(Parsed({"since=1970-01-01"}).since_ns, 0);
  EXPECT_EQ(Parsed({"since=2024-02-29"}).since_ns, 1709164800 * kSecondNs);
  EXPECT_EQ(Parsed({"since=10d"}).since_ns, kStartNs);
  EXPECT_EQ(Parsed({"since=1.5h"}).since_ns, kNow - 5400 * kSecondNs);
}

TEST(FilterTest, OrderAndLimits) {
  Filter filter = Parsed({"order=slowest", "limit=20", "best=3"});
  EXPECT_EQ(filter.order, Order::kSlowest);
  EXPECT_EQ(filter.limit, 20);
  EXPECT_EQ(filter.best_per_key, 3);
  EXPECT_EQ(Parsed({"order=best", "best=1"}).order, Order::kBest);
}

TEST(FilterTest, RefusalsShowARightTerm) {
  EXPECT_EQ(Refusal({"matmul"}),
            "filter 'matmul': not a condition; write NAME=VALUE, such as operator=matmul");
  EXPECT_EQ(Refusal({"=3"}), "filter '=3': not a condition; write NAME=VALUE, such as operator=matmul");
  EXPECT_EQ(Refusal({"M="}), "filter 'M=': the value is missing; write NAME=VALUE");
  EXPECT_EQ(Refusal({"M<3"}), "filter 'M<3': only latency can be compared; write NAME=VALUE");
  EXPECT_EQ(
      Refusal({"oprator=matmul"}),
      "filter 'oprator=matmul': did you mean operator? (for a binding of that name: binding.oprator=matmul)");
  EXPECT_EQ(Refusal({"M=1", "M=2"}), "filter 'M=2': M is given twice; give it once");
  for (const char* value : {"0x40", "4k", "+4", "-0x1"})
    EXPECT_EQ(Refusal({StrCat("M=", value)}),
              StrCat("filter 'M=", value, "': values are recorded in decimal; write M=64"));
  for (const char* value : {"64", "-1", "1e-05", "relu6", "f32", "1"})
    EXPECT_EQ(Refusal({StrCat("M=", value)}), "") << value;
  EXPECT_EQ(Refusal({"limit=1", "limit=2"}), "filter 'limit=2': limit is given twice; give it once");
  EXPECT_EQ(Refusal({"limit=0"}), "filter 'limit=0': write a number from 1");
  EXPECT_EQ(Refusal({"threads=0x10"}), "filter 'threads=0x10': write a number from 1, such as threads=2");
  EXPECT_EQ(Refusal({"cache=hot"}), "filter 'cache=hot': write cache=warm or cache=cold");
  EXPECT_EQ(Refusal({"order=worst"}),
            "filter 'order=worst': write order=newest, oldest, fastest, slowest or best");
  EXPECT_EQ(Refusal({"order=best"}), "filter 'order=best': say of how many of each key, such as best=3");
  EXPECT_EQ(Refusal({"id=xyz"}), "filter 'id=xyz': write the first of its 32 digits, 0 to 9 and a to f");
  for (std::string term :
       {"latency<2", "latency=2ms", "latency<-2ms", "latency<nanms", "latency<", "latency<2 ms"}) {
    EXPECT_EQ(Refusal({term}),
              "filter '" + term + "': write latency<2ms, with <, <=, > or >= and ns, us, ms or s");
  }
  EXPECT_EQ(Refusal({"outcome=ok,bad"}),
            "filter 'outcome=ok,bad': write ok, failed, compile_error, wrong_result, crash, timeout, "
            "out_of_memory or out_of_bounds; several with commas between");
  for (std::string date : {"2026", "2026-13-01", "2025-02-29", "2026-01-01T24:00", "2026-01-01T10",
                           "2026-1-1", "yesterday", "2262-01-01", "3000w", "2026-01-01 10:00"}) {
    EXPECT_EQ(Refusal({"since=" + date}),
              "filter 'since=" + date +
                  "': write a UTC date from 1970 to 2261, such as 2026-01-31 or 2026-01-31T12:30:05, or a "
                  "time ago, such as 7d (s, min, h, d, w)");
  }
}

TEST(FilterTest, AnyTermIsReadOrRefused) {
  EXPECT_TRUE(rc::check("no text breaks the parser", [] {
    auto term =
        *rc::gen::container<std::string>(rc::gen::elementOf(std::string("latencysince<>=.-:T019dmsw\xff")));
    auto filter = ParseFilter(std::vector<std::string>{term}, kNow);
    RC_ASSERT(filter.ok() || !MessageOf(filter.status()).empty());
  }));
}

}  // namespace
}  // namespace tunesmith::database
