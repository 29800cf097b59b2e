/* SPDX-License-Identifier: 0BSD */
/* What all generated libraries have in common: how tensors are passed, which errors calls return, and what a
   library tells of itself. C11 and C++. */
#ifndef TUNESMITH_LIBRARY_H
#define TUNESMITH_LIBRARY_H

#include <stddef.h>
#include <stdint.h>

#include "tunesmith_kernel.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Element types. f16 and bf16 are passed as their 16 bits; bool is one byte, 0 or 1. */
enum {
  TUNESMITH_F64 = 0,
  TUNESMITH_F32 = 1,
  TUNESMITH_F16 = 2,
  TUNESMITH_BF16 = 3,
  TUNESMITH_I64 = 4,
  TUNESMITH_I32 = 5,
  TUNESMITH_I16 = 6,
  TUNESMITH_I8 = 7,
  TUNESMITH_U8 = 8,
  TUNESMITH_BOOL = 9
};

/* A tensor of the caller's. Kernels are compiled for one shape, row-major without gaps; what the descriptor
   says is compared with that, so that a wrong shape is an error and not a wild read. The tensor needs the
   alignment of its elements. Descriptors are read during the call only. */
typedef struct tunesmith_tensor {
  void* data;             /* may be null if an extent is 0 */
  int32_t dtype;          /* TUNESMITH_F64 … */
  int32_t dimensions;     /* of `shape` and `strides` */
  const int64_t* shape;   /* may be null if there are no dimensions */
  const int64_t* strides; /* in elements; null: row-major without gaps */
} tunesmith_tensor;

/* What calls return: 0, or one of these with the position of the argument (from 1) in the higher bits. A call
   that returns an error has read and written nothing but descriptors. */
enum {
  TUNESMITH_OK = 0,
  TUNESMITH_NULL_POINTER = 1,  /* the pointer, the tensor's data or its shape is null */
  TUNESMITH_WRONG_TYPE = 2,    /* the tensor has elements of another type */
  TUNESMITH_WRONG_SHAPE = 3,   /* the tensor has other extents, or another number of them */
  TUNESMITH_WRONG_STRIDES = 4, /* the tensor is not row-major without gaps */
  TUNESMITH_MISALIGNED = 5,    /* a tensor: to its elements; workspace and packed weights: to 64 bytes */
  TUNESMITH_OVERLAP = 6,       /* memory that the call writes overlaps with that of another argument */
  TUNESMITH_WRONG_LAYOUT =
      7,                   /* the packed weights are of another kernel or another level, or are not packed */
  TUNESMITH_TOO_SMALL = 8, /* fewer bytes than …_workspace_bytes or …_packed_bytes say */
  TUNESMITH_BAD_THREADS = 9,    /* the table of threads has no callback, or fewer than one thread */
  TUNESMITH_NO_SUCH_LEVEL = 10, /* the library has no code for the level, or this processor cannot run it */
  TUNESMITH_NOT_PACKABLE = 11   /* the kernel has no weights */
};
#define TUNESMITH_ERROR_OF(result) ((result)&0xff)
#define TUNESMITH_ARGUMENT_OF(result) ((result) >> 8) /* 0: none in particular */

/* Weights are packed once, into memory of the caller's that may be copied, stored and read again. It begins
   with these bytes; kernels compare them. */
#define TUNESMITH_PACKED_HEADER_BYTES 64
typedef struct tunesmith_packed_header {
  char magic[8]; /* "tunesmit" */
  uint64_t layout[2];
  int64_t bytes; /* with this header */
} tunesmith_packed_header;

/* Extensions of the instruction set, as sets of bits. */
enum {
  TUNESMITH_X86_64_V2 = 1, /* up to SSE4.2 and POPCNT */
  TUNESMITH_X86_64_V3 = 2, /* AVX2, FMA, F16C, BMI */
  TUNESMITH_X86_64_V4 = 4, /* AVX-512 F, BW, CD, DQ, VL */
  TUNESMITH_AVX512_VNNI = 8,
  TUNESMITH_AVX512_BF16 = 16
};

enum { TUNESMITH_INPUT = 0, TUNESMITH_WEIGHT = 1, TUNESMITH_OUTPUT = 2 };

typedef struct tunesmith_parameter {
  const char* name;
  int32_t role; /* TUNESMITH_INPUT … */
  int32_t dtype;
  int32_t element_bytes;
  int32_t dimensions;
  const int64_t* shape;
  int64_t bytes; /* of the whole tensor */
} tunesmith_parameter;

/* Where an argument of compiled code comes from. */
typedef struct tunesmith_source {
  int32_t parameter; /* number of the kernel's parameter; -1: what was made from weights */
  int32_t is_packed; /* then `offset` of the packed weights, else the caller's tensor */
  int64_t offset;
} tunesmith_source;

/* A kernel's code for one level of the processor. */
typedef struct tunesmith_variant {
  const char* target; /* "x86-64-avx2" */
  double
      recorded_ns; /* of the record that it was made from; 0: made without one, from the default schedule */
  int32_t extensions;   /* that the processor must have: TUNESMITH_X86_64_V2 | … */
  int32_t pack_sources; /* how many */
  tunesmith_entry main;
  tunesmith_entry pack;                /* null: weights are copied as they are */
  const tunesmith_source* main_source; /* one a parameter, in the parameters' order */
  const tunesmith_source* pack_source;
  int64_t workspace_bytes, workspace_bytes_per_thread; /* enough for `main` and for `pack` */
  int64_t packed_bytes;                                /* 0 without weights */
  uint64_t layout[2];                                  /* of the packed weights */
} tunesmith_variant;

typedef struct tunesmith_kernel {
  const char* name; /* without the library's prefix */
  int32_t parameters;
  int32_t variants;
  int32_t weights;                      /* parameters of role weight */
  int32_t tuned_threads;                /* that the kernel was tuned for; it runs on any number */
  const tunesmith_parameter* parameter; /* inputs and weights in the operator's order, then outputs */
  const tunesmith_variant* variant;     /* the level with the most extensions last */
} tunesmith_kernel;

typedef struct tunesmith_library {
  const char* name; /* the prefix, without the underscore */
  int64_t kernels;
  const tunesmith_kernel* kernel;
} tunesmith_library;

/* At most so many inputs, weights and outputs together. */
#define TUNESMITH_MOST_PARAMETERS 64

#ifdef __cplusplus
}
#endif
#endif
