// SPDX-License-Identifier: Apache-2.0
#ifndef _GNU_SOURCE
#define _GNU_SOURCE  // F_SETSIG, REG_ERR
#endif
#include "measure/runner/faults.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstring>

namespace tunesmith::measure::runner {
namespace {

// Signal handlers have no argument of their own.
int reply_fd_of_handler = -1;
int request_fd_of_handler = -1;
const Buffers* buffers_of_handler = nullptr;
volatile sig_atomic_t in_kernel = 0;

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
  crash.in_kernel = in_kernel != 0;
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

void OnPipeChange(int) {
  pollfd request = {request_fd_of_handler, POLLIN, 0};
  if (poll(&request, 1, 0) == 1 && (request.revents & POLLHUP) != 0) _exit(0);
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

void EndWithMeasurer(int request_fd) {
  request_fd_of_handler = request_fd;
  struct sigaction action = {};
  action.sa_handler = OnPipeChange;
  action.sa_flags = SA_RESTART;
  sigaction(SIGIO, &action, nullptr);
  // Where the descriptor is no pipe this fails, and the end of input ends the runner between requests.
  if (fcntl(request_fd, F_SETOWN, getpid()) == 0) {
    fcntl(request_fd, F_SETFL, fcntl(request_fd, F_GETFL) | O_ASYNC);
  }
}

InKernel::InKernel() { in_kernel = 1; }
InKernel::~InKernel() { in_kernel = 0; }

}  // namespace tunesmith::measure::runner
