#include "core/ticket/create_row.h"

#include "core/base/bytes.h"
#include "core/base/check.h"

enum { ROW_VERSION = 1 };

void create_key_encode(uint8_t to[CREATE_KEY_BYTES], uint64_t number) {
    CHECK(number != 0);
    store_u64_be(to, number);
}

void create_head_encode(uint8_t to[CREATE_HEAD_BYTES], uint64_t id, uint64_t content) {
    to[0] = ROW_VERSION;
    store_u64_le(to + 1, id);
    store_u64_le(to + 9, content);
}

bool create_row_decode(struct create_row *ret, struct slice key, struct slice value) {
    if (key.bytes != CREATE_KEY_BYTES || load_u64_be(key.data) == 0 ||
        value.bytes < CREATE_HEAD_BYTES || value.data[0] != ROW_VERSION) {
        return false;
    }
    *ret = (struct create_row){
        .number = load_u64_be(key.data),
        .id = load_u64_le(value.data + 1),
        .content = load_u64_le(value.data + 9),
        .answer = {value.data + CREATE_HEAD_BYTES, value.bytes - CREATE_HEAD_BYTES},
    };
    return true;
}
