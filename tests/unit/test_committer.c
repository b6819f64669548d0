#include "tests/unit/support.h"
#include "tests/unit/support_limits.h"

#include "core/text/instant.h"
#include "server/committer.h"

#include <unistd.h>

/* What happened, one word each: p1 (a block from 1 on was published), w7 (waiter of 7), w7! (it
 * failed), r (rows), r!, P0 P1 P2 (pressure), f (on_failed), i (idle). */
struct fixture {
    uv_loop_t loop;
    uv_async_t sealed;
    struct limits limits;
    struct metrics metrics;
    struct db *db;
    struct committer *committer;
    atomic_bool fail_writes;
    char log[4096];
    size_t log_bytes;
    uint64_t published_seq;
    bool quiet;
};
static struct fixture fix;

enum { JSON_BYTES = 100, RECORD_BYTES = 104 };

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int bytes = fix.quiet ? 0
                          : vsnprintf(fix.log + fix.log_bytes, sizeof fix.log - fix.log_bytes,
                                      format, arguments);
    va_end(arguments);
    assert_true(bytes >= 0 && fix.log_bytes + (size_t)bytes < sizeof fix.log);
    fix.log_bytes += (size_t)bytes;
}

static void expect(const char *log) {
    assert_string_equal(fix.log, log);
    fix.log_bytes = 0;
    fix.log[0] = '\0';
}

static void on_published(void *context, const struct block *block) {
    assert_ptr_equal(context, &fix);
    assert_int_equal(block->first_seq, fix.published_seq + 1);
    fix.published_seq += block->entries_count;
    note("p%d ", (int)block->first_seq);
}

static void on_pressure(void *context) {
    assert_ptr_equal(context, &fix);
    note("P%d ", (int)committer_pressure(fix.committer));
}

static void on_failed(void *context, const struct error *error) {
    assert_ptr_equal(context, &fix);
    assert_non_null(strstr(error->message, "told to fail"));
    note("f ");
}

static void on_idle(void *context) {
    assert_ptr_equal(context, &fix);
    note("i ");
}

/* On the sealer thread. */
static void on_sealed_thread(void *context, enum status failure, const struct error *error) {
    (void)error;
    if (failure != STATUS_OK) {
        abort();
    }
    uv_async_send(&((struct fixture *)context)->sealed);
}

static void on_sealed(uv_async_t *async) {
    (void)async;
    committer_room_changed(fix.committer);
}

/* Blocks of four; runs of 16, so that a longer test waits for the sealer. */
static int start(void **state) {
    (void)state;
    memset(&fix, 0, sizeof fix);
    limits_init(&fix.limits);
    fix.limits.block_entries = 4;
    fix.limits.block_bytes = 64 * KIB;
    fix.limits.run_entries = 16;
    fix.limits.run_bytes = 64 * KIB;
    metrics_init(&fix.metrics);
    assert_int_equal(uv_loop_init(&fix.loop), 0);
    assert_int_equal(uv_async_init(&fix.loop, &fix.sealed, on_sealed), 0);
    const struct db_options db = {.kind = DB_MEM,
                                  .store = {.fail_writes = &fix.fail_writes},
                                  .limits = &fix.limits,
                                  .now_ms = 1000,
                                  .on_sealed = on_sealed_thread,
                                  .context = &fix};
    struct error error;
    assert_int_equal(db_open(&fix.db, &db, &error), STATUS_OK);
    const struct committer_options options = {.loop = &fix.loop,
                                              .db = fix.db,
                                              .limits = &fix.limits,
                                              .metrics = &fix.metrics,
                                              .next_seq = 1,
                                              .context = &fix,
                                              .on_published = on_published,
                                              .on_pressure = on_pressure,
                                              .on_failed = on_failed};
    assert_int_equal(committer_new(&fix.committer, &options), STATUS_OK);
    return 0;
}

static int stop(void **state) {
    (void)state;
    committer_free(fix.committer);
    db_close(fix.db);
    uv_close((uv_handle_t *)&fix.sealed, NULL);
    assert_int_equal(uv_run(&fix.loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&fix.loop), 0);
    return 0;
}

static void turn(void) {
    uv_run(&fix.loop, UV_RUN_NOWAIT);
    usleep(200);
}

static void turn_until_durable(uint64_t seq) {
    while (committer_durable_seq(fix.committer) < seq) {
        turn();
    }
}

static void append_sized(size_t json_bytes) {
    static uint8_t json[64 * 1024];
    assert_true(json_bytes <= sizeof json);
    memset(json, ' ', json_bytes);
    json[0] = '{';
    json[json_bytes - 1] = '}';
    struct entry entry = {.kind = ENTRY_REPORT,
                          .severity = 1,
                          .region = 1,
                          .category_tag = 1,
                          .occurred_ms = INT64_C(20000) * DAY_MS,
                          .received_ms = 1000,
                          .identity = {committer_next_seq(fix.committer), 7}};
    const struct record record = {.json = {json, json_bytes}};
    committer_append(fix.committer, &entry, &record);
}

static void append(size_t count) {
    for (size_t i = 0; i < count; i++) {
        append_sized(JSON_BYTES);
    }
}

static void on_waited(struct commit_waiter *waiter, enum status status) {
    if (status == STATUS_OK) {
        assert_true(waiter->seq <= committer_durable_seq(fix.committer));
        assert_true(waiter->seq <= fix.published_seq);
    }
    note(status == STATUS_OK ? "w%d " : "w%d! ", (int)waiter->seq);
}

static void wait_for(struct commit_waiter *waiter, uint64_t seq) {
    *waiter = (struct commit_waiter){.seq = seq, .call = on_waited};
    committer_wait(fix.committer, waiter);
}

static void blocks_are_published_before_their_waiters_are_called(void **state) {
    (void)state;
    struct commit_waiter waiters[5];
    append(10);
    const uint64_t seqs[] = {10, 3, 8, 3, 9};
    for (size_t i = 0; i < ARRAY_COUNT(seqs); i++) {
        wait_for(&waiters[i], seqs[i]);
    }
    expect("");
    turn_until_durable(10);
    /* The full blocks ride on the first commit, what was still open on the second. */
    expect("p1 p5 w3 w3 w8 p9 w9 w10 ");
    assert_int_equal(committer_next_seq(fix.committer), 11);
    assert_int_equal(committer_queued_bytes(fix.committer), 0);
    assert_int_equal(fix.metrics.commits_total, 2);
    assert_int_equal(fix.metrics.commit_bytes_total, 10 * RECORD_BYTES);
}

static void what_is_durable_already_is_told_on_the_next_turn(void **state) {
    (void)state;
    struct commit_waiter waiter;
    append(1);
    turn_until_durable(1);
    expect("p1 ");
    wait_for(&waiter, 1);
    expect("");
    turn();
    expect("w1 ");
}

static void waiters_that_leave_are_not_called(void **state) {
    (void)state;
    struct commit_waiter waiters[5];
    append(5);
    for (size_t i = 0; i < ARRAY_COUNT(waiters); i++) {
        wait_for(&waiters[i], i + 1);
    }
    committer_unwait(fix.committer, &waiters[0]);
    committer_unwait(fix.committer, &waiters[2]);
    committer_unwait(fix.committer, &waiters[4]);
    turn_until_durable(5);
    expect("p1 w2 w4 p5 ");
}

static void on_rows(struct commit_rows *rows, enum status status) {
    assert_int_equal(rows->rows_count, 1);
    note(status == STATUS_OK ? "r " : "r! ");
}

static struct commit_rows some_rows(void) {
    static const struct db_row row = {
        FAMILY_REGIONS, {(const uint8_t *)"key", 3}, {(const uint8_t *)"value", 5}, false};
    return (struct commit_rows){.rows = &row, .rows_count = 1, .call = on_rows};
}

static void rows_are_written_alone_or_beside_blocks(void **state) {
    (void)state;
    struct commit_rows rows = some_rows();
    committer_write_rows(fix.committer, &rows);
    while (fix.log_bytes == 0) {
        turn();
    }
    expect("r ");
    struct commit_waiter waiter;
    append(2);
    wait_for(&waiter, 2);
    committer_write_rows(fix.committer, &rows);
    turn_until_durable(2);
    expect("p1 r w2 ");
    assert_int_equal(fix.metrics.commits_total, 2);
}

/* commit_pause_bytes and commit_queue_bytes at the limit and one byte past it. */
static void pressure_follows_what_is_queued(void **state) {
    (void)state;
    fix.limits.commit_pause_bytes = 3 * RECORD_BYTES;
    fix.limits.commit_queue_bytes = 5 * RECORD_BYTES;
    append(3);
    assert_int_equal(committer_queued_bytes(fix.committer), 3 * RECORD_BYTES);
    expect("");
    append(1);
    expect("P1 ");
    append(1);
    expect("");
    append(1);
    expect("P2 ");
    append(6);
    expect("");
    turn_until_durable(12);
    /* The last four are still open when the first commit takes the full blocks. */
    expect("p1 p5 P1 p9 P0 ");
    fix.limits.commit_pause_bytes = 3 * RECORD_BYTES - 1;
    append(3);
    expect("P1 ");
    turn_until_durable(15);
    expect("p13 P0 ");
}

static void pressure_begins_one_byte_past_its_limits(void **state) {
    (void)state;
    uint64_t seq = 0;
    fix.quiet = true;
    fix.limits.commit_queue_bytes = 5 * RECORD_BYTES;
    EACH_LIMIT_AROUND(fix.limits, commit_pause_bytes, 3 * RECORD_BYTES) {
        append(3);
        assert_int_equal(committer_pressure(fix.committer),
                         fix.limits.commit_pause_bytes < 3 * RECORD_BYTES ? PRESSURE_PAUSE
                                                                          : PRESSURE_NONE);
        turn_until_durable(seq += 3);
    }
    fix.limits.commit_pause_bytes = RECORD_BYTES;
    EACH_LIMIT_AROUND(fix.limits, commit_queue_bytes, 5 * RECORD_BYTES) {
        append(5);
        assert_int_equal(committer_pressure(fix.committer),
                         fix.limits.commit_queue_bytes < 5 * RECORD_BYTES ? PRESSURE_REFUSE
                                                                          : PRESSURE_PAUSE);
        turn_until_durable(seq += 5);
    }
    fix.quiet = false;
}

static void many_small_blocks_are_pressure_too(void **state) {
    (void)state;
    fix.limits.block_entries = 1;
    append(256);
    expect("");
    append(1);
    expect("P1 ");
    append(767);
    expect("");
    append(1);
    expect("P2 ");
    append(500);
    fix.quiet = true;
    turn_until_durable(1525);
    fix.quiet = false;
    assert_int_equal(committer_pressure(fix.committer), PRESSURE_NONE);
    assert_int_equal(fix.published_seq, 1525);
}

static void commits_wait_for_room_in_the_runs(void **state) {
    (void)state;
    fix.quiet = true;
    for (size_t i = 0; i < 40; i++) {
        append(1 + 7 * i % 29);
        turn();
    }
    turn_until_durable(committer_next_seq(fix.committer) - 1);
    struct db_stats stats;
    do {
        turn();
        db_stats(fix.db, &stats);
    } while (stats.sealing_entries > 0);
    assert_true(stats.runs_sealed_total >= 10);
    assert_int_equal(stats.durable_seq, committer_next_seq(fix.committer) - 1);
}

/* run_bytes and block_bytes at their smallest: a record that fills a block fills a run. */
static void the_largest_record_fits_the_smallest_run(void **state) {
    (void)state;
    const size_t largest = fix.limits.run_bytes - (RECORD_BYTES - JSON_BYTES);
    fix.quiet = true;
    for (size_t i = 0; i < 5; i++) {
        append_sized(i % 2 == 0 ? largest : largest - 1);
    }
    turn_until_durable(5);
}

static void draining_tells_when_all_is_on_disk(void **state) {
    (void)state;
    struct commit_waiter waiter;
    append(6);
    wait_for(&waiter, 6);
    committer_drain(fix.committer, on_idle, &fix);
    expect("");
    turn_until_durable(6);
    turn();
    expect("p1 p5 w6 i ");
    committer_drain(fix.committer, on_idle, &fix);
    turn();
    expect("i ");
}

static void a_failed_commit_fails_all_who_wait(void **state) {
    (void)state;
    struct commit_waiter waiters[3], late;
    append(2);
    turn_until_durable(2);
    expect("p1 ");
    atomic_store(&fix.fail_writes, true);
    append(6);
    wait_for(&waiters[0], 8);
    wait_for(&waiters[1], 3);
    wait_for(&waiters[2], 2); /* durable before: that stays true */
    struct commit_rows rows = some_rows();
    committer_write_rows(fix.committer, &rows);
    while (strchr(fix.log, 'f') == NULL) {
        turn();
    }
    expect("w2 P2 r! w3! w8! f ");
    assert_int_equal(committer_durable_seq(fix.committer), 2);
    assert_int_equal(fix.published_seq, 2);
    /* The store works again, but nothing may go on from an unknown outcome. */
    atomic_store(&fix.fail_writes, false);
    append(1);
    wait_for(&late, 9);
    committer_write_rows(fix.committer, &rows);
    turn();
    expect("r! w9! ");
    committer_drain(fix.committer, on_idle, &fix);
    turn();
    expect("i ");
    assert_int_equal(committer_durable_seq(fix.committer), 2);
}

static void rows_behind_a_failed_commit_fail_too(void **state) {
    (void)state;
    struct commit_rows rows = some_rows();
    atomic_store(&fix.fail_writes, true);
    append(1);
    turn(); /* the commit is handed over without the rows */
    committer_write_rows(fix.committer, &rows);
    while (strchr(fix.log, 'f') == NULL || strchr(fix.log, 'r') == NULL) {
        turn();
    }
    assert_non_null(strstr(fix.log, "r! "));
    assert_int_equal(committer_pressure(fix.committer), PRESSURE_REFUSE);
}

/* Puts one META row for each block that closes: the block's number among those closed. */
static void put_row(void *context, struct row_set *rows) {
    unsigned *closed = context;
    uint8_t value = (uint8_t)++ * closed;
    row_set_put(rows, FAMILY_TICKETS, (struct slice){&value, 1}, (struct slice){&value, 1}, false);
    row_set_put(rows, FAMILY_TICKETS, SLICE_LITERAL("last"), (struct slice){&value, 1}, false);
    row_set_put(rows, FAMILY_TICKETS, SLICE_LITERAL("gone"), SLICE_LITERAL("x"), value > 1);
}

static int db_row_first_byte(enum family family, struct slice key) {
    struct store_value value;
    struct error error;
    if (db_get_row(fix.db, family, key, &value, &error) != STATUS_OK) {
        return -1;
    }
    int first = value.bytes.data[0];
    store_value_free(&value);
    return first;
}

static void ignore_published(void *context, const struct block *block) {
    (void)context;
    (void)block;
}

static void ignore_pressure(void *context) {
    (void)context;
}

static void rows_of_a_block_are_on_disk_with_it(void **state) {
    (void)state;
    unsigned closed = 0;
    committer_free(fix.committer);
    uv_run(&fix.loop, UV_RUN_NOWAIT);
    fix.quiet = true;
    const struct committer_options options = {.loop = &fix.loop,
                                              .db = fix.db,
                                              .limits = &fix.limits,
                                              .metrics = &fix.metrics,
                                              .next_seq = 1,
                                              .context = &closed,
                                              .on_closing = put_row,
                                              .on_published = ignore_published,
                                              .on_pressure = ignore_pressure,
                                              .on_failed = on_failed};
    assert_int_equal(committer_new(&fix.committer, &options), STATUS_OK);
    append_sized(JSON_BYTES);
    append_sized(JSON_BYTES);
    committer_reserve(fix.committer, 2, 2 * RECORD_BYTES); /* fits: nothing closes */
    assert_int_equal(closed, 0);
    committer_reserve(fix.committer, 3, RECORD_BYTES);
    assert_int_equal(closed, 1);
    append_sized(JSON_BYTES);
    committer_reserve(fix.committer, 1, 64 * KIB);
    assert_int_equal(closed, 2);
    append_sized(JSON_BYTES);
    turn_until_durable(4);
    assert_int_equal(closed, 3);
    assert_int_equal(committer_queued_bytes(fix.committer), 0);
    for (uint8_t number = 1; number <= 3; number++) {
        assert_int_equal(db_row_first_byte(FAMILY_TICKETS, (struct slice){&number, 1}), number);
    }
    assert_int_equal(db_row_first_byte(FAMILY_TICKETS, SLICE_LITERAL("last")), 3);
    assert_int_equal(db_row_first_byte(FAMILY_TICKETS, SLICE_LITERAL("gone")), -1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(blocks_are_published_before_their_waiters_are_called),
        TEST(what_is_durable_already_is_told_on_the_next_turn),
        TEST(waiters_that_leave_are_not_called),
        TEST(rows_are_written_alone_or_beside_blocks),
        TEST(pressure_follows_what_is_queued),
        TEST(pressure_begins_one_byte_past_its_limits),
        TEST(many_small_blocks_are_pressure_too),
        TEST(commits_wait_for_room_in_the_runs),
        TEST(the_largest_record_fits_the_smallest_run),
        TEST(draining_tells_when_all_is_on_disk),
        TEST(a_failed_commit_fails_all_who_wait),
        TEST(rows_behind_a_failed_commit_fail_too),
        TEST(rows_of_a_block_are_on_disk_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
