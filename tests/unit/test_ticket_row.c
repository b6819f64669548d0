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
            assert_true(length == bytes || mutant[0] == 1);
            accepted++;
        } else {
            assert_true(status == STATUS_CORRUPT || status == STATUS_VERSION);
            refused++;
        }
    }
    assert_true(accepted > 1000 && refused > 1000);
}

/* full_ticket as version 1 wrote it. */
static const char narrow_row[] =
    "0101f38fc1557c03a071010000000000000007000000000000000b000000000000000b0000000a0000000100"
    "00009733edc705000000baa2a31e9eef7351005800190d0102030401ff01809e86e5a0010000809e86e5a001"
    "0000809e86e5a0010000809e86e5a0010000e08887e5a0010000809e86e5a0010000008dbde5a00100000120"
    "1c0000baa2a31e0209020000e0819de5a001000004010900000000000060b052eba001000001010100aab836"
    "5201000000b07b0100000000000000000000000000809e86e5a0010000e08887e5a001000000000000000000"
    "8001080100000000002000a3e5a001000001010100aab8365200000000080700000000000000000000000000"
    "00e08887e5a0010000e08887e5a001000000000000000000800105000000000000e0e4adeaa0010000010101"
    "00aab836520100000080510100000000000000000000000000809e86e5a0010000e08887e5a0010000000000"
    "000000008001040000000000006077bee5a001000001010100aab8365201000000100e000000000000000000"
    "0000000000809e86e5a0010000e08887e5a00100000000000000000080809e86e5a0010000e08887e5a00100"
    "0002293e19def5e8eeac0705000013bef64fd1d4b9d60c07000002f76da87802010000000000000000000000"
    "000000000000000000000001030000000000006077bee5a001000001010100aab8365201000000100e000000"
    "0000000000000000000000809e86e5a0010000e08887e5a001000000000000000000800105000000000000e0"
    "e4adeaa001000001010100aab836520100000080510100000000000000000000000000809e86e5a0010000e0"
    "8887e5a00100000000000000000080539ab66a02000000000000000000000000000000000000000000000001"
    "030000000000006077bee5a001000001010100aab8365201000000100e000000000000000000000000000080"
    "9e86e5a0010000e08887e5a001000000000000000000800105000000000000e0e4adeaa001000001010100aa"
    "b836520100000080510100000000000000000000000000809e86e5a0010000e08887e5a00100000000000000"
    "000080";

static size_t from_hex(uint8_t *to, const char *hex) {
    size_t bytes = strlen(hex) / 2;
    for (size_t i = 0; i < bytes; i++) {
        unsigned value;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &value), 1);
        to[i] = (uint8_t)value;
    }
    return bytes;
}

/* A row of version 1 is read; it has no path, and its ticket gets one with its next escalation. */
static void rows_of_version_1_are_read(void **state) {
    (void)state;
    uint8_t row[TICKET_ROW_BYTES_MAX], again[TICKET_ROW_BYTES_MAX];
    struct ticket back, same;
    bool has_joint;
    size_t bytes = from_hex(row, narrow_row);
    assert_int_equal(ticket_row_decode(&back, &joint, &has_joint, (struct slice){row, bytes}),
                     STATUS_OK);
    assert_true(has_joint);
    assert_int_equal(back.number, 1);
    assert_int_equal(back.incident, 7);
    assert_int_equal(back.state, TICKET_HANDLING);
    assert_int_equal(back.region, ticket_region(&world, "GRID"));
    assert_int_equal(back.request.amount, 7200);
    assert_int_equal(joint.parts[1].unit_tag, unit("road"));
    assert_int_equal(back.path.levels, 0);
    size_t length = ticket_row_encode(again, &back, &joint);
    assert_int_equal(again[0], 2);
    assert_int_equal(length, bytes + 4);
    assert_int_equal(ticket_row_decode(&same, &joint, &has_joint, (struct slice){again, length}),
                     STATUS_OK);
    assert_int_equal(same.next_due_ms, back.next_due_ms);
    struct ticket *ticket;
    assert_int_equal(docket_restore(&world.docket, (struct slice){row, bytes}, &ticket), STATUS_OK);
    ticket_run_until(&world, ticket, ticket->next_due_ms + 86400000);
    assert_int_equal(ticket->path.above[0], ticket_region(&world, "VILLAGE"));
    assert_int_equal(ladder_above_count(&ticket->path), 4);
    for (size_t cut = 0; cut < bytes; cut++) {
        assert_int_equal(ticket_row_decode(&back, &joint, &has_joint, (struct slice){row, cut}),
                         STATUS_CORRUPT);
    }
}

static void versions_and_keys(void **state) {
    (void)state;
    uint8_t row[TICKET_ROW_BYTES_MAX], key[TICKET_KEY_BYTES], later[TICKET_KEY_BYTES];
    struct ticket back;
    bool has_joint;
    uint64_t number;
    size_t bytes = encode(row, ticket_opened(&world, "rubble", "GRID"));
    row[0] = 3;
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
        TEST(rows_of_version_1_are_read),
        TEST(versions_and_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
