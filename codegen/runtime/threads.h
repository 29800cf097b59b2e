/* SPDX-License-Identifier: 0BSD */
/* A pool of threads behind the table that kernels call (tunesmith_kernel.h): in the runner, and in every
   generated library. C11 and POSIX threads, nothing else. A program may hold as many pools as it likes; no
   state is shared. */
#ifndef TUNESMITH_RUNTIME_THREADS_H
#define TUNESMITH_RUNTIME_THREADS_H

#include <stdint.h>

#include "tunesmith_kernel.h"

/* A generated library compiles the pool with its own prefix, so that two of them can live in one program. */
#ifdef TUNESMITH_PREFIX
#define TUNESMITH_JOIN_INNER(a, b) a##b
#define TUNESMITH_JOIN(a, b) TUNESMITH_JOIN_INNER(a, b)
#define tunesmith_pool TUNESMITH_JOIN(TUNESMITH_PREFIX, pool)
#define tunesmith_pool_create TUNESMITH_JOIN(TUNESMITH_PREFIX, pool_create)
#define tunesmith_pool_destroy TUNESMITH_JOIN(TUNESMITH_PREFIX, pool_destroy)
#define tunesmith_pool_threads TUNESMITH_JOIN(TUNESMITH_PREFIX, pool_threads)
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tunesmith_pool tunesmith_pool;

/* A pool of `threads` workers: the caller of `run` is worker 0, threads-1 more are started here. If `cpus` is
   not null, worker n > 0 stays on CPU cpus[n], where that is allowed (the caller pins itself, if it wants
   to). Null if threads < 1, or memory or threads are exhausted. */
tunesmith_pool* tunesmith_pool_create(int32_t threads, const int32_t* cpus);

/* Ends the workers and frees the pool. Nobody may be inside `run`. Null is allowed. */
void tunesmith_pool_destroy(tunesmith_pool* pool);

/* The table to hand to kernels; valid as long as the pool. Null for null.
   `run` may be called by several threads at once: one gets the workers, the others do their work alone, as
   worker 0. After fork() the child's first `run` starts workers of its own. Idle workers spin for some
   microseconds, then sleep. */
const tunesmith_threads* tunesmith_pool_threads(tunesmith_pool* pool);

#ifdef __cplusplus
}
#endif
#endif
