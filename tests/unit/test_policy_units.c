#include "core/policy/policy.h"
#include "tests/unit/support.h"

static struct policy policy;
static struct error error;

static enum status assign(const char *category, const char *region, const char *unit) {
    error.message[0] = '\0';
    return policy_add_assignment(&policy, slice_text(category), slice_text(region),
                                 slice_text(unit), &error);
}

static int set_up(void **state) {
    (void)state;
    static const char *const categories[] = {"gas_leak", "litter"};
    static const char *const units[] = {"gas_company", "north_gas", "sanitation", "center"};
    policy_init(&policy, 1);
    for (size_t i = 0; i < ARRAY_COUNT(categories); i++) {
        assert_int_equal(policy_add_category(&policy, slice_text(categories[i]), SLICE_LITERAL("n"),
                                             2, SEVERITY_SEVERE, &error),
                         STATUS_OK);
    }
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        assert_int_equal(
            policy_add_unit(&policy, slice_text(units[i]), SLICE_LITERAL("单位"), &error),
            STATUS_OK);
    }
    return 0;
}

static void units_are_found_by_code_and_tag(void **state) {
    (void)state;
    const struct unit *unit = policy_unit(&policy, SLICE_LITERAL("sanitation"));
    assert_non_null(unit);
    assert_string_equal(unit->name, "单位");
    assert_ptr_equal(policy_unit_by_tag(&policy, unit->tag), unit);
    assert_int_equal(unit->tag, policy_tag(SLICE_LITERAL("sanitation")));
    assert_null(policy_unit_by_tag(&policy, unit->tag + 1));
    assert_null(policy_unit(&policy, SLICE_LITERAL("sanitatio")));
    assert_null(policy_unit(&policy, SLICE_LITERAL("")));
}

static void bad_units_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *code, *name, *word;
    } cases[] = {
        {"sanitation", "n", "there already"},
        {"Gas", "n", "a-z"},
        {"", "n", "empty"},
        {"fine", "", "name"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_int_equal(
            policy_add_unit(&policy, slice_text(cases[i].code), slice_text(cases[i].name), &error),
            STATUS_INVALID);
        assert_non_null(strstr(error.message, cases[i].word));
    }
    assert_int_equal(policy_add_unit(&policy, SLICE_LITERAL("c6060"), SLICE_LITERAL("n"), &error),
                     STATUS_OK);
    /* Found by search: the same XXH32. */
    assert_int_equal(policy_add_unit(&policy, SLICE_LITERAL("c820911"), SLICE_LITERAL("n"), &error),
                     STATUS_INVALID);
    assert_non_null(strstr(error.message, "tag"));
    assert_null(policy_unit(&policy, SLICE_LITERAL("c820911")));
}

static const char *unit_at(const char *category, const char *const *codes, size_t count) {
    struct slice path[REGION_DEPTH_CAP];
    for (size_t i = 0; i < count; i++) {
        path[i] = slice_text(codes[i]);
    }
    const struct unit *unit =
        policy_unit_for(&policy, policy_tag(slice_text(category)), path, count);
    return unit == NULL ? "nobody" : unit->code;
}

static void the_deepest_region_wins_and_then_the_named_category(void **state) {
    (void)state;
    static const char *const path[] = {"city", "north", "north_1"};
    assert_string_equal(unit_at("gas_leak", path, 3), "nobody");
    assert_int_equal(assign("litter", "", "sanitation"), STATUS_OK);
    assert_string_equal(unit_at("gas_leak", path, 3), "nobody");
    assert_int_equal(assign("", "", "center"), STATUS_OK);
    assert_string_equal(unit_at("gas_leak", path, 3), "center");
    assert_int_equal(assign("gas_leak", "", "gas_company"), STATUS_OK);
    assert_string_equal(unit_at("gas_leak", path, 3), "gas_company");
    assert_string_equal(unit_at("litter", path, 3), "sanitation");
    /* Any category in a deeper region goes before a named one farther up. */
    assert_int_equal(assign("", "north", "north_gas"), STATUS_OK);
    assert_string_equal(unit_at("gas_leak", path, 3), "north_gas");
    assert_string_equal(unit_at("litter", path, 3), "north_gas");
    assert_string_equal(unit_at("gas_leak", path, 1), "gas_company");
    assert_string_equal(unit_at("gas_leak", path, 0), "gas_company");
    assert_int_equal(assign("litter", "north", "sanitation"), STATUS_OK);
    assert_string_equal(unit_at("litter", path, 3), "sanitation");
    assert_int_equal(assign("litter", "north_1", "center"), STATUS_OK);
    assert_string_equal(unit_at("litter", path, 3), "center");
    assert_string_equal(unit_at("litter", path, 2), "sanitation");
}

static void the_order_of_assignments_means_nothing(void **state) {
    (void)state;
    static const char *const path[] = {"city", "north"};
    assert_int_equal(assign("litter", "north", "north_gas"), STATUS_OK);
    assert_int_equal(assign("litter", "city", "center"), STATUS_OK);
    assert_int_equal(assign("litter", "", "sanitation"), STATUS_OK);
    assert_int_equal(assign("", "north", "gas_company"), STATUS_OK);
    assert_string_equal(unit_at("litter", path, 2), "north_gas");
    assert_string_equal(unit_at("litter", path, 1), "center");
}

static void bad_assignments_are_refused(void **state) {
    (void)state;
    char longest[REGION_CODE_CAP + 2] = "";
    memset(longest, 'r', REGION_CODE_CAP + 1);
    assert_int_equal(assign("pests", "", "center"), STATUS_INVALID);
    assert_string_equal(error.message, "pests: is no category of the policy");
    assert_int_equal(assign("litter", "", "nobody"), STATUS_INVALID);
    assert_string_equal(error.message, "nobody: is no unit of the policy");
    assert_int_equal(assign("litter", "", ""), STATUS_INVALID);
    assert_int_equal(assign("litter", longest, "center"), STATUS_INVALID);
    assert_non_null(strstr(error.message, "64 bytes"));
    assert_int_equal(assign("litter", longest + 1, "center"), STATUS_OK);
    assert_int_equal(assign("litter", "a", "center"), STATUS_OK);
    assert_int_equal(assign("litter", "a", "sanitation"), STATUS_INVALID);
    assert_non_null(strstr(error.message, "already"));
    assert_int_equal(policy.assignments_count, 2);
}

static void full_tables_say_so(void **state) {
    (void)state;
    char code[32];
    for (int i = (int)policy.units_count; i < UNITS_MAX; i++) {
        snprintf(code, sizeof code, "unit_%d", i);
        assert_int_equal(policy_add_unit(&policy, slice_text(code), SLICE_LITERAL("n"), &error),
                         STATUS_OK);
    }
    assert_int_equal(
        policy_add_unit(&policy, SLICE_LITERAL("one_more"), SLICE_LITERAL("n"), &error),
        STATUS_FULL);
    for (int i = 0; i < ASSIGNMENTS_MAX; i++) {
        snprintf(code, sizeof code, "region_%d", i);
        assert_int_equal(assign("litter", code, "center"), STATUS_OK);
    }
    assert_int_equal(assign("litter", "one_more", "center"), STATUS_FULL);
    static const char *const path[] = {"region_1023"};
    assert_string_equal(unit_at("litter", path, 1), "center");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(units_are_found_by_code_and_tag, set_up),
        cmocka_unit_test_setup(bad_units_are_refused, set_up),
        cmocka_unit_test_setup(the_deepest_region_wins_and_then_the_named_category, set_up),
        cmocka_unit_test_setup(the_order_of_assignments_means_nothing, set_up),
        cmocka_unit_test_setup(bad_assignments_are_refused, set_up),
        cmocka_unit_test_setup(full_tables_say_so, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
