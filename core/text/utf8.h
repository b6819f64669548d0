/* One UTF-8 sequence (RFC 3629: no overlongs, no surrogates, nothing above U+10FFFF). O(1). */
#ifndef CORE_TEXT_UTF8_H
#define CORE_TEXT_UTF8_H

#include "core/base/base.h"
#include "core/base/bytes.h"

/* Bytes of the well-formed multi-byte sequence at `at`, 0 when there is none. at < end. */
size_t utf8_sequence_slow(const uint8_t *at, const uint8_t *end);

/* The same; three-byte sequences (all of Chinese) are decided in one load. */
static inline size_t utf8_sequence(const uint8_t *at, const uint8_t *end) {
    if (end - at >= 4) {
        uint32_t word = load_u32_le(at);
        uint32_t payload = word & 0x200F; /* 0: overlong, 0x200D: a surrogate */
        if ((word & 0xC0C0F0) == 0x8080E0 && payload != 0 && payload != 0x200D) {
            return 3;
        }
    }
    return utf8_sequence_slow(at, end);
}

#endif
