#include "server/limit/overload.h"
#include "tests/unit/support.h"

static struct limits limits;
static struct overload overload;
static struct load load;

static void reset(void) {
    limits_init(&limits);
    limits.commit_queue_ms = 2000;
    limits.overload_lag_ms = 500;
    overload = (struct overload){0};
    load = (struct load){0};
}

static void assert_stage(enum shed_stage stage, enum shed_reason reason) {
    enum shed_reason got = reason;
    assert_int_equal(overload_judge(&overload, &load, &limits, &got), stage);
    assert_int_equal(got, reason);
}

static void an_idle_server_sheds_nothing(void **state) {
    (void)state;
    reset();
    assert_stage(SHED_NONE, SHED_FOR_QUEUE);
}

static void the_queue_sheds_devices_first(void **state) {
    (void)state;
    reset();
    load.queue_paused = true;
    assert_stage(SHED_DEVICE_BULKS, SHED_FOR_QUEUE);
    load.queue_full = true;
    assert_stage(SHED_UPLOADS, SHED_FOR_QUEUE);
}

static void so_does_its_age(void **state) {
    (void)state;
    reset();
    load.oldest_ms = 1000;
    assert_stage(SHED_NONE, SHED_FOR_AGE);
    load.oldest_ms = 1001;
    assert_stage(SHED_DEVICE_BULKS, SHED_FOR_AGE);
    load.oldest_ms = 2000;
    assert_stage(SHED_DEVICE_BULKS, SHED_FOR_AGE);
    load.oldest_ms = 2001;
    assert_stage(SHED_UPLOADS, SHED_FOR_AGE);
}

static void so_do_bodies_in_memory(void **state) {
    (void)state;
    reset();
    load.body_memory_bytes = limits.body_memory_bytes / 2;
    assert_stage(SHED_NONE, SHED_FOR_MEMORY);
    load.body_memory_bytes++;
    assert_stage(SHED_DEVICE_BULKS, SHED_FOR_MEMORY);
    load.body_memory_bytes = limits.body_memory_bytes;
    assert_stage(SHED_DEVICE_BULKS, SHED_FOR_MEMORY);
    load.body_memory_bytes++;
    assert_stage(SHED_UPLOADS, SHED_FOR_MEMORY);
}

static void only_a_lag_that_stays_sheds_work(void **state) {
    (void)state;
    reset();
    for (int round = 0; round < 3; round++) {
        for (int i = 1; i < OVERLOAD_LAGS; i++) {
            overload_note_lag(&overload, 501);
            assert_stage(SHED_NONE, SHED_FOR_LAG);
        }
        overload_note_lag(&overload, 501);
        assert_stage(SHED_WORK, SHED_FOR_LAG);
        overload_note_lag(&overload, UINT64_MAX);
        assert_stage(SHED_WORK, SHED_FOR_LAG);
        overload_note_lag(&overload, 500); /* one turn in time, and it is over */
        assert_stage(SHED_NONE, SHED_FOR_LAG);
    }
    load.queue_full = true;
    assert_stage(SHED_UPLOADS, SHED_FOR_QUEUE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_server_sheds_nothing),
        cmocka_unit_test(the_queue_sheds_devices_first),
        cmocka_unit_test(so_does_its_age),
        cmocka_unit_test(so_do_bodies_in_memory),
        cmocka_unit_test(only_a_lag_that_stays_sheds_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
