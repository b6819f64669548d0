/* What the walks of a timeline share: the state of one walk, and its single steps. timeline.c walks
 * the days and one region, timeline_many.c a day of many regions.
 *
 * How a day is read. Keys are in order of region first, so:
 *
 * One region: the store's iterator already gives its rows in order; the few rows of the runs in
 * memory are sorted and merged in.
 *
 * Many regions: the best `batch` positions after the cursor are selected out of all regions, then
 * fetched and given out in order; when the batch was full, again from its last position on. The
 * iterator leaps between rows and wanted regions, so a batch costs at most a seek for each wanted
 * region with rows on that day, and at most one step for each row of the day. Batches grow, so that
 * a page costs little and an export few rounds. */
#ifndef STORAGE_TIMELINE_WALK_H
#define STORAGE_TIMELINE_WALK_H

#include "storage/db_internal.h"
#include "storage/region_bits.h"
#include "storage/selection.h"

enum {
    WALK_BATCH_FIRST = 128,
    WALK_BATCH_MAX = 65536,     /* 2 MiB of candidates */
    WALK_SEALED = RUN_VIEW_MAX, /* a candidate's source when it is not a run of the view */
};

struct walk {
    struct db *db;
    const struct timeline_query *query;
    timeline_row_cb callback;
    void *context;
    struct run_view view;
    struct store_iter *iter;
    struct region_bits bits; /* many regions only */
    struct selection selection;
    size_t batch;
    int64_t from_ms, to_ms; /* from <= occurred_ms < to */
    bool has_after;         /* moves on as batches are given out */
    struct timeline_position after;
    bool has_last; /* the row given last: one that is both in a run and sealed comes once */
    struct timeline_position last;
    bool stopped;
    bool at_valid; /* the iterator stands on a row of the day, at this position */
    struct timeline_position at;
};

/* The first and last position wanted of a region on a day, both included. False: none. */
MUST_USE bool walk_bounds(const struct walk *walk, uint32_t day, uint32_t region,
                          struct timeline_position *ret_low, struct timeline_position *ret_high);
bool walk_is_between(const struct timeline_position *position, const struct timeline_position *low,
                     const struct timeline_position *high);
/* Does the entry pass the query's filters? */
bool walk_matches(const struct walk *walk, const struct entry *entry);
enum status walk_no_memory(struct error *error);

/* Offers a region's rows in memory to the selection. NO_MEMORY. */
MUST_USE enum status walk_collect_recent(struct walk *walk, uint32_t day, uint32_t region);
/* Gives a row to the caller, unless it was the last one given; sets `stopped`. */
void walk_give(struct walk *walk, const struct timeline_row *row);
void walk_give_recent(struct walk *walk, const struct candidate *candidate);
/* The next batch begins after the last of this one, and is larger. */
void walk_move_cursor(struct walk *walk);

/* Moves the iterator in the query's direction: one row on, or to the first row at or past `low`
 * (descending: `high`). Sets `at_valid` and `at`. */
MUST_USE enum status walk_step(struct walk *walk, uint32_t day, struct error *error);
MUST_USE enum status walk_seek(struct walk *walk, uint32_t day, const struct timeline_position *low,
                               const struct timeline_position *high, struct error *error);
MUST_USE enum status walk_read_row(const struct walk *walk, struct timeline_row *ret,
                                   struct error *error);

/* timeline_many.c */
MUST_USE enum status walk_day_of_many(struct walk *walk, uint32_t day, struct error *error);

#endif
