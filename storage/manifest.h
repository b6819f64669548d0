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

/* When syncing the MANIFEST fails while a sealed run is taken in, RocksDB removes the run's file
 * and ends the MANIFEST there, with the record still in it: no open would succeed any more. If the
 * last record does nothing but add a file that is not there, it is cut off; the MANIFEST as it was
 * stays as unfinished-MANIFEST-NUMBER. The run is sealed again from the journal; if it counted as
 * sealed (then somebody removed the file), db_open finds its rows missing. The caller holds the
 * directory's lock. OK also for a directory without a store. O(bytes). */
MUST_USE enum status manifest_drop_unfinished(const char *directory, struct error *error);

#endif
