#define _GNU_SOURCE
#include "weir_cpu.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__linux__)
#include <linux/membarrier.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>

// Weak, so that a binary built here also starts on a glibc that does not register rseq.
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));
#endif

ptrdiff_t weir_cpu_rseq_offset = 0;

static bool is_rseq = false;

static bool barrier_is_registered = false;

static bool restart_is_registered = false;

#if defined(__linux__)

static bool register_barrier(void) {
    return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

bool weir_cpu_barrier(void) {
    if (!barrier_is_registered) return false;
    return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

// By number: headers before Linux 5.10 do not name them.
enum { restart_command = 1 << 7, register_restart_command = 1 << 8 };

static bool register_restart(void) { return syscall(SYS_membarrier, register_restart_command, 0, 0) == 0; }

bool weir_cpu_restart(void) {
    return restart_is_registered && syscall(SYS_membarrier, restart_command, 0, 0) == 0;
}

// Cores are numbered up to the highest possible one, and numbers may be missing: counting them is not enough.
uint32_t weir_cpu_count(void) {
    long count = sysconf(_SC_NPROCESSORS_CONF);
    FILE *file = fopen("/sys/devices/system/cpu/possible", "re");
    if (file) {
        char line[256] = {0};
        if (fgets(line, sizeof line, file)) {
            char *last = line + strcspn(line, "\n");
            while (last > line && last[-1] >= '0' && last[-1] <= '9') last--;
            long highest = strtol(last, NULL, 10);
            if (highest + 1 > count) count = highest + 1;
        }
        fclose(file);
    }
    if (count < 1) return 1;
    return count > 4096 ? 4096 : (uint32_t)count;
}

uint32_t weir_cpu_current(uint32_t count) {
    int core = sched_getcpu();
    return core >= 0 && (uint32_t)core < count ? (uint32_t)core : count;
}

#else

bool weir_cpu_barrier(void) { return false; }

bool weir_cpu_restart(void) { return false; }

uint32_t weir_cpu_count(void) {
    long count = sysconf(_SC_NPROCESSORS_CONF);
    return count < 1 ? 1 : (uint32_t)count;
}

// The core is not to be had: spread the threads instead.
uint32_t weir_cpu_current(uint32_t count) {
    static _Thread_local uint32_t own;
    static uint32_t next;
    if (own == 0) own = 1 + __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED);
    return (own - 1) % count;
}

#endif

#if WEIR_HAS_RSEQ
// What atomic mode reads and writes in the place of the kernel's area: 4 bytes that name no core, 8 bytes to scribble on.
// Initial-exec, so that it is as far from the thread pointer in every thread.
static __thread struct {
    uint32_t unused;
    uint32_t core;
    uint64_t sequence;
} no_area __attribute__((aligned(32), tls_model("initial-exec"))) = {0, UINT32_MAX, 0};
#endif

bool weir_cpu_is_rseq(void) { return is_rseq; }

static bool shared_is_used = false;

void weir_cpu_use_shared(void) {
    if (!__atomic_load_n(&shared_is_used, __ATOMIC_RELAXED)) {
        __atomic_store_n(&shared_is_used, true, __ATOMIC_SEQ_CST);
    }
}

uint32_t weir_cpu_atomic_stripe(uint32_t count) {
    uint32_t stripe = is_rseq ? count : weir_cpu_current(count);
    if (stripe == count) weir_cpu_use_shared();
    return stripe;
}

uint32_t weir_cpu_stripes_in_use(uint32_t count) {
    return __atomic_load_n(&shared_is_used, __ATOMIC_SEQ_CST) ? count + 1 : count;
}

static bool ledger_is_used = false;

void weir_cpu_use_ledger(void) {
    if (!__atomic_load_n(&ledger_is_used, __ATOMIC_RELAXED)) {
        __atomic_store_n(&ledger_is_used, true, __ATOMIC_SEQ_CST);
    }
}

bool weir_cpu_ledger_is_used(void) { return __atomic_load_n(&ledger_is_used, __ATOMIC_SEQ_CST); }

void weir_ledger_add(char *cell, size_t pitch, uint32_t count, int64_t value) {
    weir_cpu_use_ledger();
    char *lower = cell + (count + 1) * pitch;
    // The upper part first: of a value that is not negative, whoever reads between the two sees no more than its sum.
    __atomic_fetch_add((uint64_t *)(lower + pitch), (uint64_t)(value >> 32), __ATOMIC_RELAXED);
    __atomic_fetch_add((uint64_t *)lower, (uint64_t)value & UINT32_MAX, __ATOMIC_RELAXED);
}

static void choose_mode(void) {
#if defined(__linux__)
    barrier_is_registered = register_barrier();
#endif
#if WEIR_HAS_RSEQ
    weir_cpu_rseq_offset = (char *)&no_area - (char *)__builtin_thread_pointer();
    const char *wanted = getenv("WEIR_CPU");
    if (wanted && strcmp(wanted, "atomic") == 0) return;
    // The area must at least reach past its fourth word, and readers of the snapshot table rely on the barrier.
    if (&__rseq_size && &__rseq_offset && __rseq_size >= 20 && barrier_is_registered) {
        weir_cpu_rseq_offset = __rseq_offset;
        is_rseq = true;
        restart_is_registered = register_restart();
    }
#endif
}

// Before main and before any thread: no record can come earlier, and none has to ask.
__attribute__((constructor)) void weir_cpu_start(void) {
    static bool started = false;
    if (started) return;
    started = true;
    choose_mode();
}
