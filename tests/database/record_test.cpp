// SPDX-License-Identifier: Apache-2.0
#include "database/record.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <functional>
#include <limits>

#include "database/json_text.h"
#include "database/record_json.h"
#include "tests/database/fixtures.h"

namespace tunesmith::database {
namespace {

std::string Refusal(const std::function<void(Record&)>& change) {
  Record record = TimedRecord(1);
  change(record);
  record.id = IdOf(record);
  return std::string(MessageOf(Check(record)));
}

TEST(RecordTest, TheIdIsTheSameOnEveryMachine) {
  EXPECT_EQ(TimedRecord(1).id, "09f2da31c7ee4471d84d23749562800b");
}

TEST(RecordTest, EveryFieldIsPartOfTheId) {
  const std::function<void(Record&)> changes[] = {
      [](Record& r) { r.key.workload[0] = 'f'; },
      [](Record& r) { r.key.layouts = "a"; },
      [](Record& r) { r.key.target += "a"; },
      [](Record& r) { r.key.features += "a"; },
      [](Record& r) { r.key.scenario.cold = true; },
      [](Record& r) { r.key.scenario.threads = 2; },
      [](Record& r) { r.key.scenario.pinning = "each thread on a core"; },
      [](Record& r) { r.key.scenario.page_bytes = 2 << 20; },
      [](Record& r) { r.key.codegen = "2"; },
      [](Record& r) { r.key.llvm = "20"; },
      [](Record& r) { r.operator_name = "gemm"; },
      [](Record& r) { r.bindings["M"] = "1"; },
      [](Record& r) { r.bindings.erase("M"); },
      [](Record& r) { r.trace += "a"; },
      [](Record& r) { r.outcome.kind = measure::OutcomeKind::kCrash; },
      [](Record& r) { r.outcome.detail = "a"; },
      [](Record& r) { r.outcome.samples_ns[0] += 1; },
      [](Record& r) { r.outcome.median_ns += 1; },
      [](Record& r) { r.outcome.spread_ns += 1; },
      [](Record& r) { r.limit_share += 0.01; },
      [](Record& r) { r.environment = "{}"; },
      [](Record& r) { r.created_ns += 1; },
  };
  const Record original = TimedRecord(1);
  for (size_t i = 0; i < std::size(changes); ++i) {
    Record changed = original;
    changes[i](changed);
    EXPECT_NE(IdOf(changed), original.id) << "change " << i;
  }
}

TEST(RecordTest, TextMovedFromOneFieldToTheNextChangesTheId) {
  Record a = TimedRecord(1), b = a;
  a.key.target = "ab", a.key.features = "c";
  b.key.target = "a", b.key.features = "bc";
  EXPECT_NE(IdOf(a), IdOf(b));
}

TEST(RecordTest, SealCleansWhatACompilerSaid) {
  Record draft = FailedRecord(1);
  draft.outcome.detail = std::string("bad \xff byte, cut \xe2\x82, nul ") + '\0' + ", euro \xe2\x82\xac";
  EXPECT_EQ(Resealed(draft).outcome.detail,
            "bad \xEF\xBF\xBD byte, cut \xEF\xBF\xBD\xEF\xBF\xBD, nul \xEF\xBF\xBD, euro \xe2\x82\xac");
}

TEST(RecordTest, SealBringsTheEnvironmentIntoOneForm) {
  Record draft = TimedRecord(1);
  draft.environment = R"({ "seed": 7, "cpu" : "AMD EPYC 9R14" })";
  EXPECT_EQ(Resealed(draft), TimedRecord(1));
}

TEST(RecordTest, RefusesWhatNoTrialCanGive) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(Refusal([](Record& r) { r.key.workload = "0123"; }),
            "workload: not 32 lowercase hexadecimal digits");
  EXPECT_EQ(Refusal([](Record& r) { r.key.workload[3] = 'G'; }),
            "workload: not 32 lowercase hexadecimal digits");
  EXPECT_EQ(Refusal([](Record& r) { r.key.target = ""; }), "target: empty");
  EXPECT_EQ(Refusal([](Record& r) { r.key.target = "\xc0\x80"; }), "target: not UTF-8 text");
  EXPECT_EQ(Refusal([](Record& r) { r.key.codegen = ""; }), "codegen: empty");
  EXPECT_EQ(Refusal([](Record& r) { r.key.llvm = ""; }), "llvm: empty");
  EXPECT_EQ(Refusal([](Record& r) { r.key.scenario.threads = 0; }), "threads: below 1");
  EXPECT_EQ(Refusal([](Record& r) { r.key.scenario.pinning = ""; }),
            "pinning: neither \"none\" nor \"each thread on a core\"");
  EXPECT_EQ(Refusal([](Record& r) { r.key.scenario.page_bytes = 3000; }), "page_bytes: not a power of two");
  EXPECT_EQ(Refusal([](Record& r) { r.operator_name = ""; }), "operator: empty");
  EXPECT_EQ(Refusal([](Record& r) { r.bindings["a b"] = "1"; }), "bindings: a name is not an identifier");
  EXPECT_EQ(Refusal([](Record& r) { r.bindings["a"] = "\xed\xa0\x80"; }), "bindings: not UTF-8 text");
  EXPECT_EQ(Refusal([](Record& r) { r.definition = "\xff"; }), "definition: not UTF-8 text");
  EXPECT_EQ(Refusal([](Record& r) { r.definition.assign((1 << 20) + 1, ' '); }),
            "definition: larger than 1 MiB");
  EXPECT_EQ(Refusal([](Record& r) { r.trace = ""; }), "trace: empty");
  EXPECT_EQ(Refusal([](Record& r) { r.trace = std::string("a\0b", 3); }), "trace: not UTF-8 text");
  EXPECT_EQ(Refusal([](Record& r) { r.outcome.kind = static_cast<measure::OutcomeKind>(7); }),
            "outcome: unknown kind");
  EXPECT_EQ(Refusal([](Record& r) { r.outcome.kind = measure::OutcomeKind::kCrash; }),
            "outcome: a failure with a latency");
  EXPECT_EQ(Refusal([](Record& r) { r.outcome.samples_ns.clear(); }),
            "samples_ns: empty, but the outcome is ok");
  EXPECT_EQ(Refusal([&](Record& r) { r.outcome.samples_ns[1] = kInfinity; }),
            "samples_ns: a sample is not a positive number");
  EXPECT_EQ(Refusal([](Record& r) { r.outcome.median_ns = 1; }), "median_ns: outside the samples");
  EXPECT_EQ(Refusal([](Record& r) { r.outcome.median_ns = std::nan(""); }), "median_ns: outside the samples");
  EXPECT_EQ(Refusal([](Record& r) { r.outcome.spread_ns = -1; }), "spread_ns: negative or not finite");
  EXPECT_EQ(Refusal([&](Record& r) { r.limit_share = kInfinity; }), "limit_share: negative or not finite");
  EXPECT_EQ(Refusal([](Record& r) { r.environment = "[]"; }), "environment: not a JSON object");
  EXPECT_EQ(Refusal([](Record& r) { r.environment = "{ }"; }),
            "environment: not in canonical form (keys sorted, no blanks)");
  EXPECT_EQ(Refusal([](Record& r) { r.created_ns = 0; }), "created_ns: not after 1970");
  EXPECT_EQ(Refusal([](Record&) {}), "");
}

TEST(RecordTest, RefusesAChangedRecord) {
  Record record = TimedRecord(1);
  record.outcome.median_ns -= 10;
  EXPECT_EQ(MessageOf(Check(record)), "id: does not match the content; the record was changed");
}

TEST(RecordTest, Utf8IsWhatTheUnicodeStandardSays) {
  for (std::string_view text :
       {"", "a", "\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(IsText(text)) << testing::PrintToString(text);
  }
  for (std::string_view text : {"\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf", "\xed\xa0\x80",
                                "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82"}) {
    EXPECT_FALSE(IsText(text)) << testing::PrintToString(text);
  }
}

TEST(RecordJsonTest, ALineLooksLikeThis) {
  EXPECT_EQ(
      ToJsonLine(TimedRecord(1)),
      R"({"tunesmith_record":3,"id":"09f2da31c7ee4471d84d23749562800b",)"
      R"("workload":"0123456789abcdef0123456789abcdef","layouts":"","operator":"matmul",)"
      R"("bindings":{"K":"1024","M":"1024","N":"1024"},"definition":"","target":"x86-64-avx512","features":"f00d",)"
      R"("scenario":{"cache":"warm","threads":1,"pinning":"none","page_bytes":4096},)"
      R"("codegen":"1","llvm":"19.1.7","trace":"trace 1 matmul 1","outcome":"ok","detail":"",)"
      R"("samples_ns":[101040.0,101000.0,100980.0],"median_ns":101000.0,"spread_ns":30.0,"processes":1,)"
      R"("limit_share":0.875,"environment":{"cpu":"AMD EPYC 9R14","seed":7},)"
      R"("created_ns":1767225601000000000})");
}

TEST(RecordJsonTest, ReadsWhatItWrites) {
  for (const Record& record : {TimedRecord(3), FailedRecord(4)}) {
    EXPECT_EQ(Value(FromJsonLine(ToJsonLine(record))), record);
  }
}

TEST(RecordJsonTest, ReadsLinesOfOlderFormats) {
  std::string line = ToJsonLine(TimedRecord(1));
  auto replace = [&](std::string_view from, std::string_view to) {
    line.replace(line.find(from), from.size(), to);
  };
  replace(",\"definition\":\"\"", "");
  replace("\"tunesmith_record\":3", "\"tunesmith_record\":2");
  EXPECT_EQ(Value(FromJsonLine(line)), TimedRecord(1));
  replace(",\"processes\":1", "");
  replace("\"tunesmith_record\":2", "\"tunesmith_record\":1");
  EXPECT_EQ(Value(FromJsonLine(line)), TimedRecord(1));
}

TEST(RecordTest, TheWorkloadVouchesForTheDefinitionNotTheId) {
  Record record = TimedRecord(1);
  record.definition = "op matmul";
  EXPECT_EQ(IdOf(record), TimedRecord(1).id);
  EXPECT_EQ(Value(FromJsonLine(ToJsonLine(record))), record);
}

TEST(RecordJsonTest, EveryRecordSurvives) {
  EXPECT_TRUE(rc::check("FromJsonLine(ToJsonLine(record)) == record", [] {
    Record record = TimedRecord(*rc::gen::inRange(0, 1000));
    auto text = [] {
      return *rc::gen::container<std::string>(rc::gen::elementOf(std::string("aZ09 \"\\\n\t{}[]/\x7f\x01")));
    };
    record.trace = text() + "x";
    record.key.layouts = text();
    record.bindings[*rc::gen::elementOf(std::vector<std::string>{"a", "_b", "C3"})] = text() + "\xe2\x82\xac";
    record.outcome.detail = text();
    record.key.scenario.cold = *rc::gen::arbitrary<bool>();
    if (*rc::gen::arbitrary<bool>()) {
      record.outcome.kind = measure::OutcomeKind::kWrongResult;
      record.outcome.samples_ns.clear();
      record.outcome.median_ns = record.outcome.spread_ns = 0;
    } else {
      double sample =
          std::ldexp(1 + *rc::gen::inRange(0, 1 << 30) / double(1 << 30), *rc::gen::inRange(-40, 60));
      record.outcome.samples_ns = {sample, sample / 3};
      record.outcome.median_ns = sample;
      record.outcome.spread_ns = sample / 7;
      record.processes = *rc::gen::inRange(1, 20);
    }
    record = Resealed(record);
    auto read = FromJsonLine(ToJsonLine(record));
    RC_ASSERT(read.ok());
    RC_ASSERT(*read == record);
  }));
}

std::string LineRefusal(std::string_view from, std::string_view to) {
  std::string line = ToJsonLine(TimedRecord(1));
  size_t at = line.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  line.replace(at, from.size(), to);
  return std::string(MessageOf(FromJsonLine(line).status()));
}

TEST(RecordJsonTest, RefusesALineWithTheFieldsName) {
  auto message = [](std::string_view line) { return std::string(MessageOf(FromJsonLine(line).status())); };
  EXPECT_EQ(message(""), "not JSON; is the line cut off?");
  EXPECT_EQ(message("[1]"), "not a JSON object");
  EXPECT_EQ(message("{\"a\":"), "not JSON; is the line cut off?");
  EXPECT_EQ(message("\x00\xff\x01"), "not JSON; is the line cut off?");
  EXPECT_EQ(message("{}"), "tunesmith_record: missing; is this a line of `tune db export`?");
  EXPECT_EQ(message(std::string(200000, '[')), "nested deeper than 65 levels");
  EXPECT_EQ(LineRefusal("\"tunesmith_record\":3", "\"tunesmith_record\":4"),
            "tunesmith_record: format 4, but this program reads 1 to 3");
  EXPECT_EQ(LineRefusal("\"tunesmith_record\":3", "\"tunesmith_record\":0"),
            "tunesmith_record: format 0, but this program reads 1 to 3");
  EXPECT_EQ(LineRefusal("\"tunesmith_record\":3", "\"tunesmith_record\":2"), "definition: unknown field");
  EXPECT_EQ(LineRefusal("\"processes\":1", "\"processes\":0"), "processes: not between 1 and 2147483647");
  EXPECT_EQ(LineRefusal("\"processes\":1", "\"processes\":6"),
            "id: does not match the content; the record was changed");
  EXPECT_EQ(LineRefusal("\"operator\"", "\"op\""), "operator: missing");
  EXPECT_EQ(LineRefusal("\"detail\":\"\"", "\"detail\":\"\",\"note\":1"), "note: unknown field");
  EXPECT_EQ(LineRefusal("\"trace\":\"", "\"trace\":1,\"t\":\""), "trace: not a string");
  EXPECT_EQ(LineRefusal("\"samples_ns\":[", "\"samples_ns\":[null,"), "samples_ns: not an array of numbers");
  EXPECT_EQ(LineRefusal("\"median_ns\":", "\"median_ns\":\"1\",\"m\":"), "median_ns: not a number");
  EXPECT_EQ(LineRefusal("\"created_ns\":", "\"created_ns\":1.5,\"c\":"), "created_ns: not a 64-bit integer");
  EXPECT_EQ(LineRefusal("\"created_ns\":", "\"created_ns\":18446744073709551615,\"c\":"),
            "created_ns: not a 64-bit integer");
  EXPECT_EQ(LineRefusal("\"environment\":{", "\"environment\":[],\"e\":{"), "environment: not an object");
  EXPECT_EQ(LineRefusal("\"bindings\":{", "\"bindings\":{\"x\":1,"), "bindings: not an object of strings");
  EXPECT_EQ(LineRefusal("\"scenario\":{", "\"scenario\":1,\"s\":{"), "scenario: not an object");
  EXPECT_EQ(LineRefusal("\"pinning\":\"none\"", "\"pinning\":\"none\",\"moon\":\"full\""),
            "scenario.moon: unknown field");
  EXPECT_EQ(LineRefusal("\"warm\"", "\"hot\""), "scenario.cache: neither \"warm\" nor \"cold\"");
  EXPECT_EQ(LineRefusal("\"threads\":1", "\"threads\":4294967297"),
            "scenario.threads: not between 1 and 2147483647");
  EXPECT_EQ(LineRefusal("\"ok\"", "\"fine\""),
            "outcome: \"fine\" is none of ok, compile_error, wrong_result, crash, timeout, out_of_memory, "
            "out_of_bounds");
  EXPECT_EQ(LineRefusal("\"matmul\"", "\"matmal\""),
            "id: does not match the content; the record was changed");
}

TEST(RecordJsonTest, AnyBytesAreReadOrRefused) {
  EXPECT_TRUE(rc::check("a line with a few bytes changed is read as a record that holds, or refused", [] {
    std::string line = ToJsonLine(TimedRecord(1));
    int changes = *rc::gen::inRange(1, 6);
    for (int i = 0; i < changes; ++i) {
      auto at = static_cast<size_t>(*rc::gen::inRange(0, static_cast<int>(line.size())));
      line[at] = static_cast<char>(*rc::gen::inRange(0, 256));
    }
    if (*rc::gen::arbitrary<bool>())
      line.resize(static_cast<size_t>(*rc::gen::inRange(0, static_cast<int>(line.size()))));
    auto read = FromJsonLine(line);
    bool holds = read.ok() ? Check(*read).ok() : !MessageOf(read.status()).empty();
    RC_ASSERT(holds);
  }));
}

TEST(JsonTextTest, CountsBracketsOutsideOfStrings) {
  EXPECT_FALSE(NestedDeeperThan(R"({"a[[[[\"[[":[1]})", 2));
  EXPECT_TRUE(NestedDeeperThan(R"({"a":[[1]]})", 2));
  EXPECT_FALSE(NestedDeeperThan("[][][][]", 1));
}

}  // namespace
}  // namespace tunesmith::database
