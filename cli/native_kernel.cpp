// SPDX-License-Identifier: Apache-2.0
#include "cli/native_kernel.h"

#include <sched.h>
#include <sys/mman.h>

#include <cstring>

#include "codegen/runtime/timing.h"
#include "support/strings.h"
#include "te/inputs.h"

namespace tunesmith::cli {
namespace {

/// A buffer where the runner would put it.
class Memory {
 public:
  Memory(int64_t bytes, uint32_t number) { tunesmith_timing_map(&buffer_, bytes, number); }
  Memory(Memory&& other) noexcept : buffer_(std::exchange(other.buffer_, {})) {}
  ~Memory() { tunesmith_timing_unmap(&buffer_); }
  uint8_t* data() const { return static_cast<uint8_t*>(buffer_.data); }  // null if memory is short

 private:
  tunesmith_timing_buffer buffer_ = {};
};

class Native : public Contender {
 public:
  std::string name_;
  std::vector<Memory> inputs_, outputs_, packed_;
  std::vector<int64_t> input_bytes_, output_bytes_;
  std::vector<void*> main_arguments_;
  std::unique_ptr<Memory> workspace_;
  void* image_ = nullptr;
  size_t image_size_ = 0;
  tunesmith_entry main_ = nullptr;
  tunesmith_pool* pool_ = nullptr;

  ~Native() override {
    tunesmith_pool_destroy(pool_);
    if (image_) munmap(image_, image_size_);
  }
  void Run() override { main_(main_arguments_.data(), workspace_->data(), tunesmith_pool_threads(pool_)); }
  std::vector<std::vector<uint8_t>> Inputs() override { return Contents(inputs_, input_bytes_); }
  std::vector<std::vector<uint8_t>> Outputs() override { return Contents(outputs_, output_bytes_); }
  std::string name() const override { return name_; }

 private:
  static std::vector<std::vector<uint8_t>> Contents(const std::vector<Memory>& memory,
                                                    const std::vector<int64_t>& bytes) {
    std::vector<std::vector<uint8_t>> contents;
    for (size_t i = 0; i < memory.size(); ++i)
      contents.emplace_back(memory[i].data(), memory[i].data() + bytes[i]);
    return contents;
  }
};

}  // namespace

Result<std::unique_ptr<Contender>> NativeKernel(std::string name, const te::Graph& definition,
                                                const BuiltKernel& built, const codegen::Kernel& kernel,
                                                int threads,
                                                const std::vector<std::vector<uint8_t>>& inputs) {
  auto native = std::make_unique<Native>();
  native->name_ = std::move(name);
  uint32_t number = 0;
  auto allocate = [&](int64_t bytes, std::vector<Memory>* to) -> Status {
    to->emplace_back(bytes, number++);
    return to->back().data() ? absl::OkStatus() : Unavailable("not enough memory for the kernel's buffers");
  };
  std::vector<int> parameters = definition.Parameters();
  if (!inputs.empty() && inputs.size() != parameters.size())
    return Invalid(
        StrCat("the first contender has ", inputs.size(), " inputs, the operator ", parameters.size()));
  for (size_t i = 0; i < parameters.size(); ++i) {
    const te::Tensor& tensor = definition.tensors[static_cast<size_t>(parameters[i])];
    int64_t bytes = tensor.elements() * te::SizeOf(tensor.dtype);
    TS_RETURN_IF_ERROR(allocate(bytes, &native->inputs_));
    native->input_bytes_.push_back(bytes);
    if (inputs.empty()) {
      te::Value value = te::GenerateInput(te::InputKind::kUniform, 0, static_cast<int>(i), tensor);
      std::memcpy(native->inputs_.back().data(), value.data(), static_cast<size_t>(bytes));
    } else {
      if (static_cast<int64_t>(inputs[i].size()) != bytes)
        return Invalid(StrCat("the first contender's input ", tensor.name, " has ", inputs[i].size(),
                              " bytes instead of ", bytes));
      std::memcpy(native->inputs_.back().data(), inputs[i].data(), static_cast<size_t>(bytes));
    }
  }
  for (int t : definition.Outputs()) {
    const te::Tensor& tensor = definition.tensors[static_cast<size_t>(t)];
    native->output_bytes_.push_back(tensor.elements() * te::SizeOf(tensor.dtype));
    TS_RETURN_IF_ERROR(allocate(native->output_bytes_.back(), &native->outputs_));
    std::memset(native->outputs_.back().data(), 0xff, static_cast<size_t>(native->output_bytes_.back()));
  }
  for (const auto& p : built.signature.packed) TS_RETURN_IF_ERROR(allocate(p.bytes(), &native->packed_));
  int64_t workspace =
      std::max(kernel.main_workspace.BytesFor(threads), kernel.pack_workspace.BytesFor(threads));
  native->workspace_ = std::make_unique<Memory>(workspace, number++);
  if (!native->workspace_->data()) return Unavailable("not enough memory for the kernel's workspace");
  // Fresh memory is zero, which would hide a read of what was never written.
  std::memset(native->workspace_->data(), 0xff, static_cast<size_t>(workspace));

  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
    return Unavailable("the system does not say which CPUs may be used");
  native->pool_ = tunesmith_timing_pool(threads, &allowed);
  if (!native->pool_) return Unavailable(StrCat(threads, " threads could not be started"));

  constexpr size_t kPage = 4096;
  native->image_size_ = (kernel.image.bytes.size() + kPage - 1) / kPage * kPage;
  void* image =
      mmap(nullptr, native->image_size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (image == MAP_FAILED) return Unavailable("not enough memory for the kernel's code");
  native->image_ = image;
  std::memcpy(image, kernel.image.bytes.data(), kernel.image.bytes.size());
  if (mprotect(image, native->image_size_, PROT_READ | PROT_EXEC) != 0)
    return Unavailable("this system does not allow generated code to be executed");
  auto entry = [&](int64_t offset) {
    return reinterpret_cast<tunesmith_entry>(static_cast<uint8_t*>(image) + offset);
  };
  native->main_ = entry(kernel.image.main_offset);
  auto arguments = [&](const std::vector<measure::Signature::Parameter>& signature) {
    std::vector<void*> pointers;
    for (const auto& p : signature) {
      const std::vector<Memory>& from = p.kind == measure::Signature::Kind::kInput    ? native->inputs_
                                        : p.kind == measure::Signature::Kind::kPacked ? native->packed_
                                                                                      : native->outputs_;
      pointers.push_back(from[static_cast<size_t>(p.source)].data());
    }
    return pointers;
  };
  native->main_arguments_ = arguments(built.signature.main);
  if (kernel.image.pack_offset >= 0) {
    std::vector<void*> pack = arguments(built.signature.pack);
    entry(kernel.image.pack_offset)(pack.data(), native->workspace_->data(),
                                    tunesmith_pool_threads(native->pool_));
  }
  return std::unique_ptr<Contender>(std::move(native));
}

}  // namespace tunesmith::cli
