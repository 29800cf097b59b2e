// SPDX-License-Identifier: Apache-2.0
#include "library/packing.h"

#include "codegen/runtime/tunesmith_library.h"
#include "support/strings.h"

namespace tunesmith::library {
namespace {

constexpr int64_t kLine = 64;

int64_t RoundUp(int64_t bytes) { return (bytes + kLine - 1) / kLine * kLine; }

}  // namespace

std::vector<te::Tensor> ParametersOf(const te::Graph& definition) {
  std::vector<te::Tensor> parameters;
  for (int id : definition.Parameters()) parameters.push_back(definition.tensors[static_cast<size_t>(id)]);
  for (int id : definition.Outputs()) parameters.push_back(definition.tensors[static_cast<size_t>(id)]);
  return parameters;
}

Result<Packing> PackingOf(const te::Graph& definition, const Variant& variant) {
  using Kind = measure::Signature::Kind;
  const measure::Signature& signature = variant.signature;
  const std::vector<te::Tensor> parameters = ParametersOf(definition);
  if (signature.main.size() != parameters.size()) {
    return Internal(StrCat("packing: the kernel has ", signature.main.size(), " arguments, the operator ",
                           parameters.size(), " parameters"));
  }
  Packing packing;
  Hasher layout;
  layout.Add("packed weights 1").Add(variant.pack_program);
  std::vector<int64_t> offsets(signature.packed.size(), -1);
  int64_t end = TUNESMITH_PACKED_HEADER_BYTES;
  for (size_t n = 0; n < parameters.size(); ++n) {
    Source source{static_cast<int>(n), false, 0};
    const measure::Signature::Parameter& argument = signature.main[n];
    if (parameters[n].role == te::Role::kWeight) {
      bool repacked = argument.kind == Kind::kPacked;
      int64_t bytes = repacked ? signature.packed[static_cast<size_t>(argument.source)].bytes()
                               : parameters[n].elements() * te::SizeOf(parameters[n].dtype);
      source.packed = true;
      source.offset = end;
      if (repacked) {
        // Not the parameter itself but what was made from it: nothing is copied to this place.
        source.parameter = -1;
        offsets[static_cast<size_t>(argument.source)] = end;
      }
      layout.Add(repacked).Add(end).Add(bytes);
      end = RoundUp(end + bytes);
      packing.bytes = end;
    } else if (argument.kind == Kind::kPacked) {
      return Internal(StrCat("packing: parameter ", n, " is packed, but it is no weight"));
    }
    packing.main.push_back(source);
  }
  for (const measure::Signature::Parameter& argument : signature.pack) {
    if (argument.kind == Kind::kPacked) {
      packing.pack.push_back({-1, true, offsets[static_cast<size_t>(argument.source)]});
    } else {
      packing.pack.push_back({argument.source, false, 0});
    }
  }
  packing.layout = layout.Hash();
  return packing;
}

}  // namespace tunesmith::library
