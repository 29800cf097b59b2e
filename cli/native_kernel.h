// SPDX-License-Identifier: Apache-2.0
// A kernel mapped into this process, its buffers and threads placed as the runner places them: a contender of
// tune bench.
#pragma once

#include <memory>

#include "cli/contest.h"
#include "cli/kernels.h"
#include "codegen/kernel.h"

namespace tunesmith::cli {

/// The kernel runs on `threads` threads, the calling one among them, which stays on its CPU from now on.
/// `inputs` are the parameters' contents in order; if empty, those that checks use.
Result<std::unique_ptr<Contender>> NativeKernel(std::string name, const te::Graph& definition,
                                                const BuiltKernel& built, const codegen::Kernel& kernel,
                                                int threads, const std::vector<std::vector<uint8_t>>& inputs);

}  // namespace tunesmith::cli
