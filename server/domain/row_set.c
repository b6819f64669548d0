#include "server/domain/row_set.h"

#include "core/base/check.h"

#include <string.h>

struct row_header {
    uint32_t value_bytes;
    uint16_t key_bytes;
    uint8_t family;
    bool remove;
};

void row_set_init(struct row_set *rows) {
    buffer_init(&rows->bytes);
    rows->count = 0;
}

void row_set_deinit(struct row_set *rows) {
    buffer_deinit(&rows->bytes);
    rows->count = 0;
}

void row_set_reset(struct row_set *rows) {
    buffer_reset(&rows->bytes);
    rows->count = 0;
}

void row_set_put(struct row_set *rows, enum family family, struct slice key, struct slice value,
                 bool remove) {
    CHECK(key.bytes > 0 && key.bytes <= UINT16_MAX && value.bytes <= UINT32_MAX);
    struct row_header header = {
        .value_bytes = remove ? 0 : (uint32_t)value.bytes,
        .key_bytes = (uint16_t)key.bytes,
        .family = (uint8_t)family,
        .remove = remove,
    };
    buffer_append(&rows->bytes, &header, sizeof header);
    buffer_append_slice(&rows->bytes, key);
    if (!remove) {
        buffer_append_slice(&rows->bytes, value);
    }
    rows->count++;
}

void row_set_append(struct row_set *rows, const struct row_set *more) {
    buffer_append_slice(&rows->bytes, buffer_slice(&more->bytes));
    rows->count += more->count;
}

void row_set_list(const struct row_set *rows, struct db_row *to) {
    const uint8_t *at = rows->bytes.data;
    for (size_t i = 0; i < rows->count; i++) {
        struct row_header header;
        memcpy(&header, at, sizeof header);
        const uint8_t *key = at + sizeof header;
        to[i] = (struct db_row){
            .family = (enum family)header.family,
            .key = {key, header.key_bytes},
            .value = {key + header.key_bytes, header.value_bytes},
            .remove = header.remove,
        };
        at = key + header.key_bytes + header.value_bytes;
    }
    CHECK(rows->count == 0 || at == rows->bytes.data + rows->bytes.bytes);
}
