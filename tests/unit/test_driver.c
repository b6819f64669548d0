#include "tests/unit/stage_driver.h"
#include "tests/unit/stage_look.h"

#include "tests/unit/stage_driver.c"
#include "tests/unit/stage_look.c"

enum { IMAGES_MAX = 256 };

static struct driver_stage first, second;
static struct buffer ours, theirs;

static int init(void **state) {
    (void)state;
    stage_now_ms = INT64_C(1795402800000); /* Monday 2026-11-23 11:00 at UTC+8 */
    buffer_init(&ours);
    buffer_init(&theirs);
    stage_open(&first, NULL);
    return 0;
}

static int deinit(void **state) {
    (void)state;
    stage_close(&first);
    buffer_deinit(&ours);
    buffer_deinit(&theirs);
    return 0;
}

static void handle(struct driver_stage *stage, uint64_t ticket, const char *unit) {
    const struct ticket *found = docket_find(&driver_world(stage->driver)->docket, ticket);
    assert_non_null(found);
    if (found->state == TICKET_REPORTED) { /* else the system has dispatched it */
        stage_must(stage, ticket, (struct ticket_command){.verb = VERB_ACCEPT});
        stage_must(
            stage, ticket,
            (struct ticket_command){.verb = VERB_DISPATCH, .unit_tag = stage_unit(stage, unit)});
    }
    stage_must(stage, ticket, (struct ticket_command){.verb = VERB_SIGN});
}

static uint64_t issue(struct driver_stage *stage) {
    const struct directive_addressee addressees[] = {
        {.region = stage_region(stage, "town")},
        {.region = stage_region(stage, "county"), .unit_tag = stage_unit(stage, "police")}};
    const struct directive_order order = {
        .issuer = SLICE_LITERAL("centre"),
        .note = SLICE_LITERAL("look at all gas lines"),
        .region = stage_region(stage, "city"),
        .category_tag = policy_category(stage->services.policy, SLICE_LITERAL("gas_leak"))->tag,
        .addressees = addressees,
        .addressees_count = 2};
    uint64_t directive, tickets[2];
    struct driver_step step;
    assert_int_equal(driver_issue(stage->driver, &order, &directive, tickets, &step), STATUS_OK);
    stage_must(stage, tickets[0], (struct ticket_command){.verb = VERB_SIGN});
    return directive;
}

/* Tickets in many states, incidents of each kind that one person's reports can make. */
static void fill(struct driver_stage *stage) {
    uint64_t gas = stage_report(stage, "gas_leak", 0).ticket;
    assert_true(stage_report(stage, "gas_leak", 20).merged);
    uint64_t outage = stage_report(stage, "utility_outage", 0).ticket;
    uint64_t rubble = stage_report(stage, "rubble", 0).ticket;
    uint64_t far = stage_report(stage, "rubble", 500).ticket;
    struct world_taken fire = stage_report(stage, "forest_fire", 0);
    assert_true(gas != 0 && outage != 0 && rubble != 0 && far != 0 && fire.ticket != 0);
    stage_settle(stage);
    handle(stage, gas, "gas_company");
    handle(stage, rubble, "urban_management");
    stage_must(stage, rubble,
               (struct ticket_command){.verb = VERB_REQUEST_SUSPENSION,
                                       .reason = REASON_ENGINEERING,
                                       .until_ms = stage_now_ms + 30 * HOUR_MS});
    stage_must(stage, rubble, (struct ticket_command){.verb = VERB_APPROVE});
    const struct ticket_part_order parts[] = {
        {.unit_tag = stage_unit(stage, "police")},
        {.unit_tag = stage_unit(stage, "water_company"), .is_optional = true}};
    stage_must(stage, outage, (struct ticket_command){.verb = VERB_ACCEPT});
    stage_must(stage, outage,
               (struct ticket_command){.verb = VERB_WHISTLE,
                                       .decides = true,
                                       .unit_tag = stage_unit(stage, "power_company"),
                                       .parts = parts,
                                       .parts_count = 2});
    (void)issue(stage);
    handle(stage, far, "urban_management");
    stage_must(stage, far,
               (struct ticket_command){.verb = VERB_SUBMIT_RESULT, .closure = CLOSURE_HANDLED});
    stage_must(stage, far, (struct ticket_command){.verb = VERB_CHECK_PASS});
    stage_must(stage, gas, (struct ticket_command){.verb = VERB_ACK});
    stage_settle(stage);
}

static void write_all(const struct driver_stage *stage, struct buffer *to) {
    stage_write_rows(stage, to);
    stage_write_journal(stage, 1, to);
    stage_write_world(stage, to);
}

static void expect_alike(void) {
    write_all(&first, &ours);
    write_all(&second, &theirs);
    stage_expect_same(&ours, &theirs);
}

static void a_restart_finds_the_same_world(void **state) {
    (void)state;
    fill(&first);
    stage_pass(&first, stage_now_ms + 7 * MINUTE_MS);
    stage_restart(&second, &first);
    expect_alike();
    struct deadlines_stats before, after;
    driver_deadlines(first.driver, &before);
    driver_deadlines(second.driver, &after);
    /* What was cancelled stays in a wheel until its time; nothing else is in one only. */
    assert_true(after.in_memory > 0 && after.in_memory <= before.in_memory);
    assert_int_equal(after.dropped_total, 0);
    stage_close(&second);
}

/* Two weeks, with and without restarts: what was armed is all there is, and goes off alike. */
static void restarts_change_nothing_of_what_follows(void **state) {
    (void)state;
    fill(&first);
    int64_t began_ms = stage_now_ms;
    stage_restart(&second, &first);
    for (int step = 0; step < 8; step++) {
        int64_t from_ms = began_ms + step * 43 * HOUR_MS, until_ms = from_ms + 43 * HOUR_MS;
        stage_now_ms = from_ms;
        stage_pass(&first, until_ms);
        stage_now_ms = from_ms;
        stage_pass(&second, until_ms);
        struct driver_stage again;
        stage_restart(&again, &second);
        stage_close(&second);
        stage_restart(&second, &again);
        stage_close(&again);
    }
    stage_write_stories(&first, false, &ours);
    stage_write_stories(&second, false, &theirs);
    stage_expect_same(&ours, &theirs);
    stage_check(&first);
    stage_check(&second);
    assert_true(first.metrics.deadlines_fired_total > 100);
    assert_int_equal(first.metrics.deadlines_late_total, 0);
    stage_close(&second);
}

static void a_deadline_counts_once_its_row_is_durable(void **state) {
    (void)state;
    struct deadlines_stats stats;
    stage_settle(&first);
    driver_deadlines(first.driver, &stats);
    assert_int_equal(stats.in_memory, 0);
    (void)stage_report(&first, "gas_leak", 0);
    driver_deadlines(first.driver, &stats);
    assert_int_equal(stats.in_memory, 0);
    assert_int_equal(stage_count_rows(&first, FAMILY_DEADLINES), 0);
    stage_settle(&first);
    driver_deadlines(first.driver, &stats);
    assert_int_equal(stats.in_memory, stage_count_rows(&first, FAMILY_DEADLINES));
    assert_true(stats.in_memory > 0);
}

static size_t count_of(const struct buffer *journal, const char *text) {
    size_t count = 0;
    const char *at = (const char *)journal->data;
    while ((at = strstr(at, text)) != NULL) {
        count++;
        at += strlen(text);
    }
    return count;
}

/* Each line of the journal that names `text` begins with this instant after the report's. */
static void expect_at(const char *text, const int64_t *after_ms, size_t count, int64_t began_ms) {
    buffer_append(&ours, "", 1);
    char *line = strtok((char *)ours.data, "\n");
    size_t found = 0;
    for (; line != NULL; line = strtok(NULL, "\n")) {
        if (strstr(line, text) == NULL) {
            continue;
        }
        assert_true(found < count);
        int64_t at_ms = strtoll(strchr(line, ' '), NULL, 10);
        assert_int_equal(at_ms - began_ms, after_ms[found]);
        found++;
    }
    assert_int_equal(found, count);
    ours.bytes = 0;
}

static void what_is_due_fires_at_its_instant(void **state) {
    (void)state;
    /* gas_leak, dispatched at once: sign within 10 minutes, else deemed signed; on the scene within
     * an hour; a quarter of the limit from rank to rank. */
    static const int64_t near[] = {8 * MINUTE_MS, 48 * MINUTE_MS};
    static const int64_t overdue[] = {10 * MINUTE_MS, 60 * MINUTE_MS};
    static const int64_t escalated[] = {10 * MINUTE_MS, 60 * MINUTE_MS, 75 * MINUTE_MS,
                                        90 * MINUTE_MS};
    int64_t began_ms = stage_now_ms;
    (void)stage_report(&first, "gas_leak", 0);
    stage_pass(&first, began_ms + 2 * HOUR_MS);
    stage_write_journal(&first, 1, &ours);
    buffer_append(&ours, "", 1);
    assert_null(strstr((const char *)ours.data, "late_fire"));
    expect_at(" ticket.near_deadline ", near, 2, began_ms);
    stage_write_journal(&first, 1, &ours);
    expect_at(" ticket.overdue ", overdue, 2, began_ms);
    stage_write_journal(&first, 1, &ours);
    expect_at(" ticket.escalated ", escalated, 4, began_ms);
}

/* Copies of the store after each commit of a ladder, and the instants of the copies. */
static struct {
    struct store *store;
    int64_t at_ms;
} images[IMAGES_MAX];
static size_t images_count, images_acked; /* the first one with all that people did */

static void keep_image(struct driver_stage *stage) {
    assert_true(images_count < IMAGES_MAX);
    images[images_count].at_ms = stage_now_ms;
    images[images_count++].store = stage_copy(stage);
}

/* Two tickets, one of them acknowledged on the way, until their ladders only repeat. */
static void walk_ladders(int64_t until_ms) {
    images_count = 0;
    first.on_block = keep_image;
    uint64_t gas = stage_report(&first, "gas_leak", 0).ticket;
    stage_settle(&first);
    stage_now_ms += 1007; /* nothing of one is due with something of the other */
    (void)stage_report(&first, "road_collapse", 900);
    stage_pass(&first, stage_now_ms + 6 * MINUTE_MS);
    stage_must(&first, gas, (struct ticket_command){.verb = VERB_ACK});
    stage_settle(&first);
    images_acked = images_count - 1;
    stage_pass(&first, until_ms);
    first.on_block = NULL;
}

static void forget_images(void) {
    for (size_t i = 0; i < images_count; i++) {
        store_close(images[i].store);
    }
    images_count = 0;
}

/* Back at once, the rest is the same to the byte: numbers, times, texts and rows. A crash takes
 * the commands of people that were not durable with it, so only crashes after the last count. */
static void a_crash_between_any_two_commits_changes_nothing(void **state) {
    (void)state;
    int64_t until_ms = stage_now_ms + 4 * HOUR_MS;
    walk_ladders(until_ms);
    for (size_t i = images_acked; i < images_count; i++) {
        stage_now_ms = images[i].at_ms;
        stage_open(&second, images[i].store);
        stage_pass(&second, until_ms);
        expect_alike();
        stage_close(&second);
    }
    assert_true(images_count - images_acked >= 15);
    forget_images();
}

/* Repeats of the last step that were missed are told as one; nothing else is left out. */
static void expect_each_point_once(void) {
    stage_write_stories(&first, true, &ours);
    stage_write_stories(&second, true, &theirs);
    buffer_append(&ours, "", 1);
    buffer_append(&theirs, "", 1);
    size_t told = 0, lines = count_of(&ours, "\n");
    char *rest = NULL;
    for (char *line = strtok_r((char *)theirs.data, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        bool is_page = strstr(line, " paged ") != NULL;
        assert_true(is_page || count_of(&ours, line) == 1);
        assert_null(strstr(rest, line));
        told += !is_page;
    }
    assert_int_equal(told, lines - count_of(&ours, " paged "));
    ours.bytes = theirs.bytes = 0;
}

/* Down for an hour: each point is told once all the same, with the instant it was due at. */
static void a_long_crash_tells_each_point_once(void **state) {
    (void)state;
    int64_t until_ms = stage_now_ms + 4 * HOUR_MS;
    walk_ladders(until_ms);
    for (size_t i = images_acked; i < images_count; i++) {
        if (images[i].at_ms + HOUR_MS > until_ms) {
            break;
        }
        stage_now_ms = images[i].at_ms + HOUR_MS;
        stage_open(&second, images[i].store);
        stage_pass(&second, until_ms);
        stage_check(&second);
        expect_each_point_once();
        assert_true(second.metrics.deadlines_late_total > 0);
        stage_close(&second);
    }
    forget_images();
}

static void overdue_ones_fire_once_in_due_order_and_are_marked_late(void **state) {
    (void)state;
    enum { TICKETS = 300 };
    for (int i = 0; i < TICKETS; i++) {
        assert_int_not_equal(stage_report(&first, "gas_leak", 400.0 * i).ticket, 0);
        stage_now_ms += 10;
        stage_settle(&first);
    }
    uint64_t last_seq = committer_next_seq(first.services.committer) - 1;
    stage_now_ms += 11 * MINUTE_MS; /* nobody was there */
    stage_restart(&second, &first);
    assert_int_equal(stage_count_rows(&second, FAMILY_DEADLINES),
                     stage_count_rows(&first, FAMILY_DEADLINES));
    stage_check(&second);
    stage_write_journal(&second, last_seq + 1, &ours);
    buffer_append(&ours, "", 1);
    assert_int_equal(count_of(&ours, " ticket.overdue "), TICKETS);
    assert_int_equal(count_of(&ours, " ticket.near_deadline "), TICKETS);
    assert_int_equal(count_of(&ours, "\"late_fire\":true"),
                     count_of(&ours, "\"point_at\":") + TICKETS /* deemed signed */);
    assert_int_equal(second.metrics.deadlines_late_total, second.metrics.deadlines_fired_total);
    assert_int_equal(second.metrics.deadlines_fired_total, TICKETS);
    char before[32] = "";
    for (const char *at = (const char *)ours.data; (at = strstr(at, " ticket.reminder ")) != NULL;
         at++) {
        const char *point = strstr(at, "\"point_at\":\"");
        assert_non_null(point);
        assert_true(memcmp(before, point + 12, 24) <= 0);
        memcpy(before, point + 12, 24);
    }
    /* And never again. */
    uint64_t now_seq = committer_next_seq(second.services.committer);
    struct driver_stage again;
    stage_restart(&again, &second);
    assert_int_equal(committer_next_seq(again.services.committer), now_seq);
    stage_close(&again);
    stage_close(&second);
}

static void write_stray(struct store *store, const struct deadline *stray) {
    uint8_t key[DEADLINE_KEY_BYTES], value[DEADLINE_VALUE_BYTES];
    struct store_batch *batch;
    struct error error;
    deadline_key_encode(key, stray);
    deadline_value_encode(value, 1);
    assert_int_equal(store_batch_new(&batch, store), STATUS_OK);
    store_batch_put(batch, FAMILY_DEADLINES, (struct slice){key, sizeof key},
                    (struct slice){value, sizeof value});
    assert_int_equal(store_write(store, batch, &error), STATUS_OK);
    store_batch_free(batch);
}

static void a_row_that_matches_nobody_is_removed(void **state) {
    (void)state;
    fill(&first);
    uint64_t ticket = stage_report(&first, "road_collapse", 3000).ticket;
    stage_settle(&first);
    struct store *image = stage_copy(&first);
    const struct deadline strays[] = {
        {.due_ms = stage_now_ms - HOUR_MS, .object = 99999, .stage = DEADLINE_HANDLE},
        {.due_ms = stage_now_ms + 9 * MINUTE_MS, .object = ticket, .stage = DEADLINE_CHECK},
        {.due_ms = stage_now_ms + 30 * MINUTE_MS, .object = ticket - 1, .stage = DEADLINE_SUMMARY}};
    for (size_t i = 0; i < ARRAY_COUNT(strays); i++) {
        write_stray(image, &strays[i]);
    }
    stage_open(&second, image);
    second.reports_count = first.reports_count;
    store_close(image);
    stage_settle(&second);
    size_t rows = stage_count_rows(&second, FAMILY_DEADLINES);
    assert_int_equal(rows, stage_count_rows(&first, FAMILY_DEADLINES) + ARRAY_COUNT(strays));
    (void)stage_report(&first, "gas_leak", 9000); /* with the next block */
    (void)stage_report(&second, "gas_leak", 9000);
    stage_settle(&first);
    stage_settle(&second);
    assert_int_equal(second.metrics.deadlines_stray_total, ARRAY_COUNT(strays));
    assert_int_equal(first.metrics.deadlines_stray_total, 0);
    expect_alike();
    stage_close(&second);
}

/* Its window of 72 hours ends while nobody is there; it is not taken into memory again. */
static void an_incident_that_ended_meanwhile_leaves_no_row(void **state) {
    (void)state;
    uint64_t ticket = stage_report(&first, "rubble", 0).ticket;
    stage_settle(&first);
    handle(&first, ticket, "urban_management");
    stage_must(&first, ticket,
               (struct ticket_command){.verb = VERB_SUBMIT_RESULT, .closure = CLOSURE_HANDLED});
    stage_must(&first, ticket, (struct ticket_command){.verb = VERB_CHECK_PASS});
    stage_settle(&first);
    stage_now_ms += 5 * 24 * HOUR_MS;
    stage_restart(&second, &first);
    (void)stage_report(&second, "gas_leak", 0);
    stage_settle(&second);
    assert_int_equal(second.metrics.deadlines_stray_total, 1);
    stage_check(&second);
    stage_close(&second);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, init, deinit)
    const struct CMUnitTest tests[] = {
        TEST(a_restart_finds_the_same_world),
        TEST(restarts_change_nothing_of_what_follows),
        TEST(a_deadline_counts_once_its_row_is_durable),
        TEST(what_is_due_fires_at_its_instant),
        TEST(a_crash_between_any_two_commits_changes_nothing),
        TEST(a_long_crash_tells_each_point_once),
        TEST(overdue_ones_fire_once_in_due_order_and_are_marked_late),
        TEST(a_row_that_matches_nobody_is_removed),
        TEST(an_incident_that_ended_meanwhile_leaves_no_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
