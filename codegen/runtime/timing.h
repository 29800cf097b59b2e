/* SPDX-License-Identifier: 0BSD */
/* Where memory and threads lie while kernels are timed: the same in the runner, which records are made by, in
   tune bench, and in the program that measures a library again. */
#ifndef TUNESMITH_RUNTIME_TIMING_H
#define TUNESMITH_RUNTIME_TIMING_H

#include <sched.h>
#include <stddef.h>
#include <stdint.h>

#include "threads.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TUNESMITH_HUGE_PAGE_BYTES ((size_t)2 << 20)

/* How far buffer `number` begins behind where it could: a multiple of 64 below 256 KiB. Neighbours are 5
   pages and 5 cache lines apart, so that neither the sets of the first-level cache nor those of a larger one
   are shared by all buffers' first elements, and no load waits for an unrelated store 4 KiB away. */
size_t tunesmith_timing_offset(uint32_t number);

typedef struct tunesmith_timing_buffer {
  void* mapping; /* null: none */
  size_t mapped_bytes;
  void* data;
} tunesmith_timing_buffer;

/* `bytes` zero bytes at that offset, on huge pages where the system grants them, every page already there.
   Returns 0 if memory is short, or `bytes` is negative. */
int tunesmith_timing_map(tunesmith_timing_buffer* buffer, int64_t bytes, uint32_t number);
void tunesmith_timing_unmap(tunesmith_timing_buffer* buffer);

/* A pool each of whose threads stays on a CPU of `allowed` of its own, in turns if there are too few. The
   calling thread is one of them: from now on it stays on the CPU where the system has put it, and only
   sched_setaffinity frees it. Null, and the caller may run on all of `allowed`, if threads are exhausted. */
tunesmith_pool* tunesmith_timing_pool(int32_t threads, const cpu_set_t* allowed);

#ifdef __cplusplus
}
#endif
#endif
