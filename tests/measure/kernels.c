/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels.h"

#include <sys/syscall.h>

#define KERNEL __attribute__((section("tunesmith_kernels"), noinline, used)) void
#define ARGUMENTS void *const *buffers, void *workspace, const tunesmith_threads *threads
#define IGNORE (void)workspace, (void)threads
#define LOCAL static __attribute__((section("tunesmith_kernels"), noinline))

LOCAL void AddRange(void* const* buffers, int64_t first, int64_t last) {
  const float* a = buffers[0];
  const float* b = buffers[1];
  float* c = buffers[2];
  for (int64_t i = first; i < last; ++i) c[i] = a[i] + b[i];
}

/* The kernel's own memory is executable and read-only, so a constant must be made in registers. */
LOCAL float One(void) {
  union {
    uint32_t bits;
    float value;
  } one;
  __asm__("movl $0x3f800000, %0" : "=r"(one.bits));
  return one.value;
}

LOCAL long SystemCall(long number, long first, long second) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(first), "S"(second) : "rcx", "r11", "memory");
  return result;
}

KERNEL Add(ARGUMENTS) {
  IGNORE;
  AddRange(buffers, 0, kElements);
}

KERNEL AddSlowly(ARGUMENTS) {
  IGNORE;
  for (int n = 0; n < 100; ++n) AddRange(buffers, 0, kElements);
}

LOCAL void AddPiece(void* closure, int64_t first, int64_t last, int32_t worker) {
  (void)worker;
  AddRange(closure, first, last);
}

KERNEL AddParallel(ARGUMENTS) {
  (void)workspace;
  threads->run(threads->context, AddPiece, (void*)buffers, kElements, 10);
}

KERNEL AddThroughWorkspace(ARGUMENTS) {
  void* inner[3] = {buffers[0], buffers[1], workspace};
  (void)threads;
  AddRange(inner, 0, kElements);
  for (int64_t i = 0; i < kElements; ++i) ((float*)buffers[2])[i] = ((float*)workspace)[i];
}

KERNEL AddPacked(ARGUMENTS) {
  IGNORE;
  AddRange(buffers, 0, kElements);
}

KERNEL CopyPacked(ARGUMENTS) {
  IGNORE;
  for (int64_t i = 0; i < kElements; ++i) ((float*)buffers[1])[i] = ((float*)buffers[0])[i];
}

KERNEL WrongElement(ARGUMENTS) {
  IGNORE;
  AddRange(buffers, 0, kElements);
  ((float*)buffers[2])[617] += One();
}

/* And on small inputs alone. */
KERNEL WrongOnTwoThreads(ARGUMENTS) {
  (void)workspace;
  AddRange(buffers, 0, kElements);
  const float a = ((float*)buffers[0])[3];
  if (threads->threads == 2 && (int32_t)a == 0) ((float*)buffers[2])[3] += One();
}

KERNEL WrongOnThreeThreads(ARGUMENTS) {
  (void)workspace;
  AddRange(buffers, 0, kElements);
  if (threads->threads == 3) ((float*)buffers[2])[3] += One();
}

KERNEL WrongOnLargeInputs(ARGUMENTS) {
  IGNORE;
  AddRange(buffers, 0, kElements);
  for (int64_t i = 0; i < kElements; ++i) {
    const float a = ((float*)buffers[0])[i];
    if ((int32_t)a > 16) ((float*)buffers[2])[i] = a;
  }
}

KERNEL SkipsElements(ARGUMENTS) {
  IGNORE;
  AddRange(buffers, 0, 500);
  AddRange(buffers, 510, kElements);
}

KERNEL AccumulatesOntoOutput(ARGUMENTS) {
  IGNORE;
  for (int64_t i = 0; i < kElements; ++i) {
    ((float*)buffers[2])[i] += ((float*)buffers[0])[i] + ((float*)buffers[1])[i];
  }
}

KERNEL WritesBeforeOutput(ARGUMENTS) {
  IGNORE;
  AddRange(buffers, 0, kElements);
  ((float*)buffers[2])[-1] = One();
}

KERNEL WritesFarBeforeOutput(ARGUMENTS) {
  IGNORE;
  AddRange(buffers, 0, kElements);
  ((float*)buffers[2])[-1250] = One();
}

KERNEL WritesBehindOutput(ARGUMENTS) {
  IGNORE;
  AddRange(buffers, 0, kElements);
  ((float*)buffers[2])[kElements] = One();
}

KERNEL ReadsBeforeInput(ARGUMENTS) {
  IGNORE;
  AddRange(buffers, 0, kElements);
  (void)((volatile float*)buffers[0])[-1];
}

KERNEL ReadsBehindInput(ARGUMENTS) {
  IGNORE;
  AddRange(buffers, 0, kElements);
  (void)((volatile float*)buffers[0])[kElements];
}

KERNEL WritesInput(ARGUMENTS) {
  IGNORE;
  AddRange(buffers, 0, kElements);
  ((float*)buffers[1])[3] = One();
}

KERNEL WritesBehindWorkspace(ARGUMENTS) {
  (void)threads;
  AddRange(buffers, 0, kElements);
  ((float*)workspace)[kElements] = One();
}

KERNEL IllegalInstruction(ARGUMENTS) {
  (void)buffers, IGNORE;
  __asm__ volatile("ud2");
}

KERNEL NullPointer(ARGUMENTS) {
  (void)buffers, IGNORE;
  long address = 0x10;
  __asm__ volatile("" : "+r"(address));
  *(volatile char*)address = 0;
}

KERNEL DividesByZero(ARGUMENTS) {
  (void)buffers, IGNORE;
  __asm__ volatile("xorl %%ecx, %%ecx; movl $1, %%eax; cltd; idivl %%ecx" ::: "eax", "ecx", "edx");
}

KERNEL OverflowsStack(ARGUMENTS) {
  (void)buffers, IGNORE;
  __asm__ volatile("1: push %rax; jmp 1b");
}

LOCAL void CrashOnWorker(void* closure, int64_t first, int64_t last, int32_t worker) {
  (void)closure, (void)first, (void)last;
  if (worker != 0) __asm__ volatile("ud2");
  for (volatile int i = 0; i < 1000000; ++i) {
  }
}

KERNEL CrashesOnWorker(ARGUMENTS) {
  (void)workspace;
  AddRange(buffers, 0, kElements);
  threads->run(threads->context, CrashOnWorker, 0, 1000, 1);
}

KERNEL Hangs(ARGUMENTS) {
  (void)buffers, IGNORE;
  __asm__ volatile("1: jmp 1b");
}

LOCAL void HangOnWorker(void* closure, int64_t first, int64_t last, int32_t worker) {
  (void)closure, (void)first, (void)last;
  if (worker != 0) __asm__ volatile("1: jmp 1b");
  for (volatile int i = 0; i < 1000000; ++i) {
  }
}

KERNEL HangsOnWorker(ARGUMENTS) {
  (void)workspace;
  AddRange(buffers, 0, kElements);
  threads->run(threads->context, HangOnWorker, 0, 1000, 1);
}

KERNEL Exits(ARGUMENTS) {
  (void)buffers, IGNORE;
  SystemCall(SYS_exit_group, 3, 0);
}

/* For the runner this is no other than a kill from outside. */
KERNEL KillsItself(ARGUMENTS) {
  (void)buffers, IGNORE;
  SystemCall(SYS_kill, SystemCall(SYS_getpid, 0, 0), 9);
}
