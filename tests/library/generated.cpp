// SPDX-License-Identifier: Apache-2.0
#include "tests/library/generated.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstring>

#include "support/strings.h"
#include "te/interpret.h"

namespace tunesmith::library {
namespace {

constexpr int64_t kLine = 64;
constexpr uint8_t kZone = 0xa5;
constexpr int64_t kZoneBytes = 256;

}  // namespace

CommandOutput RunProgram(std::vector<std::string> args, const std::string& input) {
  args[0] = Value(FindProgram(args[0]));
  return Value(RunCommand(Command{std::move(args), std::nullopt, ""}, input, After(std::chrono::minutes(5))));
}

CommandOutput Tune(std::vector<std::string> args) {
  static TemporaryFolder* data = new TemporaryFolder(Value(TemporaryFolder::Make()));
  args.insert(args.begin(), (Value(ExecutableFolder()) / "tune").string());
  Command command{std::move(args), std::vector<std::string>{"XDG_DATA_HOME=" + data->path().string()}, ""};
  return Value(RunCommand(command, "", After(std::chrono::minutes(5))));
}

void ExpectOk(const CommandOutput& output) {
  EXPECT_TRUE(output.status.ok()) << output.status.ToString() << "\n" << output.output << output.error_output;
}

std::string SuitePath() { return StrCat(TUNESMITH_SOURCE_DIR, "/tests/library/kernels.tsv"); }

std::vector<te::SuiteEntry> Suite() {
  return Value(te::ParseSuite(Value(ReadFile(SuitePath(), 1 << 20)), SuitePath()));
}

te::Graph DefinitionOf(const te::SuiteEntry& entry) {
  return Value(te::Bind(Value(te::StandardOperator(entry.op)), entry.bindings)).definition();
}

void ExpectOutputs(const te::Graph& definition, const std::vector<te::Value>& inputs, te::ErrorModel model,
                   const std::vector<std::string>& outputs) {
  std::vector<te::BoundedValue> expected = Value(te::InterpretBounded(definition, inputs, {model, 1}));
  ASSERT_EQ(outputs.size(), expected.size());
  for (size_t o = 0; o < expected.size(); ++o) {
    const te::Value& value = expected[o].value;
    ASSERT_EQ(static_cast<int64_t>(outputs[o].size()), value.size_in_bytes());
    for (int64_t i = 0; i < value.elements(); ++i) {
      const auto* got = reinterpret_cast<const uint8_t*>(outputs[o].data()) + i * te::SizeOf(value.dtype());
      ASSERT_TRUE(te::Accepts(expected[o].At(i), value.dtype(), got))
          << "output " << o << ", element " << i << ": " << te::LoadElement(value.dtype(), got)
          << " instead of " << te::ToString(expected[o].At(i), value.dtype());
    }
  }
}

const std::filesystem::path& GeneratedFolder() {
  static TemporaryFolder* parent = new TemporaryFolder(Value(TemporaryFolder::Make()));
  static const auto* folder = [] {
    auto* path = new std::filesystem::path(parent->path() / "kernels");
    ExpectOk(Tune({"build", "--suite", SuitePath(), "-o", path->string()}));
    return path;
  }();
  struct Removed {
    ~Removed() { delete parent; }
  };
  static Removed removed;
  return *folder;
}

Buffer::Buffer(int64_t bytes, int64_t shift) : size_(bytes) {
  memory_.resize(static_cast<size_t>(bytes + shift + kLine + kZoneBytes));
  size_t start = reinterpret_cast<size_t>(memory_.data());
  data_ = memory_.data() + (kLine - start % kLine) % kLine + shift;
  std::memset(data_ + bytes, kZone, static_cast<size_t>(memory_.data() + memory_.size() - data_ - bytes));
}

Buffer::Buffer(const te::Value& value) : Buffer(value.size_in_bytes()) {
  std::copy_n(value.data(), value.size_in_bytes(), data_);
}

bool Buffer::intact() const {
  const uint8_t* end = memory_.data() + memory_.size();
  return std::all_of<const uint8_t*>(data_ + size_, end, [](uint8_t byte) { return byte == kZone; });
}

tunesmith_tensor Describe(const tunesmith_parameter& parameter, void* data) {
  return {data, parameter.dtype, parameter.dimensions, parameter.shape, nullptr};
}

Loaded::Loaded(const std::filesystem::path& folder, std::string name) : name_(std::move(name)) {
  handle_ = dlopen((folder / "lib" / StrCat("lib", name_, ".so")).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle_) {
    ADD_FAILURE() << dlerror();
    std::abort();
  }
}

Loaded::~Loaded() { EXPECT_EQ(dlclose(handle_), 0); }

void* Loaded::Find(const std::string& function) const {
  void* found = dlsym(handle_, StrCat(name_, "_", function).c_str());
  if (!found) {
    ADD_FAILURE() << dlerror();
    std::abort();
  }
  return found;
}

const tunesmith_library& Loaded::library() const { return *Get<const tunesmith_library*()>("library")(); }

const tunesmith_kernel& Loaded::kernel(const std::string& name) const {
  return *Get<const tunesmith_kernel*()>(name + "_kernel")();
}

const tunesmith_variant* Loaded::variant(const tunesmith_kernel& kernel) const {
  return Get<const tunesmith_variant*(const tunesmith_kernel*)>("variant")(&kernel);
}

std::string Loaded::error_text(int result) const { return Get<const char*(int)>("error_text")(result); }

int Loaded::use_level(const char* target) const { return Get<int(const char*)>("use_level")(target); }

int Loaded::run(const tunesmith_kernel& kernel, const std::vector<const tunesmith_tensor*>& tensors,
                const void* packed, void* workspace, size_t workspace_bytes,
                const tunesmith_threads* threads) const {
  using Run = int(const tunesmith_kernel*, const tunesmith_tensor* const*, const void*, void*, size_t,
                  const tunesmith_threads*);
  return Get<Run>("run")(&kernel, tensors.data(), packed, workspace, workspace_bytes, threads);
}

int Loaded::pack(const tunesmith_kernel& kernel, const std::vector<const tunesmith_tensor*>& weights,
                 void* packed, size_t packed_bytes, void* workspace, size_t workspace_bytes,
                 const tunesmith_threads* threads) const {
  using Pack = int(const tunesmith_kernel*, const tunesmith_tensor* const*, void*, size_t, void*, size_t,
                   const tunesmith_threads*);
  return Get<Pack>("pack")(&kernel, weights.data(), packed, packed_bytes, workspace, workspace_bytes,
                           threads);
}

size_t Loaded::workspace_bytes(const tunesmith_kernel& kernel, int threads) const {
  return Get<size_t(const tunesmith_kernel*, int32_t)>("workspace_bytes")(&kernel, threads);
}

size_t Loaded::packed_bytes(const tunesmith_kernel& kernel) const {
  return Get<size_t(const tunesmith_kernel*)>("packed_bytes")(&kernel);
}

Pool::Pool(const Loaded& loaded, int threads)
    : loaded_(loaded), pool_(loaded.Get<void*(int32_t, const int32_t*)>("pool_create")(threads, nullptr)) {
  EXPECT_NE(pool_, nullptr);
}

Pool::~Pool() { loaded_.Get<void(void*)>("pool_destroy")(pool_); }

const tunesmith_threads* Pool::threads() const {
  return loaded_.Get<const tunesmith_threads*(void*)>("pool_threads")(pool_);
}

}  // namespace tunesmith::library
