/* The data directory around RocksDB: made, locked and swept before the store opens. */
#ifndef STORAGE_STORE_DIR_H
#define STORAGE_STORE_DIR_H

#include "core/base/status.h"

/* Our own lock beside RocksDB's (which a copied or repaired directory may lack). */
#define STORE_DIR_LOCK_FILE "LOCK.gridd"
/* Sorted files on their way in; same file system, so that taking one in is a rename. */
#define STORE_DIR_RUNS "runs"

/* Takes the lock; the lock is held until `*ret_lock_fd` is closed. With `create` a missing
 * directory is made (its parent must be there); without, NOT_FOUND. BUSY: another process has it.
 * Unless `read_only`, leftovers of a crash are removed: option files half written, runs not taken
 * in. Read-only changes nothing and locks only what is there (`*ret_lock_fd` may be -1). */
MUST_USE enum status store_dir_open(int *ret_lock_fd, const char *path, bool create, bool read_only,
                                    struct error *error);
/* IO or NO_SPACE from errno, the message naming `what` and `path`. */
enum status store_dir_error(struct error *error, const char *what, const char *path);
/* Makes the entries of a directory durable. */
MUST_USE enum status store_dir_sync(const char *path, struct error *error);

#endif
