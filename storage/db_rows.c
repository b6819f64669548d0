#include "core/base/check.h"
#include "core/base/mutant.h"
#include "storage/db_internal.h"

#include <string.h>

static bool is_walkable(enum family family) {
    return family != FAMILY_JOURNAL && family != FAMILY_TIMELINE && family != FAMILY_META;
}

enum status db_get_row(struct db *db, enum family family, struct slice key, struct store_value *ret,
                       struct error *error) {
    CHECK(is_walkable(family));
    return store_get(db->store, family, key, ret, error);
}

static bool has_prefix(struct slice key, struct slice prefix) {
    return key.bytes >= prefix.bytes &&
           (prefix.bytes == 0 || memcmp(key.data, prefix.data, prefix.bytes) == 0);
}

enum status db_walk_rows(struct db *db, const struct db_walk *walk, db_row_cb callback,
                         void *context, struct error *error) {
    CHECK(is_walkable(walk->family));
    struct store_iter *iter = NULL;
    if (store_iter_new(&iter, db->store, walk->family, NULL, false) != STATUS_OK) {
        return error_set(error, STATUS_NO_MEMORY, "no memory for an iterator", NULL, NULL);
    }
    /* An empty slice may have no memory at all. */
    struct slice from = walk->from.bytes == 0 ? SLICE_LITERAL("") : walk->from;
    if (walk->backward) {
        store_iter_seek_for_prev(iter, from);
    } else {
        store_iter_seek(iter, from);
    }
    while (store_iter_valid(iter)) {
        struct slice key = store_iter_key(iter);
        if (!has_prefix(key, walk->prefix) || !callback(context, key, store_iter_value(iter))) {
            break;
        }
        if (walk->backward) {
            store_iter_prev(iter);
        } else {
            store_iter_next(iter);
        }
    }
    enum status status = MUTANT(ROWS_ITER_UNCHECKED) ? STATUS_OK : store_iter_status(iter, error);
    store_iter_free(iter);
    return status;
}

enum status db_read_head(struct db *db, struct db_head *ret, struct error *error) {
    struct store_iter *iter = NULL;
    struct block_view view;
    if (store_iter_new(&iter, db->store, FAMILY_JOURNAL, NULL, false) != STATUS_OK) {
        return error_set(error, STATUS_NO_MEMORY, "no memory for an iterator", NULL, NULL);
    }
    store_iter_seek_last(iter);
    bool found = store_iter_valid(iter);
    enum status status =
        found ? block_view(&view, store_iter_value(iter), error) : store_iter_status(iter, error);
    if (status == STATUS_OK && found) {
        ret->seq = view.first_seq + view.entries_count - 1;
        memcpy(ret->hash, view.hash, sizeof ret->hash);
    }
    store_iter_free(iter);
    return status == STATUS_OK && !found ? STATUS_NOT_FOUND : status;
}
