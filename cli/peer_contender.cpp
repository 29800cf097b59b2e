// SPDX-License-Identifier: Apache-2.0
#include "cli/peer_contender.h"

#include "cli/peer.h"
#include "support/strings.h"

namespace tunesmith::cli {
namespace {

/// The peers' interface has names of its own for signed integers.
std::string_view PeersNameOf(te::DType type) {
  if (type == te::DType::kI8) return "s8";
  if (type == te::DType::kI32) return "s32";
  return te::NameOf(type);
}

std::string TypeText(std::string_view dtype, const std::vector<int64_t>& shape) {
  return StrCat(dtype, "[", StrJoin(shape, ", "), "]");
}

/// Whether the tensors are the parameters of the definition, in order, and then its outputs.
Status CheckTensors(const std::vector<PeerTensor>& tensors, const te::Graph& definition) {
  std::vector<int> ids = definition.Parameters();
  const size_t parameters = ids.size();
  for (int output : definition.Outputs()) ids.push_back(output);
  if (tensors.size() != ids.size())
    return Invalid(StrCat("it has ", tensors.size(), " tensors, the operator ", ids.size()));
  for (size_t i = 0; i < ids.size(); ++i) {
    const te::Tensor& wanted = definition.tensors[static_cast<size_t>(ids[i])];
    const bool is_output = i >= parameters;
    if (tensors[i].is_output != is_output || tensors[i].dtype != PeersNameOf(wanted.dtype) ||
        tensors[i].dims != wanted.shape)
      return Invalid(StrCat(
          "its tensor ", i, ", ", tensors[i].name, ", is the ", tensors[i].is_output ? "output " : "input ",
          TypeText(tensors[i].dtype, tensors[i].dims), "; the operator's ", wanted.name, " is the ",
          is_output ? "output " : "input ", TypeText(PeersNameOf(wanted.dtype), wanted.shape)));
  }
  return absl::OkStatus();
}

class OpenedPeer : public Contender {
 public:
  OpenedPeer(Peer peer, const te::Graph& definition) : peer_(std::move(peer)), definition_(definition) {}
  void Run() override { peer_.Run(); }
  Blobs Inputs() override { return Contents(definition_.Parameters(), 0); }
  Blobs Outputs() override {
    peer_.Fetch();
    return Contents(definition_.Outputs(), definition_.Parameters().size());
  }
  std::string name() const override { return peer_.name(); }

 private:
  /// Of the tensors with these ids in the definition, which are the peer's from number `first` on.
  Blobs Contents(const std::vector<int>& ids, size_t first) const {
    Blobs contents;
    std::vector<PeerTensor> tensors = peer_.tensors();
    for (size_t i = 0; i < ids.size(); ++i) {
      const te::Tensor& tensor = definition_.tensors[static_cast<size_t>(ids[i])];
      const auto* data = static_cast<const uint8_t*>(tensors[first + i].data);
      contents.emplace_back(data, data + tensor.elements() * te::SizeOf(tensor.dtype));
    }
    return contents;
  }

  Peer peer_;
  const te::Graph& definition_;
};

}  // namespace

Result<std::unique_ptr<Contender>> PeerContender(const std::string& library, const std::string& line,
                                                 const te::Graph& definition) {
  TS_ASSIGN_OR_RETURN(Peer peer, Peer::Open(library, line));
  TS_RETURN_IF_ERROR(CheckTensors(peer.tensors(), definition));
  return std::unique_ptr<Contender>(std::make_unique<OpenedPeer>(std::move(peer), definition));
}

}  // namespace tunesmith::cli
