/* store.h's functions: the checks both implementations share, then the implementation. */
#include "storage/store.h"

#include "core/base/check.h"
#include "storage/keys.h"
#include "storage/staged.h"
#include "storage/store_ops.h"

#include <stdlib.h>
#include <string.h>

static bool is_family(enum family family) {
    return (unsigned)family < FAMILY_COUNT;
}

void store_close(struct store *store) {
    if (store != NULL) {
        store->ops->close(store);
    }
}

enum status store_batch_new(struct store_batch **ret, struct store *store) {
    return store->ops->batch_new(ret, store);
}

void store_batch_free(struct store_batch *batch) {
    if (batch != NULL) {
        batch->store->ops->batch_free(batch);
    }
}

void store_batch_reset(struct store_batch *batch) {
    batch->store->ops->batch_reset(batch);
}

void store_batch_put(struct store_batch *batch, enum family family, struct slice key,
                     struct slice value) {
    store_batch_put_parts(batch, family, key, &value, 1);
}

/* A memtable write into the timeline would break the rule its ingestion stands on. */
void store_batch_put_parts(struct store_batch *batch, enum family family, struct slice key,
                           const struct slice *parts, size_t parts_count) {
    CHECK(is_family(family) && family != FAMILY_TIMELINE && family != FAMILY_STAGED);
    CHECK(key.bytes > 0 && parts_count > 0);
    batch->store->ops->batch_put(batch, family, key, parts, parts_count);
}

void store_batch_delete(struct store_batch *batch, enum family family, struct slice key) {
    CHECK(is_family(family) && family != FAMILY_TIMELINE && family != FAMILY_STAGED);
    CHECK(key.bytes > 0);
    batch->store->ops->batch_delete(batch, family, key);
}

enum status store_write(struct store *store, struct store_batch *batch, struct error *error) {
    CHECK(batch->store == store);
    return store->ops->write(store, batch, error);
}

enum status store_get(struct store *store, enum family family, struct slice key,
                      struct store_value *ret, struct error *error) {
    CHECK(is_family(family));
    return store->ops->get(store, family, key, ret, error);
}

void store_value_free(struct store_value *value) {
    free(value->owner);
    *value = (struct store_value){{NULL, 0}, NULL};
}

enum status store_multi_get(struct store *store, enum family family, const struct slice *keys,
                            size_t keys_count, struct store_value *found, struct error *error) {
    CHECK(is_family(family));
    if (keys_count == 0) {
        return STATUS_OK;
    }
    memset(found, 0, keys_count * sizeof *found);
    enum status status = store->ops->multi_get(store, family, keys, keys_count, found, error);
    for (size_t i = 0; status != STATUS_OK && i < keys_count; i++) {
        store_value_free(&found[i]);
    }
    return status;
}

struct store_snapshot *store_snapshot_new(struct store *store) {
    return store->ops->snapshot_new(store);
}

void store_snapshot_free(struct store *store, struct store_snapshot *snapshot) {
    if (snapshot != NULL) {
        store->ops->snapshot_free(store, snapshot);
    }
}

enum status store_iter_new(struct store_iter **ret, struct store *store, enum family family,
                           const struct store_snapshot *snapshot, bool prefix_only) {
    CHECK(is_family(family));
    CHECK(!prefix_only || family == FAMILY_TIMELINE);
    CHECK(snapshot == NULL || !staged_family(family));
    return store->ops->iter_new(ret, store, family, snapshot, prefix_only);
}

void store_iter_free(struct store_iter *iter) {
    if (iter != NULL) {
        iter->ops->iter_free(iter);
    }
}

/* An empty slice may have no memory, and memcmp asks for some. */
static struct slice with_memory(struct slice key) {
    return key.bytes == 0 ? SLICE_LITERAL("") : key;
}

void store_iter_seek(struct store_iter *iter, struct slice key) {
    CHECK(!iter->prefix_only || key.bytes >= TIMELINE_KEY_PREFIX_BYTES);
    iter->ops->iter_seek(iter, with_memory(key));
}

void store_iter_seek_for_prev(struct store_iter *iter, struct slice key) {
    CHECK(!iter->prefix_only || key.bytes >= TIMELINE_KEY_PREFIX_BYTES);
    iter->ops->iter_seek_for_prev(iter, with_memory(key));
}

void store_iter_seek_last(struct store_iter *iter) {
    CHECK(!iter->prefix_only);
    iter->ops->iter_seek_last(iter);
}

void store_iter_next(struct store_iter *iter) {
    CHECK(store_iter_valid(iter));
    iter->ops->iter_next(iter);
}

void store_iter_prev(struct store_iter *iter) {
    CHECK(store_iter_valid(iter));
    iter->ops->iter_prev(iter);
}

bool store_iter_valid(const struct store_iter *iter) {
    return iter->ops->iter_valid(iter);
}

struct slice store_iter_key(const struct store_iter *iter) {
    CHECK(store_iter_valid(iter));
    return iter->ops->iter_key(iter);
}

struct slice store_iter_value(const struct store_iter *iter) {
    CHECK(store_iter_valid(iter));
    return iter->ops->iter_value(iter);
}

enum status store_iter_status(const struct store_iter *iter, struct error *error) {
    return iter->ops->iter_status(iter, error);
}

enum status store_run_new(struct store_run **ret, struct store *store, uint64_t number,
                          struct error *error) {
    return store->ops->run_new(ret, store, number, error);
}

static bool key_is_above_last(const struct store_run *run, struct slice key) {
    size_t common = min_u64(run->last_key_bytes, key.bytes);
    int order = run->rows_count == 0 ? -1 : memcmp(run->last_key, key.data, common);
    return order < 0 || (order == 0 && run->last_key_bytes < key.bytes);
}

enum status store_run_put(struct store_run *run, struct slice key, struct slice value,
                          struct error *error) {
    CHECK(key.bytes > 0 && key.bytes <= sizeof run->last_key);
    CHECK(key_is_above_last(run, key));
    memcpy(run->last_key, key.data, key.bytes);
    run->last_key_bytes = key.bytes;
    run->rows_count++;
    return run->store->ops->run_put(run, key, value, error);
}

enum status store_run_finish(struct store_run *run, struct error *error) {
    return run->store->ops->run_finish(run, error);
}

void store_run_abort(struct store_run *run) {
    if (run != NULL) {
        run->store->ops->run_abort(run);
    }
}

bool store_settle_is_due(const struct store *store) {
    return store->ops->settle_is_due != NULL && store->ops->settle_is_due(store);
}

enum status store_settle(struct store *store, struct error *error) {
    return store->ops->settle == NULL ? STATUS_OK : store->ops->settle(store, error);
}

enum status store_checkpoint(struct store *store, const char *to, struct error *error) {
    return store->ops->checkpoint(store, to, error);
}

enum status store_scrub(struct store *store, struct error *error) {
    return store->ops->scrub(store, error);
}

void store_stats(struct store *store, struct store_stats *ret) {
    memset(ret, 0, sizeof *ret);
    store->ops->stats(store, ret);
}
