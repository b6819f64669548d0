/* Sealing: a recent run, sorted, as one sorted file of FAMILY_TIMELINE. */
#ifndef STORAGE_SEALED_RUN_H
#define STORAGE_SEALED_RUN_H

#include "storage/recent_run.h"
#include "storage/store.h"

/* Writes all of `run`, to which nobody appends any more, and takes it into the store in whole or
 * not at all. Sealing the same entries twice writes the same keys and values. Needs about 16 bytes
 * of memory an entry of the largest group beside 8 bytes a group. */
MUST_USE enum status sealed_run_write(struct store *store, uint64_t number,
                                      const struct recent_run *run, struct error *error);

#endif
