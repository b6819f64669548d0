#include "storage/crc32c.h"

#include "tests/unit/support.h"

static void known_answers(void **state) {
    (void)state;
    /* RFC 3720, B.4 */
    uint8_t bytes[32] = {0};
    assert_int_equal(crc32c(0, bytes, sizeof bytes), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(crc32c(0, bytes, sizeof bytes), 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i++) {
        bytes[i] = i;
    }
    assert_int_equal(crc32c(0, bytes, sizeof bytes), 0x46dd794e);
    assert_int_equal(crc32c(0, bytes, 0), 0);
}

static void fast_way_equals_table_way(void **state) {
    (void)state;
    uint8_t bytes[100];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 37 + 11);
    }
    for (size_t from = 0; from < 9; from++) {
        for (size_t count = 0; count + from <= sizeof bytes; count++) {
            uint32_t whole = crc32c(0, bytes + from, count);
            assert_int_equal(whole, crc32c_table(0, bytes + from, count));
            size_t half = count / 2;
            uint32_t parts = crc32c(0, bytes + from, half);
            assert_int_equal(whole, crc32c(parts, bytes + from + half, count - half));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(fast_way_equals_table_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
