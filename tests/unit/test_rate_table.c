#include "core/base/rate_table.h"
#include "tests/unit/support.h"

static uint64_t random_state;

static uint64_t next_random(void) {
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static struct rate_table table;

static void table_open(uint64_t buckets, uint64_t count, uint64_t period_ms, uint64_t burst) {
    void *memory = calloc(1, rate_table_bytes(buckets));
    assert_non_null(memory);
    rate_table_init(&table, memory, buckets, &(struct rate_rule){count, period_ms, burst});
}

static void table_close(void) {
    free(table.places);
}

static uint64_t take_one(uint64_t key, uint64_t now_ms) {
    return rate_table_take(&table, key, 1, now_ms);
}

static void a_burst_passes_and_no_token_more(void **state) {
    (void)state;
    table_open(64, 10, 1000, 50);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(take_one(7, 1000), 1);
    }
    assert_int_equal(take_one(7, 1000), 0);
    assert_int_equal(rate_table_wait_ms(&table, 7, 1, 1000), 100);
    assert_int_equal(take_one(8, 1000), 1); /* somebody else's */
    assert_int_equal(take_one(0, 1000), 1); /* 0 is a key like any other */
    assert_int_equal(rate_table_used(&table), 3);
    table_close();
}

static void refill_is_exact_to_the_millisecond(void **state) {
    (void)state;
    table_open(64, 10, 1000, 50);
    assert_int_equal(rate_table_take(&table, 1, 50, 5000), 50);
    for (uint64_t i = 1; i <= 40; i++) { /* a token each 100 ms, however often one asks between */
        assert_int_equal(take_one(1, 5000 + i * 100 - 1), 0);
        assert_int_equal(rate_table_wait_ms(&table, 1, 1, 5000 + i * 100 - 1), 1);
        assert_int_equal(take_one(1, 5000 + i * 100), 1);
        assert_int_equal(take_one(1, 5000 + i * 100), 0);
    }
    table_close();
    /* Three in seven milliseconds: neither divides the other. */
    table_open(64, 3, 7, 2);
    assert_int_equal(rate_table_take(&table, 1, 2, 0), 2);
    uint64_t taken = 0;
    for (uint64_t now_ms = 1; now_ms <= 7000; now_ms++) {
        taken += take_one(1, now_ms);
        assert_int_equal(taken, now_ms * 3 / 7);
    }
    table_close();
}

/* The same against a sum in 128 bits of all that was gained and taken. */
static void any_schedule_gives_what_the_rule_says(void **state) {
    (void)state;
    random_state = 1;
    for (int round = 0; round < 300; round++) {
        uint64_t count = 1 + next_random() % 5000, period_ms = 1 + next_random() % 70000;
        uint64_t burst = 1 + next_random() % 3000;
        table_open(8, count, period_ms, burst);
        unsigned __int128 full = (unsigned __int128)burst * period_ms, level = full;
        uint64_t now_ms = next_random() % 1000000;
        for (int i = 0; i < 300; i++) {
            uint64_t passed_ms = next_random() % 4 == 0 ? 0 : next_random() % (2 * period_ms);
            uint64_t wanted = next_random() % (2 * burst);
            now_ms += passed_ms;
            level += (unsigned __int128)passed_ms * count;
            level = level > full ? full : level;
            uint64_t there = (uint64_t)(level / period_ms);
            uint64_t asked = min_u64(max_u64(wanted, 1), burst);
            uint64_t wait_ms = rate_table_wait_ms(&table, 5, asked, now_ms);
            assert_int_equal(wait_ms == 0, there >= asked);
            if (wait_ms > 0) {
                assert_true(level + (unsigned __int128)wait_ms * count >=
                            (unsigned __int128)asked * period_ms);
                assert_true(level + (unsigned __int128)(wait_ms - 1) * count <
                            (unsigned __int128)asked * period_ms);
            }
            uint64_t taken = rate_table_take(&table, 5, wanted, now_ms);
            assert_int_equal(taken, min_u64(wanted, there));
            level -= (unsigned __int128)taken * period_ms;
        }
        table_close();
    }
}

static void a_bucket_never_holds_more_than_its_burst(void **state) {
    (void)state;
    table_open(8, 1000000000, 1, 5);
    assert_int_equal(rate_table_take(&table, 1, 100, 0), 5);
    assert_int_equal(rate_table_take(&table, 1, 100, UINT64_MAX), 5);
    rate_table_give_back(&table, 1, UINT64_MAX, UINT64_MAX);
    assert_int_equal(rate_table_take(&table, 1, UINT64_MAX, UINT64_MAX), 5);
    rate_table_give_back(&table, 1, 2, UINT64_MAX);
    assert_int_equal(rate_table_take(&table, 1, 100, UINT64_MAX), 2);
    rate_table_give_back(&table, 9, 2, 0); /* nobody has taken anything from it: it is full */
    assert_int_equal(rate_table_take(&table, 9, 100, 0), 5);
    table_close();
    /* The largest that may be configured. */
    table_open(8, 1000000000, 60000, 1000000000);
    assert_int_equal(rate_table_take(&table, 1, UINT64_MAX, 0), 1000000000);
    assert_int_equal(rate_table_take(&table, 1, UINT64_MAX, 59999), 999983333);
    assert_int_equal(rate_table_take(&table, 1, UINT64_MAX, UINT64_MAX), 1000000000);
    table_close();
}

static void a_clock_that_stands_or_goes_back_refills_nothing(void **state) {
    (void)state;
    table_open(8, 10, 1000, 3);
    assert_int_equal(rate_table_take(&table, 1, 3, 50000), 3);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(take_one(1, 50000), 0);
        assert_int_equal(take_one(1, 50000 - (uint64_t)i), 0);
    }
    assert_int_equal(rate_table_wait_ms(&table, 1, 1, 49000), 1100);
    assert_int_equal(take_one(1, 50099), 0);
    assert_int_equal(take_one(1, 50100), 1);
    assert_int_equal(take_one(1, 50100), 0);
    table_close();
}

/* One set: the newcomer goes on with the bucket that had most. */
static void a_full_set_gives_a_newcomer_what_the_fullest_has(void **state) {
    (void)state;
    table_open(8, 1, 1000, 100);
    for (uint64_t key = 1; key <= 8; key++) {
        assert_int_equal(rate_table_take(&table, key, 10 * key, 0), 10 * key);
    }
    assert_int_equal(rate_table_used(&table), 8);
    assert_int_equal(rate_table_take(&table, 9, 1000, 0), 90); /* what key 1 had */
    assert_int_equal(rate_table_take(&table, 1, 1000, 0), 80); /* which now has what 2 had */
    assert_int_equal(rate_table_take(&table, 8, 1000, 0), 20); /* the emptiest kept their own */
    assert_int_equal(rate_table_used(&table), 8);
    table_close();
}

/* Whoever has emptied his bucket gets no other by coming under many names. */
static void names_without_number_give_no_more_than_the_places(void **state) {
    (void)state;
    enum { BUCKETS = 1024, KEYS = 100000, BURST = 20 };
    random_state = 3;
    table_open(BUCKETS, 1, 1000, BURST);
    uint64_t taken = 0;
    for (int i = 0; i < KEYS; i++) {
        taken += rate_table_take(&table, next_random(), BURST, 0);
        assert_int_equal(rate_table_take(&table, 42, 0, 0), 0);
    }
    assert_int_equal(rate_table_used(&table), BUCKETS);
    assert_int_equal(rate_table_bytes(BUCKETS), BUCKETS * sizeof(struct rate_place));
    assert_true(taken <= (uint64_t)BUCKETS * BURST);
    /* Once they have filled up by themselves, each newcomer finds a full one. */
    for (int i = 0; i < KEYS; i++) {
        uint64_t now_ms = UINT64_C(20000) * (uint64_t)(i + 1);
        assert_int_equal(rate_table_take(&table, next_random(), BURST, now_ms), BURST);
    }
    table_close();
}

static void a_victim_is_not_emptied_by_others(void **state) {
    (void)state;
    random_state = 4;
    table_open(1024, 10, 1000, 50);
    /* Attackers keep every place drained but come back each second under new names. A place gains
     * ten tokens a second, so somebody who asks for one a second is always served. */
    for (uint64_t second = 1; second <= 60; second++) {
        assert_int_equal(take_one(77, second * 1000), 1);
        for (int i = 0; i < 5000; i++) {
            (void)rate_table_take(&table, next_random(), 9, second * 1000);
        }
    }
    table_close();
}

static void sizes_are_whole_sets(void **state) {
    (void)state;
    for (uint64_t buckets = 1; buckets < 16; buckets++) {
        assert_int_equal(rate_table_bytes(buckets), 8 * sizeof(struct rate_place));
    }
    assert_int_equal(rate_table_bytes(16), 16 * sizeof(struct rate_place));
    assert_int_equal(rate_table_bytes(65536), 65536 * sizeof(struct rate_place));
    assert_int_equal(sizeof(struct rate_place), 24);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_passes_and_no_token_more),
        cmocka_unit_test(refill_is_exact_to_the_millisecond),
        cmocka_unit_test(any_schedule_gives_what_the_rule_says),
        cmocka_unit_test(a_bucket_never_holds_more_than_its_burst),
        cmocka_unit_test(a_clock_that_stands_or_goes_back_refills_nothing),
        cmocka_unit_test(a_full_set_gives_a_newcomer_what_the_fullest_has),
        cmocka_unit_test(names_without_number_give_no_more_than_the_places),
        cmocka_unit_test(a_victim_is_not_emptied_by_others),
        cmocka_unit_test(sizes_are_whole_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
