/* What the two files of the RocksDB store share. Includes no RocksDB header. */
#ifndef STORAGE_STORE_ROCKS_H
#define STORAGE_STORE_ROCKS_H

#include "storage/staged.h"
#include "storage/store_ops.h"

#include <pthread.h>

struct rocks_store {
    struct store base;
    struct rocksdb_t *db;
    struct rocksdb_options_t *db_options;
    struct rocksdb_options_t *family_options[FAMILY_COUNT];
    struct rocksdb_column_family_handle_t *families[FAMILY_COUNT]; /* not there: default_family */
    struct rocksdb_column_family_handle_t *default_family; /* RocksDB insists on it; stays empty */
    struct rocksdb_cache_t *cache;
    struct rocksdb_writeoptions_t *write_options; /* sync */
    struct rocksdb_readoptions_t *read_options;
    char *path;
    int lock_fd;
    bool read_only;
    /* Rows of incidents and members (storage/staged.h). */
    struct staged *staged;
    uint64_t settle_bytes;     /* settling is due */
    uint64_t staged_number;    /* of the last pack; the writing thread's */
    pthread_mutex_t settling;  /* one at a time */
    pthread_mutex_t mark_lock; /* over what follows */
    bool mark_due;             /* the next write tells what is settled */
    struct staged_mark *mark;  /* what it tells */
};

struct rocks_batch {
    struct store_batch base;
    struct rocksdb_writebatch_t *batch;
    struct staged_pack pack;
};

/* Frees RocksDB's message and turns it into a status; OK when there is none. */
MUST_USE enum status rocks_status(char *message, struct error *error);

/* store_rocks.c: over the rows of the files (and memtables) alone. */
MUST_USE enum status rocks_rows_iter_new(struct store_iter **ret, struct rocks_store *store,
                                         enum family family);

/* store_rocks_staged.c */
void rocks_staged_init(struct rocks_store *store);
/* Reads what is staged; CORRUPT when some of it, or of what was settled, is missing. */
MUST_USE enum status rocks_staged_open(struct rocks_store *store, struct error *error);
void rocks_staged_close(struct rocks_store *store);
/* Puts the batch's pack, and what the last settling left to tell, into what is written; the rows
 * are seen once rocks_staged_written is called. */
MUST_USE enum status rocks_staged_write(struct staged_segment **ret, struct rocks_store *store,
                                        struct rocks_batch *batch, struct error *error);
MUST_USE enum status rocks_staged_written(struct rocks_store *store, struct staged_segment *segment,
                                          struct error *error);
bool rocks_settle_is_due(const struct store *store);
enum status rocks_settle(struct store *store, struct error *error);
/* Do the staged rows say what the key's row is? Then `*ret_status` is store_get's answer. */
bool rocks_staged_get(struct rocks_store *store, enum family family, struct slice key,
                      struct store_value *ret, enum status *ret_status);
/* store_rocks_merge.c: an iterator over staged rows and those of the files. */
MUST_USE enum status rocks_merge_new(struct store_iter **ret, struct rocks_store *store,
                                     enum family family);

/* store_rocks_run.c */
/* A sorted file of any family on its way in; `name` without its ending. */
struct rocks_file; /* opaque */
MUST_USE enum status rocks_file_new(struct rocks_file **ret, struct rocks_store *store,
                                    enum family family, const char *name, struct error *error);
/* `remove`: the key goes. Keys rise. */
MUST_USE enum status rocks_file_put(struct rocks_file *file, struct slice key, struct slice value,
                                    bool remove, struct error *error);
/* Both free the file. Finishing takes it in by move. */
MUST_USE enum status rocks_file_finish(struct rocks_file *file, struct error *error);
void rocks_file_abort(struct rocks_file *file);
enum status rocks_run_new(struct store_run **ret, struct store *store, uint64_t number,
                          struct error *error);
enum status rocks_run_put(struct store_run *run, struct slice key, struct slice value,
                          struct error *error);
enum status rocks_run_finish(struct store_run *run, struct error *error);
void rocks_run_abort(struct store_run *run);
/* Options of FAMILY_TIMELINE, on top of the common ones. */
void rocks_timeline_options(struct rocksdb_options_t *options, struct rocksdb_cache_t *cache);
/* Block format that all families share. `bits_per_key` 0: no bloom filter. Owned by the caller. */
struct rocksdb_block_based_table_options_t *
rocks_table_options(struct rocksdb_cache_t *cache, size_t block_bytes, double bits_per_key);

#endif
