/* Recovery: what db_open rebuilds in memory from the store. */
#ifndef STORAGE_DB_RECOVER_H
#define STORAGE_DB_RECOVER_H

#include "storage/db_internal.h"

/* Finds the journal's ends, rebuilds the runs from the blocks after sealed_through (sealing in
 * between when they are more than one run), and the index of days. CORRUPT when a block's hash, the
 * chain between blocks or a sequence number is wrong. */
MUST_USE enum status db_recover(struct db *db, struct error *error);

#endif
