#include "storage/verify_suspects.h"

#include "core/base/check.h"
#include "storage/verify_rows.h"

#include <inttypes.h>
#include <stdio.h>

static enum status wrong(struct error *error, uint64_t seq, const char *what) {
    char text[64];
    (void)snprintf(text, sizeof text, "entry %" PRIu64, seq);
    return error_set(error, STATUS_CORRUPT, "the suspects' row of ", text, what);
}

enum status suspects_check_entry(struct suspects_check *check, uint64_t seq,
                                 const struct entry *entry, struct error *error) {
    CHECK((entry->flags & ENTRY_CLOCK_SUSPECT) != 0);
    struct stored_report stored;
    enum status status = suspects_get(&stored, check->store, entry->identity, error);
    if (status == STATUS_NOT_FOUND) {
        return check->complete ? wrong(error, seq, " is missing") : STATUS_OK;
    }
    if (status != STATUS_OK || stored.seq < seq) {
        return status;
    }
    if (stored.seq > seq || stored.content_tag != entry->content_tag) {
        return wrong(error, seq, " differs from the journal");
    }
    check->matched++;
    return STATUS_OK;
}

static enum status count_row(void *context, const struct suspect_row *row, struct error *error) {
    (void)row;
    (void)error;
    ((struct suspects_check *)context)->rows++;
    return STATUS_OK;
}

static enum status find_entry(void *context, const struct suspect_row *row, struct error *error) {
    struct store_iter *journal = context;
    struct entry entry;
    enum status status = rows_entry_of(&entry, journal, row->stored.seq, error);
    if (status == STATUS_NOT_FOUND) {
        return wrong(error, row->stored.seq, " has no entry");
    }
    bool same = status == STATUS_OK && entry.identity.low == row->identity.low &&
                entry.identity.high == row->identity.high &&
                (entry.flags & ENTRY_CLOCK_SUSPECT) != 0;
    return status != STATUS_OK || same ? status
                                       : wrong(error, row->stored.seq, " is of another entry");
}

static enum status name_difference(struct store *store, struct error *error) {
    struct store_iter *journal;
    enum status status = store_iter_new(&journal, store, FAMILY_JOURNAL, NULL, false);
    if (status == STATUS_OK) {
        status = suspects_walk(store, find_entry, journal, error);
        store_iter_free(journal);
    }
    return status != STATUS_OK
               ? status
               : error_set(error, STATUS_CORRUPT, "suspects and journal differ", NULL, NULL);
}

enum status suspects_check_rows(struct suspects_check *check, struct error *error) {
    check->rows = 0;
    enum status status = suspects_walk(check->store, count_row, check, error);
    if (status == STATUS_OK && check->rows != check->matched) {
        status = name_difference(check->store, error);
    }
    return status;
}
