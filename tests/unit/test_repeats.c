/* Stored reports that an upload repeats, read in the journal's order and given back in the
 * upload's. */
#include "server/api/repeats.h"
#include "tests/unit/support_db.h"

#include <uv.h>

static struct db_fixture fixture;
static uv_loop_t loop;

struct outcome {
    unsigned calls;
    enum status status;
    struct repeats repeats;
};

static int setup(void **state) {
    (void)state;
    fixture_init(&fixture, DB_MEM);
    assert_int_equal(uv_loop_init(&loop), 0);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    assert_int_equal(uv_loop_close(&loop), 0);
    fixture_deinit(&fixture);
    return 0;
}

static void on_done(void *context, enum status status, struct repeats *repeats) {
    struct outcome *outcome = context;
    outcome->calls++;
    outcome->status = status;
    outcome->repeats = *repeats;
}

static void expect_model(const struct repeats *repeats) {
    for (size_t i = 0; i < repeats->count; i++) {
        const struct repeat *repeat = &repeats->of[i];
        assert_int_equal(repeat->at, i + 1);
        assert_int_equal(repeat->received_ms, fixture.rows[repeat->seq - 1].entry.received_ms);
    }
}

/* Several jobs' worth, in any order and many of them twice, from sealed blocks and from runs. */
static void all_are_read_and_keep_their_order(void **state) {
    (void)state;
    enum { REPEATS = 9000, ENTRIES = 3000 };
    struct outcome outcome = {0};
    struct repeats repeats = {0};
    static uint64_t seqs[REPEATS];
    fixture_append_many(&fixture, ENTRIES);
    for (size_t i = 0; i < REPEATS; i++) {
        seqs[i] = 1 + fixture_random(&fixture, ENTRIES);
        repeats_add(&repeats, seqs[i], i + 1);
    }
    assert_non_null(repeats_read_start(&loop, fixture.db, &repeats, on_done, &outcome));
    assert_int_equal(repeats.count, 0);
    assert_int_equal(outcome.calls, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(outcome.calls, 1);
    assert_int_equal(outcome.status, STATUS_OK);
    assert_int_equal(outcome.repeats.count, REPEATS);
    expect_model(&outcome.repeats);
    for (size_t i = 0; i < REPEATS; i++) {
        assert_int_equal(outcome.repeats.of[i].seq, seqs[i]);
    }
    repeats_deinit(&outcome.repeats);
}

/* Passed over within GAP_MAX, looked up anew beyond: both ends of the journal. */
static void far_apart_ones_are_read(void **state) {
    (void)state;
    struct outcome outcome = {0};
    struct repeats repeats = {0};
    fixture_append_many(&fixture, 4000);
    repeats_add(&repeats, 4000, 1);
    repeats_add(&repeats, 1, 2);
    repeats_add(&repeats, 1026, 3);
    assert_non_null(repeats_read_start(&loop, fixture.db, &repeats, on_done, &outcome));
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(outcome.status, STATUS_OK);
    expect_model(&outcome.repeats);
    repeats_deinit(&outcome.repeats);
}

static void one_that_is_not_there_is_said(void **state) {
    (void)state;
    struct outcome outcome = {0};
    struct repeats repeats = {0};
    fixture_append_many(&fixture, 100);
    repeats_add(&repeats, 5, 1);
    repeats_add(&repeats, 101, 2);
    assert_non_null(repeats_read_start(&loop, fixture.db, &repeats, on_done, &outcome));
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(outcome.status, STATUS_NOT_FOUND);
    repeats_deinit(&outcome.repeats);
}

static void an_abandoned_read_calls_nobody(void **state) {
    (void)state;
    struct outcome outcome = {0};
    struct repeats repeats = {0};
    fixture_append_many(&fixture, 100);
    for (size_t i = 0; i < 10000; i++) {
        repeats_add(&repeats, 1 + i % 100, i);
    }
    repeats_read_abandon(repeats_read_start(&loop, fixture.db, &repeats, on_done, &outcome));
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(outcome.calls, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(all_are_read_and_keep_their_order),
        TEST(far_apart_ones_are_read),
        TEST(one_that_is_not_there_is_said),
        TEST(an_abandoned_read_calls_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
