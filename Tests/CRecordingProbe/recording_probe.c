#define _GNU_SOURCE
#include "recording_probe.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if !defined(SANITIZED)
#define SANITIZED 0
#endif

#if defined(__GLIBC__) && !SANITIZED
#define COUNTS 1
#else
#define COUNTS 0
#endif

static __thread uint64_t count;

bool probe_is_sanitized(void) { return SANITIZED; }

bool probe_counts_allocations(void) { return COUNTS; }

uint64_t probe_allocations(void) { return count; }

#if COUNTS
#include <errno.h>

// glibc's own, behind the names that are taken here.
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) {
    count++;
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    count++;
    return __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size) {
    count++;
    return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count++;
    return __libc_memalign(alignment, size);
}

void *memalign(size_t alignment, size_t size) { return aligned_alloc(alignment, size); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
    *memory = aligned_alloc(alignment, size);
    return *memory ? 0 : ENOMEM;
}
#endif

int32_t probe_thread(void) { return (int32_t)syscall(SYS_gettid); }

bool probe_move(int32_t thread, int32_t core) {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    CPU_SET(core, &allowed);
    return sched_setaffinity(thread, sizeof allowed, &allowed) == 0;
}

#if defined(__linux__) && defined(__x86_64__)
extern const ptrdiff_t __rseq_offset __attribute__((weak));

bool probe_leave_sequences(void) {
    if (!&__rseq_offset) return false;
    char *area = (char *)__builtin_thread_pointer() + __rseq_offset;
    // The length that was registered: 32, or what newer kernels have beside it.
    for (uint32_t length = 32; length <= 128; length += 4) {
        if (syscall(SYS_rseq, area, length, 1 /* unregister */, 0x53053053) == 0) return true;
    }
    return false;
}
#else
bool probe_leave_sequences(void) { return false; }
#endif

int32_t probe_cores(void) { return (int32_t)sysconf(_SC_NPROCESSORS_ONLN); }

void probe_let_interrupts(bool let) {
    sigset_t alarms;
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    pthread_sigmask(let ? SIG_UNBLOCK : SIG_BLOCK, &alarms, NULL);
}

void probe_begin_interrupts(void (*handler)(int), int64_t microseconds) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, NULL);
    struct itimerval every = {{0, microseconds}, {0, microseconds}};
    setitimer(ITIMER_REAL, &every, NULL);
}

void probe_end_interrupts(void) {
    struct itimerval never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &never, NULL);
}

#if defined(__linux__)
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

bool probe_refuse_barrier(void) {
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof rules / sizeof rules[0], .filter = rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
}
#else
bool probe_refuse_barrier(void) { return false; }
#endif

int32_t probe_fork(int32_t (*child)(void *), void *argument) {
    pid_t process = fork();
    if (process < 0) return -1;
    if (process == 0) {
        // Whoever started the parent may have blocked the alarm that ends a child which hangs.
        probe_let_interrupts(true);
        _exit(child(argument));
    }
    int status = 0;
    if (waitpid(process, &status, 0) != process || !WIFEXITED(status)) return -1;
    return WEXITSTATUS(status);
}
