#include "core/base/bytes.h"
#include "core/base/check.h"
#include "storage/db_internal.h"

#include <inttypes.h>
#include <stdlib.h>

/* One read of the journal from a sequence number on: from blocks of the store as long as the runs
 * in memory do not have it, then from the runs. */
struct journal_walk {
    struct db *db;
    struct run_view view;
    uint64_t next_seq, end_seq; /* end: one past the last to give */
    uint8_t *payload;           /* of the block at hand, inflated */
    size_t payload_max;
    timeline_row_cb callback;
    void *context;
    bool stopped;
};

static enum status inflate(struct journal_walk *walk, const struct block_view *view,
                           struct error *error) {
    if (view->payload_bytes > walk->payload_max || walk->payload == NULL) {
        free(walk->payload);
        walk->payload_max = view->payload_bytes + 1;
        walk->payload = malloc(walk->payload_max);
        if (walk->payload == NULL) {
            walk->payload_max = 0;
            return error_set(error, STATUS_NO_MEMORY, "no memory for a journal block", NULL, NULL);
        }
    }
    return block_view_inflate(view, walk->payload, error);
}

static enum status give_block(struct journal_walk *walk, struct slice encoded,
                              struct error *error) {
    struct block_view view;
    enum status status = block_view(&view, encoded, error);
    if (status != STATUS_OK) {
        return status;
    }
    uint64_t block_end = view.first_seq + view.entries_count;
    if (walk->next_seq < view.first_seq || walk->next_seq >= block_end) {
        return error_set(error, STATUS_CORRUPT, "the journal has a gap", NULL, NULL);
    }
    status = inflate(walk, &view, error);
    if (status != STATUS_OK) {
        return status;
    }
    uint64_t end_seq = min_u64(block_end, walk->end_seq);
    while (walk->next_seq < end_seq && !walk->stopped) {
        struct timeline_row row = {.seq = walk->next_seq};
        uint32_t index = (uint32_t)(walk->next_seq - view.first_seq);
        if (block_view_entry(&view, index, &row.entry) != STATUS_OK) {
            return error_set(error, STATUS_CORRUPT, "a journal entry is damaged", NULL, NULL);
        }
        CHECK(row.entry.record_offset + row.entry.record_bytes <= view.payload_bytes);
        row.record =
            (struct slice){walk->payload + row.entry.record_offset, row.entry.record_bytes};
        walk->stopped = !walk->callback(walk->context, &row);
        walk->next_seq++;
    }
    return STATUS_OK;
}

static bool is_in_runs(const struct journal_walk *walk) {
    size_t run;
    uint32_t index;
    return run_view_find(&walk->view, walk->next_seq, &run, &index);
}

static enum status give_stored(struct journal_walk *walk, struct error *error) {
    if (walk->next_seq >= walk->end_seq || is_in_runs(walk)) {
        return STATUS_OK;
    }
    struct store_iter *iter;
    enum status status = store_iter_new(&iter, walk->db->store, FAMILY_JOURNAL, NULL, false);
    if (status != STATUS_OK) {
        return error_set(error, status, "no memory to read the journal", NULL, NULL);
    }
    uint8_t key[JOURNAL_KEY_BYTES];
    store_u64_be(key, walk->next_seq);
    store_iter_seek_for_prev(iter, (struct slice){key, sizeof key});
    while (status == STATUS_OK && store_iter_valid(iter) && !walk->stopped &&
           walk->next_seq < walk->end_seq && !is_in_runs(walk)) {
        status = give_block(walk, store_iter_value(iter), error);
        store_iter_next(iter);
    }
    if (status == STATUS_OK) {
        status = store_iter_status(iter, error);
    }
    store_iter_free(iter);
    return status;
}

static void give_recent(struct journal_walk *walk) {
    size_t run;
    uint32_t index;
    while (!walk->stopped && walk->next_seq < walk->end_seq &&
           run_view_find(&walk->view, walk->next_seq, &run, &index)) {
        struct timeline_row row;
        recent_run_row(walk->view.runs[run], index, &row);
        walk->stopped = !walk->callback(walk->context, &row);
        walk->next_seq++;
    }
}

static enum status walk_journal(struct journal_walk *walk, struct error *error) {
    run_set_acquire(walk->db->runs, &walk->view);
    enum status status = give_stored(walk, error);
    if (status == STATUS_OK) {
        give_recent(walk);
    }
    run_set_release(walk->db->runs, &walk->view);
    free(walk->payload);
    if (status == STATUS_OK && !walk->stopped && walk->next_seq < walk->end_seq) {
        return error_set(error, STATUS_CORRUPT, "the journal ends too early", NULL, NULL);
    }
    return status;
}

enum status db_read_journal(struct db *db, uint64_t seq, timeline_row_cb callback, void *context,
                            uint64_t *ret_oldest, struct error *error) {
    /* What is published by now is in a run of the view taken later, or sealed and so in the
     * journal. */
    uint64_t end_seq = atomic_load(&db->published_seq) + 1;
    uint64_t oldest_seq = atomic_load(&db->oldest_seq);
    *ret_oldest = oldest_seq == 0 || oldest_seq > end_seq ? end_seq : oldest_seq;
    if (seq < *ret_oldest) {
        return error_set(error, STATUS_NOT_FOUND, "the journal does not reach back that far", NULL,
                         NULL);
    }
    struct journal_walk walk = {
        .db = db, .next_seq = seq, .end_seq = end_seq, .callback = callback, .context = context};
    return seq >= end_seq ? STATUS_OK : walk_journal(&walk, error);
}

enum status db_read_seq(struct db *db, uint64_t seq, timeline_row_cb callback, void *context,
                        struct error *error) {
    uint64_t last_seq = atomic_load(&db->published_seq);
    uint64_t oldest_seq = atomic_load(&db->oldest_seq);
    if (oldest_seq == 0 || seq < oldest_seq || seq > last_seq) {
        return error_set(error, STATUS_NOT_FOUND, "there is no such entry", NULL, NULL);
    }
    struct journal_walk walk = {
        .db = db, .next_seq = seq, .end_seq = seq + 1, .callback = callback, .context = context};
    return walk_journal(&walk, error);
}
