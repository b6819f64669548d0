/* The recent identities: a fixed-size memory of which reports were taken in, for recognising what
 * is sent twice.
 *
 * Two generations of an open-addressing table. Inserts go to the young one; when it is full the old
 * one is forgotten and the young one takes its place. So at least half of the capacity, the newest,
 * is always there, and `horizon_ms` says since when nothing is missing: an identity received at or
 * after it and not found was never received. Lookup and insert O(1), two cache misses. */
#ifndef CORE_IDENTITIES_H
#define CORE_IDENTITIES_H

#include "core/entry.h"

struct identity_slot {
    struct identity identity;
    uint64_t content_tag;
    uint64_t seq; /* 0: free slot */
};
_Static_assert(sizeof(struct identity_slot) == 32, "four bytes of slot for each byte of a SHA-256");

struct identities {
    struct identity_slot *young, *old; /* `slots` each */
    uint64_t slots;                    /* a power of two */
    uint64_t capacity;                 /* entries of one generation, 3/4 of slots */
    uint64_t young_count, old_count;
    int64_t young_first_ms, old_first_ms; /* received_ms of a generation's first entry */
    bool complete; /* nothing was ever forgotten: the horizon is the beginning of time */
};

/* Bytes of memory for a table that always remembers at least `count` identities. */
size_t identities_bytes(uint64_t count);
/* `memory` (identities_bytes of it, 64-byte aligned, zeroed) stays the caller's. */
void identities_init(struct identities *table, void *memory, uint64_t count);
/* NULL when not there. The pointer holds until the next insert. */
const struct identity_slot *identities_find(const struct identities *table,
                                            struct identity identity);
/* Brings the slots into the cache ahead of identities_find. */
void identities_prefetch(const struct identities *table, struct identity identity);
/* The identity must not be there (CHECK_SLOW); seq > 0 and received_ms must not fall. */
void identities_insert(struct identities *table, struct identity identity, uint64_t content_tag,
                       uint64_t seq, int64_t received_ms);
/* INT64_MIN while nothing was forgotten. When a table is rebuilt from only a part of the journal
 * the caller says so with identities_mark_incomplete before the first insert. */
int64_t identities_horizon_ms(const struct identities *table);
void identities_mark_incomplete(struct identities *table);

#endif
