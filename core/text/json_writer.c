#include "core/text/json_writer.h"

#include "core/text/instant.h"
#include "core/text/json_plain.h"
#include "core/text/utf8.h"

#include <string.h>

enum { U64_DIGITS_MAX = 20 };

void json_writer_init(struct json_writer *writer, void *to, size_t bytes_max) {
    CHECK(to != NULL || bytes_max == 0);
    *writer = (struct json_writer){.to = to, .bytes_max = bytes_max};
}

enum status json_writer_finish(const struct json_writer *writer, struct slice *ret_text) {
    CHECK(writer->depth == 0 && !writer->after_key);
    if (writer->full) {
        return STATUS_FULL;
    }
    *ret_text = (struct slice){writer->to, writer->bytes};
    return STATUS_OK;
}

static void put(struct json_writer *writer, const void *data, size_t bytes) {
    if (bytes > writer->bytes_max - writer->bytes || writer->full) {
        writer->full = true;
    } else if (bytes > 0) {
        memcpy(writer->to + writer->bytes, data, bytes);
        writer->bytes += bytes;
    }
}

/* Puts the comma between this value and the one before it. */
static void begin_value(struct json_writer *writer) {
    if (writer->after_key) {
        writer->after_key = false;
        return;
    }
    uint32_t bit = UINT32_C(1) << writer->depth;
    if ((writer->commas & bit) != 0) {
        put(writer, ",", 1);
    }
    writer->commas |= bit;
}

static void begin_nested(struct json_writer *writer, const char *bracket) {
    begin_value(writer);
    CHECK(writer->depth < JSON_WRITER_DEPTH_MAX);
    writer->depth++;
    writer->commas &= ~(UINT32_C(1) << writer->depth);
    put(writer, bracket, 1);
}

static void end_nested(struct json_writer *writer, const char *bracket) {
    CHECK(writer->depth > 0 && !writer->after_key);
    writer->depth--;
    put(writer, bracket, 1);
}

void json_write_object_begin(struct json_writer *writer) {
    begin_nested(writer, "{");
}

void json_write_object_end(struct json_writer *writer) {
    end_nested(writer, "}");
}

void json_write_array_begin(struct json_writer *writer) {
    begin_nested(writer, "[");
}

void json_write_array_end(struct json_writer *writer) {
    end_nested(writer, "]");
}

static void put_control(struct json_writer *writer, uint8_t byte) {
    static const char hex[] = "0123456789abcdef";
    if (byte == '"' || byte == '\\') {
        put(writer, (const char[]){'\\', (char)byte}, 2);
    } else {
        put(writer, (const char[]){'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]}, 6);
    }
}

/* What is plain, in one piece between its quotes; false: there is more to it. */
static bool put_plain(struct json_writer *writer, struct slice value) {
    size_t room = writer->bytes_max - writer->bytes;
    if (writer->full || value.bytes > room || room - value.bytes < 2 ||
        json_plain_bytes(value.data, value.bytes) != value.bytes) {
        return false;
    }
    uint8_t *to = writer->to + writer->bytes;
    to[0] = '"';
    if (value.bytes > 0) {
        memcpy(to + 1, value.data, value.bytes);
    }
    to[value.bytes + 1] = '"';
    writer->bytes += value.bytes + 2;
    return true;
}

static void put_quoted(struct json_writer *writer, struct slice value) {
    if (put_plain(writer, value)) {
        return;
    }
    put(writer, "\"", 1);
    for (size_t i = 0; i < value.bytes;) {
        size_t plain = json_plain_bytes(value.data + i, value.bytes - i);
        put(writer, value.data + i, plain);
        i += plain;
        if (i == value.bytes) {
            break;
        }
        size_t bytes = 1;
        if (value.data[i] >= 0x80) {
            bytes = utf8_sequence(value.data + i, value.data + value.bytes);
            put(writer, bytes > 0 ? (const void *)(value.data + i) : "\xef\xbf\xbd",
                bytes > 0 ? bytes : 3);
        } else {
            put_control(writer, value.data[i]);
        }
        i += bytes > 0 ? bytes : 1;
    }
    put(writer, "\"", 1);
}

/* `,"key":` in one piece: a key has a comma before it or is the first. False: no room, or not
 * plain. */
static bool put_plain_key(struct json_writer *writer, struct slice key) {
    const uint32_t bit = UINT32_C(1) << writer->depth;
    size_t room = writer->bytes_max - writer->bytes;
    if (writer->full || key.bytes > room || room - key.bytes < 4 ||
        json_plain_bytes(key.data, key.bytes) != key.bytes) {
        return false;
    }
    uint8_t *to = writer->to + writer->bytes;
    *to = ',';
    to += (writer->commas & bit) != 0 ? 1 : 0;
    *to++ = '"';
    memcpy(to, key.data, key.bytes);
    to += key.bytes;
    *to++ = '"';
    *to++ = ':';
    writer->commas |= bit;
    writer->bytes = (size_t)(to - writer->to);
    return true;
}

void json_write_key(struct json_writer *writer, const char *key) {
    CHECK(writer->depth > 0 && !writer->after_key);
    if (put_plain_key(writer, slice_text(key))) {
        writer->after_key = true;
        return;
    }
    begin_value(writer);
    put_quoted(writer, slice_text(key));
    put(writer, ":", 1);
    writer->after_key = true;
}

void json_write_string(struct json_writer *writer, struct slice value) {
    begin_value(writer);
    put_quoted(writer, value);
}

void json_write_text(struct json_writer *writer, const char *value) {
    if (value == NULL) {
        json_write_null(writer);
    } else {
        json_write_string(writer, slice_text(value));
    }
}

/* At least `digits_min` digits, zeros in front. */
static void put_u64(struct json_writer *writer, uint64_t value, unsigned digits_min) {
    char text[U64_DIGITS_MAX];
    size_t at = sizeof text;
    do {
        text[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0 || sizeof text - at < digits_min);
    put(writer, text + at, sizeof text - at);
}

void json_write_u64(struct json_writer *writer, uint64_t value) {
    begin_value(writer);
    put_u64(writer, value, 1);
}

void json_write_i64(struct json_writer *writer, int64_t value) {
    begin_value(writer);
    if (value < 0) {
        put(writer, "-", 1);
    }
    put_u64(writer, value < 0 ? -(uint64_t)value : (uint64_t)value, 1);
}

void json_write_f64(struct json_writer *writer, double value, unsigned decimals) {
    CHECK(decimals <= JSON_WRITER_DECIMALS_MAX);
    uint64_t power = 1;
    for (unsigned i = 0; i < decimals; i++) {
        power *= 10;
    }
    double scaled = (value < 0 ? -value : value) * (double)power;
    CHECK(scaled < 1e18); /* fails for what is not a number, too */
    uint64_t digits = (uint64_t)scaled;
    digits += scaled - (double)digits >= 0.5 ? 1 : 0;
    begin_value(writer);
    if (value < 0 && digits > 0) {
        put(writer, "-", 1);
    }
    put_u64(writer, digits / power, 1);
    if (decimals > 0) {
        put(writer, ".", 1);
        put_u64(writer, digits % power, decimals);
    }
}

void json_write_bool(struct json_writer *writer, bool value) {
    begin_value(writer);
    put(writer, value ? "true" : "false", value ? 4 : 5);
}

void json_write_null(struct json_writer *writer) {
    begin_value(writer);
    put(writer, "null", 4);
}

void json_write_instant(struct json_writer *writer, int64_t ms) {
    char text[INSTANT_TEXT_BYTES];
    instant_format(text, ms);
    json_write_string(writer, (struct slice){(const uint8_t *)text, sizeof text});
}

void json_write_name(struct json_writer *writer, char letter, uint64_t number) {
    CHECK(letter >= 'a' && letter <= 'z');
    begin_value(writer);
    put(writer, (const char[]){'"', letter}, 2);
    put_u64(writer, number, 1);
    put(writer, "\"", 1);
}
