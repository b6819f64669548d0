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

#define HEAD "version: 7\ncategories:\n"
#define TAIL "channels:\n- {code: handheld, name: h}\n"
#define FIRE "- {code: fire, name: 火, priority: P1}\n"

static void the_default_has_the_table_of_the_field(void **state) {
    (void)state;
    static const char *const codes[] = {
        "forest_fire",      "gas_leak",        "road_collapse",    "flood_risk",
        "person_in_danger", "manhole_missing", "utility_outage",   "dispute_escalating",
        "dispute",          "open_burning",    "street_bbq",       "exposed_garbage",
        "road_dirty",       "ponding",         "rubble",           "streetlight",
        "road_damage",      "water_body",      "illegal_building", "service_request",
        "appeal_general",   "petition",        "key_person_risk",  "red_tier_need",
        "sensor_fault",     "directive",       "animal_pest"};
    struct error error = {""};
    enum status status = policy_load(&policy, "", &error);
    assert_string_equal(error.message, "");
    assert_int_equal(status, STATUS_OK);
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        assert_non_null(policy_category(&policy, slice_text(codes[i])));
    }
    const struct category *fire = policy_category(&policy, SLICE_LITERAL("forest_fire"));
    assert_int_equal(fire->priority, 1);
    assert_int_equal(fire->severity, SEVERITY_EXTREME);
    assert_string_equal(fire->name, "森林火情");
    const struct category *pest = policy_category(&policy, SLICE_LITERAL("animal_pest"));
    assert_int_equal(pest->priority, 3);
    assert_int_equal(pest->severity, SEVERITY_MINOR);
    assert_non_null(policy_channel(&policy, SLICE_LITERAL("handheld")));
    assert_int_equal(policy.version, 3);
}

static void the_built_in_copy_is_the_file(void **state) {
    (void)state;
    struct error error;
    assert_int_equal(policy_load(&before, "", &error), STATUS_OK);
    assert_int_equal(policy_load(&policy, GRIDD_SOURCE_DIR "/server/policy/default.yaml", &error),
                     STATUS_OK);
    assert_int_equal(policy.categories_count, before.categories_count);
    assert_int_equal(policy.channels_count, before.channels_count);
    for (uint32_t i = 0; i < policy.categories_count; i++) {
        assert_string_equal(policy.categories[i].code, before.categories[i].code);
        assert_string_equal(policy.categories[i].name, before.categories[i].name);
    }
}

static void a_small_policy_is_read(void **state) {
    (void)state;
    struct error error;
    assert_int_equal(
        load_text(HEAD FIRE "- {code: b, name: b, priority: P4, severity: severe}\n" TAIL, &error),
        STATUS_OK);
    assert_int_equal(policy.version, 7);
    assert_int_equal(policy.categories_count, 2);
    assert_int_equal(policy_category(&policy, SLICE_LITERAL("b"))->severity, SEVERITY_SEVERE);
    assert_int_equal(policy_category(&policy, SLICE_LITERAL("b"))->priority, 4);
}

static void refused(const char *text, const char *line, const char *reason) {
    struct error error = {""};
    memset(&policy, 0x5a, sizeof policy);
    memcpy(&before, &policy, sizeof policy);
    assert_int_equal(load_text(text, &error), STATUS_INVALID);
    if (strstr(error.message, line) == NULL || strstr(error.message, reason) == NULL) {
        fail_msg("\"%s\" names not both \"%s\" and \"%s\"", error.message, line, reason);
    }
    assert_memory_equal(&before, &policy, sizeof policy);
}

static void bad_policies_are_refused_with_line_and_reason(void **state) {
    (void)state;
    refused("", ":1: ", "empty");
    refused(HEAD FIRE TAIL "more: 1\n", ":6: ", "more: there is no such key");
    refused(HEAD FIRE "- {code: x, name: f, priority: P1, sla: 4}\n" TAIL,
            ":4: ", "categories[1].sla: there is no such key");
    refused(HEAD FIRE "- {code: x, name: f, priority: P0}\n" TAIL, ":4: ", "P1, P2, P3, P4");
    refused(HEAD FIRE "- {code: x, name: f, priority: P5}\n" TAIL, ":4: ", "priority");
    refused(HEAD FIRE "- {code: x, name: f, priority: P10}\n" TAIL, ":4: ", "priority");
    refused(HEAD FIRE "- {code: x, name: f, priority: P1, severity: bad}\n" TAIL,
            ":4: ", "severity");
    refused(HEAD FIRE FIRE TAIL, ":4: ", "categories[1]: ");
    refused(HEAD "- {code: Fire, name: f, priority: P1}\n" TAIL, ":3: ", "categories[0]: ");
    refused(HEAD "- {code: fire, name: '', priority: P1}\n" TAIL, ":3: ", "name");
    refused(HEAD "- {code: fire, priority: P1}\n" TAIL, ":3: ", "name");
    refused(HEAD "- fire\n" TAIL, ":3: ", "categories[0]");
    refused("version: 0\ncategories:\n" FIRE TAIL, ":1: ", "version");
    refused("version: 4294967296\ncategories:\n" FIRE TAIL, ":1: ", "version");
    refused("version: one\ncategories:\n" FIRE TAIL, ":1: ", "version");
    refused("categories:\n" FIRE TAIL, ":1: ", "the key version is missing");
    refused(HEAD FIRE, ":1: ", "channels");
    refused(HEAD FIRE "channels: []\n", ":4: ", "channels");
    refused(HEAD FIRE "channels:\n- {code: app, name: a}\n", ":4: ", "handheld");
}

static char *policy_of(unsigned categories, unsigned channels) {
    size_t room = 64 * ((size_t)categories + channels + 4), used = 0;
    char *text = malloc(room);
    assert_non_null(text);
    used += (size_t)sprintf(text + used, "version: 1\ncategories:\n");
    for (unsigned i = 0; i < categories; i++) {
        used += (size_t)sprintf(text + used, "- {code: c%u, name: n, priority: P3}\n", i);
    }
    used += (size_t)sprintf(text + used, "channels:\n- {code: handheld, name: h}\n");
    for (unsigned i = 1; i < channels; i++) {
        used += (size_t)sprintf(text + used, "- {code: c%u, name: n}\n", i);
    }
    return text;
}

static void tables_fill_to_their_bounds_and_no_further(void **state) {
    (void)state;
    struct error error;
    char *text = policy_of(CATEGORIES_MAX, CHANNELS_MAX);
    assert_int_equal(load_text(text, &error), STATUS_OK);
    assert_int_equal(policy.categories_count, CATEGORIES_MAX);
    free(text);
    text = policy_of(CATEGORIES_MAX + 1, 1);
    assert_int_equal(load_text(text, &error), STATUS_INVALID);
    assert_non_null(strstr(error.message, "categories"));
    free(text);
    text = policy_of(1, CHANNELS_MAX + 1);
    assert_int_equal(load_text(text, &error), STATUS_INVALID);
    assert_non_null(strstr(error.message, "channels"));
    free(text);
}

static void a_missing_file_is_not_found(void **state) {
    (void)state;
    struct error error;
    assert_int_equal(policy_load(&policy, "/nonexistent/policy.yaml", &error), STATUS_NOT_FOUND);
    assert_non_null(strstr(error.message, "/nonexistent/policy.yaml"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_has_the_table_of_the_field),
        cmocka_unit_test(the_built_in_copy_is_the_file),
        cmocka_unit_test(a_small_policy_is_read),
        cmocka_unit_test(bad_policies_are_refused_with_line_and_reason),
        cmocka_unit_test(tables_fill_to_their_bounds_and_no_further),
        cmocka_unit_test(a_missing_file_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
