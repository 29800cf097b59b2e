// SPDX-License-Identifier: Apache-2.0
#include "tests/database/fixtures.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/strings.h"

namespace tunesmith::database {

FolderTest::FolderTest() : temporary_(Value(TemporaryFolder::Make())), folder_(temporary_.path().string()) {
  chmod(folder_.c_str(), 0755);  // children without privileges look into it
}

FolderTest::~FolderTest() { chmod(folder_.c_str(), 0755); }

std::string FolderTest::Path(std::string_view name) const { return StrCat(folder_, "/", name); }

std::string FolderTest::WithoutFolder(std::string_view text) const {
  std::string result(text);
  const std::string prefix = folder_ + "/";
  for (const std::string& part : {prefix, folder_}) {
    for (size_t at = 0; (at = result.find(part, at)) != std::string::npos;) result.erase(at, part.size());
  }
  return result;
}

namespace {

Record Draft(int number) {
  Record record;
  record.key.workload = "0123456789abcdef0123456789abcdef";
  record.key.target = "x86-64-avx512";
  record.key.features = "f00d";
  record.key.codegen = "1";
  record.key.llvm = "19.1.7";
  record.operator_name = "matmul";
  record.bindings = {{"M", "1024"}, {"N", "1024"}, {"K", "1024"}};
  record.trace = StrCat("trace 1 matmul ", number);
  record.environment = R"({"cpu":"AMD EPYC 9R14","seed":7})";
  record.created_ns = kStartNs + number * kSecondNs;
  return record;
}

}  // namespace

Record TimedRecord(int number) {
  Record record = Draft(number);
  double median = 100'000.0 + 1'000.0 * number;
  record.outcome.samples_ns = {median + 40, median, median - 20};
  record.outcome.median_ns = median;
  record.outcome.spread_ns = 30;
  record.limit_share = 0.875;
  return Resealed(record);
}

Record FinalistRecord(int number, int later, double median_ns) {
  Record record = TimedRecord(number);
  record.outcome.samples_ns = {median_ns};
  record.outcome.median_ns = median_ns;
  record.outcome.spread_ns = 0;
  record.processes = 6;
  record.created_ns = kStartNs + later * kSecondNs;
  return Resealed(record);
}

Record FailedRecord(int number, measure::OutcomeKind kind) {
  Record record = Draft(number);
  record.outcome.kind = kind;
  record.outcome.detail = "did not end within 2 s";
  return Resealed(record);
}

Filter Where(const std::vector<std::string>& terms) {
  return Value(ParseFilter(terms, kStartNs + 1000 * kSecondNs));
}

Record Resealed(Record record) { return Value(Seal(std::move(record))); }

std::string ReadBytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void WriteBytes(const std::string& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::vector<std::string> NamesIn(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> InChildren(int count, const std::function<std::string(int)>& body) {
  int gate[2];
  if (pipe(gate) != 0) return {"(no pipe)"};
  std::vector<std::pair<pid_t, int>> children;  // and where each answers
  for (int i = 0; i < count; ++i) {
    int ends[2];
    if (pipe(ends) != 0) return {"(no pipe)"};
    pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      close(gate[1]);
      char none;
      bool open = read(gate[0], &none, 1) == 0;  // when the parent closes it, for all at once
      std::string answer = open ? body(i) : "(no start)";
      ssize_t written = write(ends[1], answer.data(), answer.size());
      _exit(written == static_cast<ssize_t>(answer.size()) ? 0 : 1);
    }
    close(ends[1]);
    children.emplace_back(child, ends[0]);
  }
  close(gate[0]);
  close(gate[1]);
  std::vector<std::string> answers;
  for (auto [child, end] : children) {
    std::string answer;
    char buffer[4096];
    for (ssize_t n; (n = read(end, buffer, sizeof buffer)) > 0;)
      answer.append(buffer, static_cast<size_t>(n));
    close(end);
    int status = 0;
    waitpid(child, &status, 0);
    answers.push_back(WIFEXITED(status) && WEXITSTATUS(status) == 0 ? answer : "(killed)");
  }
  return answers;
}

std::string InChild(const std::function<std::string()>& body) {
  return InChildren(1, [&](int) { return body(); })[0];
}

std::string InChildWithoutPrivileges(const std::function<std::string()>& body) {
  return InChild([&]() -> std::string {
    constexpr uid_t kNobody = 65534;
    if (geteuid() == 0 && (setgid(kNobody) != 0 || setuid(kNobody) != 0))
      return "(cannot give up privileges)";
    return body();
  });
}

}  // namespace tunesmith::database
