/* SPDX-License-Identifier: 0BSD */
/* The entry points of generated libraries: everything that a caller can get wrong is found here, before
   compiled code, which checks nothing, runs. */
#include "library.h"

#include <stdatomic.h>
#include <string.h>

#include "extensions.h"

#define LINE 64 /* bytes: what workspaces and packed weights are aligned to */

static const char kMagic[8] = {'t', 'u', 'n', 'e', 's', 'm', 'i', 't'};

/* The extensions in use; negative before the processor was asked. */
static atomic_int extensions_in_use = -1;

static int32_t Extensions(void) {
  int extensions = atomic_load_explicit(&extensions_in_use, memory_order_relaxed);
  if (extensions < 0) {
    extensions = tunesmith_extensions();
    int unknown = -1;
    if (!atomic_compare_exchange_strong(&extensions_in_use, &unknown, extensions)) extensions = unknown;
  }
  return extensions;
}

/* When the library is loaded, so that no call pays for it. */
__attribute__((constructor)) static void Load(void) { (void)Extensions(); }

static int ErrorAt(int error, int argument) { return error | argument << 8; }

/* ---- threads: the caller's table, or this thread alone */

static void RunAlone(void* context, tunesmith_body body, void* closure, int64_t iterations, int64_t grain) {
  (void)context;
  (void)grain;
  if (iterations > 0) body(closure, 0, iterations, 0);
}

static const tunesmith_threads kAlone = {RunAlone, NULL, 1};

/* ---- memory that a call touches */

typedef struct range {
  uintptr_t begin, end; /* empty if equal */
  int written;
  int argument;
} range;

typedef struct ranges {
  range of[TUNESMITH_MOST_PARAMETERS + 2]; /* tensors, packed weights, workspace */
  int count;
} ranges;

static void AddRange(ranges* all, const void* data, int64_t bytes, int written, int argument) {
  const uintptr_t begin = (uintptr_t)data;
  all->of[all->count++] = (range){begin, begin + (uintptr_t)bytes, written, argument};
}

/* Compiled code relies on what it writes being nobody else's. The later argument is named. */
static int CheckOverlaps(const ranges* all) {
  for (int i = 1; i < all->count; ++i) {
    for (int j = 0; j < i; ++j) {
      const range *a = &all->of[i], *b = &all->of[j];
      if ((a->written || b->written) && a->begin < b->end && b->begin < a->end && a->begin != a->end &&
          b->begin != b->end) {
        return ErrorAt(TUNESMITH_OVERLAP, a->argument > b->argument ? a->argument : b->argument);
      }
    }
  }
  return TUNESMITH_OK;
}

static int CheckTensor(const tunesmith_parameter* parameter, const tunesmith_tensor* tensor, int argument) {
  if (tensor == NULL) return ErrorAt(TUNESMITH_NULL_POINTER, argument);
  if (tensor->dtype != parameter->dtype) return ErrorAt(TUNESMITH_WRONG_TYPE, argument);
  if (tensor->dimensions != parameter->dimensions) return ErrorAt(TUNESMITH_WRONG_SHAPE, argument);
  if (tensor->shape == NULL && parameter->dimensions > 0) return ErrorAt(TUNESMITH_NULL_POINTER, argument);
  for (int32_t n = 0; n < parameter->dimensions; ++n) {
    if (tensor->shape[n] != parameter->shape[n]) return ErrorAt(TUNESMITH_WRONG_SHAPE, argument);
  }
  if (parameter->bytes == 0) return TUNESMITH_OK;
  int64_t dense = 1;
  for (int32_t n = parameter->dimensions - 1; n >= 0 && tensor->strides != NULL; --n) {
    /* The stride of a single element is never used. */
    if (parameter->shape[n] != 1 && tensor->strides[n] != dense)
      return ErrorAt(TUNESMITH_WRONG_STRIDES, argument);
    dense *= parameter->shape[n];
  }
  if (tensor->data == NULL) return ErrorAt(TUNESMITH_NULL_POINTER, argument);
  if ((uintptr_t)tensor->data % (uintptr_t)parameter->element_bytes != 0)
    return ErrorAt(TUNESMITH_MISALIGNED, argument);
  return TUNESMITH_OK;
}

static int64_t WorkspaceBytes(const tunesmith_variant* variant, int32_t threads) {
  return variant->workspace_bytes + variant->workspace_bytes_per_thread * threads;
}

/* The arguments that all calls end with; the workspace is number `argument`, its bytes and the table follow.
 */
static int CheckSurroundings(const tunesmith_variant* variant, void* workspace, size_t workspace_bytes,
                             const tunesmith_threads* threads, int argument, ranges* touched) {
  if (threads->run == NULL || threads->threads < 1) return ErrorAt(TUNESMITH_BAD_THREADS, argument + 2);
  const int64_t needed = WorkspaceBytes(variant, threads->threads);
  if (needed == 0) return TUNESMITH_OK;
  if (workspace == NULL) return ErrorAt(TUNESMITH_NULL_POINTER, argument);
  if ((uintptr_t)workspace % LINE != 0) return ErrorAt(TUNESMITH_MISALIGNED, argument);
  if (workspace_bytes < (uint64_t)needed) return ErrorAt(TUNESMITH_TOO_SMALL, argument + 1);
  AddRange(touched, workspace, needed, 1, argument);
  return TUNESMITH_OK;
}

/* ---- what a library's header declares */

const tunesmith_variant* tunesmith_variant_of(const tunesmith_kernel* kernel) {
  if (kernel == NULL) return NULL;
  const int32_t extensions = Extensions();
  for (int32_t n = kernel->variants - 1; n >= 0; --n) {
    if ((kernel->variant[n].extensions & ~extensions) == 0) return &kernel->variant[n];
  }
  return NULL;
}

size_t tunesmith_workspace_bytes(const tunesmith_kernel* kernel, int32_t threads) {
  const tunesmith_variant* variant = tunesmith_variant_of(kernel);
  return variant == NULL || threads < 1 ? 0 : (size_t)WorkspaceBytes(variant, threads);
}

size_t tunesmith_packed_bytes(const tunesmith_kernel* kernel) {
  const tunesmith_variant* variant = tunesmith_variant_of(kernel);
  return variant == NULL ? 0 : (size_t)variant->packed_bytes;
}

int tunesmith_use_level(const char* target) {
  const int32_t all = tunesmith_extensions();
  if (target == NULL) {
    atomic_store(&extensions_in_use, all);
    return TUNESMITH_OK;
  }
  const tunesmith_library* library = tunesmith_library_of();
  for (int64_t k = 0; k < library->kernels; ++k) {
    for (int32_t v = 0; v < library->kernel[k].variants; ++v) {
      const tunesmith_variant* variant = &library->kernel[k].variant[v];
      if (strcmp(variant->target, target) != 0 || (variant->extensions & ~all) != 0) continue;
      atomic_store(&extensions_in_use, variant->extensions);
      return TUNESMITH_OK;
    }
  }
  return ErrorAt(TUNESMITH_NO_SUCH_LEVEL, 1);
}

int tunesmith_run(const tunesmith_kernel* kernel, const tunesmith_tensor* const* tensors, const void* packed,
                  void* workspace, size_t workspace_bytes, const tunesmith_threads* threads) {
  if (kernel == NULL || tensors == NULL) return TUNESMITH_NULL_POINTER;
  const tunesmith_variant* variant = tunesmith_variant_of(kernel);
  if (variant == NULL) return TUNESMITH_NO_SUCH_LEVEL;
  if (threads == NULL) threads = &kAlone;

  ranges touched;
  touched.count = 0;
  void* data[TUNESMITH_MOST_PARAMETERS]; /* by parameter; null for weights */
  int argument = 1;
  int packed_checked = kernel->weights == 0;
  for (int32_t n = 0, given = 0; n < kernel->parameters; ++n) {
    const tunesmith_parameter* parameter = &kernel->parameter[n];
    data[n] = NULL;
    if (parameter->role == TUNESMITH_WEIGHT) continue;
    if (parameter->role == TUNESMITH_OUTPUT && !packed_checked) {
      packed_checked = 1;
      if (packed == NULL) return ErrorAt(TUNESMITH_NULL_POINTER, argument);
      if ((uintptr_t)packed % LINE != 0) return ErrorAt(TUNESMITH_MISALIGNED, argument);
      const tunesmith_packed_header* header = packed;
      if (memcmp(header->magic, kMagic, sizeof kMagic) != 0 ||
          memcmp(header->layout, variant->layout, sizeof header->layout) != 0 ||
          header->bytes != variant->packed_bytes) {
        return ErrorAt(TUNESMITH_WRONG_LAYOUT, argument);
      }
      AddRange(&touched, packed, variant->packed_bytes, 0, argument++);
    }
    const tunesmith_tensor* tensor = tensors[given++];
    const int error = CheckTensor(parameter, tensor, argument);
    if (error) return error;
    data[n] = tensor->data;
    AddRange(&touched, data[n], parameter->bytes, parameter->role == TUNESMITH_OUTPUT, argument++);
  }
  int error = CheckSurroundings(variant, workspace, workspace_bytes, threads, argument, &touched);
  if (!error) error = CheckOverlaps(&touched);
  if (error) return error;

  void* buffers[TUNESMITH_MOST_PARAMETERS];
  for (int32_t n = 0; n < kernel->parameters; ++n) {
    const tunesmith_source* source = &variant->main_source[n];
    buffers[n] = source->is_packed ? (char*)packed + source->offset : data[source->parameter];
  }
  variant->main(buffers, workspace, threads);
  return TUNESMITH_OK;
}

int tunesmith_pack(const tunesmith_kernel* kernel, const tunesmith_tensor* const* weights, void* packed,
                   size_t packed_bytes, void* workspace, size_t workspace_bytes,
                   const tunesmith_threads* threads) {
  if (kernel == NULL) return TUNESMITH_NULL_POINTER;
  const tunesmith_variant* variant = tunesmith_variant_of(kernel);
  if (variant == NULL) return TUNESMITH_NO_SUCH_LEVEL;
  if (kernel->weights == 0) return TUNESMITH_NOT_PACKABLE;
  if (weights == NULL) return TUNESMITH_NULL_POINTER;
  if (threads == NULL) threads = &kAlone;

  ranges touched;
  touched.count = 0;
  void* data[TUNESMITH_MOST_PARAMETERS]; /* by parameter; null for all but weights */
  int argument = 1;
  for (int32_t n = 0; n < kernel->parameters; ++n) {
    const tunesmith_parameter* parameter = &kernel->parameter[n];
    data[n] = NULL;
    if (parameter->role != TUNESMITH_WEIGHT) continue;
    const tunesmith_tensor* tensor = weights[argument - 1];
    const int error = CheckTensor(parameter, tensor, argument);
    if (error) return error;
    data[n] = tensor->data;
    AddRange(&touched, data[n], parameter->bytes, 0, argument++);
  }
  if (packed == NULL) return ErrorAt(TUNESMITH_NULL_POINTER, argument);
  if ((uintptr_t)packed % LINE != 0) return ErrorAt(TUNESMITH_MISALIGNED, argument);
  if (packed_bytes < (uint64_t)variant->packed_bytes) return ErrorAt(TUNESMITH_TOO_SMALL, argument + 1);
  AddRange(&touched, packed, variant->packed_bytes, 1, argument);
  int error = CheckSurroundings(variant, workspace, workspace_bytes, threads, argument + 2, &touched);
  if (!error) error = CheckOverlaps(&touched);
  if (error) return error;

  /* What lies between the parts is zero, so that equal weights give equal bytes. */
  memset(packed, 0, (size_t)variant->packed_bytes);
  if (variant->pack != NULL) {
    void* buffers[TUNESMITH_MOST_PARAMETERS];
    for (int32_t n = 0; n < variant->pack_sources; ++n) {
      const tunesmith_source* source = &variant->pack_source[n];
      buffers[n] = source->is_packed ? (char*)packed + source->offset : data[source->parameter];
    }
    variant->pack(buffers, workspace, threads);
  }
  /* Weights that the kernel reads as they are. */
  for (int32_t n = 0; n < kernel->parameters; ++n) {
    const tunesmith_source* source = &variant->main_source[n];
    const tunesmith_parameter* parameter = &kernel->parameter[n];
    if (source->is_packed && source->parameter == n && parameter->bytes > 0)
      memcpy((char*)packed + source->offset, data[n], (size_t)parameter->bytes);
  }
  tunesmith_packed_header header = {{0}, {variant->layout[0], variant->layout[1]}, variant->packed_bytes};
  memcpy(header.magic, kMagic, sizeof kMagic);
  memcpy(packed, &header, sizeof header);
  return TUNESMITH_OK;
}

const char* tunesmith_error_text(int result) {
  static const char* const texts[] = {
      "no error",
      "null pointer",
      "elements of another type than the kernel's",
      "another shape than the kernel's",
      "strides that are not row-major without gaps",
      "misaligned: tensors need the alignment of their elements, workspace and packed weights 64 bytes",
      "memory that the call writes overlaps with another argument's",
      "packed weights of another kernel, level or layout: pack them with this kernel's own function",
      "too few bytes: ask the kernel's workspace_bytes or packed_bytes",
      "the table of threads has no callback, or fewer than one thread",
      "the library has no code for this level that this processor can run",
      "the kernel has no weights to pack",
  };
  const int error = TUNESMITH_ERROR_OF(result);
  const int known = (int)(sizeof texts / sizeof texts[0]);
  return result < 0 || error >= known ? "not a result of this library" : texts[error];
}
