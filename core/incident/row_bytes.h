/* Reading and writing the rows of incidents one number after the other. Callers guarantee the room.
 * O(1) each. */
#ifndef CORE_INCIDENT_ROW_BYTES_H
#define CORE_INCIDENT_ROW_BYTES_H

#include "core/base/bytes.h"
#include "core/region/geo.h"

static inline void put_u8(uint8_t **at, uint8_t value) {
    *(*at)++ = value;
}

static inline void put_u16(uint8_t **at, uint16_t value) {
    store_u16_le(*at, value);
    *at += 2;
}

static inline void put_u32(uint8_t **at, uint32_t value) {
    store_u32_le(*at, value);
    *at += 4;
}

static inline void put_u64(uint8_t **at, uint64_t value) {
    store_u64_le(*at, value);
    *at += 8;
}

static inline void put_i64(uint8_t **at, int64_t value) {
    put_u64(at, (uint64_t)value);
}

static inline void put_f32(uint8_t **at, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_u32(at, bits);
}

static inline void put_position(uint8_t **at, struct position position) {
    store_f64_le(*at, position.lat_deg);
    store_f64_le(*at + 8, position.lon_deg);
    *at += 16;
}

static inline uint8_t get_u8(const uint8_t **at) {
    return *(*at)++;
}

static inline uint16_t get_u16(const uint8_t **at) {
    uint16_t value = load_u16_le(*at);
    *at += 2;
    return value;
}

static inline uint32_t get_u32(const uint8_t **at) {
    uint32_t value = load_u32_le(*at);
    *at += 4;
    return value;
}

static inline uint64_t get_u64(const uint8_t **at) {
    uint64_t value = load_u64_le(*at);
    *at += 8;
    return value;
}

static inline int64_t get_i64(const uint8_t **at) {
    return (int64_t)get_u64(at);
}

static inline float get_f32(const uint8_t **at) {
    uint32_t bits = get_u32(at);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline struct position get_position(const uint8_t **at) {
    struct position position = {load_f64_le(*at), load_f64_le(*at + 8)};
    *at += 16;
    return position;
}

/* False for what is no number, too. */
static inline bool position_is_valid(struct position position) {
    return position.lat_deg >= -90.0 && position.lat_deg <= 90.0 && position.lon_deg >= -180.0 &&
           position.lon_deg <= 180.0;
}

static inline bool f32_is_within(float value, float least, float greatest) {
    return value >= least && value <= greatest;
}

#endif
