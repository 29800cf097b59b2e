// SPDX-License-Identifier: Apache-2.0
#include "cli/peer.h"

#include <dlfcn.h>

#include <filesystem>

#include "cli/peer_interface.h"
#include "support/forked_child.h"
#include "support/strings.h"

namespace tunesmith::cli {

struct Peer::Functions {
  decltype(&peer_name) name;
  decltype(&peer_open) open;
  decltype(&peer_tensors) tensors;
  decltype(&peer_tensor) tensor;
  decltype(&peer_run) run;
  decltype(&peer_fetch) fetch;
  decltype(&peer_close) close;
};

Result<std::shared_ptr<const Peer::Functions>> Peer::Load(const std::string& library) {
  // A name without a slash would be looked for where the system's libraries are.
  const std::string path = std::filesystem::absolute(library).string();
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    std::string_view why = dlerror();
    if (why.starts_with(path + ": ")) why.remove_prefix(path.size() + 2);
    return NotFound(StrCat("cannot be loaded: ", why));
  }
  auto functions = std::make_shared<Functions>();
  std::vector<std::string> missing;
  auto bind = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(handle, name));
    if (!function) missing.push_back(name);
  };
  bind(functions->name, "peer_name");
  bind(functions->open, "peer_open");
  bind(functions->tensors, "peer_tensors");
  bind(functions->tensor, "peer_tensor");
  bind(functions->run, "peer_run");
  bind(functions->fetch, "peer_fetch");
  bind(functions->close, "peer_close");
  if (!missing.empty())
    return Invalid(
        StrCat("is no peer: it does not export ", StrJoin(missing, ", "), " (docs/formats/peer.md)"));
  return functions;
}

Status Peer::Check(const std::string& library, const Patience& patience) {
  TS_ASSIGN_OR_RETURN(ForkedChild child,
                      ForkChild([&](int, int out) { WriteText(out, MessageOf(Load(library).status())); }));
  std::string wrong;
  Status status = Reply(child.from(), patience).ReadText(&wrong);
  if (status.ok() && wrong.empty()) return status;
  if (absl::IsCancelled(status)) return status;
  if (absl::IsDeadlineExceeded(status))
    wrong = StrCat("was not loaded within ", patience.seconds, " s");
  else if (!status.ok())
    wrong = StrCat("ended its process when it was loaded: ", child.End().ToString());
  return Invalid(StrCat("--peer: ", library, " ", wrong, "; name a library behind the peers' interface"));
}

Result<Peer> Peer::Open(const std::string& library, const std::string& line) {
  TS_ASSIGN_OR_RETURN(std::shared_ptr<const Functions> functions, Load(library));
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
    const peer_tensor_info info = functions_->tensor(self_, i);
    all.push_back(
        {info.name, info.dtype, {info.dims, info.dims + info.ndim}, info.data, info.is_output != 0});
  }
  return all;
}

void Peer::Run() const { functions_->run(self_); }

void Peer::Fetch() const { functions_->fetch(self_); }

}  // namespace tunesmith::cli
