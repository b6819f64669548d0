/* Token buckets for very many keys, in memory of a fixed size.
 *
 * A bucket holds up to `burst` tokens and gains `count` of them every `period_ms`, evenly. Kept is
 * only what is missing from it, in units of 1/period_ms of a token, so a key that is not in the
 * table has a full bucket, and nothing is gained or lost by when and how often it is looked at.
 * Time is handed in: milliseconds of a clock that does not go back (if it does, nothing is
 * refilled until it is past where it was).
 *
 * A key is a hash of who is meant, 64 bits, made with a secret, so that nobody can aim at a place.
 * It belongs to one set of RATE_WAYS places. When all are taken, a newcomer takes the place of the
 * fullest bucket together with what is missing from it. So nobody gets a full bucket back by
 * coming under many names: whatever the keys, a set gives out at most RATE_WAYS times the burst and
 * the refill. In a table that is large for its traffic the fullest of a set is full, and nothing is
 * lost. All calls O(RATE_WAYS). */
#ifndef CORE_BASE_RATE_TABLE_H
#define CORE_BASE_RATE_TABLE_H

#include "core/base/base.h"

enum { RATE_WAYS = 8 };

struct rate_rule {
    uint64_t count, period_ms; /* tokens gained in that time; both at least 1 */
    uint64_t burst;            /* at least 1; burst * period_ms fits 64 bits */
};

struct rate_place {
    uint64_t key; /* 0: free */
    uint64_t seen_ms, missing;
};

struct rate_table {
    struct rate_rule rule;
    struct rate_place *places;
    uint64_t sets_count, used_count;
};

/* Memory for that many buckets; rounded down to whole sets, one at least. */
size_t rate_table_bytes(uint64_t buckets);
/* `memory` is zeroed, aligned for u64, the caller's, and stays. */
void rate_table_init(struct rate_table *table, void *memory, uint64_t buckets,
                     const struct rate_rule *rule);

/* Takes up to so many whole tokens and returns how many there were. */
uint64_t rate_table_take(struct rate_table *table, uint64_t key, uint64_t tokens, uint64_t now_ms);
/* Puts tokens back; what does not fit is gone. */
void rate_table_give_back(struct rate_table *table, uint64_t key, uint64_t tokens, uint64_t now_ms);
/* From `now_ms` until so many tokens (at most the burst) are there, if nobody takes any. */
uint64_t rate_table_wait_ms(const struct rate_table *table, uint64_t key, uint64_t tokens,
                            uint64_t now_ms);
/* Buckets that somebody's tokens were taken from, since the start: what memory may hold. */
uint64_t rate_table_used(const struct rate_table *table);

#endif
