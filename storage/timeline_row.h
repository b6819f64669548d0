/* The value of a timeline row: a versioned header, then the record. Region, occurred_ms and
 * identity.low are in the key and not repeated (storage/README.md, "Timeline rows"). */
#ifndef STORAGE_TIMELINE_ROW_H
#define STORAGE_TIMELINE_ROW_H

#include "core/base/status.h"
#include "storage/keys.h"
#include "storage/timeline.h"

enum { TIMELINE_ROW_VERSION = 1, TIMELINE_ROW_HEADER_BYTES = 41 };

/* Writes the header; the record's bytes follow it as they are. The same entry always gives the same
 * bytes. */
void timeline_row_encode_header(uint8_t to[TIMELINE_ROW_HEADER_BYTES], uint64_t seq,
                                const struct entry *entry);
/* Key and value of a row as stored. `ret->record` points into `value`. CORRUPT or VERSION. */
MUST_USE enum status timeline_row_decode(struct timeline_row *ret, struct slice key,
                                         struct slice value, struct error *error);

#endif
