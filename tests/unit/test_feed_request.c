#include "server/feed/feed_request.h"

#include "core/policy/policy.h"
#include "core/report/entry.h"
#include "tests/unit/support.h"

static void an_id_reads_back_as_it_was_written(void **state) {
    (void)state;
    const uint64_t seqs[] = {0, 1, 9, 10, 4294967296, UINT64_MAX};
    for (size_t i = 0; i < ARRAY_COUNT(seqs); i++) {
        char text[FEED_ID_BYTES_MAX + 1];
        size_t bytes = feed_id_format(text, "0123456789abcdef", seqs[i]);
        assert_int_equal(bytes, strlen(text));
        struct feed_position position;
        assert_true(feed_position_parse(&position, slice_text(text)));
        assert_string_equal(position.epoch, "0123456789abcdef");
        assert_true(position.seq == seqs[i]);
    }
}

static void ids_are_read_strictly(void **state) {
    (void)state;
    struct feed_position position;
    assert_true(feed_position_parse(&position, SLICE_LITERAL("deadbeef-18446744073709551615")));
    assert_true(position.seq == UINT64_MAX);
    assert_true(
        feed_position_parse(&position, SLICE_LITERAL("0123456789abcdef0123456789abcdef-1")));
    static const char *const bad[] = {
        "",
        "-",
        "a-",
        "-1",
        "a",
        "12",
        "a--1",
        "a-+1",
        "a- 1",
        "a-1 ",
        " a-1",
        "a-01",
        "a-1x",
        "a-0x1",
        "a_b-1",
        "a-1-2",
        "a\n-1",
        "a-\xd9\xa1",
        "a-18446744073709551616",
        "a-99999999999999999999",
        "0123456789abcdef0123456789abcdef0-1",
    };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        position = (struct feed_position){"keep", 7};
        if (feed_position_parse(&position, slice_text(bad[i]))) {
            fail_msg("taken: %s", bad[i]);
        }
        assert_string_equal(position.epoch, "keep");
        assert_int_equal(position.seq, 7);
    }
    assert_false(feed_position_parse(&position, (struct slice){(const uint8_t *)"a-1\0", 4}));
}

#define BIT(kind) (UINT64_C(1) << ENTRY_##kind)

static void kinds_are_names_or_all_of_an_object(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t kinds;
    } cases[] = {
        {"report", BIT(REPORT)},
        {"ticket.overdue", BIT(TICKET_OVERDUE)},
        {"report,ticket.overdue,report", BIT(REPORT) | BIT(TICKET_OVERDUE)},
        {"directive.*", BIT(DIRECTIVE_ISSUED) | BIT(DIRECTIVE_RECEIPT) | BIT(DIRECTIVE_DONE) |
                            BIT(DIRECTIVE_REOPENED)},
        {"directive", BIT(DIRECTIVE_ISSUED) | BIT(DIRECTIVE_RECEIPT) | BIT(DIRECTIVE_DONE) |
                          BIT(DIRECTIVE_REOPENED)},
        {"incident.opened,directive.done", BIT(INCIDENT_OPENED) | BIT(DIRECTIVE_DONE)},
    };
    uint64_t kinds = 0;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_true(feed_kinds_parse(&kinds, slice_text(cases[i].text)));
        assert_true(kinds == cases[i].kinds);
    }
    assert_true(feed_kinds_parse(&kinds, SLICE_LITERAL("ticket.*")));
    assert_true((kinds & (BIT(TICKET_OPENED) | BIT(TICKET_RECOMPUTED))) ==
                (BIT(TICKET_OPENED) | BIT(TICKET_RECOMPUTED)));
    assert_true((kinds & (BIT(REPORT) | BIT(INCIDENT_OPENED) | BIT(DIRECTIVE_DONE))) == 0);
    static const char *const bad[] = {
        "",          ",",           "report,", ",report",          "reports",        "*",
        "rep*",      "ticket*",     "Report",  "report ",          "ticket.",        "report.*",
        "ticket.*,", "ticket.lost", ".*",      "ticket.overdue.*", "report,,report", "ticket.over",
        "1"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        kinds = 77;
        assert_false(feed_kinds_parse(&kinds, slice_text(bad[i])));
        assert_int_equal(kinds, 77);
    }
}

static void severities_are_names(void **state) {
    (void)state;
    uint32_t severities = 0;
    assert_true(feed_severities_parse(&severities, SLICE_LITERAL("extreme,minor,extreme")));
    assert_int_equal(severities, 1U << SEVERITY_EXTREME | 1U << SEVERITY_MINOR);
    assert_false(feed_severities_parse(&severities, SLICE_LITERAL("extreme,")));
    assert_false(feed_severities_parse(&severities, SLICE_LITERAL("worst")));
    assert_false(feed_severities_parse(&severities, SLICE_LITERAL("")));
}

static void each_filter_must_agree(void **state) {
    (void)state;
    struct feed_filter filter;
    feed_filter_init(&filter);
    assert_true(feed_filter_is_open(&filter));
    assert_true(feed_filter_takes(&filter, NULL, ENTRY_REPORT, SEVERITY_MINOR, REGION_NONE));
    filter.severities = 1U << SEVERITY_SEVERE;
    assert_false(feed_filter_is_open(&filter));
    assert_true(feed_filter_takes(&filter, NULL, ENTRY_REPORT, SEVERITY_SEVERE, 5));
    assert_false(feed_filter_takes(&filter, NULL, ENTRY_REPORT, SEVERITY_MINOR, 5));
    filter.kinds = BIT(DIRECTIVE_RECEIPT);
    assert_false(feed_filter_takes(&filter, NULL, ENTRY_REPORT, SEVERITY_SEVERE, 5));
    assert_true(feed_filter_takes(&filter, NULL, ENTRY_DIRECTIVE_RECEIPT, SEVERITY_SEVERE, 5));
    assert_false(feed_filter_takes(&filter, NULL, ENTRY_INCIDENT_MERGED, SEVERITY_SEVERE, 5));
    feed_filter_init(&filter);
    filter.region = 5;
    assert_true(feed_filter_takes(&filter, NULL, ENTRY_REPORT, SEVERITY_MINOR, 5));
    assert_false(feed_filter_takes(&filter, NULL, ENTRY_REPORT, SEVERITY_MINOR, REGION_NONE));
}

/* root > city > (left, right); a filter takes a region and all below it. */
static void a_region_takes_its_subtree(void **state) {
    (void)state;
    static const char *const codes[][2] = {
        {"root", ""}, {"city", "root"}, {"left", "city"}, {"right", "city"}};
    uint8_t rows[1024];
    size_t bytes = 0;
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        const struct region_row row = {.code = slice_text(codes[i][0]),
                                       .parent = slice_text(codes[i][1]),
                                       .name = slice_text(codes[i][0]),
                                       .level = (uint8_t)(i < 2 ? i : 2)};
        bytes += region_row_encode(rows + bytes, &row);
    }
    struct limits limits;
    limits_init(&limits);
    size_t memory_bytes = region_table_bytes(NULL, ARRAY_COUNT(codes), bytes);
    void *memory = aligned_alloc(16, (memory_bytes + 15) / 16 * 16);
    assert_non_null(memory);
    struct region_table *table;
    struct error error;
    size_t bad_row;
    assert_int_equal(region_table_build(&table, memory, memory_bytes, NULL,
                                        (struct slice){rows, bytes}, ARRAY_COUNT(codes), &limits,
                                        &bad_row, &error),
                     STATUS_OK);
    uint32_t left = region_find(table, slice_text("left"));
    struct feed_filter filter;
    feed_filter_init(&filter);
    filter.region = region_find(table, slice_text("city"));
    assert_true(feed_filter_takes(&filter, table, ENTRY_REPORT, SEVERITY_MINOR, left));
    filter.region = region_find(table, slice_text("right"));
    assert_false(feed_filter_takes(&filter, table, ENTRY_REPORT, SEVERITY_MINOR, left));
    filter.region = left;
    assert_false(feed_filter_takes(&filter, table, ENTRY_REPORT, SEVERITY_MINOR,
                                   region_find(table, slice_text("city"))));
    free(memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_reads_back_as_it_was_written),
        cmocka_unit_test(ids_are_read_strictly),
        cmocka_unit_test(kinds_are_names_or_all_of_an_object),
        cmocka_unit_test(severities_are_names),
        cmocka_unit_test(each_filter_must_agree),
        cmocka_unit_test(a_region_takes_its_subtree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
