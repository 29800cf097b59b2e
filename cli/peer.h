// SPDX-License-Identifier: Apache-2.0
// Peers: libraries of others behind the C interface that docs/formats/peer.md describes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cli/replies.h"
#include "support/status.h"

namespace tunesmith::cli {

/// A tensor of an opened peer.
struct PeerTensor {
  std::string name;
  std::string dtype;  // "f32", "bf16", "u8", "s8", "s32"
  std::vector<int64_t> dims;
  const void* data = nullptr;
  bool is_output = false;
};

/// One library with one workload. Loads the library into this process, whose affinity at that time decides
/// how many threads it uses.
class Peer {
 public:
  /// Loads the library in a process of its own, once, to see whether it is a peer at all. The error names it.
  static Status Check(const std::string& library, const Patience& patience);
  /// `line` is a suite's line. Fails if the library cannot be loaded or refuses the line, with its reason.
  static Result<Peer> Open(const std::string& library, const std::string& line);
  Peer(Peer&& other) noexcept;
  Peer& operator=(Peer&&) = delete;
  ~Peer();

  std::string name() const;
  std::vector<PeerTensor> tensors() const;
  void Run() const;
  /// Brings the outputs of the last run into the tensors.
  void Fetch() const;

 private:
  struct Functions;
  static Result<std::shared_ptr<const Functions>> Load(const std::string& library);
  Peer(std::shared_ptr<const Functions> functions, void* self)
      : functions_(std::move(functions)), self_(self) {}

  std::shared_ptr<const Functions> functions_;
  void* self_;
};

}  // namespace tunesmith::cli
