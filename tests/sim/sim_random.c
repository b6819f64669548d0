#include "tests/sim/sim_random.h"

#include "core/base/check.h"

static uint64_t states[STREAM_COUNT][4];

static uint64_t splitmix64(uint64_t *state) {
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = *state;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

void sim_random_begin(uint64_t seed) {
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        uint64_t state = seed ^ (UINT64_C(0xd1342543de82ef95) * (i + 1));
        for (size_t j = 0; j < 4; j++) {
            states[i][j] = splitmix64(&state);
        }
    }
}

static uint64_t rotate(uint64_t value, unsigned bits) {
    return (value << bits) | (value >> (64 - bits));
}

uint64_t sim_random(enum sim_stream stream) {
    uint64_t *s = states[stream];
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return result;
}

/* The bias of a remainder is below 2^-40 for what is asked here. */
uint64_t sim_below(enum sim_stream stream, uint64_t below) {
    CHECK(below > 0);
    return sim_random(stream) % below;
}

uint64_t sim_between(enum sim_stream stream, uint64_t low, uint64_t high) {
    CHECK(low <= high);
    return low + sim_below(stream, high - low + 1);
}

bool sim_chance(enum sim_stream stream, uint64_t permille) {
    return sim_below(stream, 1000) < permille;
}
