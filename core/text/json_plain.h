/* How much of a string needs no escape in JSON: printable ASCII but quote and backslash. Eight
 * bytes at a time, since most of what is written is short names and all of it is plain. O(n). */
#ifndef CORE_TEXT_JSON_PLAIN_H
#define CORE_TEXT_JSON_PLAIN_H

#include "core/base/base.h"

#include <string.h>

static inline bool json_is_plain(uint8_t byte) {
    return byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\';
}

#define JSON_EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Whether one of eight bytes is 0: borrowing carries its top bit out, unless it was set before. */
static inline bool json_any_zero(uint64_t word) {
    return ((word - JSON_EACH_BYTE(1)) & ~word & JSON_EACH_BYTE(0x80)) != 0;
}

static inline bool json_all_plain(uint64_t word) {
    bool has_control = ((word - JSON_EACH_BYTE(0x20)) & ~word & JSON_EACH_BYTE(0x80)) != 0;
    return (word & JSON_EACH_BYTE(0x80)) == 0 && !has_control &&
           !json_any_zero(word ^ JSON_EACH_BYTE('"')) &&
           !json_any_zero(word ^ JSON_EACH_BYTE('\\')) &&
           !json_any_zero(word ^ JSON_EACH_BYTE(0x7f));
}

/* Plain bytes at the front. */
static inline size_t json_plain_bytes(const uint8_t *data, size_t bytes) {
    size_t plain = 0;
    for (uint64_t word; plain + sizeof word <= bytes; plain += sizeof word) {
        memcpy(&word, data + plain, sizeof word);
        if (!json_all_plain(word)) {
            break;
        }
    }
    while (plain < bytes && json_is_plain(data[plain])) {
        plain++;
    }
    return plain;
}

#endif
