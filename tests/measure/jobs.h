// SPDX-License-Identifier: Apache-2.0
// Jobs for the kernels of kernels.h.
#pragma once

#include <memory>
#include <string>

#include "measure/measurer.h"
#include "tests/measure/kernels.h"

namespace tunesmith::measure {

/// What kernels.h's kernels must compute, prepared once for all tests of a program.
std::shared_ptr<const Expectation> AddExpectation();

/// A job for one of them, with times so short that the tests are quick.
Job JobFor(tunesmith_entry kernel);

/// The runner that was built with the tests.
std::string RunnerPath();

}  // namespace tunesmith::measure
