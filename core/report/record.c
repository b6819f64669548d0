#include "core/report/record.h"

#include "core/base/bytes.h"
#include "core/base/check.h"

enum {
    PART_POSITION = 1 << 0,
    PART_INCIDENT = 1 << 1,
    FIXED_BYTES = 4,
    POSITION_BYTES = 16,
    INCIDENT_BYTES = 16,
    SOURCE_BYTES_MAX = RECORD_HEADER_BYTES_MAX - FIXED_BYTES - POSITION_BYTES - INCIDENT_BYTES,
};

static size_t parts_bytes(unsigned parts) {
    return ((parts & PART_POSITION) != 0 ? POSITION_BYTES : 0) +
           ((parts & PART_INCIDENT) != 0 ? INCIDENT_BYTES : 0);
}

static uint8_t parts_of(const struct record *record) {
    CHECK(record->incident != 0 || record->ticket == 0);
    return (uint8_t)((record->has_position ? PART_POSITION : 0) |
                     (record->incident != 0 ? PART_INCIDENT : 0));
}

size_t record_encoded_bytes(const struct record *record) {
    CHECK(record->source.bytes <= SOURCE_BYTES_MAX);
    return FIXED_BYTES + parts_bytes(parts_of(record)) + record->source.bytes + record->json.bytes;
}

static uint8_t *put(uint8_t *to, struct slice bytes) {
    if (bytes.bytes != 0) {
        memcpy(to, bytes.data, bytes.bytes);
    }
    return to + bytes.bytes;
}

size_t record_encode(uint8_t *to, const struct record *record) {
    CHECK(record->source.bytes <= SOURCE_BYTES_MAX && record->json.bytes != 0);
    uint8_t *at = to;
    at[0] = RECORD_VERSION;
    at[1] = parts_of(record);
    store_u16_le(at + 2, (uint16_t)record->source.bytes);
    at += FIXED_BYTES;
    if (record->has_position) {
        store_f64_le(at, record->position.lat_deg);
        store_f64_le(at + 8, record->position.lon_deg);
        at += POSITION_BYTES;
    }
    if (record->incident != 0) {
        store_u64_le(at, record->incident);
        store_u64_le(at + 8, record->ticket);
        at += INCIDENT_BYTES;
    }
    at = put(at, record->source);
    at = put(at, record->json);
    size_t bytes = (size_t)(at - to);
    CHECK(bytes == record_encoded_bytes(record));
    return bytes;
}

bool record_decode(struct record *ret, struct slice from) {
    CHECK(from.data != NULL || from.bytes == 0);
    if (from.bytes < FIXED_BYTES || from.data[0] != RECORD_VERSION ||
        (from.data[1] & ~(PART_POSITION | PART_INCIDENT)) != 0) {
        return false;
    }
    struct record record = {.has_position = (from.data[1] & PART_POSITION) != 0};
    size_t source_bytes = load_u16_le(from.data + 2);
    size_t source_at = FIXED_BYTES + parts_bytes(from.data[1]);
    /* At least the two braces of an object follow. */
    if (source_bytes > SOURCE_BYTES_MAX || from.bytes < source_at + source_bytes + 2) {
        return false;
    }
    if (record.has_position) {
        record.position.lat_deg = load_f64_le(from.data + FIXED_BYTES);
        record.position.lon_deg = load_f64_le(from.data + FIXED_BYTES + 8);
    }
    if ((from.data[1] & PART_INCIDENT) != 0) {
        record.incident = load_u64_le(from.data + source_at - INCIDENT_BYTES);
        record.ticket = load_u64_le(from.data + source_at - INCIDENT_BYTES + 8);
        if (record.incident == 0) {
            return false;
        }
    }
    record.source = (struct slice){from.data + source_at, source_bytes};
    size_t json_at = source_at + source_bytes;
    record.json = (struct slice){from.data + json_at, from.bytes - json_at};
    if (record.json.data[0] != '{' || from.data[from.bytes - 1] != '}') {
        return false;
    }
    *ret = record;
    return true;
}
