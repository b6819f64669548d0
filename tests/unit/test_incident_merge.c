#include "tests/unit/support_incident.h"

static struct world world;

static int setup(void **state) {
    (void)state;
    world_open(&world, 1000);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    world_close(&world);
    return 0;
}

struct row_copy {
    uint8_t bytes[INCIDENT_ROW_BYTES_MAX];
    size_t count;
};

static struct row_copy copy_of(uint64_t number) {
    struct row_copy copy = {.count = 0};
    copy.count = incident_row_encode(copy.bytes, world_incident(&world, number));
    return copy;
}

static void assert_is(uint64_t number, const struct row_copy *copy) {
    struct row_copy now = copy_of(number);
    assert_int_equal(now.count, copy->count);
    assert_memory_equal(now.bytes, copy->bytes, now.count);
}

static void by_command_the_older_survives(void **state) {
    (void)state;
    uint64_t first = world_take(&world, world_report(&world, "pothole", 0, 0));
    uint64_t second = world_take(&world, world_report(&world, "pothole", 200, 0));
    struct sighting worse = world_report(&world, "pothole", 210, 0);
    worse.severity = SEVERITY_SEVERE;
    assert_int_equal(world_take(&world, worse), second);
    uint64_t survivor = 0;
    static uint8_t note[EFFECTS_NOTE_BYTES_MAX]; /* all of it is escaped */
    world.effects.actor = SLICE_LITERAL("desk");
    world.effects.note = (struct slice){note, sizeof note};
    assert_int_equal(incidents_merge(&world.incidents, second, first, &world.effects, &survivor),
                     STATUS_OK);
    assert_int_equal(survivor, first);
    const struct incident *incident = world_incident(&world, first);
    assert_int_equal(incident->reports_count, 3);
    assert_int_equal(incident->observers_count, 3);
    assert_int_equal(incident->severity, SEVERITY_SEVERE);
    assert_true(incident_spread_m(incident) > 209 && incident_spread_m(incident) < 211);
    assert_int_equal(world_incident(&world, second)->merged_into, first);
    assert_int_equal(world.incidents.open_count, 1);
    assert_non_null(strstr(world_last(&world, ENTRY_INCIDENT_MERGED)->json, "\"by\":\"operator\""));
    assert_non_null(strstr(world_last(&world, ENTRY_INCIDENT_MERGED)->json,
                           ",\"actor\":\"desk\",\"note\":\"\\u0000"));
    /* The survivor is found at both places, and once; nothing is under the other one any more. */
    assert_int_equal(world_take(&world, world_report(&world, "pothole", 0, 0)), first);
    assert_int_equal(world_take(&world, world_report(&world, "pothole", 205, 0)), first);
    assert_int_equal(world.taken.match.alternatives_count, 0);
    assert_int_not_equal(world_take(&world, world_report(&world, "pothole", 100, 0)), first);
    assert_int_equal(world.taken.outcome, OUTCOME_OPENED);
}

static void what_may_not_merge(void **state) {
    (void)state;
    uint64_t survivor = 0;
    uint64_t hole = world_take(&world, world_report(&world, "pothole", 0, 0));
    uint64_t other = world_take(&world, world_report(&world, "pothole", 500, 0));
    uint64_t noise = world_take(&world, world_report(&world, "noise", 0, 0));
    struct sighting smoke = world_report(&world, "smoke_alarm", 0, 0);
    smoke.observation.alarm = 1;
    uint64_t alarm = world_take(&world, smoke);
    smoke.observation.alarm = 2;
    uint64_t alarm_2 = world_take(&world, smoke);
    const struct {
        uint64_t a, b;
        enum status status;
    } cases[] = {{hole, 12345, STATUS_NOT_FOUND},
                 {hole, hole, STATUS_CONFLICT},
                 {hole, noise, STATUS_CONFLICT},
                 {alarm, alarm_2, STATUS_CONFLICT}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_int_equal(
            incidents_merge(&world.incidents, cases[i].a, cases[i].b, &world.effects, &survivor),
            cases[i].status);
    }
    assert_int_equal(incidents_close(&world.incidents, other, INCIDENT_HANDLED, &world.effects),
                     STATUS_OK);
    assert_int_equal(incidents_merge(&world.incidents, hole, other, &world.effects, &survivor),
                     STATUS_CONFLICT);
    assert_int_equal(survivor, 0);
}

static void pointers_stay_flat_over_restarts(void **state) {
    (void)state;
    uint64_t numbers[4], survivor;
    for (int i = 0; i < 4; i++) {
        numbers[i] = world_take(&world, world_report(&world, "pothole", 300.0 * i, 0));
    }
    assert_int_equal(
        incidents_merge(&world.incidents, numbers[2], numbers[3], &world.effects, &survivor),
        STATUS_OK);
    world_flush(&world);
    assert_int_equal(
        incidents_merge(&world.incidents, numbers[1], numbers[2], &world.effects, &survivor),
        STATUS_OK);
    assert_int_equal(
        incidents_merge(&world.incidents, numbers[0], numbers[1], &world.effects, &survivor),
        STATUS_OK);
    world_restart(&world);
    assert_int_equal(world_rows(&world, ROW_MOVED), 3);
    for (int i = 1; i < 4; i++) {
        assert_int_equal(world_incident(&world, numbers[i])->merged_into, numbers[0]);
        assert_int_equal(incidents_resolve(&world.incidents, numbers[i])->number, numbers[0]);
    }
    assert_int_equal(world_incident(&world, numbers[0])->reports_count, 4);
    /* What was merged is forgotten with its survivor. */
    assert_int_equal(
        incidents_close(&world.incidents, numbers[0], INCIDENT_HANDLED, &world.effects), STATUS_OK);
    world.effects.now_ms += 73 * HOUR_MS;
    assert_int_equal(incidents_fire(&world.incidents, numbers[0], &world.effects), FIRED_FORGOTTEN);
    world_flush(&world);
    assert_int_equal(world.incidents.count, 0);
}

static void take_apart(const char *category, double north_m) {
    uint64_t first = world_take(&world, world_report(&world, category, 0, 0));
    uint64_t first_seq = first - 1;
    world.effects.now_ms += MINUTE_MS;
    uint64_t second = world_take(&world, world_report(&world, category, north_m, 0));
    uint64_t seqs[2] = {second - 1, world.effects.next_seq};
    world.effects.now_ms += MINUTE_MS;
    assert_int_equal(world_take(&world, world_report(&world, category, north_m + 5, 0)), second);
    assert_int_equal(incidents_set_ticket(&world.incidents, first, 71), STATUS_OK);
    assert_int_equal(incidents_set_ticket(&world.incidents, second, 72), STATUS_OK);
    struct row_copy before_first = copy_of(first);
    struct row_copy before_second = copy_of(second);
    uint64_t number;
    world.effects.now_ms += MINUTE_MS;
    assert_int_equal(incidents_merge(&world.incidents, first, second, &world.effects, &number),
                     STATUS_OK);
    assert_int_equal(world_incident(&world, first)->ticket, 71);
    world_restart(&world);
    struct incident_members members = world_members(&world, first);
    assert_int_equal(
        incidents_unmerge(&world.incidents, first, seqs, 2, &members, &world.effects, &number),
        STATUS_OK);
    assert_int_equal(number, second);
    assert_is(first, &before_first);
    struct incident again = *world_incident(&world, second);
    assert_int_equal(again.ticket, 72);
    assert_int_equal(again.state, INCIDENT_OPEN);
    struct row_copy now = {.count = 0};
    again.closed_ms = 0; /* it remembers when it was merged */
    now.count = incident_row_encode(now.bytes, &again);
    assert_int_equal(now.count, before_second.count);
    assert_memory_equal(now.bytes, before_second.bytes, now.count);
    world_flush(&world);
    assert_int_equal(world_rows(&world, ROW_MOVED), 0);
    assert_int_equal(world_rows(&world, ROW_MEMBER), 3);
    assert_int_equal(world.incidents.open_count, 2);
    assert_int_equal(world_take(&world, world_report(&world, category, north_m, 0)), second);
    members = world_members(&world, first);
    struct member member;
    assert_true(members.next(members.context, &member));
    assert_int_equal(member.sighting.seq, first_seq);
    assert_false(members.next(members.context, &member));
}

static void unmerging_brings_the_original_back(void **state) {
    (void)state;
    take_apart("pothole", 220);
}

static void unmerging_fires_brings_their_estimates_back(void **state) {
    (void)state;
    take_apart("forest_fire", 1500);
}

static void some_of_the_reports_become_a_new_incident(void **state) {
    (void)state;
    uint64_t first = world_take(&world, world_report(&world, "pothole", 0, 0));
    struct sighting worse = world_report(&world, "pothole", 40, 0);
    worse.severity = SEVERITY_EXTREME;
    uint64_t seqs[1] = {world.effects.next_seq};
    assert_int_equal(world_take(&world, worse), first);
    world_take(&world, world_report(&world, "pothole", 5, 0));
    struct incident_members members = world_members(&world, first);
    uint64_t number;
    assert_int_equal(
        incidents_unmerge(&world.incidents, first, seqs, 1, &members, &world.effects, &number),
        STATUS_OK);
    assert_int_equal(world_last(&world, ENTRY_INCIDENT_UNMERGED)->seq, number);
    const struct incident *incident = world_incident(&world, number);
    assert_int_equal(incident->reports_count, 1);
    assert_int_equal(incident->severity, SEVERITY_EXTREME);
    assert_int_equal(incident->ticket, 0);
    incident = world_incident(&world, first);
    assert_int_equal(incident->reports_count, 2);
    assert_int_equal(incident->severity, SEVERITY_MODERATE);
    assert_true(incident_spread_m(incident) < 6);
    members = world_members(&world, number);
    struct member member;
    assert_true(members.next(members.context, &member));
    assert_int_equal(member.sighting.seq, seqs[0]);
    assert_int_equal(member.origin, first);
    assert_int_equal(member.match.rule, MATCH_OPERATOR);
    assert_false(members.next(members.context, &member));
}

static void unmerging_that_cannot_be_changes_nothing(void **state) {
    (void)state;
    uint64_t first = world_take(&world, world_report(&world, "pothole", 0, 0));
    uint64_t second = world_take(&world, world_report(&world, "pothole", 20, 0));
    assert_int_equal(first, second);
    struct row_copy before = copy_of(first);
    static uint64_t many[UNMERGE_SEQS_MAX + 1];
    for (size_t i = 0; i < ARRAY_COUNT(many); i++) {
        many[i] = i + 1;
    }
    const uint64_t all[] = {1000, 1002}, unknown[] = {1000, 5555}, falling[] = {1002, 1000};
    const struct {
        uint64_t number;
        const uint64_t *seqs;
        size_t count;
        enum status status;
    } cases[] = {{9, all, 1, STATUS_NOT_FOUND},
                 {first, all, 2, STATUS_CONFLICT},
                 {first, all, 0, STATUS_CONFLICT},
                 {first, unknown, 2, STATUS_NOT_FOUND},
                 {first, falling, 2, STATUS_INVALID},
                 {first, many, UNMERGE_SEQS_MAX + 1, STATUS_INVALID},
                 {first, many, UNMERGE_SEQS_MAX, STATUS_NOT_FOUND}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct incident_members members = world_members(&world, first);
        uint64_t number = 0;
        assert_int_equal(incidents_unmerge(&world.incidents, cases[i].number, cases[i].seqs,
                                           cases[i].count, &members, &world.effects, &number),
                         cases[i].status);
        assert_int_equal(number, 0);
    }
    assert_is(first, &before);
    world_flush(&world);
    assert_int_equal(world.rows_given, 0);
    assert_int_equal(world_events(&world, ENTRY_INCIDENT_UNMERGED, 0), 0);
}

static void unmerging_into_a_full_table_or_past_the_pending_rows(void **state) {
    (void)state;
    world_close(&world);
    world_open(&world, 4);
    uint64_t first = world_take(&world, world_report(&world, "pothole", 0, 0));
    world_take(&world, world_report(&world, "pothole", 20, 0));
    for (int i = 1; i < 4; i++) {
        world_take(&world, world_report(&world, "pothole", 400.0 * i, 0));
    }
    const uint64_t seqs[] = {1002};
    struct incident_members members = world_members(&world, first);
    uint64_t number;
    assert_int_equal(
        incidents_unmerge(&world.incidents, first, seqs, 1, &members, &world.effects, &number),
        STATUS_FULL);
    assert_int_equal(incidents_evict(&world.incidents, world.taken.incident), STATUS_OK);
    members = world_members(&world, first);
    world.incidents.pending_count = INCIDENTS_PENDING_MAX - 1;
    assert_int_equal(
        incidents_unmerge(&world.incidents, first, seqs, 1, &members, &world.effects, &number),
        STATUS_BUSY);
    world.incidents.pending_count = 0;
    members = world_members(&world, first);
    assert_int_equal(
        incidents_unmerge(&world.incidents, first, seqs, 1, &members, &world.effects, &number),
        STATUS_OK);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(by_command_the_older_survives),
        TEST(what_may_not_merge),
        TEST(pointers_stay_flat_over_restarts),
        TEST(unmerging_brings_the_original_back),
        TEST(unmerging_fires_brings_their_estimates_back),
        TEST(some_of_the_reports_become_a_new_incident),
        TEST(unmerging_that_cannot_be_changes_nothing),
        TEST(unmerging_into_a_full_table_or_past_the_pending_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
