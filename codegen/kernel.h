// SPDX-License-Identifier: Apache-2.0
// A compiled candidate: what every backend for a CPU produces and the runner maps.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tunesmith::codegen {

/// Code and constants of one kernel, laid out for base address 0, position-independent, without relocations
/// or imports.
struct Image {
  std::vector<uint8_t> bytes;  // to be mapped readable and executable at any 4096-byte boundary
  int64_t main_offset = 0;     // of the tunesmith_entry `main`
  int64_t pack_offset = -1;    // of `pack`; -1 if there is nothing to pack
  int64_t code_bytes = 0;      // of which instructions
};

/// Workspace a call needs: shared bytes plus per-worker bytes for each thread, each a multiple of 64.
struct Workspace {
  int64_t shared_bytes = 0;
  int64_t bytes_per_worker = 0;
  int64_t BytesFor(int threads) const { return shared_bytes + bytes_per_worker * threads; }
};

struct Kernel {
  Image image;
  Workspace main_workspace;
  Workspace pack_workspace;
};

}  // namespace tunesmith::codegen
