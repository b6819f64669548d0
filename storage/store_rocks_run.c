/* Sealed runs: a sorted file is written beside the database and taken in whole. The timeline family
 * never takes a memtable write, which is what makes ingestion safe in this RocksDB
 * (storage/README.md, "RocksDB"). */
#include "core/base/check.h"
#include "storage/keys.h"
#include "storage/store_dir.h"
#include "storage/store_rocks.h"

#include <errno.h>
#include <inttypes.h>
#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHECKSUM_XXH3 = 4, TABLE_FORMAT = 5 };

struct rocks_file {
    struct rocks_store *store;
    enum family family;
    rocksdb_envoptions_t *env_options;
    rocksdb_sstfilewriter_t *writer;
    char path[4096];
};

struct rocks_run {
    struct store_run base;
    struct rocks_file *file;
};

rocksdb_block_based_table_options_t *rocks_table_options(rocksdb_cache_t *cache, size_t block_bytes,
                                                         double bits_per_key) {
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_format_version(table, TABLE_FORMAT);
    rocksdb_block_based_options_set_checksum(table, CHECKSUM_XXH3);
    rocksdb_block_based_options_set_block_size(table, block_bytes);
    rocksdb_block_based_options_set_block_cache(table, cache);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(table, 1);
    rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(table, 1);
    if (bits_per_key > 0) {
        /* The policy belongs to the options from here on. */
        rocksdb_block_based_options_set_filter_policy(
            table, rocksdb_filterpolicy_create_bloom_full(bits_per_key));
    }
    return table;
}

void rocks_timeline_options(rocksdb_options_t *options, rocksdb_cache_t *cache) {
    rocksdb_options_set_prefix_extractor(
        options, rocksdb_slicetransform_create_fixed_prefix(TIMELINE_KEY_PREFIX_BYTES));
    rocksdb_options_set_compression(options, rocksdb_lz4_compression);
    rocksdb_options_set_level0_file_num_compaction_trigger(options, 8);
    rocksdb_options_set_level0_slowdown_writes_trigger(options, 1 << 20);
    rocksdb_options_set_level0_stop_writes_trigger(options, 1 << 20);
    rocksdb_options_set_soft_pending_compaction_bytes_limit(options, 0);
    rocksdb_options_set_hard_pending_compaction_bytes_limit(options, 0);
    rocksdb_options_set_target_file_size_base(options, 64 * MIB);
    rocksdb_options_set_compaction_style(options, rocksdb_universal_compaction);
    rocksdb_universal_compaction_options_t *universal =
        rocksdb_universal_compaction_options_create();
    rocksdb_universal_compaction_options_set_stop_style(universal,
                                                        rocksdb_similar_size_compaction_stop_style);
    rocksdb_universal_compaction_options_set_size_ratio(universal, 100);
    rocksdb_universal_compaction_options_set_min_merge_width(universal, 4);
    rocksdb_universal_compaction_options_set_max_size_amplification_percent(universal, 10000000);
    rocksdb_options_set_universal_compaction_options(options, universal);
    rocksdb_universal_compaction_options_destroy(universal);
    rocksdb_block_based_table_options_t *table = rocks_table_options(cache, 8 * KIB, 10);
    rocksdb_block_based_options_set_whole_key_filtering(table, 1);
    rocksdb_options_set_block_based_table_factory(options, table);
    rocksdb_block_based_options_destroy(table);
}

static void file_free(struct rocks_file *file) {
    rocksdb_sstfilewriter_destroy(file->writer);
    rocksdb_envoptions_destroy(file->env_options);
    free(file);
}

enum status rocks_file_new(struct rocks_file **ret, struct rocks_store *store, enum family family,
                           const char *name, struct error *error) {
    CHECK(!store->read_only);
    struct rocks_file *file = calloc(1, sizeof *file);
    if (file == NULL) {
        return STATUS_NO_MEMORY;
    }
    file->store = store;
    file->family = family;
    int bytes =
        snprintf(file->path, sizeof file->path, "%s/" STORE_DIR_RUNS "/%s.sst", store->path, name);
    CHECK(bytes > 0 && (size_t)bytes < sizeof file->path);
    file->env_options = rocksdb_envoptions_create();
    file->writer = rocksdb_sstfilewriter_create(file->env_options, store->family_options[family]);
    char *message = NULL;
    rocksdb_sstfilewriter_open(file->writer, file->path, &message);
    enum status status = rocks_status(message, error);
    if (status != STATUS_OK) {
        file_free(file);
        return status;
    }
    *ret = file;
    return STATUS_OK;
}

enum status rocks_file_put(struct rocks_file *file, struct slice key, struct slice value,
                           bool remove, struct error *error) {
    char *message = NULL;
    if (remove) {
        rocksdb_sstfilewriter_delete(file->writer, (const char *)key.data, key.bytes, &message);
    } else {
        rocksdb_sstfilewriter_put(file->writer, (const char *)key.data, key.bytes,
                                  (const char *)value.data, value.bytes, &message);
    }
    return rocks_status(message, error);
}

static enum status ingest(const struct rocks_file *file, struct error *error) {
    rocksdb_ingestexternalfileoptions_t *options = rocksdb_ingestexternalfileoptions_create();
    rocksdb_ingestexternalfileoptions_set_move_files(options, 1);
    rocksdb_ingestexternalfileoptions_set_snapshot_consistency(options, 1);
    rocksdb_ingestexternalfileoptions_set_allow_global_seqno(options, 1);
    /* A flush could only be needed if somebody had written into the family: refuse instead. */
    rocksdb_ingestexternalfileoptions_set_allow_blocking_flush(options, 0);
    const char *path = file->path;
    char *message = NULL;
    rocksdb_ingest_external_file_cf(file->store->db, file->store->families[file->family], &path, 1,
                                    options, &message);
    rocksdb_ingestexternalfileoptions_destroy(options);
    return rocks_status(message, error);
}

enum status rocks_file_finish(struct rocks_file *file, struct error *error) {
    char *message = NULL;
    rocksdb_sstfilewriter_finish(file->writer, &message);
    enum status status = rocks_status(message, error);
    if (status == STATUS_OK) {
        status = ingest(file, error);
    }
    rocks_file_abort(file);
    return status;
}

void rocks_file_abort(struct rocks_file *file) {
    /* Taken in or not, the name in runs/ goes; a failure leaves it to the next open's sweep. */
    (void)unlink(file->path);
    file_free(file);
}

enum status rocks_run_new(struct store_run **ret, struct store *base, uint64_t number,
                          struct error *error) {
    char name[32];
    (void)snprintf(name, sizeof name, "%" PRIu64, number);
    struct rocks_run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        return STATUS_NO_MEMORY;
    }
    run->base.store = base;
    enum status status =
        rocks_file_new(&run->file, (struct rocks_store *)base, FAMILY_TIMELINE, name, error);
    if (status != STATUS_OK) {
        free(run);
        return status;
    }
    *ret = &run->base;
    return STATUS_OK;
}

enum status rocks_run_put(struct store_run *base, struct slice key, struct slice value,
                          struct error *error) {
    CHECK_SLOW(key.bytes == TIMELINE_KEY_BYTES);
    return rocks_file_put(((struct rocks_run *)base)->file, key, value, false, error);
}

enum status rocks_run_finish(struct store_run *base, struct error *error) {
    struct rocks_run *run = (struct rocks_run *)base;
    if (base->rows_count == 0) {
        rocks_run_abort(base);
        return STATUS_OK;
    }
    enum status status = rocks_file_finish(run->file, error);
    free(run);
    return status;
}

void rocks_run_abort(struct store_run *base) {
    struct rocks_run *run = (struct rocks_run *)base;
    rocks_file_abort(run->file);
    free(run);
}
