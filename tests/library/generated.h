// SPDX-License-Identifier: Apache-2.0
// What the tests of generated libraries share: libraries that `tune build` makes, and calls into them.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "codegen/runtime/tunesmith_library.h"
#include "support/files.h"
#include "support/subprocess.h"
#include "te/language.h"
#include "te/tolerance.h"
#include "te/value.h"

namespace tunesmith::library {

template <class T>
T Value(Result<T> result) {
  EXPECT_TRUE(result.ok()) << result.status();
  return std::move(result).value();
}

/// Runs the `tune` that was built with the tests, with no records but those of --db.
CommandOutput Tune(std::vector<std::string> args);
/// The same, of another program, with this standard input; `args[0]` is looked for in the usual folders. One
/// that does not end within five minutes is killed, and the test fails.
CommandOutput RunProgram(std::vector<std::string> args, const std::string& input = "");
/// Expects a process to have ended well; shows what it wrote otherwise.
void ExpectOk(const CommandOutput& output);

/// The suite that libraries are made of (tests/library/kernels.tsv).
std::string SuitePath();
std::vector<te::SuiteEntry> Suite();
te::Graph DefinitionOf(const te::SuiteEntry& entry);
/// Its library, tuned_kernels, made once for each test program.
const std::filesystem::path& GeneratedFolder();

/// Expects each element of each output, given as its bytes, as near to the interpreter's as the model allows.
void ExpectOutputs(const te::Graph& definition, const std::vector<te::Value>& inputs, te::ErrorModel model,
                   const std::vector<std::string>& outputs);

/// Bytes at a multiple of 64 (plus `shift`), zero at first, with a zone behind them that must not change.
class Buffer {
 public:
  explicit Buffer(int64_t bytes, int64_t shift = 0);
  explicit Buffer(const te::Value& value);
  uint8_t* data() { return data_; }
  int64_t size() const { return size_; }
  bool intact() const;  // the zone behind

 private:
  std::vector<uint8_t> memory_;
  uint8_t* data_;
  int64_t size_;
};

/// The descriptor of memory that holds a kernel's parameter.
tunesmith_tensor Describe(const tunesmith_parameter& parameter, void* data);

/// A library opened with dlopen, and closed at the end.
class Loaded {
 public:
  Loaded(const std::filesystem::path& folder, std::string name);
  Loaded(const Loaded&) = delete;
  ~Loaded();

  /// The function NAME_`function`.
  template <class Function>
  Function* Get(const std::string& function) const {
    return reinterpret_cast<Function*>(Find(function));
  }
  const tunesmith_library& library() const;
  const tunesmith_kernel& kernel(const std::string& name) const;
  const tunesmith_variant* variant(const tunesmith_kernel& kernel) const;
  std::string error_text(int result) const;
  int use_level(const char* target) const;

  int run(const tunesmith_kernel& kernel, const std::vector<const tunesmith_tensor*>& tensors,
          const void* packed, void* workspace, size_t workspace_bytes,
          const tunesmith_threads* threads) const;
  int pack(const tunesmith_kernel& kernel, const std::vector<const tunesmith_tensor*>& weights, void* packed,
           size_t packed_bytes, void* workspace, size_t workspace_bytes,
           const tunesmith_threads* threads) const;
  size_t workspace_bytes(const tunesmith_kernel& kernel, int threads) const;
  size_t packed_bytes(const tunesmith_kernel& kernel) const;

 private:
  void* Find(const std::string& function) const;
  std::string name_;
  void* handle_;
};

/// The library's own pool.
class Pool {
 public:
  Pool(const Loaded& loaded, int threads);
  Pool(const Pool&) = delete;
  ~Pool();
  const tunesmith_threads* threads() const;

 private:
  const Loaded& loaded_;
  void* pool_;
};

}  // namespace tunesmith::library
