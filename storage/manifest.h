/* RocksDB's MANIFEST: the log of which files there are. A power cut can leave its last record torn,
 * and RocksDB then refuses to open although nothing that matters is lost: what the record told was
 * not yet relied on. */
#ifndef STORAGE_MANIFEST_H
#define STORAGE_MANIFEST_H

#include "core/base/status.h"

struct manifest_repair {
    bool was_torn;
    char name[64];        /* of the MANIFEST that CURRENT names */
    char copy[80];        /* where the torn one was kept; "" when it was whole */
    uint64_t bytes;       /* it had */
    uint64_t whole_bytes; /* up to the end of its last whole record */
    uint64_t records;     /* whole ones */
};

/* Copies the MANIFEST aside and cuts it at the end of its last whole record, when only its tail is
 * damaged; both are on disk before it returns. BUSY: a process has the directory. CORRUPT: damage
 * that is not a torn tail (a whole record follows it, or there is no whole record): nothing was
 * changed, a backup is needed. NOT_FOUND: no directory, or no CURRENT in it. O(bytes). */
MUST_USE enum status manifest_repair_tail(struct manifest_repair *ret, const char *directory,
                                          struct error *error);

#endif
