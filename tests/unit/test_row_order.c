#include "storage/row_order.h"
#include "tests/unit/support.h"

static struct db_row row(enum family family, const char *key, const char *value) {
    return (struct db_row){
        .family = family, .key = slice_text(key), .value = slice_text(value), .remove = false};
}

static void rows_come_by_family_and_key(void **state) {
    (void)state;
    const struct db_row rows[] = {
        row(FAMILY_TICKETS, "b", "1"),          row(FAMILY_INCIDENTS, "longer than eight, 2", "2"),
        row(FAMILY_TICKETS, "a", "3"),          row(FAMILY_INCIDENTS, "longer than eight, 1", "4"),
        row(FAMILY_INCIDENTS, "longer t", "5"), row(FAMILY_TICKETS, "\xff", "6"),
    };
    static const size_t wanted[] = {4, 3, 1, 2, 0, 5};
    struct row_order order = {0};
    assert_int_equal(row_order_set(&order, rows, ARRAY_COUNT(rows)), STATUS_OK);
    assert_int_equal(order.rows_count, ARRAY_COUNT(rows));
    for (size_t i = 0; i < order.rows_count; i++) {
        assert_ptr_equal(order.rows[i].row, &rows[wanted[i]]);
    }
    row_order_deinit(&order);
}

/* A key that is a prefix of another, and one with zeros where the other ends, are other keys. */
static void of_each_key_the_last_row_stays(void **state) {
    (void)state;
    static const uint8_t zeros[3] = {'k', 0, 0};
    struct db_row rows[] = {
        row(FAMILY_MEMBERS, "k", "first"), row(FAMILY_MEMBERS, "k", "gone"),
        row(FAMILY_MOVED, "k", "moved"),   row(FAMILY_MEMBERS, "k", "last"),
        row(FAMILY_MEMBERS, "k", "zeros"),
    };
    rows[1].remove = true;
    rows[4].key = (struct slice){zeros, sizeof zeros};
    struct row_order order = {0};
    assert_int_equal(row_order_set(&order, rows, ARRAY_COUNT(rows)), STATUS_OK);
    assert_int_equal(order.rows_count, 3);
    assert_ptr_equal(order.rows[0].row, &rows[3]);
    assert_ptr_equal(order.rows[1].row, &rows[4]);
    assert_ptr_equal(order.rows[2].row, &rows[2]);
    assert_int_equal(row_order_set(&order, rows, 2), STATUS_OK);
    assert_int_equal(order.rows_count, 1);
    assert_true(order.rows[0].row->remove);
    assert_int_equal(row_order_set(&order, rows, 0), STATUS_OK);
    assert_int_equal(order.rows_count, 0);
    row_order_deinit(&order);
}

enum { MANY = 5000 };

static int compare_slow(const struct db_row *a, const struct db_row *b) {
    size_t bytes = a->key.bytes < b->key.bytes ? a->key.bytes : b->key.bytes;
    int order = memcmp(a->key.data, b->key.data, bytes);
    if (a->family != b->family) {
        return a->family < b->family ? -1 : 1;
    }
    return order != 0 ? order : (a->key.bytes > b->key.bytes) - (a->key.bytes < b->key.bytes);
}

/* Keys of 1 to 12 bytes out of few values, so that heads and whole keys repeat. */
static void many_rows_of_any_keys_are_in_order(void **state) {
    (void)state;
    static uint8_t keys[MANY][12];
    static struct db_row rows[MANY];
    uint64_t random = 1;
    for (size_t i = 0; i < MANY; i++) {
        for (size_t at = 0; at < sizeof keys[i]; at++) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            keys[i][at] = (uint8_t)(random >> 62 == 0 ? random >> 32 : 0);
        }
        rows[i] = (struct db_row){
            .family = random >> 40 & 1 ? FAMILY_MEMBERS : FAMILY_TICKETS,
            .key = {keys[i], 1 + (random >> 50) % 12},
            .value = SLICE_LITERAL(""),
        };
    }
    struct row_order order = {0};
    assert_int_equal(row_order_set(&order, rows, MANY), STATUS_OK);
    for (size_t i = 1; i < order.rows_count; i++) {
        assert_true(compare_slow(order.rows[i - 1].row, order.rows[i].row) < 0);
    }
    size_t kept = 0;
    for (size_t i = 0; i < MANY; i++) {
        bool is_last = true;
        for (size_t later = i + 1; later < MANY && is_last; later++) {
            is_last = compare_slow(&rows[i], &rows[later]) != 0;
        }
        kept += is_last;
    }
    assert_int_equal(order.rows_count, kept);
    assert_in_range(kept, 100, MANY - 100);
    for (size_t i = 0; i < order.rows_count; i++) { /* of each key the last */
        for (const struct db_row *later = order.rows[i].row + 1; later < rows + MANY; later++) {
            assert_int_not_equal(compare_slow(order.rows[i].row, later), 0);
        }
    }
    row_order_deinit(&order);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_rows_of_any_keys_are_in_order),
        cmocka_unit_test(rows_come_by_family_and_key),
        cmocka_unit_test(of_each_key_the_last_row_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
