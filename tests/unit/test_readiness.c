#include "server/process/readiness.h"
#include "tests/unit/support.h"
#include "tests/unit/support_limits.h"

static struct limits limits;

static void the_disk_is_low_below_its_reserve(void **state) {
    (void)state;
    limits_init(&limits);
    limits.disk_reserve_bytes = 100 * MIB;
    EACH_AROUND(free_bytes, limits, disk_reserve_bytes) {
        assert_int_equal(readiness_disk_is_low(free_bytes, limits.disk_reserve_bytes, false),
                         free_bytes < 100 * MIB);
    }
    assert_true(readiness_disk_is_low(0, limits.disk_reserve_bytes, false));
    assert_false(readiness_disk_is_low(UINT64_MAX, limits.disk_reserve_bytes, true));
}

static void a_full_disk_must_have_some_room_before_it_counts(void **state) {
    (void)state;
    for (int over = -1; over <= 1; over++) {
        uint64_t small = 110 * MIB + (uint64_t)over, large = 2 * GIB + 64 * MIB + (uint64_t)over;
        assert_int_equal(readiness_disk_is_low(small, 100 * MIB, true), over < 0);
        assert_int_equal(readiness_disk_is_low(large, 2 * GIB, true), over < 0);
        assert_false(readiness_disk_is_low(small, 100 * MIB, false));
    }
}

static void a_write_that_waits_is_slow_and_then_stuck(void **state) {
    (void)state;
    limits_init(&limits);
    limits.commit_slow_ms = 100;
    limits.commit_stuck_ms = 1000;
    assert_int_equal(readiness_pace(&limits, 0), COMMIT_PACE_GOOD);
    assert_int_equal(readiness_pace(&limits, 100), COMMIT_PACE_GOOD);
    assert_int_equal(readiness_pace(&limits, 101), COMMIT_PACE_SLOW);
    assert_int_equal(readiness_pace(&limits, 1000), COMMIT_PACE_SLOW);
    assert_int_equal(readiness_pace(&limits, 1001), COMMIT_PACE_STUCK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_disk_is_low_below_its_reserve),
        cmocka_unit_test(a_write_that_waits_is_slow_and_then_stuck),
        cmocka_unit_test(a_full_disk_must_have_some_room_before_it_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
