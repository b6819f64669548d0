#include "core/report/report.h"
#include "tests/unit/support.h"
#include "tests/unit/support_region.h"

#define BASE                                                                                       \
    "\"category\":\"forest_fire\",\"occurred_at\":\"1970-01-12T13:46:40Z\",\"grid\":\"g\","        \
    "\"id\":\"1\""

static struct limits limits;
static struct policy policy;
static void *regions_memory;
static struct report_context context;
static uint8_t arena_memory[64 * 1024];
static struct report report;

static int set_up(void **state) {
    (void)state;
    static const struct {
        const char *code;
        enum observer_kind observer;
    } channels[] = {{"handheld", OBSERVER_RANGER},
                    {"app", OBSERVER_PERSON},
                    {"camera", OBSERVER_CAMERA},
                    {"satellite", OBSERVER_MODIS}};
    struct error error;
    limits_init(&limits);
    policy_init(&policy, 1);
    assert_int_equal(policy_add_category(&policy, SLICE_LITERAL("forest_fire"), SLICE_LITERAL("n"),
                                         1, SEVERITY_SEVERE, &error),
                     STATUS_OK);
    for (size_t i = 0; i < ARRAY_COUNT(channels); i++) {
        struct slice code = slice_text(channels[i].code);
        assert_int_equal(policy_add_channel(&policy, code, SLICE_LITERAL("n"), &error), STATUS_OK);
        assert_int_equal(
            policy_set_channel_rules(&policy, code, channels[i].observer, false, &error),
            STATUS_OK);
    }
    struct support_upload upload = {0};
    support_upload_add(&upload, "g", "", 0);
    context = (struct report_context){.limits = &limits,
                                      .policy = &policy,
                                      .regions = support_table(&regions_memory, NULL, &upload),
                                      .default_source = SLICE_LITERAL("anonymous"),
                                      .identity_seed = 42,
                                      .now_ms = 1000 * 1000 * 1000};
    support_upload_free(&upload);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    free(regions_memory);
    return 0;
}

/* The observation of a report with these members beside what every report needs. */
static struct observation observe(const char *members) {
    static struct json_reader reader;
    static char line[8192];
    struct arena arena;
    struct report_problem problem;
    snprintf(line, sizeof line, "{" BASE "%s%s}", members[0] != '\0' ? "," : "", members);
    arena_init(&arena, arena_memory, sizeof arena_memory);
    memset(&report, 0xaa, sizeof report);
    if (report_parse(&report, &problem, &context, slice_text(line), &arena, &reader) != STATUS_OK) {
        fail_msg("%s: %s: %s", line, problem.pointer, problem.detail);
    }
    return report.observation;
}

static void a_plain_report_is_seen_by_its_source_on_a_handheld(void **state) {
    (void)state;
    struct observation seen = observe("");
    assert_int_equal(seen.kind, OBSERVER_RANGER);
    assert_int_equal(seen.channel_tag, policy_tag(SLICE_LITERAL("handheld")));
    assert_int_equal(seen.flags, 0);
    assert_true(seen.observer != 0 && seen.asset == 0 && seen.alarm == 0);
    assert_true(seen.accuracy_m == 0.0F && seen.azimuth_deg == 0.0F);
    assert_true(seen.cone_deg == 0.0F && seen.range_km == 0.0F);
    policy.default_channel = 0;
    seen = observe("");
    assert_int_equal(seen.kind, OBSERVER_PERSON);
    assert_int_equal(seen.channel_tag, 0);
    policy.default_channel = 1;
}

static void the_kind_is_the_channels_or_the_satellites(void **state) {
    (void)state;
    static const struct {
        const char *members;
        enum observer_kind kind;
    } cases[] = {
        {"\"channel\":\"app\"", OBSERVER_PERSON},
        {"\"channel\":\"camera\"", OBSERVER_CAMERA},
        {"\"channel\":\"satellite\"", OBSERVER_MODIS},
        {"\"channel\":\"satellite\",\"attributes\":{\"satellite\":\"viirs\"}", OBSERVER_VIIRS},
        {"\"attributes\":{\"satellite\":\"modis\"},\"channel\":\"satellite\"", OBSERVER_MODIS},
        {"\"attributes\":{\"satellite\":\"geostationary\"}", OBSERVER_GEOSTATIONARY},
        {"\"channel\":\"camera\",\"attributes\":{\"satellite\":\"VIIRS\"}", OBSERVER_CAMERA},
        {"\"channel\":\"camera\",\"attributes\":{\"satellite\":\"person\"}", OBSERVER_CAMERA},
        {"\"channel\":\"camera\",\"attributes\":{\"satellite\":1}", OBSERVER_CAMERA},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        if (observe(cases[i].members).kind != cases[i].kind) {
            fail_msg("%s: seen by %s", cases[i].members,
                     observer_name((enum observer_kind)report.observation.kind));
        }
    }
    assert_int_equal(observe("\"channel\":\"camera\"").channel_tag,
                     policy_tag(SLICE_LITERAL("camera")));
}

static uint64_t observer(const char *members) {
    return observe(members).observer;
}

static void the_observer_is_the_device_else_the_reporter_else_the_source(void **state) {
    (void)state;
    uint64_t device = observer("\"source\":\"s\",\"reporter\":\"r\",\"device\":\"d\"");
    assert_true(observer("\"device\":\"\\u0064\",\"source\":\"t\"") == device);
    assert_true(observer("\"device\":\"e\"") != device);
    uint64_t reporter = observer("\"source\":\"s\",\"reporter\":\"r\"");
    assert_true(observer("\"source\":\"t\",\"reporter\":\"r\",\"device\":null") == reporter);
    assert_true(observer("\"source\":\"s\",\"reporter\":\"q\"") != reporter);
    assert_true(observer("\"source\":\"s\"") != observer("\"source\":\"t\""));
    assert_true(observer("") == observer("\"source\":\"anonymous\",\"reporter\":\"\""));
    context.identity_seed = 43;
    assert_true(observer("\"device\":\"d\"") != device);
    context.identity_seed = 42;
}

static void attributes_that_mean_something_are_seen(void **state) {
    (void)state;
    struct observation seen =
        observe("\"device\":\"d\",\"attributes\":{\"asset_id\":\"lamp-1\",\"alarm\":\"smoke\","
                "\"injury\":true,\"spreading\":true,\"on_scene\":true,\"x\":{\"injury\":[{}]}}");
    assert_int_equal(seen.flags, OBSERVATION_INJURY | OBSERVATION_SPREADING | OBSERVATION_ON_SCENE);
    uint64_t asset = seen.asset, alarm = seen.alarm;
    assert_true(asset != 0 && alarm != 0 && asset != alarm);
    seen = observe("\"attributes\":{\"\\u0061sset_id\":\"lamp\\u002d1\",\"al\\u0061rm\":\"sm"
                   "oke\",\"alarm_state\":\"clear\"},\"device\":\"d\"");
    assert_true(seen.asset == asset && seen.alarm == alarm);
    assert_int_equal(seen.flags, OBSERVATION_ALARM_CLEAR);
    seen = observe("\"attributes\":{\"asset_id\":\"lamp-2\",\"alarm\":\"smoke\"},\"device\":\"e\"");
    assert_true(seen.asset != 0 && seen.asset != asset && seen.alarm != alarm);
    assert_true(observe("\"attributes\":{\"alarm\":\"gas\"},\"device\":\"d\"").alarm != alarm);
}

/* Nothing of this is a mistake, and nothing of it means anything. */
static void what_is_not_meant_is_not_seen(void **state) {
    (void)state;
    static const char *const attributes[] = {
        "",
        "\"asset_id\":17,\"alarm\":true,\"injury\":\"true\"",
        "\"asset_id\":\"\",\"alarm\":\"\",\"alarm_state\":\"clear\"",
        "\"asset_id\":{\"asset_id\":\"x\"},\"alarm\":[\"smoke\"],\"injury\":{\"injury\":true}",
        "\"asset_id\":null,\"alarm\":null,\"injury\":null,\"spreading\":false,\"on_scene\":1",
        "\"Asset_id\":\"x\",\"alarms\":\"x\",\"injured\":true,\"on-scene\":true,\"satellit\":\"\"",
        "\"alarm_state\":\"clear\"",
        "\"other\":{\"injury\":true,\"asset_id\":\"x\",\"alarm\":\"x\"}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(attributes); i++) {
        char members[512];
        snprintf(members, sizeof members, "\"attributes\":{%s}", attributes[i]);
        struct observation seen = observe(members);
        if (seen.asset != 0 || seen.alarm != 0 || seen.flags != 0 || seen.kind != OBSERVER_RANGER) {
            fail_msg("seen: %s", attributes[i]);
        }
    }
    /* A rising alarm says so by being one. */
    assert_int_equal(
        observe("\"attributes\":{\"alarm\":\"smoke\",\"alarm_state\":\"raise\"}").flags, 0);
}

static void figures_are_clamped(void **state) {
    (void)state;
#define AT "\"location\":{\"lat\":1,\"lon\":2,\"accuracy_m\":"
    assert_true(observe(AT "15.5}").accuracy_m == 15.5F);
    assert_true(observe(AT "1e8}").accuracy_m == (float)OBSERVATION_ACCURACY_M_MAX);
    assert_true(observe(AT "null}").accuracy_m == 0.0F);
#define TOWARDS "\"bearing\":{\"azimuth_deg\":"
    struct observation seen = observe(TOWARDS "310.5,\"cone_deg\":40,\"range_km\":12}");
    assert_int_equal(seen.flags, OBSERVATION_BEARING);
    assert_true(seen.azimuth_deg == 310.5F && seen.cone_deg == 40.0F && seen.range_km == 12.0F);
    seen = observe(TOWARDS "360,\"cone_deg\":360,\"range_km\":1e6}");
    assert_true(seen.azimuth_deg == 0.0F);
    assert_true(seen.cone_deg == (float)OBSERVATION_CONE_DEG_MAX);
    assert_true(seen.range_km == (float)OBSERVATION_RANGE_KM_MAX);
    seen = observe(TOWARDS "359.99999999,\"range_km\":1e-6}");
    assert_true(seen.azimuth_deg == 0.0F && seen.cone_deg == 0.0F);
    assert_true(seen.range_km == (float)OBSERVATION_RANGE_KM_MIN);
    seen = observe(TOWARDS "0}");
    assert_int_equal(seen.flags, OBSERVATION_BEARING);
    assert_true(seen.range_km == 0.0F);
}

#define CAMERA "\"channel\":\"camera\",\"device\":\"c1\",\"attributes\":"

static void a_cameras_frame_is_its_pose_and_box(void **state) {
    (void)state;
    struct observation seen = observe(CAMERA "{\"pose\":\"north\",\"bbox\":[0,0.25,1,0.5]}");
    const uint16_t box[] = {0, 16384, 65535, 32768};
    assert_memory_equal(seen.box, box, sizeof box);
    uint64_t view = seen.view;
    assert_true(view != 0);
    assert_true(observe(CAMERA "{\"bbox\":[0.1,0.2,0.3,0.4],\"pose\":\"n\\u006frth\"}").view ==
                view);
    static const char *const others[] = {
        CAMERA "{\"bbox\":[0,0,1,1]}",
        CAMERA "{\"bbox\":[0,0,1,1],\"pose\":1}",
        CAMERA "{\"bbox\":[0,0,1,1],\"pose\":\"1\"}",
        "\"channel\":\"camera\",\"device\":\"c2\","
        "\"attributes\":{\"bbox\":[0,0,1,1],\"pose\":\"north\"}",
    };
    uint64_t views[ARRAY_COUNT(others) + 1] = {view};
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        views[i + 1] = observe(others[i]).view;
        assert_true(views[i + 1] != 0);
        for (size_t j = 0; j <= i; j++) {
            assert_true(views[j] != views[i + 1]);
        }
    }
}

static void what_is_no_box_of_a_cameras_device_is_no_frame(void **state) {
    (void)state;
    static const char *const cases[] = {
        CAMERA "{\"pose\":1}",
        CAMERA "{\"bbox\":[0,0,1]}",
        CAMERA "{\"bbox\":[0,0,1,1,0.9]}",
        CAMERA "{\"bbox\":[]}",
        CAMERA "{\"bbox\":\"0,0,1,1\"}",
        CAMERA "{\"bbox\":{\"x0\":0}}",
        CAMERA "{\"bbox\":[0,0,1,\"1\"]}",
        CAMERA "{\"bbox\":[[0,0,1,1]]}",
        CAMERA "{\"bbox\":[0,0,1,{\"a\":[1]}]}",
        CAMERA "{\"bbox\":[0,0,1.001,1]}",
        CAMERA "{\"bbox\":[-0.001,0,1,1]}",
        CAMERA "{\"bbox\":[0.5,0,0.5,1]}",
        CAMERA "{\"bbox\":[0,0.6,1,0.5]}",
        CAMERA "{\"bbox\":[0,0,0.000001,1]}",
        "\"channel\":\"camera\",\"reporter\":\"c1\",\"attributes\":{\"bbox\":[0,0,1,1]}",
        "\"channel\":\"app\",\"device\":\"c1\",\"attributes\":{\"bbox\":[0,0,1,1]}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct observation seen = observe(cases[i]);
        if (seen.view != 0 || seen.box[0] + seen.box[1] + seen.box[2] + seen.box[3] != 0) {
            fail_msg("%s is a frame", cases[i]);
        }
    }
    /* What stands behind it is read all the same. */
    assert_true((observe(CAMERA "{\"bbox\":[0,[1]],\"injury\":true}").flags & OBSERVATION_INJURY) !=
                0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_report_is_seen_by_its_source_on_a_handheld),
        cmocka_unit_test(the_kind_is_the_channels_or_the_satellites),
        cmocka_unit_test(the_observer_is_the_device_else_the_reporter_else_the_source),
        cmocka_unit_test(attributes_that_mean_something_are_seen),
        cmocka_unit_test(what_is_not_meant_is_not_seen),
        cmocka_unit_test(figures_are_clamped),
        cmocka_unit_test(a_cameras_frame_is_its_pose_and_box),
        cmocka_unit_test(what_is_no_box_of_a_cameras_device_is_no_frame),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
