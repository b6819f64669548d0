#include "core/report/suspect_filter.h"

#include "core/base/check.h"

enum {
    LINE_WORDS = 8, /* 512 bits, a cache line */
    LINES = SUSPECT_FILTER_BYTES / 64,
    PROBES = 4,
    PROBE_BITS = 9, /* of a line's 512 */
};
_Static_assert((LINES & (LINES - 1)) == 0, "lines are chosen by mask");
_Static_assert(LINES <= 1 << 28 && PROBES * PROBE_BITS == 36, "64 bits of hash are enough");

void suspect_filter_init(struct suspect_filter *filter, void *memory) {
    CHECK(memory != NULL && (uintptr_t)memory % 64 == 0);
    *filter = (struct suspect_filter){.words = memory};
}

/* An identity is a keyed hash: its bits are as good as any made from them. The low half places it
 * in the table of identities, so the high half is taken here. */
static uint64_t *line_of(const struct suspect_filter *filter, struct identity identity) {
    return filter->words + (identity.high >> 36 & (LINES - 1)) * LINE_WORDS;
}

static uint64_t bit_of(struct identity identity, int probe) {
    return identity.high >> (probe * PROBE_BITS) & ((1 << PROBE_BITS) - 1);
}

void suspect_filter_add(struct suspect_filter *filter, struct identity identity) {
    uint64_t *line = line_of(filter, identity);
    for (int probe = 0; probe < PROBES; probe++) {
        uint64_t bit = bit_of(identity, probe);
        line[bit / 64] |= UINT64_C(1) << bit % 64;
    }
    filter->count++;
    CHECK_SLOW(suspect_filter_may_have(filter, identity));
}

bool suspect_filter_may_have(const struct suspect_filter *filter, struct identity identity) {
    if (filter->count == 0) {
        return false;
    }
    const uint64_t *line = line_of(filter, identity);
    for (int probe = 0; probe < PROBES; probe++) {
        uint64_t bit = bit_of(identity, probe);
        if ((line[bit / 64] >> bit % 64 & 1) == 0) {
            return false;
        }
    }
    return true;
}
