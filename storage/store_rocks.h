/* What the two files of the RocksDB store share. Includes no RocksDB header. */
#ifndef STORAGE_STORE_ROCKS_H
#define STORAGE_STORE_ROCKS_H

#include "storage/store_ops.h"

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
};

/* Frees RocksDB's message and turns it into a status; OK when there is none. */
MUST_USE enum status rocks_status(char *message, struct error *error);

/* store_rocks_run.c */
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
