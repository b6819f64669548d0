/* The wall clock, read in one way everywhere. */
#ifndef SERVER_PROCESS_WALL_CLOCK_H
#define SERVER_PROCESS_WALL_CLOCK_H

#include "core/base/check.h"

#include <uv.h>

/* Milliseconds since 1970, UTC. */
static inline int64_t wall_clock_ms(void) {
    uv_timeval64_t now;
    int failure = uv_gettimeofday(&now);
    CHECK(failure == 0);
    return now.tv_sec * 1000 + now.tv_usec / 1000;
}

#endif
