/* SPDX-License-Identifier: Apache-2.0 */
/* A program as a user writes it against the header of a generated library, tuned_kernels: runs a kernel,
   shows an error, and says which code ran. Exit code 0: all was as it should be. */
#include <stdio.h>
#include <stdlib.h>

#include "tuned_kernels.h"

enum { M = 37, N = 29, K = 23 };

static float a[M * K], b[K * N], bias[N], c[M * N];

static int Check(int result, const char* what) {
  if (result == TUNESMITH_OK) return 1;
  fprintf(stderr, "%s: argument %d: %s\n", what, TUNESMITH_ARGUMENT_OF(result),
          tuned_kernels_error_text(result));
  return 0;
}

static int Right(void) {
  for (int i = 0; i < M; ++i) {
    for (int j = 0; j < N; ++j) {
      float sum = bias[j];
      for (int k = 0; k < K; ++k) sum += a[i * K + k] * b[k * N + j];
      if (c[i * N + j] != (sum > 0 ? sum : 0)) return 0; /* small integers: exact */
    }
  }
  return 1;
}

int main(void) {
  for (int i = 0; i < M * K; ++i) a[i] = (float)(i % 11 - 5);
  for (int i = 0; i < K * N; ++i) b[i] = (float)(i % 7 - 3);
  for (int i = 0; i < N; ++i) bias[i] = (float)(i - 14);
  const int64_t a_shape[] = {M, K}, b_shape[] = {K, N}, bias_shape[] = {N}, c_shape[] = {M, N};
  const tunesmith_tensor A = {a, TUNESMITH_F32, 2, a_shape, NULL};
  const tunesmith_tensor B = {b, TUNESMITH_F32, 2, b_shape, NULL};
  const tunesmith_tensor bias_tensor = {bias, TUNESMITH_F32, 1, bias_shape, NULL};
  const tunesmith_tensor C = {c, TUNESMITH_F32, 2, c_shape, NULL};

  const int threads = 2;
  const size_t packed_bytes = tuned_kernels_product_packed_bytes();
  const size_t workspace_bytes = tuned_kernels_product_workspace_bytes(threads);
  void* packed = aligned_alloc(64, packed_bytes);
  void* workspace = workspace_bytes > 0 ? aligned_alloc(64, workspace_bytes) : NULL;
  tuned_kernels_pool* pool = tuned_kernels_pool_create(threads, NULL);
  if (packed == NULL || pool == NULL) return 1;
  const tunesmith_threads* table = tuned_kernels_pool_threads(pool);

  if (!Check(tuned_kernels_product_pack(&B, packed, packed_bytes, workspace, workspace_bytes, table), "pack"))
    return 1;
  if (!Check(tuned_kernels_product(&A, &bias_tensor, packed, &C, workspace, workspace_bytes, table),
             "product"))
    return 1;
  if (!Right()) {
    fprintf(stderr, "the product is wrong\n");
    return 1;
  }
  const int refused = tuned_kernels_product(&C, &bias_tensor, packed, &C, workspace, workspace_bytes, NULL);
  printf("argument %d: %s\n", TUNESMITH_ARGUMENT_OF(refused), tuned_kernels_error_text(refused));
  printf("%s\n", tuned_kernels_variant(tuned_kernels_product_kernel())->target);
  tuned_kernels_pool_destroy(pool);
  free(workspace);
  free(packed);
  return 0;
}
