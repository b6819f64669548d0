#include "core/text/json_string.h"

#include "core/base/check.h"
#include "core/text/utf8.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static int hex_digit(uint8_t byte) {
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    uint8_t lower = byte | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The four hex digits at `at`, or -1. */
static int32_t hex_unit(const uint8_t *at, const uint8_t *end) {
    if (end - at < 4) {
        return -1;
    }
    int32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0) {
            return -1;
        }
        unit = unit * 16 + digit;
    }
    return unit;
}

static bool is_high_surrogate(int32_t unit) {
    return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool is_low_surrogate(int32_t unit) {
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

/* The escape at `at` (a backslash); sets its length as written on JSON_OK. */
static enum json_problem scan_escape(size_t *ret_bytes, const uint8_t *at, const uint8_t *end) {
    CHECK(at < end && *at == '\\');
    if (end - at < 2) {
        return JSON_TRUNCATED;
    }
    if (at[1] != 'u') {
        *ret_bytes = 2;
        return at[1] != '\0' && strchr("\"\\/bfnrt", at[1]) != NULL ? JSON_OK : JSON_BAD_ESCAPE;
    }
    int32_t unit = hex_unit(at + 2, end);
    if (unit < 0) {
        return JSON_BAD_ESCAPE;
    }
    if (is_low_surrogate(unit)) {
        return JSON_LONE_SURROGATE;
    }
    if (is_high_surrogate(unit)) {
        bool pair = end - at >= 12 && at[6] == '\\' && at[7] == 'u';
        if (!pair || !is_low_surrogate(hex_unit(at + 8, end))) {
            return JSON_LONE_SURROGATE;
        }
        *ret_bytes = 12;
        return JSON_OK;
    }
    *ret_bytes = 6;
    return JSON_OK;
}

enum json_problem json_string_scan(const uint8_t **ret_at, bool *ret_escaped, const uint8_t *at,
                                   const uint8_t *end) {
    CHECK(at <= end);
    bool escaped = false;
    enum json_problem problem = JSON_TRUNCATED;
    while ((at = json_find_special(at, end)) < end) {
        if (*at == '"') {
            *ret_escaped = escaped;
            problem = JSON_OK;
            break;
        }
        if (*at == '\\') {
            size_t bytes;
            problem = scan_escape(&bytes, at, end);
            if (problem != JSON_OK) {
                break;
            }
            escaped = true;
            at += bytes;
        } else if (*at < ' ') {
            problem = JSON_CONTROL_BYTE;
            break;
        } else {
            size_t bytes;
            while (at < end && *at >= 0x80 && (bytes = utf8_sequence(at, end)) != 0) {
                at += bytes;
            }
            if (at < end && *at >= 0x80) {
                problem = JSON_BAD_UTF8;
                break;
            }
        }
        problem = JSON_TRUNCATED;
    }
    *ret_at = at;
    return problem;
}

static size_t encode_utf8(uint8_t *to, uint32_t point) {
    if (point < 0x80) {
        to[0] = (uint8_t)point;
        return 1;
    }
    if (point < 0x800) {
        to[0] = (uint8_t)(0xC0 | point >> 6);
        to[1] = (uint8_t)(0x80 | (point & 0x3F));
        return 2;
    }
    if (point < 0x10000) {
        to[0] = (uint8_t)(0xE0 | point >> 12);
        to[1] = (uint8_t)(0x80 | (point >> 6 & 0x3F));
        to[2] = (uint8_t)(0x80 | (point & 0x3F));
        return 3;
    }
    to[0] = (uint8_t)(0xF0 | point >> 18);
    to[1] = (uint8_t)(0x80 | (point >> 12 & 0x3F));
    to[2] = (uint8_t)(0x80 | (point >> 6 & 0x3F));
    to[3] = (uint8_t)(0x80 | (point & 0x3F));
    return 4;
}

/* Decodes the escape at `at`, which the reader has accepted; moves `*at` behind it. */
static size_t decode_escape(uint8_t *to, const uint8_t **at, const uint8_t *end) {
    static const char names[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    size_t bytes = 0;
    CHECK(scan_escape(&bytes, *at, end) == JSON_OK);
    const uint8_t *escape = *at;
    *at += bytes;
    if (bytes == 2) {
        to[0] = (uint8_t)values[strchr(names, escape[1]) - names];
        return 1;
    }
    uint32_t point = (uint32_t)hex_unit(escape + 2, end);
    if (bytes == 12) {
        uint32_t low = (uint32_t)hex_unit(escape + 8, end);
        point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
    }
    return encode_utf8(to, point);
}

size_t json_unescape(uint8_t *to, struct slice text) {
    const uint8_t *at = text.data;
    const uint8_t *end = at + text.bytes;
    size_t bytes = 0;
    while (at < end) {
        if (*at == '\\') {
            bytes += decode_escape(to + bytes, &at, end);
        } else {
            to[bytes++] = *at++;
        }
    }
    CHECK(bytes <= text.bytes);
    return bytes;
}

/* Kept out of line, so that the common case has no large frame. Decodes through a small buffer,
 * since a name may be as long as json_string_bytes. */
static __attribute__((noinline)) uint64_t hash_escaped(struct slice text) {
    XXH3_state_t state;
    CHECK(XXH3_64bits_reset(&state) == XXH_OK);
    uint8_t buffer[256];
    size_t used = 0;
    const uint8_t *at = text.data;
    const uint8_t *end = at + text.bytes;
    while (at < end) {
        if (*at == '\\') {
            used += decode_escape(buffer + used, &at, end);
        } else {
            buffer[used++] = *at++;
        }
        if (used > sizeof buffer - 4 || at == end) {
            CHECK(XXH3_64bits_update(&state, buffer, used) == XXH_OK);
            used = 0;
        }
    }
    return XXH3_64bits_digest(&state);
}

uint64_t json_hash(struct slice text, bool escaped) {
    CHECK(text.data != NULL || text.bytes == 0);
    return escaped ? hash_escaped(text) : XXH3_64bits(text.data, text.bytes);
}
