/* Tickets that are over are brought back from the store, one load of a ticket after the other. */
#include "server/domain/ticket_load.h"

#include "storage/db_internal.h"
#include "tests/unit/stage_driver.h"

#include "tests/unit/stage_driver.c"

static struct driver_stage stage;
static struct ticket_loader *loader;

static int init(void **state) {
    (void)state;
    stage_now_ms = INT64_C(1795402800000);
    stage_open(&stage, NULL);
    loader = ticket_loader_new(&stage.services);
    return 0;
}

static int deinit(void **state) {
    (void)state;
    ticket_loader_free(loader);
    stage_close(&stage);
    return 0;
}

static const struct ticket *find(uint64_t number) {
    return docket_find(&driver_world(stage.driver)->docket, number);
}

/* One that is over and only on disk. */
static uint64_t rejected(double north_m) {
    uint64_t number = stage_report(&stage, "rubble", north_m).ticket;
    assert_int_not_equal(number, 0);
    stage_settle(&stage);
    stage_must(
        &stage, number,
        (struct ticket_command){.verb = VERB_REJECT, .reason_text = SLICE_LITERAL("no duty")});
    stage_settle(&stage);
    assert_null(find(number));
    return number;
}

/* A load that waits for what is durable already goes on in the next turn, and until then nothing
 * shows that it is there: each turn of the loop brings one further at least. */
static void settle_loads(void) {
    for (unsigned turn = 0; turn < 8; turn++) {
        stage_settle(&stage);
    }
}

/* What came of a load. */
struct wanted {
    uint64_t number;
    enum ticket_verb verb; /* 0: nothing is done with it */
    unsigned calls, order;
    enum status status;
    bool was_there;
    enum ticket_verdict verdict;
};
static unsigned calls_count;

static void on_loaded(void *context, enum status status) {
    struct wanted *wanted = context;
    wanted->calls++;
    wanted->order = ++calls_count;
    wanted->status = status;
    wanted->was_there = find(wanted->number) != NULL;
    if (wanted->verb != 0 && wanted->was_there) {
        struct driver_step step;
        const struct ticket_command command = {.verb = wanted->verb,
                                               .reason_text = SLICE_LITERAL("it is"),
                                               .actor = {.roles = ROLE_ANY, .region = REGION_NONE}};
        wanted->verdict = driver_command(stage.driver, wanted->number, &command, &step).verdict;
    }
}

static struct ticket_load *start(struct wanted *wanted, uint64_t number, enum ticket_verb verb) {
    *wanted = (struct wanted){.number = number, .verb = verb, .verdict = TICKET_FULL};
    struct ticket_load *load = ticket_load_start(loader, number, on_loaded, wanted);
    assert_int_equal(wanted->calls, 0); /* never from inside */
    return load;
}

static void one_that_is_over_comes_back_for_a_command(void **state) {
    (void)state;
    struct wanted wanted;
    uint64_t number = rejected(0);
    (void)start(&wanted, number, VERB_REOPEN);
    settle_loads();
    assert_true(wanted.calls == 1 && wanted.status == STATUS_OK && wanted.was_there);
    assert_int_equal(wanted.verdict, TICKET_DONE);
    assert_non_null(find(number));
    assert_int_equal(find(number)->state, TICKET_REPORTED);
}

static void a_number_that_is_no_tickets_is_not_found(void **state) {
    (void)state;
    struct wanted unknown, report;
    uint64_t number = rejected(0);
    (void)start(&unknown, 99999, 0);
    (void)start(&report, number - 1, 0);
    settle_loads();
    assert_true(unknown.calls == 1 && unknown.status == STATUS_NOT_FOUND && !unknown.was_there);
    assert_true(report.calls == 1 && report.status == STATUS_NOT_FOUND);
}

/* It was just opened, and nothing of it is on disk when it is asked for. */
static void one_in_memory_is_not_read(void **state) {
    (void)state;
    struct wanted wanted;
    uint64_t number = stage_report(&stage, "rubble", 0).ticket;
    (void)start(&wanted, number, 0);
    settle_loads();
    assert_true(wanted.calls == 1 && wanted.status == STATUS_OK && wanted.was_there);
}

/* What leaves memory while its load waits is read as its last change left it. */
static void the_row_that_is_read_is_the_newest(void **state) {
    (void)state;
    struct wanted wanted;
    uint64_t number = stage_report(&stage, "rubble", 0).ticket;
    stage_settle(&stage);
    stage_must(
        &stage, number,
        (struct ticket_command){.verb = VERB_REJECT, .reason_text = SLICE_LITERAL("no duty")});
    (void)start(&wanted, number, VERB_REOPEN);
    settle_loads();
    assert_true(wanted.calls == 1 && wanted.was_there);
    assert_int_equal(wanted.verdict, TICKET_DONE); /* only what was rejected is reopened */
}

static void loads_of_one_ticket_follow_each_other(void **state) {
    (void)state;
    enum { LOADS = 5 };
    struct wanted wanted[LOADS], other;
    uint64_t number = rejected(0), second = rejected(500);
    calls_count = 0;
    for (unsigned i = 0; i < LOADS; i++) {
        (void)start(&wanted[i], number, VERB_REOPEN);
    }
    (void)start(&other, second, VERB_REOPEN); /* waits for none of them */
    settle_loads();
    for (unsigned i = 0; i < LOADS; i++) {
        assert_true(wanted[i].calls == 1 && wanted[i].status == STATUS_OK && wanted[i].was_there);
        assert_true(i == 0 || wanted[i].order > wanted[i - 1].order);
        assert_int_equal(wanted[i].verdict == TICKET_DONE, i == 0);
    }
    assert_true(other.calls == 1 && other.verdict == TICKET_DONE);
    assert_true(other.order < wanted[LOADS - 1].order);
}

static void an_abandoned_load_calls_nobody_and_stops_nobody(void **state) {
    (void)state;
    struct wanted first, second, third;
    uint64_t number = rejected(0);
    struct ticket_load *load = start(&first, number, VERB_REOPEN);
    struct ticket_load *behind = start(&second, number, VERB_REOPEN);
    (void)start(&third, number, VERB_REOPEN);
    ticket_load_abandon(load);
    ticket_load_abandon(behind);
    settle_loads();
    assert_int_equal(first.calls, 0);
    assert_int_equal(second.calls, 0);
    assert_true(third.calls == 1 && third.was_there && third.verdict == TICKET_DONE);
}

/* With nobody waiting the ticket is not taken into memory. */
static void an_abandoned_load_leaves_nothing_in_memory(void **state) {
    (void)state;
    struct wanted wanted;
    uint64_t number = rejected(0);
    ticket_load_abandon(start(&wanted, number, VERB_REOPEN));
    settle_loads();
    assert_int_equal(wanted.calls, 0);
    assert_null(find(number));
}

static void a_refused_command_leaves_nothing_in_memory(void **state) {
    (void)state;
    struct wanted wanted;
    uint64_t number = rejected(0);
    (void)start(&wanted, number, VERB_SIGN);
    settle_loads();
    assert_true(wanted.calls == 1 && wanted.was_there && wanted.verdict != TICKET_DONE);
    assert_null(find(number));
}

static void a_damaged_row_is_a_failure(void **state) {
    (void)state;
    struct wanted wanted;
    struct store_batch *batch;
    struct error error;
    uint8_t key[TICKET_KEY_BYTES];
    ticket_key_encode(key, 4711);
    assert_int_equal(store_batch_new(&batch, stage.db->store), STATUS_OK);
    store_batch_put(batch, FAMILY_TICKETS, (struct slice){key, sizeof key}, SLICE_LITERAL("\1x"));
    assert_int_equal(store_write(stage.db->store, batch, &error), STATUS_OK);
    store_batch_free(batch);
    (void)start(&wanted, 4711, VERB_REOPEN);
    settle_loads();
    assert_int_equal(wanted.calls, 1);
    assert_true(wanted.status == STATUS_CORRUPT || wanted.status == STATUS_VERSION);
    assert_false(wanted.was_there);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, init, deinit)
    const struct CMUnitTest tests[] = {
        TEST(one_that_is_over_comes_back_for_a_command),
        TEST(a_number_that_is_no_tickets_is_not_found),
        TEST(one_in_memory_is_not_read),
        TEST(the_row_that_is_read_is_the_newest),
        TEST(loads_of_one_ticket_follow_each_other),
        TEST(an_abandoned_load_calls_nobody_and_stops_nobody),
        TEST(an_abandoned_load_leaves_nothing_in_memory),
        TEST(a_refused_command_leaves_nothing_in_memory),
        TEST(a_damaged_row_is_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
