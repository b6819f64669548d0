/* An ordered key-value store with column families, snapshots, one synced write at a time and sorted
 * files that are taken in whole. Two implementations pass the same suite: store_rocks.c (RocksDB)
 * and store_mem.c (memory, for tests and the simulator).
 *
 * Threads: store_write from one thread at a time (the committer); store_run_* and store_settle from
 * one thread at a time (the sealer); everything that reads from any thread. No function here logs.
 */
#ifndef STORAGE_STORE_H
#define STORAGE_STORE_H

#include "core/base/status.h"
#include "core/limits.h"

#include <stdatomic.h>

/* Column families. Names are on disk; add at the end. A directory from before a family was added
 * gets it when it is opened to write; opened read-only the family is empty. */
#define STORE_FAMILIES(X)                                                                          \
    X(META, "meta")             /* format, epoch, counters: storage/README.md */                   \
    X(JOURNAL, "journal")       /* blocks by first sequence number; never rewritten */             \
    X(TIMELINE, "timeline")     /* sealed rows; only ever written by store_run_finish */           \
    X(REGIONS, "regions")       /* chunks of region rows */                                        \
    X(INCIDENTS, "incidents")   /* by number */                                                    \
    X(MEMBERS, "members")       /* why a report is in an incident, by incident and report */       \
    X(MOVED, "moved")           /* reports that are no longer in the incident of their record */   \
    X(TICKETS, "tickets")       /* by number, closed ones too */                                   \
    X(DIRECTIVES, "directives") /* by number */                                                    \
    X(SUSPECTS, "suspects")     /* clock-suspect reports by identity */                            \
    X(DEADLINES, "deadlines")   /* what is due, in due order: core/time/deadline.h */              \
    X(POLICIES, "policies")     /* texts of policy files by version */                             \
    X(CREATES, "creates")       /* first answers to creates that named a key */                    \
    X(TOKENS, "tokens")         /* who may come in: server/auth/token_row.h */                     \
    X(AUDIT, "audit")           /* audit entries by their sequence number */                       \
    X(STAGED, "staged")         /* the store's own: rows of INCIDENTS and MEMBERS on their way */

enum family {
#define STORE_FAMILY_ENUM(name, text) FAMILY_##name,
    STORE_FAMILIES(STORE_FAMILY_ENUM)
#undef STORE_FAMILY_ENUM
        FAMILY_COUNT
};

struct store; /* opaque */

struct store_options {
    const char *path;        /* data directory; ignored by the memory store */
    bool create;             /* make it when it is not there */
    bool read_only;          /* verify: open without writing anything */
    uint64_t cache_bytes;    /* block cache, shared by all families */
    uint64_t memtable_bytes; /* write buffer of one family */
    int background_jobs;     /* <= 4, reliability.md section 3.1 */
    /* For tests, NULL otherwise. While it is set, the memory store's writes fail. */
    const atomic_bool *fail_writes;
    /* A memory store to begin with the rows of, as they are now: a restart, or a crash between two
     * commits. */
    struct store *copy_of;
};

MUST_USE enum status store_open_rocks(struct store **ret, const struct store_options *options,
                                      struct error *error);
MUST_USE enum status store_open_mem(struct store **ret, const struct store_options *options,
                                    struct error *error);
/* NULL is allowed. No call may be under way. */
void store_close(struct store *store);

/* One atomic change. Keys and values are copied by put. */
struct store_batch; /* opaque, reusable */
MUST_USE enum status store_batch_new(struct store_batch **ret, struct store *store);
void store_batch_free(struct store_batch *batch);
void store_batch_reset(struct store_batch *batch);
void store_batch_put(struct store_batch *batch, enum family family, struct slice key,
                     struct slice value);
/* As put, the value given in parts (no copy to join them first). */
void store_batch_put_parts(struct store_batch *batch, enum family family, struct slice key,
                           const struct slice *parts, size_t parts_count);
void store_batch_delete(struct store_batch *batch, enum family family, struct slice key);
/* On OK the batch is on disk (synced). On any failure the outcome is unknown and the store must not
 * be used again: end the process (reliability.md section 3.3). */
MUST_USE enum status store_write(struct store *store, struct store_batch *batch,
                                 struct error *error);

/* NOT_FOUND leaves `ret` alone. The value is malloc'd memory: store_value_free. */
struct store_value {
    struct slice bytes;
    void *owner;
};
MUST_USE enum status store_get(struct store *store, enum family family, struct slice key,
                               struct store_value *ret, struct error *error);
void store_value_free(struct store_value *value);

/* Gets many keys at once; found[i].bytes.data is NULL where there is none. Free each found one. */
MUST_USE enum status store_multi_get(struct store *store, enum family family,
                                     const struct slice *keys, size_t keys_count,
                                     struct store_value *found, struct error *error);

/* A view of one instant. Iterators of one snapshot agree with each other. It has no INCIDENTS and
 * MEMBERS (CHECKed): their rows are staged (storage/staged.h). */
struct store_snapshot; /* opaque */
struct store_snapshot *store_snapshot_new(struct store *store);
void store_snapshot_free(struct store *store, struct store_snapshot *snapshot);

/* Walks a family in key order. After every movement either store_iter_valid, or the end, or an
 * error: store_iter_status tells the last two apart and must be asked. `prefix_only` promises that
 * only keys with the sought key's TIMELINE_KEY_PREFIX_BYTES are wanted (lets the bloom filter
 * answer). */
struct store_iter; /* opaque */
MUST_USE enum status store_iter_new(struct store_iter **ret, struct store *store,
                                    enum family family, const struct store_snapshot *snapshot,
                                    bool prefix_only);
void store_iter_free(struct store_iter *iter);
void store_iter_seek(struct store_iter *iter, struct slice key);          /* first key >= `key` */
void store_iter_seek_for_prev(struct store_iter *iter, struct slice key); /* last key <= `key` */
void store_iter_seek_last(struct store_iter *iter);
void store_iter_next(struct store_iter *iter);
void store_iter_prev(struct store_iter *iter);
bool store_iter_valid(const struct store_iter *iter);
/* Valid only; good until the next movement. */
struct slice store_iter_key(const struct store_iter *iter);
struct slice store_iter_value(const struct store_iter *iter);
MUST_USE enum status store_iter_status(const struct store_iter *iter, struct error *error);

/* A sorted run for FAMILY_TIMELINE: keys strictly rising, put one by one, then taken in whole or
 * not at all. Taking in the same keys again (after a crash) is allowed and changes nothing. */
struct store_run; /* opaque */
MUST_USE enum status store_run_new(struct store_run **ret, struct store *store, uint64_t number,
                                   struct error *error);
MUST_USE enum status store_run_put(struct store_run *run, struct slice key, struct slice value,
                                   struct error *error);
/* Frees the run, on failure too. An empty run is OK and takes in nothing. */
MUST_USE enum status store_run_finish(struct store_run *run, struct error *error);
void store_run_abort(struct store_run *run);

/* Rows of INCIDENTS and MEMBERS gather in memory and in the log; store_settle writes them to sorted
 * files. It is due once so many have gathered; writes go on meanwhile, and do it themselves when
 * four times as many have. After a failure the process must end. */
bool store_settle_is_due(const struct store *store);
MUST_USE enum status store_settle(struct store *store, struct error *error);

/* Makes a directory that opens as a store with all that was written before the call, while writes
 * go on. `to` must not exist. */
MUST_USE enum status store_checkpoint(struct store *store, const char *to, struct error *error);
/* Reads every block of every file with its checksum (nothing stays in the cache). */
MUST_USE enum status store_scrub(struct store *store, struct error *error);

struct store_stats {
    uint64_t family_bytes[FAMILY_COUNT]; /* live files */
    uint64_t family_files[FAMILY_COUNT];
    uint64_t memtable_bytes, cache_bytes;
    uint64_t background_errors, pending_compaction_bytes;
    bool write_stopped;
};
void store_stats(struct store *store, struct store_stats *ret);

#endif
