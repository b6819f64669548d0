/* What a store implementation provides; only store.c and the implementations include this. Each
 * implementation's structs begin with the struct of the same name here. */
#ifndef STORAGE_STORE_OPS_H
#define STORAGE_STORE_OPS_H

#include "storage/store.h"

struct store_ops {
    void (*close)(struct store *store);
    enum status (*batch_new)(struct store_batch **ret, struct store *store);
    void (*batch_free)(struct store_batch *batch);
    void (*batch_reset)(struct store_batch *batch);
    void (*batch_put)(struct store_batch *batch, enum family family, struct slice key,
                      const struct slice *parts, size_t parts_count);
    void (*batch_delete)(struct store_batch *batch, enum family family, struct slice key);
    enum status (*write)(struct store *store, struct store_batch *batch, struct error *error);
    enum status (*get)(struct store *store, enum family family, struct slice key,
                       struct store_value *ret, struct error *error);
    enum status (*multi_get)(struct store *store, enum family family, const struct slice *keys,
                             size_t keys_count, struct store_value *found, struct error *error);
    struct store_snapshot *(*snapshot_new)(struct store *store);
    void (*snapshot_free)(struct store *store, struct store_snapshot *snapshot);
    enum status (*iter_new)(struct store_iter **ret, struct store *store, enum family family,
                            const struct store_snapshot *snapshot, bool prefix_only);
    void (*iter_free)(struct store_iter *iter);
    void (*iter_seek)(struct store_iter *iter, struct slice key);
    void (*iter_seek_for_prev)(struct store_iter *iter, struct slice key);
    void (*iter_seek_last)(struct store_iter *iter);
    void (*iter_next)(struct store_iter *iter);
    void (*iter_prev)(struct store_iter *iter);
    bool (*iter_valid)(const struct store_iter *iter);
    struct slice (*iter_key)(const struct store_iter *iter);
    struct slice (*iter_value)(const struct store_iter *iter);
    enum status (*iter_status)(const struct store_iter *iter, struct error *error);
    enum status (*run_new)(struct store_run **ret, struct store *store, uint64_t number,
                           struct error *error);
    enum status (*run_put)(struct store_run *run, struct slice key, struct slice value,
                           struct error *error);
    enum status (*run_finish)(struct store_run *run, struct error *error);
    void (*run_abort)(struct store_run *run);
    bool (*settle_is_due)(const struct store *store); /* NULL: nothing is ever staged */
    enum status (*settle)(struct store *store, struct error *error);
    enum status (*checkpoint)(struct store *store, const char *to, struct error *error);
    enum status (*scrub)(struct store *store, struct error *error);
    void (*stats)(struct store *store, struct store_stats *ret);
};

struct store {
    const struct store_ops *ops;
};

struct store_batch {
    struct store *store;
};

struct store_iter {
    const struct store_ops *ops;
    bool prefix_only;
};

struct store_run {
    struct store *store;
    uint64_t rows_count;
    size_t last_key_bytes;
    uint8_t last_key[64]; /* for the order check in store.c */
};

#endif
