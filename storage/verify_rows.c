#include "storage/verify_rows.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/text/instant.h"
#include "storage/block.h"
#include "storage/keys.h"
#include "storage/timeline_row.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

struct head {
    uint8_t key[TIMELINE_KEY_BYTES];
    uint8_t header[TIMELINE_ROW_HEADER_BYTES];
};
_Static_assert(sizeof(struct head) == TIMELINE_KEY_BYTES + TIMELINE_ROW_HEADER_BYTES,
               "hashed as bytes");

static void encode_head(struct head *to, uint64_t seq, const struct entry *entry) {
    const struct timeline_position position = {entry->occurred_ms, entry->region,
                                               entry->identity.low};
    timeline_key_encode(to->key, &position);
    timeline_row_encode_header(to->header, seq, entry);
}

static void sum_add(struct rows_sum *sum, const struct head *head, struct slice record) {
    XXH128_hash_t first = XXH3_128bits_withSeed(head, sizeof *head, sum->seed);
    XXH128_hash_t whole = XXH3_128bits_withSeed(record.data, record.bytes, sum->seed ^ first.low64);
    sum->count++;
    sum->low += whole.low64;
    sum->high += whole.high64 ^ first.high64;
}

bool rows_entry_has_position(const struct entry *entry) {
    return entry->occurred_ms >= 0 && entry->occurred_ms / DAY_MS <= UINT32_MAX;
}

void rows_sum_add(struct rows_sum *sum, uint64_t seq, const struct entry *entry,
                  struct slice record) {
    CHECK(rows_entry_has_position(entry));
    struct head head;
    encode_head(&head, seq, entry);
    sum_add(sum, &head, record);
}

static enum status wrong(struct error *error, uint64_t seq, const char *what) {
    char text[64];
    (void)snprintf(text, sizeof text, "entry %" PRIu64, seq);
    return error_set(error, STATUS_CORRUPT, "the timeline row of ", text, what);
}

enum status rows_lookup(struct store *store, uint64_t seq, const struct entry *entry,
                        struct slice record, struct error *error) {
    CHECK(rows_entry_has_position(entry));
    struct head head;
    encode_head(&head, seq, entry);
    struct store_value value;
    enum status status =
        store_get(store, FAMILY_TIMELINE, (struct slice){head.key, sizeof head.key}, &value, error);
    if (status != STATUS_OK) {
        return status;
    }
    const size_t header_bytes = TIMELINE_ROW_HEADER_BYTES;
    bool same = value.bytes.bytes == header_bytes + record.bytes &&
                memcmp(value.bytes.data, head.header, header_bytes) == 0 &&
                memcmp(value.bytes.data + header_bytes, record.data, record.bytes) == 0;
    store_value_free(&value);
    return same ? STATUS_OK : wrong(error, seq, " differs from the journal");
}

typedef enum status (*row_cb)(void *context, const struct timeline_row *row, struct slice key,
                              struct slice value, struct error *error);

static enum status walk_timeline(struct store *store, row_cb callback, void *context,
                                 struct error *error) {
    struct store_iter *iter;
    enum status status = store_iter_new(&iter, store, FAMILY_TIMELINE, NULL, false);
    if (status != STATUS_OK) {
        return status;
    }
    const uint8_t first[TIMELINE_KEY_BYTES] = {0};
    for (store_iter_seek(iter, (struct slice){first, sizeof first});
         status == STATUS_OK && store_iter_valid(iter);) {
        struct timeline_row row;
        struct slice key = store_iter_key(iter), value = store_iter_value(iter);
        status = timeline_row_decode(&row, key, value, error);
        if (status == STATUS_OK) {
            status = callback(context, &row, key, value, error);
        }
        if (status == STATUS_OK) {
            store_iter_next(iter);
        }
    }
    if (status == STATUS_OK) {
        status = store_iter_status(iter, error);
    }
    store_iter_free(iter);
    return status;
}

struct summing {
    struct rows_sum *sum;
    uint64_t sealed_through, late_count;
};

static enum status add_row(void *context, const struct timeline_row *row, struct slice key,
                           struct slice value, struct error *error) {
    (void)error;
    struct summing *summing = context;
    if (row->seq > summing->sealed_through) {
        summing->late_count++;
        return STATUS_OK;
    }
    struct head head;
    memcpy(head.key, key.data, sizeof head.key);
    memcpy(head.header, value.data, sizeof head.header);
    sum_add(summing->sum, &head, row->record);
    return STATUS_OK;
}

enum status rows_walk_timeline(struct rows_sum *sum, uint64_t *ret_late_count, struct store *store,
                               uint64_t sealed_through, struct error *error) {
    struct summing summing = {.sum = sum, .sealed_through = sealed_through};
    enum status status = walk_timeline(store, add_row, &summing, error);
    if (status == STATUS_OK) {
        *ret_late_count = summing.late_count;
    }
    return status;
}

/* Every sealed entry of one block has its row. */
static enum status find_wrong_in_block(struct store *store, const struct block_view *view,
                                       uint64_t sealed_through, struct error *error) {
    uint8_t *payload = malloc(view->payload_bytes + 1);
    if (payload == NULL) {
        return STATUS_NO_MEMORY;
    }
    enum status status = block_view_inflate(view, payload, error);
    for (uint32_t i = 0; status == STATUS_OK && i < view->entries_count; i++) {
        struct entry entry;
        status = block_view_entry(view, i, &entry);
        if (status != STATUS_OK || view->first_seq + i > sealed_through) {
            break;
        }
        struct slice record = {payload + entry.record_offset, entry.record_bytes};
        status = rows_lookup(store, view->first_seq + i, &entry, record, error);
        if (status == STATUS_NOT_FOUND) {
            status = wrong(error, view->first_seq + i, " is missing");
        }
    }
    free(payload);
    return status;
}

static enum status find_wrong_entry(struct store *store, uint64_t sealed_through,
                                    struct error *error) {
    struct store_iter *iter;
    enum status status = store_iter_new(&iter, store, FAMILY_JOURNAL, NULL, false);
    if (status != STATUS_OK) {
        return status;
    }
    const uint8_t first[JOURNAL_KEY_BYTES] = {0};
    store_iter_seek(iter, (struct slice){first, sizeof first});
    while (status == STATUS_OK && store_iter_valid(iter)) {
        struct block_view view;
        status = block_view(&view, store_iter_value(iter), error);
        if (status == STATUS_OK) {
            status = find_wrong_in_block(store, &view, sealed_through, error);
        }
        if (status == STATUS_OK) {
            store_iter_next(iter);
        }
    }
    status = status == STATUS_OK ? store_iter_status(iter, error) : status;
    store_iter_free(iter);
    return status;
}

enum status rows_entry_of(struct entry *ret, struct store_iter *journal, uint64_t seq,
                          struct error *error) {
    uint8_t key[JOURNAL_KEY_BYTES];
    store_u64_be(key, seq);
    store_iter_seek_for_prev(journal, (struct slice){key, sizeof key});
    if (!store_iter_valid(journal)) {
        enum status status = store_iter_status(journal, error);
        return status != STATUS_OK ? status : STATUS_NOT_FOUND;
    }
    struct block_view view;
    enum status status = block_view(&view, store_iter_value(journal), error);
    if (status != STATUS_OK) {
        return status;
    }
    return seq >= view.first_seq && seq - view.first_seq < view.entries_count &&
                   block_view_entry(&view, (uint32_t)(seq - view.first_seq), ret) == STATUS_OK
               ? STATUS_OK
               : STATUS_NOT_FOUND;
}

/* CORRUPT when the journal's entry of the row's number is not where the row is. */
static enum status check_row_has_entry(void *context, const struct timeline_row *row,
                                       struct slice key, struct slice value, struct error *error) {
    (void)value;
    uint8_t own_key[TIMELINE_KEY_BYTES] = {0};
    struct entry entry;
    enum status status = rows_entry_of(&entry, context, row->seq, error);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    if (status == STATUS_NOT_FOUND || !rows_entry_has_position(&entry)) {
        return wrong(error, row->seq, " has no entry");
    }
    const struct timeline_position position = {entry.occurred_ms, entry.region, entry.identity.low};
    timeline_key_encode(own_key, &position);
    return memcmp(own_key, key.data, sizeof own_key) == 0
               ? STATUS_OK
               : wrong(error, row->seq, " is there a second time, under another key");
}

enum status rows_name_difference(struct store *store, uint64_t sealed_through,
                                 struct error *error) {
    enum status status = find_wrong_entry(store, sealed_through, error);
    if (status != STATUS_OK) {
        return status;
    }
    struct store_iter *journal;
    status = store_iter_new(&journal, store, FAMILY_JOURNAL, NULL, false);
    if (status == STATUS_OK) {
        status = walk_timeline(store, check_row_has_entry, journal, error);
        store_iter_free(journal);
    }
    return status != STATUS_OK
               ? status
               : error_set(error, STATUS_CORRUPT, "sealed rows and journal differ", NULL, NULL);
}
