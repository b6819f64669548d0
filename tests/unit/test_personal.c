#include "server/personal.h"

#include "tests/unit/support.h"
#include "tests/unit/support_report.h"

#include <string.h>

static struct support_world world;
static struct support_row memory;
static struct personal personal;
static char shown[1 << 12];

static int init(void **state) {
    (void)state;
    support_world_init(&world);
    return 0;
}

static int deinit(void **state) {
    (void)state;
    support_world_deinit(&world);
    return 0;
}

static void set_confidential(bool confidential) {
    for (size_t i = 0; i < world.policy.categories_count; i++) {
        world.policy.categories[i].confidential = confidential;
    }
}

/* The text that a row has once it may be shown. */
static const char *show(const char *json, enum entry_kind kind, uint32_t tag) {
    struct record record;
    (void)support_row(&memory, json, 0, NULL, "the source");
    memory.row.entry.kind = (uint8_t)kind;
    memory.row.entry.category_tag = tag;
    const struct timeline_row *row = personal_row(&personal, &memory.row, &world.policy);
    assert_true(record_decode(&record, row->record));
    assert_true(slice_is(record.source, "the source"));
    assert_int_equal(row->seq, 7);
    assert_true(record.json.bytes < sizeof shown);
    memcpy(shown, record.json.data, record.json.bytes);
    shown[record.json.bytes] = '\0';
    return shown;
}

static const char *report(const char *json) {
    return show(json, ENTRY_REPORT, policy_tag(SLICE_LITERAL("forest_fire")));
}

static void who_reported_is_masked_everywhere(void **state) {
    (void)state;
    personal_init(&personal, true, false);
    set_confidential(false);
    assert_string_equal(
        report("{\"id\":\"1\", \"reporter\" : \"li\",\"text\":\"a\",\"on_behalf_of\":\"wang\"}"),
        "{\"id\":\"1\",\"reporter\":null,\"text\":\"a\",\"on_behalf_of\":null}");
    /* A name may be written with escapes. */
    assert_string_equal(report("{\"re\\u0070orter\":\"li\"}"), "{\"re\\u0070orter\":null}");
    assert_string_equal(report("{\"reporter\":{\"a\":[1,2]},\"x\":{\"reporter\":1}}"),
                        "{\"reporter\":null,\"x\":{\"reporter\":1}}");
    /* Nothing to mask: as it is, to the byte. */
    assert_string_equal(report("{ \"text\":\"a\",\"reporter\":null }"),
                        "{ \"text\":\"a\",\"reporter\":null }");
    personal_deinit(&personal);
}

static void what_people_wrote_is_masked_where_it_is_confidential(void **state) {
    (void)state;
    personal_init(&personal, true, false);
    set_confidential(true);
    assert_string_equal(
        report("{\"id\":\"1\",\"text\":\"a\",\"attributes\":{\"b\":1},\"media\":[1],"
               "\"device\":\"d\",\"severity\":\"minor\",\"phone\":\"139\"}"),
        "{\"id\":\"1\",\"text\":null,\"attributes\":null,\"media\":null,"
        "\"device\":\"d\",\"severity\":\"minor\",\"phone\":null}");
    char longest[200] = "{\"";
    memset(longest + 2, 'n', 160);
    strcpy(longest + 162, "\":1}");
    assert_non_null(strstr(report(longest), "n\":null}"));
    set_confidential(false);
    /* A category that is not known any more. */
    assert_string_equal(show("{\"text\":\"a\"}", ENTRY_REPORT, 4711), "{\"text\":null}");
    personal_deinit(&personal);
}

static void notes_of_confidential_matters_are_masked(void **state) {
    (void)state;
    const char *json =
        "{\"ticket\":\"t1\",\"actor\":\"li\",\"note\":\"a\",\"reason\":\"b\",\"media\":[1]}";
    uint32_t tag = policy_tag(SLICE_LITERAL("forest_fire"));
    personal_init(&personal, true, false);
    set_confidential(false);
    assert_string_equal(show(json, ENTRY_TICKET_COMMAND, tag), json);
    set_confidential(true);
    assert_string_equal(
        show(json, ENTRY_TICKET_COMMAND, tag),
        "{\"ticket\":\"t1\",\"actor\":\"li\",\"note\":null,\"reason\":null,\"media\":null}");
    personal_deinit(&personal);
}

static void who_may_read_it_is_counted(void **state) {
    (void)state;
    set_confidential(false);
    personal_init(&personal, false, true);
    const char *with = "{\"reporter\":\"li\"}";
    assert_string_equal(report(with), with);
    assert_string_equal(report(with), with);
    (void)report("{\"text\":\"a\"}");
    assert_int_equal(personal.shown, 2);
    personal_deinit(&personal);
    personal_init(&personal, false, false);
    assert_string_equal(report(with), with);
    assert_int_equal(personal.shown, 0);
    personal_deinit(&personal);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_reported_is_masked_everywhere),
        cmocka_unit_test(what_people_wrote_is_masked_where_it_is_confidential),
        cmocka_unit_test(notes_of_confidential_matters_are_masked),
        cmocka_unit_test(who_may_read_it_is_counted),
    };
    return cmocka_run_group_tests(tests, init, deinit);
}
