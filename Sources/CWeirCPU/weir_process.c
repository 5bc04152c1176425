#define _GNU_SOURCE
#include "weir_process.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

uint64_t weir_process_seed[2] = {0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9};
uint64_t weir_process_ambient_keys = 0;
bool weir_process_small_strings = false;
uint64_t weir_process_tag_limit = 1024;
uint64_t weir_process_cut_tags = 0;
__thread bool weir_process_asks;
__thread bool weir_process_is_own_thread;
__thread uint32_t weir_process_held_locks;
__thread uint32_t weir_process_random_state;

__attribute__((constructor)) static void draw_seed(void) {
    if (getentropy(weir_process_seed, sizeof weir_process_seed) != 0) {
        // No entropy this early: the address of a variable and the time are better than a constant.
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        weir_process_seed[0] ^= (uint64_t)now.tv_nsec << 32 ^ (uint64_t)(uintptr_t)&now;
        weir_process_seed[1] ^= (uint64_t)now.tv_sec * weir_process_seed[0];
    }
    weir_process_seed[0] |= 1;
    weir_process_seed[1] |= 1;
}
