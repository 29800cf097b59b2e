/* SPDX-License-Identifier: 0BSD */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_setaffinity, MADV_HUGEPAGE */
#endif
#include "timing.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define STAGGER_BYTES ((size_t)5 * 4096 + 5 * 64)
#define STAGGER_RANGE ((size_t)256 << 10)

size_t tunesmith_timing_offset(uint32_t number) { return number * STAGGER_BYTES % STAGGER_RANGE; }

int tunesmith_timing_map(tunesmith_timing_buffer* buffer, int64_t bytes, uint32_t number) {
  const size_t page = TUNESMITH_HUGE_PAGE_BYTES, offset = tunesmith_timing_offset(number);
  buffer->mapping = NULL;
  if (bytes < 0) return 0;
  const size_t used = ((size_t)bytes + offset + page - 1) / page * page;
  buffer->mapped_bytes = used + page; /* the system aligns to small pages only */
  void* mapping =
      mmap(NULL, buffer->mapped_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) return 0;
  char* start = (char*)(((uintptr_t)mapping + page - 1) / page * page);
  madvise(start, used, MADV_HUGEPAGE);
  buffer->mapping = mapping;
  buffer->data = start + offset;
  memset(buffer->data, 0, (size_t)bytes);
  return 1;
}

void tunesmith_timing_unmap(tunesmith_timing_buffer* buffer) {
  if (buffer->mapping != NULL) munmap(buffer->mapping, buffer->mapped_bytes);
  buffer->mapping = NULL;
}

tunesmith_pool* tunesmith_timing_pool(int32_t threads, const cpu_set_t* allowed) {
  const int count = CPU_COUNT(allowed);
  if (threads < 1 || count == 0) return NULL;
  /* A pool looks at how many CPUs it may use, and its threads begin with the affinity of who starts them. */
  sched_setaffinity(0, sizeof *allowed, allowed);
  int32_t* places = malloc((size_t)threads * sizeof *places);
  if (places == NULL) return NULL;
  int cpu = sched_getcpu();
  if (cpu < 0 || cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, allowed)) cpu = 0;
  for (int32_t n = 0; n < threads; ++n, cpu = (cpu + 1) % CPU_SETSIZE) {
    while (!CPU_ISSET(cpu, allowed)) cpu = (cpu + 1) % CPU_SETSIZE;
    places[n] = cpu;
  }
  tunesmith_pool* pool = tunesmith_pool_create(threads, places);
  if (pool != NULL) {
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(places[0], &own);
    sched_setaffinity(0, sizeof own, &own);
  }
  free(places);
  return pool;
}
