/* SPDX-License-Identifier: Apache-2.0 */
/* The sample peer with the fault that PEER_FAULT names. Where it hangs, a file "hanging" appears first. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/peer_interface.h"

/* Of sample_peer.c, as built for this library. */
const char* sample_name(void);
void* sample_open(const char* line, char* why, size_t why_size);
int sample_tensors(const void* peer);
peer_tensor_info sample_tensor(const void* peer, int index);
void sample_run(void* peer);
void sample_fetch(void* peer);
void sample_close(void* peer);

static int has(const char* fault) {
  const char* named = getenv("PEER_FAULT");
  return named && strcmp(named, fault) == 0;
}

static int on_two_threads(void) {
  cpu_set_t cpus;
  return sched_getaffinity(0, sizeof cpus, &cpus) == 0 && CPU_COUNT(&cpus) == 2;
}

static void hang(void) {
  fclose(fopen("hanging", "w"));
  for (;;) pause();
}

__attribute__((constructor)) static void load(void) {
  if (has("hangs when loaded")) hang();
  if (has("crashes when loaded")) abort();
}

const char* peer_name(void) { return has("has the name of another") ? sample_name() : "faulty"; }

void* peer_open(const char* line, char* why, size_t why_size) {
  if (has("hangs in open")) hang();
  return sample_open(line, why, why_size);
}

int peer_tensors(const void* self) { return has("has two tensors") ? 2 : sample_tensors(self); }

peer_tensor_info peer_tensor(const void* self, int index) {
  peer_tensor_info info = sample_tensor(self, index);
  if (has("has another shape") && index == 0) info.dims[0] += 1;
  if (has("has other inputs") && index == 0) ((float*)info.data)[1] = 99;
  return info;
}

void peer_run(void* self) {
  if (has("hangs in run")) hang();
  if (has("crashes in run")) abort();
  if (has("exits in run")) _exit(7);
  if (has("prints")) {
    (void)!write(STDOUT_FILENO, "a library speaks\n", 17);
  }
  if (has("computes nothing") || (has("computes nothing on two threads") && on_two_threads())) return;
  sample_run(self);
}

void peer_fetch(void* self) {
  if (has("hangs in fetch")) hang();
  sample_fetch(self);
}

void peer_close(void* self) { sample_close(self); }
