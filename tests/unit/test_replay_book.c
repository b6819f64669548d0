/* What is added to the book is found again, and what became of it is noted. */
#include "tests/unit/support.h"

#include "server/replay/book.h"

static struct book book;

static int set_up(void **state) {
    (void)state;
    book_init(&book);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    book_deinit(&book);
    return 0;
}

static void an_empty_book_has_nothing(void **state) {
    (void)state;
    assert_null(book_report(&book, 1));
    assert_null(book_incident(&book, 1));
    assert_null(book_ticket(&book, 0));
    assert_int_equal(book_reports_count(&book), 0);
    assert_int_equal(book_incidents_count(&book), 0);
    assert_int_equal(book_tickets_count(&book), 0);
}

/* Far past the size at which the index is made anew, with numbers in rows and with gaps. */
static void all_that_was_added_is_found_and_nothing_else(void **state) {
    (void)state;
    enum { COUNT = 5000 };
    for (uint64_t i = 0; i < COUNT; i++) {
        uint64_t number = i < COUNT / 2 ? 10 + i : 10 + 977 * i;
        const struct book_report report = {number, i % 7, i % 11, (uint32_t)i};
        book_add_report(&book, &report);
        assert_int_equal(book_add_incident(&book, number + 1, (uint32_t)i)->number, number + 1);
        book_add_ticket(&book, number + 2, (uint32_t)i)->priority = (uint8_t)(i % 4);
    }
    assert_int_equal(book_reports_count(&book), COUNT);
    assert_int_equal(book_incidents_count(&book), COUNT);
    assert_int_equal(book_tickets_count(&book), COUNT);
    for (uint64_t i = 0; i < COUNT; i++) {
        uint64_t number = i < COUNT / 2 ? 10 + i : 10 + 977 * i;
        const struct book_report *report = book_report(&book, number);
        assert_true(report != NULL && report->line == i && report->ticket == i % 11);
        assert_ptr_equal(report, &book_reports(&book)[i]);
        assert_ptr_equal(book_incident(&book, number + 1), &book_incidents(&book)[i]);
        assert_int_equal(book_incident(&book, number + 1)->line, i);
        assert_ptr_equal(book_ticket(&book, number + 2), &book_tickets(&book)[i]);
        assert_int_equal(book_ticket(&book, number + 2)->priority, i % 4);
    }
    assert_null(book_report(&book, 9));
    assert_null(book_report(&book, 10 + 977 * (COUNT - 1) + 1));
    assert_null(book_report(&book, 10 + 977 * (COUNT - 1) - 1));
    assert_null(book_incident(&book, 10));
    assert_null(book_ticket(&book, UINT64_MAX));
}

static void a_report_is_where_its_incident_went(void **state) {
    (void)state;
    struct book_report report = {.seq = 9, .incident = 5};
    (void)book_add_incident(&book, 3, 1);
    (void)book_add_incident(&book, 5, 2);
    assert_int_equal(book_incident_of(&book, &report), 5);
    book_incident(&book, 5)->merged_into = 3;
    assert_int_equal(book_incident_of(&book, &report), 3);
    report.incident = 0;
    assert_int_equal(book_incident_of(&book, &report), 0);
}

static void an_incident_is_noted_as_it_stands(void **state) {
    (void)state;
    union incident_detail detail = {.fire = {.estimate = {30, 110}}};
    struct incident incident = {.number = 7,
                                .anchor = {31, 111},
                                .merged_into = 3,
                                .state = INCIDENT_HANDLED,
                                .flags = INCIDENT_HAS_POSITION,
                                .first_seen_ms = 100,
                                .last_seen_ms = 200,
                                .category_tag = 40,
                                .region = 4,
                                .reports_count = 2,
                                .extents_m = {{-10, 30}, {0, 0}, {0, 0}, {0, 0}}};
    struct book_incident *noted = book_add_incident(&book, 7, 12);
    book_note_incident(noted, &incident);
    assert_true(noted->number == 7 && noted->line == 12 && noted->merged_into == 3);
    assert_true(noted->first_seen_ms == 100 && noted->last_seen_ms == 200);
    assert_true(noted->has_position && noted->position.lat_deg == 31 &&
                noted->position.lon_deg == 111);
    assert_true(noted->category_tag == 40 && noted->region == 4 && noted->reports_count == 2);
    assert_true(noted->state == INCIDENT_HANDLED && noted->spread_m == 40.0F);
    /* A fire is where it is thought to be, once that can be said. */
    incident.detail_kind = DETAIL_FIRE;
    incident.detail = &detail;
    book_note_incident(noted, &incident);
    assert_true(noted->position.lat_deg == 31);
    incident.flags = INCIDENT_LOCALISED;
    book_note_incident(noted, &incident);
    assert_true(noted->has_position && noted->position.lat_deg == 30 &&
                noted->position.lon_deg == 110);
    incident.flags = 0;
    book_note_incident(noted, &incident);
    assert_false(noted->has_position);
}

static void a_ticket_is_noted_as_it_stands(void **state) {
    (void)state;
    const struct ticket ticket = {.incident = 7,
                                  .category_tag = 40,
                                  .facts = FACT_ESCALATED,
                                  .stages_ended = 3,
                                  .stages_late = 2,
                                  .overdue = 8,
                                  .reopen_count = 1,
                                  .rework_count = 4,
                                  .state = TICKET_CLOSED,
                                  .priority = 2};
    struct book_ticket *noted = book_add_ticket(&book, 8, 12);
    book_note_ticket(noted, &ticket);
    const struct book_ticket expected = {.number = 8,
                                         .incident = 7,
                                         .line = 12,
                                         .category_tag = 40,
                                         .facts = FACT_ESCALATED,
                                         .stages_ended = 3,
                                         .stages_late = 2,
                                         .overdue = 8,
                                         .reopen_count = 1,
                                         .rework_count = 4,
                                         .state = TICKET_CLOSED,
                                         .priority = 2};
    assert_memory_equal(noted, &expected, offsetof(struct book_ticket, priority) + 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_empty_book_has_nothing),
        TEST(all_that_was_added_is_found_and_nothing_else),
        TEST(a_report_is_where_its_incident_went),
        TEST(an_incident_is_noted_as_it_stands),
        TEST(a_ticket_is_noted_as_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
