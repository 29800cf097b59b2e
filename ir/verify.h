// SPDX-License-Identifier: Apache-2.0
// What is valid loop IR: one rule a line. A program that passes may be compiled and run; lowering runs it on
// every candidate, so it must be fast (about a millisecond for a tuned kernel).
#pragma once

#include "ir/ir.h"
#include "support/status.h"

namespace tunesmith::ir {

/// Fails with the first broken rule: its name, the statement and the reason, as text.
///   types       both sides of an operator agree; conditions and guards are bool; indices are i64
///   scopes      variables and allocated buffers are used within their loop or Alloc; none is bound twice
///   bounds      every index lies in its buffer for all values that the loops, conditions and guards allow:
///   proven by
///               interval and affine reasoning; what can't be proven is refused
///   races       no two iterations of a parallel or bound loop touch one element of a shared buffer, one
///   writing; a
///               vector loop's stores go to distinct elements or form a reduction `b[i] = combine(b[i], x)`
///   registers   kRegister buffers are accessed at constant indices once unrolled loops are expanded, plus
///   the lane constants   vector and unrolled loops have constant extents; parallel loops do not nest
///   read-only   parameters that are not `written` are never stored to
///   events      every event that is waited for is fired at least as often on every path
///   lifetimes   a thread or register buffer is stored to before it is read
Status Verify(const Function& function);
Status Verify(const Program& program);

}  // namespace tunesmith::ir
