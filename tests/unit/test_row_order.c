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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_by_family_and_key),
        cmocka_unit_test(of_each_key_the_last_row_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
