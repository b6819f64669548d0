/* Do the rows of the audit say what the journal's audit entries say? Each such entry is shown to
 * audit_check_entry; as many rows as entries must then be there. */
#ifndef STORAGE_VERIFY_AUDIT_H
#define STORAGE_VERIFY_AUDIT_H

#include "core/report/entry.h"
#include "core/report/record.h"
#include "storage/store.h"

struct audit_check {
    struct store *store;
    uint64_t entries;
    uint64_t rows; /* set by audit_check_rows */
};

/* CORRUPT: the entry has no row, or one that says something else. */
MUST_USE enum status audit_check_entry(struct audit_check *check, uint64_t seq,
                                       const struct entry *entry, const struct record *record,
                                       struct error *error);
/* After all entries. CORRUPT: there are rows of no entry. */
MUST_USE enum status audit_check_rows(struct audit_check *check, struct error *error);

#endif
