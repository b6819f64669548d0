#include "core/policy/policy.h"
#include "tests/unit/support.h"

/* Found by search: two codes with the same XXH32. */
#define COLLIDING_A "c6060"
#define COLLIDING_B "c820911"

static struct policy policy;

static enum status add(const char *code, const char *name) {
    struct error error;
    return policy_add_category(&policy, slice_text(code), slice_text(name), 2, SEVERITY_MODERATE,
                               &error);
}

static void tags_are_the_published_hash(void **state) {
    (void)state;
    assert_int_equal(policy_tag(SLICE_LITERAL("")), 0x02cc5d05); /* XXH32 of nothing, seed 0 */
    assert_int_equal(policy_tag(SLICE_LITERAL("abc")), 0x32d153ff);
}

static void categories_are_found_by_code_and_tag(void **state) {
    (void)state;
    struct error error;
    policy_init(&policy, 7);
    assert_int_equal(policy.version, 7);
    assert_null(policy_category(&policy, SLICE_LITERAL("forest_fire")));
    assert_int_equal(policy_add_category(&policy, SLICE_LITERAL("forest_fire"),
                                         SLICE_LITERAL("森林火情"), 1, SEVERITY_EXTREME, &error),
                     STATUS_OK);
    const struct category *found = policy_category(&policy, SLICE_LITERAL("forest_fire"));
    assert_non_null(found);
    assert_string_equal(found->name, "森林火情");
    assert_int_equal(found->priority, 1);
    assert_int_equal(found->severity, SEVERITY_EXTREME);
    assert_ptr_equal(policy_category_by_tag(&policy, found->tag), found);
    assert_null(policy_category_by_tag(&policy, found->tag + 1));
    assert_null(policy_category(&policy, SLICE_LITERAL("forest_fir")));
    assert_null(policy_category(&policy, SLICE_LITERAL("")));
}

static void bad_entries_are_refused_with_a_reason(void **state) {
    (void)state;
    struct error error;
    char longest[POLICY_CODE_BYTES_MAX + 2];
    memset(longest, 'x', sizeof longest);
    policy_init(&policy, 1);
    struct slice at_limit = {(const uint8_t *)longest, POLICY_CODE_BYTES_MAX};
    struct slice above = {(const uint8_t *)longest, POLICY_CODE_BYTES_MAX + 1};
    assert_int_equal(policy_add_category(&policy, at_limit, at_limit, 4, SEVERITY_MINOR, &error),
                     STATUS_OK);
    assert_int_equal(
        policy_add_category(&policy, above, SLICE_LITERAL("n"), 4, SEVERITY_MINOR, &error),
        STATUS_INVALID);
    assert_non_null(strstr(error.message, "64 bytes"));
    assert_int_equal(
        policy_add_category(&policy, SLICE_LITERAL("a"), above, 4, SEVERITY_MINOR, &error),
        STATUS_INVALID);
    const char *codes[] = {"", "Fire", "a-b", "a b", "é"};
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        assert_int_equal(add(codes[i], "n"), STATUS_INVALID);
    }
    assert_int_equal(add("fine", ""), STATUS_INVALID);
    assert_int_equal(add("fine", "\xc3"), STATUS_INVALID);
    for (unsigned priority = 0; priority <= 5; priority += 5) {
        assert_int_equal(policy_add_category(&policy, SLICE_LITERAL("p"), SLICE_LITERAL("n"),
                                             priority, SEVERITY_MINOR, &error),
                         STATUS_INVALID);
    }
    assert_int_equal(policy_add_category(&policy, SLICE_LITERAL("p"), SLICE_LITERAL("n"), 1,
                                         (enum severity)5, &error),
                     STATUS_INVALID);
    assert_int_equal(add("twice", "n"), STATUS_OK);
    assert_int_equal(policy_add_category(&policy, SLICE_LITERAL("twice"), SLICE_LITERAL("n"), 1,
                                         SEVERITY_MINOR, &error),
                     STATUS_INVALID);
    assert_non_null(strstr(error.message, "there already"));
    assert_int_equal(policy.categories_count, 2);
}

static void equal_tags_are_refused(void **state) {
    (void)state;
    policy_init(&policy, 1);
    assert_int_equal(add(COLLIDING_A, "n"), STATUS_OK);
    assert_int_equal(add(COLLIDING_B, "n"), STATUS_INVALID);
    assert_null(policy_category(&policy, SLICE_LITERAL(COLLIDING_B)));
    struct error error;
    assert_int_equal(
        policy_add_channel(&policy, SLICE_LITERAL(COLLIDING_A), SLICE_LITERAL("n"), &error),
        STATUS_OK);
    assert_int_equal(
        policy_add_channel(&policy, SLICE_LITERAL(COLLIDING_B), SLICE_LITERAL("n"), &error),
        STATUS_INVALID);
    assert_non_null(strstr(error.message, "tag"));
}

static void full_tables_say_so(void **state) {
    (void)state;
    struct error error;
    char code[32];
    policy_init(&policy, 1);
    for (int i = 0; i < CATEGORIES_MAX; i++) {
        snprintf(code, sizeof code, "category_%d", i);
        assert_int_equal(add(code, "n"), STATUS_OK);
    }
    assert_int_equal(add("one_more", "n"), STATUS_FULL);
    for (int i = 0; i < CATEGORIES_MAX; i++) {
        snprintf(code, sizeof code, "category_%d", i);
        assert_ptr_equal(policy_category(&policy, slice_text(code)), &policy.categories[i]);
    }
    assert_null(policy_category(&policy, SLICE_LITERAL("one_more")));
    for (int i = 0; i < CHANNELS_MAX; i++) {
        snprintf(code, sizeof code, "channel_%d", i);
        assert_int_equal(policy_add_channel(&policy, slice_text(code), SLICE_LITERAL("n"), &error),
                         STATUS_OK);
    }
    assert_int_equal(
        policy_add_channel(&policy, SLICE_LITERAL("one_more"), SLICE_LITERAL("n"), &error),
        STATUS_FULL);
    assert_string_equal(policy_channel(&policy, SLICE_LITERAL("channel_63"))->code, "channel_63");
    assert_null(policy_channel(&policy, SLICE_LITERAL("channel_64")));
    uint32_t tag = policy_tag(SLICE_LITERAL("channel_63"));
    assert_string_equal(policy_channel_by_tag(&policy, tag)->code, "channel_63");
    assert_null(policy_channel_by_tag(&policy, 0));
}

static void severities_go_both_ways(void **state) {
    (void)state;
    for (int i = SEVERITY_EXTREME; i <= SEVERITY_MINOR; i++) {
        enum severity severity;
        assert_true(severity_parse(&severity, slice_text(severity_name((enum severity)i))));
        assert_int_equal(severity, i);
    }
    enum severity severity = SEVERITY_MINOR;
    assert_false(severity_parse(&severity, SLICE_LITERAL("Severe")));
    assert_false(severity_parse(&severity, SLICE_LITERAL("")));
    assert_int_equal(severity, SEVERITY_MINOR);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_are_the_published_hash),
        cmocka_unit_test(categories_are_found_by_code_and_tag),
        cmocka_unit_test(bad_entries_are_refused_with_a_reason),
        cmocka_unit_test(equal_tags_are_refused),
        cmocka_unit_test(full_tables_say_so),
        cmocka_unit_test(severities_go_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
