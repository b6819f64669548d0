#include "core/region/region.h"

#include "core/base/bytes.h"
#include "core/base/check.h"

enum { ROW_HAS_POSITION = 1 };

static bool position_is_possible(struct position position) {
    return position.lat_deg >= -90 && position.lat_deg <= 90 && position.lon_deg >= -180 &&
           position.lon_deg <= 180;
}

static bool row_is_possible(const struct region_row *row) {
    return row->code.bytes >= 1 && row->code.bytes <= REGION_CODE_BYTES_CAP &&
           row->parent.bytes <= REGION_CODE_BYTES_CAP && row->kind.bytes <= REGION_KIND_BYTES_MAX &&
           row->name.bytes <= REGION_NAME_BYTES_CAP && row->leader.bytes <= REGION_NAME_BYTES_CAP &&
           row->level <= REGION_LEVEL_MAX &&
           (!row->has_position || position_is_possible(row->position));
}

size_t region_row_encoded_bytes(const struct region_row *row) {
    return REGION_ROW_HEADER_BYTES + (row->has_position ? 16u : 0u) + row->code.bytes +
           row->parent.bytes + row->kind.bytes + row->name.bytes + row->leader.bytes;
}

size_t region_row_encode(uint8_t *to, const struct region_row *row) {
    CHECK(row_is_possible(row));
    to[0] = row->level;
    to[1] = row->has_position ? ROW_HAS_POSITION : 0;
    to[2] = (uint8_t)row->code.bytes;
    to[3] = (uint8_t)row->parent.bytes;
    to[4] = (uint8_t)row->kind.bytes;
    store_u16_le(to + 5, (uint16_t)row->name.bytes);
    store_u16_le(to + 7, (uint16_t)row->leader.bytes);
    uint8_t *at = to + REGION_ROW_HEADER_BYTES;
    if (row->has_position) {
        store_f64_le(at, row->position.lat_deg);
        store_f64_le(at + 8, row->position.lon_deg);
        at += 16;
    }
    const struct slice parts[] = {row->code, row->parent, row->kind, row->name, row->leader};
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        if (parts[i].bytes > 0) {
            memcpy(at, parts[i].data, parts[i].bytes);
        }
        at += parts[i].bytes;
    }
    CHECK((size_t)(at - to) == region_row_encoded_bytes(row));
    return (size_t)(at - to);
}

struct slice region_row_code(struct slice from) {
    CHECK(from.bytes >= REGION_ROW_HEADER_BYTES);
    size_t before = REGION_ROW_HEADER_BYTES + (from.data[1] == ROW_HAS_POSITION ? 16u : 0u);
    CHECK(before + from.data[2] <= from.bytes);
    return (struct slice){from.data + before, from.data[2]};
}

bool region_row_has_leader(struct slice from) {
    CHECK(from.bytes >= REGION_ROW_HEADER_BYTES);
    return load_u16_le(from.data + 7) > 0;
}

size_t region_row_decode(struct region_row *ret, struct slice from) {
    if (from.bytes < REGION_ROW_HEADER_BYTES) {
        return 0;
    }
    const uint8_t *header = from.data;
    struct region_row row = {.level = header[0], .has_position = header[1] == ROW_HAS_POSITION};
    row.code.bytes = header[2];
    row.parent.bytes = header[3];
    row.kind.bytes = header[4];
    row.name.bytes = load_u16_le(header + 5);
    row.leader.bytes = load_u16_le(header + 7);
    size_t bytes = region_row_encoded_bytes(&row);
    if (header[1] > ROW_HAS_POSITION || bytes > from.bytes) {
        return 0;
    }
    const uint8_t *at = header + REGION_ROW_HEADER_BYTES;
    if (row.has_position) {
        row.position = (struct position){load_f64_le(at), load_f64_le(at + 8)};
        at += 16;
    }
    struct slice *parts[] = {&row.code, &row.parent, &row.kind, &row.name, &row.leader};
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        parts[i]->data = at;
        at += parts[i]->bytes;
    }
    if (!row_is_possible(&row)) {
        return 0;
    }
    *ret = row;
    return bytes;
}
