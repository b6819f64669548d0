#include "storage/suspects.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/mutant.h"
#include "storage/keys.h"

enum { AT_SEQ = 0, AT_CONTENT_TAG = 8, BATCH_ROWS = 4096 };

static void encode_key(uint8_t to[SUSPECTS_KEY_BYTES], struct identity identity) {
    store_u64_be(to, identity.low);
    store_u64_be(to + 8, identity.high);
}

static enum status decode_value(struct stored_report *ret, struct slice value,
                                struct error *error) {
    if (value.bytes != SUSPECTS_VALUE_BYTES || load_u64_le(value.data + AT_SEQ) == 0) {
        return error_set(error, STATUS_CORRUPT, "a row of the suspects is damaged", NULL, NULL);
    }
    *ret = (struct stored_report){load_u64_le(value.data + AT_SEQ),
                                  load_u64_le(value.data + AT_CONTENT_TAG)};
    return STATUS_OK;
}

enum status suspects_decode(struct suspect_row *ret, struct slice key, struct slice value,
                            struct error *error) {
    if (key.bytes != SUSPECTS_KEY_BYTES) {
        return error_set(error, STATUS_CORRUPT, "a key of the suspects has the wrong size", NULL,
                         NULL);
    }
    ret->identity = (struct identity){load_u64_be(key.data), load_u64_be(key.data + 8)};
    return decode_value(&ret->stored, value, error);
}

static void put_row(struct store_batch *batch, uint64_t seq, const struct entry *entry) {
    uint8_t key[SUSPECTS_KEY_BYTES], value[SUSPECTS_VALUE_BYTES];
    CHECK(seq > 0 && (entry->flags & ENTRY_CLOCK_SUSPECT) != 0);
    encode_key(key, entry->identity);
    store_u64_le(value + AT_SEQ, seq);
    store_u64_le(value + AT_CONTENT_TAG, entry->content_tag);
    store_batch_put(batch, FAMILY_SUSPECTS, (struct slice){key, sizeof key},
                    (struct slice){value, sizeof value});
}

void suspects_put(struct store_batch *batch, const struct block *block) {
    if ((block->flags & ENTRY_CLOCK_SUSPECT) == 0 || MUTANT(SUSPECTS_NOT_STORED)) {
        return;
    }
    for (uint32_t i = 0; i < block->entries_count; i++) {
        if ((block->entries[i].flags & ENTRY_CLOCK_SUSPECT) != 0) {
            put_row(batch, block->first_seq + i, &block->entries[i]);
        }
    }
}

enum status suspects_get(struct stored_report *ret, struct store *store, struct identity identity,
                         struct error *error) {
    uint8_t key[SUSPECTS_KEY_BYTES];
    struct store_value value;
    encode_key(key, identity);
    enum status status =
        store_get(store, FAMILY_SUSPECTS, (struct slice){key, sizeof key}, &value, error);
    if (status == STATUS_OK) {
        status = decode_value(ret, value.bytes, error);
        store_value_free(&value);
    }
    return status;
}

enum status suspects_walk(struct store *store, suspects_cb callback, void *context,
                          struct error *error) {
    struct store_iter *iter;
    enum status status = store_iter_new(&iter, store, FAMILY_SUSPECTS, NULL, false);
    if (status != STATUS_OK) {
        return error_set(error, status, "no memory to read the suspects", NULL, NULL);
    }
    store_iter_seek(iter, SLICE_LITERAL(""));
    while (status == STATUS_OK && store_iter_valid(iter)) {
        struct suspect_row row;
        status = suspects_decode(&row, store_iter_key(iter), store_iter_value(iter), error);
        if (status == STATUS_OK) {
            status = callback(context, &row, error);
        }
        if (status == STATUS_OK) {
            store_iter_next(iter);
        }
    }
    status = status == STATUS_OK ? store_iter_status(iter, error) : status;
    store_iter_free(iter);
    return status;
}

struct completing {
    struct store *store;
    struct store_batch *batch;
    size_t rows_count; /* in the batch */
};

static enum status flush(struct completing *completing, struct error *error) {
    enum status status = store_write(completing->store, completing->batch, error);
    store_batch_reset(completing->batch);
    completing->rows_count = 0;
    return status;
}

static enum status put_rows_of(struct completing *completing, struct slice encoded,
                               struct error *error) {
    struct block_view view;
    enum status status = block_view(&view, encoded, error);
    for (uint32_t i = view.entries_count; status == STATUS_OK && i-- > 0;) {
        struct entry entry;
        if (block_view_entry(&view, i, &entry) != STATUS_OK) {
            return error_set(error, STATUS_CORRUPT, "a journal entry is damaged", NULL, NULL);
        }
        if ((entry.flags & ENTRY_CLOCK_SUSPECT) != 0) {
            put_row(completing->batch, view.first_seq + i, &entry);
            completing->rows_count++;
        }
        if (completing->rows_count == BATCH_ROWS) {
            status = flush(completing, error);
        }
    }
    return status;
}

/* Newest first: of an identity that is there twice the first entry is put last, and stays. */
enum status suspects_complete(struct store *store, struct store_batch *batch, struct error *error) {
    struct completing completing = {.store = store, .batch = batch};
    struct store_iter *iter;
    enum status status = store_iter_new(&iter, store, FAMILY_JOURNAL, NULL, false);
    if (status != STATUS_OK) {
        return error_set(error, status, "no memory to read the journal", NULL, NULL);
    }
    store_batch_reset(batch);
    store_iter_seek_last(iter);
    while (status == STATUS_OK && store_iter_valid(iter)) {
        status = put_rows_of(&completing, store_iter_value(iter), error);
        if (status == STATUS_OK) {
            store_iter_prev(iter);
        }
    }
    status = status == STATUS_OK ? store_iter_status(iter, error) : status;
    store_iter_free(iter);
    if (status == STATUS_OK) {
        schema_put_suspects(batch);
        status = flush(&completing, error);
    }
    return status;
}
