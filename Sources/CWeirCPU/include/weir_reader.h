// Who is reading the snapshot table: one node a thread, so that entering and leaving are a plain store each.
//
// A reader stores the period that it found into its thread's node, and zero when it is done. Whoever replaces a table
// unlinks the old one, begins a new period, passes a barrier through all threads (weir_cpu_barrier), and may free the
// old table when every node holds zero or a later period. The barrier orders for both sides: a reader whose store the
// reclaimer does not see loads its pointers after they were unlinked. Where the kernel has no such barrier, entering is
// a sequentially consistent exchange instead of a store.
//
// This is read-copy-update as in "User-Level Implementations of Read-Copy Update" (Desnoyers, McKenney and others, 2012),
// with one number a thread in place of two phases, since nobody waits here: what is not safe yet is looked at later.
//
// Where the kernel has the barrier at first and refuses it later (a seccomp filter that was installed meanwhile), readers
// go on with plain stores, and nobody can know any more what they may see. From then on nothing is freed that they may:
// memory grows with what ends, and standard error says so, once. See weir_reader_is_blind().
//
// Nodes are never freed: a thread that ends leaves its node to the next that begins, so there are as many as there were
// threads at a time.
#ifndef WEIR_READER_H
#define WEIR_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "weir_cpu.h"

typedef struct weir_reader {
    /// The period in which its thread entered; 0 while it reads nothing.
    uint64_t period;
    /// Whether a thread has it.
    uint32_t is_taken;
    struct weir_reader *next;
    char padding[64 - 24];
} weir_reader;

/// This thread's node; NULL before it first reads, and always where the kernel has no barrier for all threads.
extern __thread weir_reader *weir_reader_own WEIR_HIDDEN __attribute__((tls_model("initial-exec")));

/// Counts the times that something was unlinked. From 1.
extern uint64_t weir_reader_period WEIR_HIDDEN;

/// The slow way in: finds a node for a thread that has none, and enters it. Where the kernel has no barrier for all
/// threads every entry comes this way, and is a barrier itself.
weir_reader *weir_reader_begin(void);

/// Begins a period and returns its number: what was unlinked before is safe when weir_reader_oldest() is not less.
uint64_t weir_reader_advance(void);

/// The oldest period in which a thread still reads, or the current one where none does.
uint64_t weir_reader_oldest(void);

/// Whether the barrier was refused since the readers began to rely on it: what weir_reader_oldest() says since then is no
/// promise, and nothing may be freed by it. Never again false. To be asked after weir_reader_oldest().
bool weir_reader_is_blind(void);

#ifdef WEIR_NO_RSEQ

// For ThreadSanitizer, which does not see what is inlined into Swift: calls, with the orders that it can reason about.
weir_reader *weir_reader_enter(void);
void weir_reader_leave(weir_reader *node);

#else

/// Begins to read. Returns what weir_reader_leave wants: NULL where this thread reads already (a signal handler that
/// records while its thread does), so that the inner reader does not end the outer one.
WEIR_INLINE weir_reader *weir_reader_enter(void) {
    weir_reader *node = weir_reader_own;
    if (__builtin_expect(node == 0, 0)) return weir_reader_begin();
    if (__builtin_expect(__atomic_load_n(&node->period, __ATOMIC_RELAXED) != 0, 0)) return 0;
    __atomic_store_n(&node->period, __atomic_load_n(&weir_reader_period, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
    // The compiler must not move loads of the table before the store; the processor's part is the reclaimer's barrier.
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return node;
}

WEIR_INLINE void weir_reader_leave(weir_reader *node) {
    if (__builtin_expect(node != 0, 1)) __atomic_store_n(&node->period, 0, __ATOMIC_RELEASE);
}

#endif

/// Begins to read where that takes no call and weir_cell_try_add may do what is then to be done. NULL otherwise, and
/// where this thread reads already.
WEIR_INLINE weir_reader *weir_reader_try_enter(void) {
#if WEIR_HAS_RSEQ
    return weir_reader_own ? weir_reader_enter() : 0;
#else
    return 0;
#endif
}

#endif
