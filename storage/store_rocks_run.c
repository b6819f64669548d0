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

struct rocks_run {
    struct store_run base;
    rocksdb_envoptions_t *env_options;
    rocksdb_sstfilewriter_t *writer;
    char path[4096];
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

static void run_free(struct rocks_run *run) {
    rocksdb_sstfilewriter_destroy(run->writer);
    rocksdb_envoptions_destroy(run->env_options);
    free(run);
}

enum status rocks_run_new(struct store_run **ret, struct store *base, uint64_t number,
                          struct error *error) {
    struct rocks_store *store = (struct rocks_store *)base;
    CHECK(!store->read_only);
    struct rocks_run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        return STATUS_NO_MEMORY;
    }
    run->base.store = base;
    int bytes = snprintf(run->path, sizeof run->path, "%s/" STORE_DIR_RUNS "/%" PRIu64 ".sst",
                         store->path, number);
    CHECK(bytes > 0 && (size_t)bytes < sizeof run->path);
    run->env_options = rocksdb_envoptions_create();
    run->writer =
        rocksdb_sstfilewriter_create(run->env_options, store->family_options[FAMILY_TIMELINE]);
    char *message = NULL;
    rocksdb_sstfilewriter_open(run->writer, run->path, &message);
    enum status status = rocks_status(message, error);
    if (status != STATUS_OK) {
        run_free(run);
        return status;
    }
    *ret = &run->base;
    return STATUS_OK;
}

enum status rocks_run_put(struct store_run *base, struct slice key, struct slice value,
                          struct error *error) {
    struct rocks_run *run = (struct rocks_run *)base;
    CHECK_SLOW(key.bytes == TIMELINE_KEY_BYTES);
    char *message = NULL;
    rocksdb_sstfilewriter_put(run->writer, (const char *)key.data, key.bytes,
                              (const char *)value.data, value.bytes, &message);
    return rocks_status(message, error);
}

static enum status ingest(struct rocks_store *store, const char *path, struct error *error) {
    rocksdb_ingestexternalfileoptions_t *options = rocksdb_ingestexternalfileoptions_create();
    rocksdb_ingestexternalfileoptions_set_move_files(options, 1);
    rocksdb_ingestexternalfileoptions_set_snapshot_consistency(options, 1);
    rocksdb_ingestexternalfileoptions_set_allow_global_seqno(options, 1);
    /* A flush could only be needed if somebody had written into the family: refuse instead. */
    rocksdb_ingestexternalfileoptions_set_allow_blocking_flush(options, 0);
    char *message = NULL;
    rocksdb_ingest_external_file_cf(store->db, store->families[FAMILY_TIMELINE], &path, 1, options,
                                    &message);
    rocksdb_ingestexternalfileoptions_destroy(options);
    return rocks_status(message, error);
}

enum status rocks_run_finish(struct store_run *base, struct error *error) {
    struct rocks_run *run = (struct rocks_run *)base;
    enum status status = STATUS_OK;
    if (base->rows_count > 0) {
        char *message = NULL;
        rocksdb_sstfilewriter_finish(run->writer, &message);
        status = rocks_status(message, error);
        if (status == STATUS_OK) {
            status = ingest((struct rocks_store *)base->store, run->path, error);
        }
    }
    rocks_run_abort(base);
    return status;
}

void rocks_run_abort(struct store_run *base) {
    struct rocks_run *run = (struct rocks_run *)base;
    /* Taken in or not, the name in runs/ goes; a failure leaves it to the next open's sweep. */
    (void)unlink(run->path);
    run_free(run);
}
