// What the benches compare with.
#ifndef WEIR_BENCH_H
#define WEIR_BENCH_H

#include <stdint.h>

/// One uncontended `lock xadd`, or the machine's own atomic add.
static inline __attribute__((always_inline)) uint64_t weir_bench_xadd(uint64_t *word) {
#if defined(__x86_64__)
    uint64_t value = 1;
    __asm__ volatile("lock xaddq %0, %1" : "+r"(value), "+m"(*word) : : "memory", "cc");
    return value;
#else
    return __atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
#endif
}

#endif
