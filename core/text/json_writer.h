/* Writes one JSON text into a buffer of fixed size: the members of the domain's events.
 *
 * The writer keeps commas and nesting; what cannot fit is remembered and refused at the end, so
 * that callers write without looking. Strings are escaped as RFC 8259 demands and bytes that are no
 * UTF-8 become U+FFFD, so what comes out is always valid JSON. Numbers are written the same on
 * every machine. Each call O(bytes). */
#ifndef CORE_TEXT_JSON_WRITER_H
#define CORE_TEXT_JSON_WRITER_H

#include "core/base/status.h"

enum { JSON_WRITER_DEPTH_MAX = 15, JSON_WRITER_DECIMALS_MAX = 9 };

struct json_writer {
    uint8_t *to;
    size_t bytes, bytes_max;
    uint32_t depth;
    uint32_t commas; /* bit d: a value was written at depth d */
    bool after_key;
    bool full;
};

/* `to` stays the caller's. */
void json_writer_init(struct json_writer *writer, void *to, size_t bytes_max);
/* The text. FULL when it did not fit. CHECKs that everything begun has ended. */
MUST_USE enum status json_writer_finish(const struct json_writer *writer, struct slice *ret_text);

void json_write_object_begin(struct json_writer *writer);
void json_write_object_end(struct json_writer *writer);
void json_write_array_begin(struct json_writer *writer);
void json_write_array_end(struct json_writer *writer);
void json_write_key(struct json_writer *writer, const char *key);
void json_write_string(struct json_writer *writer, struct slice value);
void json_write_text(struct json_writer *writer, const char *value); /* NULL: null */
void json_write_u64(struct json_writer *writer, uint64_t value);
void json_write_i64(struct json_writer *writer, int64_t value);
/* Rounded half away from zero to `decimals` digits, zeros at the end kept. CHECKs that the digits
 * without the point fit 18 places. */
void json_write_f64(struct json_writer *writer, double value, unsigned decimals);
void json_write_bool(struct json_writer *writer, bool value);
void json_write_null(struct json_writer *writer);
void json_write_instant(struct json_writer *writer, int64_t ms); /* RFC 3339, as instant_format */
/* A letter and a number as a string: "i123" an incident, "t123" a ticket. */
void json_write_name(struct json_writer *writer, char letter, uint64_t number);

#endif
