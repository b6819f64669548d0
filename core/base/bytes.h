/* Fixed-width integers to and from bytes. Journal blocks and rows are little-endian; keys are
 * big-endian, so that byte order is number order. Callers guarantee the room. */
#ifndef CORE_BASE_BYTES_H
#define CORE_BASE_BYTES_H

#include "core/base/base.h"

#include <string.h>

static inline void store_u16_le(uint8_t *to, uint16_t value) {
    value = (uint16_t)(__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap16(value) : value);
    memcpy(to, &value, sizeof value);
}

static inline void store_u32_le(uint8_t *to, uint32_t value) {
    value = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap32(value) : value;
    memcpy(to, &value, sizeof value);
}

static inline void store_u64_le(uint8_t *to, uint64_t value) {
    value = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap64(value) : value;
    memcpy(to, &value, sizeof value);
}

static inline uint16_t load_u16_le(const uint8_t *from) {
    uint16_t value;
    memcpy(&value, from, sizeof value);
    return (uint16_t)(__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap16(value) : value);
}

static inline uint32_t load_u32_le(const uint8_t *from) {
    uint32_t value;
    memcpy(&value, from, sizeof value);
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap32(value) : value;
}

static inline uint64_t load_u64_le(const uint8_t *from) {
    uint64_t value;
    memcpy(&value, from, sizeof value);
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap64(value) : value;
}

static inline void store_f64_le(uint8_t *to, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    store_u64_le(to, bits);
}

static inline double load_f64_le(const uint8_t *from) {
    uint64_t bits = load_u64_le(from);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline void store_u32_be(uint8_t *to, uint32_t value) {
    store_u32_le(to, __builtin_bswap32(value));
}

static inline void store_u64_be(uint8_t *to, uint64_t value) {
    store_u64_le(to, __builtin_bswap64(value));
}

static inline uint32_t load_u32_be(const uint8_t *from) {
    return __builtin_bswap32(load_u32_le(from));
}

static inline uint64_t load_u64_be(const uint8_t *from) {
    return __builtin_bswap64(load_u64_le(from));
}

#endif
