/* Staged rows (storage/staged.h) in RocksDB: packs in the family `staged`, sorted files into the
 * families the rows are of, and the mark that says which packs the files have. */
#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/mutant.h"
#include "storage/store_rocks.h"

#include <inttypes.h>
#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The mark, under pack number 0: u8 version | u64 highest settled pack | of each family u8 key
 * bytes, key: a row that the last file of it has; 0 bytes: it has none. */
enum {
    MARK_VERSION = 1,
    MARK_HEAD_BYTES = 9,
    MARK_BYTES_MAX = MARK_HEAD_BYTES + STAGED_FAMILIES * (1 + STAGED_KEY_BYTES_MAX),
    PACK_KEY_BYTES = 8,
    SETTLE_AT_ONCE = 4, /* so many times what is due: the writing thread settles */
};

struct staged_mark {
    uint64_t number;
    struct {
        size_t bytes;
        uint8_t data[STAGED_KEY_BYTES_MAX];
    } keys[STAGED_FAMILIES];
};

static const enum family families[STAGED_FAMILIES] = {FAMILY_INCIDENTS, FAMILY_MEMBERS};

static size_t mark_encode(uint8_t to[MARK_BYTES_MAX], const struct staged_mark *mark) {
    uint8_t *at = to + MARK_HEAD_BYTES;
    to[0] = MARK_VERSION;
    store_u64_le(to + 1, mark->number);
    for (size_t i = 0; i < STAGED_FAMILIES; i++) {
        *at++ = (uint8_t)mark->keys[i].bytes;
        memcpy(at, mark->keys[i].data, mark->keys[i].bytes);
        at += mark->keys[i].bytes;
    }
    return (size_t)(at - to);
}

static bool mark_decode(struct staged_mark *ret, struct slice from) {
    size_t at = MARK_HEAD_BYTES;
    if (from.bytes < MARK_HEAD_BYTES || from.data[0] != MARK_VERSION) {
        return false;
    }
    ret->number = load_u64_le(from.data + 1);
    for (size_t i = 0; i < STAGED_FAMILIES; i++) {
        size_t bytes = at < from.bytes ? from.data[at++] : STAGED_KEY_BYTES_MAX + 1;
        if (bytes > STAGED_KEY_BYTES_MAX || bytes > from.bytes - at) {
            return false;
        }
        ret->keys[i].bytes = bytes;
        memcpy(ret->keys[i].data, from.data + at, bytes);
        at += bytes;
    }
    return at == from.bytes;
}

/* Packs that are settled go with the write that tells it. */
static void put_mark(struct rocks_store *store, rocksdb_writebatch_t *batch) {
    uint8_t value[MARK_BYTES_MAX], key[PACK_KEY_BYTES], end[PACK_KEY_BYTES];
    pthread_mutex_lock(&store->mark_lock);
    bool is_due = store->mark_due;
    size_t bytes = is_due ? mark_encode(value, store->mark) : 0;
    uint64_t number = store->mark->number;
    store->mark_due = false;
    pthread_mutex_unlock(&store->mark_lock);
    if (is_due) {
        rocksdb_column_family_handle_t *family = store->families[FAMILY_STAGED];
        store_u64_be(key, 0);
        rocksdb_writebatch_put_cf(batch, family, (const char *)key, sizeof key, (const char *)value,
                                  bytes);
        store_u64_be(key, 1);
        store_u64_be(end, number + 1);
        rocksdb_writebatch_delete_range_cf(batch, family, (const char *)key, sizeof key,
                                           (const char *)end, sizeof end);
    }
}

enum status rocks_staged_write(struct staged_segment **ret, struct rocks_store *store,
                               struct rocks_batch *batch, struct error *error) {
    struct staged_pack *pack = &batch->pack;
    if (pack->failed) {
        return error_set(error, STATUS_NO_MEMORY, "no memory for the rows of a commit", NULL, NULL);
    }
    put_mark(store, batch->batch);
    if (pack->rows_count == 0) {
        return STATUS_OK;
    }
    uint8_t key[PACK_KEY_BYTES];
    store_u64_be(key, ++store->staged_number);
    rocksdb_writebatch_put_cf(batch->batch, store->families[FAMILY_STAGED], (const char *)key,
                              sizeof key, (const char *)pack->data, pack->bytes);
    enum status status = staged_segment_new(ret, pack, store->staged_number);
    CHECK(status != STATUS_CORRUPT);
    return status == STATUS_OK
               ? status
               : error_set(error, status, "no memory for the rows of a commit", NULL, NULL);
}

static enum status settle_family(struct rocks_store *store, const struct staged_view *view,
                                 size_t index, struct staged_mark *mark, struct error *error) {
    struct staged_cursor cursor;
    struct rocks_file *file;
    char name[48];
    staged_cursor_init(&cursor, view, families[index]);
    staged_cursor_seek(&cursor, SLICE_LITERAL(""), false, false);
    mark->keys[index].bytes = 0;
    if (!cursor.valid) {
        return STATUS_OK;
    }
    (void)snprintf(name, sizeof name, "staged-%zu-%" PRIu64, index, mark->number);
    enum status status = rocks_file_new(&file, store, families[index], name, error);
    if (status != STATUS_OK) {
        return status;
    }
    for (; cursor.valid && status == STATUS_OK; staged_cursor_step(&cursor)) {
        struct slice value, key = staged_cursor_key(&cursor);
        bool is_there = staged_cursor_value(&cursor, &value);
        status = rocks_file_put(file, key, value, !is_there, error);
        if (is_there) {
            CHECK(key.bytes <= STAGED_KEY_BYTES_MAX);
            mark->keys[index].bytes = key.bytes;
            memcpy(mark->keys[index].data, key.data, key.bytes);
        }
    }
    if (status != STATUS_OK) {
        rocks_file_abort(file);
        return status;
    }
    return rocks_file_finish(file, error);
}

/* The caller has the settling lock. Should the process die before a write has told it, the packs
 * are read again and settled again, into the same rows. */
static enum status settle(struct rocks_store *store, struct error *error) {
    struct staged_view view;
    struct staged_mark mark = {0};
    if (!staged_settle(store->staged, &view, &mark.number)) {
        return STATUS_OK;
    }
    enum status status = STATUS_OK;
    for (size_t i = 0; i < STAGED_FAMILIES && status == STATUS_OK; i++) {
        if (!MUTANT(SETTLED_FILE_SKIPPED) || families[i] != FAMILY_MEMBERS) {
            status = settle_family(store, &view, i, &mark, error);
        }
    }
    if (status != STATUS_OK) {
        staged_release(store->staged, &view);
        return status;
    }
    staged_settled(store->staged, &view);
    pthread_mutex_lock(&store->mark_lock);
    *store->mark = mark;
    store->mark_due = true;
    pthread_mutex_unlock(&store->mark_lock);
    return STATUS_OK;
}

bool rocks_settle_is_due(const struct store *base) {
    const struct rocks_store *store = (const struct rocks_store *)base;
    return staged_bytes(store->staged) >= store->settle_bytes;
}

enum status rocks_settle(struct store *base, struct error *error) {
    struct rocks_store *store = (struct rocks_store *)base;
    CHECK(!store->read_only);
    pthread_mutex_lock(&store->settling);
    enum status status = settle(store, error);
    pthread_mutex_unlock(&store->settling);
    return status;
}

/* Where the sealing thread does not come to it, the writing one settles: what is staged is bounded.
 */
enum status rocks_staged_written(struct rocks_store *store, struct staged_segment *segment,
                                 struct error *error) {
    if (segment == NULL) {
        return STATUS_OK;
    }
    enum status status = staged_add(store->staged, segment);
    uint64_t bytes_max = SETTLE_AT_ONCE * store->settle_bytes;
    if (status != STATUS_OK || staged_bytes(store->staged) < bytes_max) {
        return status;
    }
    pthread_mutex_lock(&store->settling);
    if (staged_bytes(store->staged) >= bytes_max) {
        status = settle(store, error);
    }
    pthread_mutex_unlock(&store->settling);
    return status;
}

bool rocks_staged_get(struct rocks_store *store, enum family family, struct slice key,
                      struct store_value *ret, enum status *ret_status) {
    struct staged_view view;
    struct slice value;
    staged_acquire(store->staged, &view, NULL, NULL);
    enum staged_state state = staged_find(&view, family, key, &value);
    *ret_status = STATUS_NOT_FOUND;
    if (state == STAGED_HERE) {
        uint8_t *copy = malloc(value.bytes + 1);
        *ret_status = copy == NULL ? STATUS_NO_MEMORY : STATUS_OK;
        if (copy != NULL) {
            memcpy(copy, value.data, value.bytes);
            *ret = (struct store_value){{copy, value.bytes}, copy};
        }
    }
    staged_release(store->staged, &view);
    return state != STAGED_ABSENT;
}

static enum status damaged(const struct rocks_store *store, const char *what, struct error *error) {
    return error_set(error, STATUS_CORRUPT, store->path, ": ", what);
}

static enum status read_pack(struct rocks_store *store, struct slice key, struct slice value,
                             struct error *error) {
    struct staged_segment *segment;
    if (key.bytes != PACK_KEY_BYTES || load_u64_be(key.data) != store->staged_number + 1) {
        return damaged(store, "rows of incidents and members are missing: restore a backup", error);
    }
    struct staged_pack pack = {.data = malloc(value.bytes + 1), .bytes = value.bytes};
    if (pack.data == NULL) {
        return STATUS_NO_MEMORY;
    }
    memcpy(pack.data, value.data, value.bytes);
    enum status status = staged_segment_new(&segment, &pack, store->staged_number + 1);
    if (status != STATUS_OK) {
        staged_pack_deinit(&pack);
        return status == STATUS_CORRUPT ? damaged(store, "staged rows are damaged", error) : status;
    }
    store->staged_number++;
    return staged_add(store->staged, segment);
}

static enum status read_packs(struct rocks_store *store, struct error *error) {
    struct store_iter *iter;
    uint8_t zero[PACK_KEY_BYTES] = {0};
    enum status status = rocks_rows_iter_new(&iter, store, FAMILY_STAGED);
    if (status != STATUS_OK) {
        return status;
    }
    for (store_iter_seek(iter, (struct slice){zero, sizeof zero});
         status == STATUS_OK && store_iter_valid(iter); store_iter_next(iter)) {
        struct slice key = store_iter_key(iter);
        if (key.bytes == sizeof zero && memcmp(key.data, zero, sizeof zero) == 0) {
            status = mark_decode(store->mark, store_iter_value(iter))
                         ? STATUS_OK
                         : damaged(store, "the mark of settled rows is damaged", error);
            store->staged_number = store->mark->number;
        } else {
            status = read_pack(store, key, store_iter_value(iter), error);
        }
    }
    status = status == STATUS_OK ? store_iter_status(iter, error) : status;
    store_iter_free(iter);
    return status;
}

/* A MANIFEST that was cut at the end of a record may have forgotten the last file, and nothing else
 * would notice. A later settling may have removed the row; its packs are staged again then. */
static enum status check_mark(struct rocks_store *store, struct error *error) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < STAGED_FAMILIES && status == STATUS_OK; i++) {
        struct slice key = {store->mark->keys[i].data, store->mark->keys[i].bytes};
        struct store_value value = {{NULL, 0}, NULL};
        bool is_staged =
            key.bytes > 0 && rocks_staged_get(store, families[i], key, &value, &status);
        if (is_staged) {
            status = status == STATUS_NOT_FOUND ? STATUS_OK : status;
        } else if (key.bytes > 0) {
            status = store_get(&store->base, families[i], key, &value, error);
            status = status == STATUS_NOT_FOUND
                         ? damaged(store, "rows of incidents that were settled are missing", error)
                         : status;
        } else {
            status = STATUS_OK;
        }
        store_value_free(&value);
    }
    return status;
}

enum status rocks_staged_open(struct rocks_store *store, struct error *error) {
    store->mark = calloc(1, sizeof *store->mark);
    if (store->mark == NULL || staged_new(&store->staged) != STATUS_OK) {
        return STATUS_NO_MEMORY;
    }
    enum status status = read_packs(store, error);
    return status == STATUS_OK ? check_mark(store, error) : status;
}

void rocks_staged_init(struct rocks_store *store) {
    pthread_mutex_init(&store->settling, NULL);
    pthread_mutex_init(&store->mark_lock, NULL);
}

void rocks_staged_close(struct rocks_store *store) {
    staged_free(store->staged);
    free(store->mark);
    pthread_mutex_destroy(&store->settling);
    pthread_mutex_destroy(&store->mark_lock);
}
