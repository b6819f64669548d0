#include "bench/histogram.h"
#include "tests/unit/support.h"

static struct latency latency;

static void small_values_are_exact(void **state) {
    (void)state;
    latency_init(&latency);
    assert_int_equal(latency_percentile_ns(&latency, 0.5), 0);
    for (uint64_t ns = 1; ns <= 100; ns++) {
        latency_add(&latency, ns);
    }
    assert_int_equal(latency_percentile_ns(&latency, 0.5), 50);
    assert_int_equal(latency_percentile_ns(&latency, 0.99), 99);
    assert_int_equal(latency_percentile_ns(&latency, 1), 100);
    assert_int_equal(latency.max_ns, 100);
}

/* Every bucket's edge, from one nanosecond to centuries: never below, never 1/128 above. */
static void a_value_reads_back_within_its_bucket(void **state) {
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        const uint64_t around[] = {UINT64_C(1) << bit, (UINT64_C(1) << bit) + 1,
                                   (UINT64_C(1) << bit) - 1, (UINT64_C(3) << bit) / 2};
        for (size_t i = 0; i < ARRAY_COUNT(around); i++) {
            latency_init(&latency);
            latency_add(&latency, around[i]);
            latency_add(&latency, UINT64_MAX);
            uint64_t read = latency_percentile_ns(&latency, 0.5);
            assert_true(read >= around[i]);
            assert_true(read - around[i] <= around[i] / 128);
        }
    }
}

static void percentiles_do_not_fall(void **state) {
    (void)state;
    latency_init(&latency);
    uint64_t value = 1;
    for (int i = 0; i < 10000; i++) {
        value = value * UINT64_C(6364136223846793005) + 1;
        latency_add(&latency, value >> (20 + i % 40));
    }
    uint64_t before = 0;
    for (int i = 0; i <= 1000; i++) {
        uint64_t now = latency_percentile_ns(&latency, i / 1000.0);
        assert_true(now >= before);
        before = now;
    }
    assert_int_equal(before, latency.max_ns);
}

static void merging_is_adding(void **state) {
    (void)state;
    static struct latency other;
    latency_init(&latency);
    latency_init(&other);
    latency_add(&latency, 5);
    latency_add(&other, 7000);
    latency_merge(&latency, &other);
    assert_int_equal(latency.count, 2);
    assert_int_equal(latency.max_ns, 7000);
    assert_int_equal(latency_percentile_ns(&latency, 0.5), 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(a_value_reads_back_within_its_bucket),
        cmocka_unit_test(percentiles_do_not_fall),
        cmocka_unit_test(merging_is_adding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
