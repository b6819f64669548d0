/* The docket: limits, rows handed out once, restarts, and what holds under any sequence of
 * commands. */
#include "tests/unit/support_ticket.h"

static struct ticket_world world;
enum { MINUTE = 60000, HOUR = 3600000 };

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

static void flush(struct ticket_world *to) {
    docket_flush(&to->docket, ticket_keep_row, to);
}

static void the_docket_fills_up(void **state) {
    (void)state;
    world.limits.open_tickets = 64; /* as the world was made */
    struct ticket_opening opening = {.origin = ORIGIN_MANUAL,
                                     .category_tag = policy_tag(SLICE_LITERAL("rubble")),
                                     .region = REGION_NONE};
    struct ticket *ticket = NULL;
    for (uint64_t i = 0; i < world.limits.open_tickets; i++) {
        assert_int_equal(docket_open(&world.docket, &world.context, &opening, &ticket), STATUS_OK);
        assert_ptr_equal(docket_find(&world.docket, ticket->number), ticket);
    }
    uint64_t seq = world.effects.next_seq;
    assert_int_equal(docket_open(&world.docket, &world.context, &opening, &ticket), STATUS_FULL);
    assert_int_equal(world.effects.next_seq, seq);
    for (uint64_t number = 1; number < seq; number += 3) {
        ticket_must(&world, docket_find(&world.docket, number), VERB_VOID);
    }
    flush(&world);
    assert_int_equal(docket_room(&world.docket), 22);
    for (uint64_t number = 1; number < seq; number++) {
        assert_int_equal(docket_find(&world.docket, number) == NULL, number % 3 == 1);
    }
    assert_int_equal(docket_open(&world.docket, &world.context, &opening, &ticket), STATUS_OK);
}

static void each_row_is_given_once(void **state) {
    (void)state;
    struct ticket *ticket = ticket_handled_by(&world, "rubble", "road");
    flush(&world);
    assert_int_equal(world.calls, 2); /* the ticket, and the deadline it has now */
    assert_int_equal(ticket_rows_of(&world, ROW_TICKET), 1);
    assert_int_equal(ticket_rows_of(&world, ROW_DEADLINE), 1);
    flush(&world);
    assert_int_equal(world.calls, 2);
    ticket_must(&world, ticket, VERB_REMIND); /* its deadline stays */
    flush(&world);
    assert_int_equal(world.calls, 3);
    ticket_at(&world, ticket->next_due_ms);
    while (docket_fire(&world.docket, &world.context, ticket) > 0) {
    }
    flush(&world); /* the old deadline goes, the new one comes */
    assert_int_equal(world.calls, 6);
    assert_int_equal(ticket_rows_of(&world, ROW_DEADLINE), 1);
    struct ticket_command refused = {.verb = VERB_SIGN, .actor = ticket_anybody()};
    assert_int_equal(ticket_give(&world, ticket, &refused).verdict, TICKET_STATE);
    flush(&world);
    assert_int_equal(world.calls, 6);
    ticket_must(&world, ticket, VERB_VOID);
    flush(&world);
    assert_int_equal(ticket_rows_of(&world, ROW_DEADLINE), 0);
    assert_int_equal(ticket_rows_of(&world, ROW_TICKET), 1);
    assert_int_equal(docket_room(&world.docket), 64);
}

static struct ticket *brought_back(struct ticket_world *to, uint64_t number) {
    uint8_t key[TICKET_KEY_BYTES];
    struct ticket *ticket = NULL;
    ticket_key_encode(key, number);
    for (size_t i = 0; i < to->rows_count; i++) {
        if (to->rows[i].family == ROW_TICKET && memcmp(to->rows[i].key, key, sizeof key) == 0) {
            struct slice row = {to->rows[i].value, to->rows[i].bytes};
            assert_int_equal(docket_restore(&to->docket, row, &ticket), STATUS_OK);
        }
    }
    assert_non_null(ticket);
    return ticket;
}

static void a_late_command_finds_a_ticket_that_left(void **state) {
    (void)state;
    struct ticket *ticket = ticket_opened(&world, "garbage", "GRID");
    uint64_t number = ticket->number;
    ticket_must(&world, ticket, VERB_SELF_HANDLE);
    ticket_must(&world, ticket, VERB_ARCHIVE);
    flush(&world);
    assert_null(docket_find(&world.docket, number));
    ticket = brought_back(&world, number);
    assert_int_equal(ticket->state, TICKET_ARCHIVED);
    docket_release(&world.docket, ticket);
    assert_null(docket_find(&world.docket, number));
    ticket = brought_back(&world, number);
    ticket_must(&world, ticket, VERB_REOPEN);
    flush(&world);
    assert_ptr_equal(docket_find(&world.docket, number), ticket);
    assert_int_equal(ticket_rows_of(&world, ROW_DEADLINE), 1);
}

static struct ticket_command random_command(struct ticket_world *to, struct prng *prng,
                                            struct ticket_part_order parts[2]) {
    static const char *const units[] = {"gas", "water", "road", "power"};
    struct ticket_command command = {.verb =
                                         (enum ticket_verb)(1 + prng_below(prng, VERBS_END - 1)),
                                     .actor = ticket_anybody(),
                                     .note = SLICE_LITERAL("说明 \"a\" note"),
                                     .reason = (enum ticket_reason)prng_below(prng, 6),
                                     .on_scene = prng_below(prng, 2) == 0,
                                     .decides = prng_below(prng, 2) == 0,
                                     .lift = prng_below(prng, 2) == 0,
                                     .single = prng_below(prng, 4) == 0,
                                     .solved = (enum tri_state)prng_below(prng, 3),
                                     .target = 1 + prng_below(prng, 200)};
    command.until_ms = to->context.now_ms + (int64_t)prng_below(prng, 100) * HOUR;
    parts[0] =
        (struct ticket_part_order){.unit_tag = policy_tag(slice_text(units[prng_below(prng, 2)]))};
    parts[1] = (struct ticket_part_order){.unit_tag = policy_tag(SLICE_LITERAL("power"))};
    command.unit_tag = policy_tag(slice_text(units[prng_below(prng, 3)]));
    if (prng_below(prng, 2) == 0) {
        command.unit_tag = 0;
    }
    command.parts = parts;
    command.parts_count = prng_below(prng, 3);
    return command;
}

/* A deadline always exists, is stored exactly once, and nothing that is due is left. */
static void check_ticket(struct ticket_world *to, const struct ticket *ticket) {
    bool is_over = ticket_state_is_final((enum ticket_state)ticket->state);
    assert_int_equal(ticket->next_due_ms == INT64_MAX, is_over);
    struct ticket_point point = ticket_next_point(&to->context, ticket);
    assert_int_equal(point.at_ms, ticket->next_due_ms);
    assert_true(is_over || point.at_ms > to->context.now_ms ||
                ticket->last_activity_ms == to->context.now_ms);
}

static void restart(struct ticket_world *to) {
    docket_init(&to->docket, &to->limits, to->docket_memory);
    for (size_t i = 0; i < to->rows_count; i++) {
        struct slice row = {to->rows[i].value, to->rows[i].bytes};
        struct ticket *ticket;
        if (to->rows[i].family == ROW_TICKET) {
            assert_int_equal(docket_restore(&to->docket, row, &ticket), STATUS_OK);
            docket_release(&to->docket, ticket);
        }
    }
}

static uint32_t verbs_done;

/* Anything may happen to 40 tickets for weeks; `restarts` rebuilds memory from rows now and then.
 */
static uint64_t live(uint64_t seed, size_t steps, bool restarts) {
    static const char *const categories[] = {"gas_leak", "outage", "rubble", "garbage", "long"};
    static const char *const regions[] = {"GRID", "MICRO", "LONE", "TOWN", "CITY"};
    static struct ticket_world lived;
    struct prng prng;
    uint64_t digest = 0, done = 0;
    ticket_world_init(&lived);
    prng_init(&prng, seed);
    for (size_t i = 0; i < steps; i++) {
        struct ticket *ticket = NULL;
        ticket_at(&lived, lived.context.now_ms + (int64_t)prng_below(&prng, 90 * MINUTE));
        for (uint32_t k = 0; k < lived.docket.touched_count; k++) {
            ticket = docket_at(&lived.docket, k);
            if (ticket != NULL && ticket->next_due_ms <= lived.context.now_ms) {
                while (docket_fire(&lived.docket, &lived.context, ticket) > 0) {
                }
                assert_true(ticket->next_due_ms > lived.context.now_ms);
            }
        }
        if (docket_room(&lived.docket) > 24 && prng_below(&prng, 4) == 0) {
            ticket_opened(&lived, categories[prng_below(&prng, 5)], regions[prng_below(&prng, 5)]);
        }
        size_t tries = lived.docket.touched_count == 0 ? 0 : 8;
        for (size_t k = 0; k < tries; k++) {
            struct ticket_part_order parts[2];
            struct ticket_command command = random_command(&lived, &prng, parts);
            uint64_t pick = prng_below(&prng, lived.docket.touched_count);
            ticket = docket_at(&lived.docket, (uint32_t)pick);
            bool tame = command.verb != VERB_VOID && command.verb != VERB_REJECT;
            if (ticket != NULL && (tame || prng_below(&prng, 8) == 0)) {
                bool is_done = ticket_give(&lived, ticket, &command).verdict == TICKET_DONE;
                verbs_done |= (uint32_t)is_done << command.verb;
                done += is_done;
                check_ticket(&lived, ticket);
            }
        }
        flush(&lived);
        size_t open = 0;
        for (uint32_t k = 0; k < lived.docket.touched_count; k++) {
            ticket = docket_at(&lived.docket, k);
            open += ticket != NULL && !ticket_state_is_final((enum ticket_state)ticket->state);
        }
        assert_int_equal(ticket_rows_of(&lived, ROW_DEADLINE), open);
        if (restarts && i % 16 == 15) {
            restart(&lived);
        }
        for (size_t k = 0; k < lived.events_count; k++) {
            const char *json = lived.events[k].json;
            digest = digest * 31 + ticket_hash(slice_text(json)) + lived.events[k].kind;
        }
        ticket_world_hush(&lived);
    }
    assert_true(done > steps / 2); /* most of life happened */
    ticket_world_deinit(&lived);
    return digest;
}

static void every_open_ticket_has_a_deadline_and_one(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        live(seed, 400, false);
    }
    assert_int_equal(verbs_done,
                     (1u << VERBS_END) - 2 - (1u << VERB_UNMERGE)); /* merged ones left */
}

static void the_same_inputs_tell_the_same(void **state) {
    (void)state;
    assert_true(live(99, 200, false) == live(99, 200, false));
    assert_true(live(99, 200, false) != live(98, 200, false));
}

static void restarts_are_allowed_at_any_flush(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        live(seed, 300, true);
    }
}

/* Kill it between any two fires of a ladder: the same is told, once. */
static void a_ladder_goes_on_after_restarts(void **state) {
    (void)state;
    uint64_t digests[2] = {0};
    for (int with = 0; with < 2; with++) {
        static struct ticket_world lived;
        ticket_world_init(&lived);
        struct ticket *ticket = ticket_handled_by(&lived, "outage", "power");
        uint64_t number = ticket->number;
        for (int i = 0; i < 60; i++) {
            ticket_at(&lived, ticket->next_due_ms);
            assert_true(docket_fire(&lived.docket, &lived.context, ticket) > 0);
            flush(&lived);
            if (with == 1) {
                restart(&lived);
                ticket = docket_find(&lived.docket, number);
                assert_non_null(ticket);
            }
        }
        for (size_t k = 0; k < lived.events_count; k++) {
            digests[with] = digests[with] * 31 + ticket_hash(slice_text(lived.events[k].json));
        }
        assert_true(lived.events_count >= 60);
        ticket_world_deinit(&lived);
    }
    assert_true(digests[0] == digests[1]);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_docket_fills_up),
        TEST(each_row_is_given_once),
        TEST(a_late_command_finds_a_ticket_that_left),
        TEST(every_open_ticket_has_a_deadline_and_one),
        TEST(the_same_inputs_tell_the_same),
        TEST(restarts_are_allowed_at_any_flush),
        TEST(a_ladder_goes_on_after_restarts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
