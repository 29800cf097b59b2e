/* SPDX-License-Identifier: Apache-2.0 */
/* Runs every kernel of tuned_kernels as a program that knows none of them. Standard input: the inputs and
   weights of each kernel, in the order of the library and of its parameters. Standard output: the outputs of
   each kernel, three times: run by one thread, and what the last of many runs gave each of two callers who
   share a pool of three threads. Exit code 0: every call went well. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tuned_kernels.h"

enum { CALLERS = 2, POOL_THREADS = 3, ROUNDS = 25 };

typedef struct caller {
  const tunesmith_kernel* kernel;
  void* const* data; /* by parameter; null for outputs */
  const void* packed;
  const tunesmith_threads* threads;
  int rounds;
  void* outputs[TUNESMITH_MOST_PARAMETERS]; /* by parameter; null for all others */
  int result;
} caller;

static void* Aligned(size_t bytes) {
  void* memory = aligned_alloc(64, bytes / 64 * 64 + 64);
  if (memory == NULL) exit(2);
  return memory;
}

static tunesmith_tensor Describe(const tunesmith_parameter* p, void* data) {
  const tunesmith_tensor tensor = {data, p->dtype, p->dimensions, p->shape, NULL};
  return tensor;
}

/* Calls the kernel again and again, on outputs that were spoilt before. */
static void* Work(void* argument) {
  caller* c = argument;
  const tunesmith_kernel* k = c->kernel;
  tunesmith_tensor tensor[TUNESMITH_MOST_PARAMETERS];
  const tunesmith_tensor* given[TUNESMITH_MOST_PARAMETERS];
  int count = 0;
  for (int32_t n = 0; n < k->parameters; ++n) {
    const tunesmith_parameter* p = &k->parameter[n];
    c->outputs[n] = p->role == TUNESMITH_OUTPUT ? Aligned((size_t)p->bytes) : NULL;
    tensor[n] = Describe(p, p->role == TUNESMITH_OUTPUT ? c->outputs[n] : c->data[n]);
    if (p->role != TUNESMITH_WEIGHT) given[count++] = &tensor[n];
  }
  const size_t bytes = tuned_kernels_workspace_bytes(k, c->threads ? c->threads->threads : 1);
  void* workspace = Aligned(bytes);
  for (int round = 0; round < c->rounds && c->result == TUNESMITH_OK; ++round) {
    for (int32_t n = 0; n < k->parameters; ++n) {
      if (c->outputs[n] != NULL) memset(c->outputs[n], 0xff, (size_t)k->parameter[n].bytes);
    }
    c->result = tuned_kernels_run(k, given, c->packed, workspace, bytes, c->threads);
  }
  free(workspace);
  return NULL;
}

static int Report(caller* c) {
  const tunesmith_kernel* k = c->kernel;
  for (int32_t n = 0; n < k->parameters; ++n) {
    if (c->outputs[n] == NULL) continue;
    fwrite(c->outputs[n], 1, (size_t)k->parameter[n].bytes, stdout);
    free(c->outputs[n]);
  }
  if (c->result == TUNESMITH_OK) return 1;
  fprintf(stderr, "%s: argument %d: %s\n", k->name, TUNESMITH_ARGUMENT_OF(c->result),
          tuned_kernels_error_text(c->result));
  return 0;
}

static int RunKernel(const tunesmith_kernel* k, const tunesmith_threads* threads) {
  void* data[TUNESMITH_MOST_PARAMETERS] = {NULL};
  tunesmith_tensor weight[TUNESMITH_MOST_PARAMETERS];
  const tunesmith_tensor* weights[TUNESMITH_MOST_PARAMETERS];
  int count = 0;
  for (int32_t n = 0; n < k->parameters; ++n) {
    const tunesmith_parameter* p = &k->parameter[n];
    if (p->role == TUNESMITH_OUTPUT) continue;
    data[n] = Aligned((size_t)p->bytes);
    if (fread(data[n], 1, (size_t)p->bytes, stdin) != (size_t)p->bytes) {
      fprintf(stderr, "%s: the input ends early\n", k->name);
      return 0;
    }
    if (p->role != TUNESMITH_WEIGHT) continue;
    weight[count] = Describe(p, data[n]);
    weights[count] = &weight[count];
    ++count;
  }
  const size_t packed_bytes = tuned_kernels_packed_bytes(k);
  const size_t bytes = tuned_kernels_workspace_bytes(k, threads->threads);
  void *packed = Aligned(packed_bytes), *workspace = Aligned(bytes);
  int result = TUNESMITH_OK;
  if (count > 0) result = tuned_kernels_pack(k, weights, packed, packed_bytes, workspace, bytes, threads);

  caller alone = {k, data, packed, NULL, 1, {NULL}, result};
  Work(&alone);
  int well = Report(&alone);
  caller callers[CALLERS];
  pthread_t running[CALLERS];
  for (int n = 0; n < CALLERS; ++n) {
    callers[n] = (caller){k, data, packed, threads, ROUNDS, {NULL}, TUNESMITH_OK};
    if (pthread_create(&running[n], NULL, Work, &callers[n]) != 0) return 0;
  }
  for (int n = 0; n < CALLERS; ++n) pthread_join(running[n], NULL);
  for (int n = 0; n < CALLERS; ++n) well = Report(&callers[n]) && well;
  free(workspace);
  free(packed);
  for (int32_t n = 0; n < k->parameters; ++n) free(data[n]);
  return well;
}

int main(void) {
  const tunesmith_library* library = tuned_kernels_library();
  int well = 1;
  for (int64_t k = 0; k < library->kernels && well; ++k) {
    /* A pool a kernel: its threads start and end under the emulator, too. */
    tuned_kernels_pool* pool = tuned_kernels_pool_create(POOL_THREADS, NULL);
    if (pool == NULL) return 2;
    well = RunKernel(&library->kernel[k], tuned_kernels_pool_threads(pool));
    tuned_kernels_pool_destroy(pool);
  }
  return fflush(stdout) == 0 && well ? 0 : 1;
}
