/* SPDX-License-Identifier: 0BSD */
/* The program that measures a generated library again, on the spot: each kernel's median latency on this
   machine, beside the one that was recorded when it was tuned. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "library.h"
#include "timing.h"

/* As when tuning: a sample is a batch of calls of about this length, so that the clock's own cost vanishes.
 */
#define SAMPLE_NS 1e6
#define LEAST_SAMPLES 5
#define MOST_SAMPLES 1000

typedef struct options {
  int32_t threads; /* 0: as many as each kernel was tuned for */
  double seconds;  /* for each kernel */
  const char* level;
  cpu_set_t cpus; /* that this process may use */
  char** kernels; /* names; all if there are none */
  int kernel_count;
} options;

static double NowNs(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Floating elements between -1 and 1, integers of any value, bools 0 or 1; the same in every run. */
static void Fill(const tunesmith_parameter* p, void* data, uint32_t seed) {
  const int64_t count = p->bytes / p->element_bytes;
  uint32_t state = seed * 2654435761u + 1;
  for (int64_t i = 0; i < count; ++i) {
    state ^= state << 13; /* G. Marsaglia, "Xorshift RNGs", 2003 */
    state ^= state >> 17;
    state ^= state << 5;
    const float uniform = (float)(int32_t)state * (1.0f / 2147483648.0f);
    uint32_t bits;
    memcpy(&bits, &uniform, sizeof bits);
    if (p->dtype == TUNESMITH_F32) {
      ((float*)data)[i] = uniform;
    } else if (p->dtype == TUNESMITH_F64) {
      ((double*)data)[i] = uniform;
    } else if (p->dtype == TUNESMITH_BF16) {
      ((uint16_t*)data)[i] = (uint16_t)(bits >> 16);
    } else if (p->dtype == TUNESMITH_F16) {
      /* A sign and 10 bits below 1: exponent 14 is [0.5, 1). */
      ((uint16_t*)data)[i] = (uint16_t)((state >> 31) << 15 | 14u << 10 | (state & 0x3ff));
    } else if (p->dtype == TUNESMITH_BOOL) {
      ((uint8_t*)data)[i] = state & 1;
    } else {
      memset((char*)data + i * p->element_bytes, 0, (size_t)p->element_bytes);
      memcpy((char*)data + i * p->element_bytes, &state, p->element_bytes < 4 ? (size_t)p->element_bytes : 4);
    }
  }
}

static int Ascending(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

/* A kernel with all that a call needs. */
typedef struct bench {
  const tunesmith_kernel* kernel;
  const tunesmith_threads* threads;
  tunesmith_timing_buffer of[TUNESMITH_MOST_PARAMETERS], packed, workspace;
  tunesmith_tensor tensor[TUNESMITH_MOST_PARAMETERS];
  const tunesmith_tensor* given[TUNESMITH_MOST_PARAMETERS]; /* inputs, outputs */
  const tunesmith_tensor* weights[TUNESMITH_MOST_PARAMETERS];
  size_t workspace_bytes;
} bench;

static int Call(bench* b) {
  return tunesmith_run(b->kernel, b->given, b->packed.data, b->workspace.data, b->workspace_bytes,
                       b->threads);
}

/* 0, or the error of a call; -1 if memory is short. */
static int Prepare(bench* b) {
  const tunesmith_kernel* k = b->kernel;
  int given = 0, weights = 0;
  for (int32_t n = 0; n < k->parameters; ++n) {
    const tunesmith_parameter* p = &k->parameter[n];
    if (!tunesmith_timing_map(&b->of[n], p->bytes, (uint32_t)n)) return -1;
    if (p->role != TUNESMITH_OUTPUT) Fill(p, b->of[n].data, (uint32_t)n + 1);
    b->tensor[n] = (tunesmith_tensor){b->of[n].data, p->dtype, p->dimensions, p->shape, NULL};
    if (p->role == TUNESMITH_WEIGHT) {
      b->weights[weights++] = &b->tensor[n];
    } else {
      b->given[given++] = &b->tensor[n];
    }
  }
  b->workspace_bytes = tunesmith_workspace_bytes(k, b->threads->threads);
  const size_t packed_bytes = tunesmith_packed_bytes(k);
  const uint32_t next = (uint32_t)k->parameters;
  if (!tunesmith_timing_map(&b->workspace, (int64_t)b->workspace_bytes, next) ||
      !tunesmith_timing_map(&b->packed, (int64_t)packed_bytes, next + 1)) {
    return -1;
  }
  if (weights == 0) return Call(b);
  const int error = tunesmith_pack(k, b->weights, b->packed.data, packed_bytes, b->workspace.data,
                                   b->workspace_bytes, b->threads);
  return error ? error : Call(b);
}

static double MedianNs(bench* b, double seconds) {
  static double samples[MOST_SAMPLES];
  const double begin = NowNs();
  Call(b);
  const double once = NowNs() - begin;
  const int64_t batch = once > 0 && once < SAMPLE_NS ? (int64_t)(SAMPLE_NS / once) + 1 : 1;
  int count = 0;
  while (count < MOST_SAMPLES && (count < LEAST_SAMPLES || NowNs() - begin < seconds * 1e9)) {
    const double start = NowNs();
    for (int64_t i = 0; i < batch; ++i) Call(b);
    samples[count++] = (NowNs() - start) / (double)batch;
  }
  qsort(samples, (size_t)count, sizeof samples[0], Ascending);
  return samples[count / 2];
}

static int Measure(const tunesmith_kernel* kernel, const options* o) {
  const tunesmith_variant* variant = tunesmith_variant_of(kernel);
  if (variant == NULL) {
    printf("%-40s has no code for this processor\n", kernel->name);
    return 0;
  }
  const int32_t threads = o->threads > 0 ? o->threads : kernel->tuned_threads;
  tunesmith_pool* pool = tunesmith_timing_pool(threads, &o->cpus);
  static bench b;
  memset(&b, 0, sizeof b);
  b.kernel = kernel;
  int result = pool == NULL ? -1 : 0;
  if (pool != NULL) {
    b.threads = tunesmith_pool_threads(pool);
    result = Prepare(&b);
  }
  if (result == 0) {
    const double ns = MedianNs(&b, o->seconds);
    printf("%-40s %-24s %3d %12.2f us", kernel->name, variant->target, (int)threads, ns / 1e3);
    if (variant->recorded_ns > 0) {
      printf(" %12.2f us %7.3f\n", variant->recorded_ns / 1e3, ns / variant->recorded_ns);
    } else {
      printf(" %15s %7s\n", "default", "");
    }
  } else {
    printf("%-40s %s\n", kernel->name,
           result < 0 ? "not enough memory or threads" : tunesmith_error_text(result));
  }
  for (int32_t n = 0; n < kernel->parameters; ++n) tunesmith_timing_unmap(&b.of[n]);
  tunesmith_timing_unmap(&b.packed);
  tunesmith_timing_unmap(&b.workspace);
  tunesmith_pool_destroy(pool);
  return result == 0;
}

static int Usage(const char* program, FILE* to) {
  fprintf(
      to,
      "usage: %s [--threads N] [--seconds S] [--level TARGET] [KERNEL]...\n"
      "Measures the library's kernels on this machine: the median of warm calls, beside the recorded one.\n"
      "  --threads N      standard: as many as each kernel was tuned for\n"
      "  --seconds S      for each kernel (0.3)\n"
      "  --level TARGET   use no code above this level of the processor\n",
      program);
  return to == stdout ? 0 : 2;
}

static int Wanted(const tunesmith_kernel* kernel, const options* o) {
  for (int n = 0; n < o->kernel_count; ++n) {
    if (strcmp(o->kernels[n], kernel->name) == 0) return 1;
  }
  return o->kernel_count == 0;
}

int main(int argc, char** argv) {
  static options o;
  o.seconds = 0.3;
  if (sched_getaffinity(0, sizeof o.cpus, &o.cpus) != 0) {
    perror(argv[0]);
    return 1;
  }
  for (int n = 1; n < argc; ++n) {
    char* end = NULL;
    if (strcmp(argv[n], "--help") == 0) return Usage(argv[0], stdout);
    if (strncmp(argv[n], "--", 2) != 0) {
      o.kernels = argv + n;
      o.kernel_count = argc - n;
      break;
    }
    const char* option = argv[n];
    if (++n == argc) return Usage(argv[0], stderr);
    errno = 0;
    if (strcmp(option, "--level") == 0) {
      o.level = argv[n];
    } else if (strcmp(option, "--threads") == 0) {
      const long threads = strtol(argv[n], &end, 10);
      if (*end != 0 || errno != 0 || threads < 1 || threads > CPU_SETSIZE) return Usage(argv[0], stderr);
      o.threads = (int32_t)threads;
    } else if (strcmp(option, "--seconds") == 0) {
      o.seconds = strtod(argv[n], &end);
      if (*end != 0 || !(o.seconds >= 0)) return Usage(argv[0], stderr);
    } else {
      return Usage(argv[0], stderr);
    }
  }
  const tunesmith_library* library = tunesmith_library_of();
  if (o.level != NULL && tunesmith_use_level(o.level) != TUNESMITH_OK) {
    fprintf(stderr, "%s: level %s: %s\n", argv[0], o.level, tunesmith_error_text(TUNESMITH_NO_SUCH_LEVEL));
    return 2;
  }
  for (int n = 0; n < o.kernel_count; ++n) {
    int64_t k = 0;
    while (k < library->kernels && strcmp(library->kernel[k].name, o.kernels[n]) != 0) ++k;
    if (k < library->kernels) continue;
    fprintf(stderr, "%s: the library has no kernel '%s'\n", argv[0], o.kernels[n]);
    return 2;
  }
  printf("%-40s %-24s %3s %15s %15s %7s\n", "kernel", "level", "th", "now", "recorded", "ratio");
  int all = 1;
  for (int64_t k = 0; k < library->kernels; ++k) {
    if (Wanted(&library->kernel[k], &o)) all = Measure(&library->kernel[k], &o) && all;
  }
  if (fflush(stdout) != 0) {
    perror(argv[0]);
    return 1;
  }
  return all ? 0 : 1;
}
