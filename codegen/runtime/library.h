/* SPDX-License-Identifier: 0BSD */
/* The functions that every generated library has, whatever its kernels; a library's header declares them with
   its own prefix. */
#ifndef TUNESMITH_RUNTIME_LIBRARY_H
#define TUNESMITH_RUNTIME_LIBRARY_H

#include "threads.h"
#include "tunesmith_library.h"

#ifndef TUNESMITH_PREFIX
#error "a generated library has a prefix"
#endif
#define tunesmith_library_of TUNESMITH_JOIN(TUNESMITH_PREFIX, library)
#define tunesmith_run TUNESMITH_JOIN(TUNESMITH_PREFIX, run)
#define tunesmith_pack TUNESMITH_JOIN(TUNESMITH_PREFIX, pack)
#define tunesmith_variant_of TUNESMITH_JOIN(TUNESMITH_PREFIX, variant)
#define tunesmith_use_level TUNESMITH_JOIN(TUNESMITH_PREFIX, use_level)
#define tunesmith_error_text TUNESMITH_JOIN(TUNESMITH_PREFIX, error_text)
#define tunesmith_workspace_bytes TUNESMITH_JOIN(TUNESMITH_PREFIX, workspace_bytes)
#define tunesmith_packed_bytes TUNESMITH_JOIN(TUNESMITH_PREFIX, packed_bytes)

/* What the library holds. */
const tunesmith_library* tunesmith_library_of(void);

/* Runs a kernel. `tensors` are its inputs and outputs in the order of its parameters, weights left out; in
   their place `packed` is what tunesmith_pack has written (ignored without weights). Arguments are counted as
   in the kernel's own function: inputs, packed weights if there are any, outputs, workspace, its bytes,
   threads. Where `kernel` or `tensors` itself is null, the error names no argument. */
int tunesmith_run(const tunesmith_kernel* kernel, const tunesmith_tensor* const* tensors, const void* packed,
                  void* workspace, size_t workspace_bytes, const tunesmith_threads* threads);

/* Packs the kernel's weights, in their order, for the level that is in use. Arguments are counted: weights,
   packed, its bytes, workspace, its bytes, threads. Null for `kernel` or `weights`: as above. */
int tunesmith_pack(const tunesmith_kernel* kernel, const tunesmith_tensor* const* weights, void* packed,
                   size_t packed_bytes, void* workspace, size_t workspace_bytes,
                   const tunesmith_threads* threads);

/* The code that is in use on this processor; null if it can run none, or the kernel is null. */
const tunesmith_variant* tunesmith_variant_of(const tunesmith_kernel* kernel);

/* Bytes that a call with so many threads needs; 0 if there is no kernel, no variant, or no thread. */
size_t tunesmith_workspace_bytes(const tunesmith_kernel* kernel, int32_t threads);
size_t tunesmith_packed_bytes(const tunesmith_kernel* kernel);

/* From now on uses no code above the level `target` ("x86-64-avx2"); null: the best that the processor runs,
   as at first. Weights must be packed again. Not while other threads are inside calls. */
int tunesmith_use_level(const char* target);

/* The error in words. */
const char* tunesmith_error_text(int result);

#endif
