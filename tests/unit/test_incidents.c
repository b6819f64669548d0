#include "core/base/bytes.h"
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

static void a_pothole_40_m_away_is_the_same_60_m_away_is_another(void **state) {
    (void)state;
    uint64_t first = world_take(&world, world_report(&world, "pothole", 0, 0));
    assert_int_equal(world.taken.outcome, OUTCOME_OPENED);
    assert_int_equal(first, 1001); /* the entry right after the report's */
    assert_int_equal(world_last(&world, ENTRY_INCIDENT_OPENED)->seq, first);
    assert_int_equal(world_take(&world, world_report(&world, "pothole", 40, 0)), first);
    assert_int_equal(world.taken.outcome, OUTCOME_JOINED);
    assert_int_equal(world.taken.match.rule, MATCH_DISTANCE);
    assert_true(world.taken.match.distance_m > 39.9F && world.taken.match.distance_m < 40.1F);
    uint64_t second = world_take(&world, world_report(&world, "pothole", -60, 0));
    assert_int_not_equal(second, first);
    assert_int_equal(world.taken.match.alternatives_count, 1);
    assert_int_equal(world.taken.match.alternatives[0].incident, first);
    assert_int_equal(world_incident(&world, first)->reports_count, 2);
    assert_int_equal(world.incidents.counts.outcomes[OUTCOME_OPENED], 2);
    assert_int_equal(world.incidents.counts.rules[MATCH_DISTANCE], 1);
}

static void a_chain_of_20_reports_does_not_become_one_incident(void **state) {
    (void)state;
    for (int i = 0; i < 20; i++) {
        uint64_t number = world_take(&world, world_report(&world, "pothole", 0, 40.0 * i));
        assert_true(incident_spread_m(world_incident(&world, number)) <= 100.0);
    }
    assert_int_equal(world.incidents.open_count, 10);
}

static void the_spread_is_capped_where_the_gate_would_let_more_in(void **state) {
    (void)state;
    world.policy.merge_classes[0].spread_m = 60;
    uint64_t first = world_take(&world, world_report(&world, "pothole", 0, 0));
    assert_int_equal(world_take(&world, world_report(&world, "pothole", 45, 0)), first);
    assert_int_not_equal(world_take(&world, world_report(&world, "pothole", -20, 0)), first);
    assert_int_equal(world.taken.match.alternatives[0].incident, first);
    assert_int_equal(world_take(&world, world_report(&world, "pothole", 10, 0)), first);
}

static void the_same_asset_decides_and_another_one_forbids(void **state) {
    (void)state;
    struct sighting lamp = world_report(&world, "pothole", 0, 0);
    lamp.observation.asset = 11;
    uint64_t first = world_take(&world, lamp);
    lamp = world_report(&world, "pothole", 5, 0);
    lamp.observation.asset = 12;
    uint64_t second = world_take(&world, lamp);
    assert_int_not_equal(first, second);
    lamp = world_report(&world, "pothole", 400, 0);
    lamp.observation.asset = 11;
    assert_int_equal(world_take(&world, lamp), first);
    assert_int_equal(world.taken.match.rule, MATCH_ASSET);
    assert_int_equal(world.taken.match.score, 1000);
}

static void a_near_tie_joins_the_best_and_suggests(void **state) {
    (void)state;
    uint64_t first = world_take(&world, world_report(&world, "pothole", 0, 0));
    uint64_t second = world_take(&world, world_report(&world, "pothole", 60, 0));
    assert_int_equal(world_take(&world, world_report(&world, "pothole", 28, 0)), first);
    assert_int_equal(world.taken.match.alternatives[0].incident, second);
    assert_int_equal(world_events(&world, ENTRY_INCIDENT_SUGGESTED_MERGE, first), 1);
    char with[64];
    (void)snprintf(with, sizeof with, "\"with\":\"i%lu\"", (unsigned long)second);
    assert_non_null(strstr(world_last(&world, ENTRY_INCIDENT_SUGGESTED_MERGE)->json, with));
    /* Equal scores: who was seen first. */
    assert_int_equal(world_take(&world, world_report(&world, "pothole", 30, 0)), first);
    /* Clearly nearer to one: no suggestion. */
    assert_int_equal(world_take(&world, world_report(&world, "pothole", 50, 0)), second);
    assert_int_equal(world_events(&world, ENTRY_INCIDENT_SUGGESTED_MERGE, 0), 2);
    assert_int_equal(world.incidents.open_count, 2);
}

static void disputes_never_merge_but_name_the_same_household(void **state) {
    (void)state;
    struct sighting quarrel = world_report(&world, "dispute", 0, 0);
    quarrel.observation.asset = 5;
    uint64_t first = world_take(&world, quarrel);
    quarrel = world_report(&world, "dispute", 0, 0);
    quarrel.observation.asset = 5;
    assert_int_not_equal(world_take(&world, quarrel), first);
    assert_int_equal(world.taken.match.alternatives_count, 1);
    assert_int_equal(world.taken.match.alternatives[0].incident, first);
    assert_int_not_equal(world_take(&world, world_report(&world, "dispute", 0, 0)), first);
    assert_int_equal(world.taken.match.alternatives_count, 0);
    assert_int_equal(world_take(&world, world_report(&world, "patrol", 0, 0)), 0);
    assert_int_equal(world.taken.outcome, OUTCOME_NONE);
    struct sighting unknown = world_report(&world, "no_such_category", 0, 0);
    assert_int_equal(world_take(&world, unknown), 0);
}

static void noise_in_the_same_grid_is_one_until_it_has_been_quiet(void **state) {
    (void)state;
    struct sighting unlocated = world_report(&world, "noise", 0, 0);
    unlocated.has_position = false;
    uint64_t first = world_take(&world, unlocated);
    assert_int_equal(world_take(&world, world_report(&world, "noise", 0, 0)), first);
    assert_int_equal(world.taken.match.rule, MATCH_GRID);
    assert_int_equal(world_take(&world, world_report(&world, "noise", 900, 0)), first);
    struct sighting elsewhere = world_report(&world, "noise", 200, 0);
    elsewhere.region = 8;
    assert_int_equal(world_take(&world, elsewhere), first);
    assert_int_equal(world.taken.match.rule, MATCH_DISTANCE);
    elsewhere = world_report(&world, "noise", 400, 0);
    elsewhere.region = 9;
    assert_int_not_equal(world_take(&world, elsewhere), first);
    struct sighting county = unlocated;
    county.in_grid = false;
    assert_int_not_equal(world_take(&world, county), first);
    world.effects.now_ms += 6 * HOUR_MS + 1000;
    assert_int_not_equal(world_take(&world, world_report(&world, "noise", 0, 0)), first);
}

static void a_worse_second_report_pages_again(void **state) {
    (void)state;
    struct sighting leak = world_report(&world, "gas_leak", 0, 0);
    leak.severity = SEVERITY_MODERATE;
    uint64_t number = world_take(&world, leak);
    world.effects.now_ms += 10 * MINUTE_MS;
    leak = world_report(&world, "gas_leak", 10, 0);
    leak.severity = SEVERITY_MODERATE;
    assert_int_equal(world_take(&world, leak), number);
    assert_int_equal(world.taken.repage, 0);
    world.effects.now_ms += 10 * MINUTE_MS;
    leak = world_report(&world, "gas_leak", 10, 0);
    leak.severity = SEVERITY_EXTREME;
    leak.observation.flags = OBSERVATION_INJURY;
    assert_int_equal(world_take(&world, leak), number);
    assert_int_equal(world.taken.repage, REPAGE_SEVERITY | REPAGE_INJURY);
    assert_non_null(strstr(world_last(&world, ENTRY_INCIDENT_REPAGED)->json,
                           "\"reasons\":[\"severity\",\"injury\"]"));
    assert_int_equal(world_incident(&world, number)->severity, SEVERITY_EXTREME);
    /* The same caller again says nothing new; another one does. */
    leak.seq = 0;
    assert_int_equal(world_take(&world, leak), number);
    assert_int_equal(world.taken.repage, 0);
    leak.observation.observer = 99;
    assert_int_equal(world_take(&world, leak), number);
    assert_int_equal(world.taken.repage, REPAGE_INJURY);
    leak.observation = (struct observation){.kind = OBSERVER_SENSOR, .observer = 98};
    assert_int_equal(world_take(&world, leak), number);
    assert_int_equal(world.taken.repage, REPAGE_OBSERVER_KIND);
}

static void absorbing_after_long_silence_pages_again_unless_somebody_was_busy(void **state) {
    (void)state;
    uint64_t number = world_take(&world, world_report(&world, "gas_leak", 0, 0));
    world.effects.now_ms += 15 * MINUTE_MS;
    assert_int_equal(world_take(&world, world_report(&world, "gas_leak", 0, 0)), number);
    assert_int_equal(world.taken.repage, REPAGE_STALE);
    world.effects.now_ms += 10 * MINUTE_MS;
    assert_int_equal(incidents_touch(&world.incidents, number, world.effects.now_ms), STATUS_OK);
    world.effects.now_ms += 10 * MINUTE_MS;
    assert_int_equal(world_take(&world, world_report(&world, "gas_leak", 0, 0)), number);
    assert_int_equal(world.taken.repage, 0);
    world.effects.now_ms += 2 * HOUR_MS + 1000;
    assert_int_not_equal(world_take(&world, world_report(&world, "gas_leak", 0, 0)), number);
}

static void handled_reopens_and_false_does_not_eat_a_true_one(void **state) {
    (void)state;
    uint64_t first = world_take(&world, world_report(&world, "pothole", 0, 0));
    assert_int_equal(incidents_close(&world.incidents, first, INCIDENT_HANDLED, &world.effects),
                     STATUS_OK);
    assert_int_equal(incidents_close(&world.incidents, first, INCIDENT_HANDLED, &world.effects),
                     STATUS_CONFLICT);
    assert_int_equal(world.incidents.open_count, 0);
    world.effects.now_ms += 71 * HOUR_MS;
    assert_int_equal(world_take(&world, world_report(&world, "pothole", 10, 0)), first);
    assert_int_equal(world.taken.outcome, OUTCOME_REOPENED);
    assert_int_equal(world_events(&world, ENTRY_INCIDENT_REOPENED, first), 1);
    assert_int_equal(world.incidents.open_count, 1);
    assert_int_equal(incidents_close(&world.incidents, first, INCIDENT_FALSE, &world.effects),
                     STATUS_OK);
    world.effects.now_ms += MINUTE_MS;
    uint64_t second = world_take(&world, world_report(&world, "pothole", 10, 0));
    assert_int_not_equal(second, first);
    assert_int_equal(world.taken.outcome, OUTCOME_OPENED);
    assert_int_equal(incidents_close(&world.incidents, 77, INCIDENT_FALSE, &world.effects),
                     STATUS_NOT_FOUND);
    assert_int_equal(incidents_reopen(&world.incidents, first, &world.effects), STATUS_OK);
    assert_int_equal(incidents_reopen(&world.incidents, first, &world.effects), STATUS_CONFLICT);
}

static void when_the_window_is_over_it_is_forgotten(void **state) {
    (void)state;
    uint64_t number = world_take(&world, world_report(&world, "pothole", 0, 0));
    assert_int_equal(incidents_fire(&world.incidents, number, &world.effects), FIRED_NOTHING);
    assert_int_equal(incidents_close(&world.incidents, number, INCIDENT_HANDLED, &world.effects),
                     STATUS_OK);
    world_flush(&world);
    assert_int_equal(world.armed_number, number);
    assert_int_equal(world.armed_ms, world.effects.now_ms + 72 * HOUR_MS);
    world.effects.now_ms = world.armed_ms - 1;
    assert_int_equal(incidents_fire(&world.incidents, number, &world.effects), FIRED_NOTHING);
    world.effects.now_ms++;
    assert_int_equal(incidents_fire(&world.incidents, number, &world.effects), FIRED_FORGOTTEN);
    assert_null(incidents_find(&world.incidents, number));
    world_flush(&world); /* the deadline that fired goes with it */
    assert_int_equal(world.armed_number, number);
    assert_int_equal(world.armed_ms, INT64_MAX);
    assert_int_equal(world.incidents.count, 0);
    assert_int_equal(world_rows(&world, ROW_INCIDENT), 1);
    world_restart(&world);
    assert_int_equal(world.incidents.count, 0);
    assert_int_not_equal(world_take(&world, world_report(&world, "pothole", 0, 0)), number);
}

static void late_backlog_joins_what_was_open_then_and_pages_nobody(void **state) {
    (void)state;
    uint64_t number = world_take(&world, world_report(&world, "pothole", 0, 0));
    int64_t opened_ms = world.effects.now_ms;
    world.effects.now_ms += HOUR_MS;
    assert_int_equal(incidents_close(&world.incidents, number, INCIDENT_HANDLED, &world.effects),
                     STATUS_OK);
    int64_t last_seen_ms = world_incident(&world, number)->last_seen_ms;
    world.effects.now_ms += 30 * HOUR_MS;
    struct sighting old = world_report(&world, "pothole", 0, 0);
    old.occurred_ms = opened_ms + 10 * MINUTE_MS;
    old.severity = SEVERITY_EXTREME;
    assert_int_equal(world_take(&world, old), number);
    assert_true(world.taken.late);
    assert_int_equal(world.taken.outcome, OUTCOME_JOINED);
    assert_int_equal(world.taken.repage, 0);
    const struct incident *incident = world_incident(&world, number);
    assert_int_equal(incident->state, INCIDENT_HANDLED);
    assert_int_equal(incident->last_seen_ms, last_seen_ms + 10 * MINUTE_MS);
    old.occurred_ms = opened_ms - 20 * MINUTE_MS;
    assert_int_equal(world_take(&world, old), number);
    assert_int_equal(world_incident(&world, number)->last_seen_ms, last_seen_ms + 10 * MINUTE_MS);
    assert_int_equal(world_incident(&world, number)->first_seen_ms, opened_ms - 20 * MINUTE_MS);
    /* A late P1 that opens says its age. */
    struct sighting leak = world_report(&world, "gas_leak", 0, 0);
    leak.occurred_ms -= 31 * MINUTE_MS;
    world_take(&world, leak);
    assert_int_equal(world.taken.outcome, OUTCOME_OPENED);
    assert_true(world.taken.late);
    assert_non_null(strstr(world_last(&world, ENTRY_INCIDENT_OPENED)->json, "\"age_s\":1860"));
    assert_int_equal(world.incidents.counts.late, 3);
}

static void a_full_table_still_joins_but_opens_none(void **state) {
    (void)state;
    struct limits limits;
    limits_init(&limits);
    limits.open_incidents = 4;
    world_close(&world);
    world_open(&world, limits.open_incidents);
    uint64_t first = world_take(&world, world_report(&world, "pothole", 0, 0));
    for (int i = 1; i < 4; i++) {
        world_take(&world, world_report(&world, "forest_fire", 9000.0 * i, 0));
    }
    struct sighting report = world_report(&world, "pothole", 1000, 0);
    assert_int_equal(world_try(&world, &report), STATUS_FULL);
    assert_int_equal(world.taken.outcome, OUTCOME_NONE);
    assert_int_equal(world.taken.incident, 0);
    assert_int_equal(world.incidents.counts.full, 1);
    assert_int_equal(world_take(&world, world_report(&world, "pothole", 10, 0)), first);
    world_flush(&world);
    assert_int_equal(incidents_evict(&world.incidents, first), STATUS_OK);
    assert_int_equal(incidents_evict(&world.incidents, first), STATUS_NOT_FOUND);
    assert_int_equal(world_try(&world, &report), STATUS_OK);
    assert_int_equal(world.taken.outcome, OUTCOME_OPENED);
}

static void rows_come_once_and_bring_everything_back(void **state) {
    (void)state;
    uint64_t number = world_take(&world, world_report(&world, "pothole", 0, 0));
    world_take(&world, world_report(&world, "pothole", 10, 0));
    assert_int_equal(incidents_set_ticket(&world.incidents, number, 555), STATUS_OK);
    assert_int_equal(incidents_set_ticket(&world.incidents, 3, 555), STATUS_NOT_FOUND);
    assert_int_equal(incidents_touch(&world.incidents, 3, 0), STATUS_NOT_FOUND);
    world_flush(&world);
    assert_int_equal(world.rows_given, 3);
    world_flush(&world);
    assert_int_equal(world.rows_given, 0);
    world_restart(&world);
    assert_int_equal(world_incident(&world, number)->ticket, 555);
    assert_int_equal(world_take(&world, world_report(&world, "pothole", 20, 0)), number);
    world_flush(&world);
    assert_int_equal(world.rows_given, 2);
    const struct incident *incident;
    struct slice key = {world.rows[0].key, world.rows[0].key_bytes};
    struct slice value = {world.rows[0].value, world.rows[0].value_bytes};
    assert_int_equal(incidents_restore(&world.incidents, key, value, 0, &incident), STATUS_CORRUPT);
}

static void another_policy_is_adopted(void **state) {
    (void)state;
    static struct policy other;
    uint64_t number = world_take(&world, world_report(&world, "pothole", 0, 0));
    other = world.policy;
    other.merge_classes[0].gate_m = 500;
    other.merge_classes[0].spread_m = 2000;
    incidents_adopt(&world.incidents, &other);
    assert_int_equal(world_take(&world, world_report(&world, "pothole", 400, 0)), number);
    other.merge_classes[0].code[0] = 'q';
    incidents_adopt(&world.incidents, &other);
    assert_int_not_equal(world_take(&world, world_report(&world, "pothole", 0, 0)), number);
    assert_int_equal(incidents_close(&world.incidents, number, INCIDENT_HANDLED, &world.effects),
                     STATUS_OK);
    assert_int_equal(world_incident(&world, number)->due_ms, world.effects.now_ms);
}

static uint64_t random_state;
static double random_share(void) {
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (double)(random_state >> 11) / 9007199254740992.0;
}

/* A day of everything in a small town; with restarts or without. */
static void live(struct world *town, bool restarts) {
    static const char *const categories[] = {"pothole",     "gas_leak",   "noise",  "forest_fire",
                                             "smoke_alarm", "tank_level", "dispute"};
    random_state = 7;
    for (int i = 0; i < 1500; i++) {
        town->effects.now_ms += (int64_t)(random_share() * 120000);
        struct sighting report = world_report(town, categories[(int)(random_share() * 7)],
                                              random_share() * 3000, random_share() * 3000);
        report.region = (uint32_t)(random_share() * 4);
        report.has_position = random_share() < 0.9;
        report.severity = (uint8_t)(1 + (int)(random_share() * 4));
        report.occurred_ms -= random_share() < 0.1 ? (int64_t)(random_share() * 1e8) : 0;
        report.observation.observer = 1 + (uint64_t)(random_share() * 20);
        report.observation.alarm = 1 + (uint64_t)(random_share() * 5);
        report.observation.kind = (uint8_t)(random_share() * OBSERVER_COUNT);
        report.observation.flags = (uint8_t)(random_share() * 32);
        report.observation.azimuth_deg = (float)(random_share() * 360);
        uint64_t number = world_take(town, report);
        if (number != 0 && random_share() < 0.2) {
            enum status status = incidents_close(
                &town->incidents, number, random_share() < 0.7 ? INCIDENT_HANDLED : INCIDENT_FALSE,
                &town->effects);
            assert_true(status == STATUS_OK || status == STATUS_CONFLICT);
        }
        if (random_share() < 0.1 && number != 0) {
            (void)incidents_fire(&town->incidents, number - (uint64_t)(random_share() * 20),
                                 &town->effects);
        }
        if (restarts && i % 100 == 50) {
            world_restart(town);
        } else if (i % 10 == 0) {
            world_flush(town);
        }
    }
    world_flush(town);
}

static void assert_same(const struct world *a, const struct world *b) {
    assert_int_equal(a->events_count, b->events_count);
    assert_memory_equal(a->events, b->events, a->events_count * sizeof *a->events);
    assert_int_equal(a->rows_count, b->rows_count);
    assert_memory_equal(a->rows, b->rows, a->rows_count * sizeof *a->rows);
}

static void the_same_inputs_give_the_same_bytes(void **state) {
    (void)state;
    static struct world again;
    world_open(&again, 1000);
    live(&world, false);
    live(&again, false);
    assert_true(world.events_count > 500);
    assert_same(&world, &again);
    assert_int_equal(
        memcmp(&world.incidents.counts, &again.incidents.counts, sizeof world.incidents.counts), 0);
    world_close(&again);
}

static void restarts_change_no_decision(void **state) {
    (void)state;
    static struct world again;
    world_open(&again, 1000);
    live(&world, false);
    live(&again, true);
    assert_same(&world, &again);
    world_close(&again);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_pothole_40_m_away_is_the_same_60_m_away_is_another),
        TEST(a_chain_of_20_reports_does_not_become_one_incident),
        TEST(the_spread_is_capped_where_the_gate_would_let_more_in),
        TEST(the_same_asset_decides_and_another_one_forbids),
        TEST(a_near_tie_joins_the_best_and_suggests),
        TEST(disputes_never_merge_but_name_the_same_household),
        TEST(noise_in_the_same_grid_is_one_until_it_has_been_quiet),
        TEST(a_worse_second_report_pages_again),
        TEST(absorbing_after_long_silence_pages_again_unless_somebody_was_busy),
        TEST(handled_reopens_and_false_does_not_eat_a_true_one),
        TEST(when_the_window_is_over_it_is_forgotten),
        TEST(late_backlog_joins_what_was_open_then_and_pages_nobody),
        TEST(a_full_table_still_joins_but_opens_none),
        TEST(rows_come_once_and_bring_everything_back),
        TEST(another_policy_is_adopted),
        TEST(the_same_inputs_give_the_same_bytes),
        TEST(restarts_change_no_decision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
