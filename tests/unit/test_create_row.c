/* Rows of creates: their bytes, and what is refused. */
#include "core/ticket/create_row.h"

#include "tests/unit/support.h"

static const uint8_t key[] = {0, 0, 0, 0, 0, 0, 1, 2};
static const uint8_t value[] = {1, 3, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, '{', '}'};

static void bytes_are_as_the_header_says(void **state) {
    (void)state;
    uint8_t to_key[CREATE_KEY_BYTES], head[CREATE_HEAD_BYTES];
    struct create_row row;
    create_key_encode(to_key, 258);
    create_head_encode(head, 3, 4);
    assert_memory_equal(to_key, key, sizeof key);
    assert_memory_equal(head, value, sizeof head);
    assert_true(create_row_decode(&row, (struct slice){key, sizeof key},
                                  (struct slice){value, sizeof value}));
    assert_int_equal(row.number, 258);
    assert_int_equal(row.id, 3);
    assert_int_equal(row.content, 4);
    assert_true(slice_is(row.answer, "{}"));
}

static void what_is_no_create_is_refused(void **state) {
    (void)state;
    static const uint8_t nothing[CREATE_KEY_BYTES];
    uint8_t other[sizeof value];
    struct create_row row;
    const struct slice good = {value, sizeof value}, name = {key, sizeof key};
    memcpy(other, value, sizeof value);
    other[0] = 2;
    assert_false(create_row_decode(&row, name, (struct slice){other, sizeof other}));
    assert_false(create_row_decode(&row, name, (struct slice){value, CREATE_HEAD_BYTES - 1}));
    assert_false(create_row_decode(&row, (struct slice){key, sizeof key - 1}, good));
    assert_false(create_row_decode(&row, (struct slice){nothing, sizeof nothing}, good));
    assert_true(create_row_decode(&row, name, (struct slice){value, CREATE_HEAD_BYTES}));
    assert_int_equal(row.answer.bytes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_as_the_header_says),
        cmocka_unit_test(what_is_no_create_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
