/* SPDX-License-Identifier: Apache-2.0 */
/* A whole peer (docs/formats/peer.md): the product of two square matrices of f32, by three loops. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/peer_interface.h"

typedef struct {
  int64_t n;
  float* tensors[3]; /* A, B, C */
} peer;

const char* peer_name(void) { return "three loops"; }

void* peer_open(const char* line, char* why, size_t why_size) {
  long m = 0, n = 0, k = 0;
  const char* words = strstr(line, "\tmatmul\t");
  if (!words || sscanf(words, "\tmatmul\tM=%ld N=%ld K=%ld", &m, &n, &k) != 3 || m != n || n != k) {
    snprintf(why, why_size, "multiplies square matrices only");
    return NULL;
  }
  peer* self = malloc(sizeof *self);
  self->n = n;
  for (int t = 0; t < 3; ++t) {
    self->tensors[t] = calloc((size_t)(n * n), sizeof(float));
    for (int64_t i = 0; i < n * n; ++i) self->tensors[t][i] = (float)((i * 7 + t) % 13) - 6;
  }
  return self;
}

int peer_tensors(const void* self) { return self ? 3 : 0; }

peer_tensor_info peer_tensor(const void* opaque, int index) {
  const peer* self = opaque;
  static const char* const names[] = {"A", "B", "C"};
  peer_tensor_info info = {names[index], "f32", 2, {self->n, self->n}, self->tensors[index], index == 2};
  return info;
}

void peer_run(void* opaque) {
  peer* self = opaque;
  for (int64_t i = 0; i < self->n; ++i) {
    for (int64_t j = 0; j < self->n; ++j) {
      float sum = 0;
      for (int64_t k = 0; k < self->n; ++k)
        sum += self->tensors[0][i * self->n + k] * self->tensors[1][k * self->n + j];
      self->tensors[2][i * self->n + j] = sum;
    }
  }
}

void peer_fetch(void* self) { (void)self; }

void peer_close(void* opaque) {
  peer* self = opaque;
  for (int t = 0; t < 3; ++t) free(self->tensors[t]);
  free(self);
}
