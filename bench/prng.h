/* xoshiro256++ (Blackman and Vigna), seeded by splitmix64: the same seed gives the same load. */
#ifndef BENCH_PRNG_H
#define BENCH_PRNG_H

#include "core/base/base.h"

struct prng {
    uint64_t state[4];
};

static inline void prng_init(struct prng *prng, uint64_t seed) {
    for (size_t i = 0; i < 4; i++) {
        seed += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t mixed = seed;
        mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
        prng->state[i] = mixed ^ (mixed >> 31);
    }
}

static inline uint64_t prng_rotate(uint64_t value, int by) {
    return (value << by) | (value >> (64 - by));
}

static inline uint64_t prng_next(struct prng *prng) {
    uint64_t *state = prng->state;
    uint64_t result = prng_rotate(state[0] + state[3], 23) + state[0];
    uint64_t shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = prng_rotate(state[3], 45);
    return result;
}

/* Uniform in [0, below), by multiplication: no division, bias below 2^-32 for small ranges. */
static inline uint64_t prng_below(struct prng *prng, uint64_t below) {
    return (uint64_t)(((unsigned __int128)prng_next(prng) * below) >> 64);
}

#endif
