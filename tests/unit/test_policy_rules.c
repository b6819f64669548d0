#include "core/policy/policy.h"
#include "core/time/calendar.h"
#include "tests/unit/support.h"

static struct policy policy, before;
static struct error error;

enum { DAY_S = 86400, TOO_LONG_S = LIMIT_DAYS_MAX * DAY_S + 1 };

static const struct merge_class near = {.kind = MERGE_DISTANCE,
                                        .gate_m = 50,
                                        .spread_m = 100,
                                        .reopen_s = 72 * 3600,
                                        .stale_s = DAY_S,
                                        .suggest_m = 250};

static int set_up(void **state) {
    (void)state;
    policy_init(&policy, 1);
    assert_int_equal(policy_add_category(&policy, SLICE_LITERAL("litter"), SLICE_LITERAL("n"), 3,
                                         SEVERITY_MODERATE, &error),
                     STATUS_OK);
    assert_int_equal(policy_add_merge_class(&policy, SLICE_LITERAL("street"), &near, &error),
                     STATUS_OK);
    before = policy;
    return 0;
}

/* The last call was refused with the word in its reason, and nothing changed. */
static void refused(enum status status, const char *word) {
    assert_int_equal(status, STATUS_INVALID);
    if (strstr(error.message, word) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", error.message, word);
    }
    assert_memory_equal(&before, &policy, sizeof policy);
}

static const struct category *litter(void) {
    return policy_category(&policy, SLICE_LITERAL("litter"));
}

static void a_category_begins_with_the_limits_of_its_priority(void **state) {
    (void)state;
    static const uint32_t handle[5] = {0, 24 * 3600, 24 * 3600, 5, 15};
    for (unsigned priority = 1; priority <= 4; priority++) {
        struct stage_limit limits[STAGE_COUNT];
        policy_default_limits(limits, priority);
        assert_int_equal(limits[STAGE_HANDLE].amount, handle[priority]);
        assert_int_equal(limits[STAGE_HANDLE].unit,
                         priority <= 2 ? METERING_URGENT_HOUR : METERING_WORK_DAY);
        for (size_t i = 0; i < STAGE_COUNT; i++) {
            assert_true(stage_limit_is_valid(limits[i]));
        }
        assert_int_not_equal(limits[STAGE_OVERALL].amount, 0);
    }
    assert_true(litter()->opens_ticket);
    assert_false(litter()->self_handle || litter()->confidential);
    assert_int_equal(policy_merge_class(&policy, litter())->kind, MERGE_NEVER);
    assert_int_equal(litter()->limits[STAGE_HANDLE].amount, 5);
}

static void rules_go_in_and_come_out(void **state) {
    (void)state;
    struct category_rules rules = policy_category_rules(&policy, litter());
    assert_true(slice_is(rules.merge_class, "never"));
    rules.self_handle = rules.confidential = true;
    rules.merge_class = SLICE_LITERAL("street");
    rules.limits[STAGE_HANDLE] = (struct stage_limit){METERING_WORK_HOUR, 4 * 3600};
    assert_int_equal(policy_set_category_rules(&policy, SLICE_LITERAL("litter"), &rules, &error),
                     STATUS_OK);
    assert_true(litter()->self_handle && litter()->confidential && litter()->opens_ticket);
    assert_int_equal(policy_merge_class(&policy, litter())->gate_m, 50);
    assert_int_equal(litter()->limits[STAGE_HANDLE].amount, 4 * 3600);
    rules = policy_category_rules(&policy, litter());
    assert_true(slice_is(rules.merge_class, "street") && rules.self_handle);
}

static void bad_category_rules_are_refused(void **state) {
    (void)state;
    const struct category_rules good = policy_category_rules(&policy, litter());
    struct category_rules rules = good;
    refused(policy_set_category_rules(&policy, SLICE_LITERAL("pests"), &rules, &error),
            "no category");
    rules.merge_class = SLICE_LITERAL("stree");
    refused(policy_set_category_rules(&policy, SLICE_LITERAL("litter"), &rules, &error),
            "no merge class");
    const struct {
        enum stage stage;
        struct stage_limit limit;
        const char *word;
    } cases[] = {
        {STAGE_ACCEPT, {METERING_URGENT_HOUR, TOO_LONG_S}, "range"},
        {STAGE_HANDLE, {METERING_WORK_DAY, 367}, "range"},
        {STAGE_HANDLE, {0, 1}, "range"},
        {STAGE_HANDLE, {METERING_WORK_DAY, 8}, "shorter than handle"},
        {STAGE_DECIDE, {METERING_URGENT_HOUR, 60}, "by priority"},
        {STAGE_REPLY, {METERING_URGENT_HOUR, 60}, "by priority"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        rules = good;
        rules.limits[cases[i].stage] = cases[i].limit;
        refused(policy_set_category_rules(&policy, SLICE_LITERAL("litter"), &rules, &error),
                cases[i].word);
    }
}

/* Each of these stages could wait for ever if neither it nor the whole had a limit. */
static void no_stage_may_wait_unseen(void **state) {
    (void)state;
    static const enum stage stages[] = {STAGE_ACCEPT, STAGE_VERIFY, STAGE_DISPATCH, STAGE_HANDLE,
                                        STAGE_CHECK};
    const struct stage_limit none = {METERING_URGENT_HOUR, 0};
    for (size_t i = 0; i < ARRAY_COUNT(stages); i++) {
        struct category_rules rules = policy_category_rules(&policy, litter());
        rules.limits[stages[i]] = rules.limits[STAGE_OVERALL] = none;
        refused(policy_set_category_rules(&policy, SLICE_LITERAL("litter"), &rules, &error),
                "overall");
    }
    struct category_rules rules = policy_category_rules(&policy, litter());
    rules.limits[STAGE_OVERALL] = none;
    assert_int_equal(policy_set_category_rules(&policy, SLICE_LITERAL("litter"), &rules, &error),
                     STATUS_OK);
    rules.limits[STAGE_CHECK] = none;
    rules.opens_ticket = false;
    assert_int_equal(policy_set_category_rules(&policy, SLICE_LITERAL("litter"), &rules, &error),
                     STATUS_OK);
}

static void merge_classes_are_found(void **state) {
    (void)state;
    const struct merge_class *found = policy_merge_class_named(&policy, SLICE_LITERAL("street"));
    assert_non_null(found);
    assert_int_equal(found->spread_m, 100);
    assert_non_null(policy_merge_class_named(&policy, SLICE_LITERAL("never")));
    assert_null(policy_merge_class_named(&policy, SLICE_LITERAL("streets")));
}

static void bad_merge_classes_are_refused(void **state) {
    (void)state;
    refused(policy_add_merge_class(&policy, SLICE_LITERAL("street"), &near, &error), "already");
    refused(policy_add_merge_class(&policy, SLICE_LITERAL("never"), &near, &error), "already");
    refused(policy_add_merge_class(&policy, SLICE_LITERAL("A"), &near, &error), "a-z");
    const struct {
        struct merge_class rules;
        const char *word;
    } cases[] = {
        {{.kind = MERGE_NEVER, .gate_m = 1}, "never"},
        {{.kind = MERGE_NEVER, .reopen_s = 1}, "never"},
        {{.kind = (enum merge_kind)9, .gate_m = 1, .spread_m = 1}, "kind"},
        {{.kind = MERGE_DISTANCE}, "gate_m: is 0"},
        {{.kind = MERGE_FIRE, .spread_m = 10}, "gate_m: is 0"},
        {{.kind = MERGE_GRID, .gate_m = 51, .spread_m = 50}, "above spread_m"},
        {{.kind = MERGE_DISTANCE, .gate_m = 5, .spread_m = 100001}, "spread"},
        {{.kind = MERGE_DISTANCE, .gate_m = 5, .spread_m = 5, .suggest_m = 100001}, "suggest"},
        {{.kind = MERGE_DISTANCE, .gate_m = 5, .spread_m = 5, .suggest_m = 5}, "suggest"},
        {{.kind = MERGE_ALARM, .idle_s = TOO_LONG_S}, "366 days"},
        {{.kind = MERGE_ALARM, .reopen_s = TOO_LONG_S}, "366 days"},
        {{.kind = MERGE_ALARM, .stale_s = TOO_LONG_S}, "366 days"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        refused(policy_add_merge_class(&policy, SLICE_LITERAL("x"), &cases[i].rules, &error),
                cases[i].word);
    }
    const struct merge_class edge = {.kind = MERGE_DISTANCE,
                                     .gate_m = MERGE_DISTANCE_M_MAX,
                                     .spread_m = MERGE_DISTANCE_M_MAX,
                                     .idle_s = TOO_LONG_S - 1};
    assert_int_equal(policy_add_merge_class(&policy, SLICE_LITERAL("x"), &edge, &error), STATUS_OK);
    const struct merge_class alarm = {.kind = MERGE_ALARM};
    assert_int_equal(policy_add_merge_class(&policy, SLICE_LITERAL("y"), &alarm, &error),
                     STATUS_OK);
    char code[32];
    for (uint32_t i = policy.merge_classes_count; i < MERGE_CLASSES_MAX; i++) {
        snprintf(code, sizeof code, "class_%u", i);
        assert_int_equal(policy_add_merge_class(&policy, slice_text(code), &near, &error),
                         STATUS_OK);
    }
    assert_int_equal(policy_add_merge_class(&policy, SLICE_LITERAL("one_more"), &near, &error),
                     STATUS_FULL);
}

static void channels_say_who_observes(void **state) {
    (void)state;
    assert_null(policy_default_channel(&policy));
    static const char *const codes[] = {"tower", "handheld", "app"};
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        assert_int_equal(
            policy_add_channel(&policy, slice_text(codes[i]), SLICE_LITERAL("n"), &error),
            STATUS_OK);
    }
    assert_string_equal(policy_default_channel(&policy)->code, "handheld");
    assert_int_equal(
        policy_set_channel_rules(&policy, SLICE_LITERAL("tower"), OBSERVER_CAMERA, false, &error),
        STATUS_OK);
    assert_int_equal(
        policy_set_channel_rules(&policy, SLICE_LITERAL("app"), OBSERVER_PERSON, true, &error),
        STATUS_OK);
    assert_int_equal(policy_channel(&policy, SLICE_LITERAL("tower"))->observer, OBSERVER_CAMERA);
    assert_true(policy_channel(&policy, SLICE_LITERAL("app"))->public_);
    assert_false(policy_default_channel(&policy)->public_);
    before = policy;
    refused(
        policy_set_channel_rules(&policy, SLICE_LITERAL("pigeon"), OBSERVER_PERSON, true, &error),
        "no channel");
    refused(policy_set_channel_rules(&policy, SLICE_LITERAL("app"), OBSERVER_COUNT, true, &error),
            "observer");
}

static void the_ladders_are_those_of_the_field(void **state) {
    (void)state;
    static const struct {
        uint32_t reminder, repeat_s, ack;
        uint8_t top_level, ack_unit;
    } rows[5] = {{0},
                 {50, 1800, 900, 0, METERING_URGENT_HOUR},
                 {50, 14400, 3600, 1, METERING_URGENT_HOUR},
                 {0, 14400, 14400, 1, METERING_WORK_HOUR},
                 {0, 14400, 1, 1, METERING_WORK_DAY}};
    for (unsigned priority = 1; priority <= 4; priority++) {
        const struct ladder *ladder = &policy.ladders[priority];
        assert_int_equal(ladder->reminder_percent, rows[priority].reminder);
        assert_int_equal(ladder->near_percent, 80);
        assert_int_equal(ladder->step_s, 600);
        assert_int_equal(ladder->step_percent, 25);
        assert_int_equal(ladder->repeat_s, rows[priority].repeat_s);
        assert_int_equal(ladder->top_level, rows[priority].top_level);
        assert_int_equal(ladder->ack.unit, rows[priority].ack_unit);
        assert_int_equal(ladder->ack.amount, rows[priority].ack);
        assert_int_equal(ladder->unacked_s[0], priority == 1 ? 300 : 0);
        struct ladder same = *ladder;
        assert_int_equal(policy_set_ladder(&policy, priority, &same, &error), STATUS_OK);
    }
    assert_int_equal(policy.ladders[1].unacked_s[1], 600);
    assert_int_equal(policy.ladders[1].unacked_s[2], 900);
    assert_int_equal(policy.ladders[1].unacked_s[3], 0);
}

static void bad_ladders_are_refused(void **state) {
    (void)state;
    const struct ladder good = policy.ladders[1];
    refused(policy_set_ladder(&policy, 0, &good, &error), "priority");
    refused(policy_set_ladder(&policy, 5, &good, &error), "priority");
#define BAD(field, value, word)                                                                    \
    do {                                                                                           \
        struct ladder ladder = good;                                                               \
        ladder.field = (value);                                                                    \
        refused(policy_set_ladder(&policy, 1, &ladder, &error), word);                             \
    } while (0)
    BAD(near_percent, 0, "near_percent");
    BAD(near_percent, 100, "near_percent");
    BAD(reminder_percent, 80, "reminder_percent");
    BAD(step_s, LADDER_PAUSE_S_DEFAULT - 1, "step");
    BAD(step_s, TOO_LONG_S, "step");
    BAD(step_percent, LADDER_STEP_PERCENT_MAX + 1, "step_percent");
    BAD(repeat_s, LADDER_PAUSE_S_DEFAULT - 1, "repeat");
    BAD(repeat_s, TOO_LONG_S, "repeat");
    BAD(top_level, 16, "top_level");
    BAD(ack.amount, 0, "ack");
    BAD(ack.unit, 9, "ack");
    BAD(unacked_s[0], 0, "unacked");
    BAD(unacked_s[1], 300, "unacked");
    BAD(unacked_s[2], TOO_LONG_S, "unacked");
    BAD(unacked_s[4], 1000, "unacked");
#undef BAD
    struct ladder full = good;
    for (uint32_t i = 0; i < LADDER_UNACKED_MAX; i++) {
        full.unacked_s[i] = i + 1;
    }
    assert_int_equal(policy_set_ladder(&policy, 2, &full, &error), STATUS_OK);
}

static void fires_are_matched_within_bounds(void **state) {
    (void)state;
    const struct fire_rules good = policy.fire;
    assert_int_equal(good.observers[OBSERVER_CAMERA].window_s, 1800);
    assert_int_equal(good.observers[OBSERVER_VIIRS].window_s, 12 * 3600);
    assert_int_equal(good.observers[OBSERVER_VIIRS].radius_m, 375);
    assert_int_equal(policy_set_fire(&policy, &good, &error), STATUS_OK);
#define BAD(field, value, word)                                                                    \
    do {                                                                                           \
        struct fire_rules rules = good;                                                            \
        rules.field = (value);                                                                     \
        refused(policy_set_fire(&policy, &rules, &error), word);                                   \
    } while (0)
    BAD(observers[OBSERVER_MODIS].window_s, 0, "modis.window");
    BAD(observers[OBSERVER_SYSTEM].window_s, FIRE_WINDOW_S_MAX + 1, "system.window");
    BAD(observers[OBSERVER_PERSON].radius_m, 0, "person.radius_m");
    BAD(observers[OBSERVER_GEOSTATIONARY].radius_m, FIRE_DISC_M_MAX + 1, "geostationary.radius_m");
    BAD(observers[OBSERVER_CAMERA].radius_m, FIRE_SECTOR_M_MIN - 1, "camera.radius_m");
    BAD(observers[OBSERVER_CAMERA].radius_m, FIRE_SECTOR_M_MAX + 1, "camera.radius_m");
    BAD(rekindle_m, 0, "rekindle_m");
    BAD(rekindle_m, FIRE_DISC_M_MAX + 1, "rekindle_m");
    BAD(overlap_percent, 0, "overlap_percent");
    BAD(overlap_percent, 101, "overlap_percent");
    BAD(sequence_gap_s, 0, "sequence_gap");
    BAD(sequence_gap_s, FIRE_WINDOW_S_MAX + 1, "sequence_gap");
    BAD(confirm_frames, 0, "confirm_frames");
    BAD(confirm_frames, FIRE_FRAMES_MAX + 1, "confirm_frames");
    BAD(confirm_within_s, 0, "confirm_within");
    BAD(confirm_within_s, FIRE_CONFIRM_S_MAX + 1, "confirm_within");
#undef BAD
    struct fire_rules edge = {.rekindle_m = FIRE_DISC_M_MAX,
                              .overlap_percent = 100,
                              .sequence_gap_s = FIRE_WINDOW_S_MAX,
                              .confirm_frames = FIRE_FRAMES_MAX,
                              .confirm_within_s = FIRE_CONFIRM_S_MAX};
    for (unsigned kind = 0; kind < OBSERVER_COUNT; kind++) {
        edge.observers[kind].window_s = FIRE_WINDOW_S_MAX;
        edge.observers[kind].radius_m = kind == OBSERVER_CAMERA ? FIRE_SECTOR_M_MIN : 1;
    }
    assert_int_equal(policy_set_fire(&policy, &edge, &error), STATUS_OK);
    assert_memory_equal(&policy.fire, &edge, sizeof edge);
}

static void alarms_are_raised_and_cleared_within_bounds(void **state) {
    (void)state;
    const struct alarm_rules good = policy.alarm;
    assert_int_equal(good.raise_samples, 2);
    assert_int_equal(good.raise_for_s, 30);
    assert_int_equal(good.clear_for_s, 120);
#define BAD(field, value, word)                                                                    \
    do {                                                                                           \
        struct alarm_rules rules = good;                                                           \
        rules.field = (value);                                                                     \
        refused(policy_set_alarm(&policy, &rules, &error), word);                                  \
    } while (0)
    BAD(raise_samples, 0, "raise_samples");
    BAD(raise_samples, ALARM_RAISE_OF + 1, "raise_samples");
    BAD(raise_for_s, 0, "raise_for");
    BAD(raise_for_s, ALARM_HOLD_S_MAX + 1, "raise_for");
    BAD(clear_for_s, 0, "clear_for");
    BAD(clear_for_s, ALARM_HOLD_S_MAX + 1, "clear_for");
#undef BAD
    const struct alarm_rules edge = {ALARM_RAISE_OF, ALARM_HOLD_S_MAX, ALARM_HOLD_S_MAX};
    assert_int_equal(policy_set_alarm(&policy, &edge, &error), STATUS_OK);
    assert_memory_equal(&policy.alarm, &edge, sizeof edge);
}

static void times_are_bounded(void **state) {
    (void)state;
    assert_int_equal(policy.archive_s, 7 * DAY_S);
    assert_int_equal(policy.reopen_s, 30 * DAY_S);
    assert_int_equal(policy.self_check_percent, 10);
    refused(policy_set_times(&policy, 0, 1, 1, 1, &error), "archive");
    refused(policy_set_times(&policy, TOO_LONG_S, 1, 1, 1, &error), "archive");
    refused(policy_set_times(&policy, 1, TOO_LONG_S, 1, 1, &error), "reopen");
    refused(policy_set_times(&policy, 1, 1, TOO_LONG_S, 1, &error), "return_window");
    refused(policy_set_times(&policy, 1, 1, 1, 101, &error), "self_check_percent");
    const struct stage_limit soon = {METERING_URGENT_HOUR, 60}, never = {METERING_URGENT_HOUR, 0};
    refused(policy_set_decide(&policy, 0, soon, &error), "priority");
    refused(policy_set_decide(&policy, 5, soon, &error), "priority");
    refused(policy_set_decide(&policy, 1, never, &error), "decided");
    refused(policy_set_reply(&policy, 0, soon, &error), "priority");
    refused(policy_set_reply(&policy, 1, never, &error), "answered");
    assert_int_equal(policy_set_times(&policy, 1, 0, 0, 100, &error), STATUS_OK);
    assert_int_equal(policy.archive_s + policy.self_check_percent, 101);
    assert_int_equal(policy_set_decide(&policy, 4, soon, &error), STATUS_OK);
    assert_int_equal(policy.decide[4].amount, 60);
    assert_int_equal(policy.decide[3].amount, 4 * 3600);
    for (unsigned priority = 1; priority <= 4; priority++) { /* as long as an ack holds */
        assert_int_equal(policy.reply[priority].unit, policy.ladders[priority].ack.unit);
        assert_int_equal(policy.reply[priority].amount, policy.ladders[priority].ack.amount);
    }
    assert_int_equal(policy_set_reply(&policy, 4, soon, &error), STATUS_OK);
    assert_int_equal(policy.reply[4].amount, 60);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_category_begins_with_the_limits_of_its_priority, set_up),
        cmocka_unit_test_setup(rules_go_in_and_come_out, set_up),
        cmocka_unit_test_setup(bad_category_rules_are_refused, set_up),
        cmocka_unit_test_setup(no_stage_may_wait_unseen, set_up),
        cmocka_unit_test_setup(merge_classes_are_found, set_up),
        cmocka_unit_test_setup(bad_merge_classes_are_refused, set_up),
        cmocka_unit_test_setup(channels_say_who_observes, set_up),
        cmocka_unit_test_setup(the_ladders_are_those_of_the_field, set_up),
        cmocka_unit_test_setup(bad_ladders_are_refused, set_up),
        cmocka_unit_test_setup(fires_are_matched_within_bounds, set_up),
        cmocka_unit_test_setup(alarms_are_raised_and_cleared_within_bounds, set_up),
        cmocka_unit_test_setup(times_are_bounded, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
