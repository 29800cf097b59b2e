/* SPDX-License-Identifier: Apache-2.0 */
/* What a peer exports, in C (docs/formats/peer.md says what each function does): the side that calls and
   libraries that are called include this. */
#ifndef TUNESMITH_PEER_INTERFACE_H
#define TUNESMITH_PEER_INTERFACE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  const char* name;  /* as in the operator's definition */
  const char* dtype; /* "f32", "bf16", "u8", "s8" or "s32" */
  int ndim;
  int64_t dims[8];
  const void* data; /* dense and row-major, owned by the peer, valid until peer_close */
  int is_output;
} peer_tensor_info;

const char* peer_name(void);
void* peer_open(const char* line, char* why, size_t why_size);
int peer_tensors(const void* peer);
peer_tensor_info peer_tensor(const void* peer, int index);
void peer_run(void* peer);
void peer_fetch(void* peer);
void peer_close(void* peer);

#ifdef __cplusplus
}
#endif

#endif
