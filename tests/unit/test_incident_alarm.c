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

static struct sighting sample(const char *category, uint64_t alarm, bool is_clear) {
    struct sighting sighting = world_report(&world, category, 0, 0);
    sighting.observation = (struct observation){
        .kind = OBSERVER_SENSOR,
        .flags = is_clear ? OBSERVATION_ALARM_CLEAR : 0,
        .observer = 1000 + alarm,
        .alarm = alarm,
    };
    return sighting;
}

static const struct alarm *alarm_of(uint64_t number) {
    return &world_incident(&world, number)->detail->alarm;
}

static enum fired fire_when_due(uint64_t number) {
    world_flush(&world);
    assert_int_equal(world.armed_number, number);
    assert_int_equal(world.armed_ms, world_incident(&world, number)->due_ms);
    world.effects.now_ms = world.armed_ms - 1;
    assert_int_equal(incidents_fire(&world.incidents, number, &world.effects), FIRED_NOTHING);
    world.effects.now_ms++;
    return incidents_fire(&world.incidents, number, &world.effects);
}

static void two_simultaneous_first_alarms_are_one_incident(void **state) {
    (void)state;
    uint64_t number = world_take(&world, sample("smoke_alarm", 5, false));
    assert_int_equal(world.taken.outcome, OUTCOME_OPENED);
    assert_false(world.taken.pending);
    assert_int_equal(world_take(&world, sample("smoke_alarm", 5, false)), number);
    assert_int_equal(world.taken.outcome, OUTCOME_JOINED);
    assert_int_equal(world.taken.match.rule, MATCH_ALARM);
    assert_int_equal(world.taken.repage, 0);
    assert_int_equal(alarm_of(number)->occurrences, 1);
    assert_int_not_equal(world_take(&world, sample("smoke_alarm", 6, false)), number);
    assert_int_not_equal(world_take(&world, sample("tank_level", 5, false)), number);
    assert_int_equal(world.incidents.open_count, 3);
}

static void it_clears_after_two_minutes_and_comes_again(void **state) {
    (void)state;
    assert_int_equal(world_take(&world, sample("smoke_alarm", 5, true)), 0);
    assert_int_equal(world.taken.outcome, OUTCOME_NONE);
    uint64_t number = world_take(&world, sample("smoke_alarm", 5, false));
    world.effects.now_ms += MINUTE_MS;
    assert_int_equal(world_take(&world, sample("smoke_alarm", 5, true)), number);
    assert_int_equal(alarm_of(number)->state, ALARM_CLEARING);
    world.effects.now_ms += MINUTE_MS;
    assert_int_equal(world_take(&world, sample("smoke_alarm", 5, false)), number);
    assert_int_equal(alarm_of(number)->occurrences, 2);
    assert_int_equal(world.taken.repage, 0);
    assert_int_equal(world_take(&world, sample("smoke_alarm", 5, true)), number);
    int64_t cleared_ms = world.effects.now_ms;
    assert_int_equal(fire_when_due(number), FIRED_CLEARED);
    assert_int_equal(world.effects.now_ms, cleared_ms + 120000);
    assert_int_equal(alarm_of(number)->state, ALARM_CLEARED);
    assert_non_null(strstr(world_last(&world, ENTRY_INCIDENT_ALARM)->json, "\"cleared\""));
    /* Within ten minutes after clearing: the same alarm; later: told again. */
    world.effects.now_ms = cleared_ms + 10 * MINUTE_MS;
    assert_int_equal(world_take(&world, sample("smoke_alarm", 5, false)), number);
    assert_int_equal(world.taken.repage, 0);
    assert_int_equal(alarm_of(number)->occurrences, 3);
    assert_int_equal(world_take(&world, sample("smoke_alarm", 5, true)), number);
    world.effects.now_ms += 10 * MINUTE_MS + 1;
    assert_int_equal(world_take(&world, sample("smoke_alarm", 5, false)), number);
    assert_int_equal(world.taken.repage, REPAGE_RAISED);
    assert_int_equal(alarm_of(number)->occurrences, 4);
}

static void an_old_sample_changes_nothing_now(void **state) {
    (void)state;
    uint64_t number = world_take(&world, sample("smoke_alarm", 5, false));
    struct sighting old = sample("smoke_alarm", 5, true);
    old.occurred_ms -= 1;
    assert_int_equal(world_take(&world, old), number);
    assert_int_equal(alarm_of(number)->state, ALARM_RAISED);
    assert_int_equal(world_incident(&world, number)->reports_count, 2);
}

static void what_is_no_life_safety_wants_two_of_three_samples(void **state) {
    (void)state;
    uint64_t number = world_take(&world, sample("tank_level", 5, false));
    assert_true(world.taken.pending);
    world.effects.now_ms += 5000;
    assert_int_equal(world_take(&world, sample("tank_level", 5, true)), number);
    assert_true(world.taken.pending);
    world.effects.now_ms += 5000;
    assert_int_equal(world_take(&world, sample("tank_level", 5, false)), number);
    assert_false(world.taken.pending);
    assert_int_equal(world.taken.repage, REPAGE_RAISED);
    assert_int_equal(alarm_of(number)->state, ALARM_RAISED);
}

static void or_half_a_minute(void **state) {
    (void)state;
    uint64_t number = world_take(&world, sample("tank_level", 5, false));
    int64_t began_ms = world.effects.now_ms;
    assert_int_equal(fire_when_due(number), FIRED_RAISED);
    assert_int_equal(world.effects.now_ms, began_ms + 30000);
    assert_int_equal(alarm_of(number)->state, ALARM_RAISED);
    assert_int_equal(world_events(&world, ENTRY_INCIDENT_ALARM, number), 1);
}

static void the_policy_says_when_it_is_raised_and_cleared(void **state) {
    (void)state;
    world.policy.alarm = (struct alarm_rules){3, 45, 200};
    uint64_t number = world_take(&world, sample("tank_level", 5, false));
    int64_t began_ms = world.effects.now_ms;
    assert_int_equal(fire_when_due(number), FIRED_RAISED);
    assert_int_equal(world.effects.now_ms, began_ms + 45000);
    assert_int_equal(world_take(&world, sample("tank_level", 5, true)), number);
    int64_t low_ms = world.effects.now_ms;
    assert_int_equal(fire_when_due(number), FIRED_CLEARED);
    assert_int_equal(world.effects.now_ms, low_ms + 200000);
    /* Two high samples are not yet enough, a third one is. */
    uint64_t other = world_take(&world, sample("tank_level", 6, false));
    world.effects.now_ms += 5000;
    assert_int_equal(world_take(&world, sample("tank_level", 6, false)), other);
    assert_true(world.taken.pending);
    assert_int_equal(world_take(&world, sample("tank_level", 6, false)), other);
    assert_false(world.taken.pending);
    /* One is, where one is enough. */
    world.policy.alarm.raise_samples = 1;
    number = world_take(&world, sample("tank_level", 7, false));
    assert_false(world.taken.pending);
    assert_int_equal(alarm_of(number)->state, ALARM_RAISED);
}

static void a_blip_is_dropped_and_does_not_eat_the_next_alarm(void **state) {
    (void)state;
    uint64_t number = world_take(&world, sample("tank_level", 5, false));
    world.effects.now_ms += 2000;
    world_take(&world, sample("tank_level", 5, true));
    assert_int_equal(fire_when_due(number), FIRED_DROPPED);
    assert_int_equal(world_incident(&world, number)->state, INCIDENT_FALSE);
    assert_int_equal(world.incidents.open_count, 0);
    uint64_t next = world_take(&world, sample("tank_level", 5, false));
    assert_int_not_equal(next, number);
    assert_int_equal(world.taken.outcome, OUTCOME_OPENED);
}

static void a_handled_alarm_comes_again_within_its_window(void **state) {
    (void)state;
    uint64_t number = world_take(&world, sample("smoke_alarm", 5, false));
    assert_int_equal(incidents_close(&world.incidents, number, INCIDENT_HANDLED, &world.effects),
                     STATUS_OK);
    world.effects.now_ms += 9 * MINUTE_MS;
    assert_int_equal(world_take(&world, sample("smoke_alarm", 5, true)), number);
    assert_int_equal(world_incident(&world, number)->state, INCIDENT_HANDLED);
    assert_int_equal(world_take(&world, sample("smoke_alarm", 5, false)), number);
    assert_int_equal(world.taken.outcome, OUTCOME_REOPENED);
    assert_int_equal(incidents_close(&world.incidents, number, INCIDENT_FALSE, &world.effects),
                     STATUS_OK);
    assert_int_not_equal(world_take(&world, sample("smoke_alarm", 5, false)), number);
}

static void a_sensor_that_toggles_each_second_for_an_hour(void **state) {
    (void)state;
    uint64_t number = world_take(&world, sample("smoke_alarm", 5, false));
    int64_t end_ms = world.effects.now_ms + HOUR_MS;
    size_t repages = 0, began = 0;
    uint32_t raises = 1;
    for (bool is_clear = true; world.effects.now_ms < end_ms; is_clear = !is_clear) {
        world.effects.now_ms += 1000;
        assert_int_equal(world_take(&world, sample("smoke_alarm", 5, is_clear)), number);
        repages += world.taken.repage != 0 ? 1 : 0;
        began += world.taken.flapping_began ? 1 : 0;
        raises += is_clear ? 0 : 1;
        if (world_incident(&world, number)->due_ms <= world.effects.now_ms) {
            assert_int_equal(incidents_fire(&world.incidents, number, &world.effects),
                             FIRED_SUMMARY);
        }
        world_flush(&world);
    }
    const struct alarm *alarm = alarm_of(number);
    assert_int_equal(world.incidents.open_count, 1);
    assert_int_equal(world_incident(&world, number)->reports_count, 3601);
    assert_int_equal(world_rows(&world, ROW_MEMBER), 3601);
    assert_int_equal(alarm->occurrences, raises);
    assert_int_equal(repages, 0);
    assert_int_equal(began, 1);
    assert_true(alarm->flapping);
    /* The fifth change begins it; the raises before it had events of their own. */
    assert_int_equal(world_events(&world, ENTRY_INCIDENT_ALARM, number), 2);
    assert_int_equal(world_events(&world, ENTRY_INCIDENT_FLAPPING, number), 1 + 1);
    assert_int_equal(alarm->suppressed_total, raises - 1 - 2);
    assert_int_equal(world.incidents.counts.suppressed, alarm->suppressed_total);
    /* Worse is told all the same. */
    struct sighting worse = sample("smoke_alarm", 5, false);
    worse.severity = SEVERITY_EXTREME;
    world_take(&world, worse);
    assert_int_equal(world.taken.repage, REPAGE_SEVERITY);
    /* Ten steady minutes end it. */
    assert_int_equal(fire_when_due(number), FIRED_SUMMARY);
    assert_int_equal(fire_when_due(number), FIRED_STEADY);
    assert_false(alarm_of(number)->flapping);
    assert_int_equal(alarm_of(number)->suppressed_told, alarm_of(number)->suppressed_total);
    assert_int_equal(world_incident(&world, number)->due_ms, INT64_MAX);
}

static void five_changes_in_ten_minutes_flap_and_four_do_not(void **state) {
    (void)state;
    uint64_t number = world_take(&world, sample("smoke_alarm", 5, false));
    for (int i = 0; i < 12; i++) {
        world.effects.now_ms += 151 * 1000;
        for (int steady = 0; steady < 3; steady++) {
            world_take(&world, sample("smoke_alarm", 5, i % 2 == 0));
            assert_false(world.taken.flapping_began);
        }
    }
    assert_false(alarm_of(number)->flapping);
    world.effects.now_ms += 140 * 1000;
    world_take(&world, sample("smoke_alarm", 5, true));
    assert_true(world.taken.flapping_began);
}

/* Takes samples given as a text of h and l, so many minutes from one to the next. */
static void take_samples(uint64_t number, const char *text, int64_t minutes) {
    for (; *text != '\0'; text++) {
        world.effects.now_ms += minutes * MINUTE_MS;
        while (world_incident(&world, number)->due_ms <= world.effects.now_ms) {
            assert_int_not_equal(incidents_fire(&world.incidents, number, &world.effects),
                                 FIRED_NOTHING);
        }
        world_take(&world, sample("smoke_alarm", 5, *text == 'l'));
    }
}

/* Too slow for five in ten minutes. The n newest of 20 changes weigh n(96-n) of 1520: the first
 * raise and eight changes are 51.5 %. */
static void more_than_half_of_the_last_changes_flap(void **state) {
    (void)state;
    uint64_t number = world_take(&world, sample("smoke_alarm", 5, false));
    take_samples(number, "lhlhlhl", 5);
    assert_false(alarm_of(number)->flapping);
    take_samples(number, "h", 5);
    assert_true(world.taken.flapping_began);
    assert_int_equal(world.taken.repage, 0);
    uint32_t suppressed = alarm_of(number)->suppressed_total;
    take_samples(number, "lh", 5);
    assert_int_equal(alarm_of(number)->suppressed_total, suppressed + 2); /* the clear, the raise */
}

/* Nine changes and 13 steady samples later seven of them are left, with 29 % of the weight; with
 * one more six, with 24.5 %. */
static void less_than_a_quarter_is_steady_again(void **state) {
    (void)state;
    uint64_t number = world_take(&world, sample("smoke_alarm", 5, false));
    take_samples(number, "lhlhlhlh", 5);
    assert_true(alarm_of(number)->flapping);
    take_samples(number, "hhhhhhhhhhhhh", 5);
    assert_true(world_incident(&world, number)->due_ms > world.effects.now_ms);
    assert_int_equal(world_events(&world, ENTRY_INCIDENT_FLAPPING, number), 1 + 2);
    take_samples(number, "h", 5);
    assert_int_equal(incidents_fire(&world.incidents, number, &world.effects), FIRED_STEADY);
    assert_false(alarm_of(number)->flapping);
    assert_non_null(strstr(world_last(&world, ENTRY_INCIDENT_FLAPPING)->json, "\"ended\""));
    /* What was does not count twice. */
    take_samples(number, "lhlh", 15);
    assert_false(alarm_of(number)->flapping);
}

static void silence_is_steady_too(void **state) {
    (void)state;
    uint64_t number = world_take(&world, sample("smoke_alarm", 5, false));
    take_samples(number, "lhlhlhlh", 5);
    int64_t last_ms = world.effects.now_ms;
    assert_int_equal(fire_when_due(number), FIRED_STEADY);
    assert_int_equal(world.effects.now_ms, last_ms + 30 * MINUTE_MS);
    take_samples(number, "lhlhlhlhl", 15);
    assert_true(alarm_of(number)->flapping);
}

static void flapping_goes_on_over_a_restart(void **state) {
    (void)state;
    uint64_t number = world_take(&world, sample("smoke_alarm", 5, false));
    take_samples(number, "lhlhlhl", 5);
    assert_int_equal(incidents_set_fault(&world.incidents, number, 77), STATUS_OK);
    assert_int_equal(incidents_set_fault(&world.incidents, number + 1, 77), STATUS_NOT_FOUND);
    world_restart(&world);
    assert_int_equal(alarm_of(number)->fault_ticket, 77);
    take_samples(number, "h", 5);
    assert_true(alarm_of(number)->flapping);
}

static void an_extreme_sample_is_believed_at_once(void **state) {
    (void)state;
    uint64_t number = world_take(&world, sample("tank_level", 5, false));
    world.effects.now_ms += 1000;
    world_take(&world, sample("tank_level", 5, true));
    world_take(&world, sample("tank_level", 5, true));
    world.effects.now_ms += 1000;
    struct sighting worse = sample("tank_level", 5, false);
    worse.severity = SEVERITY_EXTREME;
    assert_int_equal(world_take(&world, worse), number);
    assert_false(world.taken.pending);
    assert_int_equal(world.taken.repage & REPAGE_RAISED, REPAGE_RAISED);
}

static void a_clear_of_less_than_two_minutes_is_none(void **state) {
    (void)state;
    uint64_t number = world_take(&world, sample("smoke_alarm", 5, false));
    world_take(&world, sample("smoke_alarm", 5, true));
    world.effects.now_ms += 120 * 1000 - 1;
    assert_int_equal(incidents_fire(&world.incidents, number, &world.effects), FIRED_NOTHING);
    assert_int_equal(alarm_of(number)->state, ALARM_CLEARING);
    world_take(&world, sample("smoke_alarm", 5, true)); /* again: it has been clear since before */
    world.effects.now_ms++;
    assert_int_equal(incidents_fire(&world.incidents, number, &world.effects), FIRED_CLEARED);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(two_simultaneous_first_alarms_are_one_incident),
        TEST(it_clears_after_two_minutes_and_comes_again),
        TEST(an_old_sample_changes_nothing_now),
        TEST(what_is_no_life_safety_wants_two_of_three_samples),
        TEST(or_half_a_minute),
        TEST(the_policy_says_when_it_is_raised_and_cleared),
        TEST(a_blip_is_dropped_and_does_not_eat_the_next_alarm),
        TEST(a_handled_alarm_comes_again_within_its_window),
        TEST(a_sensor_that_toggles_each_second_for_an_hour),
        TEST(five_changes_in_ten_minutes_flap_and_four_do_not),
        TEST(more_than_half_of_the_last_changes_flap),
        TEST(less_than_a_quarter_is_steady_again),
        TEST(silence_is_steady_too),
        TEST(flapping_goes_on_over_a_restart),
        TEST(an_extreme_sample_is_believed_at_once),
        TEST(a_clear_of_less_than_two_minutes_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
