/* An iterator over a family whose rows are staged: those in memory and those in files as one, of a
 * key that both have the one in memory. */
#include "core/base/check.h"
#include "storage/store_rocks.h"

#include <stdlib.h>
#include <string.h>

struct merge_iter {
    struct store_iter base;
    struct rocks_store *store;
    enum family family;
    enum status made; /* of `rows` */
    struct staged_view view;
    struct staged_cursor cursor;
    struct store_iter *rows; /* where `cursor` is at its key it is beyond */
    bool backward, valid, from_staged;
};

static int compare_places(const struct merge_iter *iter) {
    if (!store_iter_valid(iter->rows)) {
        return -1;
    }
    if (!iter->cursor.valid) {
        return 1;
    }
    int order = staged_compare_keys(staged_cursor_key(&iter->cursor), store_iter_key(iter->rows));
    return iter->backward ? -order : order;
}

static void step_rows(struct merge_iter *iter) {
    if (iter->backward) {
        store_iter_prev(iter->rows);
    } else {
        store_iter_next(iter->rows);
    }
}

/* The nearer of the two places; a row that is gone is passed over. A walk through the files that
 * failed ends the whole one. */
static void choose(struct merge_iter *iter) {
    for (;;) {
        bool rows = store_iter_valid(iter->rows);
        iter->valid =
            rows || (iter->cursor.valid && store_iter_status(iter->rows, NULL) == STATUS_OK);
        int order = iter->valid ? compare_places(iter) : 1;
        iter->from_staged = order <= 0;
        if (order > 0) {
            return;
        }
        if (order == 0) {
            step_rows(iter);
        }
        struct slice value;
        if (staged_cursor_value(&iter->cursor, &value)) {
            return;
        }
        staged_cursor_step(&iter->cursor);
    }
}

static struct merge_iter *merge_of(struct store_iter *base) {
    return (struct merge_iter *)base;
}

static void merge_free(struct store_iter *base) {
    struct merge_iter *iter = merge_of(base);
    store_iter_free(iter->rows);
    staged_release(iter->store->staged, &iter->view);
    free(iter);
}

static void merge_seek(struct store_iter *base, struct slice key) {
    struct merge_iter *iter = merge_of(base);
    iter->backward = false;
    store_iter_seek(iter->rows, key);
    staged_cursor_seek(&iter->cursor, key, false, false);
    choose(iter);
}

static void merge_seek_for_prev(struct store_iter *base, struct slice key) {
    struct merge_iter *iter = merge_of(base);
    iter->backward = true;
    store_iter_seek_for_prev(iter->rows, key);
    staged_cursor_seek(&iter->cursor, key, true, false);
    choose(iter);
}

static void merge_seek_last(struct store_iter *base) {
    struct merge_iter *iter = merge_of(base);
    iter->backward = true;
    store_iter_seek_last(iter->rows);
    staged_cursor_seek_last(&iter->cursor);
    choose(iter);
}

static struct slice merge_key(const struct store_iter *base) {
    const struct merge_iter *iter = (const struct merge_iter *)base;
    return iter->from_staged ? staged_cursor_key(&iter->cursor) : store_iter_key(iter->rows);
}

static struct slice merge_value(const struct store_iter *base) {
    const struct merge_iter *iter = (const struct merge_iter *)base;
    struct slice value = {NULL, 0};
    if (!iter->from_staged) {
        return store_iter_value(iter->rows);
    }
    bool is_there = staged_cursor_value(&iter->cursor, &value);
    CHECK(is_there);
    return value;
}

/* From the key at hand into the other direction. */
static void turn(struct merge_iter *iter) {
    uint8_t bytes[STAGED_KEY_BYTES_MAX];
    struct slice here = merge_key(&iter->base);
    CHECK(here.bytes <= sizeof bytes);
    memcpy(bytes, here.data, here.bytes);
    const struct slice key = {bytes, here.bytes};
    iter->backward = !iter->backward;
    if (iter->backward) {
        store_iter_seek_for_prev(iter->rows, key);
    } else {
        store_iter_seek(iter->rows, key);
    }
    if (store_iter_valid(iter->rows) && staged_compare_keys(store_iter_key(iter->rows), key) == 0) {
        step_rows(iter);
    }
    staged_cursor_seek(&iter->cursor, key, iter->backward, true);
    choose(iter);
}

static void step(struct merge_iter *iter, bool backward) {
    if (iter->backward != backward) {
        turn(iter);
        return;
    }
    if (iter->from_staged) {
        staged_cursor_step(&iter->cursor);
    } else {
        step_rows(iter);
    }
    choose(iter);
}

static void merge_next(struct store_iter *base) {
    step(merge_of(base), false);
}

static void merge_prev(struct store_iter *base) {
    step(merge_of(base), true);
}

static bool merge_valid(const struct store_iter *base) {
    return ((const struct merge_iter *)base)->valid;
}

static enum status merge_status(const struct store_iter *base, struct error *error) {
    return store_iter_status(((const struct merge_iter *)base)->rows, error);
}

static const struct store_ops merge_ops = {
    .iter_free = merge_free,
    .iter_seek = merge_seek,
    .iter_seek_for_prev = merge_seek_for_prev,
    .iter_seek_last = merge_seek_last,
    .iter_next = merge_next,
    .iter_prev = merge_prev,
    .iter_valid = merge_valid,
    .iter_key = merge_key,
    .iter_value = merge_value,
    .iter_status = merge_status,
};

static void make_rows(void *context) {
    struct merge_iter *iter = context;
    iter->made = rocks_rows_iter_new(&iter->rows, iter->store, iter->family);
}

enum status rocks_merge_new(struct store_iter **ret, struct rocks_store *store,
                            enum family family) {
    struct merge_iter *iter = calloc(1, sizeof *iter);
    if (iter == NULL) {
        return STATUS_NO_MEMORY;
    }
    iter->base.ops = &merge_ops;
    iter->store = store;
    iter->family = family;
    staged_acquire(store->staged, &iter->view, make_rows, iter);
    if (iter->made != STATUS_OK) {
        staged_release(store->staged, &iter->view);
        free(iter);
        return STATUS_NO_MEMORY;
    }
    staged_cursor_init(&iter->cursor, &iter->view, family);
    *ret = &iter->base;
    return STATUS_OK;
}
