/* A recent run: published entries that are not sealed yet, in memory of a fixed size.
 *
 * An append-only array of entries (dense sequence numbers) and their records, and for each (day,
 * region) a chain of its entries, newest arrival first. One thread appends; any number read at the
 * same time without locks. How that is safe: everything an index points to is written before the
 * index is stored with release order, readers load it with acquire order, and nothing is changed
 * after that. A reader takes recent_run_count once and skips entries at or past it, so it sees one
 * state of the run.
 *
 * The memory is reserved once (touched pages cost, the rest is address space). recent_run_reset
 * gives it back to the system, but for a run that was more than half full: under such a load it is
 * filled again within seconds, and fresh pages would be a tenth of the server's CPU. */
#ifndef STORAGE_RECENT_RUN_H
#define STORAGE_RECENT_RUN_H

#include "core/base/status.h"
#include "core/limits.h"
#include "storage/block.h"
#include "storage/timeline.h"

struct recent_run; /* opaque */

/* Room for limits->run_entries and limits->run_bytes. `hash_seed` is secret: senders choose days
 * and regions, and must not be able to choose collisions. */
MUST_USE enum status recent_run_new(struct recent_run **ret, const struct limits *limits,
                                    uint64_t hash_seed);
/* NULL is allowed. */
void recent_run_free(struct recent_run *run);
/* Nobody may be reading. */
void recent_run_reset(struct recent_run *run);

/* The appending thread's. */
bool recent_run_fits(const struct recent_run *run, uint64_t entries_count, uint64_t payload_bytes);
/* CHECKs that it fits, that sequence numbers are dense and that each entry has a day below
 * DAY_INDEX_DAYS and a region. O(entries). */
void recent_run_append(struct recent_run *run, const struct block *block);

/* Entries readers may look at. */
uint32_t recent_run_count(const struct recent_run *run);
/* Of entry 0; the run must not be empty. */
uint64_t recent_run_first_seq(const struct recent_run *run);
/* What the run holds, for limits and metrics. Appending thread, or when nobody appends. */
uint64_t recent_run_payload_bytes(const struct recent_run *run);
uint64_t recent_run_memory_bytes(const struct recent_run *run);
/* Entry `index`, below the count. The pointers hold until the run is reset. O(1). */
const struct entry *recent_run_entry(const struct recent_run *run, uint32_t index);
void recent_run_row(const struct recent_run *run, uint32_t index, struct timeline_row *ret);

/* The entries of one (day, region) below `count`, newest arrival first. */
struct recent_chain {
    const struct recent_run *run;
    uint32_t count, next; /* next: index + 1, 0 at the end */
    /* Of the whole chain when it was begun, entries past `count` included. */
    uint32_t entries_count;
    int64_t oldest_ms, newest_ms; /* occurred_ms; nothing without entries */
};
void recent_chain_begin(struct recent_chain *chain, const struct recent_run *run, uint32_t count,
                        uint32_t day, uint32_t region);
MUST_USE bool recent_chain_next(struct recent_chain *chain, uint32_t *ret_index);
struct recent_order;
struct recent_order *recent_run_order(const struct recent_run *run);

/* The regions of one day that have entries, in no order. A region may turn out to have none below
 * the reader's count. */
struct recent_regions {
    const struct recent_run *run;
    uint32_t regions_count; /* at the time of the call */
    uint32_t next;
};
void recent_regions_begin(struct recent_regions *regions, const struct recent_run *run,
                          uint32_t day);
MUST_USE bool recent_regions_next(struct recent_regions *regions, uint32_t *ret_region);

/* Every (day, region) of a run that nobody appends to any more, for sealing. */
struct recent_group {
    uint32_t day, region;
    uint32_t newest; /* of its entries, index + 1 */
    uint32_t entries_count;
};
size_t recent_run_groups_max(const struct recent_run *run);
/* Writes at most recent_run_groups_max of them, in no order; returns how many. */
size_t recent_run_groups(const struct recent_run *run, struct recent_group *to);
/* recent_chain_begin for all entries of a group, without looking it up. */
void recent_group_begin(struct recent_chain *chain, const struct recent_run *run,
                        const struct recent_group *group);

#endif
