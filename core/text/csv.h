/* CSV as RFC 4180 has it: finding where records end while bytes stream in, and splitting one record
 * into its fields. Lines end with LF or CRLF; a record may span lines inside quotes. */
#ifndef CORE_TEXT_CSV_H
#define CORE_TEXT_CSV_H

#include "core/base/base.h"

enum csv_state { CSV_FIELD_BEGIN, CSV_FIELD_PLAIN, CSV_FIELD_QUOTED, CSV_FIELD_QUOTE };

/* All zero before a record. One per stream; the caller bounds the length of a record. */
struct csv_splitter {
    enum csv_state state;
};

/* How many of `bytes` belong to the record that the splitter is in, its LF included; 0 when they
 * all do and the record goes on in what follows. After an end the splitter is ready for the next
 * record. A stray quote does not begin a quoted field, so a bad record ends with its line. */
size_t csv_find_record_end(struct csv_splitter *splitter, struct slice bytes);

/* The record without its LF or CRLF, if it has one. */
struct slice csv_trim_line_end(struct slice record);

/* Splits a record without its line end; a record always has at least one field. Fields point into
 * `record`, or into `scratch` where quotes were doubled (record.bytes of it are always enough).
 * False with a static sentence in `*ret_why`: a stray or unclosed quote, more than `fields_max`
 * fields, scratch used up. O(record). */
MUST_USE bool csv_split(struct slice *fields, size_t fields_max, size_t *ret_count,
                        struct slice record, uint8_t *scratch, size_t scratch_bytes,
                        const char **ret_why);

#endif
