/* Two books against each other: which reports are together under one policy only, and which tickets
 * are late or there under one only. */
#include "tests/unit/support.h"

#include "server/replay/compare.h"

static struct book a, b;
static struct buffer text;

static int set_up(void **state) {
    (void)state;
    book_init(&a);
    book_init(&b);
    buffer_init(&text);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    book_deinit(&a);
    book_deinit(&b);
    buffer_deinit(&text);
    return 0;
}

static void report(struct book *book, uint32_t line, uint64_t incident) {
    const struct book_report added = {
        .seq = 1000 + line, .incident = incident, .line = line}; /* rises with the line */
    if (incident != 0 && book_incident(book, incident) == NULL) {
        (void)book_add_incident(book, incident, line);
    }
    book_add_report(book, &added);
}

static void ticket(struct book *book, uint64_t number, uint32_t line, uint16_t late,
                   uint16_t overdue) {
    struct book_ticket *added = book_add_ticket(book, number, line);
    added->category_tag = 1 + line % 2;
    added->stages_late = late;
    added->overdue = overdue;
}

static void compare(void) {
    struct json_out out;
    text.bytes = 0;
    json_out_init(&out, &text);
    replay_compare_write(&out, &a, &b);
    assert_int_equal(out.depth, 0);
    buffer_append(&text, "", 1);
}

static void expect(const char *expected) {
    compare();
    assert_string_equal((const char *)text.data, expected);
}

#define MERGES(under, other)                                                                       \
    "{\"merges\":{\"only_joined_under_policy\":{" under                                            \
    "},\"only_joined_under_compare_policy\":{" other "}},"
#define TICKETS(under, other)                                                                      \
    "\"tickets\":{\"only_under_policy\":{" under "},\"only_under_compare_policy\":{" other "}}}"
#define NO_MERGES "\"some\":[],\"pairs\":0,\"incidents_divided\":0"
#define NO_TICKETS "\"some\":[],\"late\":0,\"late_overall\":0,\"not_there_otherwise\":0"

static void two_empty_books_do_not_differ(void **state) {
    (void)state;
    expect(MERGES(NO_MERGES, NO_MERGES) TICKETS(NO_TICKETS, NO_TICKETS));
}

static void numbers_of_a_run_do_not_matter(void **state) {
    (void)state;
    static const uint32_t incidents[] = {1, 1, 0, 2, 1, 2, 0};
    for (uint32_t i = 0; i < ARRAY_COUNT(incidents); i++) {
        report(&a, i + 1, incidents[i]);
        report(&b, i + 1, incidents[i] == 0 ? 0 : 50 + incidents[i]);
    }
    ticket(&a, 3, 1, 4, 0);
    ticket(&b, 70, 1, 4, 0);
    expect(MERGES(NO_MERGES, NO_MERGES) TICKETS(NO_TICKETS, NO_TICKETS));
}

/* Lines 1 to 5 are one incident here; there 1 and 2, 3 and 4, and 5 by itself. */
static void a_divided_incident_is_counted_in_pairs(void **state) {
    (void)state;
    static const uint64_t there[] = {11, 11, 12, 12, 0};
    for (uint32_t i = 0; i < 5; i++) {
        report(&a, i + 1, 7);
        report(&b, i + 1, there[i]);
    }
    expect(MERGES("\"some\":[{\"lines\":[1,5],\"incident\":\"i7\"},"
                  "{\"lines\":[3,5],\"incident\":\"i7\"}],\"pairs\":8,\"incidents_divided\":1",
                  NO_MERGES) TICKETS(NO_TICKETS, NO_TICKETS));
}

static void a_merge_is_followed(void **state) {
    (void)state;
    report(&a, 1, 7);
    report(&a, 2, 8);
    report(&b, 1, 7);
    report(&b, 2, 8);
    book_incident(&b, 8)->merged_into = 7;
    expect(MERGES(NO_MERGES, "\"some\":[{\"lines\":[1,2],\"incident\":\"i7\"}],\"pairs\":1,"
                             "\"incidents_divided\":1") TICKETS(NO_TICKETS, NO_TICKETS));
}

static void tickets_are_told_apart_by_line_and_category(void **state) {
    (void)state;
    const uint16_t sign = 1 << STAGE_SIGN, overall = 1 << STAGE_OVERALL;
    ticket(&a, 1, 10, sign, overall); /* late here, not there */
    ticket(&a, 2, 11, 0, 0);
    ticket(&a, 3, 12, sign, 0); /* late under both */
    ticket(&a, 4, 13, 0, 0);    /* not there otherwise, as line 13 is of another category there */
    ticket(&a, 5, 14, 0, overall);
    ticket(&b, 1, 9, 0, 0); /* not here */
    ticket(&b, 2, 10, 0, 0);
    ticket(&b, 3, 11, overall, 0); /* late there only */
    ticket(&b, 4, 12, sign, 0);
    ticket(&b, 5, 13, 0, 0);
    ticket(&b, 6, 14, sign, 0); /* late under both, but only here as a whole */
    book_ticket(&b, 5)->category_tag = 9;
    expect(MERGES(NO_MERGES, NO_MERGES) TICKETS(
        "\"some\":[{\"line\":10,\"ticket\":\"t1\",\"stages\":[\"sign\",\"overall\"]}],\"late\":1,"
        "\"late_overall\":2,\"not_there_otherwise\":1",
        "\"some\":[{\"line\":11,\"ticket\":\"t3\",\"stages\":[\"overall\"]}],\"late\":1,"
        "\"late_overall\":1,\"not_there_otherwise\":2"));
}

static size_t count_of(const char *part) {
    size_t count = 0;
    for (const char *at = (const char *)text.data; (at = strstr(at, part)) != NULL; at++) {
        count++;
    }
    return count;
}

static void lists_end_and_counts_go_on(void **state) {
    (void)state;
    for (uint32_t i = 0; i < REPLAY_DIFFERENCES_MAX + 1; i++) {
        report(&a, 2 * i + 1, 1000 + i);
        report(&a, 2 * i + 2, 1000 + i);
        report(&b, 2 * i + 1, 0);
        report(&b, 2 * i + 2, 0);
        ticket(&a, 1 + i, 2 * i + 1, 0, 1 << STAGE_HANDLE);
        ticket(&b, 1 + i, 2 * i + 1, 0, 0);
    }
    compare();
    assert_int_equal(count_of("\"incident\":"), REPLAY_DIFFERENCES_MAX);
    assert_int_equal(count_of("\"pairs\":101,\"incidents_divided\":101"), 1);
    assert_int_equal(count_of("\"ticket\":"), REPLAY_DIFFERENCES_MAX);
    assert_int_equal(count_of("\"late\":101,\"late_overall\":0"), 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(two_empty_books_do_not_differ),
        TEST(numbers_of_a_run_do_not_matter),
        TEST(a_divided_incident_is_counted_in_pairs),
        TEST(a_merge_is_followed),
        TEST(tickets_are_told_apart_by_line_and_category),
        TEST(lists_end_and_counts_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
