#include "core/report/suspect_filter.h"
#include "tests/unit/support.h"

static struct suspect_filter filter;
static uint64_t random_state;

static void filter_open(void) {
    void *memory = aligned_alloc(64, SUSPECT_FILTER_BYTES);
    assert_non_null(memory);
    memset(memory, 0, SUSPECT_FILTER_BYTES);
    suspect_filter_init(&filter, memory);
}

static uint64_t next_random(void) {
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static struct identity next_identity(void) {
    return (struct identity){next_random(), next_random()};
}

static void an_empty_filter_has_nothing(void **state) {
    (void)state;
    filter_open();
    for (int i = 0; i < 1000; i++) {
        assert_false(suspect_filter_may_have(&filter, next_identity()));
    }
    assert_false(suspect_filter_may_have(&filter, (struct identity){0, 0}));
    free(filter.words);
}

static void what_was_added_is_never_denied(void **state) {
    (void)state;
    enum { COUNT = 100000 };
    filter_open();
    random_state = 1;
    suspect_filter_add(&filter, (struct identity){0, 0});
    suspect_filter_add(&filter, (struct identity){UINT64_MAX, UINT64_MAX});
    for (int i = 0; i < COUNT; i++) {
        suspect_filter_add(&filter, next_identity());
    }
    assert_true(suspect_filter_may_have(&filter, (struct identity){0, 0}));
    assert_true(suspect_filter_may_have(&filter, (struct identity){UINT64_MAX, UINT64_MAX}));
    random_state = 1;
    for (int i = 0; i < COUNT; i++) {
        assert_true(suspect_filter_may_have(&filter, next_identity()));
    }
    int wrong = 0;
    for (int i = 0; i < COUNT; i++) {
        wrong += suspect_filter_may_have(&filter, next_identity());
    }
    assert_true(wrong < COUNT / 1000);
    free(filter.words);
}

/* 1 million in 8 Mi bits: about 2 in 100 others, as the header says. */
static void a_crowded_filter_is_only_less_sure(void **state) {
    (void)state;
    enum { COUNT = 1000000 };
    filter_open();
    random_state = 2;
    for (int i = 0; i < COUNT; i++) {
        suspect_filter_add(&filter, next_identity());
    }
    int wrong = 0;
    for (int i = 0; i < COUNT; i++) {
        wrong += suspect_filter_may_have(&filter, next_identity());
    }
    assert_in_range(wrong, COUNT / 100, COUNT / 25);
    random_state = 2;
    for (int i = 0; i < COUNT; i++) {
        assert_true(suspect_filter_may_have(&filter, next_identity()));
    }
    free(filter.words);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_filter_has_nothing),
        cmocka_unit_test(what_was_added_is_never_denied),
        cmocka_unit_test(a_crowded_filter_is_only_less_sure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
