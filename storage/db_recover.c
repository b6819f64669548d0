#include "storage/db_recover.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/mutant.h"
#include "core/text/instant.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static enum status damage(struct error *error, uint64_t seq, const char *what) {
    char number[24];
    snprintf(number, sizeof number, "%" PRIu64, seq);
    return error_set(error, STATUS_CORRUPT, "journal block ", number, what);
}

/* The block the iterator stands on; its key must agree with it. */
static enum status view_block(const struct store_iter *iter, struct block_view *ret,
                              struct error *error) {
    struct slice key = store_iter_key(iter);
    if (key.bytes != JOURNAL_KEY_BYTES) {
        return error_set(error, STATUS_CORRUPT, "a key of the journal has the wrong size", NULL,
                         NULL);
    }
    enum status status = block_view(ret, store_iter_value(iter), error);
    if (status != STATUS_OK) {
        return status;
    }
    uint64_t seq = load_u64_be(key.data);
    return ret->first_seq == seq && ret->entries_count > 0
               ? STATUS_OK
               : damage(error, seq, " stands under another number");
}

static enum status find_ends(struct db *db, struct store_iter *iter, struct error *error) {
    struct block_view view;
    store_iter_seek_last(iter);
    if (!store_iter_valid(iter)) {
        return store_iter_status(iter, error);
    }
    enum status status = view_block(iter, &view, error);
    if (status != STATUS_OK) {
        return status;
    }
    uint64_t last_seq = view.first_seq + view.entries_count - 1;
    atomic_store(&db->committed_seq, last_seq);
    atomic_store(&db->published_seq, last_seq);
    memcpy(db->head_hash, view.hash, sizeof db->head_hash);
    store_iter_seek(iter, (struct slice){NULL, 0});
    status = store_iter_status(iter, error);
    if (status != STATUS_OK) {
        return status;
    }
    CHECK(store_iter_valid(iter));
    status = view_block(iter, &view, error);
    if (status == STATUS_OK) {
        atomic_store(&db->oldest_seq, view.first_seq);
    }
    return status;
}

/* A MANIFEST cut at the end of a record opens without a word. What it forgets of logs and merges is
 * missed by RocksDB; a sealed run that was taken in is missed by nobody but the row of its last
 * entry. The newest run is looked at: what stands before it in the MANIFEST was not cut. */
static enum status check_last_sealed(struct db *db, const struct block_view *view,
                                     struct error *error) {
    struct entry entry;
    if (block_view_entry(view, view->entries_count - 1, &entry) != STATUS_OK ||
        !db_entry_is_sound(&entry)) {
        return damage(error, view->first_seq, " has a damaged entry");
    }
    const struct timeline_position position = {entry.occurred_ms, entry.region, entry.identity.low};
    uint8_t key[TIMELINE_KEY_BYTES];
    timeline_key_encode(key, &position);
    struct store_value value;
    enum status status =
        store_get(db->store, FAMILY_TIMELINE, (struct slice){key, sizeof key}, &value, error);
    if (status == STATUS_OK) {
        store_value_free(&value);
    }
    return status == STATUS_NOT_FOUND
               ? error_set(error, STATUS_CORRUPT, db->path == NULL ? "the store" : db->path,
                           ": sealed rows are missing from the timeline: the end of the MANIFEST "
                           "is lost; restore a backup",
                           NULL)
               : status;
}

/* Stands the iterator on the first block after `sealed_through` (or at the end), and gives the hash
 * that block must carry; `ret_linked` is false when the block before it has aged out. */
static enum status find_unsealed(struct db *db, struct store_iter *iter, uint64_t sealed_through,
                                 uint8_t ret_hash[BLOCK_HASH_BYTES], bool *ret_linked,
                                 struct error *error) {
    uint8_t key[JOURNAL_KEY_BYTES];
    store_u64_be(key, sealed_through);
    memset(ret_hash, 0, BLOCK_HASH_BYTES);
    *ret_linked = sealed_through == 0;
    store_iter_seek_for_prev(iter, (struct slice){key, sizeof key});
    enum status status = store_iter_status(iter, error);
    if (status != STATUS_OK) {
        return status;
    }
    if (sealed_through == 0 || !store_iter_valid(iter)) {
        store_iter_seek(iter, (struct slice){NULL, 0});
        return store_iter_status(iter, error);
    }
    struct block_view view;
    status = view_block(iter, &view, error);
    if (status != STATUS_OK) {
        return status;
    }
    if (view.first_seq + view.entries_count - 1 != sealed_through) {
        return damage(error, view.first_seq, " is sealed in part: meta data and journal disagree");
    }
    memcpy(ret_hash, view.hash, BLOCK_HASH_BYTES);
    *ret_linked = true;
    status = check_last_sealed(db, &view, error);
    if (status != STATUS_OK) {
        return status;
    }
    store_iter_next(iter);
    return store_iter_status(iter, error);
}

static enum status load_entries(const struct block_view *view, struct block *to,
                                struct error *error) {
    for (uint32_t i = 0; i < view->entries_count; i++) {
        if (block_view_entry(view, i, &to->entries[i]) != STATUS_OK ||
            !db_entry_is_sound(&to->entries[i])) {
            return damage(error, view->first_seq, " has a damaged entry");
        }
    }
    return block_view_inflate(view, to->payload, error);
}

/* A block as the loop would have published it. Its size comes from the stored block, not from
 * today's limits, which may have been lowered. */
static enum status load_block(const struct block_view *view, struct block *ret,
                              struct error *error) {
    struct block block = {
        .first_seq = view->first_seq,
        .entries_count = view->entries_count,
        .entries_max = view->entries_count,
        .payload_bytes = view->payload_bytes,
        .payload_max = view->payload_bytes,
        .entries = malloc(view->entries_count * sizeof *block.entries),
        .payload = malloc(view->payload_bytes + 1),
    };
    enum status status =
        block.entries == NULL || block.payload == NULL
            ? error_set(error, STATUS_NO_MEMORY, "no memory for a journal block", NULL, NULL)
            : load_entries(view, &block, error);
    if (status != STATUS_OK) {
        free(block.entries);
        free(block.payload);
        return status;
    }
    *ret = block;
    return STATUS_OK;
}

/* There is no committer yet, so recovery may write sealed_through itself. */
static enum status seal_active(struct db *db, struct error *error) {
    const struct recent_run *run = NULL;
    if (!run_set_rotate(db->runs)) {
        return STATUS_OK;
    }
    enum run_event event = run_set_wait(db->runs, 0, &run);
    CHECK(event == RUN_EVENT_SEAL);
    enum status status = sealer_seal(db, run, error);
    if (status == STATUS_OK) {
        store_batch_reset(db->batch);
        db_put_pending(db);
        status = store_write(db->store, db->batch, error);
    }
    while (run_set_wait(db->runs, 0, &run) == RUN_EVENT_ROOM) {
    }
    return status;
}

static enum status recover_block(struct db *db, const struct block_view *view,
                                 struct error *error) {
    if (!run_set_fits_active(db->runs, view->entries_count, view->payload_bytes)) {
        enum status status = seal_active(db, error);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (!run_set_has_room(db->runs, view->entries_count, view->payload_bytes)) {
        return error_set(error, STATUS_TOO_LARGE,
                         "a stored journal block is larger than a run: raise run_entries and "
                         "run_bytes",
                         NULL, NULL);
    }
    struct block block;
    enum status status = load_block(view, &block, error);
    if (status != STATUS_OK) {
        return status;
    }
    for (uint32_t i = 0; i < block.entries_count; i++) {
        day_index_add(db->days, (uint32_t)(block.entries[i].occurred_ms / DAY_MS));
    }
    run_set_append(db->runs, &block, atomic_load(&db->now_ms));
    free(block.entries);
    free(block.payload);
    return STATUS_OK;
}

static enum status recover_blocks(struct db *db, struct store_iter *iter, struct error *error) {
    uint64_t next_seq = db->meta.sealed_through + 1;
    uint8_t hash[BLOCK_HASH_BYTES];
    bool linked;
    enum status status = find_unsealed(db, iter, db->meta.sealed_through, hash, &linked, error);
    for (; status == STATUS_OK && store_iter_valid(iter);) {
        struct block_view view;
        status = view_block(iter, &view, error);
        if (status != STATUS_OK) {
            return status;
        }
        if (view.first_seq != next_seq) {
            return damage(error, next_seq, " is missing");
        }
        if (!block_hash_is_right(&view)) {
            return damage(error, view.first_seq, " does not fit its hash");
        }
        if (linked && memcmp(view.previous_hash, hash, sizeof hash) != 0) {
            return damage(error, view.first_seq, " does not follow the block before it");
        }
        linked = true;
        memcpy(hash, view.hash, sizeof hash);
        bool is_last = view.first_seq + view.entries_count == atomic_load(&db->committed_seq) + 1;
        if (!is_last || !MUTANT(RECOVERY_SKIPS_LAST_BLOCK)) {
            status = recover_block(db, &view, error);
        }
        next_seq += view.entries_count;
        if (status == STATUS_OK) {
            store_iter_next(iter);
            status = store_iter_status(iter, error);
        }
    }
    if (status == STATUS_OK && next_seq != atomic_load(&db->committed_seq) + 1) {
        return error_set(error, STATUS_CORRUPT, "sealed rows reach past the end of the journal",
                         NULL, NULL);
    }
    return status;
}

/* One seek a day that has rows. */
static enum status index_days(struct db *db, struct error *error) {
    struct store_iter *iter;
    enum status status = store_iter_new(&iter, db->store, FAMILY_TIMELINE, NULL, false);
    if (status != STATUS_OK) {
        return error_set(error, status, "no memory to read the timeline", NULL, NULL);
    }
    uint8_t key[TIMELINE_KEY_BYTES] = {0};
    store_iter_seek(iter, (struct slice){key, sizeof key});
    while (store_iter_valid(iter)) {
        struct slice found = store_iter_key(iter);
        uint32_t day = found.bytes == TIMELINE_KEY_BYTES ? load_u32_be(found.data) : UINT32_MAX;
        if (day >= DAY_INDEX_DAYS) {
            status =
                error_set(error, STATUS_CORRUPT, "a key of the timeline is damaged", NULL, NULL);
            break;
        }
        day_index_add(db->days, day);
        store_u32_be(key, day + 1);
        store_iter_seek(iter, (struct slice){key, sizeof key});
    }
    if (status == STATUS_OK) {
        status = store_iter_status(iter, error);
    }
    store_iter_free(iter);
    return status;
}

enum status db_recover(struct db *db, struct error *error) {
    struct store_iter *iter;
    enum status status = store_iter_new(&iter, db->store, FAMILY_JOURNAL, NULL, false);
    if (status != STATUS_OK) {
        return error_set(error, status, "no memory to read the journal", NULL, NULL);
    }
    atomic_store(&db->sealed_through, db->meta.sealed_through);
    status = find_ends(db, iter, error);
    if (status == STATUS_OK) {
        status = recover_blocks(db, iter, error);
    }
    store_iter_free(iter);
    return status == STATUS_OK ? index_days(db, error) : status;
}
