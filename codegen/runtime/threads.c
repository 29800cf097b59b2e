/* SPDX-License-Identifier: 0BSD */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity, pthread_attr_setaffinity_np, MADV_WIPEONFORK */
#endif
#include "threads.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* How long a thread without work spins before it sleeps. Two calls of kernels follow each other within a few
   microseconds in a model's inner loop, and waking a sleeper costs 5 to 50: spinning as long as a wake-up
   takes costs at most twice the best choice (the ski-rental argument). */
#define SPIN_NS 50000

/* A piece is never smaller than this part of a worker's share, so that taking pieces costs nothing beside
   tiny bodies, while the last piece delays the end by at most this part. */
#define PIECES_PER_WORKER 32

#define CACHE_LINE 64

/* Each worker begins with the pieces of its own region, in order: the same iterations run on the same core in
   every call, so that their data is still in its cache. Then it helps the others. */
typedef struct region {
  _Alignas(CACHE_LINE) atomic_int_least64_t next; /* first piece not yet taken */
  int64_t end;
} region;

/* Whether a pool's workers live in this process; 0 is what a child of fork() finds. */
enum { ALIVE_YES = 1, ALIVE_STARTING = 2, ALIVE_ALONE = 3 /* they could not be started */ };

struct tunesmith_pool {
  tunesmith_threads table;
  int32_t* cpus;
  region* regions;
  pthread_t* workers; /* workers[n-1] is worker n */
  int64_t spin_ns;

  /* One of ALIVE_*, on a page that fork() hands to the child zeroed (MADV_WIPEONFORK); where the system
     cannot do that, the word also holds the process's number, which costs a system call a run. */
  atomic_int* alive;
  int wiped_on_fork;

  /* The job. Written by the thread that holds `busy`, while `open` is 0 and `active` is 0. */
  tunesmith_body body;
  void* closure;
  int64_t iterations;
  int64_t piece;  /* iterations */
  unsigned modes; /* the caller's rounding and denormal modes */

  _Alignas(CACHE_LINE) atomic_int busy;    /* 1 while a caller uses the workers */
  _Alignas(CACHE_LINE) atomic_uint ticket; /* grows with each job; workers sleep on it */
  atomic_int sleepers;
  atomic_int stop;
  _Alignas(CACHE_LINE) atomic_int open; /* 1 while workers may join the job */
  atomic_uint active; /* workers inside the job, or about to find it closed; the caller sleeps on it */
  atomic_int caller_sleeps;
};

typedef struct start {
  tunesmith_pool* pool;
  int32_t worker;
  unsigned ticket;
} start;

static void Pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* How arithmetic rounds, and whether it flushes numbers that are not normal: the same in all threads of a
 * call as in the one that made it. */
static unsigned ModesHere(void) {
#if defined(__x86_64__)
  return __builtin_ia32_stmxcsr() & ~0x3fu; /* without the flags of what has happened */
#elif defined(__aarch64__)
  uint64_t modes;
  __asm__ volatile("mrs %0, fpcr" : "=r"(modes));
  return (unsigned)modes;
#else
  return 0;
#endif
}

static void SetModes(unsigned modes) {
#if defined(__x86_64__)
  __builtin_ia32_ldmxcsr(modes);
#elif defined(__aarch64__)
  __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)modes));
#else
  (void)modes;
#endif
}

static int64_t NowNs(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void FutexWait(atomic_uint* word, unsigned value) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void FutexWake(atomic_uint* word) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* Spins until *word differs from `value` (returns 1) or the time is over (returns 0). */
static int SpinWhile(atomic_uint* word, unsigned value, int64_t spin_ns) {
  if (atomic_load_explicit(word, memory_order_acquire) != value) return 1;
  if (spin_ns == 0) return 0;
  const int64_t end = NowNs() + spin_ns;
  do {
    for (int i = 0; i < 32; ++i) {
      if (atomic_load_explicit(word, memory_order_acquire) != value) return 1;
      Pause();
    }
  } while (NowNs() < end);
  return 0;
}

/* Takes pieces until there are none left: first this worker's own, then the others'. */
static void Work(tunesmith_pool* pool, int32_t worker) {
  const int32_t threads = pool->table.threads;
  for (int32_t n = 0; n < threads; ++n) {
    region* from = &pool->regions[(worker + n) % threads];
    for (;;) {
      /* The plain load keeps finished regions from being written over and over. */
      if (atomic_load_explicit(&from->next, memory_order_relaxed) >= from->end) break;
      const int64_t piece = atomic_fetch_add_explicit(&from->next, 1, memory_order_relaxed);
      if (piece >= from->end) break;
      const int64_t first = piece * pool->piece;
      const int64_t left = pool->iterations - first;
      pool->body(pool->closure, first, first + (left < pool->piece ? left : pool->piece), worker);
    }
  }
}

static void* WorkerMain(void* argument) {
  const start given = *(start*)argument;
  free(argument);
  tunesmith_pool* pool = given.pool;
  unsigned seen = given.ticket;
  for (;;) {
    while (!SpinWhile(&pool->ticket, seen, pool->spin_ns)) {
      /* Either the caller sees this sleeper, or FUTEX_WAIT sees the caller's new ticket. */
      atomic_fetch_add(&pool->sleepers, 1);
      FutexWait(&pool->ticket, seen);
      atomic_fetch_sub(&pool->sleepers, 1);
    }
    seen = atomic_load(&pool->ticket);
    if (atomic_load(&pool->stop)) return NULL;
    /* Being counted before looking at `open` is what lets the caller close the job, see nobody active, and
     * reuse it. */
    atomic_fetch_add(&pool->active, 1);
    if (atomic_load(&pool->open)) {
      SetModes(pool->modes);
      Work(pool, given.worker);
    }
    if (atomic_fetch_sub(&pool->active, 1) == 1 && atomic_load(&pool->caller_sleeps))
      FutexWake(&pool->active);
  }
}

static void StopWorkers(tunesmith_pool* pool, int32_t started) {
  atomic_store(&pool->stop, 1);
  atomic_fetch_add(&pool->ticket, 1);
  FutexWake(&pool->ticket);
  for (int32_t n = 1; n <= started; ++n) pthread_join(pool->workers[n - 1], NULL);
}

/* Starts every worker, or none. */
static int StartWorkers(tunesmith_pool* pool) {
  atomic_store(&pool->busy, 0);
  atomic_store(&pool->sleepers, 0);
  atomic_store(&pool->stop, 0);
  atomic_store(&pool->open, 0);
  atomic_store(&pool->active, 0);
  atomic_store(&pool->caller_sleeps, 0);

  /* The host's signals are the host's business; faults in a kernel must still reach its handlers. */
  sigset_t blocked, before;
  sigfillset(&blocked);
  sigdelset(&blocked, SIGSEGV);
  sigdelset(&blocked, SIGBUS);
  sigdelset(&blocked, SIGFPE);
  sigdelset(&blocked, SIGILL);
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  int32_t started = 0;
  for (int32_t n = 1; n < pool->table.threads; ++n) {
    start* argument = malloc(sizeof *argument);
    if (argument == NULL) break;
    *argument = (start){pool, n, atomic_load(&pool->ticket)};
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) {
      free(argument);
      break;
    }
    if (pool->cpus != NULL && pool->cpus[n] >= 0 && pool->cpus[n] < CPU_SETSIZE) {
      cpu_set_t set;
      CPU_ZERO(&set);
      CPU_SET(pool->cpus[n], &set);
      pthread_attr_setaffinity_np(&attributes, sizeof set, &set);
    }
    int error = pthread_create(&pool->workers[n - 1], &attributes, WorkerMain, argument);
    if (error != 0 && pool->cpus != NULL) { /* that CPU is not ours to use: anywhere, then */
      error = pthread_create(&pool->workers[n - 1], NULL, WorkerMain, argument);
    }
    pthread_attr_destroy(&attributes);
    if (error != 0) {
      free(argument);
      break;
    }
    ++started;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (started == pool->table.threads - 1) return 1;
  StopWorkers(pool, started);
  return 0;
}

/* What distinguishes this process in `alive`: nothing where fork() zeroes the word, else the process number.
 */
static int AliveTag(const tunesmith_pool* pool) { return pool->wiped_on_fork ? 0 : (int)getpid() * 4; }

/* Whether workers can be used; in a fresh child of fork() they are started first. */
static int WorkersReady(tunesmith_pool* pool) {
  const int tag = AliveTag(pool);
  int word = atomic_load_explicit(pool->alive, memory_order_acquire);
  if (word == (tag | ALIVE_YES)) return 1;
  if (word == (tag | ALIVE_STARTING) || word == (tag | ALIVE_ALONE)) return 0;
  if (!atomic_compare_exchange_strong(pool->alive, &word, tag | ALIVE_STARTING)) return 0;
  const int ready = StartWorkers(pool);
  atomic_store(pool->alive, tag | (ready ? ALIVE_YES : ALIVE_ALONE));
  return ready;
}

static void Run(void* context, tunesmith_body body, void* closure, int64_t iterations, int64_t grain) {
  tunesmith_pool* pool = context;
  const int32_t threads = pool->table.threads;
  if (iterations <= 0) return;
  if (grain < 1) grain = 1;
  if (threads == 1 || iterations <= grain || !WorkersReady(pool) || atomic_exchange(&pool->busy, 1) != 0) {
    body(closure, 0, iterations, 0);
    return;
  }
  const int64_t least = (iterations - 1) / ((int64_t)threads * PIECES_PER_WORKER) + 1;
  pool->body = body;
  pool->modes = ModesHere();
  pool->closure = closure;
  pool->iterations = iterations;
  pool->piece = grain > least ? grain : least;
  const int64_t pieces = (iterations - 1) / pool->piece + 1;
  for (int32_t n = 0; n < threads; ++n) {
    atomic_store_explicit(&pool->regions[n].next, pieces * n / threads, memory_order_relaxed);
    pool->regions[n].end = pieces * (n + 1) / threads;
  }
  atomic_store(&pool->open, 1);
  atomic_fetch_add(&pool->ticket, 1);
  if (atomic_load(&pool->sleepers) > 0) FutexWake(&pool->ticket);

  Work(pool, 0);

  /* Every piece is taken; wait for those who still run one. A worker that wakes only now finds the job
   * closed. */
  atomic_store(&pool->open, 0);
  unsigned active;
  while ((active = atomic_load(&pool->active)) != 0) {
    if (SpinWhile(&pool->active, active, pool->spin_ns)) continue;
    atomic_store(&pool->caller_sleeps, 1);
    if (atomic_load(&pool->active) == active) FutexWait(&pool->active, active);
    atomic_store(&pool->caller_sleeps, 0);
  }
  atomic_store(&pool->busy, 0);
}

static void Release(tunesmith_pool* pool) {
  if (pool->alive != NULL) munmap(pool->alive, sizeof(atomic_int));
  free(pool->cpus);
  free(pool->regions);
  free(pool->workers);
  free(pool);
}

tunesmith_pool* tunesmith_pool_create(int32_t threads, const int32_t* cpus) {
  if (threads < 1) return NULL;
  tunesmith_pool* pool = aligned_alloc(CACHE_LINE, sizeof *pool);
  if (pool == NULL) return NULL;
  *pool = (tunesmith_pool){.table = {Run, pool, threads}};
  pool->regions = aligned_alloc(CACHE_LINE, (size_t)threads * sizeof(region));
  pool->workers = malloc((size_t)threads * sizeof(pthread_t));
  if (cpus != NULL) pool->cpus = malloc((size_t)threads * sizeof(int32_t));
  void* page = mmap(NULL, sizeof(atomic_int), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page != MAP_FAILED) pool->alive = page;
  if (pool->regions == NULL || pool->workers == NULL || (cpus != NULL && pool->cpus == NULL) ||
      pool->alive == NULL) {
    Release(pool);
    return NULL;
  }
  for (int32_t n = 0; cpus != NULL && n < threads; ++n) pool->cpus[n] = cpus[n];
  /* The advice wants whole pages; mmap gave one. An emulator that takes even advice which is none (qemu-user
     7.2) ignores this one, too. */
  const size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
  pool->wiped_on_fork = madvise(page, bytes, -1) != 0 && madvise(page, bytes, MADV_WIPEONFORK) == 0;

  /* Where there are more threads than CPUs, spinning only keeps the others from running. */
  cpu_set_t allowed;
  const int counted = sched_getaffinity(0, sizeof allowed, &allowed) == 0;
  pool->spin_ns = counted && CPU_COUNT(&allowed) < threads ? 0 : SPIN_NS;

  if (!StartWorkers(pool)) {
    Release(pool);
    return NULL;
  }
  atomic_store(pool->alive, AliveTag(pool) | ALIVE_YES);
  return pool;
}

void tunesmith_pool_destroy(tunesmith_pool* pool) {
  if (pool == NULL) return;
  if (atomic_load(pool->alive) == (AliveTag(pool) | ALIVE_YES)) StopWorkers(pool, pool->table.threads - 1);
  Release(pool);
}

const tunesmith_threads* tunesmith_pool_threads(tunesmith_pool* pool) {
  return pool == NULL ? NULL : &pool->table;
}
