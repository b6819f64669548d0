#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/mutant.h"
#include "core/text/instant.h"
#include "storage/db_internal.h"
#include "storage/region_chunk.h"
#include "storage/suspects.h"
#include "storage/timeline_row.h"

#include <stdlib.h>

enum { LOOKUP_BATCH = 64 };

static enum status no_memory(struct error *error) {
    return error_set(error, STATUS_NO_MEMORY, "no memory to read", NULL, NULL);
}

/* Steps back from the newest block until `entries_max` entries are behind the iterator; it then
 * stands on the block to begin with. */
static enum status find_newest(struct store_iter *iter, uint64_t entries_max, uint64_t *ret_first,
                               bool *ret_complete, struct error *error) {
    uint64_t covered = 0, first_seq = 0;
    store_iter_seek_last(iter);
    while (store_iter_valid(iter)) {
        struct block_view view;
        enum status status = block_view(&view, store_iter_value(iter), error);
        if (status != STATUS_OK) {
            return status;
        }
        covered += view.entries_count;
        first_seq = view.first_seq;
        if (covered >= entries_max) {
            *ret_first = first_seq + (covered - entries_max);
            *ret_complete = *ret_first == 1;
            return STATUS_OK;
        }
        store_iter_prev(iter);
    }
    *ret_first = first_seq;
    *ret_complete = first_seq <= 1;
    enum status status = store_iter_status(iter, error);
    if (status == STATUS_OK) {
        store_iter_seek(iter, (struct slice){NULL, 0});
        status = store_iter_status(iter, error);
    }
    return status;
}

static enum status walk_indexes(struct store_iter *iter, uint64_t from_seq, db_entry_cb callback,
                                void *context, struct error *error) {
    for (; store_iter_valid(iter); store_iter_next(iter)) {
        struct block_view view;
        enum status status = block_view(&view, store_iter_value(iter), error);
        if (status != STATUS_OK) {
            return status;
        }
        uint32_t skipped = from_seq > view.first_seq ? (uint32_t)(from_seq - view.first_seq) : 0;
        for (uint32_t i = skipped; i < view.entries_count; i++) {
            struct entry entry;
            if (block_view_entry(&view, i, &entry) != STATUS_OK) {
                return error_set(error, STATUS_CORRUPT, "a journal entry is damaged", NULL, NULL);
            }
            callback(context, view.first_seq + i, &entry);
        }
    }
    return store_iter_status(iter, error);
}

enum status db_walk_newest(struct db *db, uint64_t entries_max, db_entry_cb callback, void *context,
                           bool *ret_complete, struct error *error) {
    CHECK(entries_max > 0);
    struct store_iter *iter;
    if (store_iter_new(&iter, db->store, FAMILY_JOURNAL, NULL, false) != STATUS_OK) {
        return no_memory(error);
    }
    uint64_t first_seq;
    bool complete;
    enum status status = find_newest(iter, entries_max, &first_seq, &complete, error);
    if (status == STATUS_OK) {
        status = walk_indexes(iter, first_seq, callback, context, error);
    }
    store_iter_free(iter);
    if (status == STATUS_OK) {
        *ret_complete = complete;
    }
    return status;
}

enum status db_walk_regions(struct db *db, db_regions_cb callback, void *context,
                            struct error *error) {
    struct store_iter *iter;
    if (store_iter_new(&iter, db->store, FAMILY_REGIONS, NULL, false) != STATUS_OK) {
        return no_memory(error);
    }
    enum status status = STATUS_OK;
    uint32_t next_chunk = 0;
    bool more = true;
    for (store_iter_seek(iter, (struct slice){NULL, 0}); more && store_iter_valid(iter);
         store_iter_next(iter)) {
        uint32_t chunk;
        struct slice rows;
        size_t rows_count;
        status = region_chunk_decode(&chunk, &rows, &rows_count, store_iter_key(iter),
                                     store_iter_value(iter), error);
        if (status == STATUS_OK && chunk != next_chunk++) {
            status =
                error_set(error, STATUS_CORRUPT, "a chunk of the regions is missing", NULL, NULL);
        }
        if (status != STATUS_OK) {
            break;
        }
        more = callback(context, rows, rows_count);
    }
    if (status == STATUS_OK && more) {
        status = store_iter_status(iter, error);
    }
    store_iter_free(iter);
    return status;
}

struct suspect_walk {
    db_suspect_cb callback;
    void *context;
};

static enum status give_suspect(void *context, const struct suspect_row *row, struct error *error) {
    (void)error;
    const struct suspect_walk *walk = context;
    walk->callback(walk->context, row->identity);
    return STATUS_OK;
}

enum status db_walk_suspects(struct db *db, db_suspect_cb callback, void *context,
                             struct error *error) {
    struct suspect_walk walk = {callback, context};
    return suspects_walk(db->store, give_suspect, &walk, error);
}

/* Stands on the first row after `after`. */
static enum status deadlines_from(struct store_iter **ret, struct db *db,
                                  const struct deadline *after) {
    struct store_iter *iter;
    if (store_iter_new(&iter, db->store, FAMILY_DEADLINES, NULL, false) != STATUS_OK) {
        return STATUS_NO_MEMORY;
    }
    uint8_t key[DEADLINE_KEY_BYTES + 1];
    deadline_key_after(key, after);
    store_iter_seek(iter, (struct slice){key, sizeof key});
    *ret = iter;
    return STATUS_OK;
}

enum status db_walk_deadlines(struct db *db, const struct deadline *after, int64_t until_ms,
                              size_t max, db_deadlines_cb callback, void *context,
                              bool *ret_complete, struct error *error) {
    CHECK(max > 0);
    struct store_iter *iter;
    if (deadlines_from(&iter, db, after) != STATUS_OK) {
        return no_memory(error);
    }
    enum status status = STATUS_OK;
    bool more = true, complete = false;
    for (; more && store_iter_valid(iter); store_iter_next(iter)) {
        struct deadline deadline;
        uint64_t armed_seq;
        if (!deadline_key_decode(&deadline, store_iter_key(iter)) ||
            !deadline_value_decode(&armed_seq, store_iter_value(iter))) {
            status =
                error_set(error, STATUS_CORRUPT, "a row of the deadlines is damaged", NULL, NULL);
            break;
        }
        complete = deadline.due_ms >= until_ms;
        if (complete || max-- == 0) {
            break;
        }
        more = callback(context, &deadline, armed_seq);
    }
    if (status == STATUS_OK && more && !complete) {
        status = store_iter_status(iter, error);
        complete = status == STATUS_OK && !store_iter_valid(iter);
    }
    store_iter_free(iter);
    if (status == STATUS_OK) {
        *ret_complete = complete;
    }
    return status;
}

/* An unsealed entry is in one of the runs of the view, a sealed one in the store by the time of the
 * view (storage/run_set.h). What is neither was committed or appended in the last moments and not
 * published; it is among the engine's newest identities and never planned for a look-up. */
static bool look_up_recent(const struct run_view *view, struct db_lookup *lookup) {
    uint32_t day = (uint32_t)(lookup->position.occurred_ms / DAY_MS);
    for (size_t i = 0; i < view->runs_count; i++) {
        struct recent_chain chain;
        recent_chain_begin(&chain, view->runs[i], view->counts[i], day, lookup->position.region);
        for (uint32_t index; recent_chain_next(&chain, &index);) {
            const struct entry *entry = recent_run_entry(view->runs[i], index);
            if (entry->identity.low == lookup->identity.low &&
                entry->identity.high == lookup->identity.high &&
                entry->occurred_ms == lookup->position.occurred_ms) {
                lookup->state = LOOKUP_FOUND;
                lookup->stored = (struct stored_report){recent_run_first_seq(view->runs[i]) + index,
                                                        entry->content_tag};
                return true;
            }
        }
    }
    return false;
}

static enum status compare_sealed(struct db_lookup *lookup, struct slice key,
                                  const struct store_value *value, struct error *error) {
    if (value->bytes.data == NULL) {
        return STATUS_OK;
    }
    struct timeline_row row;
    enum status status = timeline_row_decode(&row, key, value->bytes, error);
    if (status == STATUS_OK && row.entry.identity.low == lookup->identity.low &&
        row.entry.identity.high == lookup->identity.high) {
        lookup->state = LOOKUP_FOUND;
        lookup->stored = (struct stored_report){row.seq, row.entry.content_tag};
    }
    return status;
}

static enum status look_up_sealed(struct db *db, struct db_lookup *const *lookups, size_t count,
                                  struct error *error) {
    uint8_t bytes[LOOKUP_BATCH][TIMELINE_KEY_BYTES];
    struct slice keys[LOOKUP_BATCH];
    struct store_value values[LOOKUP_BATCH];
    CHECK(count <= LOOKUP_BATCH);
    for (size_t i = 0; i < count; i++) {
        timeline_key_encode(bytes[i], &lookups[i]->position);
        keys[i] = (struct slice){bytes[i], TIMELINE_KEY_BYTES};
    }
    enum status status = store_multi_get(db->store, FAMILY_TIMELINE, keys, count, values, error);
    if (status != STATUS_OK) {
        return MUTANT(READ_ERROR_IS_ABSENT) ? STATUS_OK : status;
    }
    for (size_t i = 0; i < count; i++) {
        if (status == STATUS_OK) {
            status = compare_sealed(lookups[i], keys[i], &values[i], error);
        }
        if (values[i].bytes.data != NULL) {
            store_value_free(&values[i]);
        }
    }
    return status;
}

/* One by one: few ask, and mostly in vain, which the family's bloom filter answers. */
static enum status look_up_suspects(struct db *db, struct db_lookup *lookups, size_t count,
                                    struct error *error) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (lookups[i].state == LOOKUP_ABSENT && lookups[i].by_identity) {
            status = suspects_get(&lookups[i].stored, db->store, lookups[i].identity, error);
            lookups[i].state = status == STATUS_OK ? LOOKUP_FOUND : LOOKUP_ABSENT;
            status = status == STATUS_NOT_FOUND ? STATUS_OK : status;
        }
    }
    return status;
}

enum status db_lookup(struct db *db, struct db_lookup *lookups, size_t count, struct error *error) {
    struct run_view view;
    struct db_lookup *sealed[LOOKUP_BATCH];
    size_t sealed_count = 0;
    enum status status = STATUS_OK;
    run_set_acquire(db->runs, &view);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        lookups[i].state = LOOKUP_ABSENT;
        if (!look_up_recent(&view, &lookups[i])) {
            sealed[sealed_count++] = &lookups[i];
        }
        if (sealed_count == LOOKUP_BATCH || (i + 1 == count && sealed_count > 0)) {
            status = look_up_sealed(db, sealed, sealed_count, error);
            sealed_count = 0;
        }
    }
    run_set_release(db->runs, &view);
    return status == STATUS_OK ? look_up_suspects(db, lookups, count, error) : status;
}
