#include "storage/db.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/mutant.h"
#include "core/text/instant.h"
#include "storage/db_internal.h"
#include "storage/suspects.h"
#include "storage/watermark.h"

#include <sys/statvfs.h>

void db_identity(const struct db *db, struct db_identity *ret) {
    schema_epoch_text(ret->epoch, db->meta.epoch);
    ret->identity_seed = db->meta.identity_seed;
    ret->next_seq = atomic_load(&db->committed_seq) + 1;
}

bool db_put_pending(struct db *db) {
    pthread_mutex_lock(&db->pending_lock);
    bool pending = db->pending;
    if (pending) {
        schema_put_sealed(db->batch, db->pending_sealed_through, db->pending_run_next);
        db->pending = false;
    }
    pthread_mutex_unlock(&db->pending_lock);
    return pending;
}

static enum status put_block(struct db *db, const struct block *block,
                             uint8_t hash[BLOCK_HASH_BYTES], struct error *error) {
    struct slice bytes;
    uint8_t own_hash[BLOCK_HASH_BYTES];
    enum status status = block_encode(db->encoder, block, hash, &bytes, own_hash);
    if (status != STATUS_OK) {
        return error_set(error, status, "a journal block cannot be encoded", NULL, NULL);
    }
    uint8_t key[JOURNAL_KEY_BYTES];
    store_u64_be(key, block->first_seq);
    store_batch_put(db->batch, FAMILY_JOURNAL, (struct slice){key, sizeof key}, bytes);
    suspects_put(db->batch, block);
    if (!MUTANT(CHAIN_NOT_CARRIED_ON)) {
        memcpy(hash, own_hash, sizeof own_hash);
    }
    return STATUS_OK;
}

static enum status put_rows(struct db *db, const struct db_commit *commit, struct error *error) {
    enum status status = row_order_set(&db->order, commit->rows, commit->rows_count);
    if (status != STATUS_OK) {
        return error_set(error, status, "no memory to sort the rows of a commit", NULL, NULL);
    }
    for (size_t i = 0; i < db->order.rows_count; i++) {
        const struct db_row *row = db->order.rows[i].row;
        CHECK(row->family != FAMILY_JOURNAL && row->family != FAMILY_TIMELINE &&
              row->family != FAMILY_SUSPECTS);
        if (row->remove) {
            store_batch_delete(db->batch, row->family, row->key);
        } else {
            store_batch_put(db->batch, row->family, row->key, row->value);
        }
    }
    return STATUS_OK;
}

enum status db_commit(struct db *db, const struct db_commit *commit, struct error *error) {
    CHECK(!db->write_failed);
    if (commit->blocks_count == 0 && commit->rows_count == 0) {
        return STATUS_OK;
    }
    uint64_t last_seq = atomic_load(&db->committed_seq);
    uint64_t first_seq = last_seq + 1;
    uint8_t hash[BLOCK_HASH_BYTES];
    memcpy(hash, db->head_hash, sizeof hash);
    store_batch_reset(db->batch);
    schema_put_commit(db->batch, ++db->meta.commit_number);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < commit->blocks_count && status == STATUS_OK; i++) {
        const struct block *block = commit->blocks[i];
        CHECK(block->first_seq == last_seq + 1 && block->entries_count > 0);
        status = put_block(db, block, hash, error);
        last_seq += block->entries_count;
    }
    if (status == STATUS_OK) {
        status = put_rows(db, commit, error);
    }
    if (status == STATUS_OK) {
        db_put_pending(db);
        status = store_write(db->store, db->batch, error);
    }
    if (status != STATUS_OK) {
        db->write_failed = true;
        return status;
    }
    memcpy(db->head_hash, hash, sizeof hash);
    if (last_seq >= first_seq && atomic_load(&db->oldest_seq) == 0) {
        atomic_store(&db->oldest_seq, first_seq);
    }
    atomic_store(&db->committed_seq, last_seq);
    if (store_settle_is_due(db->store)) {
        run_set_ask_to_settle(db->runs);
    }
    return STATUS_OK;
}

bool db_room(const struct db *db, uint32_t entries_count, size_t payload_bytes) {
    return run_set_has_room(db->runs, entries_count, payload_bytes);
}

void db_publish(struct db *db, const struct block *block, int64_t now_ms) {
    CHECK(block->entries_count > 0);
    uint64_t last_seq = block->first_seq + block->entries_count - 1;
    CHECK(block->first_seq == atomic_load(&db->published_seq) + 1);
    CHECK(last_seq <= atomic_load(&db->committed_seq));
    CHECK(run_set_has_room(db->runs, block->entries_count, block->payload_bytes));
    atomic_store(&db->now_ms, now_ms);
    int64_t day_before = -1;
    for (uint32_t i = 0; i < block->entries_count; i++) {
        int64_t day = block->entries[i].occurred_ms / DAY_MS;
        if (day != day_before) {
            CHECK(db_entry_is_sound(&block->entries[i]));
            day_index_add(db->days, (uint32_t)day);
            day_before = day;
        }
    }
    if (!MUTANT(PUBLISH_SKIPS_SMALL) || block->entries_count > 1) {
        run_set_append(db->runs, block, now_ms);
    }
    atomic_store(&db->published_seq, last_seq);
}

void db_tick(struct db *db, int64_t now_ms) {
    atomic_store(&db->now_ms, now_ms);
    int64_t since_ms = run_set_active_since_ms(db->runs);
    if (since_ms != 0 && now_ms - since_ms >= (int64_t)db->limits->run_age_ms) {
        /* When it cannot now, the next tick tries again. */
        run_set_rotate(db->runs);
    }
}

void db_acknowledge(struct db *db, uint64_t seq) {
    CHECK(seq <= atomic_load(&db->committed_seq));
    CHECK(seq >= atomic_load(&db->acknowledged_seq));
    atomic_store(&db->acknowledged_seq, seq);
}

void db_stats(struct db *db, struct db_stats *ret) {
    struct run_set_sizes sizes;
    run_set_sizes(db->runs, &sizes);
    uint64_t durable_seq = atomic_load(&db->committed_seq);
    uint64_t oldest_seq = atomic_load(&db->oldest_seq);
    *ret = (struct db_stats){
        .durable_seq = durable_seq,
        .sealed_through = atomic_load(&db->sealed_through),
        .oldest_seq = oldest_seq == 0 ? durable_seq + 1 : oldest_seq,
        .run_entries = sizes.active_entries,
        .run_bytes = sizes.active_bytes,
        .sealing_entries = sizes.sealing_entries,
        .sealing_bytes = sizes.sealing_bytes,
        .runs_sealed_total = atomic_load(&db->runs_sealed_total),
        .seal_us_total = atomic_load(&db->seal_us_total),
        .watermark_seq = atomic_load(&db->watermark_seq),
        .run_memory_bytes = sizes.memory_bytes,
    };
    store_stats(db->store, &ret->store);
    CHECK(ret->sealed_through <= ret->durable_seq);
}

uint64_t db_disk_free_bytes(const struct db *db) {
    struct statvfs disk;
    if (db->path == NULL) {
        return UINT64_MAX;
    }
    /* A file system that does not answer is taken as full: intake stops, nothing is lost. */
    return statvfs(db->path, &disk) == 0 ? (uint64_t)disk.f_bavail * disk.f_frsize : 0;
}

enum status db_backup(struct db *db, const char *to, struct error *error) {
    const struct watermark_value value = {db->meta.epoch, atomic_load(&db->acknowledged_seq),
                                          atomic_load(&db->now_ms)};
    enum status status = store_checkpoint(db->store, to, error);
    if (status != STATUS_OK || db->path == NULL) {
        return status;
    }
    /* A watermark of its own: the meta data in it says that there is one. */
    struct watermark *watermark;
    status = watermark_open(&watermark, to, &value, error);
    if (status == STATUS_OK) {
        watermark_close(watermark);
    }
    return status;
}
