#include "storage/log_fragment.h"

#include "core/base/bytes.h"
#include "storage/crc32c.h"

enum {
    HEADER_BYTES = 7,
    HEADER_RECYCLABLE_BYTES = 11,
    RECYCLABLE = 4, /* added to the types */
};
#define CRC_MASK UINT32_C(0xa282ead8)

static uint32_t unmask(uint32_t masked) {
    uint32_t rotated = masked - CRC_MASK;
    return (rotated >> 17) | (rotated << 15);
}

static struct slice rest_of_block(struct slice log, size_t at) {
    size_t block_end = at - at % LOG_BLOCK_BYTES + LOG_BLOCK_BYTES;
    return (struct slice){log.data + at, min_u64(block_end, log.bytes) - at};
}

enum log_verdict log_fragment_read(struct log_fragment *ret, struct slice log, size_t at,
                                   uint64_t log_number, uint64_t *hashed_bytes) {
    struct slice from = rest_of_block(log, at);
    if (from.bytes < HEADER_BYTES) {
        return LOG_VERDICT_BAD;
    }
    size_t payload_bytes = load_u16_le(from.data + 4);
    unsigned type = from.data[6];
    bool recyclable = type > RECYCLABLE;
    size_t header_bytes = recyclable ? HEADER_RECYCLABLE_BYTES : HEADER_BYTES;
    if (type < LOG_FULL || type > LOG_LAST + RECYCLABLE ||
        header_bytes + payload_bytes > from.bytes) {
        return LOG_VERDICT_BAD;
    }
    size_t crc_bytes = header_bytes - 6 + payload_bytes;
    *hashed_bytes += crc_bytes;
    if (crc32c(0, from.data + 6, crc_bytes) != unmask(load_u32_le(from.data))) {
        return LOG_VERDICT_BAD;
    }
    if (recyclable && load_u32_le(from.data + 7) != (uint32_t)log_number) {
        return LOG_VERDICT_STALE;
    }
    *ret = (struct log_fragment){
        .type = (enum log_fragment_type)(recyclable ? type - RECYCLABLE : type),
        .payload = {from.data + header_bytes, payload_bytes},
        .bytes = header_bytes + payload_bytes,
    };
    return LOG_VERDICT_OK;
}

static bool all_zero(struct slice bytes) {
    for (size_t i = 0; i < bytes.bytes; i++) {
        if (bytes.data[i] != 0) {
            return false;
        }
    }
    return true;
}

size_t log_skip_trailer(struct slice log, size_t at) {
    struct slice rest = rest_of_block(log, at);
    bool block_is_whole = (at + rest.bytes) % LOG_BLOCK_BYTES == 0;
    bool is_trailer =
        rest.bytes < HEADER_BYTES || (rest.bytes < HEADER_RECYCLABLE_BYTES && all_zero(rest));
    return block_is_whole && is_trailer ? at + rest.bytes : at;
}
