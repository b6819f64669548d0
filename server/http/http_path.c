#include "server/http/http_path.h"

#include "core/base/check.h"

#include <string.h>

/* The bounds of the second byte are those of the Unicode Standard's table 3-7. */
static size_t sequence_bytes(const uint8_t *at, size_t left) {
    uint8_t lead = at[0];
    if (lead < 0x80) {
        return lead == 0 ? 0 : 1;
    }
    size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || left < bytes) {
        return 0;
    }
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    bool valid = at[1] >= low && at[1] <= high;
    for (size_t i = 2; i < bytes; i++) {
        valid = valid && (at[i] & 0xc0) == 0x80;
    }
    return valid ? bytes : 0;
}

bool http_text_is_valid(struct slice text) {
    for (size_t i = 0; i < text.bytes;) {
        size_t bytes = sequence_bytes(text.data + i, text.bytes - i);
        if (bytes == 0) {
            return false;
        }
        i += bytes;
    }
    return true;
}

static int hex_value(uint8_t byte) {
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* Appends `text` decoded to `store`, which has the room; false on a broken escape. */
static bool decode(struct slice text, bool plus_is_space, struct buffer *store,
                   struct slice *ret_decoded) {
    CHECK(store->room - store->bytes >= text.bytes);
    uint8_t *to = store->data + store->bytes;
    size_t count = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        uint8_t byte = text.data[i];
        if (byte == '%') {
            int high = i + 2 < text.bytes ? hex_value(text.data[i + 1]) : -1;
            int low = i + 2 < text.bytes ? hex_value(text.data[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            byte = (uint8_t)(high * 16 + low);
            i += 2;
        } else if (byte == '+' && plus_is_space) {
            byte = ' ';
        }
        to[count++] = byte;
    }
    store->bytes += count;
    *ret_decoded = (struct slice){to, count};
    return http_text_is_valid(*ret_decoded);
}

static bool segment_is_allowed(struct slice segment) {
    if (segment.bytes == 0 || slice_is(segment, ".") || slice_is(segment, "..")) {
        return false;
    }
    for (size_t i = 0; i < segment.bytes; i++) {
        uint8_t byte = segment.data[i];
        if (byte < ' ' || byte == 0x7f || byte == '/' || byte == '\\') {
            return false;
        }
    }
    return true;
}

/* The part of `rest` before `separator`; the separator is taken too. */
static struct slice cut(struct slice *rest, char separator) {
    const uint8_t *at = memchr(rest->data, separator, rest->bytes);
    struct slice part = {rest->data, at == NULL ? rest->bytes : (size_t)(at - rest->data)};
    size_t used = part.bytes + (at != NULL);
    rest->data += used;
    rest->bytes -= used;
    return part;
}

enum http_refusal http_target_parse(struct http_target *target, struct slice text,
                                    struct buffer *store) {
    CHECK(text.bytes > 0);
    /* Decoded text is never longer than what was sent; room for path and query is made once, so
     * that slices into the store stay good. */
    buffer_reset(store);
    buffer_reserve(store, text.bytes);
    target->segments_count = target->parameters_count = 0;
    struct slice rest = text;
    target->path = cut(&rest, '?');
    target->query = rest;
    if (target->path.bytes <= 1) {
        return HTTP_REFUSAL_NONE;
    }
    rest = (struct slice){target->path.data + 1, target->path.bytes - 1};
    bool more = true;
    while (more) {
        size_t before = rest.bytes;
        struct slice segment = cut(&rest, '/');
        more = segment.bytes < before;
        if (!decode(segment, false, store, &segment) || !segment_is_allowed(segment)) {
            return HTTP_REFUSAL_PATH;
        }
        if (target->segments_count < HTTP_SEGMENTS_MAX) {
            target->segments[target->segments_count] = segment;
        }
        target->segments_count++;
    }
    return HTTP_REFUSAL_NONE;
}

static bool is_allowed(struct slice name, const char *allowed) {
    struct slice rest = allowed == NULL ? SLICE_LITERAL("") : slice_text(allowed);
    while (rest.bytes > 0) {
        if (slice_equal(cut(&rest, ' '), name) && name.bytes > 0) {
            return true;
        }
    }
    return false;
}

static bool is_repeated(const struct http_target *target, struct slice name) {
    for (size_t i = 0; i < target->parameters_count; i++) {
        if (slice_equal(target->parameters[i].name, name)) {
            return true;
        }
    }
    return false;
}

enum http_refusal http_target_parse_query(struct http_target *target, const char *allowed,
                                          struct buffer *store, struct slice *ret_culprit) {
    struct slice rest = target->query;
    while (rest.bytes > 0) {
        struct slice pair = cut(&rest, '&');
        if (pair.bytes == 0) {
            continue;
        }
        struct http_parameter parameter;
        struct slice name = cut(&pair, '=');
        if (!decode(name, true, store, &parameter.name) ||
            !decode(pair, true, store, &parameter.value)) {
            return HTTP_REFUSAL_QUERY;
        }
        if (!is_allowed(parameter.name, allowed) || is_repeated(target, parameter.name)) {
            *ret_culprit = parameter.name;
            return HTTP_REFUSAL_QUERY_NAME;
        }
        CHECK(target->parameters_count < HTTP_PARAMETERS_MAX);
        target->parameters[target->parameters_count++] = parameter;
    }
    return HTTP_REFUSAL_NONE;
}
