/* SPDX-License-Identifier: Apache-2.0 */
/* Children that got a pool of threads, which they do not have, through fork(): one ends it at once, another,
   unless there is an argument, after a run on threads of its own. Exit code 0: all was as it should be. */
#define _DEFAULT_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tuned_kernels.h"

enum { ROWS = 19, COLUMNS = 23 };

static float x[ROWS][COLUMNS], y[COLUMNS][ROWS];

static int Turn(const tunesmith_threads* threads) {
  const int64_t x_shape[] = {ROWS, COLUMNS}, y_shape[] = {COLUMNS, ROWS};
  const tunesmith_tensor X = {x, TUNESMITH_F32, 2, x_shape, NULL};
  const tunesmith_tensor Y = {y, TUNESMITH_F32, 2, y_shape, NULL};
  const size_t bytes = tuned_kernels_turned_workspace_bytes(threads->threads);
  void* workspace = aligned_alloc(64, bytes / 64 * 64 + 64);
  memset(y, 0, sizeof y);
  if (tuned_kernels_turned(&X, &Y, workspace, bytes, threads) != TUNESMITH_OK) return 1;
  for (int i = 0; i < ROWS; ++i) {
    for (int j = 0; j < COLUMNS; ++j) {
      if (y[j][i] != x[i][j]) return 1;
    }
  }
  free(workspace);
  return 0;
}

int main(int count, char** arguments) {
  (void)arguments;
  for (int i = 0; i < ROWS * COLUMNS; ++i) x[i / COLUMNS][i % COLUMNS] = (float)(i + 1);
  tuned_kernels_pool* pool = tuned_kernels_pool_create(4, NULL);
  if (pool == NULL || Turn(tuned_kernels_pool_threads(pool)) != 0) return 1;
  for (int runs = 0; runs < (count > 1 ? 1 : 2); ++runs) {
    const pid_t child = fork();
    if (child == 0) {
      const int wrong = runs > 0 && Turn(tuned_kernels_pool_threads(pool)) != 0;
      tuned_kernels_pool_destroy(pool);
      _exit(wrong);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child || status != 0) return 2 + runs;
  }
  tuned_kernels_pool_destroy(pool);
  return 0;
}
