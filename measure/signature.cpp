// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "measure/measurer.h"
#include "support/strings.h"

namespace tunesmith::measure {
namespace {

/// The buffers that are arguments, in the arguments' order.
std::vector<const ir::Buffer*> ArgumentsOf(const ir::Function& function) {
  std::vector<const ir::Buffer*> arguments;
  for (const ir::Buffer& buffer : function.buffers) {
    if (buffer.scope == schedule::Scope::kParameter) arguments.push_back(&buffer);
  }
  std::sort(arguments.begin(), arguments.end(),
            [](const ir::Buffer* a, const ir::Buffer* b) { return a->parameter < b->parameter; });
  return arguments;
}

Status CheckSize(const ir::Function& function, const ir::Buffer& buffer, const te::Tensor& tensor) {
  if (buffer.elements == tensor.elements() && buffer.dtype == tensor.dtype) return absl::OkStatus();
  return Internal(StrCat("signature: parameter ", buffer.parameter, " of ", function.name, " has ",
                         buffer.elements, " elements of ", te::NameOf(buffer.dtype), ", but ", tensor.name,
                         " has ", tensor.elements(), " of ", te::NameOf(tensor.dtype)));
}

Status CheckCount(const ir::Function& function, size_t got, size_t want) {
  if (got == want) return absl::OkStatus();
  return Internal(
      StrCat("signature: ", function.name, " has ", got, " parameters, but the workload gives it ", want));
}

}  // namespace

Result<Signature> SignatureOf(const ir::Program& program, const te::Graph& graph) {
  Signature signature;
  const std::vector<int> parameters = graph.Parameters();
  const std::vector<int> outputs = graph.Outputs();
  const std::vector<const ir::Buffer*> main = ArgumentsOf(program.main);
  TS_RETURN_IF_ERROR(CheckCount(program.main, main.size(), parameters.size() + outputs.size()));
  for (size_t n = 0; n < main.size(); ++n) {
    const ir::Buffer& buffer = *main[n];
    const auto packed = std::find(program.packed.begin(), program.packed.end(), static_cast<int>(n));
    if (packed != program.packed.end()) {
      signature.main.push_back(
          {Signature::Kind::kPacked, static_cast<int>(packed - program.packed.begin()), buffer.alignment});
      continue;
    }
    const bool input = n < parameters.size();
    const size_t source = input ? n : n - parameters.size();
    const int tensor = input ? parameters[source] : outputs[source];
    TS_RETURN_IF_ERROR(CheckSize(program.main, buffer, graph.tensors[static_cast<size_t>(tensor)]));
    signature.main.push_back({input ? Signature::Kind::kInput : Signature::Kind::kOutput,
                              static_cast<int>(source), buffer.alignment});
  }
  for (int position : program.packed) {
    if (position < 0 || static_cast<size_t>(position) >= main.size()) {
      return Internal(
          StrCat("signature: a packed weight takes the place of parameter ", position, " of ", main.size()));
    }
    const ir::Buffer& buffer = *main[static_cast<size_t>(position)];
    signature.packed.push_back({buffer.elements, te::SizeOf(buffer.dtype)});
  }
  if (program.packed.empty()) return signature;

  const std::vector<const ir::Buffer*> pack = ArgumentsOf(program.pack);
  for (size_t n = 0; n < parameters.size(); ++n) {
    const te::Tensor& tensor = graph.tensors[static_cast<size_t>(parameters[n])];
    if (tensor.role != te::Role::kWeight) continue;
    if (signature.pack.size() < pack.size()) {
      const ir::Buffer& buffer = *pack[signature.pack.size()];
      TS_RETURN_IF_ERROR(CheckSize(program.pack, buffer, tensor));
      signature.pack.push_back({Signature::Kind::kInput, static_cast<int>(n), buffer.alignment});
    }
  }
  TS_RETURN_IF_ERROR(CheckCount(program.pack, pack.size(), signature.pack.size() + signature.packed.size()));
  for (size_t n = 0; n < signature.packed.size(); ++n) {
    const ir::Buffer& buffer = *pack[signature.pack.size()];
    if (buffer.elements != signature.packed[n].elements ||
        te::SizeOf(buffer.dtype) != signature.packed[n].element_bytes) {
      return Internal(StrCat("signature: packed weight ", n, " has another size in pack than in main"));
    }
    signature.pack.push_back({Signature::Kind::kPacked, static_cast<int>(n), buffer.alignment});
  }
  return signature;
}

}  // namespace tunesmith::measure
