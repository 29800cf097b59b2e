// SPDX-License-Identifier: Apache-2.0
#ifndef _GNU_SOURCE
#define _GNU_SOURCE  // REG_ERR
#endif
#include "measure/runner/faults.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstring>

namespace tunesmith::measure::runner {
namespace {

// Signal handlers have no argument of their own.
int reply_fd_of_handler = -1;
const Buffers* buffers_of_handler = nullptr;
std::atomic<bool> in_kernel = false;
static_assert(std::atomic<bool>::is_always_lock_free);  // a signal handler reads it

/// Whether a fault was a write, where the processor says so.
bool IsWrite([[maybe_unused]] const void* context) {
#if defined(__x86_64__)
  constexpr greg_t kWriteBit = 2;  // of the page-fault error code
  return (static_cast<const ucontext_t*>(context)->uc_mcontext.gregs[REG_ERR] & kWriteBit) != 0;
#else
  return false;
#endif
}

void OnFault(int signal, siginfo_t* info, void* context) {
  Crash crash;
  crash.signal = static_cast<uint32_t>(signal);
  crash.in_kernel = in_kernel;
  if (signal == SIGSEGV || signal == SIGBUS) {
    crash.address = reinterpret_cast<uintptr_t>(info->si_addr);
    crash.wrote = signal == SIGSEGV && IsWrite(context);
    crash.buffer = buffers_of_handler->Locate(crash.address, &crash.offset);
  }
  uint8_t bytes[kHeaderBytes + Crash::kBytes];
  uint8_t payload[Crash::kBytes];
  EncodeHeader(MessageType::kCrash, Crash::kBytes, bytes);
  crash.EncodePayload(payload);
  std::memcpy(bytes + kHeaderBytes, payload, sizeof payload);
  // A frame this short is written at once or not at all (pipe(7): PIPE_BUF); there is nobody to tell.
  [[maybe_unused]] const ssize_t written = write(reply_fd_of_handler, bytes, sizeof bytes);
  _exit(128 + signal);
}

/// Sleeps until the other end of the input is closed, then ends the process if a kernel runs. Between kernels
/// the requests that came before the end are still answered, and the reader of requests sees the end itself.
/// (O_ASYNC was tried first: of a socket that is closed while its data is being read, no signal comes.)
void* WatchInput(void* fd) {
  pollfd input = {static_cast<int>(reinterpret_cast<intptr_t>(fd)), 0, 0};
  while (poll(&input, 1, -1) < 0 || (input.revents & (POLLHUP | POLLERR | POLLNVAL)) == 0) {
  }
  while (!in_kernel) {
    constexpr int kMilliseconds = 5;
    poll(nullptr, 0, kMilliseconds);
  }
  _exit(0);
}

}  // namespace

void ReportFaults(int reply_fd, const Buffers* buffers) {
  reply_fd_of_handler = reply_fd;
  buffers_of_handler = buffers;
  // A kernel may fault by running out of stack.
  static uint8_t handler_stack[64 << 10];
  stack_t stack = {};
  stack.ss_sp = handler_stack;
  stack.ss_size = sizeof handler_stack;
  sigaltstack(&stack, nullptr);
  struct sigaction action = {};
  action.sa_sigaction = OnFault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND;
  sigfillset(&action.sa_mask);
  for (int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT}) sigaction(signal, &action, nullptr);
}

bool EndWithMeasurer(int request_fd) {
  pthread_t watcher;
  void* argument = reinterpret_cast<void*>(static_cast<intptr_t>(request_fd));
  return pthread_create(&watcher, nullptr, WatchInput, argument) == 0 && pthread_detach(watcher) == 0;
}

InKernel::InKernel() { in_kernel = true; }
InKernel::~InKernel() { in_kernel = false; }

}  // namespace tunesmith::measure::runner
