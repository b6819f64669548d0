/* Do the rows of the suspects say what the journal says? Each clock-suspect entry of the journal is
 * shown to suspects_check_entry; as many rows as matched their own entry must then be there. */
#ifndef STORAGE_VERIFY_SUSPECTS_H
#define STORAGE_VERIFY_SUSPECTS_H

#include "storage/suspects.h"

struct suspects_check {
    struct store *store;
    bool complete;    /* every such entry must have its row (an older directory: not yet) */
    uint64_t matched; /* entries whose identity's row names them */
    uint64_t rows;    /* set by suspects_check_rows */
};

/* CORRUPT: the identity has no row, or one that names a later entry or another content. A row that
 * names an earlier entry is right: the journal may have an identity twice. */
MUST_USE enum status suspects_check_entry(struct suspects_check *check, uint64_t seq,
                                          const struct entry *entry, struct error *error);
/* After all entries. CORRUPT: there are rows of no entry, and the first of them is named. */
MUST_USE enum status suspects_check_rows(struct suspects_check *check, struct error *error);

#endif
