#include "tests/unit/support.h"

#include "storage/pages.h"

static size_t sum(const uint8_t *bytes, size_t count) {
    size_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += bytes[i];
    }
    return sum;
}

static void pages_are_zero_when_new_and_after_a_reset(void **state) {
    (void)state;
    enum { BYTES = (5 << 20) + 4096 }; /* some huge pages and a rest */
    uint8_t *pages = pages_new(BYTES);
    assert_non_null(pages);
    assert_int_equal((uintptr_t)pages % 4096, 0);
    assert_int_equal(sum(pages, BYTES), 0);
    memset(pages, 1, BYTES);
    assert_int_equal(sum(pages, BYTES), BYTES);
    pages_reset(pages, BYTES);
    assert_int_equal(sum(pages, BYTES), 0);
    pages_free(pages, BYTES);
    pages_free(NULL, BYTES);
}

static void more_than_the_address_space_is_refused(void **state) {
    (void)state;
    assert_null(pages_new(SIZE_MAX / 2));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_zero_when_new_and_after_a_reset),
        cmocka_unit_test(more_than_the_address_space_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
