/* RocksDB's log format, in which its write-ahead logs and its MANIFEST are written: blocks of 32
 * KiB; a record is one FULL fragment, or FIRST, MIDDLE..., LAST. A fragment is masked crc32c of
 * what follows the length, u16 length, u8 type, and in the recyclable types the log's number in 4
 * bytes. A block's last bytes, too few for a header, are zero. (db/log_format.h of RocksDB 7.8) */
#ifndef STORAGE_LOG_FRAGMENT_H
#define STORAGE_LOG_FRAGMENT_H

#include "core/base/base.h"

enum { LOG_BLOCK_BYTES = 32768 };

enum log_fragment_type { LOG_FULL = 1, LOG_FIRST = 2, LOG_MIDDLE = 3, LOG_LAST = 4 };

struct log_fragment {
    enum log_fragment_type type;
    struct slice payload; /* in the text it was read from */
    size_t bytes;         /* with its header */
};

/* STALE: sound, but of another log whose file was used again. */
enum log_verdict { LOG_VERDICT_OK, LOG_VERDICT_BAD, LOG_VERDICT_STALE };

/* The fragment at `at` of a log. `*hashed_bytes` grows by what was hashed. O(fragment). */
enum log_verdict log_fragment_read(struct log_fragment *ret, struct slice log, size_t at,
                                   uint64_t log_number, uint64_t *hashed_bytes);
/* `at` without a block's last bytes when they are too few for a header. O(1). */
size_t log_skip_trailer(struct slice log, size_t at);

static inline bool log_begins_record(const struct log_fragment *fragment) {
    return fragment->type == LOG_FULL || fragment->type == LOG_FIRST;
}

static inline bool log_ends_record(const struct log_fragment *fragment) {
    return fragment->type == LOG_FULL || fragment->type == LOG_LAST;
}

#endif
