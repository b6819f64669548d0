#include "core/text/utf8.h"

#include "core/base/check.h"
#include "core/text/json.h"

static bool is_continuation(uint8_t byte) {
    return (byte & 0xC0) == 0x80;
}

size_t utf8_sequence_slow(const uint8_t *at, const uint8_t *end) {
    CHECK(at < end);
    size_t room = (size_t)(end - at);
    uint8_t lead = at[0];
    if (lead >= 0xC2 && lead <= 0xDF) {
        return room >= 2 && is_continuation(at[1]) ? 2 : 0;
    }
    if (lead >= 0xE0 && lead <= 0xEF) {
        if (room < 3 || !is_continuation(at[1]) || !is_continuation(at[2])) {
            return 0;
        }
        bool overlong = lead == 0xE0 && at[1] < 0xA0;
        bool surrogate = lead == 0xED && at[1] > 0x9F;
        return overlong || surrogate ? 0 : 3;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        if (room < 4 || !is_continuation(at[1]) || !is_continuation(at[2]) ||
            !is_continuation(at[3])) {
            return 0;
        }
        bool overlong = lead == 0xF0 && at[1] < 0x90;
        bool beyond = lead == 0xF4 && at[1] > 0x8F;
        return overlong || beyond ? 0 : 4;
    }
    return 0;
}

bool utf8_is_valid(struct slice text) {
    if (text.bytes == 0) {
        return true; /* C has no sum of NULL and zero */
    }
    CHECK(text.data != NULL);
    const uint8_t *at = text.data;
    const uint8_t *end = at + text.bytes;
    while (at < end) {
        if (end - at >= 8 && (load_u64_le(at) & UINT64_C(0x8080808080808080)) == 0) {
            at += 8;
        } else if (*at < 0x80) {
            at++;
        } else {
            size_t bytes = utf8_sequence(at, end);
            if (bytes == 0) {
                return false;
            }
            at += bytes;
        }
    }
    return true;
}
