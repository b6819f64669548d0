#include "storage/keys.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/text/instant.h"

void timeline_key_encode(uint8_t to[TIMELINE_KEY_BYTES], const struct timeline_position *position) {
    CHECK(position->occurred_ms >= 0 && position->occurred_ms / DAY_MS <= UINT32_MAX);
    store_u32_be(to, (uint32_t)(position->occurred_ms / DAY_MS));
    store_u32_be(to + 4, position->region);
    store_u32_be(to + 8, (uint32_t)(position->occurred_ms % DAY_MS));
    store_u64_be(to + 12, position->identity_low);
}

void timeline_key_decode(struct timeline_position *ret, const uint8_t from[TIMELINE_KEY_BYTES]) {
    ret->occurred_ms = (int64_t)load_u32_be(from) * DAY_MS + (int64_t)load_u32_be(from + 8);
    ret->region = load_u32_be(from + 4);
    ret->identity_low = load_u64_be(from + 12);
}

int timeline_position_compare(const struct timeline_position *a,
                              const struct timeline_position *b) {
    if (a->occurred_ms != b->occurred_ms) {
        return a->occurred_ms < b->occurred_ms ? -1 : 1;
    }
    if (a->region != b->region) {
        return a->region < b->region ? -1 : 1;
    }
    if (a->identity_low != b->identity_low) {
        return a->identity_low < b->identity_low ? -1 : 1;
    }
    return 0;
}
