/* Directives: one order, a ticket for each addressee, counts that are subsets of each other. */
#include "tests/unit/support_ticket.h"

static struct ticket_world world;
enum { HOUR = 3600000 };

static int setup(void **state) {
    (void)state;
    ticket_world_init(&world);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    ticket_world_deinit(&world);
    return 0;
}

static uint64_t issued(const struct directive_addressee *addressees, size_t count) {
    struct directive_order order = {.issuer = SLICE_LITERAL("county office"),
                                    .region = ticket_region(&world, "COUNTY"),
                                    .category_tag = policy_tag(SLICE_LITERAL("rubble")),
                                    .receipt = {METERING_URGENT_HOUR, 3600},
                                    .execution = {METERING_URGENT_HOUR, 10 * 3600},
                                    .addressees = addressees,
                                    .addressees_count = count};
    uint64_t number;
    assert_int_equal(docket_issue(&world.docket, &world.context, &order, &number), STATUS_OK);
    return number;
}

static void one_order_reaches_all(void **state) {
    (void)state;
    const struct directive_addressee addressees[] = {
        {.region = ticket_region(&world, "TOWN")},
        {.region = ticket_region(&world, "OTHER"), .unit_tag = policy_tag(SLICE_LITERAL("road"))},
        {.region = REGION_NONE, .unit_tag = policy_tag(SLICE_LITERAL("power"))}};
    uint64_t number = issued(addressees, 3);
    int64_t start = world.context.now_ms;
    const struct directive *directive = directives_find(&world.docket.directives, number);
    struct ticket *tickets[3];
    size_t found = 0;
    for (uint32_t i = 0; i < world.docket.touched_count; i++) {
        struct ticket *ticket = docket_at(&world.docket, i);
        assert_int_equal(ticket->directive, number);
        assert_int_equal(ticket->state, TICKET_DISPATCHED);
        tickets[found++] = ticket;
    }
    assert_int_equal(found, 3);
    ticket_assert_told(&world, ENTRY_DIRECTIVE_ISSUED, "\"addressees\":3");
    assert_int_equal(tickets[1]->unit_tag, policy_tag(SLICE_LITERAL("road")));
    /* The first signs and does it; the second is deemed to have signed and is late; the third is
     * void. */
    ticket_must(&world, tickets[0], VERB_SIGN);
    ticket_assert_told(&world, ENTRY_DIRECTIVE_RECEIPT, "\"receipted\":1,\"receipted_late\":0");
    ticket_must(&world, tickets[0], VERB_SUBMIT_RESULT);
    ticket_must(&world, tickets[0], VERB_CHECK_PASS);
    ticket_run_until(&world, tickets[1], start + 11 * HOUR);
    ticket_must(&world, tickets[1], VERB_SUBMIT_RESULT);
    ticket_must(&world, tickets[1], VERB_CHECK_PASS);
    assert_int_equal(directive->share.receipted, 2);
    assert_int_equal(directive->share.done, 2);
    assert_int_equal(directive->share.done_late, 1);
    assert_false(directive_is_done(directive));
    ticket_must(&world, tickets[0], VERB_REOPEN);
    assert_int_equal(directive->share.done, 1);
    ticket_must(&world, tickets[0], VERB_SIGN);
    ticket_must(&world, tickets[0], VERB_SUBMIT_RESULT);
    ticket_must(&world, tickets[0], VERB_CHECK_PASS);
    ticket_must(&world, tickets[2], VERB_VOID);
    ticket_assert_told(&world, ENTRY_DIRECTIVE_DONE, "\"complete\":true");
    assert_true(directive_is_done(directive) && directive->done_ms != 0);
    docket_flush(&world.docket, ticket_keep_row, &world);
    assert_int_equal(ticket_rows_of(&world, ROW_DIRECTIVE), 4);
    assert_null(directives_find(&world.docket.directives, number));
}

static void rows_come_back(void **state) {
    (void)state;
    const struct directive_addressee addressee = {.region = ticket_region(&world, "TOWN")};
    uint64_t number = issued(&addressee, 1);
    ticket_must(&world, docket_at(&world.docket, 0), VERB_SIGN);
    docket_flush(&world.docket, ticket_keep_row, &world);
    size_t read = 0;
    for (size_t i = 0; i < world.rows_count; i++) {
        const struct kept_row *row = &world.rows[i];
        struct slice value = {row->value, row->bytes};
        struct directive directive;
        struct addressee back;
        if (row->family != ROW_DIRECTIVE) {
            continue;
        }
        if (row->key_bytes == DIRECTIVE_KEY_BYTES) {
            assert_int_equal(directive_row_decode(&directive, value), STATUS_OK);
            assert_int_equal(directive.number, number);
            assert_int_equal(directive.share.receipted, 1);
            row->value[0] = 2;
            assert_int_equal(directive_row_decode(&directive, value), STATUS_VERSION);
            row->value[0] = 1;
            row->value[64] = 2; /* more done than there are addressees */
            assert_int_equal(directive_row_decode(&directive, value), STATUS_CORRUPT);
            row->value[64] = 0;
            directives_remove(&world.docket.directives, number);
            assert_int_equal(docket_restore_directive(&world.docket, value), STATUS_OK);
            assert_int_equal(directives_find(&world.docket.directives, number)->addressees_count,
                             1);
        } else {
            struct slice key = {row->key, row->key_bytes};
            assert_int_equal(addressee_row_decode(&back, key, value), STATUS_OK);
            assert_true(back.directive == number && back.index == 0 &&
                        back.state == TICKET_HANDLING && back.share.receipted == 1 &&
                        back.region == addressee.region);
            row->value[2] = 8; /* late, but not done */
            assert_int_equal(addressee_row_decode(&back, key, value), STATUS_CORRUPT);
        }
        read++;
    }
    assert_int_equal(read, 2);
}

/* A directive that is done has left memory; a reopening of one of its tickets brings it back, is
 * counted and told, and it is done again afterwards. */
static void a_late_reopening_is_counted_and_told(void **state) {
    (void)state;
    const struct directive_addressee addressee = {.region = ticket_region(&world, "TOWN")};
    const struct directive_order order = {.region = addressee.region,
                                          .category_tag = policy_tag(SLICE_LITERAL("rubble")),
                                          .addressees = &addressee,
                                          .addressees_count = 1};
    uint64_t number;
    assert_int_equal(docket_issue(&world.docket, &world.context, &order, &number), STATUS_OK);
    struct ticket *ticket = docket_find(&world.docket, number + 1);
    ticket_must(&world, ticket, VERB_SIGN);
    ticket_must(&world, ticket, VERB_SUBMIT_RESULT);
    ticket_must(&world, ticket, VERB_CHECK_PASS);
    docket_flush(&world.docket, ticket_keep_row, &world);
    assert_null(directives_find(&world.docket.directives, number));
    assert_int_equal(world.docket.directives.removed_count, 1);
    struct slice row = {0};
    for (size_t i = 0; i < world.rows_count; i++) {
        bool is_it =
            world.rows[i].family == ROW_DIRECTIVE && world.rows[i].key_bytes == DIRECTIVE_KEY_BYTES;
        row = is_it ? (struct slice){world.rows[i].value, world.rows[i].bytes} : row;
    }
    assert_int_equal(docket_restore_directive(&world.docket, row), STATUS_OK);
    ticket_must(&world, ticket, VERB_REOPEN);
    ticket_assert_told(&world, ENTRY_DIRECTIVE_REOPENED, "\"done\":0");
    ticket_assert_told(&world, ENTRY_DIRECTIVE_REOPENED, "\"complete\":false");
    docket_flush(&world.docket, ticket_keep_row, &world);
    const struct directive *directive = directives_find(&world.docket.directives, number);
    assert_non_null(directive);
    assert_int_equal(directive->done_ms, 0);
    ticket_must(&world, ticket, VERB_SIGN);
    ticket_must(&world, ticket, VERB_SUBMIT_RESULT);
    ticket_must(&world, ticket, VERB_CHECK_PASS);
    ticket_assert_told(&world, ENTRY_DIRECTIVE_DONE, "\"complete\":true");
    docket_flush(&world.docket, ticket_keep_row, &world);
    assert_null(directives_find(&world.docket.directives, number));
}

static void orders_have_limits(void **state) {
    (void)state;
    struct directive_addressee addressees[33];
    struct directive_order order = {.region = REGION_NONE,
                                    .category_tag = policy_tag(SLICE_LITERAL("rubble")),
                                    .addressees = addressees};
    uint64_t number;
    for (size_t i = 0; i < ARRAY_COUNT(addressees); i++) {
        addressees[i] = (struct directive_addressee){.region = ticket_region(&world, "TOWN")};
    }
    world.limits.directive_addressees = 32; /* as the world was made */
    world.limits.open_directives = 4;
    order.addressees_count = world.limits.directive_addressees + 1;
    assert_int_equal(docket_issue(&world.docket, &world.context, &order, &number),
                     STATUS_TOO_LARGE);
    order.addressees_count = 0;
    assert_int_equal(docket_issue(&world.docket, &world.context, &order, &number),
                     STATUS_TOO_LARGE);
    order.addressees_count = world.limits.directive_addressees;
    assert_int_equal(docket_issue(&world.docket, &world.context, &order, &number), STATUS_OK);
    assert_int_equal(docket_room(&world.docket), 32);
    order.addressees_count = 1;
    for (uint64_t i = 1; i < world.limits.open_directives; i++) {
        assert_int_equal(docket_issue(&world.docket, &world.context, &order, &number), STATUS_OK);
    }
    size_t events = world.events_count;
    assert_int_equal(docket_issue(&world.docket, &world.context, &order, &number), STATUS_FULL);
    ticket_must(&world, docket_find(&world.docket, number + 1), VERB_VOID);
    docket_flush(&world.docket, ticket_keep_row, &world);
    order.addressees_count = 31;
    assert_int_equal(docket_issue(&world.docket, &world.context, &order, &number), STATUS_FULL);
    order.addressees_count = 30;
    assert_int_equal(docket_issue(&world.docket, &world.context, &order, &number), STATUS_OK);
    assert_true(world.events_count > events);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(one_order_reaches_all),
        TEST(rows_come_back),
        TEST(a_late_reopening_is_counted_and_told),
        TEST(orders_have_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
