// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/status.h"

namespace tunesmith::cli {

/// Removes this process's data from every cache of every core: its pages that can be written, not executed,
/// and are no other process's too (so not what it only inherited from the one that forked it). Whatever a
/// library holds is among them: tensors, repacked weights, workspaces. Code stays in the caches, as it does
/// when tune run measures cold kernels.
/// To be called while no other thread gives memory back. Errors: the system does not tell which pages those
/// are.
Status EvictOwnData();

}  // namespace tunesmith::cli
