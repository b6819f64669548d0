/* Creates that are sent again: what is recognised, what is forgotten, and all of it after a
 * restart. */
#include "server/domain/creates.h"

#include "tests/unit/support.h"
#include "tests/unit/support_db.h"
#include "tests/unit/support_limits.h"

#include <stdlib.h>

static struct db_fixture fix;

static int set_up(void **state) {
    (void)state;
    fixture_init(&fix, DB_MEM);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    fixture_deinit(&fix);
    return 0;
}

static struct creates *opened(uint64_t keys_max) {
    struct creates *creates;
    struct error error = {""};
    assert_int_equal(creates_new(&creates, fix.db, keys_max, &error), STATUS_OK);
    return creates;
}

static void stored(struct creates *creates) {
    struct row_set rows;
    struct error error = {""};
    row_set_init(&rows);
    creates_flush(creates, &rows);
    struct db_row *list = calloc(rows.count + 1, sizeof *list);
    assert_non_null(list);
    row_set_list(&rows, list);
    const struct db_commit commit = {.rows = list, .rows_count = rows.count};
    assert_int_equal(db_commit(fix.db, &commit, &error), STATUS_OK);
    free(list);
    row_set_deinit(&rows);
}

static enum status answer_of(uint64_t number, const char *expected) {
    struct buffer answer;
    struct error error = {""};
    buffer_init(&answer);
    enum status status = creates_answer(fix.db, number, &answer, &error);
    if (status == STATUS_OK) {
        assert_true(slice_is(buffer_slice(&answer), expected));
    }
    buffer_deinit(&answer);
    return status;
}

static void the_same_is_known_and_another_conflicts(void **state) {
    (void)state;
    struct creates *creates = opened(4);
    uint64_t number = 0;
    assert_int_equal(creates_find(creates, 7, 1, &number), CREATE_NEW);
    creates_put(creates, 7, 1, 100, SLICE_LITERAL("{\"id\":\"t100\"}"));
    assert_int_equal(creates_find(creates, 7, 1, &number), CREATE_REPLAYED);
    assert_int_equal(number, 100);
    assert_int_equal(creates_find(creates, 7, 2, &number), CREATE_CONFLICT);
    assert_int_equal(answer_of(100, ""), STATUS_NOT_FOUND);
    stored(creates);
    assert_int_equal(answer_of(100, "{\"id\":\"t100\"}"), STATUS_OK);
    creates_free(creates);
    creates = opened(4);
    assert_int_equal(creates_find(creates, 7, 1, &number), CREATE_REPLAYED);
    assert_int_equal(creates_find(creates, 7, 2, &number), CREATE_CONFLICT);
    creates_free(creates);
}

/* Of more than the limit the oldest are forgotten, in memory and on disk. */
static void the_oldest_are_forgotten(void **state) {
    (void)state;
    struct limits limits = {.create_keys = 4};
    EACH_AROUND(tried, limits, create_keys) {
        struct creates *creates = opened(limits.create_keys);
        uint64_t number = 0, base = 1000 * tried;
        for (uint64_t i = 0; i < tried; i++) {
            creates_put(creates, base + i, 1, base + i, SLICE_LITERAL("x"));
        }
        stored(creates);
        for (int again = 0; again < 2; again++) {
            for (uint64_t i = 0; i < tried; i++) {
                bool is_kept = tried - i <= limits.create_keys;
                assert_int_equal(creates_find(creates, base + i, 1, &number),
                                 is_kept ? CREATE_REPLAYED : CREATE_NEW);
                assert_int_equal(answer_of(base + i, "x"), is_kept ? STATUS_OK : STATUS_NOT_FOUND);
            }
            creates_free(creates);
            creates = opened(limits.create_keys);
        }
        creates_free(creates);
    }
}

/* Against a plain list, over many, with ids that collide in the index. */
static void many_come_and_go(void **state) {
    (void)state;
    enum { MAX = 64, MANY = 2000 };
    struct creates *creates = opened(MAX);
    for (uint64_t i = 1; i <= MANY; i++) {
        uint64_t number = 0;
        creates_put(creates, i << 40 | i % 3, i, i, SLICE_LITERAL("y"));
        for (uint64_t k = i > 2 * MAX ? i - 2 * MAX : 1; k <= i; k++) {
            bool is_kept = i - k < MAX;
            assert_int_equal(creates_find(creates, k << 40 | k % 3, k, &number),
                             is_kept ? CREATE_REPLAYED : CREATE_NEW);
            assert_true(!is_kept || number == k);
        }
    }
    stored(creates);
    creates_free(creates);
    creates = opened(MAX / 2); /* a smaller limit keeps the newest */
    uint64_t number = 0;
    assert_int_equal(creates_find(creates, (uint64_t)MANY << 40 | MANY % 3, MANY, &number),
                     CREATE_REPLAYED);
    creates_free(creates);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_same_is_known_and_another_conflicts),
        TEST(the_oldest_are_forgotten),
        TEST(many_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
