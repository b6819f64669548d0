/* Backup and restore of data directories. A backup is a directory that verify_directory accepts. */
#ifndef STORAGE_BACKUP_H
#define STORAGE_BACKUP_H

#include "core/base/status.h"

/* From a directory that no process has open. A running server does it itself (db_backup). `to` must
 * not exist. */
MUST_USE enum status backup_directory(const char *from, const char *to, struct error *error);
/* Copies a backup to a new directory, verifies it, gives it a new epoch and removes the old
 * watermark. `to` must not exist. */
MUST_USE enum status restore_directory(const char *from, const char *to, struct error *error);

#endif
