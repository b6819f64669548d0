#include "server/feed/ticket.h"
#include "tests/unit/support.h"

static struct tickets tickets;

static struct slice issue(uint64_t now_ms, char text[TICKET_TEXT_BYTES + 1]) {
    assert_int_equal(tickets_issue(&tickets, now_ms, NULL, text), STATUS_OK);
    assert_int_equal(strlen(text), TICKET_TEXT_BYTES);
    return slice_text(text);
}

static void a_ticket_is_good_once(void **state) {
    (void)state;
    tickets_init(&tickets, NULL);
    char text[TICKET_TEXT_BYTES + 1];
    struct slice ticket = issue(1000, text);
    assert_true(tickets_know(&tickets, 1000, ticket));
    assert_true(tickets_take(&tickets, 1001, ticket));
    assert_false(tickets_know(&tickets, 1001, ticket));
    assert_false(tickets_take(&tickets, 1001, ticket));
}

static void a_ticket_lives_its_time_and_no_longer(void **state) {
    (void)state;
    tickets_init(&tickets, NULL);
    char a[TICKET_TEXT_BYTES + 1], b[TICKET_TEXT_BYTES + 1];
    struct slice first = issue(1000, a);
    struct slice second = issue(1001, b);
    assert_true(tickets_know(&tickets, 1000 + TICKET_LIFE_MS - 1, first));
    assert_false(tickets_take(&tickets, 1000 + TICKET_LIFE_MS, first));
    assert_true(tickets_take(&tickets, 1000 + TICKET_LIFE_MS, second));
}

static void tickets_differ_and_are_used_up_in_any_order(void **state) {
    (void)state;
    tickets_init(&tickets, NULL);
    char text[3][TICKET_TEXT_BYTES + 1];
    for (int i = 0; i < 3; i++) {
        issue(5, text[i]);
    }
    assert_string_not_equal(text[0], text[1]);
    assert_true(tickets_take(&tickets, 6, slice_text(text[1])));
    assert_true(tickets_take(&tickets, 6, slice_text(text[2])));
    assert_true(tickets_take(&tickets, 6, slice_text(text[0])));
    assert_int_equal(tickets_issue(&tickets, 7, NULL, text[0]), STATUS_OK);
    assert_int_equal(tickets.count, 1);
}

static void what_is_no_ticket_is_refused(void **state) {
    (void)state;
    tickets_init(&tickets, NULL);
    char text[TICKET_TEXT_BYTES + 1];
    struct slice ticket = issue(1, text);
    assert_false(tickets_take(&tickets, 1, SLICE_LITERAL("")));
    assert_false(tickets_take(&tickets, 1, (struct slice){ticket.data, ticket.bytes - 1}));
    assert_false(tickets_take(&tickets, 1, SLICE_LITERAL("00000000000000000000000000000000")));
    assert_false(tickets_take(&tickets, 1, SLICE_LITERAL("zz000000000000000000000000000000")));
    assert_true(tickets_take(&tickets, 1, ticket));
}

static void the_number_outstanding_is_bounded(void **state) {
    (void)state;
    tickets_init(&tickets, NULL);
    char text[TICKET_TEXT_BYTES + 1];
    for (int i = 0; i < TICKETS_MAX; i++) {
        issue(10, text);
    }
    char more[TICKET_TEXT_BYTES + 1] = "untouched";
    assert_int_equal(tickets_issue(&tickets, 10, NULL, more), STATUS_BUSY);
    assert_string_equal(more, "untouched");
    assert_true(tickets_know(&tickets, 10, slice_text(text)));
    issue(10 + TICKET_LIFE_MS, text);
    assert_int_equal(tickets.count, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ticket_is_good_once),
        cmocka_unit_test(a_ticket_lives_its_time_and_no_longer),
        cmocka_unit_test(tickets_differ_and_are_used_up_in_any_order),
        cmocka_unit_test(what_is_no_ticket_is_refused),
        cmocka_unit_test(the_number_outstanding_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
