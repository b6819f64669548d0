#include "server/api/stats_query.h"

#include "tests/unit/support.h"
#include "tests/unit/support_limits.h"

static void as_many_as_the_limit_are_under_way(void **state) {
    (void)state;
    enum { UNDER_WAY = 4 };
    struct limits limits;
    limits_init(&limits);
    EACH_LIMIT_AROUND(limits, stats_jobs, UNDER_WAY) {
        uint64_t under_way = UNDER_WAY - 1;
        bool may = stats_may_start(&under_way, &limits);
        assert_int_equal(may, limits.stats_jobs >= UNDER_WAY);
        assert_int_equal(under_way, may ? UNDER_WAY : UNDER_WAY - 1);
    }
}

static void cursors_belong_to_their_list(void **state) {
    (void)state;
    char text[STATS_CURSOR_BYTES];
    uint64_t number = 0;
    stats_cursor_write(text, 99, 123456789);
    assert_true(stats_cursor_read(&number, 99, slice_text(text)));
    assert_int_equal(number, 123456789);
    assert_false(stats_cursor_read(&number, 98, slice_text(text)));
    for (size_t i = 0; i + 1 < STATS_CURSOR_BYTES; i++) {
        char damaged[STATS_CURSOR_BYTES];
        memcpy(damaged, text, sizeof text);
        damaged[i] = damaged[i] == '0' ? '1' : '0';
        assert_false(stats_cursor_read(&number, 99, slice_text(damaged)));
        damaged[i] = 'G';
        assert_false(stats_cursor_read(&number, 99, slice_text(damaged)));
        assert_false(stats_cursor_read(&number, 99, (struct slice){(uint8_t *)text, i}));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_as_the_limit_are_under_way),
        cmocka_unit_test(cursors_belong_to_their_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
