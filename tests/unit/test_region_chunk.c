#include "tests/unit/support.h"

#include "core/region/region.h"
#include "storage/region_chunk.h"

static size_t encode(uint8_t *to, size_t rows_count) {
    region_chunk_header_encode(to, rows_count);
    size_t at = REGION_CHUNK_HEADER_BYTES;
    for (size_t i = 0; i < rows_count; i++) {
        char code[32];
        snprintf(code, sizeof code, "R%zu", i);
        struct region_row row = {.code = slice_text(code), .name = slice_text("name")};
        at += region_row_encode(to + at, &row);
    }
    return at;
}

static enum status decode(uint8_t *key, size_t key_bytes, uint8_t *value, size_t bytes,
                          size_t *ret_rows_count) {
    uint32_t chunk;
    struct slice rows;
    struct error error;
    enum status status =
        region_chunk_decode(&chunk, &rows, ret_rows_count, (struct slice){key, key_bytes},
                            (struct slice){value, bytes}, &error);
    if (status == STATUS_OK) {
        assert_int_equal(chunk, 7);
        assert_int_equal(rows.bytes, bytes - REGION_CHUNK_HEADER_BYTES);
    }
    return status;
}

static void chunks_come_back_as_written(void **state) {
    (void)state;
    static uint8_t value[REGION_CHUNK * 64];
    uint8_t key[REGIONS_KEY_BYTES];
    region_chunk_key_encode(key, 7);
    assert_memory_equal(key, ((uint8_t[]){0, 0, 0, 7}), 4);
    const size_t counts[] = {1, REGION_CHUNK - 1, REGION_CHUNK};
    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        size_t bytes = encode(value, counts[i]), rows_count = 0;
        assert_int_equal(decode(key, sizeof key, value, bytes, &rows_count), STATUS_OK);
        assert_int_equal(rows_count, counts[i]);
    }
}

static void damage_is_noticed(void **state) {
    (void)state;
    uint8_t value[256], key[REGIONS_KEY_BYTES];
    region_chunk_key_encode(key, 7);
    size_t bytes = encode(value, 3), rows_count;
    for (size_t cut = 0; cut < bytes; cut++) {
        assert_int_equal(decode(key, sizeof key, value, cut, &rows_count), STATUS_CORRUPT);
    }
    assert_int_equal(decode(key, sizeof key - 1, value, bytes, &rows_count), STATUS_CORRUPT);
    const uint16_t counts[] = {0, 2, 4, REGION_CHUNK + 1, UINT16_MAX};
    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        memcpy(value, &counts[i], sizeof counts[i]);
        assert_int_equal(decode(key, sizeof key, value, bytes, &rows_count), STATUS_CORRUPT);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_come_back_as_written),
        cmocka_unit_test(damage_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
