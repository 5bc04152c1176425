// What the recording probe needs of the system and cannot have from Swift: a count of allocations, threads that are
// thrown from core to core, and a fork.
#ifndef RECORDING_PROBE_H
#define RECORDING_PROBE_H

#include <stdbool.h>
#include <stdint.h>

/// Whether a sanitizer is built in, which makes everything ten times as slow.
bool probe_is_sanitized(void);

/// Whether allocations are counted: not in sanitizer builds, which have an allocator of their own, nor but on glibc.
bool probe_counts_allocations(void);

/// How many allocations this thread has made.
uint64_t probe_allocations(void);

/// The thread's number for the kernel.
int32_t probe_thread(void);

/// Moves a thread of this process to a core.
bool probe_move(int32_t thread, int32_t core);

/// Takes this thread's restartable sequences away, as a kernel does that refuses to register it. False where it has none.
bool probe_leave_sequences(void);

/// How many cores this process may run on.
int32_t probe_cores(void);

/// Interrupts one of the threads that let it through (see probe_let_interrupts) every so many microseconds.
void probe_begin_interrupts(void (*handler)(int), int64_t microseconds);
void probe_end_interrupts(void);

/// Whether this thread may be interrupted; one that begins may not.
void probe_let_interrupts(bool let);

/// Makes the kernel refuse membarrier to every thread of this process from now on. False where that cannot be had.
bool probe_refuse_barrier(void);

/// Runs `child` in a fork, with its argument.
///
/// Returns what the child returned; -1 where it did not end by itself.
int32_t probe_fork(int32_t (*child)(void *), void *argument);

#endif
