/* Reading timelines: sealed rows, the run being sealed and the active run merged into one order.
 * Runs on a pool thread against one snapshot; never on the loop. */
#ifndef STORAGE_TIMELINE_H
#define STORAGE_TIMELINE_H

#include "core/base/status.h"
#include "core/report/entry.h"
#include "storage/keys.h"

struct timeline_query {
    const uint32_t *regions; /* region ids wanted, any order, no duplicates */
    size_t regions_count;
    int64_t from_ms, to_ms; /* from <= occurred_at < to */
    bool ascending;         /* else newest first */
    uint32_t category_tag;  /* 0: any */
    uint64_t kinds;         /* bits 1 << enum entry_kind (entry_kinds_named); 0: any */
    uint32_t severities;    /* bit 1 << enum severity; 0: any */
    bool has_after;         /* resume strictly after `after` in the query's order */
    struct timeline_position after;
};

struct timeline_row {
    uint64_t seq;
    struct entry entry;  /* record_offset means nothing here */
    struct slice record; /* good until the callback returns */
};

/* Called in order; false stops the walk (which is not an error). */
typedef bool (*timeline_row_cb)(void *context, const struct timeline_row *row);

struct db;
/* Walks rows until the callback or the range ends. Position of a row:
 * {entry.occurred_ms, entry.region, entry.identity.low}. Memory is bounded whatever the range: one
 * day at most is ordered at a time. Cost: for few regions a seek per (day, region) that has rows;
 * for subtrees with many, whole days. */
MUST_USE enum status timeline_walk(struct db *db, const struct timeline_query *query,
                                   timeline_row_cb callback, void *context, struct error *error);

#endif
