/* The two clocks of a measurement. */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_read_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static inline uint64_t monotonic_ns(void) {
    return clock_read_ns(CLOCK_MONOTONIC);
}

static inline uint64_t wall_ms(void) {
    return clock_read_ns(CLOCK_REALTIME) / 1000000;
}

/* CPU seconds of this process, all threads. */
static inline double own_cpu_s(void) {
    return (double)clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e9;
}

#endif
