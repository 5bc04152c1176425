#include "weir_reader.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__thread weir_reader *weir_reader_own;
uint64_t weir_reader_period = 1;

// All nodes, newest first; only ever added to.
static weir_reader *nodes;
static pthread_key_t at_thread_end;

// Whether readers can leave the barrier to the reclaimer.
static bool is_plain;

// Whether the reclaimer had to do without it although they leave it.
static bool is_blind;

// This thread's node where they cannot.
static __thread weir_reader *strict_own;

// Entered for good when there was no memory for a node: from then on nothing is safe to free, which costs memory and
// nothing else.
static weir_reader last_resort = {.is_taken = 1};

static void give_back(void *own) {
    weir_reader *node = own;
    weir_reader_own = NULL;
    strict_own = NULL;
    __atomic_store_n(&node->period, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&node->is_taken, 0, __ATOMIC_RELEASE);
}

// In a fork's child only this thread lives on.
static void after_fork(void) {
    for (weir_reader *node = nodes; node; node = node->next) {
        if (node != weir_reader_own && node != strict_own) {
            node->period = 0;
            node->is_taken = 0;
        }
    }
}

__attribute__((constructor)) static void start(void) {
    weir_cpu_start();
    is_plain = weir_cpu_barrier();
    if (pthread_key_create(&at_thread_end, give_back) != 0) abort();
    pthread_atfork(NULL, NULL, after_fork);
}

// A node that no thread has, or a new one.
static weir_reader *take_node(void) {
    weir_reader *node = __atomic_load_n(&nodes, __ATOMIC_ACQUIRE);
    for (; node; node = node->next) {
        uint32_t is_free = 0;
        if (__atomic_compare_exchange_n(&node->is_taken, &is_free, 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
            return node;
        }
    }
    node = aligned_alloc(64, sizeof *node);
    if (!node) return NULL;
    *node = (weir_reader){.is_taken = 1};
    node->next = __atomic_load_n(&nodes, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&nodes, &node->next, node, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
    }
    return node;
}

weir_reader *weir_reader_begin(void) {
    if (!strict_own) {
        weir_reader *node = take_node();
        if (!node) {
            __atomic_store_n(&last_resort.period, 1, __ATOMIC_SEQ_CST);
            return NULL;
        }
        strict_own = node;
        if (is_plain) weir_reader_own = node;
        pthread_setspecific(at_thread_end, node);
    }
    if (__atomic_load_n(&strict_own->period, __ATOMIC_RELAXED) != 0) return NULL;
    uint64_t period = __atomic_load_n(&weir_reader_period, __ATOMIC_RELAXED);
    __atomic_exchange_n(&strict_own->period, period, __ATOMIC_SEQ_CST);
    // An exchange may become visible after loads that follow it (on ARM); the loads of the table must not be among them.
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return strict_own;
}

uint64_t weir_reader_advance(void) {
    return __atomic_add_fetch(&weir_reader_period, 1, __ATOMIC_SEQ_CST);
}

bool weir_reader_is_blind(void) { return __atomic_load_n(&is_blind, __ATOMIC_ACQUIRE); }

static void go_blind(void) {
    if (__atomic_exchange_n(&is_blind, true, __ATOMIC_SEQ_CST)) return;
    static const char line[] =
        "weir: the kernel refuses membarrier, which it did not before (a seccomp filter?): series, views and tables that end "
        "are not freed any more, and memory grows with them; allow membarrier, or install the filter before the start\n";
    if (write(STDERR_FILENO, line, strlen(line)) < 0) return;
}

uint64_t weir_reader_oldest(void) {
    // What readers stored before this is seen below, and what was unlinked before this is seen by those who enter after.
    if (!weir_cpu_barrier()) {
        if (is_plain) go_blind();
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
    uint64_t oldest = __atomic_load_n(&weir_reader_period, __ATOMIC_RELAXED);
    if (__atomic_load_n(&last_resort.period, __ATOMIC_SEQ_CST)) return 1;
    for (weir_reader *node = __atomic_load_n(&nodes, __ATOMIC_ACQUIRE); node; node = node->next) {
        uint64_t period = __atomic_load_n(&node->period, __ATOMIC_ACQUIRE);
        if (period && period < oldest) oldest = period;
    }
    return oldest;
}

#ifdef WEIR_NO_RSEQ

weir_reader *weir_reader_enter(void) { return weir_reader_begin(); }

void weir_reader_leave(weir_reader *node) {
    if (node) __atomic_store_n(&node->period, 0, __ATOMIC_RELEASE);
}

#endif
