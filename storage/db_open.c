#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/mutant.h"
#include "core/region/region.h"
#include "core/text/instant.h"
#include "storage/db_internal.h"
#include "storage/db_recover.h"
#include "storage/manifest.h"
#include "storage/suspects.h"
#include "storage/wal_audit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

bool db_entry_is_sound(const struct entry *entry) {
    return entry->occurred_ms >= 0 && entry->occurred_ms / DAY_MS < DAY_INDEX_DAYS &&
           entry->region != REGION_NONE;
}

/* The lock is on the directory itself: it needs no file, and the kernel lets go of it with the
 * process. */
static enum status lock_directory(struct db *db, bool create, struct error *error) {
    if (create && mkdir(db->path, 0700) != 0 && errno != EEXIST) {
        return error_set(error, STATUS_IO, db->path, " cannot be made: ", strerror(errno));
    }
    db->directory = open(db->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (db->directory < 0) {
        return error_set(error, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, db->path,
                         " cannot be opened: ", strerror(errno));
    }
    if (flock(db->directory, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK
                   ? error_set(error, STATUS_BUSY, db->path, " is in use by another process", NULL)
                   : error_set(error, STATUS_IO, db->path, " cannot be locked: ", strerror(errno));
    }
    return STATUS_OK;
}

static enum status open_store(struct db *db, const struct db_options *options,
                              struct error *error) {
    struct store_options store = options->store;
    store.read_only = false;
    if (options->kind == DB_GIVEN) {
        db->store = options->given;
        return STATUS_OK;
    }
    if (options->kind == DB_MEM) {
        return store_open_mem(&db->store, &store, error);
    }
    db->path = strdup(store.path);
    if (db->path == NULL) {
        return error_set(error, STATUS_NO_MEMORY, "no memory to open", NULL, NULL);
    }
    enum status status = lock_directory(db, store.create, error);
    if (status == STATUS_OK) {
        struct wal_audit audit;
        status = wal_audit_directory(&audit, db->path, error);
    }
    if (status == STATUS_OK) {
        status = manifest_drop_unfinished(db->path, error);
    }
    return status == STATUS_OK ? store_open_rocks(&db->store, &store, error) : status;
}

static enum status create_parts(struct db *db, struct error *error) {
    enum status status = store_batch_new(&db->batch, db->store);
    if (status == STATUS_OK) {
        status = block_encoder_new(&db->encoder);
    }
    if (status == STATUS_OK) {
        status = day_index_new(&db->days);
    }
    return status == STATUS_OK ? status : error_set(error, status, "no memory to open", NULL, NULL);
}

static enum status report_loss(const struct db *db, uint64_t last_seq, uint64_t acknowledged_seq,
                               struct error *error) {
    char numbers[192];
    snprintf(numbers, sizeof numbers,
             "the journal ends at %" PRIu64 ", %" PRIu64
             " was acknowledged: restore a backup, or accept the loss of what came after %" PRIu64,
             last_seq, acknowledged_seq, last_seq);
    return error_set(error, STATUS_LOST, db->path, ": acknowledged data is missing: ", numbers);
}

/* A directory of this epoch had a watermark: without it nobody can say what was acknowledged. */
static enum status report_missing(const struct db *db, uint64_t last_seq, struct error *error) {
    char text[256];
    snprintf(text, sizeof text,
             " is missing, so nobody can tell whether acknowledged data is: put the file back, "
             "restore a backup, or accept the loss of what came after %" PRIu64,
             last_seq);
    return error_set(error, STATUS_LOST, db->path, "/" WATERMARK_FILE, text);
}

/* The watermark's word against the journal's. `known_epoch` is 0 for a store without a schema: any
 * watermark beside it speaks of what was there before. */
static enum status check_watermark(const struct db *db, const struct db_options *options,
                                   uint64_t known_epoch, bool *ret_lost, struct error *error) {
    *ret_lost = false;
    if (db->path == NULL) {
        return STATUS_OK;
    }
    struct watermark_value value;
    enum status status = watermark_read(&value, db->path, error);
    uint64_t last_seq = atomic_load(&db->committed_seq);
    bool accepted = options->accept_loss && options->accept_loss_after == last_seq;
    if (status == STATUS_NOT_FOUND) {
        *ret_lost = known_epoch != 0 && db->meta.watermark_epoch == known_epoch &&
                    !MUTANT(WATERMARK_NOT_BELIEVED);
        return !*ret_lost || accepted ? STATUS_OK : report_missing(db, last_seq, error);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if ((known_epoch != 0 && value.epoch != known_epoch) || value.seq <= last_seq ||
        MUTANT(WATERMARK_NOT_BELIEVED)) {
        return STATUS_OK;
    }
    *ret_lost = true;
    return accepted ? STATUS_OK : report_loss(db, last_seq, value.seq, error);
}

static enum status journal_is_empty(struct db *db, bool *ret, struct error *error) {
    struct store_iter *iter;
    enum status status = store_iter_new(&iter, db->store, FAMILY_JOURNAL, NULL, false);
    if (status != STATUS_OK) {
        return error_set(error, status, "no memory to open", NULL, NULL);
    }
    store_iter_seek_last(iter);
    status = store_iter_status(iter, error);
    *ret = !store_iter_valid(iter);
    store_iter_free(iter);
    return status;
}

/* A store without a schema is new, or its creation was cut short before the first write. */
static enum status create_schema(struct db *db, const struct db_options *options,
                                 struct error *error) {
    bool empty, lost;
    enum status status = journal_is_empty(db, &empty, error);
    if (status != STATUS_OK) {
        return status;
    }
    if (!empty) {
        return error_set(error, STATUS_CORRUPT, "there is a journal but no meta data", NULL, NULL);
    }
    status = check_watermark(db, options, 0, &lost, error);
    if (status == STATUS_OK) {
        status = schema_meta_new(&db->meta, options->now_ms, error);
    }
    if (status == STATUS_OK) {
        store_batch_reset(db->batch);
        schema_put(db->batch, &db->meta);
        status = store_write(db->store, db->batch, error);
    }
    return status;
}

static enum status accept_loss(struct db *db, struct error *error) {
    uint64_t epoch;
    enum status status = schema_random(&epoch, error);
    if (status == STATUS_OK) {
        store_batch_reset(db->batch);
        schema_put_epoch(db->batch, epoch);
        status = store_write(db->store, db->batch, error);
    }
    if (status == STATUS_OK) {
        db->meta.epoch = epoch;
    }
    return status;
}

/* After its file is on disk, so that a crash in between leaves a directory that opens. */
static enum status remember_watermark(struct db *db, struct error *error) {
    if (db->meta.watermark_epoch == db->meta.epoch) {
        return STATUS_OK;
    }
    store_batch_reset(db->batch);
    schema_put_watermark(db->batch, db->meta.epoch);
    enum status status = store_write(db->store, db->batch, error);
    if (status == STATUS_OK) {
        db->meta.watermark_epoch = db->meta.epoch;
    }
    return status;
}

static enum status open_watermark(struct db *db, const struct db_options *options,
                                  struct error *error) {
    bool lost;
    enum status status = check_watermark(db, options, db->meta.epoch, &lost, error);
    if (status == STATUS_OK && lost) {
        status = accept_loss(db, error);
    }
    if (status != STATUS_OK || db->path == NULL) {
        return status;
    }
    /* Whatever was recovered from here on counts as acknowledged: it is on disk, and a repeat of it
     * is answered as stored. */
    uint64_t last_seq = atomic_load(&db->committed_seq);
    atomic_store(&db->acknowledged_seq, last_seq);
    const struct watermark_value value = {db->meta.epoch, last_seq, options->now_ms};
    status = watermark_open(&db->watermark, db->path, &value, error);
    if (status == STATUS_OK) {
        status = watermark_write(db->watermark, &value, error);
    }
    if (status == STATUS_OK) {
        atomic_store(&db->watermark_seq, last_seq);
        status = remember_watermark(db, error);
    }
    return status;
}

static enum status open_parts(struct db *db, const struct db_options *options,
                              struct error *error) {
    enum status status = open_store(db, options, error);
    if (status == STATUS_OK) {
        status = create_parts(db, error);
    }
    if (status != STATUS_OK) {
        return status;
    }
    status = schema_read(&db->meta, db->store, error);
    if (status == STATUS_NOT_FOUND) {
        status = create_schema(db, options, error);
    }
    if (status == STATUS_OK && !db->meta.suspects_complete) {
        status = suspects_complete(db->store, db->batch, error);
        db->meta.suspects_complete = status == STATUS_OK;
    }
    if (status == STATUS_OK) {
        status = run_set_new(&db->runs, db->limits, db->meta.identity_seed);
    }
    if (status == STATUS_OK) {
        db->run_next = db->meta.run_next;
        status = db_recover(db, error);
    }
    if (status == STATUS_OK) {
        status = open_watermark(db, options, error);
    }
    return status == STATUS_OK ? sealer_start(db, error) : status;
}

static void dispose(struct db *db) {
    run_set_free(db->runs);
    day_index_free(db->days);
    if (db->encoder != NULL) {
        block_encoder_free(db->encoder);
    }
    row_order_deinit(&db->order);
    if (db->batch != NULL) {
        store_batch_free(db->batch);
    }
    watermark_close(db->watermark);
    if (db->store != NULL) {
        store_close(db->store);
    }
    if (db->directory >= 0) {
        close(db->directory);
    }
    pthread_mutex_destroy(&db->pending_lock);
    free(db->path);
    free(db);
}

enum status db_open(struct db **ret, const struct db_options *options, struct error *error) {
    struct db *db = calloc(1, sizeof *db);
    if (db == NULL) {
        return error_set(error, STATUS_NO_MEMORY, "no memory to open", NULL, NULL);
    }
    db->kind = options->kind;
    db->limits = options->limits;
    db->directory = -1;
    db->on_sealed = options->on_sealed;
    db->context = options->context;
    atomic_store(&db->now_ms, options->now_ms);
    pthread_mutex_init(&db->pending_lock, NULL);
    enum status status = open_parts(db, options, error);
    if (status != STATUS_OK) {
        dispose(db);
        return status;
    }
    CHECK(atomic_load(&db->published_seq) == atomic_load(&db->committed_seq));
    *ret = db;
    return STATUS_OK;
}

/* What is left undone when this fails is done again by the next db_open. */
static void write_last(struct db *db) {
    enum status status = STATUS_OK;
    store_batch_reset(db->batch);
    if (db_put_pending(db)) {
        status = store_write(db->store, db->batch, NULL);
    }
    if (status == STATUS_OK) {
        status = sealer_write_watermark(db, NULL);
    }
    (void)status;
}

void db_close(struct db *db) {
    if (db != NULL) {
        sealer_stop(db);
        if (!db->write_failed) {
            write_last(db);
        }
        dispose(db);
    }
}
