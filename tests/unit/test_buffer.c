#include "server/buffer.h"
#include "tests/unit/support.h"

static void appends_what_it_is_given(void **state) {
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer);
    assert_int_equal(buffer_slice(&buffer).bytes, 0);
    buffer_append(&buffer, NULL, 0);
    buffer_append_text(&buffer, "a");
    buffer_append_slice(&buffer, SLICE_LITERAL("bc"));
    buffer_append_u64(&buffer, 0);
    buffer_append_u64(&buffer, UINT64_MAX);
    buffer_printf(&buffer, "%s-%d", "x", 7);
    assert_true(slice_is(buffer_slice(&buffer), "abc018446744073709551615x-7"));
    buffer_deinit(&buffer);
    assert_null(buffer.data);
}

static void grows_and_keeps_its_memory_on_reset(void **state) {
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer);
    for (size_t i = 0; i < 10000; i++) {
        buffer_append(&buffer, &(uint8_t){(uint8_t)i}, 1);
    }
    for (size_t i = 0; i < 10000; i++) {
        assert_int_equal(buffer.data[i], (uint8_t)i);
    }
    size_t room = buffer.room;
    buffer_reset(&buffer);
    assert_int_equal(buffer.bytes, 0);
    assert_int_equal(buffer.room, room);
    memset(buffer_reserve(&buffer, room), 1, room);
    assert_int_equal(buffer.room, room);
    buffer_reserve(&buffer, room + 1);
    assert_true(buffer.room > room);
    assert_int_equal(buffer.bytes, 0);
    buffer_deinit(&buffer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_what_it_is_given),
        cmocka_unit_test(grows_and_keeps_its_memory_on_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
