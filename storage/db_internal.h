/* What the files of the database facade share: db.c (life, commits, publishing), db_open.c
 * (opening and recovery), db_read.c (entries and blocks), sealer.c (the thread), timeline.c. */
#ifndef STORAGE_DB_INTERNAL_H
#define STORAGE_DB_INTERNAL_H

#include "storage/day_index.h"
#include "storage/db.h"
#include "storage/row_order.h"
#include "storage/run_set.h"
#include "storage/schema.h"
#include "storage/watermark.h"

#include <pthread.h>
#include <stdatomic.h>

struct db {
    enum db_kind kind;
    const struct limits *limits;
    char *path;    /* NULL for the memory store */
    int directory; /* its lock is held through this; -1: none */
    struct store *store;
    struct schema_meta meta; /* as of db_open; the sealer's part lives in `pending` */
    struct run_set *runs;
    struct day_index *days; /* of sealed and recent rows */

    /* The committer's (recovery's before there is one). */
    struct store_batch *batch;
    struct row_order order; /* of the commit at hand */
    struct block_encoder *encoder;
    uint8_t head_hash[BLOCK_HASH_BYTES]; /* of the newest block; zeros before the first */
    bool write_failed;

    /* Written by one thread each, read by any. */
    _Atomic uint64_t committed_seq, published_seq, oldest_seq; /* 0: none */
    _Atomic uint64_t acknowledged_seq, watermark_seq;
    _Atomic uint64_t sealed_through, runs_sealed_total, seal_us_total;
    _Atomic int64_t now_ms;

    /* From the sealer to the next commit: only the committer writes to the store. */
    pthread_mutex_t pending_lock;
    bool pending;
    uint64_t pending_sealed_through, pending_run_next;

    /* The sealer's. */
    pthread_t sealer;
    bool sealer_runs;
    uint64_t run_next;
    struct watermark *watermark; /* NULL for the memory store */
    void (*on_sealed)(void *context, enum status failure, const struct error *error);
    void *context;
};

/* sealer.c */
MUST_USE enum status sealer_start(struct db *db, struct error *error);
/* Waits for a run that is being sealed; one that only waits for it is left to recovery. */
void sealer_stop(struct db *db);
/* Writes the run and drops it from memory. On the sealer's thread, or before it runs. */
MUST_USE enum status sealer_seal(struct db *db, const struct recent_run *run, struct error *error);
/* Writes the watermark when acknowledgements have risen above it. */
MUST_USE enum status sealer_write_watermark(struct db *db, struct error *error);

/* db.c */
/* Puts what the sealer left for the next commit into db->batch; false when there is nothing. The
 * committer's. */
bool db_put_pending(struct db *db);

/* db_open.c */
/* The entry can stand in a run and in a timeline key. */
bool db_entry_is_sound(const struct entry *entry);

#endif
