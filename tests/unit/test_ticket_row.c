/* Rows of tickets: what was written is read, and damaged bytes are refused or harmless. */
#include "tests/unit/support_ticket.h"

static struct ticket_world world;
static struct joint joint;

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

static uint32_t unit(const char *code) {
    return policy_tag(slice_text(code));
}

/* With a joint, a pause, a request and command ids: everything a row can have. */
static struct ticket *full_ticket(void) {
    struct ticket *ticket = ticket_handled_by(&world, "outage", "gas");
    const struct ticket_part_order parts[] = {{.unit_tag = unit("water")},
                                              {.unit_tag = unit("road"), .is_optional = true}};
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_WHISTLE,
                                             .command_id = SLICE_LITERAL("w"),
                                             .decides = true,
                                             .unit_tag = unit("power"),
                                             .parts = parts,
                                             .parts_count = 2});
    ticket_must(&world, ticket, VERB_SIGN);
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_REQUEST_SUSPENSION,
                                             .command_id = SLICE_LITERAL("s"),
                                             .reason = REASON_FUNDING,
                                             .until_ms = world.context.now_ms + 3600000});
    ticket_must(&world, ticket, VERB_APPROVE);
    ticket_at(&world, world.context.now_ms + 60000);
    ticket_must(&world, ticket, VERB_RESUME);
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_REQUEST_EXTENSION,
                                             .limit = {METERING_URGENT_HOUR, 7200}});
    ticket_run_until(&world, ticket, world.context.now_ms + 20 * 60000);
    return ticket;
}

static size_t encode(uint8_t row[TICKET_ROW_BYTES_MAX], const struct ticket *ticket) {
    return ticket_row_encode(row, ticket, joint_of(&world.docket.joints, ticket->joint));
}

static void what_is_written_is_read(void **state) {
    (void)state;
    uint8_t row[TICKET_ROW_BYTES_MAX], again[TICKET_ROW_BYTES_MAX];
    struct ticket back;
    bool has_joint;
    const struct ticket *ticket = full_ticket();
    size_t bytes = encode(row, ticket);
    assert_int_equal(ticket_row_decode(&back, &joint, &has_joint, (struct slice){row, bytes}),
                     STATUS_OK);
    assert_true(has_joint);
    assert_int_equal(ticket_row_encode(again, &back, &joint), bytes);
    assert_memory_equal(row, again, bytes);
    assert_int_equal(back.next_due_ms, ticket->next_due_ms);
    assert_int_equal(back.due_key, ticket->due_key);
    assert_int_equal(back.facts, ticket->facts);
    assert_int_equal(back.request.amount, 7200);
    assert_int_equal(joint.parts[1].unit_tag, unit("road"));
    const struct ticket *plain = ticket_opened(&world, "rubble", "GRID");
    bytes = encode(row, plain);
    print_message("a fresh ticket: %zu bytes a row, %zu in memory\n", bytes, sizeof *plain);
    assert_int_equal(ticket_row_decode(&back, &joint, &has_joint, (struct slice){row, bytes}),
                     STATUS_OK);
    assert_false(has_joint);
}

/* Cut anywhere it is refused; of changed bytes nothing worse comes than another sound ticket. */
static void damage_is_refused_or_harmless(void **state) {
    (void)state;
    uint8_t row[TICKET_ROW_BYTES_MAX + 1], mutant[TICKET_ROW_BYTES_MAX + 1];
    struct ticket back;
    struct prng prng;
    bool has_joint;
    size_t accepted = 0, refused = 0, bytes = encode(row, full_ticket());
    prng_init(&prng, 5);
    for (size_t cut = 0; cut < bytes; cut++) {
        uint8_t *exact = malloc(cut + 1);
        assert_non_null(exact);
        memcpy(exact, row, cut);
        enum status status =
            ticket_row_decode(&back, &joint, &has_joint, (struct slice){exact, cut});
        assert_int_equal(status, STATUS_CORRUPT);
        free(exact);
    }
    row[bytes] = 0;
    assert_int_equal(ticket_row_decode(&back, &joint, &has_joint, (struct slice){row, bytes + 1}),
                     STATUS_CORRUPT);
    for (int i = 0; i < 60000; i++) {
        memcpy(mutant, row, bytes);
        for (uint64_t k = 1 + prng_below(&prng, 3); k > 0; k--) {
            mutant[prng_below(&prng, bytes)] = (uint8_t)prng_next(&prng);
        }
        enum status status =
            ticket_row_decode(&back, &joint, &has_joint, (struct slice){mutant, bytes});
        if (status == STATUS_OK) {
            uint8_t again[TICKET_ROW_BYTES_MAX];
            size_t length = ticket_row_encode(again, &back, has_joint ? &joint : NULL);
            assert_int_equal(length, bytes);
            accepted++;
        } else {
            assert_true(status == STATUS_CORRUPT || status == STATUS_VERSION);
            refused++;
        }
    }
    assert_true(accepted > 1000 && refused > 1000);
}

static void versions_and_keys(void **state) {
    (void)state;
    uint8_t row[TICKET_ROW_BYTES_MAX], key[TICKET_KEY_BYTES], later[TICKET_KEY_BYTES];
    struct ticket back;
    bool has_joint;
    uint64_t number;
    size_t bytes = encode(row, ticket_opened(&world, "rubble", "GRID"));
    row[0] = 2;
    assert_int_equal(ticket_row_decode(&back, &joint, &has_joint, (struct slice){row, bytes}),
                     STATUS_VERSION);
    ticket_key_encode(key, 255);
    ticket_key_encode(later, 256);
    assert_true(memcmp(key, later, sizeof key) < 0);
    assert_true(ticket_key_decode(&number, (struct slice){key, sizeof key}));
    assert_int_equal(number, 255);
    assert_false(ticket_key_decode(&number, (struct slice){key, sizeof key - 1}));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_is_read),
        TEST(damage_is_refused_or_harmless),
        TEST(versions_and_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
