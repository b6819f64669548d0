/* One seed: a server, those outside it, a safety phase with faults and a liveness phase without. */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include "core/base/base.h"

struct sim_options {
    uint64_t safety_ms; /* 0: the seed says */
    bool verbose;
    const char *replay;
};
/* Returns the hash of everything that happened. A broken invariant ends the process. */
uint64_t sim_run(uint64_t seed, const struct sim_options *options);

#endif
