#include "server/json_out.h"

#include "core/base/check.h"
#include "core/text/instant.h"
#include "core/text/json_plain.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void json_out_init(struct json_out *out, struct buffer *to) {
    memset(out, 0, sizeof *out);
    out->to = to;
}

/* Puts the comma between this value and the one before it. */
static void begin_value(struct json_out *out) {
    if (out->after_key) {
        out->after_key = false;
        return;
    }
    if (out->comma[out->depth]) {
        buffer_append(out->to, ",", 1);
    }
    out->comma[out->depth] = true;
}

static void begin_nested(struct json_out *out, const char *bracket) {
    begin_value(out);
    CHECK(out->depth + 1 < ARRAY_COUNT(out->comma));
    out->comma[++out->depth] = false;
    buffer_append(out->to, bracket, 1);
}

static void end_nested(struct json_out *out, const char *bracket) {
    CHECK(out->depth > 0 && !out->after_key);
    out->depth--;
    buffer_append(out->to, bracket, 1);
}

void json_out_object_begin(struct json_out *out) {
    begin_nested(out, "{");
}

void json_out_object_end(struct json_out *out) {
    end_nested(out, "}");
}

void json_out_array_begin(struct json_out *out) {
    begin_nested(out, "[");
}

void json_out_array_end(struct json_out *out) {
    end_nested(out, "]");
}

/* Length of the well-formed UTF-8 sequence at `at` (lead byte >= 0x80), or 0. The bounds of the
 * second byte are those of the Unicode Standard's table 3-7. */
static size_t utf8_sequence(const uint8_t *at, size_t left) {
    uint8_t lead = at[0];
    size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || left < bytes) {
        return 0;
    }
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < low || at[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < bytes; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return bytes;
}

static void append_control(struct buffer *to, uint8_t byte) {
    static const char hex[] = "0123456789abcdef";
    static const char named[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', ['"'] = '"'};
    if (byte == '\\' || (byte < sizeof named && named[byte] != 0)) {
        char text[2] = {'\\', (char)(byte == '\\' ? '\\' : named[byte])};
        buffer_append(to, text, sizeof text);
    } else {
        char text[6] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
        buffer_append(to, text, sizeof text);
    }
}

/* Bytes that are not UTF-8 become U+FFFD: what goes out is always valid JSON. */
static void append_escaped(struct buffer *to, struct slice value) {
    buffer_append(to, "\"", 1);
    size_t plain = 0;
    size_t i = 0;
    while (i < value.bytes) {
        uint8_t byte = value.data[i];
        size_t bytes = 1;
        if (byte >= 0x80) {
            bytes = utf8_sequence(value.data + i, value.bytes - i);
        } else if (byte < 0x20 || byte == '"' || byte == '\\' || byte == 0x7f) {
            bytes = 0;
        }
        if (bytes > 0) {
            i += bytes;
            continue;
        }
        buffer_append(to, value.data + plain, i - plain);
        if (byte >= 0x80) {
            buffer_append(to, "\xef\xbf\xbd", 3);
        } else {
            append_control(to, byte);
        }
        plain = ++i;
    }
    if (plain < value.bytes) {
        buffer_append(to, value.data + plain, value.bytes - plain);
    }
    buffer_append(to, "\"", 1);
}

static void append_quoted(struct buffer *to, struct slice value) {
    uint8_t *at = buffer_reserve(to, value.bytes + 2);
    if (json_plain_bytes(value.data, value.bytes) != value.bytes) {
        append_escaped(to, value);
        return;
    }
    at[0] = '"';
    if (value.bytes > 0) {
        memcpy(at + 1, value.data, value.bytes);
    }
    at[value.bytes + 1] = '"';
    to->bytes += value.bytes + 2;
}

void json_out_key(struct json_out *out, const char *key) {
    json_out_key_slice(out, slice_text(key));
}

void json_out_key_slice(struct json_out *out, struct slice key) {
    CHECK(out->depth > 0 && !out->after_key);
    begin_value(out);
    append_quoted(out->to, key);
    buffer_append(out->to, ":", 1);
    out->after_key = true;
}

void json_out_string(struct json_out *out, struct slice value) {
    begin_value(out);
    append_quoted(out->to, value);
}

void json_out_text(struct json_out *out, const char *value) {
    if (value == NULL) {
        json_out_null(out);
    } else {
        json_out_string(out, slice_text(value));
    }
}

void json_out_u64(struct json_out *out, uint64_t value) {
    begin_value(out);
    buffer_append_u64(out->to, value);
}

void json_out_i64(struct json_out *out, int64_t value) {
    begin_value(out);
    if (value < 0) {
        buffer_append(out->to, "-", 1);
    }
    buffer_append_u64(out->to, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void json_out_double(struct json_out *out, double value) {
    CHECK(isfinite(value));
    begin_value(out);
    char text[32];
    int bytes = 0;
    /* 17 significant digits always read back; fewer mostly do. */
    for (int digits = 15; digits <= 17; digits++) {
        bytes = snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    CHECK(bytes > 0 && (size_t)bytes < sizeof text);
    buffer_append(out->to, text, (size_t)bytes);
}

void json_out_bool(struct json_out *out, bool value) {
    begin_value(out);
    buffer_append_text(out->to, value ? "true" : "false");
}

void json_out_null(struct json_out *out) {
    begin_value(out);
    buffer_append(out->to, "null", 4);
}

void json_out_raw(struct json_out *out, struct slice json) {
    begin_value(out);
    buffer_append_slice(out->to, json);
}

void json_out_instant(struct json_out *out, int64_t ms) {
    char text[INSTANT_TEXT_BYTES];
    instant_format(text, ms);
    json_out_string(out, (struct slice){(const uint8_t *)text, sizeof text});
}

void json_out_name(struct json_out *out, const char *key, char letter, uint64_t number) {
    json_out_key(out, key);
    if (number == 0) {
        json_out_null(out);
        return;
    }
    begin_value(out);
    buffer_append(out->to, (const char[]){'"', letter}, 2);
    buffer_append_u64(out->to, number);
    buffer_append(out->to, "\"", 1);
}
