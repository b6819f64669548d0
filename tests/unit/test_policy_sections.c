#include "core/time/calendar.h"
#include "server/rules/policy_file.h"
#include "tests/unit/support.h"

#include <unistd.h>

static struct policy policy, before;

static enum status load_text(const char *text, struct error *error) {
    char path[4200];
    const char *directory = support_temporary_directory();
    snprintf(path, sizeof path, "%s/policy.yaml", directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    enum status status = policy_load(&policy, path, error);
    support_remove_tree(directory);
    return status;
}

static void load(const char *text) {
    struct error error = {""};
    if (load_text(text, &error) != STATUS_OK) {
        fail_msg("%s", error.message);
    }
}

/* Lines 1 to 6; what a test adds begins on line 7. */
#define HEAD                                                                                       \
    "version: 7\ncategories:\n- {code: fire, name: f, priority: P1}\n"                             \
    "- {code: litter, name: l, priority: P3}\nchannels:\n- {code: handheld, name: h}\n"
#define CLASSES "merge_classes:\n- {code: near, kind: distance, gate_m: 50}\n"

static void a_small_file_has_the_defaults(void **state) {
    (void)state;
    static struct policy bare;
    load(HEAD);
    policy_init(&bare, 7);
    assert_memory_equal(policy.ladders, bare.ladders, sizeof bare.ladders);
    assert_int_equal(policy.merge_classes_count, 1);
    assert_int_equal(policy.units_count + policy.assignments_count, 0);
    struct stage_limit limits[STAGE_COUNT];
    policy_default_limits(limits, 3);
    const struct category *litter = policy_category(&policy, SLICE_LITERAL("litter"));
    assert_true(litter->opens_ticket);
    assert_int_equal(litter->merge_class, 0);
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        assert_int_equal(litter->limits[i].unit, limits[i].unit);
        assert_int_equal(litter->limits[i].amount, limits[i].amount);
    }
}

static void everything_can_be_said(void **state) {
    (void)state;
    load("version: 9\n"
         "merge_classes:\n- {code: near, kind: grid, gate_m: 30, spread_m: 40, suggest_m: 90, "
         "idle: 6h, reopen: 72h, stale: 15m}\n"
         "categories:\n- {code: litter, name: l, priority: P2, severity: minor, ticket: false, "
         "self_handle: true, confidential: true, merge: near, accept: 90s, verify: 1wh, dispatch: "
         "none, sign: 2h, on_scene: 3h, handle: 4wh, check: 5wd, follow_up: 6d, overall: 7wd}\n"
         "channels:\n- {code: handheld, name: h, observer: ranger, public: true}\n"
         "units:\n- {code: sweepers, name: s}\n- {code: all, name: a}\n"
         "assignments:\n- {unit: all}\n- {unit: sweepers, category: litter, region: '6104'}\n"
         "ladders:\n  P2: {reminder_percent: 10, near_percent: 90, step: 5m, step_percent: 30, "
         "repeat: 1h, top_level: 3, ack: 2wh, unacked: [1m, 2m]}\n"
         "fire: {geostationary: {window: 30m, radius_m: 3000}, camera: {radius_m: 20000}, "
         "rekindle_m: 700, overlap_percent: 25, sequence_gap: 1h, confirm_frames: 2, "
         "confirm_within: 90s}\n"
         "alarm: {raise_samples: 3, clear_for: 5m}\n"
         "decide: {P4: 3wd}\nreply: {P2: 2h}\narchive: 1d\nreopen: none\nreturn_window: 30m\n"
         "self_check_percent: 25\n");
    const struct category *litter = policy_category(&policy, SLICE_LITERAL("litter"));
    assert_false(litter->opens_ticket);
    assert_true(litter->self_handle && litter->confidential);
    static const struct stage_limit limits[STAGE_COUNT] = {
        [STAGE_ACCEPT] = {METERING_URGENT_HOUR, 90},
        [STAGE_VERIFY] = {METERING_WORK_HOUR, 3600},
        [STAGE_DISPATCH] = {METERING_URGENT_HOUR, 0},
        [STAGE_SIGN] = {METERING_URGENT_HOUR, 7200},
        [STAGE_ON_SCENE] = {METERING_URGENT_HOUR, 10800},
        [STAGE_HANDLE] = {METERING_WORK_HOUR, 14400},
        [STAGE_CHECK] = {METERING_WORK_DAY, 5},
        [STAGE_FOLLOW_UP] = {METERING_URGENT_HOUR, 518400},
        [STAGE_DECIDE] = {METERING_URGENT_HOUR, 0},
        [STAGE_OVERALL] = {METERING_WORK_DAY, 7},
        [STAGE_REPLY] = {METERING_URGENT_HOUR, 0},
    };
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        assert_int_equal(litter->limits[i].unit, limits[i].unit);
        assert_int_equal(litter->limits[i].amount, limits[i].amount);
    }
    const struct merge_class *near = policy_merge_class(&policy, litter);
    assert_string_equal(near->code, "near");
    assert_int_equal(near->kind, MERGE_GRID);
    assert_int_equal(near->gate_m * 1000 + near->spread_m, 30040);
    assert_int_equal(near->suggest_m, 90);
    assert_int_equal(near->idle_s, 6 * 3600);
    assert_int_equal(near->reopen_s, 72 * 3600);
    assert_int_equal(near->stale_s, 900);
    assert_int_equal(policy_default_channel(&policy)->observer, OBSERVER_RANGER);
    assert_true(policy_default_channel(&policy)->public_);
    const struct slice path[] = {SLICE_LITERAL("61"), SLICE_LITERAL("6104")};
    assert_string_equal(policy_unit_for(&policy, litter->tag, path, 2)->code, "sweepers");
    assert_string_equal(policy_unit_for(&policy, litter->tag, path, 1)->code, "all");
    const struct ladder *ladder = &policy.ladders[2];
    assert_int_equal(ladder->reminder_percent * 100 + ladder->near_percent, 1090);
    assert_int_equal(ladder->step_s * 100 + ladder->step_percent, 30030);
    assert_int_equal(ladder->repeat_s + ladder->top_level, 3603);
    assert_int_equal(ladder->ack.unit, METERING_WORK_HOUR);
    assert_int_equal(ladder->ack.amount, 7200);
    assert_int_equal(ladder->unacked_s[0] + ladder->unacked_s[1] + ladder->unacked_s[2], 180);
    assert_int_equal(policy.fire.observers[OBSERVER_GEOSTATIONARY].window_s, 1800);
    assert_int_equal(policy.fire.observers[OBSERVER_GEOSTATIONARY].radius_m, 3000);
    assert_int_equal(policy.fire.observers[OBSERVER_CAMERA].window_s, 1800);
    assert_int_equal(policy.fire.observers[OBSERVER_CAMERA].radius_m, 20000);
    assert_int_equal(policy.fire.rekindle_m * 100 + policy.fire.overlap_percent, 70025);
    assert_int_equal(policy.fire.sequence_gap_s * 10 + policy.fire.confirm_frames, 36002);
    assert_int_equal(policy.fire.confirm_within_s, 90);
    assert_int_equal(policy.alarm.raise_samples * 1000 + policy.alarm.clear_for_s, 3300);
    assert_int_equal(policy.alarm.raise_for_s, 30); /* left out */
    assert_int_equal(policy.decide[4].amount, 3);
    assert_int_equal(policy.decide[1].amount, 600);
    assert_int_equal(policy.reply[2].amount, 7200);
    assert_int_equal(policy.reply[1].amount, 900);
    assert_int_equal(policy.archive_s, 86400);
    assert_int_equal(policy.reopen_s, 0);
    assert_int_equal(policy.return_s, 1800);
    assert_int_equal(policy.self_check_percent, 25);
}

static void what_is_left_out_of_a_ladder_stays(void **state) {
    (void)state;
    load(HEAD "ladders: {P1: {repeat: 10m}, P3: {unacked: [2h]}}\n");
    assert_int_equal(policy.ladders[1].repeat_s, 600);
    assert_int_equal(policy.ladders[1].unacked_s[2], 900);
    assert_int_equal(policy.ladders[3].unacked_s[0], 7200);
    load(HEAD "ladder_pause: 2s\nladders: {P1: {step: 2s, repeat: 3s}}\n");
    assert_int_equal(policy.ladders[1].step_s + policy.ladders[1].repeat_s, 5);
    load(HEAD "ladders: {P1: {unacked: []}}\n");
    assert_int_equal(policy.ladders[1].unacked_s[0], 0);
}

/* The default overall limit could be shorter than the stages that a file names. */
static void own_stages_bring_their_own_overall(void **state) {
    (void)state;
    load("version: 1\nchannels: [{code: handheld, name: h}]\ncategories:\n"
         "- {code: a, name: n, priority: P3, handle: 60wd}\n"
         "- {code: b, name: n, priority: P3, follow_up: none}\n"
         "- {code: c, name: n, priority: P3, handle: 60wd, overall: 70wd}\n");
    assert_int_equal(policy_category(&policy, SLICE_LITERAL("a"))->limits[STAGE_OVERALL].amount, 0);
    assert_int_equal(policy_category(&policy, SLICE_LITERAL("b"))->limits[STAGE_OVERALL].amount, 7);
    assert_int_equal(policy_category(&policy, SLICE_LITERAL("c"))->limits[STAGE_OVERALL].amount,
                     70);
}

/* Each bad line stands on line 8, below its section's name; the message must have all of `reason`.
 */
static void bad_sections_are_refused_with_line_and_key(void **state) {
    (void)state;
    static const struct {
        const char *section, *bad, *reason;
    } cases[] = {
        {"merge_classes:\n", "- {code: x, kind: near}", ":8: merge_classes[0].kind: is none of"},
        {"merge_classes:\n", "- {code: x}", ":8: merge_classes[0]: the key kind is missing"},
        {"merge_classes:\n", "- {code: x, kind: distance}", "merge_classes[0]: gate_m: is 0"},
        {"merge_classes:\n", "- {code: x, kind: distance, gate_m: 0}",
         ":8: merge_classes[0].gate_m: is 0"},
        {"merge_classes:\n", "- {code: x, kind: distance, gate_m: 5m}",
         ":8: merge_classes[0].gate_m: is no whole number"},
        {"merge_classes:\n", "- {code: x, kind: distance, gate_m: 51, spread_m: 50}",
         ":8: merge_classes[0].gate_m: is above spread_m"},
        {"merge_classes:\n", "- {code: x, kind: grid, gate_m: 9, suggest_m: 9}",
         ":8: merge_classes[0].suggest_m: is not above"},
        {"merge_classes:\n", "- {code: x, kind: grid, gate_m: 100001}", "above 100000 m"},
        {"merge_classes:\n", "- {code: x, kind: alarm, idle: 2wh}",
         ":8: merge_classes[0].idle: is no time"},
        {"merge_classes:\n", "- {code: x, kind: alarm, stale: 367d}",
         ":8: merge_classes[0].stale: is no time"},
        {"merge_classes:\n", "- {code: x, kind: never, reopen: 1h}",
         ":8: merge_classes[0].kind: never takes"},
        {"merge_classes:\n", "- {code: never, kind: never}",
         ":8: merge_classes[0]: never: it is there already"},
        {"merge_classes:\n", "- {code: X, kind: never}", ":8: merge_classes[0]: a code has"},
        {"merge_classes:\n", "- {code: x, kind: never, radius: 1}",
         ":8: merge_classes[0].radius: there is no such key"},
        {"units:\n", "- {code: x}", ":8: units[0]: the key name is missing"},
        {"units:\n", "- {code: x y, name: n}", ":8: units[0]: a code has"},
        {"units: [{code: x, name: n}]\nassignments:\n", "- {unit: y}",
         ":9: assignments[0]: y: is no unit"},
        {"units: [{code: x, name: n}]\nassignments:\n", "- {unit: x, category: pests}",
         ":9: assignments[0]: pests: is no category"},
        {"units: [{code: x, name: n}]\nassignments:\n", "- {unit: x, category: ''}",
         ":9: assignments[0].category: is empty"},
        {"units: [{code: x, name: n}]\nassignments:\n", "- {unit: x, region: ''}",
         ":9: assignments[0].region: is empty"},
        {"units: [{code: x, name: n}]\nassignments:\n- {unit: x}\n", "- {unit: x}",
         ":10: assignments[1]: the same category and region"},
        {"ladders:\n", "  P5: {}", ":8: ladders.P5: there is no such key"},
        {"ladders:\n", "  P1: {near_percent: 100}", ":8: ladders.P1.near_percent: is not from"},
        {"ladders:\n", "  P1: {reminder_percent: 80}", ":8: ladders.P1.reminder_percent: is not"},
        {"ladders:\n", "  P1: {step: 59s}", ":8: ladders.P1.step: is not from ladder_pause"},
        {"ladder_pause: 2s\n", "ladders: {P1: {step: 1s}}", ":8: ladders.P1.step: is not from"},
        {"ladder_pause: 61s\n", "", ":7: ladder_pause: is not from 1 second to 1 minute"},
        {"ladder_pause: none\n", "", ":7: ladder_pause: is not from 1 second to 1 minute"},
        {"ladders:\n", "  P1: {step: 1wh}", ":8: ladders.P1.step: is no time"},
        {"ladders:\n", "  P1: {step_percent: 1001}", ":8: ladders.P1.step_percent: is above"},
        {"ladders:\n", "  P1: {repeat: none}", ":8: ladders.P1.repeat: is not from"},
        {"ladders:\n", "  P1: {top_level: 16}", ":8: ladders.P1.top_level: is above 15"},
        {"ladders:\n", "  P1: {top_level: 256}", ":8: ladders.P1.top_level: is above 15"},
        {"ladders:\n", "  P1: {ack: none}", ":8: ladders.P1.ack: must expire"},
        {"ladders:\n", "  P1: {ack: soon}", ":8: ladders.P1.ack: is no limit"},
        {"ladders:\n", "  P1: {unacked: [5m, 5m]}", ":8: ladders.P1.unacked: times must rise"},
        {"ladders:\n", "  P1: {unacked: [5m, none]}", ":8: ladders.P1.unacked[1]: is none"},
        {"ladders:\n", "  P1: {unacked: [5]}", ":8: ladders.P1.unacked[0]: is no time"},
        {"ladders:\n", "  P1: {unacked: [1m,2m,3m,4m,5m,6m,7m,8m,9m]}", ":8: ladders.P1.unacked"},
        {"fire:\n", "  pigeon: {window: 1h}", ":8: fire.pigeon: there is no such key"},
        {"fire:\n", "  modis: {gate_m: 1}", ":8: fire.modis.gate_m: there is no such key"},
        {"fire:\n", "  modis: {window: none}", ":8: fire.modis.window: is not from"},
        {"fire:\n", "  modis: {window: 8d}", ":8: fire.modis.window: is not from"},
        {"fire:\n", "  modis: {window: 2wh}", ":8: fire.modis.window: is no time"},
        {"fire:\n", "  modis: {radius_m: 4001}", ":8: fire.modis.radius_m: is not from"},
        {"fire:\n", "  camera: {radius_m: 999}", ":8: fire.camera.radius_m: is not from"},
        {"fire:\n", "  rekindle_m: 4001", ":8: fire.rekindle_m: is not from"},
        {"fire:\n", "  overlap_percent: 0", ":8: fire.overlap_percent: is not from"},
        {"fire:\n", "  overlap_percent: 0.1", ":8: fire.overlap_percent: is no whole number"},
        {"fire:\n", "  sequence_gap: none", ":8: fire.sequence_gap: is not from"},
        {"fire:\n", "  confirm_frames: 5", ":8: fire.confirm_frames: is not from"},
        {"fire:\n", "  confirm_within: 25h", ":8: fire.confirm_within: is not from"},
        {"alarm:\n", "  raise: 2", ":8: alarm.raise: there is no such key"},
        {"alarm:\n", "  raise_samples: 4", ":8: alarm.raise_samples: is not from 1 to 3"},
        {"alarm:\n", "  raise_samples: 30s", ":8: alarm.raise_samples: is no whole number"},
        {"alarm:\n", "  raise_for: 2h", ":8: alarm.raise_for: is not from"},
        {"alarm:\n", "  clear_for: none", ":8: alarm.clear_for: is not from"},
        {"alarm:\n", "  clear_for: 2wh", ":8: alarm.clear_for: is no time"},
        {"decide:\n", "  P1: none", ":8: decide.P1: a request must be decided"},
        {"decide:\n", "  P1: 10", ":8: decide.P1: is no limit"},
        {"decide:\n", "  P0: 10m", ":8: decide.P0: there is no such key"},
        {"reply:\n", "  P1: none", ":8: reply.P1: a supervision must be answered"},
        {"reply:\n", "  P1: soon", ":8: reply.P1: is no limit"},
        {"\n", "archive: none", ":8: archive: is not from"},
        {"\n", "archive: 5wd", ":8: archive: is no time"},
        {"\n", "reopen: 367d", ":8: reopen: is no time"},
        {"\n", "return_window: 4", ":8: return_window: is no time"},
        {"\n", "self_check_percent: 101", ":8: self_check_percent: is above 100"},
        {"\n", "self_check_percent: 10%", ":8: self_check_percent: is no whole number"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[1024];
        struct error error = {""};
        snprintf(text, sizeof text, HEAD "%s%s\n", cases[i].section, cases[i].bad);
        memset(&policy, 0x5a, sizeof policy);
        memcpy(&before, &policy, sizeof policy);
        assert_int_equal(load_text(text, &error), STATUS_INVALID);
        if (strstr(error.message, cases[i].reason) == NULL) {
            fail_msg("%s: \"%s\" has no \"%s\"", cases[i].bad, error.message, cases[i].reason);
        }
        assert_memory_equal(&before, &policy, sizeof policy);
    }
}

/* Members of a category or a channel, on line 5 or 7. */
static void bad_members_are_refused_with_line_and_key(void **state) {
    (void)state;
    static const struct {
        const char *category, *channel, *reason;
    } cases[] = {
        {"ticket: yes", "", ":5: categories[0].ticket: is neither true nor false"},
        {"self_handle: 1", "", ":5: categories[0].self_handle: is neither"},
        {"confidential: True", "", ":5: categories[0].confidential: is neither"},
        {"merge: far", "", ":5: categories[0].merge: is no merge class"},
        {"accept: 2", "", ":5: categories[0].accept: is no limit"},
        {"handle: 367wd", "", ":5: categories[0].handle: is no limit"},
        {"check: 1 h", "", ":5: categories[0].check: is no limit"},
        {"decide: 1h", "", ":5: categories[0].decide: there is no such key"},
        {"reply: 1h", "", ":5: categories[0].reply: there is no such key"},
        {"handle: 3h, overall: 2h", "", ":5: categories[0].overall: is shorter than handle"},
        {"handle: none", "", ":5: categories[0]: overall: without it"},
        {"handle: none, overall: none", "", ":5: categories[0].overall: without it"},
        {"merge: near", "observer: pigeon", ":7: channels[0].observer: is none of person"},
        {"merge: near", "public: maybe", ":7: channels[0].public: is neither"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[1024];
        struct error error = {""};
        snprintf(text, sizeof text,
                 "version: 1\n" CLASSES "categories:\n- {code: a, name: n, priority: P1, %s}\n"
                 "channels:\n- {code: handheld, name: h%s%s}\n",
                 cases[i].category, cases[i].channel[0] != '\0' ? ", " : "", cases[i].channel);
        assert_int_equal(load_text(text, &error), STATUS_INVALID);
        if (strstr(error.message, cases[i].reason) == NULL) {
            fail_msg("\"%s\" has no \"%s\"", error.message, cases[i].reason);
        }
    }
}

static void append(char *text, size_t *used, const char *list, unsigned count, const char *item,
                   const char *rest) {
    *used += (size_t)sprintf(text + *used, "%s:\n", list);
    for (unsigned i = 0; i < count; i++) {
        *used += (size_t)sprintf(text + *used, "- {%s%u%s}\n", item, i, rest);
    }
}

static void tables_fill_to_their_bounds_and_no_further(void **state) {
    (void)state;
    static const struct {
        const char *list;
        unsigned max;
    } tables[] = {{"", 0},
                  {"merge_classes", MERGE_CLASSES_MAX - 1},
                  {"units", UNITS_MAX},
                  {"assignments", ASSIGNMENTS_MAX}};
    static char text[256 * 1024];
    for (size_t over = 0; over < ARRAY_COUNT(tables); over++) {
        struct error error = {""};
        size_t used = (size_t)sprintf(text, HEAD);
        append(text, &used, "merge_classes", tables[1].max + (over == 1), "code: c",
               ", kind: distance, gate_m: 50");
        append(text, &used, "units", tables[2].max + (over == 2), "code: u", ", name: n");
        append(text, &used, "assignments", tables[3].max + (over == 3),
               "unit: u0, category: fire, region: r", "");
        enum status status = load_text(text, &error);
        assert_int_equal(status, over == 0 ? STATUS_OK : STATUS_INVALID);
        assert_non_null(strstr(error.message, tables[over].list));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_file_has_the_defaults),
        cmocka_unit_test(everything_can_be_said),
        cmocka_unit_test(what_is_left_out_of_a_ladder_stays),
        cmocka_unit_test(own_stages_bring_their_own_overall),
        cmocka_unit_test(bad_sections_are_refused_with_line_and_key),
        cmocka_unit_test(bad_members_are_refused_with_line_and_key),
        cmocka_unit_test(tables_fill_to_their_bounds_and_no_further),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
