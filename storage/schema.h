/* The meta family: what a database says about itself. Keys and encodings are in storage/README.md.
 * The format version covers every key and value layout of storage; another version refuses to open,
 * and so does one that `min_reader` is above.
 */
#ifndef STORAGE_SCHEMA_H
#define STORAGE_SCHEMA_H

#include "storage/store.h"

/* The lowest reader that may open what this gridd makes, and what this gridd is itself. */
enum { SCHEMA_MIN_READER = 1, SCHEMA_READER = 1 };
enum { SCHEMA_FORMAT = 1, EPOCH_TEXT_BYTES = 17 };

struct schema_meta {
    uint32_t format;         /* SCHEMA_FORMAT */
    uint64_t epoch;          /* random; new after a restore */
    uint64_t identity_seed;  /* random; keys identities; kept over a restore */
    uint64_t sealed_through; /* highest sequence number in sealed runs; 0: none */
    uint64_t run_next;       /* number of the next run, from 1 */
    uint64_t commit_number;  /* of the last commit; dense, the witness that no write is missing */
    int64_t created_ms;
    uint64_t watermark_epoch; /* a watermark file was made for this epoch; 0: for none */
    bool suspects_complete;   /* every clock-suspect entry has its row (suspects.h) */
};

/* Random epoch and seed, nothing sealed. */
MUST_USE enum status schema_meta_new(struct schema_meta *ret, int64_t now_ms, struct error *error);
/* NOT_FOUND: nothing was written yet. VERSION: another format. CORRUPT: a key is missing or has the
 * wrong size. */
MUST_USE enum status schema_read(struct schema_meta *ret, struct store *store, struct error *error);
/* All keys; a new database's first write, together with whatever else it begins with. */
void schema_put(struct store_batch *batch, const struct schema_meta *meta);
/* A run is sealed: the two keys that change with it. */
void schema_put_sealed(struct store_batch *batch, uint64_t sealed_through, uint64_t run_next);
/* The first entry of every commit's batch: the WAL audit finds it there (wal_audit.h). */
#define SCHEMA_COMMIT_KEY "commit"
void schema_put_commit(struct store_batch *batch, uint64_t commit_number);
/* The suspects have every row they must have. */
void schema_put_suspects(struct store_batch *batch);
void schema_put_epoch(struct store_batch *batch, uint64_t epoch);
/* The watermark's file is there and synced: from now on a directory of this epoch without one has
 * lost it. */
void schema_put_watermark(struct store_batch *batch, uint64_t epoch);
/* 16 lower-case hex digits and a NUL. */
void schema_epoch_text(char to[EPOCH_TEXT_BYTES], uint64_t epoch);
/* From the kernel; never 0. */
MUST_USE enum status schema_random(uint64_t *ret, struct error *error);

#endif
