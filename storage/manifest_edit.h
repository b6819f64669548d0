/* One record of RocksDB's MANIFEST, as far as to tell an edit that only takes a file in from all
 * others. (tags: db/version_edit.h of RocksDB 7.8) */
#ifndef STORAGE_MANIFEST_EDIT_H
#define STORAGE_MANIFEST_EDIT_H

#include "core/base/base.h"

/* Does the edit add exactly one table and do nothing else (no file removed, no log passed, no
 * family made)? `*ret_number` is the table's then. Bytes that are no edit are false. O(bytes). */
bool manifest_edit_adds_one(uint64_t *ret_number, struct slice record);

#endif
