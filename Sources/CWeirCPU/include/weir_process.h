// Words of the process that the recording path reads: plain C globals, because a Swift global with an initial value
// that is computed costs a call to look whether it was computed.
#ifndef WEIR_PROCESS_H
#define WEIR_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#define WEIR_PROCESS_HIDDEN __attribute__((visibility("hidden")))

/// Random, drawn before main: what tag hashes start from, so that nobody outside can make them collide.
extern uint64_t weir_process_seed[2] WEIR_PROCESS_HIDDEN;

/// One bit a tag key that was ever put into the tags that follow a task. Only grows.
extern uint64_t weir_process_ambient_keys WEIR_PROCESS_HIDDEN;

/// Whether Swift's small strings were found to be laid out as they are read. Set once, by whoever makes the first key.
extern bool weir_process_small_strings WEIR_PROCESS_HIDDEN;

/// Whether this thread asks for the span that it is in: what is recorded meanwhile belongs to none.
extern __thread bool weir_process_asks WEIR_PROCESS_HIDDEN __attribute__((tls_model("initial-exec")));

/// Returns false where the thread asks already.
static inline bool weir_process_begin_asking(void) {
    if (weir_process_asks) return false;
    return weir_process_asks = true;
}

static inline void weir_process_end_asking(void) { weir_process_asks = false; }

/// Whether this thread is one of Weir's own, and how many locks of export it holds.
extern __thread bool weir_process_is_own_thread WEIR_PROCESS_HIDDEN __attribute__((tls_model("initial-exec")));
extern __thread uint32_t weir_process_held_locks WEIR_PROCESS_HIDDEN __attribute__((tls_model("initial-exec")));

static inline void weir_process_mark_own_thread(void) { weir_process_is_own_thread = true; }
static inline bool weir_process_is_on_own_thread(void) { return weir_process_is_own_thread; }
static inline void weir_process_begin_lock(void) { weir_process_held_locks++; }
static inline void weir_process_end_lock(void) { weir_process_held_locks--; }
static inline bool weir_process_holds_locks(void) { return weir_process_held_locks > 0; }

/// Of this thread's numbers; 0 before the first.
extern __thread uint32_t weir_process_random_state WEIR_PROCESS_HIDDEN __attribute__((tls_model("initial-exec")));

/// A number that is cheap and good enough to choose by. Xorshift (Marsaglia, 2003).
static inline uint32_t weir_process_random(void) {
    uint32_t number = weir_process_random_state;
    if (number == 0) number = (uint32_t)(weir_process_seed[0] ^ (uintptr_t)&weir_process_random_state >> 4) | 1;
    number ^= number << 13;
    number ^= number >> 17;
    number ^= number << 5;
    return weir_process_random_state = number;
}

static inline bool weir_process_knows_small_strings(void) {
    return __atomic_load_n(&weir_process_small_strings, __ATOMIC_RELAXED);
}

static inline void weir_process_know_small_strings(void) {
    __atomic_store_n(&weir_process_small_strings, true, __ATOMIC_RELAXED);
}

/// Bytes of a tag's value, and how many values were longer.
extern uint64_t weir_process_tag_limit WEIR_PROCESS_HIDDEN;
extern uint64_t weir_process_cut_tags WEIR_PROCESS_HIDDEN;

static inline uint64_t weir_process_load_tag_limit(void) {
    return __atomic_load_n(&weir_process_tag_limit, __ATOMIC_RELAXED);
}

static inline void weir_process_set_tag_limit(uint64_t bytes) {
    __atomic_store_n(&weir_process_tag_limit, bytes, __ATOMIC_RELAXED);
}

static inline void weir_process_count_cut_tag(void) {
    __atomic_fetch_add(&weir_process_cut_tags, 1, __ATOMIC_RELAXED);
}

static inline uint64_t weir_process_load_cut_tags(void) {
    return __atomic_load_n(&weir_process_cut_tags, __ATOMIC_RELAXED);
}

/// Where the hash of a key begins, and what values are mixed with.
static inline uint64_t weir_process_key_seed(void) { return weir_process_seed[0]; }
static inline uint64_t weir_process_value_seed(void) { return weir_process_seed[1]; }

static inline uint64_t weir_process_load_ambient_keys(void) {
    return __atomic_load_n(&weir_process_ambient_keys, __ATOMIC_RELAXED);
}

static inline void weir_process_add_ambient_keys(uint64_t keys) {
    __atomic_fetch_or(&weir_process_ambient_keys, keys, __ATOMIC_RELAXED);
}

#endif
