#define _GNU_SOURCE
#include "weir_fork.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

// Held by a fork. Whoever is about to take a lock of ours counts as a holder first and then looks whether somebody forks;
// a fork first says so and then looks at the holders. Both are sequentially consistent, so that one sees the other.
static pthread_mutex_t forking = PTHREAD_MUTEX_INITIALIZER;
static bool is_forking;
static unsigned holders;

// How many forks lie between this process and the first one that had this library, and when the last was. A child has one
// thread when they change.
static uint64_t generation;
static uint64_t fork_time;

uint64_t weir_fork_generation(void) { return __atomic_load_n(&generation, __ATOMIC_RELAXED); }

static uint64_t monotonic(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

uint64_t weir_fork_age(void) { return monotonic() - fork_time; }

// How many locks this thread holds. Only with the first it becomes a holder: with a second it would wait for a fork that
// waits for it.
static __thread unsigned depth;

void weir_fork_enter(void) {
    if (depth++ > 0) return;
    while (true) {
        __atomic_fetch_add(&holders, 1, __ATOMIC_SEQ_CST);
        if (!__atomic_load_n(&is_forking, __ATOMIC_SEQ_CST)) return;
        __atomic_fetch_sub(&holders, 1, __ATOMIC_RELEASE);
        pthread_mutex_lock(&forking);
        pthread_mutex_unlock(&forking);
    }
}

void weir_fork_leave(void) {
    if (--depth == 0) __atomic_fetch_sub(&holders, 1, __ATOMIC_RELEASE);
}

enum { noted_limit = 16 };
static __thread const void *noted[noted_limit];
static __thread unsigned noted_count;

// A signal handler may come between any two of these and take locks of its own: it finds a place of its own, and at worst
// one lock that is not held.
void weir_fork_note(const void *lock) {
    unsigned place = noted_count++;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (place < noted_limit) noted[place] = lock;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void weir_fork_forget(void) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    noted_count--;
}

bool weir_fork_has_noted(const void *lock) {
    unsigned count = noted_count < noted_limit ? noted_count : noted_limit;
    for (unsigned place = 0; place < count; place++) {
        if (noted[place] == lock) return true;
    }
    return false;
}

bool weir_fork_is_inside(void) { return depth > 0; }

// The descriptors that a child is not to have. A number that is none is a free place.
enum { places = 256 };
static int dropped[places];
static pthread_mutex_t dropping = PTHREAD_MUTEX_INITIALIZER;

static void replace(int from, int to) {
    weir_fork_enter();
    pthread_mutex_lock(&dropping);
    for (int place = 0; place < places; place++) {
        if (dropped[place] == from) {
            dropped[place] = to;
            break;
        }
    }
    pthread_mutex_unlock(&dropping);
    weir_fork_leave();
}

// Zero is standard input, which nobody drops: so a table of zeros is an empty one.
void weir_fork_drop(int descriptor) {
    if (descriptor > 0) replace(0, descriptor);
}

void weir_fork_keep(int descriptor) {
    if (descriptor > 0) replace(descriptor, 0);
}

// A thread that forks while it holds a lock itself, as from a callback, has it in the child too and goes on there. Nobody
// is waited for without end: a child that may hang is better than a parent that does.
static void before(void) {
    pthread_mutex_lock(&forking);
    __atomic_store_n(&is_forking, true, __ATOMIC_SEQ_CST);
    unsigned own = depth > 0;
    for (int attempt = 0; attempt < 10000 && __atomic_load_n(&holders, __ATOMIC_SEQ_CST) > own; attempt++) {
        nanosleep(&(struct timespec){.tv_nsec = 100 * 1000}, NULL);
    }
}

static void in_parent(void) {
    __atomic_store_n(&is_forking, false, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&forking);
}

static void in_child(void) {
    // Made anew and not unlocked: the one thread that is left has another name than the one that took it.
    forking = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    is_forking = false;
    fork_time = monotonic();
    __atomic_store_n(&generation, generation + 1, __ATOMIC_RELAXED);
    holders = depth > 0;
    dropping = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int place = 0; place < places; place++) {
        if (dropped[place] == 0) continue;
        // The number stays taken, so that whoever closes it in the child closes nobody else's.
        if (nothing >= 0 && dup2(nothing, dropped[place]) >= 0) fcntl(dropped[place], F_SETFD, FD_CLOEXEC);
        dropped[place] = 0;
    }
    if (nothing >= 0) close(nothing);
}

__attribute__((constructor)) static void start(void) { pthread_atfork(before, in_parent, in_child); }
