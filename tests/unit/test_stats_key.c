#include "server/api/stats_key.h"

#include "tests/unit/support_ticket.h"

static struct ticket_world world;

static int init(void **state) {
    (void)state;
    ticket_world_init(&world);
    return 0;
}

static int deinit(void **state) {
    (void)state;
    ticket_world_deinit(&world);
    return 0;
}

static void keys_are_words_and_back(void **state) {
    (void)state;
    const struct stats_names names = {world.policy, world.regions};
    const struct {
        enum stats_by by;
        uint64_t key;
        const char *word;
    } cases[] = {
        {STATS_BY_CATEGORY, policy_tag(SLICE_LITERAL("rubble")), "rubble"},
        {STATS_BY_CATEGORY, 0xdeadbeef, "tag-deadbeef"},
        {STATS_BY_CATEGORY, 0, ""},
        {STATS_BY_UNIT, policy_tag(SLICE_LITERAL("gas")), "gas"},
        {STATS_BY_UNIT, 0, ""},
        {STATS_BY_CHANNEL, 7, "tag-00000007"},
        {STATS_BY_REGION, ticket_region(&world, "TOWN"), "TOWN"},
        {STATS_BY_REGION, REGION_NONE, ""},
        {STATS_BY_DAY, 0, "1970-01-01"},
        {STATS_BY_DAY, 20781, "2026-11-24"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[STATS_KEY_BYTES];
        struct slice name;
        uint64_t key = 1;
        struct slice word = stats_key_text(text, &names, cases[i].by, cases[i].key, &name);
        assert_true(slice_is(word, cases[i].word));
        assert_true(stats_key_parse(&key, &names, cases[i].by, word));
        assert_int_equal(key, cases[i].key);
    }
    const struct {
        enum stats_by by;
        const char *word;
    } wrong[] = {{STATS_BY_CATEGORY, "nothing"}, {STATS_BY_CATEGORY, "tag-DEADBEEF"},
                 {STATS_BY_UNIT, "rubble"},      {STATS_BY_REGION, "NOWHERE"},
                 {STATS_BY_DAY, "2026-02-30"},   {STATS_BY_DAY, ""},
                 {STATS_BY_NOTHING, "anything"}};
    for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
        uint64_t key;
        assert_false(stats_key_parse(&key, &names, wrong[i].by, slice_text(wrong[i].word)));
    }
}

static void a_region_goes_by_the_child_it_is_in(void **state) {
    (void)state;
    const struct region_table *regions = world.regions;
    uint32_t city = ticket_region(&world, "CITY"), town = ticket_region(&world, "TOWN");
    uint32_t micro = ticket_region(&world, "MICRO"), lone = ticket_region(&world, "LONE");
    assert_int_equal(stats_region_key(regions, REGION_NONE, micro), city);
    assert_int_equal(stats_region_key(regions, city, micro), ticket_region(&world, "COUNTY"));
    assert_int_equal(stats_region_key(regions, town, micro), ticket_region(&world, "VILLAGE"));
    assert_int_equal(stats_region_key(regions, town, lone), lone);
    assert_int_equal(stats_region_key(regions, town, town), town);
    assert_int_equal(stats_region_key(regions, town, REGION_NONE), REGION_NONE);
    assert_true(stats_region_is_in(regions, town, lone));
    assert_false(stats_region_is_in(regions, lone, town));
    assert_false(stats_region_is_in(regions, town, REGION_NONE));
    assert_true(stats_region_is_in(regions, REGION_NONE, REGION_NONE));
}

static void days_begin_at_midnight_in_china(void **state) {
    (void)state;
    const int64_t day_ms = 86400000, midnight_ms = 20781 * day_ms - STATS_DAY_OFFSET_MS;
    assert_int_equal(stats_day_key(midnight_ms), 20781);
    assert_int_equal(stats_day_key(midnight_ms - 1), 20780);
    assert_int_equal(stats_day_key(midnight_ms + day_ms - 1), 20781);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_are_words_and_back, init, deinit),
        cmocka_unit_test_setup_teardown(a_region_goes_by_the_child_it_is_in, init, deinit),
        cmocka_unit_test(days_begin_at_midnight_in_china),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
