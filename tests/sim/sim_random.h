/* Random numbers of one seed: a stream for each subsystem, so that a draw more in one of them
 * leaves the others as they were. xoshiro256**, each stream begun from splitmix64 (Blackman and
 * Vigna, "Scrambled linear pseudorandom number generators", 2021). */
#ifndef TESTS_SIM_SIM_RANDOM_H
#define TESTS_SIM_SIM_RANDOM_H

#include "core/base/base.h"

enum sim_stream {
    STREAM_SWARM, /* which faults a seed has, and how the server is configured */
    STREAM_WORK,  /* what clients do */
    STREAM_NET,   /* when bytes and calls arrive */
    STREAM_DISK,
    STREAM_CLOCK,
    STREAM_LOOP, /* who runs next */
    STREAM_CRASH,
    STREAM_ENTROPY, /* what the server asks the system for */
    STREAM_COUNT
};

void sim_random_begin(uint64_t seed);
uint64_t sim_random(enum sim_stream stream);
/* Uniform in [0, below), below > 0. */
uint64_t sim_below(enum sim_stream stream, uint64_t below);
/* Uniform in [low, high]. */
uint64_t sim_between(enum sim_stream stream, uint64_t low, uint64_t high);
bool sim_chance(enum sim_stream stream, uint64_t permille);

#endif
