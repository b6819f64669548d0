/* The built-in policy against the figures of the field (domain.md 3.5, 3.7, 4.2). */
#include "core/time/calendar.h"
#include "server/rules/policy_file.h"
#include "tests/unit/support.h"

static struct policy policy;

static int set_up(void **state) {
    (void)state;
    struct error error = {""};
    enum status status = policy_load(&policy, "", &error);
    assert_string_equal(error.message, "");
    assert_int_equal(status, STATUS_OK);
    return 0;
}

static const struct category *category(const char *code) {
    const struct category *found = policy_category(&policy, slice_text(code));
    if (found == NULL) {
        fail_msg("no category %s", code);
    }
    return found;
}

/* Columns A, D, G, S, H, C, F; nothing where the table has no figure or one that no limit can say.
 */
static const struct row {
    const char *code, *merge;
    unsigned priority;
    const char *figures[7];
} rows[] = {
    {"forest_fire", "fire", 1, {"2m", "3m", "5m", "30m", "24h", "1h", "1d"}},
    {"gas_leak", "gas", 1, {"5m", "5m", "10m", "1h", "24h", "1h", "1d"}},
    {"road_collapse", "collapse", 1, {"5m", "5m", "10m", "1h", "2h", "1h", "1d"}},
    {"flood_risk", "flood", 1, {"5m", "5m", "10m", "1h", "2h", "1h", "1d"}},
    {"person_in_danger", "emergency", 1, {"5m", "5m", "10m", "1h", "2h", "1h", "1d"}},
    {"manhole_missing", "facility", 1, {"5m", "5m", "10m", "1h", "2h", "1h", "3d"}},
    {"utility_outage", "outage", 2, {"30m", "30m", "1h", "30m", "24h", "2h", "1d"}},
    {"dispute_escalating", "never", 1, {"10m", "10m", "15m", "1h", "7d", "1wd", "3d"}},
    {"dispute", "never", 3, {"30wm", "1wh", "1wh", "3wh", "7d", "2wd", "30d"}},
    {"open_burning", "smoke", 2, {"10m", "20m", "30m", "1h", "2h", "1h", "none"}},
    {"street_bbq", "smoke", 2, {"10m", "20m", "30m", "1h", "2h", "1h", "none"}},
    {"exposed_garbage", "sanitation", 3, {"30wm", "30wm", "1wh", "none", "4wh", "1wh", "none"}},
    {"road_dirty", "sanitation", 3, {"30wm", "30wm", "1wh", "none", "5wh", "1wh", "none"}},
    {"ponding", "ponding", 2, {"30m", "30m", "1h", "1h", "4wh", "1h", "none"}},
    {"rubble", "rubble", 3, {"30wm", "1wh", "1wh", "none", "4wd", "2wh", "none"}},
    {"streetlight", "streetlight", 3, {"30wm", "1wh", "1wh", "none", "3wd", "2wh", "none"}},
    {"road_damage", "road", 3, {"30wm", "1wh", "1wh", "4wh", "5wd", "1wd", "7d"}},
    {"water_body", "water", 4, {"2wh", "1wd", "1wd", "none", "15wd", "1wd", "none"}},
    {"illegal_building", "building", 4, {"30wm", "1wh", "1wh", "4wh", "15wd", "1wd", "none"}},
    {"service_request", "never", 3, {"2h", "4wh", "1wd", "none", "5wd", "none", "7d"}},
    {"appeal_general", "never", 3, {"2h", "4wh", "1wd", "none", "7d", "1wd", "7d"}},
    {"petition", "never", 4, {"15d", "1wd", "1wd", "none", "60d", "1wd", "30d"}},
    {"key_person_risk", "never", 2, {"10m", "30m", "1h", NULL, "1wd", "1wd", "none"}},
    {"red_tier_need", "never", 2, {"30m", "1h", "1h", NULL, "3wd", "1wd", "3d"}},
    {"sensor_fault", "alarm", 4, {NULL, "1wh", "1wd", "none", "3wd", NULL, "none"}},
    {"directive", "never", 3, {NULL, NULL, "1wh", "none", NULL, NULL, "none"}},
};

static void the_limits_are_those_of_the_table(void **state) {
    (void)state;
    static const enum stage stages[7] = {STAGE_ACCEPT,   STAGE_DISPATCH, STAGE_SIGN,
                                         STAGE_ON_SCENE, STAGE_HANDLE,   STAGE_CHECK,
                                         STAGE_FOLLOW_UP};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const struct category *found = category(rows[i].code);
        assert_int_equal(found->priority, rows[i].priority);
        assert_true(found->opens_ticket);
        assert_string_equal(policy_merge_class(&policy, found)->code, rows[i].merge);
        for (size_t k = 0; k < ARRAY_COUNT(stages); k++) {
            struct stage_limit wanted, have = found->limits[stages[k]];
            if (rows[i].figures[k] == NULL) {
                continue;
            }
            assert_true(stage_limit_parse(&wanted, slice_text(rows[i].figures[k])));
            if (wanted.unit != have.unit || wanted.amount != have.amount) {
                fail_msg("%s: %s is %u of unit %u, not %s", rows[i].code, stage_name(stages[k]),
                         have.amount, have.unit, rows[i].figures[k]);
            }
        }
    }
}

static int64_t seconds_of(struct stage_limit limit) {
    static const int64_t factors[] = {
        [METERING_URGENT_HOUR] = 1, [METERING_WORK_HOUR] = 1, [METERING_WORK_DAY] = 8 * 3600};
    return (int64_t)limit.amount * factors[limit.unit];
}

/* Counting a working day as 8 working hours: in one unit the whole is not shorter than its parts.
 */
static void overall_covers_what_it_spans(void **state) {
    (void)state;
    static const enum stage parts[] = {STAGE_ACCEPT, STAGE_DISPATCH, STAGE_HANDLE, STAGE_CHECK};
    for (uint32_t i = 0; i < policy.categories_count; i++) {
        const struct stage_limit *limits = policy.categories[i].limits;
        bool elapsed = limits[STAGE_OVERALL].unit == METERING_URGENT_HOUR;
        int64_t sum_s = 0;
        for (size_t k = 0; k < ARRAY_COUNT(parts); k++) {
            bool alike = (limits[parts[k]].unit == METERING_URGENT_HOUR) == elapsed;
            sum_s += alike ? seconds_of(limits[parts[k]]) : 0;
        }
        if (limits[STAGE_OVERALL].amount != 0 && seconds_of(limits[STAGE_OVERALL]) < sum_s) {
            fail_msg("%s: overall is too short", policy.categories[i].code);
        }
    }
}

static void only_the_daily_round_opens_no_ticket(void **state) {
    (void)state;
    for (uint32_t i = 0; i < policy.categories_count; i++) {
        const char *code = policy.categories[i].code;
        bool is_round = strcmp(code, "patrol") == 0 || strcmp(code, "collect") == 0 ||
                        strcmp(code, "publicity") == 0;
        assert_int_equal(policy.categories[i].opens_ticket, !is_round);
    }
}

static void the_merge_classes_are_those_of_the_table(void **state) {
    (void)state;
    static const struct {
        const char *code;
        enum merge_kind kind;
        uint32_t gate_m, idle_s, reopen_s;
    } classes[] = {
        {"never", MERGE_NEVER, 0, 0, 0},
        {"sanitation", MERGE_DISTANCE, 50, 0, 72 * 3600},
        {"road", MERGE_DISTANCE, 50, 0, 72 * 3600},
        {"streetlight", MERGE_DISTANCE, 50, 0, 72 * 3600},
        {"facility", MERGE_DISTANCE, 50, 0, 72 * 3600},
        {"ponding", MERGE_GRID, 300, 6 * 3600, 24 * 3600},
        {"outage", MERGE_GRID, 300, 6 * 3600, 24 * 3600},
        {"gas", MERGE_GRID, 150, 2 * 3600, 24 * 3600},
        {"emergency", MERGE_DISTANCE, 500, 3600, 0},
        {"fire", MERGE_FIRE, 2000, 12 * 3600, 24 * 3600},
        {"alarm", MERGE_ALARM, 0, 0, 600},
    };
    for (size_t i = 0; i < ARRAY_COUNT(classes); i++) {
        const struct merge_class *found =
            policy_merge_class_named(&policy, slice_text(classes[i].code));
        assert_non_null(found);
        assert_int_equal(found->kind, classes[i].kind);
        assert_int_equal(found->gate_m, classes[i].gate_m);
        assert_int_equal(found->idle_s, classes[i].idle_s);
        assert_int_equal(found->reopen_s, classes[i].reopen_s);
    }
    assert_int_equal(policy_merge_class_named(&policy, SLICE_LITERAL("fire"))->spread_m, 2000);
    assert_int_equal(policy_merge_class_named(&policy, SLICE_LITERAL("road"))->spread_m, 100);
}

/* What the file says of ladders, decisions and times is what holds without a file. */
static void the_file_and_the_code_agree(void **state) {
    (void)state;
    static struct policy bare;
    policy_init(&bare, 1);
    assert_memory_equal(policy.ladders, bare.ladders, sizeof bare.ladders);
    assert_memory_equal(policy.decide, bare.decide, sizeof bare.decide);
    assert_memory_equal(&policy.fire, &bare.fire, sizeof bare.fire);
    assert_memory_equal(&policy.alarm, &bare.alarm, sizeof bare.alarm);
    assert_memory_equal(policy.reply, bare.reply, sizeof bare.reply);
    assert_int_equal(policy.archive_s, bare.archive_s);
    assert_int_equal(policy.reopen_s, bare.reopen_s);
    assert_int_equal(policy.return_s, bare.return_s);
    assert_int_equal(policy.self_check_percent, bare.self_check_percent);
}

static void every_category_has_a_unit(void **state) {
    (void)state;
    const struct slice root = SLICE_LITERAL("610428");
    for (uint32_t i = 0; i < policy.categories_count; i++) {
        assert_non_null(policy_unit_for(&policy, policy.categories[i].tag, &root, 1));
    }
    static const char *const pairs[][2] = {{"gas_leak", "gas_company"},
                                           {"forest_fire", "fire_brigade"},
                                           {"dispute", "justice_office"},
                                           {"exposed_garbage", "sanitation"},
                                           {"directive", "governance_center"}};
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
        assert_string_equal(policy_unit_for(&policy, category(pairs[i][0])->tag, &root, 1)->code,
                            pairs[i][1]);
    }
}

static void channels_know_who_observes(void **state) {
    (void)state;
    static const struct {
        const char *code;
        enum observer_kind observer;
        bool public_;
    } channels[] = {
        {"handheld", OBSERVER_PERSON, false}, {"patrol", OBSERVER_RANGER, false},
        {"hotline", OBSERVER_PERSON, true},   {"camera", OBSERVER_CAMERA, false},
        {"sensor", OBSERVER_SENSOR, false},   {"satellite", OBSERVER_MODIS, false},
        {"gateway", OBSERVER_SYSTEM, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(channels); i++) {
        const struct channel *found = policy_channel(&policy, slice_text(channels[i].code));
        assert_non_null(found);
        assert_int_equal(found->observer, channels[i].observer);
        assert_int_equal(found->public_, channels[i].public_);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limits_are_those_of_the_table),
        cmocka_unit_test(overall_covers_what_it_spans),
        cmocka_unit_test(only_the_daily_round_opens_no_ticket),
        cmocka_unit_test(the_merge_classes_are_those_of_the_table),
        cmocka_unit_test(the_file_and_the_code_agree),
        cmocka_unit_test(every_category_has_a_unit),
        cmocka_unit_test(channels_know_who_observes),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
