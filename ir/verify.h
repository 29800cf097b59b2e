// SPDX-License-Identifier: Apache-2.0
// What is valid loop IR: one rule a line. A program that passes may be compiled and run; lowering runs it on
// every candidate, so it must be fast (about a millisecond for a tuned kernel). The rules are functions of
// verify_rules.cpp, verify_races.h and verify_events.h.
#pragma once

#include "ir/ir.h"
#include "support/status.h"

namespace tunesmith::ir {

/// Fails with the first broken rule: the function, the rule's name, the statement and the reason, as text.
///   types       operators fit their operands; conditions and guards are bool; indices are i64
///   scopes      variables and allocated buffers are used within their loop or Alloc; no variable has two
///               loops; a thread or register buffer stays within the parallel iteration that allocates it
///   bounds      every index lies in its buffer for all values that the loops, conditions and guards allow:
///               proven by interval and affine reasoning; what can't be proven is refused
///   races       no two iterations of a parallel or bound loop touch one element of a buffer that outlives
///               them, one writing; nor do two lanes of a vector loop, unless all they do with the buffer is
///               a reduction `b[i] = combine(b[i], x)` of one element
///   registers   kRegister buffers are accessed at constant indices once unrolled loops are expanded, plus
///   the
///               lane
///   constants   vector and unrolled loops have constant extents; parallel loops nest only directly
///   read-only   parameters that are not `written` are never stored to
///   events      every event that is waited for is fired at least as often on every path
///   lifetimes   some store to a thread or register buffer comes before its first read
Status Verify(const Function& function);
/// Both functions; and what pack writes is what main reads in the packed weights' places (types).
Status Verify(const Program& program);

}  // namespace tunesmith::ir
