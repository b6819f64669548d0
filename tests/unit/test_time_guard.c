#include "core/time/time_guard.h"
#include "tests/unit/support.h"

#define NOON INT64_C(1780000000000)
#define NOTHING INT64_MIN
#define MINUTE INT64_C(60000)

/* One look: clocks in, verdict out. Monotonic from 0; wall, service and fire against NOON. */
struct look {
    int64_t monotonic_ms, wall_ms;
    int64_t service_ms, fire_ms; /* fire: NOTHING, or as service */
    enum time_event event;
    int64_t step_ms;
};

static void assert_look(const struct time_reading *reading, const struct look *look, size_t at) {
    if (reading->service_ms != NOON + look->service_ms || reading->event != look->event ||
        reading->step_ms != look->step_ms ||
        reading->fire_ms != (look->fire_ms == NOTHING ? NOTHING : NOON + look->fire_ms)) {
        fail_msg("look %zu: service NOON%+lld, event %d, step %lld, fire NOON%+lld", at,
                 (long long)(reading->service_ms - NOON), (int)reading->event,
                 (long long)reading->step_ms,
                 (long long)(reading->fire_ms == NOTHING ? 0 : reading->fire_ms - NOON));
    }
}

/* The first look begins; `newest_ms` against NOON, NOTHING: an empty journal. */
static void play(const struct look *looks, size_t count, int64_t newest_ms) {
    struct time_guard guard;
    int64_t newest = newest_ms == NOTHING ? NOTHING : NOON + newest_ms;
    struct time_reading reading =
        time_guard_init(&guard, looks[0].monotonic_ms, NOON + looks[0].wall_ms, newest);
    assert_look(&reading, &looks[0], 0);
    for (size_t i = 1; i < count; i++) {
        reading = time_guard_read(&guard, looks[i].monotonic_ms, NOON + looks[i].wall_ms);
        assert_look(&reading, &looks[i], i);
    }
}

#define PLAY(newest_ms, ...)                                                                       \
    do {                                                                                           \
        const struct look looks[] = {__VA_ARGS__};                                                 \
        play(looks, ARRAY_COUNT(looks), newest_ms);                                                \
    } while (0)

static void a_steady_clock_is_followed(void **state) {
    (void)state;
    PLAY(-5000, {0, 0, 0, 0, TIME_STEADY, 0}, {10, 10, 10, 10, TIME_STEADY, 0},
         {10, 10, 10, 10, TIME_STEADY, 0}, {3600010, 3600010, 3600010, 3600010, TIME_STEADY, 0},
         /* slewed a little, both ways */
         {3601010, 3601012, 3601012, 3601012, TIME_STEADY, 0});
}

static void small_steps_forward_are_followed(void **state) {
    (void)state;
    PLAY(NOTHING, {0, 0, 0, 0, TIME_STEADY, 0},
         {1000, 301000, 301000, 301000, TIME_STEADY, 0}, /* exactly five minutes */
         {2000, 302000, 302000, 302000, TIME_STEADY, 0});
}

static void a_big_step_forward_waits_for_its_confirmation(void **state) {
    (void)state;
    PLAY(NOTHING, {0, 0, 0, 0, TIME_STEADY, 0},
         {1000, 301001, 1000, 1000, TIME_STEPPED_FORWARD, 300001},
         {2000, 302001, 2000, 2000, TIME_STEADY, 0},
         {60999, 360999, 360999, 360999, TIME_WITHDRAWN, -1}, /* five minutes: a small step */
         {61000, 361000, 361000, 361000, TIME_STEADY, 0});
    PLAY(NOTHING, {0, 0, 0, 0, TIME_STEADY, 0},
         {1000, 3601000, 1000, 1000, TIME_STEPPED_FORWARD, 3600000},
         {60999, 3660999, 60999, 60999, TIME_STEADY, 0},
         {61000, 3661000, 3661000, 3661000, TIME_CONFIRMED, 0},
         {62000, 3662000, 3662000, 3662000, TIME_STEADY, 0});
}

static void a_second_step_starts_the_wait_again(void **state) {
    (void)state;
    PLAY(NOTHING, {0, 0, 0, 0, TIME_STEADY, 0},
         {0, 10 * MINUTE, 0, 0, TIME_STEPPED_FORWARD, 10 * MINUTE},
         {59999, 59999 + 20 * MINUTE, 59999, 59999, TIME_STEPPED_FORWARD, 10 * MINUTE},
         {60000, 60000 + 20 * MINUTE, 60000, 60000, TIME_STEADY, 0},
         {119998, 119998 + 20 * MINUTE, 119998, 119998, TIME_STEADY, 0},
         {119999, 119999 + 20 * MINUTE, 119999 + 20 * MINUTE, 119999 + 20 * MINUTE, TIME_CONFIRMED,
          0});
}

static void a_step_that_is_taken_back_never_happened(void **state) {
    (void)state;
    const int64_t year = INT64_C(365) * 86400000;
    PLAY(NOTHING, {0, 0, 0, 0, TIME_STEADY, 0},
         {1000, 1000 + year, 1000, 1000, TIME_STEPPED_FORWARD, year},
         {30000, 30000, 30000, 30000, TIME_WITHDRAWN, -year},
         {90000, 90000, 90000, 90000, TIME_STEADY, 0});
}

static void a_step_back_never_lowers_the_time(void **state) {
    (void)state;
    /* 8 s behind: caught up after 64 s at 7/8. */
    PLAY(NOTHING, {0, 0, 0, 0, TIME_STEADY, 0}, {10000, 2000, 8750, 8750, TIME_STEPPED_BACK, -8000},
         {18000, 10000, 15750, 15750, TIME_STEADY, 0},
         {18001, 10001, 15750, 15750, TIME_STEADY, 0}, /* eighths are kept */
         {18008, 10008, 15757, 15757, TIME_STEADY, 0}, {64000, 56000, 56000, 56000, TIME_STEADY, 0},
         {65000, 57000, 57000, 57000, TIME_STEADY, 0});
    /* A second is ordinary, one millisecond more is told. */
    PLAY(NOTHING, {0, 0, 0, 0, TIME_STEADY, 0}, {0, -1000, 0, 0, TIME_STEADY, 0});
    PLAY(NOTHING, {0, 0, 0, 0, TIME_STEADY, 0}, {0, -1001, 0, 0, TIME_STEPPED_BACK, -1001});
    /* More than a day: not chased. */
    PLAY(NOTHING, {0, 0, 0, 0, TIME_STEADY, 0}, {0, -86400000, 0, 0, TIME_STEPPED_BACK, -86400000},
         {8000, -86392000, 7000, 7000, TIME_STEADY, 0},
         {8000, -86400000 * 9, 7000, 7000, TIME_STEPPED_BACK, -86400000 * 9 + 86392000},
         {16000, -86400000 * 9 + 8000, 15000, 15000, TIME_STEADY, 0});
}

/* 1970 at boot, then the network's time: 60 s after that, what is due fires. */
static void a_clock_without_battery_is_suspect(void **state) {
    (void)state;
    PLAY(-1000, {0, -NOON, -1000, NOTHING, TIME_SUSPECT, 1000 - NOON},
         {20000, 20000 - NOON, 19000, NOTHING, TIME_STEADY, 0},
         {21000, 3600000, 20000, NOTHING, TIME_STEPPED_FORWARD, NOON + 3600000 - 21000},
         {80999, 3659999, 79999, NOTHING, TIME_STEADY, 0},
         {81000, 3660000, 3660000, 3660000, TIME_CONFIRMED, 0});
    /* An empty journal: nothing to begin at. */
    PLAY(NOTHING, {0, -NOON, -NOON, NOTHING, TIME_SUSPECT, 0},
         {60000, 60000 - NOON, 60000 - NOON, 60000 - NOON, TIME_CONFIRMED, 0});
    PLAY(NOTHING, {0, TIME_SANE_MS - 1 - NOON, TIME_SANE_MS - 1 - NOON, NOTHING, TIME_SUSPECT, 0});
    PLAY(NOTHING,
         {0, TIME_SANE_MS - NOON, TIME_SANE_MS - NOON, TIME_SANE_MS - NOON, TIME_STEADY, 0});
}

static void a_clock_older_than_the_newest_commit_is_suspect(void **state) {
    (void)state;
    PLAY(1001, {0, 0, 1001, NOTHING, TIME_SUSPECT, -1001},
         {8000, 8000, 8001, NOTHING, TIME_STEADY, 0},
         {59999, 59999, 59999, NOTHING, TIME_STEADY, 0},
         {60000, 60000, 60000, 60000, TIME_CONFIRMED, 0});
    /* A second older: the service time was being slowed down when the process ended. */
    PLAY(1000, {0, 0, 1000, 1000, TIME_STEADY, 0}, {8000, 8000, 8000, 8000, TIME_STEADY, 0});
    /* Still older after 60 s: it goes on from the newest commit. */
    PLAY(10 * MINUTE, {0, 0, 10 * MINUTE, NOTHING, TIME_SUSPECT, -10 * MINUTE},
         {60000, 60000, 10 * MINUTE + 52500, 10 * MINUTE + 52500, TIME_CONFIRMED, 0});
}

/* Whatever the clocks do: it never falls, never fires ahead of itself, and no step makes it run. */
static void any_clock_is_survived(void **state) {
    (void)state;
    uint64_t random = 88172645463325252;
    for (int round = 0; round < 200; round++) {
        struct time_guard guard;
        int64_t monotonic_ms = 0, wall_ms = NOON;
        struct time_reading last = time_guard_init(&guard, monotonic_ms, wall_ms, NOON - 1);
        for (int i = 0; i < 500; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            int64_t elapsed_ms = (int64_t)(random >> 20 & 0xfff);
            int64_t size = INT64_C(1) << (random >> 40 & 31);
            int64_t step_ms = (random & 15) == 0 ? size : (random & 15) == 1 ? -size : 0;
            monotonic_ms += elapsed_ms;
            wall_ms += elapsed_ms + step_ms;
            struct time_reading now = time_guard_read(&guard, monotonic_ms, wall_ms);
            assert_true(now.service_ms >= last.service_ms);
            assert_true(now.fire_ms <= now.service_ms);
            int64_t ran_ms = now.service_ms - last.service_ms;
            bool believed = now.event == TIME_CONFIRMED || ran_ms <= elapsed_ms + TIME_STEP_MS;
            assert_true(believed);
            last = now;
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_clock_is_followed),
        cmocka_unit_test(small_steps_forward_are_followed),
        cmocka_unit_test(a_big_step_forward_waits_for_its_confirmation),
        cmocka_unit_test(a_second_step_starts_the_wait_again),
        cmocka_unit_test(a_step_that_is_taken_back_never_happened),
        cmocka_unit_test(a_step_back_never_lowers_the_time),
        cmocka_unit_test(a_clock_without_battery_is_suspect),
        cmocka_unit_test(a_clock_older_than_the_newest_commit_is_suspect),
        cmocka_unit_test(any_clock_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
