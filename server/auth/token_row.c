#include "server/auth/token_row.h"

#include "core/base/bytes.h"
#include "core/base/check.h"

#include <string.h>

enum { VERSION = 1, TOKEN_FIXED_BYTES = 68, DEVICE_BYTES = 13, KEY_ROW_BYTES = 9 };

static size_t put_name(uint8_t *to, const char *name) {
    size_t bytes = strlen(name);
    CHECK(bytes <= TOKEN_NAME_BYTES_MAX);
    to[0] = (uint8_t)bytes;
    memcpy(to + 1, name, bytes);
    return bytes + 1;
}

/* Takes a name off the front. */
static bool take_name(char to[TOKEN_NAME_BYTES_MAX + 1], struct slice *from) {
    if (from->bytes == 0 || from->data[0] > TOKEN_NAME_BYTES_MAX ||
        from->bytes < 1 + (size_t)from->data[0]) {
        return false;
    }
    size_t bytes = from->data[0];
    if (memchr(from->data + 1, '\0', bytes) != NULL) {
        return false;
    }
    memcpy(to, from->data + 1, bytes);
    to[bytes] = '\0';
    *from = (struct slice){from->data + 1 + bytes, from->bytes - 1 - bytes};
    return true;
}

/* An id in its place: zeros behind it, and nothing else. */
static bool copy_id(char to[TOKEN_KEY_ID_BYTES_MAX + 1], const uint8_t *from) {
    bool is_over = false;
    for (size_t i = 0; i < TOKEN_KEY_ID_BYTES_MAX; i++) {
        is_over = is_over || from[i] == 0;
        if (is_over && from[i] != 0) {
            return false;
        }
        to[i] = (char)from[i];
    }
    to[TOKEN_KEY_ID_BYTES_MAX] = '\0';
    return true;
}

static bool copy_text(char *to, size_t bytes_max, struct slice from) {
    if (from.bytes == 0 || from.bytes > bytes_max) {
        return false;
    }
    memcpy(to, from.data, from.bytes);
    to[from.bytes] = '\0';
    return true;
}

size_t token_row_key(uint8_t to[TOKEN_ROW_KEY_BYTES_MAX], uint8_t type, struct slice name) {
    CHECK(name.bytes > 0 && name.bytes < TOKEN_ROW_KEY_BYTES_MAX);
    to[0] = type;
    memcpy(to + 1, name.data, name.bytes);
    return 1 + name.bytes;
}

size_t token_row_encode(uint8_t to[TOKEN_ROW_BYTES_MAX], const struct token_row *row) {
    memset(to, 0, TOKEN_FIXED_BYTES);
    to[0] = VERSION;
    to[1] = (uint8_t)row->kind;
    store_u16_le(to + 2, (uint16_t)row->principal.roles);
    store_u32_le(to + 4, row->principal.region);
    store_u32_le(to + 8, row->principal.unit_tag);
    store_u64_le(to + 12, (uint64_t)row->created_ms);
    store_u64_le(to + 20, (uint64_t)row->expires_ms);
    memcpy(to + 28, row->pepper_id, strlen(row->pepper_id));
    memcpy(to + 36, row->mac, MAC_BYTES);
    size_t at = TOKEN_FIXED_BYTES;
    at += put_name(to + at, row->name);
    return at + put_name(to + at, row->creator);
}

bool token_row_decode(struct token_row *ret, struct slice key, struct slice value) {
    if (value.bytes < TOKEN_FIXED_BYTES || value.data[0] != VERSION ||
        key.bytes != TOKEN_ID_BYTES ||
        (value.data[1] != TOKEN_SERVICE && value.data[1] != TOKEN_HUMAN)) {
        return false;
    }
    const uint8_t *from = value.data;
    *ret = (struct token_row){
        .kind = (enum token_kind)from[1],
        .principal = {.roles = load_u16_le(from + 2),
                      .region = load_u32_le(from + 4),
                      .unit_tag = load_u32_le(from + 8)},
        .created_ms = (int64_t)load_u64_le(from + 12),
        .expires_ms = (int64_t)load_u64_le(from + 20),
    };
    memcpy(ret->mac, from + 36, MAC_BYTES);
    struct slice names = {from + TOKEN_FIXED_BYTES, value.bytes - TOKEN_FIXED_BYTES};
    return copy_id(ret->pepper_id, from + 28) && copy_text(ret->id, TOKEN_ID_BYTES, key) &&
           take_name(ret->name, &names) && take_name(ret->creator, &names) && names.bytes == 0 &&
           (ret->principal.roles & ~(uint32_t)ACCESS_ROLES_ALL) == 0;
}

size_t device_row_encode(uint8_t to[TOKEN_ROW_BYTES_MAX], const struct device_row *row) {
    to[0] = VERSION;
    store_u32_le(to + 1, row->generation);
    store_u64_le(to + 5, (uint64_t)row->revoked_ms);
    return DEVICE_BYTES;
}

bool device_row_decode(struct device_row *ret, struct slice key, struct slice value) {
    if (value.bytes != DEVICE_BYTES || value.data[0] != VERSION) {
        return false;
    }
    ret->generation = load_u32_le(value.data + 1);
    ret->revoked_ms = (int64_t)load_u64_le(value.data + 5);
    return copy_text(ret->name, TOKEN_NAME_BYTES_MAX, key);
}

size_t key_row_encode(uint8_t to[TOKEN_ROW_BYTES_MAX], const struct key_row *row) {
    to[0] = VERSION;
    store_u64_le(to + 1, (uint64_t)row->killed_ms);
    return KEY_ROW_BYTES;
}

bool key_row_decode(struct key_row *ret, struct slice key, struct slice value) {
    if (value.bytes != KEY_ROW_BYTES || value.data[0] != VERSION) {
        return false;
    }
    ret->killed_ms = (int64_t)load_u64_le(value.data + 1);
    return copy_text(ret->id, TOKEN_KEY_ID_BYTES_MAX, key);
}
