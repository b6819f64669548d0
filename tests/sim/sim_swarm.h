/* What a seed is made of: its faults (a random part of all, each with its own intensity), its
 * clients and the limits of the server under it. */
#ifndef TESTS_SIM_SIM_SWARM_H
#define TESTS_SIM_SIM_SWARM_H

#include "core/limits.h"

/* Per thousand, 0: the seed has none. */
struct sim_swarm {
    uint32_t crashes; /* in the whole safety phase, a number */
    uint32_t write_fails, seal_fails, read_fails, iter_fails, disk_stalls;
    uint32_t recovery_crashes;
    uint32_t clock_steps, clock_1970, pauses;
    uint32_t repeats, lies, invalids, forgets, abandons, twice, suspects;
    uint32_t stale_cursors, forged_cursors, slow_readers, disconnects;
    uint32_t command_repeats;
    bool slow_disk;
    uint32_t devices, centres, desks;
    uint32_t ids; /* per device */
    uint32_t uploads_per_s, commands_per_s;
    uint64_t safety_ms, liveness_ms;
    struct limits limits;
};

/* Draws it. `safety_ms` 0: drawn. */
void sim_swarm_draw(struct sim_swarm *swarm, uint64_t safety_ms);
/* Faults off: what is left must settle. */
void sim_swarm_calm(struct sim_swarm *swarm);

#endif
