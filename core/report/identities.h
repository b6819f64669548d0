/* The recent identities: a fixed-size memory of which reports were taken in, for recognising what
 * is sent twice.
 *
 * Two generations of an open-addressing table. Inserts go to the young one; when it is full the old
 * one is forgotten and the young one takes its place. So the newest half of `count` is always
 * there, up to `count` and a little more is there at times, and `horizon_ms` says since when
 * nothing is missing: an identity received at or after it and not found was never received.
 *
 * Forgetting costs nothing at the moment it happens. Each slot carries the turn of its generation;
 * a slot of an earlier turn counts as free at once, and each insert wipes two such slots, so that
 * none is left when the same turn comes again. Lookup and insert O(1), two cache misses. */
#ifndef CORE_REPORT_IDENTITIES_H
#define CORE_REPORT_IDENTITIES_H

#include "core/report/entry.h"

#define IDENTITY_SEQ_MAX ((UINT64_C(1) << 62) - 1)

struct identity_slot {
    struct identity identity;
    uint64_t content_tag;
    uint64_t turn_and_seq; /* turn (2 bits) | seq (62 bits); 0: never used */
};
_Static_assert(sizeof(struct identity_slot) == 32, "two slots are one cache line");

struct identity_generation {
    struct identity_slot *slots;
    uint64_t turn; /* 1 or 2: slots with another one are free */
    uint64_t count;
    uint64_t wiped;  /* slots before it are of this turn or all zero */
    int64_t last_ms; /* newest received_ms of its entries */
};

struct identities {
    struct identity_generation young, old;
    uint64_t slots;    /* of one generation, a power of two */
    uint64_t capacity; /* entries of one generation, 3/4 of slots */
    int64_t horizon_ms;
    bool incomplete; /* marked so, and nothing was inserted since */
};

/* Bytes of memory for a table of `count` identities: of the newest, at least half of `count` are
 * remembered at any time. 6 Mi: 256 MiB. */
size_t identities_bytes(uint64_t count);
/* `memory` (identities_bytes of it, 64-byte aligned, zeroed) stays the caller's. It is touched only
 * where identities go, so fresh pages cost nothing until then. */
void identities_init(struct identities *table, void *memory, uint64_t count);
/* NULL when not there. The pointer holds until the next insert. */
const struct identity_slot *identities_find(const struct identities *table,
                                            struct identity identity);
static inline uint64_t identity_slot_seq(const struct identity_slot *slot) {
    return slot->turn_and_seq & IDENTITY_SEQ_MAX;
}
/* Brings the slots into the cache ahead of identities_find. */
void identities_prefetch(const struct identities *table, struct identity identity);
/* The identity must not be there (CHECK_SLOW); 0 < seq <= IDENTITY_SEQ_MAX. `received_ms` may fall
 * (a clock that was set back): the horizon never does. */
void identities_insert(struct identities *table, struct identity identity, uint64_t content_tag,
                       uint64_t seq, int64_t received_ms);
/* One after the newest received_ms that was forgotten; INT64_MIN while nothing was. When a table is
 * rebuilt from only a part of the journal the caller says so with identities_mark_incomplete before
 * the first insert: the horizon is then one after the first entry's received_ms, INT64_MAX until
 * there is one. */
int64_t identities_horizon_ms(const struct identities *table);
void identities_mark_incomplete(struct identities *table);

#endif
