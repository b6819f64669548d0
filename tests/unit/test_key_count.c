#include "core/base/key_count.h"
#include "tests/unit/support.h"

static uint64_t random_state;

static uint64_t next_random(void) {
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static struct key_count counts;

static void counts_open(uint64_t things_max) {
    void *memory = calloc(1, key_count_bytes(things_max));
    assert_non_null(memory);
    key_count_init(&counts, memory, things_max);
}

static void a_key_holds_no_more_than_it_may(void **state) {
    (void)state;
    counts_open(100);
    for (uint64_t i = 0; i < 16; i++) {
        assert_int_equal(key_count_of(&counts, 5), i);
        assert_true(key_count_add(&counts, 5, 16));
    }
    assert_false(key_count_add(&counts, 5, 16));
    assert_int_equal(key_count_of(&counts, 5), 16);
    assert_true(key_count_add(&counts, 6, 16));
    key_count_remove(&counts, 5);
    assert_true(key_count_add(&counts, 5, 16));
    assert_false(key_count_add(&counts, 7, 0));
    free(counts.places);
}

/* Keys that all want few places, in every order, against plain arrays. */
static void many_keys_come_and_go(void **state) {
    (void)state;
    enum { KEYS = 40, THINGS = 60 };
    static uint64_t keys[KEYS], held[KEYS];
    random_state = 9;
    for (int round = 0; round < 50; round++) {
        uint64_t things = 0;
        counts_open(THINGS);
        for (int i = 0; i < KEYS; i++) { /* 0 to 2 places of the table, at its end and beginning */
            keys[i] =
                (next_random() << 32 | (uint64_t)i << 8) + counts.mask - 1 + next_random() % 3;
            held[i] = 0;
        }
        keys[0] = 0;
        for (int i = 0; i < 5000; i++) {
            size_t at = next_random() % KEYS;
            if (next_random() % 2 == 0 && things < THINGS) {
                bool added = key_count_add(&counts, keys[at], 3);
                assert_int_equal(added, held[at] < 3);
                held[at] += added;
                things += added;
            } else if (held[at] > 0) {
                key_count_remove(&counts, keys[at]);
                held[at]--;
                things--;
            }
            for (size_t k = 0; k < KEYS; k++) {
                assert_int_equal(key_count_of(&counts, keys[k]), held[k]);
            }
        }
        assert_int_equal(counts.things_count, things);
        free(counts.places);
    }
}

static void memory_is_fixed_and_at_most_half_full(void **state) {
    (void)state;
    assert_int_equal(key_count_bytes(0), 2 * sizeof(struct key_count_place));
    assert_int_equal(key_count_bytes(20000), 65536 * sizeof(struct key_count_place));
    counts_open(1000);
    for (uint64_t i = 0; i < 1000; i++) { /* all want the same place */
        assert_true(key_count_add(&counts, (i + 1) << 40, 1));
    }
    for (uint64_t i = 1000; i > 0; i--) {
        key_count_remove(&counts, i << 40);
        assert_int_equal(key_count_of(&counts, i << 40), 0);
    }
    for (uint64_t i = 0; i <= counts.mask; i++) {
        assert_int_equal(counts.places[i].count, 0);
    }
    free(counts.places);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_holds_no_more_than_it_may),
        cmocka_unit_test(many_keys_come_and_go),
        cmocka_unit_test(memory_is_fixed_and_at_most_half_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
