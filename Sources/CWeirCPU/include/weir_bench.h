#ifndef WEIR_BENCH_H
#define WEIR_BENCH_H
#include <stdint.h>
/// What everything is compared with: one uncontended `lock xadd`.
static inline __attribute__((always_inline)) uint64_t weir_bench_xadd(uint64_t *word) {
#if defined(__x86_64__)
    uint64_t one = 1;
    __asm__ volatile("lock xaddq %0, %1" : "+r"(one), "+m"(*word) : : "memory");
    return one;
#else
    return __atomic_fetch_add(word, 1, __ATOMIC_RELAXED);
#endif
}
#endif
