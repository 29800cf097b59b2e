// SPDX-License-Identifier: Apache-2.0
#include "cli/peer.h"

#include <dlfcn.h>

#include "support/strings.h"

namespace tunesmith::cli {
namespace {

/// As the peers' C header declares it.
struct TensorInfo {
  const char* name;
  const char* dtype;
  int ndim;
  int64_t dims[8];
  const void* data;
  int is_output;
};

}  // namespace

struct Peer::Functions {
  const char* (*name)();
  void* (*open)(const char* line, char* why, size_t why_size);
  int (*tensors)(const void* self);
  TensorInfo (*tensor)(const void* self, int index);
  void (*run)(void* self);
  void (*fetch)(void* self);
  void (*close)(void* self);
};

Result<Peer> Peer::Open(const std::string& library, const std::string& line) {
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    return NotFound(StrCat("the peer ", library, " cannot be loaded: ", std::string_view(dlerror())));
  auto functions = std::make_shared<Functions>();
  bool all = true;
  auto bind = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(handle, name));
    all = all && function;
  };
  bind(functions->name, "peer_name");
  bind(functions->open, "peer_open");
  bind(functions->tensors, "peer_tensors");
  bind(functions->tensor, "peer_tensor");
  bind(functions->run, "peer_run");
  bind(functions->fetch, "peer_fetch");
  bind(functions->close, "peer_close");
  if (!all) return Invalid(StrCat(library, " is no peer: it lacks functions of the peers' interface"));
  char why[512] = "";
  void* self = functions->open(line.c_str(), why, sizeof why);
  if (!self) return Unavailable(StrCat(std::string_view(functions->name()), ": ", std::string_view(why)));
  return Peer(std::move(functions), self);
}

Peer::Peer(Peer&& other) noexcept
    : functions_(std::move(other.functions_)), self_(std::exchange(other.self_, nullptr)) {}

Peer::~Peer() {
  if (self_) functions_->close(self_);
}

std::string Peer::name() const { return functions_->name(); }

std::vector<PeerTensor> Peer::tensors() const {
  std::vector<PeerTensor> all;
  for (int i = 0; i < functions_->tensors(self_); ++i) {
    TensorInfo info = functions_->tensor(self_, i);
    all.push_back(
        {info.name, info.dtype, {info.dims, info.dims + info.ndim}, info.data, info.is_output != 0});
  }
  return all;
}

void Peer::Run() const { functions_->run(self_); }

void Peer::Fetch() const { functions_->fetch(self_); }

}  // namespace tunesmith::cli
