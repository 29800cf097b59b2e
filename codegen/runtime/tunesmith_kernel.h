/* SPDX-License-Identifier: 0BSD */
/* The calling convention of compiled kernels: the same in the runner, in generated libraries and on every device.
   A kernel is position-independent code without imports; whatever it needs from outside comes through its arguments. */
#ifndef TUNESMITH_KERNEL_H
#define TUNESMITH_KERNEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A piece of a parallel loop: the iterations first .. last-1, run by worker `worker` (0 .. threads-1). */
typedef void (*tunesmith_body)(void* closure, int64_t first, int64_t last, int32_t worker);

/* Threads, as a table of callbacks: the library's pool, the runner's pool or the caller's own. */
typedef struct tunesmith_threads {
  /* Calls body for disjoint pieces that cover 0 .. iterations-1, each at least `grain` iterations long but the last,
     perhaps at the same time on several threads, no two pieces at once with one worker number, and returns when all
     are done. A body never calls it. */
  void (*run)(void* context, tunesmith_body body, void* closure, int64_t iterations, int64_t grain);
  void* context;
  int32_t threads; /* at least 1: the worker numbers are below it */
} tunesmith_threads;

/* The entry of a kernel and of its weight packing. buffers: one pointer a parameter, in the order of the program;
   workspace: as many bytes as the kernel's manifest says for this number of threads, aligned to 64; may be null if that is 0.
   Kernels check nothing: the library's entry points do. */
typedef void (*tunesmith_entry)(void* const* buffers, void* workspace, const tunesmith_threads* threads);

#ifdef __cplusplus
}
#endif
#endif
