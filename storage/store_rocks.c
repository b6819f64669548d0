/* The RocksDB store. Every option that differs from RocksDB's default has its reason in
 * storage/README.md, "RocksDB". */
#include "storage/store_rocks.h"

#include "core/base/check.h"
#include "storage/store_dir.h"

#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PERF_LEVEL_DISABLE = 1,
    POINT_IN_TIME_RECOVERY = 2,
    PARTS_MAX = 8,
    CACHE_SHARD_BITS = 2,
    ROWS_FILTER_BITS = 10,
    SETTLE_BYTES = 16 * MIB,
    SETTLED_FILES = 16
};

struct rocks_iter {
    struct store_iter base;
    rocksdb_readoptions_t *options;
    rocksdb_iterator_t *iter;
};

static const char *const family_names[] = {
#define FAMILY_TEXT(name, text) text,
    STORE_FAMILIES(FAMILY_TEXT)
#undef FAMILY_TEXT
};

static enum status status_of_message(const char *message) {
    if (strstr(message, "No space left") != NULL || strstr(message, "quota exceeded") != NULL) {
        return STATUS_NO_SPACE;
    }
    if (strncmp(message, "Corruption", 10) == 0) {
        return STATUS_CORRUPT;
    }
    if (strstr(message, "does not exist (create_if_missing is false)") != NULL) {
        return STATUS_NOT_FOUND;
    }
    if (strstr(message, "Column families not opened") != NULL) {
        return STATUS_VERSION;
    }
    if (strstr(message, "lock hold by current process") != NULL ||
        strstr(message, "While lock file") != NULL) {
        return STATUS_BUSY;
    }
    return STATUS_IO;
}

enum status rocks_status(char *message, struct error *error) {
    if (message == NULL) {
        return STATUS_OK;
    }
    enum status status = error_set(error, status_of_message(message), message, NULL, NULL);
    rocksdb_free(message);
    return status;
}

/* Settings that have no function of their own in the C interface. */
static enum status options_from_text(rocksdb_options_t **ret, const char *text,
                                     struct error *error) {
    rocksdb_options_t *base = rocksdb_options_create(), *options = rocksdb_options_create();
    char *message = NULL;
    rocksdb_get_options_from_string(base, text, options, &message);
    rocksdb_options_destroy(base);
    enum status status = rocks_status(message, error);
    if (status != STATUS_OK) {
        rocksdb_options_destroy(options);
        return status;
    }
    *ret = options;
    return STATUS_OK;
}

static enum status make_db_options(struct rocks_store *store, const struct store_options *from,
                                   struct error *error) {
    rocksdb_options_t *options;
    enum status status = options_from_text(
        &options, "track_and_verify_wals_in_manifest=true;verify_sst_unique_id_in_manifest=true",
        error);
    if (status != STATUS_OK) {
        return status;
    }
    rocksdb_options_set_create_if_missing(options, from->create);
    rocksdb_options_set_create_missing_column_families(options, !from->read_only);
    rocksdb_options_set_paranoid_checks(options, 1);
    rocksdb_options_set_wal_recovery_mode(options, POINT_IN_TIME_RECOVERY);
    rocksdb_options_set_max_total_wal_size(options, 256 * MIB);
    rocksdb_options_set_recycle_log_file_num(options, 0);
    rocksdb_options_set_manual_wal_flush(options, 0);
    rocksdb_options_set_atomic_flush(options, 0);
    rocksdb_options_set_max_open_files(options, -1);
    rocksdb_options_set_allow_mmap_reads(options, 0);
    rocksdb_options_set_allow_mmap_writes(options, 0);
    rocksdb_options_set_use_fsync(options, 0);
    rocksdb_options_set_bytes_per_sync(options, MIB);
    rocksdb_options_set_wal_bytes_per_sync(options, 0);
    rocksdb_options_set_max_background_jobs(options, from->background_jobs);
    /* Merging gives way to intake: a burst is absorbed first and settled after. */
    rocksdb_env_t *env = rocksdb_create_default_env();
    rocksdb_env_lower_thread_pool_cpu_priority(env);
    rocksdb_options_set_env(options, env);
    rocksdb_env_destroy(env);
    rocksdb_options_set_allow_concurrent_memtable_write(options, 0);
    rocksdb_options_set_enable_pipelined_write(options, 0);
    rocksdb_options_set_unordered_write(options, 0);
    rocksdb_options_set_keep_log_file_num(options, 5);
    rocksdb_options_set_max_log_file_size(options, 16 * MIB);
    rocksdb_options_set_stats_dump_period_sec(options, 0);
    rocksdb_options_set_stats_persist_period_sec(options, 0);
    if (from->read_only) {
        /* A place that cannot be made: without it even a read-only open writes its LOG. */
        rocksdb_options_set_db_log_dir(options, "/dev/null/none");
    }
    store->db_options = options;
    return STATUS_OK;
}

/* Journal keys only rise, so files never overlap and a level change moves them by name. Two levels,
 * the lower one without a bound, so that nothing is ever rewritten. */
static void journal_options(rocksdb_options_t *options, rocksdb_cache_t *cache) {
    rocksdb_options_set_num_levels(options, 2);
    rocksdb_options_set_level0_file_num_compaction_trigger(options, 2);
    rocksdb_options_set_level0_slowdown_writes_trigger(options, 1000);
    rocksdb_options_set_level0_stop_writes_trigger(options, 2000);
    rocksdb_options_set_target_file_size_base(options, GIB);
    rocksdb_options_set_max_bytes_for_level_base(options, UINT64_C(1) << 50);
    rocksdb_options_set_compression(options, rocksdb_no_compression);
    rocksdb_block_based_table_options_t *table = rocks_table_options(cache, 4 * KIB, 0);
    rocksdb_options_set_block_based_table_factory(options, table);
    rocksdb_block_based_options_destroy(table);
}

static void rows_options(rocksdb_options_t *options, rocksdb_cache_t *cache, double filter_bits) {
    rocksdb_options_set_compression(options, rocksdb_lz4_compression);
    rocksdb_block_based_table_options_t *table = rocks_table_options(cache, 4 * KIB, filter_bits);
    rocksdb_options_set_block_based_table_factory(options, table);
    rocksdb_block_based_options_destroy(table);
}

/* Files come settled, some MiB each, over all incidents that are open: as much comes together as
 * one level holds until it is merged. Merging has the lowest priority, and intake must not be
 * slowed down for waiting files. */
static void settled_options(rocksdb_options_t *options) {
    rocksdb_options_set_level0_file_num_compaction_trigger(options, SETTLED_FILES);
    rocksdb_options_set_level0_slowdown_writes_trigger(options, 8 * SETTLED_FILES);
    rocksdb_options_set_level0_stop_writes_trigger(options, 16 * SETTLED_FILES);
}

static enum status make_family_options(struct rocks_store *store, enum family family,
                                       uint64_t memtable_bytes, struct error *error) {
    rocksdb_options_t *options;
    /* Not for packs: they go to the end anyway, and RocksDB takes a hint of its memtable for its
     * ranges that are deleted, too. */
    enum status status = options_from_text(
        &options,
        family == FAMILY_STAGED ? "ttl=0;periodic_compaction_seconds=0"
                                : "ttl=0;periodic_compaction_seconds=0;"
                                  "memtable_insert_with_hint_prefix_extractor=fixed:1",
        error);
    if (status != STATUS_OK) {
        return status;
    }
    rocksdb_options_set_write_buffer_size(options, memtable_bytes);
    rocksdb_options_set_max_write_buffer_number(options, 2);
    switch (family) {
    case FAMILY_INCIDENTS:
    case FAMILY_MEMBERS:
        rows_options(options, store->cache, ROWS_FILTER_BITS);
        settled_options(options);
        break;
    case FAMILY_META:
    case FAMILY_REGIONS:
    case FAMILY_MOVED:
    case FAMILY_TICKETS:
    case FAMILY_DIRECTIVES:
    case FAMILY_POLICIES:
    case FAMILY_CREATES:
    case FAMILY_SUSPECTS:
    case FAMILY_TOKENS:
        rows_options(options, store->cache, ROWS_FILTER_BITS);
        break;
    case FAMILY_DEADLINES: /* walked, never asked for a key */
    case FAMILY_AUDIT:
        rows_options(options, store->cache, 0);
        break;
    case FAMILY_STAGED: /* read once, and nearly all of it is settled before it is flushed */
        rows_options(options, store->cache, 0);
        rocksdb_options_set_compression(options, rocksdb_no_compression);
        break;
    case FAMILY_JOURNAL:
        journal_options(options, store->cache);
        break;
    case FAMILY_TIMELINE:
        rocks_timeline_options(options, store->cache);
        break;
    case FAMILY_COUNT:
        CHECK(false);
    }
    store->family_options[family] = options;
    return STATUS_OK;
}

/* A sealed run's filter is near a megabyte and must fit into one shard, or it is read from the file
 * for every question. */
static rocksdb_cache_t *make_cache(uint64_t bytes) {
    rocksdb_lru_cache_options_t *options = rocksdb_lru_cache_options_create();
    rocksdb_lru_cache_options_set_capacity(options, bytes);
    rocksdb_lru_cache_options_set_num_shard_bits(options, CACHE_SHARD_BITS);
    rocksdb_cache_t *cache = rocksdb_cache_create_lru_opts(options);
    rocksdb_lru_cache_options_destroy(options);
    return cache;
}

static enum status make_options(struct rocks_store *store, const struct store_options *from,
                                struct error *error) {
    CHECK(from->background_jobs >= 1 && from->background_jobs <= 4);
    store->cache = make_cache(from->cache_bytes);
    enum status status = make_db_options(store, from, error);
    for (size_t i = 0; i < FAMILY_COUNT && status == STATUS_OK; i++) {
        status = make_family_options(store, (enum family)i, from->memtable_bytes, error);
    }
    store->write_options = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(store->write_options, 1);
    store->read_options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(store->read_options, 1);
    return status;
}

/* Marks the families that are there. A read-only open can make none, so those that are missing must
 * not be asked for. */
static enum status find_families(bool found[FAMILY_COUNT], const struct rocks_store *store,
                                 struct error *error) {
    char *message = NULL;
    size_t count = 0;
    char **names = rocksdb_list_column_families(store->db_options, store->path, &count, &message);
    enum status status = rocks_status(message, error);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        found[i] = false;
        for (size_t j = 0; j < count && !found[i]; j++) {
            found[i] = strcmp(names[j], family_names[i]) == 0;
        }
    }
    rocksdb_list_column_families_destroy(names, count);
    return STATUS_OK;
}

static enum status open_db_read_only(struct rocks_store *store, struct error *error) {
    const char *names[FAMILY_COUNT + 1] = {"default"};
    const rocksdb_options_t *options[FAMILY_COUNT + 1] = {store->db_options};
    rocksdb_column_family_handle_t *handles[FAMILY_COUNT + 1];
    bool found[FAMILY_COUNT];
    enum status status = find_families(found, store, error);
    if (status != STATUS_OK) {
        return status;
    }
    int count = 1;
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        if (found[i]) {
            names[count] = family_names[i];
            options[count++] = store->family_options[i];
        }
    }
    char *message = NULL;
    store->db = rocksdb_open_for_read_only_column_families(store->db_options, store->path, count,
                                                           names, options, handles, 0, &message);
    status = rocks_status(message, error);
    if (status == STATUS_OK) {
        store->default_family = handles[0];
        for (size_t i = 0, at = 1; i < FAMILY_COUNT; i++) {
            store->families[i] = found[i] ? handles[at++] : handles[0];
        }
    }
    return status;
}

static enum status open_db(struct rocks_store *store, struct error *error) {
    const char *names[FAMILY_COUNT + 1] = {"default"};
    const rocksdb_options_t *options[FAMILY_COUNT + 1] = {store->db_options};
    rocksdb_column_family_handle_t *handles[FAMILY_COUNT + 1];
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        names[i + 1] = family_names[i];
        options[i + 1] = store->family_options[i];
    }
    char *message = NULL;
    store->db = rocksdb_open_column_families(store->db_options, store->path, FAMILY_COUNT + 1,
                                             names, options, handles, &message);
    enum status status = rocks_status(message, error);
    if (status == STATUS_OK) {
        CHECK(store->db != NULL);
        store->default_family = handles[0];
        memcpy(store->families, handles + 1, sizeof store->families);
    }
    return status;
}

static void rocks_close(struct store *base) {
    struct rocks_store *store = (struct rocks_store *)base;
    rocks_staged_close(store);
    if (store->db != NULL) {
        for (size_t i = 0; i < FAMILY_COUNT; i++) {
            if (store->families[i] != store->default_family) {
                rocksdb_column_family_handle_destroy(store->families[i]);
            }
        }
        rocksdb_column_family_handle_destroy(store->default_family);
        rocksdb_close(store->db);
    }
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        if (store->family_options[i] != NULL) {
            rocksdb_options_destroy(store->family_options[i]);
        }
    }
    if (store->db_options != NULL) {
        rocksdb_options_destroy(store->db_options);
    }
    if (store->cache != NULL) {
        rocksdb_cache_destroy(store->cache);
        rocksdb_writeoptions_destroy(store->write_options);
        rocksdb_readoptions_destroy(store->read_options);
    }
    if (store->lock_fd >= 0) {
        close(store->lock_fd);
    }
    free(store->path);
    free(store);
}

static enum status rocks_batch_new(struct store_batch **ret, struct store *store) {
    struct rocks_batch *batch = calloc(1, sizeof *batch);
    if (batch == NULL) {
        return STATUS_NO_MEMORY;
    }
    batch->base.store = store;
    batch->batch = rocksdb_writebatch_create();
    *ret = &batch->base;
    return STATUS_OK;
}

static void rocks_batch_free(struct store_batch *base) {
    struct rocks_batch *batch = (struct rocks_batch *)base;
    rocksdb_writebatch_destroy(batch->batch);
    staged_pack_deinit(&batch->pack);
    free(batch);
}

static void rocks_batch_reset(struct store_batch *base) {
    rocksdb_writebatch_clear(((struct rocks_batch *)base)->batch);
    staged_pack_reset(&((struct rocks_batch *)base)->pack);
}

static rocksdb_column_family_handle_t *batch_family(const struct store_batch *base,
                                                    enum family family) {
    return ((struct rocks_store *)base->store)->families[family];
}

static void rocks_batch_put(struct store_batch *base, enum family family, struct slice key,
                            const struct slice *parts, size_t parts_count) {
    CHECK(parts_count <= PARTS_MAX);
    if (staged_family(family)) {
        staged_pack_put(&((struct rocks_batch *)base)->pack, family, key, parts, parts_count);
        return;
    }
    const char *values[PARTS_MAX];
    size_t values_bytes[PARTS_MAX];
    for (size_t i = 0; i < parts_count; i++) {
        values[i] = (const char *)parts[i].data;
        values_bytes[i] = parts[i].bytes;
    }
    const char *key_text = (const char *)key.data;
    if (parts_count == 1) { /* nearly all: without the lists of parts */
        rocksdb_writebatch_put_cf(((struct rocks_batch *)base)->batch, batch_family(base, family),
                                  key_text, key.bytes, values[0], values_bytes[0]);
        return;
    }
    rocksdb_writebatch_putv_cf(((struct rocks_batch *)base)->batch, batch_family(base, family), 1,
                               &key_text, &key.bytes, (int)parts_count, values, values_bytes);
}

static void rocks_batch_delete(struct store_batch *base, enum family family, struct slice key) {
    if (staged_family(family)) {
        staged_pack_put(&((struct rocks_batch *)base)->pack, family, key, NULL, 0);
        return;
    }
    rocksdb_writebatch_delete_cf(((struct rocks_batch *)base)->batch, batch_family(base, family),
                                 (const char *)key.data, key.bytes);
}

static enum status rocks_write(struct store *base, struct store_batch *batch, struct error *error) {
    struct rocks_store *store = (struct rocks_store *)base;
    CHECK(!store->read_only);
    struct staged_segment *segment = NULL;
    enum status status = rocks_staged_write(&segment, store, (struct rocks_batch *)batch, error);
    if (status != STATUS_OK) {
        return status;
    }
    char *message = NULL;
    rocksdb_set_perf_level(PERF_LEVEL_DISABLE);
    rocksdb_write(store->db, store->write_options, ((struct rocks_batch *)batch)->batch, &message);
    status = rocks_status(message, error);
    if (status != STATUS_OK) {
        staged_segment_unref(segment);
        return status;
    }
    return rocks_staged_written(store, segment, error);
}

static enum status rocks_get(struct store *base, enum family family, struct slice key,
                             struct store_value *ret, struct error *error) {
    struct rocks_store *store = (struct rocks_store *)base;
    char *message = NULL;
    size_t bytes = 0;
    enum status staged;
    if (staged_family(family) && rocks_staged_get(store, family, key, ret, &staged)) {
        return staged;
    }
    char *value = rocksdb_get_cf(store->db, store->read_options, store->families[family],
                                 (const char *)key.data, key.bytes, &bytes, &message);
    enum status status = rocks_status(message, error);
    if (status != STATUS_OK || value == NULL) {
        return status != STATUS_OK ? status : STATUS_NOT_FOUND;
    }
    *ret = (struct store_value){{(const uint8_t *)value, bytes}, value};
    return STATUS_OK;
}

/* Copies a found value out of RocksDB's pinned memory. */
static enum status take_value(struct store_value *ret, rocksdb_pinnableslice_t *pinned) {
    size_t bytes = 0;
    const char *data = rocksdb_pinnableslice_value(pinned, &bytes);
    uint8_t *copy = malloc(bytes + 1);
    if (copy == NULL) {
        return STATUS_NO_MEMORY;
    }
    memcpy(copy, data, bytes);
    ret->bytes = (struct slice){copy, bytes};
    ret->owner = copy;
    return STATUS_OK;
}

struct multi_get {
    const char **keys;
    size_t *keys_bytes;
    rocksdb_pinnableslice_t **values;
    char **messages;
};

static void multi_get_free(struct multi_get *call) {
    free(call->keys);
    free(call->keys_bytes);
    free(call->values);
    free(call->messages);
}

static bool multi_get_init(struct multi_get *call, const struct slice *keys, size_t keys_count) {
    *call = (struct multi_get){
        .keys = calloc(keys_count, sizeof *call->keys),
        .keys_bytes = calloc(keys_count, sizeof *call->keys_bytes),
        .values = calloc(keys_count, sizeof(void *)),
        .messages = calloc(keys_count, sizeof *call->messages),
    };
    if (call->keys == NULL || call->keys_bytes == NULL || call->values == NULL ||
        call->messages == NULL) {
        multi_get_free(call);
        return false;
    }
    for (size_t i = 0; i < keys_count; i++) {
        call->keys[i] = (const char *)keys[i].data;
        call->keys_bytes[i] = keys[i].bytes;
    }
    return true;
}

static enum status get_one_by_one(struct store *store, enum family family, const struct slice *keys,
                                  size_t keys_count, struct store_value *found,
                                  struct error *error) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < keys_count && status == STATUS_OK; i++) {
        status = rocks_get(store, family, keys[i], &found[i], error);
        status = status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    return status;
}

static enum status rocks_multi_get(struct store *base, enum family family, const struct slice *keys,
                                   size_t keys_count, struct store_value *found,
                                   struct error *error) {
    struct rocks_store *store = (struct rocks_store *)base;
    struct multi_get call;
    if (staged_family(family)) {
        return get_one_by_one(base, family, keys, keys_count, found, error);
    }
    if (!multi_get_init(&call, keys, keys_count)) {
        return STATUS_NO_MEMORY;
    }
    rocksdb_batched_multi_get_cf(store->db, store->read_options, store->families[family],
                                 keys_count, call.keys, call.keys_bytes, call.values, call.messages,
                                 false);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < keys_count; i++) {
        enum status one = rocks_status(call.messages[i], error);
        if (call.values[i] != NULL) {
            if (one == STATUS_OK) {
                one = take_value(&found[i], call.values[i]);
            }
            rocksdb_pinnableslice_destroy(call.values[i]);
        }
        status = status != STATUS_OK ? status : one;
    }
    multi_get_free(&call);
    return status;
}

static struct store_snapshot *rocks_snapshot_new(struct store *base) {
    struct rocks_store *store = (struct rocks_store *)base;
    return (struct store_snapshot *)rocksdb_create_snapshot(store->db);
}

static void rocks_snapshot_free(struct store *base, struct store_snapshot *snapshot) {
    struct rocks_store *store = (struct rocks_store *)base;
    rocksdb_release_snapshot(store->db, (const rocksdb_snapshot_t *)snapshot);
}

static enum status iter_new(struct store_iter **ret, struct store *base, enum family family,
                            const struct store_snapshot *snapshot, bool prefix_only,
                            bool fill_cache) {
    struct rocks_store *store = (struct rocks_store *)base;
    struct rocks_iter *iter = calloc(1, sizeof *iter);
    if (iter == NULL) {
        return STATUS_NO_MEMORY;
    }
    iter->base.ops = base->ops;
    iter->base.prefix_only = prefix_only;
    iter->options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(iter->options, 1);
    rocksdb_readoptions_set_fill_cache(iter->options, fill_cache);
    rocksdb_readoptions_set_prefix_same_as_start(iter->options, prefix_only);
    rocksdb_readoptions_set_total_order_seek(iter->options, !prefix_only);
    rocksdb_readoptions_set_snapshot(iter->options, (const rocksdb_snapshot_t *)snapshot);
    iter->iter = rocksdb_create_iterator_cf(store->db, iter->options, store->families[family]);
    *ret = &iter->base;
    return STATUS_OK;
}

enum status rocks_rows_iter_new(struct store_iter **ret, struct rocks_store *store,
                                enum family family) {
    return iter_new(ret, &store->base, family, NULL, false, true);
}

/* Journal blocks are read once and big: they would only push rows out of the cache. */
static enum status rocks_iter_new(struct store_iter **ret, struct store *store, enum family family,
                                  const struct store_snapshot *snapshot, bool prefix_only) {
    if (staged_family(family)) {
        return rocks_merge_new(ret, (struct rocks_store *)store, family);
    }
    return iter_new(ret, store, family, snapshot, prefix_only, family != FAMILY_JOURNAL);
}

static rocksdb_iterator_t *iter_of(const struct store_iter *base) {
    return ((const struct rocks_iter *)base)->iter;
}

static void rocks_iter_free(struct store_iter *base) {
    struct rocks_iter *iter = (struct rocks_iter *)base;
    rocksdb_iter_destroy(iter->iter);
    rocksdb_readoptions_destroy(iter->options);
    free(iter);
}

static void rocks_iter_seek(struct store_iter *iter, struct slice key) {
    rocksdb_iter_seek(iter_of(iter), (const char *)key.data, key.bytes);
}

static void rocks_iter_seek_for_prev(struct store_iter *iter, struct slice key) {
    rocksdb_iter_seek_for_prev(iter_of(iter), (const char *)key.data, key.bytes);
}

static void rocks_iter_seek_last(struct store_iter *iter) {
    rocksdb_iter_seek_to_last(iter_of(iter));
}

static void rocks_iter_next(struct store_iter *iter) {
    rocksdb_iter_next(iter_of(iter));
}

static void rocks_iter_prev(struct store_iter *iter) {
    rocksdb_iter_prev(iter_of(iter));
}

static bool rocks_iter_valid(const struct store_iter *iter) {
    return rocksdb_iter_valid(iter_of(iter));
}

static struct slice rocks_iter_key(const struct store_iter *iter) {
    size_t bytes = 0;
    const char *key = rocksdb_iter_key(iter_of(iter), &bytes);
    return (struct slice){(const uint8_t *)key, bytes};
}

static struct slice rocks_iter_value(const struct store_iter *iter) {
    size_t bytes = 0;
    const char *value = rocksdb_iter_value(iter_of(iter), &bytes);
    return (struct slice){(const uint8_t *)value, bytes};
}

static enum status rocks_iter_status(const struct store_iter *iter, struct error *error) {
    char *message = NULL;
    rocksdb_iter_get_error(iter_of(iter), &message);
    return rocks_status(message, error);
}

static enum status rocks_checkpoint(struct store *base, const char *to, struct error *error) {
    struct rocks_store *store = (struct rocks_store *)base;
    char *message = NULL;
    rocksdb_checkpoint_t *checkpoint = rocksdb_checkpoint_object_create(store->db, &message);
    if (message == NULL) {
        /* 0: always flush, so that no log is linked that is not wholly synced. */
        rocksdb_checkpoint_create(checkpoint, to, 0, &message);
        rocksdb_checkpoint_object_destroy(checkpoint);
    }
    return rocks_status(message, error);
}

static enum status scrub_family(struct store *store, enum family family, struct error *error) {
    struct store_iter *iter;
    enum status status = iter_new(&iter, store, family, NULL, false, false);
    if (status != STATUS_OK) {
        return status;
    }
    for (rocksdb_iter_seek_to_first(iter_of(iter)); rocks_iter_valid(iter);) {
        rocks_iter_next(iter);
    }
    status = rocks_iter_status(iter, error);
    rocks_iter_free(iter);
    return status;
}

static enum status rocks_scrub(struct store *store, struct error *error) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < FAMILY_COUNT && status == STATUS_OK; i++) {
        status = scrub_family(store, (enum family)i, error);
    }
    return status;
}

static uint64_t family_property(struct rocks_store *store, size_t family, const char *name) {
    uint64_t value = 0;
    return rocksdb_property_int_cf(store->db, store->families[family], name, &value) == 0 ? value
                                                                                          : 0;
}

static uint64_t family_files(struct rocks_store *store, size_t family) {
    uint64_t files = 0;
    int levels = rocksdb_options_get_num_levels(store->family_options[family]);
    for (int level = 0; level < levels; level++) {
        char name[64];
        (void)snprintf(name, sizeof name, "rocksdb.num-files-at-level%d", level);
        char *text = rocksdb_property_value_cf(store->db, store->families[family], name);
        files += text == NULL ? 0 : strtoull(text, NULL, 10);
        rocksdb_free(text);
    }
    return files;
}

static void rocks_stats(struct store *base, struct store_stats *ret) {
    struct rocks_store *store = (struct rocks_store *)base;
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        ret->family_bytes[i] = family_property(store, i, "rocksdb.live-sst-files-size");
        ret->family_files[i] = family_files(store, i);
        ret->memtable_bytes += family_property(store, i, "rocksdb.size-all-mem-tables");
        ret->pending_compaction_bytes +=
            family_property(store, i, "rocksdb.estimate-pending-compaction-bytes");
    }
    ret->memtable_bytes += staged_bytes(store->staged);
    ret->cache_bytes = rocksdb_cache_get_usage(store->cache);
    ret->background_errors = family_property(store, 0, "rocksdb.background-errors");
    ret->write_stopped = family_property(store, 0, "rocksdb.is-write-stopped") != 0;
}

static const struct store_ops rocks_ops = {
    .close = rocks_close,
    .batch_new = rocks_batch_new,
    .batch_free = rocks_batch_free,
    .batch_reset = rocks_batch_reset,
    .batch_put = rocks_batch_put,
    .batch_delete = rocks_batch_delete,
    .write = rocks_write,
    .get = rocks_get,
    .multi_get = rocks_multi_get,
    .snapshot_new = rocks_snapshot_new,
    .snapshot_free = rocks_snapshot_free,
    .iter_new = rocks_iter_new,
    .iter_free = rocks_iter_free,
    .iter_seek = rocks_iter_seek,
    .iter_seek_for_prev = rocks_iter_seek_for_prev,
    .iter_seek_last = rocks_iter_seek_last,
    .iter_next = rocks_iter_next,
    .iter_prev = rocks_iter_prev,
    .iter_valid = rocks_iter_valid,
    .iter_key = rocks_iter_key,
    .iter_value = rocks_iter_value,
    .iter_status = rocks_iter_status,
    .run_new = rocks_run_new,
    .run_put = rocks_run_put,
    .run_finish = rocks_run_finish,
    .run_abort = rocks_run_abort,
    .settle_is_due = rocks_settle_is_due,
    .settle = rocks_settle,
    .checkpoint = rocks_checkpoint,
    .scrub = rocks_scrub,
    .stats = rocks_stats,
};

enum status store_open_rocks(struct store **ret, const struct store_options *options,
                             struct error *error) {
    struct rocks_store *store = calloc(1, sizeof *store);
    char *path = strdup(options->path);
    if (store == NULL || path == NULL) {
        free(store);
        free(path);
        return STATUS_NO_MEMORY;
    }
    store->base.ops = &rocks_ops;
    store->path = path;
    store->lock_fd = -1;
    store->read_only = options->read_only;
    rocks_staged_init(store);
    store->settle_bytes = min_u64(options->memtable_bytes, SETTLE_BYTES);
    enum status status =
        store_dir_open(&store->lock_fd, path, options->create, options->read_only, error);
    if (status == STATUS_OK) {
        status = make_options(store, options, error);
    }
    if (status == STATUS_OK) {
        status = store->read_only ? open_db_read_only(store, error) : open_db(store, error);
    }
    if (status == STATUS_OK) {
        status = rocks_staged_open(store, error);
    }
    if (status != STATUS_OK) {
        rocks_close(&store->base);
        return status;
    }
    *ret = &store->base;
    return STATUS_OK;
}
