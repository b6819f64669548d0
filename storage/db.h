/* gridd's database: journal, recent runs, sealed runs and rows behind one interface. The rest of
 * gridd talks to storage through this header, timeline.h, block.h and verify.h/backup.h only.
 *
 * Threads: db_commit from the committer thread; db_publish, db_room and db_stats from the loop
 * thread; reads (db_lookup, db_read_*, timeline_walk) from any thread. One sealer thread is db's
 * own. Order of life of a block: filled, db_commit (on disk), db_publish (visible to reads),
 * forgotten. */
#ifndef STORAGE_DB_H
#define STORAGE_DB_H

#include "core/base/status.h"
#include "core/engine.h"
#include "core/limits.h"
#include "core/region/region.h"
#include "core/report/entry.h"
#include "core/time/deadline.h"
#include "storage/block.h"
#include "storage/keys.h"
#include "storage/store.h"
#include "storage/timeline.h"

struct db; /* opaque */

enum db_kind {
    DB_ROCKS,
    DB_MEM,
    DB_GIVEN, /* a store that somebody else made (the simulator); no directory, no watermark */
};

struct db_options {
    enum db_kind kind;
    struct store_options store;
    struct store *given;         /* DB_GIVEN: taken over, closed when opening fails too */
    const struct limits *limits; /* must outlive the db */
    int64_t now_ms;              /* written into a new database */
    bool accept_loss;            /* open although the watermark is above what was recovered */
    uint64_t accept_loss_after;  /* only when exactly this sequence number is the last one there */
    /* From the sealer thread after a run was sealed, or failed to (then `failure` is set and the
     * process must end). */
    void (*on_sealed)(void *context, enum status failure, const struct error *error);
    void *context;
};

struct db_identity {
    char epoch[17];         /* 16 lower-case hex digits; new after a restore */
    uint64_t identity_seed; /* keys identities; kept over a restore */
    uint64_t next_seq;
};

/* Takes the directory's lock, audits the WAL, opens the store, checks format and watermark,
 * rebuilds the recent runs from the journal after sealed_through. BUSY: another process has it.
 * LOST: acknowledged data is missing (message has both numbers). VERSION, CORRUPT: as they say. */
MUST_USE enum status db_open(struct db **ret, const struct db_options *options,
                             struct error *error);
/* Waits for the sealer; writes the watermark; closes. NULL is allowed. */
void db_close(struct db *db);
void db_identity(const struct db *db, struct db_identity *ret);

/* Gives the newest `entries_max` entries of the journal, oldest first, to the callback (index
 * sections only). */
typedef void (*db_entry_cb)(void *context, uint64_t seq, const struct entry *entry);
MUST_USE enum status db_walk_newest(struct db *db, uint64_t entries_max, db_entry_cb callback,
                                    void *context, bool *ret_complete, struct error *error);
/* Gives every stored region row in id order (encoded rows of region.h, one slice a chunk). */
typedef bool (*db_regions_cb)(void *context, struct slice rows, size_t rows_count);
MUST_USE enum status db_walk_regions(struct db *db, db_regions_cb callback, void *context,
                                     struct error *error);

/* Gives the identity of every stored clock-suspect report, in any order. */
typedef void (*db_suspect_cb)(void *context, struct identity identity);
MUST_USE enum status db_walk_suspects(struct db *db, db_suspect_cb callback, void *context,
                                      struct error *error);

/* Deadlines that sort after `after` and are due before `until_ms`, `max` of them at most, in order,
 * until the callback says stop (false). `*ret_complete`: there are no more than these. Any thread;
 * sees every commit that ended before the call. */
typedef bool (*db_deadlines_cb)(void *context, const struct deadline *deadline, uint64_t armed_seq);
MUST_USE enum status db_walk_deadlines(struct db *db, const struct deadline *after,
                                       int64_t until_ms, size_t max, db_deadlines_cb callback,
                                       void *context, bool *ret_complete, struct error *error);

/* One commit: blocks with consecutive sequence numbers, and rows, put and removed in their order.
 * On OK all of it is on disk. Any failure: the outcome is unknown, end the process. */
struct db_row {
    enum family family; /* not JOURNAL, TIMELINE or SUSPECTS: those are made from the blocks */
    struct slice key, value;
    bool remove; /* the key goes (it need not be there); `value` is not looked at */
};
struct db_commit {
    const struct block *const *blocks;
    size_t blocks_count;
    const struct db_row *rows;
    size_t rows_count;
};
MUST_USE enum status db_commit(struct db *db, const struct db_commit *commit, struct error *error);

/* Does the active run take a block of this size now? When not, the sealer is behind: stop taking
 * reports until on_sealed. */
bool db_room(const struct db *db, uint32_t entries_count, size_t payload_bytes);
/* Makes a committed block visible to reads. CHECKs db_room and the order of sequence numbers.
 * `now_ms` ages the run. */
void db_publish(struct db *db, const struct block *block, int64_t now_ms);
/* Called every second or so: seals a run that has become old. */
void db_tick(struct db *db, int64_t now_ms);
/* Highest acknowledged sequence number, for the watermark file (written at most once a second on
 * the sealer thread). */
void db_acknowledge(struct db *db, uint64_t seq);

/* Stored reports by timeline position, compared by their full identity; where `by_identity` is set
 * and the position has nothing, also by identity alone among the clock-suspect ones. `stored` is
 * set where `state` is LOOKUP_FOUND. */
struct db_lookup {
    struct timeline_position position;
    struct identity identity;
    bool by_identity;
    enum lookup state;           /* out */
    struct stored_report stored; /* out */
};
MUST_USE enum status db_lookup(struct db *db, struct db_lookup *lookups, size_t count,
                               struct error *error);

/* One published entry by sequence number. NOT_FOUND when there is none (yet, or aged out). */
MUST_USE enum status db_read_seq(struct db *db, uint64_t seq, timeline_row_cb callback,
                                 void *context, struct error *error);
/* Journal entries from `seq` on, in order, until the callback says stop or the published end. For
 * feed readers that fell behind. `*ret_oldest` is the oldest sequence number the journal still has
 * (set on NOT_FOUND too: `seq` is older). */
MUST_USE enum status db_read_journal(struct db *db, uint64_t seq, timeline_row_cb callback,
                                     void *context, uint64_t *ret_oldest, struct error *error);

/* Rows of the families that commits write (struct db_row), as of the last commit. Any thread. */
/* NOT_FOUND leaves `ret` alone; store_value_free it otherwise. */
MUST_USE enum status db_get_row(struct db *db, enum family family, struct slice key,
                                struct store_value *ret, struct error *error);
/* From `from` on, in key order (or back from it: `from` itself first), while keys begin with
 * `prefix`, until the callback says stop. The walk sees one instant. */
typedef bool (*db_row_cb)(void *context, struct slice key, struct slice value);
struct db_walk {
    enum family family;
    struct slice from, prefix; /* prefix empty: to the family's end */
    bool backward;
};
MUST_USE enum status db_walk_rows(struct db *db, const struct db_walk *walk, db_row_cb callback,
                                  void *context, struct error *error);

/* The newest block on disk: its last sequence number, and its hash, which proves all before it.
 * NOT_FOUND: there is none. Any thread. */
struct db_head {
    uint64_t seq;
    uint8_t hash[32];
};
MUST_USE enum status db_read_head(struct db *db, struct db_head *ret, struct error *error);

struct db_stats {
    uint64_t durable_seq;                    /* highest committed */
    uint64_t sealed_through;                 /* highest in sealed runs */
    uint64_t oldest_seq;                     /* of the journal; next_seq when it is empty */
    uint64_t run_entries, run_bytes;         /* active run */
    uint64_t sealing_entries, sealing_bytes; /* 0: none */
    uint64_t runs_sealed_total, seal_us_total;
    uint64_t watermark_seq;
    uint64_t run_memory_bytes;
    struct store_stats store;
};
void db_stats(struct db *db, struct db_stats *ret);

/* Free bytes of the file system the data is on; UINT64_MAX for the memory store. */
uint64_t db_disk_free_bytes(const struct db *db);
/* Copies a consistent state to a new directory while everything goes on (see backup.h). Pool
 * thread. */
MUST_USE enum status db_backup(struct db *db, const char *to, struct error *error);

#endif
