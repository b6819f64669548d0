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
        bool may = stats_may_start(&under_way, &limits, UNDER_WAY + 2);
        assert_int_equal(may, limits.stats_jobs >= UNDER_WAY);
        assert_int_equal(under_way, may ? UNDER_WAY : UNDER_WAY - 1);
    }
}

static void a_thread_is_left_to_the_others(void **state) {
    (void)state;
    struct limits limits;
    limits_init(&limits);
    limits.stats_jobs = 4;
    const uint64_t most[] = {1, 1, 1, 2, 3, 4, 4}; /* by threads of the pool */
    for (uint64_t threads = 1; threads < ARRAY_COUNT(most); threads++) {
        uint64_t under_way = 0;
        for (uint64_t i = 0; i < most[threads]; i++) {
            assert_true(stats_may_start(&under_way, &limits, threads));
        }
        assert_false(stats_may_start(&under_way, &limits, threads));
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
        cmocka_unit_test(a_thread_is_left_to_the_others),
        cmocka_unit_test(cursors_belong_to_their_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
