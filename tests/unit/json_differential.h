/* Our JSON verdict beside yajl's, for the unit test and the fuzz target. */
#ifndef TESTS_UNIT_JSON_DIFFERENTIAL_H
#define TESTS_UNIT_JSON_DIFFERENTIAL_H

#include <string.h>

#include <yajl/yajl_parse.h>

#include "core/text/json.h"

static inline bool yajl_accepts(struct slice text) {
    static const yajl_callbacks none; /* without callbacks yajl converts no number */
    yajl_handle handle = yajl_alloc(&none, NULL, NULL);
    bool accepted = yajl_parse(handle, text.data, text.bytes) == yajl_status_ok &&
                    yajl_complete_parse(handle) == yajl_status_ok;
    yajl_free(handle);
    return accepted;
}

/* A second UTF-8 decoder, by the definition: decode the point, then encode it in the shortest way.
 */
static inline bool plain_utf8_is_valid(struct slice text) {
    size_t i = 0;
    while (i < text.bytes) {
        uint8_t lead = text.data[i];
        size_t bytes = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : 4;
        if (bytes == 4 && lead >> 3 != 30) {
            return false;
        }
        uint32_t point = bytes == 1 ? lead : lead & (0x7Fu >> bytes);
        for (size_t k = 1; k < bytes; k++) {
            if (i + k >= text.bytes || text.data[i + k] >> 6 != 2) {
                return false;
            }
            point = point << 6 | (text.data[i + k] & 0x3F);
        }
        size_t shortest = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        if (shortest != bytes || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) {
            return false;
        }
        i += bytes;
    }
    return true;
}

static inline enum json_problem read_whole(struct json_reader *reader,
                                           const struct json_bounds *bounds, struct slice text) {
    json_init(reader, bounds, text);
    for (;;) {
        struct json_token token = json_next(reader);
        if (token.kind == JSON_DONE) {
            return JSON_OK;
        }
        if (token.kind == JSON_ERROR) {
            return reader->problem;
        }
    }
}

/* Do the two verdicts agree, or differ only where we mean to be stricter? What we accept yajl must
 * accept; what we alone refuse must have one of the reasons that yajl does not know. */
static inline bool verdicts_agree(struct json_reader *reader, const struct json_bounds *bounds,
                                  struct slice text) {
    enum json_problem problem = read_whole(reader, bounds, text);
    bool theirs = yajl_accepts(text);
    if (problem == JSON_OK || !theirs) {
        return (problem == JSON_OK) == theirs;
    }
    switch (problem) {
    case JSON_DUPLICATE_KEY:
    case JSON_TOO_DEEP:
    case JSON_TOO_MANY_KEYS:
    case JSON_STRING_TOO_LONG:
    case JSON_LONE_SURROGATE: /* yajl writes a question mark for it */
        return true;
    case JSON_BAD_UTF8: /* yajl looks only at the shape of the bytes */
        return !plain_utf8_is_valid(text);
    case JSON_SYNTAX:
    case JSON_TRAILING: {
        /* yajl takes \v and \f for white space, and overlooks a string left open at the end. */
        uint8_t byte = text.data[json_offset(reader)];
        return byte == '\v' || byte == '\f' || (problem == JSON_TRAILING && byte == '"');
    }
    case JSON_OK:
    case JSON_TRUNCATED:
    case JSON_BAD_ESCAPE:
    case JSON_CONTROL_BYTE:
    case JSON_BAD_NUMBER:
        return false;
    }
    return false;
}

#endif
