/* Writes JSON onto a buffer. Strings are escaped as RFC 8259 demands; the caller keeps commas and
 * structure right with begin/end, which CHECK nesting. */
#ifndef SERVER_JSON_OUT_H
#define SERVER_JSON_OUT_H

#include "server/buffer.h"

struct json_out {
    struct buffer *to;
    uint32_t depth;
    bool comma[16]; /* a value was written at this depth */
    bool after_key;
};

void json_out_init(struct json_out *out, struct buffer *to);
void json_out_object_begin(struct json_out *out);
void json_out_object_end(struct json_out *out);
void json_out_array_begin(struct json_out *out);
void json_out_array_end(struct json_out *out);
void json_out_key(struct json_out *out, const char *key);
void json_out_key_slice(struct json_out *out, struct slice key);
void json_out_string(struct json_out *out, struct slice value);
void json_out_text(struct json_out *out, const char *value); /* NULL: null */
void json_out_u64(struct json_out *out, uint64_t value);
void json_out_i64(struct json_out *out, int64_t value);
void json_out_double(struct json_out *out,
                     double value); /* shortest that reads back; CHECKs finite */
void json_out_bool(struct json_out *out, bool value);
void json_out_null(struct json_out *out);
void json_out_instant(struct json_out *out, int64_t ms);
/* The member `key` with the name of an incident ("i12") or a ticket ("t12"); null for number 0. */
void json_out_name(struct json_out *out, const char *key, char letter, uint64_t number);
/* A value that is JSON already. */
void json_out_raw(struct json_out *out, struct slice json);

#endif
