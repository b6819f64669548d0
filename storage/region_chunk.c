#include "storage/region_chunk.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/region/region.h"

#include <inttypes.h>
#include <stdio.h>

_Static_assert(REGION_CHUNK <= UINT16_MAX, "the header counts rows in 16 bits");

void region_chunk_key_encode(uint8_t to[REGIONS_KEY_BYTES], uint32_t chunk) {
    store_u32_be(to, chunk);
}

void region_chunk_header_encode(uint8_t to[REGION_CHUNK_HEADER_BYTES], size_t rows_count) {
    CHECK(rows_count >= 1 && rows_count <= REGION_CHUNK);
    store_u16_le(to, (uint16_t)rows_count);
}

static bool rows_are_whole(struct slice rows, size_t rows_count) {
    for (size_t i = 0; i < rows_count; i++) {
        struct region_row row;
        size_t bytes = region_row_decode(&row, rows);
        if (bytes == 0) {
            return false;
        }
        CHECK(bytes <= rows.bytes);
        rows = (struct slice){rows.data + bytes, rows.bytes - bytes};
    }
    return rows.bytes == 0;
}

enum status region_chunk_decode(uint32_t *ret_chunk, struct slice *ret_rows, size_t *ret_rows_count,
                                struct slice key, struct slice value, struct error *error) {
    if (key.bytes != REGIONS_KEY_BYTES) {
        return error_set(error, STATUS_CORRUPT, "a key of the regions has the wrong size", NULL,
                         NULL);
    }
    uint32_t chunk = load_u32_be(key.data);
    size_t rows_count = value.bytes < REGION_CHUNK_HEADER_BYTES ? 0 : load_u16_le(value.data);
    if (rows_count >= 1 && rows_count <= REGION_CHUNK) {
        struct slice rows = {value.data + REGION_CHUNK_HEADER_BYTES,
                             value.bytes - REGION_CHUNK_HEADER_BYTES};
        if (rows_are_whole(rows, rows_count)) {
            *ret_chunk = chunk;
            *ret_rows = rows;
            *ret_rows_count = rows_count;
            return STATUS_OK;
        }
    }
    char number[11];
    snprintf(number, sizeof number, "%" PRIu32, chunk);
    return error_set(error, STATUS_CORRUPT, "region chunk ", number, " is damaged");
}
