#include "storage/verify_audit.h"

#include "core/base/bytes.h"
#include "core/base/check.h"

#include <inttypes.h>
#include <stdio.h>

enum { KEY_BYTES = 8, INSTANT_BYTES = 8 };

static enum status wrong(struct error *error, uint64_t seq, const char *what) {
    char text[64];
    (void)snprintf(text, sizeof text, "entry %" PRIu64, seq);
    return error_set(error, STATUS_CORRUPT, "the audit's row of ", text, what);
}

enum status audit_check_entry(struct audit_check *check, uint64_t seq, const struct entry *entry,
                              const struct record *record, struct error *error) {
    uint8_t key[KEY_BYTES];
    struct store_value row;
    CHECK(entry->kind == ENTRY_AUDIT);
    store_u64_be(key, seq);
    enum status status =
        store_get(check->store, FAMILY_AUDIT, (struct slice){key, sizeof key}, &row, error);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? wrong(error, seq, " is missing") : status;
    }
    bool same =
        row.bytes.bytes >= INSTANT_BYTES &&
        load_u64_le(row.bytes.data) == (uint64_t)entry->received_ms &&
        slice_equal((struct slice){row.bytes.data + INSTANT_BYTES, row.bytes.bytes - INSTANT_BYTES},
                    record->json);
    store_value_free(&row);
    check->entries++;
    return same ? STATUS_OK : wrong(error, seq, " differs from the journal");
}

enum status audit_check_rows(struct audit_check *check, struct error *error) {
    struct store_iter *iter;
    enum status status = store_iter_new(&iter, check->store, FAMILY_AUDIT, NULL, false);
    if (status != STATUS_OK) {
        return status;
    }
    check->rows = 0;
    store_iter_seek(iter, (struct slice){(const uint8_t[]){0}, 1});
    for (; store_iter_valid(iter); store_iter_next(iter)) {
        check->rows++;
    }
    status = store_iter_status(iter, error);
    store_iter_free(iter);
    return status != STATUS_OK || check->rows == check->entries
               ? status
               : error_set(error, STATUS_CORRUPT, "the audit has rows of no entry", NULL, NULL);
}
