/* Key layouts. Big-endian, so that byte order is time order (storage/README.md, "Keys"). */
#ifndef STORAGE_KEYS_H
#define STORAGE_KEYS_H

#include "core/report/entry.h"

enum {
    JOURNAL_KEY_BYTES = 8,         /* first sequence number of the block */
    TIMELINE_KEY_BYTES = 20,       /* day u32 | region u32 | ms of day u32 | identity.low u64 */
    TIMELINE_KEY_PREFIX_BYTES = 8, /* day | region: the bloom filter's prefix */
    REGIONS_KEY_BYTES = 4,         /* chunk number: region id / REGION_CHUNK */
    SUSPECTS_KEY_BYTES = 16,       /* identity.low u64 | identity.high u64 */
    SUSPECTS_VALUE_BYTES = 16,
    REGION_CHUNK = 256, /* regions of one stored row */
};

/* Position of an entry in timeline order. For one region the key's byte order is this order. */
struct timeline_position {
    int64_t occurred_ms; /* 0 .. 2^32 days */
    uint32_t region;
    uint64_t identity_low;
};

void timeline_key_encode(uint8_t to[TIMELINE_KEY_BYTES], const struct timeline_position *position);
void timeline_key_decode(struct timeline_position *ret, const uint8_t from[TIMELINE_KEY_BYTES]);
/* Order of a timeline across regions: occurred_ms, then region, then identity.low. <0, 0, >0. */
int timeline_position_compare(const struct timeline_position *a, const struct timeline_position *b);

#endif
