/* A report's record: the bytes kept for it in journal blocks and timeline rows.
 *
 *   u8 version (1) | u8 parts | u16 source_bytes LE | [f64 lat LE, f64 lon LE if parts & 1] |
 *   [u64 incident LE, u64 ticket LE if parts & 2] | source (only when the text does not name it) |
 *   the report's JSON text as given
 *
 * Everything else about the report is in its entry. Other kinds of entries have the same form:
 * their text is the event's own object. */
#ifndef CORE_REPORT_RECORD_H
#define CORE_REPORT_RECORD_H

#include "core/region/geo.h"

enum { RECORD_VERSION = 1, RECORD_HEADER_BYTES_MAX = 36 + 64 };

struct record {
    bool has_position;
    struct position position;  /* WGS 84 */
    uint64_t incident, ticket; /* what the report was taken into when it came; 0: none */
    struct slice source;       /* empty: the JSON text has it */
    struct slice json;         /* an object, white space around it removed */
};

size_t record_encoded_bytes(const struct record *record);
/* Returns record_encoded_bytes. */
size_t record_encode(uint8_t *to, const struct record *record);
/* False when the bytes are not a record of this version. Slices point into `from`. */
MUST_USE bool record_decode(struct record *ret, struct slice from);

#endif
