#include "server/api/cursor.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/text/instant.h"
#include "server/base64url.h"

#include <xxhash.h>

enum { CURSOR_BYTES_MAX = CURSOR_HEADER_BYTES + CURSOR_POSITION_BYTES_MAX };

static uint32_t check_of(uint8_t kind, const uint8_t *position, size_t position_bytes,
                         uint64_t binding) {
    uint8_t hashed[2 + CURSOR_POSITION_BYTES_MAX] = {CURSOR_VERSION, kind};
    CHECK(position_bytes <= CURSOR_POSITION_BYTES_MAX);
    memcpy(hashed + 2, position, position_bytes);
    return (uint32_t)XXH3_64bits_withSeed(hashed, 2 + position_bytes, binding);
}

static size_t cursor_encode(char *to, enum cursor_kind kind, uint64_t binding,
                            const uint8_t *position, size_t position_bytes) {
    uint8_t raw[CURSOR_BYTES_MAX] = {CURSOR_VERSION, (uint8_t)kind};
    store_u32_le(raw + 2, check_of((uint8_t)kind, position, position_bytes, binding));
    memcpy(raw + CURSOR_HEADER_BYTES, position, position_bytes);
    size_t length = base64url_encode(to, raw, CURSOR_HEADER_BYTES + position_bytes);
    CHECK(length < CURSOR_TEXT_BYTES_MAX);
    to[length] = '\0';
    return length;
}

static bool cursor_decode(uint8_t *ret_position, size_t position_bytes, enum cursor_kind kind,
                          uint64_t binding, struct slice text) {
    uint8_t raw[CURSOR_BYTES_MAX];
    const uint8_t *position = raw + CURSOR_HEADER_BYTES;
    if (!base64url_decode(raw, CURSOR_HEADER_BYTES + position_bytes, text) ||
        raw[0] != CURSOR_VERSION || raw[1] != (uint8_t)kind ||
        load_u32_le(raw + 2) != check_of(raw[1], position, position_bytes, binding)) {
        return false;
    }
    memcpy(ret_position, position, position_bytes);
    return true;
}

uint64_t cursor_binding(const uint64_t *values, size_t count) {
    return XXH3_64bits(values, count * sizeof values[0]);
}

size_t cursor_from_timeline(char to[CURSOR_TEXT_BYTES_MAX], uint64_t binding,
                            const struct timeline_position *position) {
    uint8_t key[TIMELINE_KEY_BYTES];
    timeline_key_encode(key, position);
    return cursor_encode(to, CURSOR_TIMELINE, binding, key, sizeof key);
}

size_t cursor_from_region(char to[CURSOR_TEXT_BYTES_MAX], uint64_t binding, uint32_t region) {
    uint8_t id[4];
    store_u32_le(id, region);
    return cursor_encode(to, CURSOR_CHILDREN, binding, id, sizeof id);
}

size_t cursor_from_numbers(char to[CURSOR_TEXT_BYTES_MAX], enum cursor_kind kind, uint64_t binding,
                           struct cursor_numbers numbers) {
    uint8_t raw[16];
    store_u64_le(raw, numbers.first);
    store_u64_le(raw + 8, numbers.second);
    return cursor_encode(to, kind, binding, raw, sizeof raw);
}

bool cursor_to_timeline(struct timeline_position *ret, uint64_t binding, struct slice text) {
    uint8_t key[TIMELINE_KEY_BYTES];
    if (!cursor_decode(key, sizeof key, CURSOR_TIMELINE, binding, text)) {
        return false;
    }
    /* The check is no secret: a forged position must not leave the range of keys. */
    struct timeline_position position;
    timeline_key_decode(&position, key);
    if (position.occurred_ms / DAY_MS > UINT32_MAX) {
        return false;
    }
    *ret = position;
    return true;
}

bool cursor_to_region(uint32_t *ret_region, uint64_t binding, struct slice text) {
    uint8_t id[4];
    if (!cursor_decode(id, sizeof id, CURSOR_CHILDREN, binding, text)) {
        return false;
    }
    *ret_region = load_u32_le(id);
    return true;
}

bool cursor_to_numbers(struct cursor_numbers *ret, enum cursor_kind kind, uint64_t binding,
                       struct slice text) {
    uint8_t raw[16];
    if (!cursor_decode(raw, sizeof raw, kind, binding, text)) {
        return false;
    }
    *ret = (struct cursor_numbers){load_u64_le(raw), load_u64_le(raw + 8)};
    return true;
}
