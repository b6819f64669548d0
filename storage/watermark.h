/* The acknowledgement watermark, DIR/ack.hwm: a sequence number that was certainly acknowledged,
 * kept outside RocksDB so that a shortened history is noticed (reliability.md section 3.2).
 *
 * Two slots are written in turn, each synced, so a torn write costs one second of watermark and
 * never the file. One writer at a time; writing blocks on the disk and never belongs on the loop.
 */
#ifndef STORAGE_WATERMARK_H
#define STORAGE_WATERMARK_H

#include "core/base/status.h"

#define WATERMARK_FILE "ack.hwm"

struct watermark_value {
    uint64_t epoch; /* of the database it belongs to (storage/schema.h) */
    uint64_t seq;
    int64_t wall_ms;
};

/* The newest valid slot, without changing anything. NOT_FOUND: there is no file. CORRUPT: neither
 * slot is valid, or the file has the wrong size. */
MUST_USE enum status watermark_read(struct watermark_value *ret, const char *directory,
                                    struct error *error);

struct watermark; /* opaque */
/* Opens for writing. A missing file is made with `first` in it, complete or not at all; of an
 * existing one `first` is ignored. */
MUST_USE enum status watermark_open(struct watermark **ret, const char *directory,
                                    const struct watermark_value *first, struct error *error);
/* On OK it is on disk. CHECKs that within one epoch seq does not fall. */
MUST_USE enum status watermark_write(struct watermark *watermark,
                                     const struct watermark_value *value, struct error *error);
/* NULL is allowed. Writes nothing. */
void watermark_close(struct watermark *watermark);

#endif
