/* The memory store: a sorted array of rows a family. Whoever reads over time (an iterator, a
 * snapshot) shares the array, and a write copies an array that is shared. Simple on purpose: it is
 * the model the RocksDB store is tested against. Reads O(log rows), a write O(rows). */
#include "core/base/check.h"
#include "storage/keys.h"
#include "storage/store_ops.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { POINTER_BYTES = sizeof(void *) };

struct mem_row {
    uint64_t refs; /* tables that have it; under the store's lock */
    size_t key_bytes, value_bytes;
    uint8_t bytes[]; /* key, then value */
};

struct mem_table {
    uint64_t refs; /* the store, snapshots and iterators; under the store's lock */
    size_t count, max;
    struct mem_row **rows; /* by key */
};

struct mem_store {
    struct store base;
    pthread_mutex_t lock;
    struct mem_table *tables[FAMILY_COUNT];
    const atomic_bool *fail_writes;
};

struct store_snapshot {
    struct mem_table *tables[FAMILY_COUNT];
};

struct mem_change {
    enum family family;
    bool is_delete;
    struct mem_row *row; /* of a delete only the key matters */
};

struct mem_batch {
    struct store_batch base;
    size_t count, max;
    struct mem_change *changes;
};

struct mem_iter {
    struct store_iter base;
    struct mem_store *store;
    struct mem_table *table;
    size_t at; /* count: not valid */
    uint8_t prefix[TIMELINE_KEY_PREFIX_BYTES];
};

struct mem_run {
    struct store_run base;
    struct mem_table *table;
};

/* Memory for the model is small and its callers are tests: running out is not a tested path. */
static void *must(void *memory) {
    CHECK(memory != NULL);
    return memory;
}

static struct slice row_key(const struct mem_row *row) {
    return (struct slice){row->bytes, row->key_bytes};
}

static struct slice row_value(const struct mem_row *row) {
    return (struct slice){row->bytes + row->key_bytes, row->value_bytes};
}

static void row_unref(struct mem_row *row) {
    CHECK(row->refs > 0);
    if (--row->refs == 0) {
        free(row);
    }
}

static struct mem_row *row_new(struct slice key, const struct slice *parts, size_t parts_count) {
    size_t value_bytes = 0;
    for (size_t i = 0; i < parts_count; i++) {
        value_bytes += parts[i].bytes;
    }
    struct mem_row *row = must(malloc(sizeof *row + key.bytes + value_bytes));
    *row = (struct mem_row){.refs = 1, .key_bytes = key.bytes, .value_bytes = value_bytes};
    memcpy(row->bytes, key.data, key.bytes);
    uint8_t *to = row->bytes + key.bytes;
    for (size_t i = 0; i < parts_count; i++) {
        if (parts[i].bytes > 0) {
            memcpy(to, parts[i].data, parts[i].bytes);
        }
        to += parts[i].bytes;
    }
    return row;
}

static int key_compare(struct slice a, struct slice b) {
    size_t both = min_u64(a.bytes, b.bytes); /* an empty slice may have no data */
    int order = both == 0 ? 0 : memcmp(a.data, b.data, both);
    return order != 0 ? order : (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

static struct mem_table *table_new(void) {
    struct mem_table *table = must(calloc(1, sizeof *table));
    table->refs = 1;
    return table;
}

static void table_unref(struct mem_table *table) {
    CHECK(table->refs > 0);
    if (--table->refs > 0) {
        return;
    }
    for (size_t i = 0; i < table->count; i++) {
        row_unref(table->rows[i]);
    }
    free(table->rows);
    free(table);
}

static void table_reserve(struct mem_table *table, size_t count) {
    if (count > table->max) {
        table->max = count + count / 2 + 16;
        table->rows = must(realloc(table->rows, table->max * POINTER_BYTES));
    }
}

/* The family's array, made the store's alone. */
static struct mem_table *table_for_writing(struct mem_store *store, enum family family) {
    struct mem_table *table = store->tables[family];
    if (table->refs == 1) {
        return table;
    }
    struct mem_table *copy = table_new();
    table_reserve(copy, table->count + 1);
    CHECK(copy->rows != NULL);
    for (size_t i = 0; i < table->count; i++) {
        copy->rows[i] = table->rows[i];
        copy->rows[i]->refs++;
    }
    copy->count = table->count;
    table_unref(table);
    store->tables[family] = copy;
    return copy;
}

/* Index of the first row with a key >= `key`. */
static size_t table_find(const struct mem_table *table, struct slice key, bool *ret_equal) {
    size_t low = 0, high = table->count;
    *ret_equal = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = key_compare(row_key(table->rows[middle]), key);
        if (order < 0) {
            low = middle + 1;
        } else {
            *ret_equal = *ret_equal || order == 0;
            high = middle;
        }
    }
    return low;
}

/* Takes over the caller's reference to `row`. */
static void table_put(struct mem_table *table, struct mem_row *row) {
    bool equal;
    size_t at = table_find(table, row_key(row), &equal);
    if (equal) {
        row_unref(table->rows[at]);
        table->rows[at] = row;
        return;
    }
    table_reserve(table, table->count + 1);
    memmove(table->rows + at + 1, table->rows + at, (table->count - at) * POINTER_BYTES);
    table->rows[at] = row;
    table->count++;
}

static void table_delete(struct mem_table *table, struct slice key) {
    bool equal;
    size_t at = table_find(table, key, &equal);
    if (equal) {
        row_unref(table->rows[at]);
        table->count--;
        memmove(table->rows + at, table->rows + at + 1, (table->count - at) * POINTER_BYTES);
    }
}

static struct mem_store *lock(struct store *base) {
    struct mem_store *store = (struct mem_store *)base;
    CHECK(pthread_mutex_lock(&store->lock) == 0);
    return store;
}

static void unlock(struct mem_store *store) {
    CHECK(pthread_mutex_unlock(&store->lock) == 0);
}

static void mem_close(struct store *base) {
    struct mem_store *store = (struct mem_store *)base;
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        CHECK(store->tables[i]->refs == 1);
        table_unref(store->tables[i]);
    }
    CHECK(pthread_mutex_destroy(&store->lock) == 0);
    free(store);
}

static enum status mem_batch_new(struct store_batch **ret, struct store *store) {
    struct mem_batch *batch = must(calloc(1, sizeof *batch));
    batch->base.store = store;
    *ret = &batch->base;
    return STATUS_OK;
}

static void mem_batch_reset(struct store_batch *base) {
    struct mem_batch *batch = (struct mem_batch *)base;
    for (size_t i = 0; i < batch->count; i++) {
        free(batch->changes[i].row);
    }
    batch->count = 0;
}

static void mem_batch_free(struct store_batch *base) {
    struct mem_batch *batch = (struct mem_batch *)base;
    mem_batch_reset(base);
    free(batch->changes);
    free(batch);
}

static void batch_add(struct mem_batch *batch, const struct mem_change *change) {
    if (batch->count == batch->max) {
        batch->max = batch->max * 2 + 16;
        batch->changes = must(realloc(batch->changes, batch->max * sizeof *batch->changes));
    }
    batch->changes[batch->count++] = *change;
}

static void mem_batch_put(struct store_batch *base, enum family family, struct slice key,
                          const struct slice *parts, size_t parts_count) {
    struct mem_change change = {family, false, row_new(key, parts, parts_count)};
    batch_add((struct mem_batch *)base, &change);
}

static void mem_batch_delete(struct store_batch *base, enum family family, struct slice key) {
    struct mem_change change = {family, true, row_new(key, NULL, 0)};
    batch_add((struct mem_batch *)base, &change);
}

static enum status mem_write(struct store *base, struct store_batch *base_batch,
                             struct error *error) {
    struct mem_batch *batch = (struct mem_batch *)base_batch;
    const atomic_bool *fail_writes = ((struct mem_store *)base)->fail_writes;
    if (fail_writes != NULL && atomic_load(fail_writes)) {
        return error_set(error, STATUS_IO, "the memory store was told to fail", NULL, NULL);
    }
    struct mem_store *store = lock(base);
    for (size_t i = 0; i < batch->count; i++) {
        const struct mem_change *change = &batch->changes[i];
        struct mem_table *table = table_for_writing(store, change->family);
        if (change->is_delete) {
            table_delete(table, row_key(change->row));
        } else {
            /* The batch may be written again, so the table gets its own row. */
            struct slice value = row_value(change->row);
            table_put(table, row_new(row_key(change->row), &value, 1));
        }
    }
    unlock(store);
    return STATUS_OK;
}

static enum status mem_get(struct store *base, enum family family, struct slice key,
                           struct store_value *ret, struct error *error) {
    (void)error;
    struct mem_store *store = lock(base);
    bool equal;
    size_t at = table_find(store->tables[family], key, &equal);
    if (equal) {
        struct slice value = row_value(store->tables[family]->rows[at]);
        uint8_t *copy = must(malloc(value.bytes + 1));
        memcpy(copy, value.data, value.bytes);
        *ret = (struct store_value){{copy, value.bytes}, copy};
    }
    unlock(store);
    return equal ? STATUS_OK : STATUS_NOT_FOUND;
}

static enum status mem_multi_get(struct store *store, enum family family, const struct slice *keys,
                                 size_t keys_count, struct store_value *found,
                                 struct error *error) {
    for (size_t i = 0; i < keys_count; i++) {
        enum status status = mem_get(store, family, keys[i], &found[i], error);
        CHECK(status == STATUS_OK || status == STATUS_NOT_FOUND);
    }
    return STATUS_OK;
}

static struct store_snapshot *mem_snapshot_new(struct store *base) {
    struct store_snapshot *snapshot = must(calloc(1, sizeof *snapshot));
    struct mem_store *store = lock(base);
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        snapshot->tables[i] = store->tables[i];
        snapshot->tables[i]->refs++;
    }
    unlock(store);
    return snapshot;
}

static void mem_snapshot_free(struct store *base, struct store_snapshot *snapshot) {
    struct mem_store *store = lock(base);
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        table_unref(snapshot->tables[i]);
    }
    unlock(store);
    free(snapshot);
}

static enum status mem_iter_new(struct store_iter **ret, struct store *base, enum family family,
                                const struct store_snapshot *snapshot, bool prefix_only) {
    struct mem_iter *iter = must(calloc(1, sizeof *iter));
    iter->store = lock(base);
    iter->base.ops = base->ops;
    iter->base.prefix_only = prefix_only;
    iter->table = snapshot != NULL ? snapshot->tables[family] : iter->store->tables[family];
    iter->table->refs++;
    iter->at = iter->table->count;
    unlock(iter->store);
    *ret = &iter->base;
    return STATUS_OK;
}

static void mem_iter_free(struct store_iter *base) {
    struct mem_iter *iter = (struct mem_iter *)base;
    lock(&iter->store->base);
    table_unref(iter->table);
    unlock(iter->store);
    free(iter);
}

/* A walk that promised one prefix ends where the prefix does. */
static void iter_go(struct mem_iter *iter, size_t at) {
    iter->at = at < iter->table->count ? at : iter->table->count;
    if (iter->base.prefix_only && iter->at < iter->table->count) {
        struct slice key = row_key(iter->table->rows[iter->at]);
        if (key.bytes < sizeof iter->prefix ||
            memcmp(key.data, iter->prefix, sizeof iter->prefix) != 0) {
            iter->at = iter->table->count;
        }
    }
}

static void iter_seek(struct mem_iter *iter, struct slice key, bool for_prev) {
    if (iter->base.prefix_only) {
        memcpy(iter->prefix, key.data, sizeof iter->prefix);
    }
    bool equal;
    size_t at = table_find(iter->table, key, &equal);
    if (for_prev && !equal) {
        at = at == 0 ? iter->table->count : at - 1;
    }
    iter_go(iter, at);
}

static void mem_iter_seek(struct store_iter *base, struct slice key) {
    iter_seek((struct mem_iter *)base, key, false);
}

static void mem_iter_seek_for_prev(struct store_iter *base, struct slice key) {
    iter_seek((struct mem_iter *)base, key, true);
}

static void mem_iter_seek_last(struct store_iter *base) {
    struct mem_iter *iter = (struct mem_iter *)base;
    iter_go(iter, iter->table->count == 0 ? 0 : iter->table->count - 1);
}

static void mem_iter_next(struct store_iter *base) {
    struct mem_iter *iter = (struct mem_iter *)base;
    iter_go(iter, iter->at + 1);
}

static void mem_iter_prev(struct store_iter *base) {
    struct mem_iter *iter = (struct mem_iter *)base;
    iter_go(iter, iter->at == 0 ? iter->table->count : iter->at - 1);
}

static bool mem_iter_valid(const struct store_iter *base) {
    const struct mem_iter *iter = (const struct mem_iter *)base;
    return iter->at < iter->table->count;
}

static struct slice mem_iter_key(const struct store_iter *base) {
    const struct mem_iter *iter = (const struct mem_iter *)base;
    return row_key(iter->table->rows[iter->at]);
}

static struct slice mem_iter_value(const struct store_iter *base) {
    const struct mem_iter *iter = (const struct mem_iter *)base;
    return row_value(iter->table->rows[iter->at]);
}

static enum status mem_iter_status(const struct store_iter *base, struct error *error) {
    (void)base;
    (void)error;
    return STATUS_OK;
}

static enum status mem_run_new(struct store_run **ret, struct store *store, uint64_t number,
                               struct error *error) {
    (void)number;
    (void)error;
    struct mem_run *run = must(calloc(1, sizeof *run));
    run->base.store = store;
    run->table = table_new();
    *ret = &run->base;
    return STATUS_OK;
}

static enum status mem_run_put(struct store_run *base, struct slice key, struct slice value,
                               struct error *error) {
    (void)error;
    struct mem_table *table = ((struct mem_run *)base)->table;
    table_reserve(table, table->count + 1);
    table->rows[table->count++] = row_new(key, &value, 1);
    return STATUS_OK;
}

static void mem_run_abort(struct store_run *base) {
    struct mem_run *run = (struct mem_run *)base;
    table_unref(run->table);
    free(run);
}

static enum status mem_run_finish(struct store_run *base, struct error *error) {
    (void)error;
    struct mem_run *run = (struct mem_run *)base;
    struct mem_store *store = lock(base->store);
    struct mem_table *table = table_for_writing(store, FAMILY_TIMELINE);
    size_t count = run->table->count;
    run->table->count = 0; /* the rows change hands */
    for (size_t i = 0; i < count; i++) {
        table_put(table, run->table->rows[i]);
    }
    unlock(store);
    mem_run_abort(base);
    return STATUS_OK;
}

static enum status mem_checkpoint(struct store *store, const char *to, struct error *error) {
    (void)store;
    return error_set(error, STATUS_INVALID, "the memory store makes no checkpoints: ", to, NULL);
}

static enum status mem_scrub(struct store *store, struct error *error) {
    (void)store;
    (void)error;
    return STATUS_OK;
}

static void mem_stats(struct store *base, struct store_stats *ret) {
    struct mem_store *store = lock(base);
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        for (size_t j = 0; j < store->tables[i]->count; j++) {
            const struct mem_row *row = store->tables[i]->rows[j];
            ret->memtable_bytes += sizeof *row + row->key_bytes + row->value_bytes;
        }
    }
    unlock(store);
}

static const struct store_ops mem_ops = {
    .close = mem_close,
    .batch_new = mem_batch_new,
    .batch_free = mem_batch_free,
    .batch_reset = mem_batch_reset,
    .batch_put = mem_batch_put,
    .batch_delete = mem_batch_delete,
    .write = mem_write,
    .get = mem_get,
    .multi_get = mem_multi_get,
    .snapshot_new = mem_snapshot_new,
    .snapshot_free = mem_snapshot_free,
    .iter_new = mem_iter_new,
    .iter_free = mem_iter_free,
    .iter_seek = mem_iter_seek,
    .iter_seek_for_prev = mem_iter_seek_for_prev,
    .iter_seek_last = mem_iter_seek_last,
    .iter_next = mem_iter_next,
    .iter_prev = mem_iter_prev,
    .iter_valid = mem_iter_valid,
    .iter_key = mem_iter_key,
    .iter_value = mem_iter_value,
    .iter_status = mem_iter_status,
    .run_new = mem_run_new,
    .run_put = mem_run_put,
    .run_finish = mem_run_finish,
    .run_abort = mem_run_abort,
    .checkpoint = mem_checkpoint,
    .scrub = mem_scrub,
    .stats = mem_stats,
};

static struct mem_table *table_copy(const struct mem_table *from) {
    struct mem_table *copy = table_new();
    table_reserve(copy, from->count);
    for (size_t i = 0; i < from->count; i++) {
        struct slice value = row_value(from->rows[i]);
        copy->rows[copy->count++] = row_new(row_key(from->rows[i]), &value, 1);
    }
    return copy;
}

enum status store_open_mem(struct store **ret, const struct store_options *options,
                           struct error *error) {
    (void)error;
    struct mem_store *store = must(calloc(1, sizeof *store));
    store->base.ops = &mem_ops;
    store->fail_writes = options->fail_writes;
    CHECK(pthread_mutex_init(&store->lock, NULL) == 0);
    struct mem_store *from = options->copy_of == NULL ? NULL : lock(options->copy_of);
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        store->tables[i] = from == NULL ? table_new() : table_copy(from->tables[i]);
    }
    if (from != NULL) {
        unlock(from);
    }
    *ret = &store->base;
    return STATUS_OK;
}
