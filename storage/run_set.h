/* The recent runs of a database: one active, at most one being sealed, and one in reserve for when
 * a reader still holds a run that was sealed meanwhile.
 *
 * Life of a run: free -> active (run_set_append) -> sealing (run_set_rotate) -> free again
 * (run_set_drop) once its last reader has let go. Appending, rotating and ticking belong to one
 * thread, sealing to another; views may be taken by any. */
#ifndef STORAGE_RUN_SET_H
#define STORAGE_RUN_SET_H

#include "storage/recent_run.h"

struct run_set; /* opaque */

MUST_USE enum status run_set_new(struct run_set **ret, const struct limits *limits,
                                 uint64_t hash_seed);
/* NULL is allowed. No view may be out. */
void run_set_free(struct run_set *set);

/* The appending thread's. */
/* Would run_set_append take a block of this size now? */
bool run_set_has_room(struct run_set *set, uint64_t entries_count, uint64_t payload_bytes);
/* The same without rotating. */
bool run_set_fits_active(const struct run_set *set, uint64_t entries_count, uint64_t payload_bytes);
/* CHECKs run_set_has_room. Rotates first when the active run is too full; true when it did. */
bool run_set_append(struct run_set *set, const struct block *block, int64_t now_ms);
/* Hands the active run to the sealer. False when it is empty, when another run is being sealed, or
 * when no run is free. */
bool run_set_rotate(struct run_set *set);
/* When the active run's first block came; 0 when it is empty. */
int64_t run_set_active_since_ms(const struct run_set *set);

struct run_set_sizes {
    uint64_t active_entries, active_bytes, sealing_entries, sealing_bytes, memory_bytes;
};
void run_set_sizes(struct run_set *set, struct run_set_sizes *ret);

/* The sealing thread's. */
enum run_event { RUN_EVENT_NONE, RUN_EVENT_SEAL, RUN_EVENT_SETTLE, RUN_EVENT_ROOM, RUN_EVENT_STOP };
/* Waits for work, at most `wait_ms`: a run to be sealed (`ret_run` is set), room that came back
 * because a reader let go, run_set_ask_to_settle, or run_set_stop. */
enum run_event run_set_wait(struct run_set *set, int64_t wait_ms,
                            const struct recent_run **ret_run);
/* The run being sealed is in the store: new views do not have it any more. */
void run_set_drop(struct run_set *set);
/* Any thread. */
/* Rows of the store are to be settled (store_settle). */
void run_set_ask_to_settle(struct run_set *set);
void run_set_stop(struct run_set *set);

/* What a reader sees: the published entries at the moment of the call, oldest run first.
 *
 * Take the view before the store's iterator. A run that is missing from the view was dropped
 * before, so its rows were in the store before the iterator; a run that is in the view may be in
 * the store as well, and equal positions are the same row. So merging by position gives each row
 * exactly once. */
enum { RUN_VIEW_MAX = 2 };
struct run_view {
    size_t runs_count;
    struct recent_run *runs[RUN_VIEW_MAX]; /* none of them empty */
    uint32_t counts[RUN_VIEW_MAX];
};
void run_set_acquire(struct run_set *set, struct run_view *ret);
void run_set_release(struct run_set *set, const struct run_view *view);
/* The entry with this sequence number, when one of the view's runs has it. */
MUST_USE bool run_view_find(const struct run_view *view, uint64_t seq, size_t *ret_run,
                            uint32_t *ret_index);

#endif
