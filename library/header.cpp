// SPDX-License-Identifier: Apache-2.0
#include "library/names.h"
#include "library/texts.h"
#include "support/strings.h"

namespace tunesmith::library {
namespace {

/// The functions that are the same in every library, with its prefix in the place of "@".
constexpr char kCommonText[] = R"(
/* A kernel's function returns TUNESMITH_OK, or an error and the number of the argument that is wrong
   (tunesmith_library.h); @error_text says it in words. Nothing is allocated in a call, no call aborts, and any
   number of threads may be inside calls at once, each with a workspace of its own.

   Tensors      are described by tunesmith_tensor; shape and type must be exactly those that the comments say,
                row-major without gaps. What a call writes must not overlap with anything else that it is given.
   Weights      are packed once, by KERNEL_pack, into KERNEL_packed_bytes() bytes at a multiple of 64. Packed
                weights may be copied, stored, and shared by threads. They serve one kernel on one level of the
                processor; a kernel refuses those of another.
   workspace    KERNEL_workspace_bytes(threads) bytes at a multiple of 64; may be null if that is 0. Its content
                does not matter before or after the call.
   threads      null: the call runs on the calling thread alone; else a table of callbacks: the library's own
                pool (@pool_threads), or one of yours (tunesmith_kernel.h). */

/* The error in words. */
const char* @error_text(int result);

/* A pool of threads: the caller of a kernel is one, threads - 1 more are started here. If `cpus` is not null,
   thread n > 0 stays on CPU cpus[n] where that is allowed. Null if threads < 1, or memory or threads are
   exhausted. Several callers may use a pool at once: one gets the workers, the others work alone meanwhile.
   After fork() the child's first call starts workers of its own. Destroy all pools before the library is
   unloaded. */
typedef struct @pool @pool;
@pool* @pool_create(int32_t threads, const int32_t* cpus);
void @pool_destroy(@pool* pool); /* null: nothing */
const tunesmith_threads* @pool_threads(@pool* pool); /* null: null */

/* What the library holds, for programs that do not know its kernels; and the general functions behind those of
   the kernels: `tensors` are a kernel's inputs, then its outputs. A null kernel or array is an error that names
   no argument; the sizes of a null kernel are 0. */
const tunesmith_library* @library(void);
int @run(const tunesmith_kernel* kernel, const tunesmith_tensor* const* tensors, const void* packed,
    void* workspace, size_t workspace_bytes, const tunesmith_threads* threads);
int @pack(const tunesmith_kernel* kernel, const tunesmith_tensor* const* weights, void* packed,
    size_t packed_bytes, void* workspace, size_t workspace_bytes, const tunesmith_threads* threads);
size_t @workspace_bytes(const tunesmith_kernel* kernel, int32_t threads);
size_t @packed_bytes(const tunesmith_kernel* kernel);

/* The code in use on this processor, chosen when the library is loaded; null if it can run none, or for
   null. */
const tunesmith_variant* @variant(const tunesmith_kernel* kernel);
/* From now on no code above this level ("x86-64-avx2") is used; null: the best that the processor runs. Not
   while other threads are inside calls; weights must be packed again. */
int @use_level(const char* target);
)";

std::string WithPrefix(std::string_view text, std::string_view prefix) {
  std::string result;
  for (char c : text) c == '@' ? StrAppend(&result, prefix) : StrAppend(&result, c);
  return result;
}

/// A comment must not end early.
std::string InComment(std::string text) {
  for (size_t at = text.find("*/"); at != std::string::npos; at = text.find("*/", at))
    text.replace(at, 2, "* /");
  return text;
}

std::string TypeText(const te::Tensor& t) {
  return StrCat(te::NameOf(t.dtype), "[", StrJoin(t.shape, ", "), "]");
}

std::string KernelText(const std::string& prefix, const NamedKernel& kernel) {
  const std::string function = StrCat(prefix, kernel.name);
  std::string run, pack;
  auto tensor = [&](std::string* out, size_t n, std::string_view what) {
    // Named in the comment only: a program may have a macro of any name, as <complex.h> has I.
    StrAppend(out, "    const tunesmith_tensor*, /* ", kernel.parameters[n].name, ": ",
              TypeText(kernel.parameters[n]), what, " */\n");
  };
  for (size_t n = 0; n < kernel.parameters.size(); ++n) {
    te::Role role = kernel.parameters[n].role;
    if (role == te::Role::kInput) tensor(&run, n, "");
    if (role == te::Role::kWeight) tensor(&pack, n, "");
  }
  if (kernel.weights()) StrAppend(&run, "    const void* packed, /* by ", function, "_pack */\n");
  for (size_t n = 0; n < kernel.parameters.size(); ++n) {
    if (kernel.parameters[n].role == te::Role::kOutput) tensor(&run, n, ", written");
  }
  constexpr std::string_view kLast =
      "    void* workspace, size_t workspace_bytes, const tunesmith_threads* threads);\n";
  std::string text = StrCat("\n/* ", InComment(kernel.kernel->title)) + " */\n";
  StrAppend(&text, "int ", function, "(\n", run, kLast);
  if (kernel.weights()) {
    StrAppend(&text, "int ", function, "_pack(\n", pack, "    void* packed, size_t packed_bytes,\n", kLast);
    StrAppend(&text, "size_t ", function, "_packed_bytes(void);\n");
  }
  StrAppend(&text, "size_t ", function, "_workspace_bytes(int32_t threads);\n");
  StrAppend(&text, "const tunesmith_kernel* ", function, "_kernel(void);\n");
  return text;
}

}  // namespace

std::string HeaderText(const Library& library, const std::vector<NamedKernel>& kernels) {
  const std::string prefix = library.name + "_";
  std::string guard = Identifier(library.name);
  for (char& c : guard) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  std::string text =
      StrCat("/* SPDX-License-Identifier: 0BSD */\n/* Kernels made by Tunesmith for ", library.target,
             " and the levels below it, tuned for ", library.scenario.threads,
             library.scenario.threads == 1 ? " thread" : " threads", ". */\n#ifndef ", guard, "_H\n#define ",
             guard, "_H\n\n#include \"tunesmith_library.h\"\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
  text += WithPrefix(kCommonText, prefix);
  for (const NamedKernel& kernel : kernels) text += KernelText(prefix, kernel);
  text += "\n#ifdef __cplusplus\n}\n#endif\n#endif\n";
  return text;
}

}  // namespace tunesmith::library
