// The machine under the recording path: which core runs, and an add into that core's stripe.
//
// A stripe is the memory of one core; stripes lie `pitch` bytes apart, so that a cell of core c is at
// `cell + c * pitch`, where `cell` is its address in the first stripe. Three stripes more than there are cores stand
// behind the last: one is shared, and only atomics touch it; two are the ledger, where what does not fit into a cell goes,
// and what was taken out of it.
//
// A sum of Doubles has two cells side by side, its halves. One word says which of them is added to, so that the other one can
// be emptied: see weir_cpu_restart().
//
// Two ways to add, one chosen for the process before main (weir_cpu_is_rseq):
//
// - rseq: a restartable sequence (Linux x86-64, glibc 2.35 or later). The kernel moves a thread that it preempts,
//   migrates or signals in the middle of a sequence to the sequence's abort handler, which begins again. A sequence
//   that commits with exactly one store therefore behaves as one instruction of its core, without a `lock` prefix.
// - atomic: a relaxed atomic add into the stripe of the current core. The thread may move between looking up the core
//   and adding; the add is atomic, so nothing is lost.
//
// The two never mix on one stripe. A thread that the kernel refused to register adds to the shared stripe.
#ifndef WEIR_CPU_H
#define WEIR_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__linux__) && defined(__x86_64__) && !defined(WEIR_NO_RSEQ)
#define WEIR_HAS_RSEQ 1
#else
#define WEIR_HAS_RSEQ 0
#endif

/// Where in the first stripe it stands which half of a pair is added to: how many bytes it lies behind the first. A cache line
/// of its own: it is read by all cores, and written once a collection.
#define WEIR_HALF_OFFSET 64

#define WEIR_HIDDEN __attribute__((visibility("hidden")))
#define WEIR_INLINE static inline __attribute__((always_inline))

/// Distance from the thread pointer to the kernel's per-thread rseq area; in atomic mode to an area of our own that says
/// "no core", so that one comparison decides both what to do and whether the thread is registered.
extern ptrdiff_t weir_cpu_rseq_offset WEIR_HIDDEN;

/// Whether this process adds by rseq. Fixed before main.
bool weir_cpu_is_rseq(void);

/// Cores that this machine may ever have: the stripes to reserve, without the shared one.
uint32_t weir_cpu_count(void);

/// Chooses the mode, once; runs before main. `WEIR_CPU=atomic` in the environment forces the fallback.
void weir_cpu_start(void);

/// The stripe for atomic adds: the one of the core that runs in atomic mode, the shared one for a thread that the kernel
/// has not registered.
uint32_t weir_cpu_atomic_stripe(uint32_t count);

/// The core that runs this thread, by the slow way: a call. At most weir_cpu_count() - 1, or the shared stripe's
/// number where the core is unknown.
uint32_t weir_cpu_current(uint32_t count);

/// Says that the shared stripe is added to from now on.
void weir_cpu_use_shared(void);

/// How many stripes may hold anything: those of the cores, and the shared one once a thread has added to it.
uint32_t weir_cpu_stripes_in_use(uint32_t count);

/// Makes every thread of the process pass a full memory barrier. False where the kernel has no such call.
bool weir_cpu_barrier(void);

/// The same, and restarts every sequence that runs: one that began before this has committed or will begin again, so that what
/// it reads first it reads as of now. False where the kernel does not do that (Linux before 5.10, a seccomp filter), and in
/// atomic mode, where there are no sequences.
bool weir_cpu_restart(void);

/// Says that ledgers of integers are added to from now on.
void weir_cpu_use_ledger(void);

/// Whether any ledger of an integer may hold anything.
bool weir_cpu_ledger_is_used(void);

WEIR_INLINE uint64_t weir_cell_load(const void *cell) {
    return __atomic_load_n((const uint64_t *)cell, __ATOMIC_RELAXED);
}

WEIR_INLINE void weir_cell_store(void *cell, uint64_t value) {
    __atomic_store_n((uint64_t *)cell, value, __ATOMIC_RELAXED);
}

/// Takes what a cell holds that atomics alone touch.
WEIR_INLINE uint64_t weir_cell_take(void *cell) { return __atomic_exchange_n((uint64_t *)cell, 0, __ATOMIC_RELAXED); }

WEIR_INLINE double weir_cell_as_double(uint64_t bits) {
    double number;
    __builtin_memcpy(&number, &bits, sizeof number);
    return number;
}

#if WEIR_HAS_RSEQ

// The frame of a sequence. Between WEIR_RSEQ_BEGIN and WEIR_RSEQ_END stand the instructions that the kernel restarts;
// after BEGIN, rax holds the byte distance to the stripe of the core that runs. The four bytes before the abort
// handler are the signature that glibc registered (0x53053053), inside an instruction that traps when it is run.
#define WEIR_RSEQ_BEGIN                                                                                                \
    ".pushsection __rseq_cs, \"aw\"\n\t"                                                                               \
    ".balign 32\n"                                                                                                     \
    "771:\n\t"                                                                                                         \
    ".long 0, 0\n\t"                                                                                                   \
    ".quad 772f, 773f - 772f, 774f\n\t"                                                                                \
    ".popsection\n\t"                                                                                                  \
    "leaq 771b(%%rip), %%rax\n\t"                                                                                      \
    "movq %%rax, %%fs:8(%[area])\n"                                                                                    \
    "772:\n\t"                                                                                                         \
    "movl %%fs:4(%[area]), %%eax\n\t"                                                                                  \
    "cmpl %[count], %%eax\n\t"                                                                                         \
    "jae %l[elsewhere]\n\t"                                                                                            \
    "imulq %[pitch], %%rax\n\t"

#define WEIR_RSEQ_INPUTS                                                                                               \
    [area] "r"(weir_cpu_rseq_offset), [count] "r"(count), [pitch] "r"(pitch), [cell] "r"(cell)

#define WEIR_RSEQ_END                                                                                                  \
    "773:\n\t"                                                                                                         \
    ".pushsection __rseq_failure, \"ax\"\n\t"                                                                          \
    ".byte 0x0f, 0xb9, 0x3d\n\t"                                                                                       \
    ".long 0x53053053\n"                                                                                               \
    "774:\n\t"                                                                                                         \
    "jmp %l[again]\n\t"                                                                                                \
    ".popsection\n\t"

#endif

/// The rest of an add where the core is not to be had by rseq.
WEIR_INLINE char *weir_cell_atomic(char *cell, size_t pitch, uint32_t count) {
    return cell + weir_cpu_atomic_stripe(count) * pitch;
}

WEIR_INLINE void weir_cell_atomic_add(char *cell, uint64_t value) {
    __atomic_fetch_add((uint64_t *)cell, value, __ATOMIC_RELAXED);
}

/// False, and nothing is done, where it would overflow.
WEIR_INLINE bool weir_cell_atomic_add_signed(char *cell, int64_t value) {
    int64_t *word = (int64_t *)cell;
    int64_t seen = __atomic_load_n(word, __ATOMIC_RELAXED);
    int64_t sum;
    do {
        if (__builtin_add_overflow(seen, value, &sum)) return false;
    } while (!__atomic_compare_exchange_n(word, &seen, sum, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return true;
}

/// False, and nothing is done, where the sum would not be finite.
WEIR_INLINE bool weir_cell_atomic_add_double(char *cell, double value) {
    uint64_t *word = (uint64_t *)cell;
    uint64_t seen = __atomic_load_n(word, __ATOMIC_RELAXED);
    uint64_t sum;
    do {
        double number = weir_cell_as_double(seen) + value;
        if (!__builtin_isfinite(number)) return false;
        __builtin_memcpy(&sum, &number, sizeof sum);
    } while (!__atomic_compare_exchange_n(word, &seen, sum, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return true;
}

WEIR_INLINE void weir_cell_atomic_raise(char *cell, uint64_t key) {
    uint64_t *word = (uint64_t *)cell;
    uint64_t seen = __atomic_load_n(word, __ATOMIC_RELAXED);
    while (seen < key && !__atomic_compare_exchange_n(word, &seen, key, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
}

/// Adds to the cell of the core that runs. No lock, no system call; less than one atomic instruction in rseq mode.
///
/// - cell: the cell's address in the first stripe.
/// - pitch: bytes from one stripe to the next.
/// - count: stripes of cores; the shared stripe has this number.
WEIR_INLINE void weir_cell_add(char *cell, size_t pitch, uint32_t count, uint64_t value) {
#if WEIR_HAS_RSEQ
again:
    __asm__ goto(WEIR_RSEQ_BEGIN
                 "addq %[value], (%[cell], %%rax)\n"
                 WEIR_RSEQ_END
                 :
                 : WEIR_RSEQ_INPUTS, [value] "er"(value)
                 : "memory", "cc", "rax"
                 : again, elsewhere);
    return;
elsewhere:
#endif
    weir_cell_atomic_add(weir_cell_atomic(cell, pitch, count), value);
}

/// Adds to the cell of the core that runs, a signed integer, where that does not overflow; returns false, and has done
/// nothing, where it does.
WEIR_INLINE bool weir_cell_add_signed(char *cell, size_t pitch, uint32_t count, int64_t value) {
#if WEIR_HAS_RSEQ
again:
    __asm__ goto(WEIR_RSEQ_BEGIN
                 "movq (%[cell], %%rax), %%rdx\n\t"
                 "addq %[value], %%rdx\n\t"
                 "jo %l[full]\n\t"
                 "movq %%rdx, (%[cell], %%rax)\n"
                 WEIR_RSEQ_END
                 :
                 : WEIR_RSEQ_INPUTS, [value] "er"(value)
                 : "memory", "cc", "rax", "rdx"
                 : again, elsewhere, full);
    return true;
elsewhere:
#endif
    return weir_cell_atomic_add_signed(weir_cell_atomic(cell, pitch, count), value);
#if WEIR_HAS_RSEQ
full:
    return false;
#endif
}

/// Adds to a series' ledger of a signed integer: to two words, so that whoever reads between the two sees a part of the
/// value. The ledger is read by collections alone, one at a time, which keep the lower word small.
void weir_ledger_add(char *cell, size_t pitch, uint32_t count, int64_t value);

/// Adds a Double to the half in use of the core that runs.
///
/// - cell: the first half's address in the first stripe.
/// - half: where it stands how far from the first half the one in use is: 0 or 8.
WEIR_INLINE void weir_cell_add_double(char *cell, size_t pitch, uint32_t count, const char *half, double value) {
#if WEIR_HAS_RSEQ
again:
    __asm__ goto(WEIR_RSEQ_BEGIN
                 "addq (%[half]), %%rax\n\t"
                 "movsd (%[cell], %%rax), %%xmm15\n\t"
                 "addsd %[value], %%xmm15\n\t"
                 "movsd %%xmm15, (%[cell], %%rax)\n"
                 WEIR_RSEQ_END
                 :
                 : WEIR_RSEQ_INPUTS, [half] "r"(half), [value] "x"(value)
                 : "memory", "cc", "rax", "xmm15"
                 : again, elsewhere);
    return;
elsewhere:
#endif
    weir_cell_atomic_add_double(weir_cell_atomic(cell, pitch, count), value);
}

/// Raises the cell of the core that runs to `key` where that is greater (unsigned), and leaves it otherwise.
WEIR_INLINE void weir_cell_raise(char *cell, size_t pitch, uint32_t count, uint64_t key) {
#if WEIR_HAS_RSEQ
again:
    __asm__ goto(WEIR_RSEQ_BEGIN
                 "cmpq %[key], (%[cell], %%rax)\n\t"
                 "jae 773f\n\t"
                 "movq %[key], (%[cell], %%rax)\n"
                 WEIR_RSEQ_END
                 :
                 : WEIR_RSEQ_INPUTS, [key] "r"(key)
                 : "memory", "cc", "rax"
                 : again, elsewhere);
    return;
elsewhere:
#endif
    weir_cell_atomic_raise(weir_cell_atomic(cell, pitch, count), key);
}

/// Sums `length` cells that lie one after the other over `stripes` stripes.
WEIR_INLINE void weir_cells_sum(uint64_t *sums, const char *cells, size_t length, size_t pitch, uint32_t stripes) {
    for (size_t cell = 0; cell < length; cell++) sums[cell] = weir_cell_load(cells + cell * 8);
    for (uint32_t stripe = 1; stripe < stripes; stripe++) {
        cells += pitch;
        for (size_t cell = 0; cell < length; cell++) sums[cell] += weir_cell_load(cells + cell * 8);
    }
}

/// Sums a cell that holds a signed integer over `stripes` stripes; false where the sum overflows.
WEIR_INLINE bool weir_cell_sum_signed(int64_t *sum, const char *cell, size_t pitch, uint32_t stripes) {
    int64_t total = 0;
    bool overflows = false;
    for (uint32_t stripe = 0; stripe < stripes; stripe++, cell += pitch) {
        overflows |= __builtin_add_overflow(total, (int64_t)weir_cell_load(cell), &total);
    }
    *sum = total;
    return !overflows;
}

/// Adds to the cell with this number, a signed integer, where that can be done by rseq and does not overflow; returns whether
/// it was. Calls nothing.
///
/// The number is what is known last: all that can be is computed without it.
///
/// - cell: the address of cell 0 in the first stripe.
WEIR_INLINE bool weir_cell_try_add_signed(char *cell, intptr_t number, size_t pitch, uint32_t count, int64_t value) {
#if WEIR_HAS_RSEQ
again:
    __asm__ goto(WEIR_RSEQ_BEGIN
                 "addq %[cell], %%rax\n\t"
                 "movq (%%rax, %[number], 8), %%rdx\n\t"
                 "addq %[value], %%rdx\n\t"
                 "jo %l[elsewhere]\n\t"
                 "movq %%rdx, (%%rax, %[number], 8)\n"
                 WEIR_RSEQ_END
                 :
                 : WEIR_RSEQ_INPUTS, [number] "r"(number), [value] "er"(value)
                 : "memory", "cc", "rax", "rdx"
                 : again, elsewhere);
    return true;
elsewhere:
#endif
    return false;
}

/// The same for a Double, and the first of its halves.
WEIR_INLINE bool weir_cell_try_add_double(char *cell, intptr_t number, size_t pitch, uint32_t count, double value) {
#if WEIR_HAS_RSEQ
again:
    __asm__ goto(WEIR_RSEQ_BEGIN
                 "addq %[cell], %%rax\n\t"
                 "addq %c[half](%[cell]), %%rax\n\t"
                 "movsd (%%rax, %[number], 8), %%xmm15\n\t"
                 "addsd %[value], %%xmm15\n\t"
                 "movsd %%xmm15, (%%rax, %[number], 8)\n"
                 WEIR_RSEQ_END
                 :
                 : WEIR_RSEQ_INPUTS, [half] "i"(WEIR_HALF_OFFSET), [number] "r"(number), [value] "x"(value)
                 : "memory", "cc", "rax", "xmm15"
                 : again, elsewhere);
    return true;
elsewhere:
#endif
    return false;
}

typedef double weir_double2 __attribute__((vector_size(16)));
typedef int64_t weir_int2 __attribute__((vector_size(16)));

/// How many of `bounds` are less than `value`: the bucket that it falls into, each bucket holding its upper bound.
///
/// - bounds: ascending, aligned to 16 bytes, padded with +infinity to a multiple of 4.
/// - quads: how many times 4.
///
/// Comparing with all of them at once takes less than finding the right ones to compare with, up to some thirty.
WEIR_INLINE int64_t weir_bucket(const double *bounds, intptr_t quads, double value) {
    const weir_double2 *pairs = (const weir_double2 *)bounds;
    weir_double2 wanted = {value, value};
    weir_int2 first = {0, 0}, second = {0, 0};
    for (intptr_t quad = 0; quad < quads; quad++, pairs += 2) {
        first -= (weir_int2)(pairs[0] < wanted);
        second -= (weir_int2)(pairs[1] < wanted);
    }
    weir_int2 both = first + second;
    return both[0] + both[1];
}

#endif
