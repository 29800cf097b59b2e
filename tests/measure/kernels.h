// SPDX-License-Identifier: Apache-2.0
// Kernels that do what kernels must not: each fails in one way. They compute, or pretend to compute,
// C[i] = A[i] + B[i] for kElements floats. Their code is position-independent and needs nothing from outside,
// so that the section they lie in serves as an image.
#ifndef TUNESMITH_TESTS_MEASURE_KERNELS_H
#define TUNESMITH_TESTS_MEASURE_KERNELS_H

#include "codegen/runtime/tunesmith_kernel.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { kElements = 1000 };

#define TUNESMITH_TEST_KERNELS(X)                                                                          \
  X(Add)                                                                                                   \
  X(AddSlowly) /* a hundred times */                                                                       \
  X(AddParallel)                                                                                           \
  X(AddThroughWorkspace) /* of 4000 bytes */                                                               \
  X(AddPacked)           /* B holds the packed weight */                                                   \
  X(CopyPacked)   /* packed[i] = B[i]: buffers are B, packed; of packed[1008] the last 8 stay unwritten */ \
  X(WrongElement) /* C[617] */                                                                             \
  X(WrongOnTwoThreads)                                                                                     \
  X(WrongOnThreeThreads)                                                                                   \
  X(WrongOnLargeInputs)                                                                                    \
  X(SkipsElements)         /* C[500 … 509] stay as they were */                                          \
  X(AccumulatesOntoOutput) /* C[i] += without a start */                                                   \
  X(WritesBeforeOutput)                                                                                    \
  X(WritesFarBeforeOutput)                                                                                 \
  X(WritesBehindOutput)                                                                                    \
  X(ReadsBeforeInput)                                                                                      \
  X(ReadsBehindInput)                                                                                      \
  X(WritesInput)                                                                                           \
  X(WritesBehindWorkspace)                                                                                 \
  X(IllegalInstruction)                                                                                    \
  X(NullPointer)                                                                                           \
  X(DividesByZero)                                                                                         \
  X(OverflowsStack)                                                                                        \
  X(CrashesOnWorker)                                                                                       \
  X(Hangs)                                                                                                 \
  X(HangsOnWorker)                                                                                         \
  X(Exits)                                                                                                 \
  X(KillsItself)

#define TUNESMITH_DECLARE(name) \
  void name(void* const* buffers, void* workspace, const tunesmith_threads* threads);
TUNESMITH_TEST_KERNELS(TUNESMITH_DECLARE)
#undef TUNESMITH_DECLARE

/* The section, as the linker marks it. */
extern const unsigned char __start_tunesmith_kernels[];
extern const unsigned char __stop_tunesmith_kernels[];

#ifdef __cplusplus
}
#endif
#endif
