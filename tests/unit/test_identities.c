#include "core/report/identities.h"
#include "tests/unit/support.h"

static struct identities table;
static void *memory;

static struct identity identity_of(uint64_t n) {
    uint64_t mixed = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
    return (struct identity){mixed ^ mixed >> 29, n};
}

static void table_open(uint64_t count) {
    size_t bytes = identities_bytes(count);
    memory = aligned_alloc(64, bytes);
    assert_non_null(memory);
    memset(memory, 0, bytes);
    identities_init(&table, memory, count);
}

static void insert(uint64_t n, int64_t received_ms) {
    identities_insert(&table, identity_of(n), n ^ 0xabcd, n + 1, received_ms);
}

static bool has(uint64_t n) {
    const struct identity_slot *slot = identities_find(&table, identity_of(n));
    if (slot != NULL) {
        assert_int_equal(identity_slot_seq(slot), n + 1);
        assert_int_equal(slot->content_tag, n ^ 0xabcd);
    }
    return slot != NULL;
}

static void memory_is_what_was_promised(void **state) {
    (void)state;
    assert_int_equal(identities_bytes(UINT64_C(6) << 20), UINT64_C(256) << 20);
    for (uint64_t count = 1; count < 5000; count += 7) {
        uint64_t slots = identities_bytes(count) / 2 / sizeof(struct identity_slot);
        assert_true(slots / 4 * 3 >= (count + 1) / 2);
    }
}

static void the_newest_half_is_always_there(void **state) {
    (void)state;
    enum { COUNT = 1024 };
    table_open(COUNT);
    uint64_t capacity = table.capacity;
    assert_true(capacity >= COUNT / 2);
    for (uint64_t n = 0; n < 9 * capacity; n++) {
        assert_false(has(n));
        insert(n, (int64_t)n);
        for (uint64_t age = 0; age < COUNT / 2 && age <= n; age++) {
            if (!has(n - age)) {
                fail_msg("%lu of %lu is gone", (unsigned long)(n - age), (unsigned long)n);
            }
        }
        uint64_t remembered = n + 1 - (n / capacity == 0 ? 0 : (n / capacity - 1) * capacity);
        assert_int_equal(table.young.count + table.old.count, remembered);
        if (remembered <= n) {
            assert_false(has(n - remembered));
        }
    }
    free(memory);
}

static void nothing_is_missing_since_the_horizon(void **state) {
    (void)state;
    table_open(64);
    uint64_t inserted = 20 * table.capacity;
    assert_int_equal(identities_horizon_ms(&table), INT64_MIN);
    for (uint64_t n = 0; n < inserted; n++) {
        insert(n, (int64_t)(n / 7)); /* seven in one millisecond: they straddle the turns */
        int64_t horizon_ms = identities_horizon_ms(&table);
        assert_true((horizon_ms == INT64_MIN) == (n < 2 * table.capacity));
        for (uint64_t older = 0; older <= n; older++) {
            assert_true(has(older) || (int64_t)(older / 7) < horizon_ms);
        }
    }
    free(memory);
}

static void the_horizon_survives_a_clock_set_back(void **state) {
    (void)state;
    table_open(64);
    uint64_t capacity = table.capacity;
    insert(0, 5000);
    for (uint64_t n = 1; n < 2 * capacity; n++) {
        insert(n, 10);
    }
    assert_int_equal(identities_horizon_ms(&table), INT64_MIN);
    insert(2 * capacity, 10);
    assert_false(has(0));
    assert_int_equal(identities_horizon_ms(&table), 5001);
    for (uint64_t n = 2 * capacity + 1; n < 5 * capacity; n++) {
        insert(n, 10);
    }
    assert_int_equal(identities_horizon_ms(&table), 5001);
    free(memory);
}

static void an_incomplete_table_is_unsure_of_what_came_before(void **state) {
    (void)state;
    table_open(64);
    identities_mark_incomplete(&table);
    assert_int_equal(identities_horizon_ms(&table), INT64_MAX);
    insert(0, 1000);
    assert_int_equal(identities_horizon_ms(&table), 1001);
    insert(1, 2000);
    assert_int_equal(identities_horizon_ms(&table), 1001);
    free(memory);
}

/* All identities want the same slot: the longest probes that a table can have. */
static void colliding_identities_are_told_apart(void **state) {
    (void)state;
    table_open(64);
    for (uint64_t n = 0; n < 5 * table.capacity; n++) {
        identities_insert(&table, (struct identity){3, n}, n, n + 1, 0);
        identities_prefetch(&table, (struct identity){3, n});
        for (uint64_t age = 0; age < 32 && age <= n; age++) {
            const struct identity_slot *slot =
                identities_find(&table, (struct identity){3, n - age});
            assert_non_null(slot);
            assert_int_equal(identity_slot_seq(slot), n - age + 1);
        }
    }
    assert_null(identities_find(&table, (struct identity){3, UINT64_MAX}));
    free(memory);
}

static void the_largest_seq_is_kept_exactly(void **state) {
    (void)state;
    table_open(64);
    identities_insert(&table, identity_of(1), 0, IDENTITY_SEQ_MAX, 0);
    assert_int_equal(identity_slot_seq(identities_find(&table, identity_of(1))), IDENTITY_SEQ_MAX);
    free(memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_what_was_promised),
        cmocka_unit_test(the_newest_half_is_always_there),
        cmocka_unit_test(nothing_is_missing_since_the_horizon),
        cmocka_unit_test(the_horizon_survives_a_clock_set_back),
        cmocka_unit_test(an_incomplete_table_is_unsure_of_what_came_before),
        cmocka_unit_test(colliding_identities_are_told_apart),
        cmocka_unit_test(the_largest_seq_is_kept_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
