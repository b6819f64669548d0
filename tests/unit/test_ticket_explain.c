/* The explanation of clocks: pieces without gaps, whose units add up to what is consumed. */
#include "tests/unit/support_ticket.h"

static struct ticket_world world;
enum { MINUTE = 60000 };

static void add_up(const struct ticket *ticket, const struct ticket_clock_view *view) {
    struct ticket_clock_walk walk;
    struct ticket_clock_piece piece;
    int64_t at_ms = view->started_ms, units = 0;
    ticket_clock_walk_init(&walk, &world.context, ticket, view, world.context.now_ms);
    while (ticket_clock_walk_next(&walk, &piece)) {
        assert_int_equal(piece.from_ms, at_ms);
        assert_true(piece.to_ms >= piece.from_ms);
        at_ms = piece.to_ms;
        units += piece.units;
    }
    assert_int_equal(at_ms, world.context.now_ms);
    assert_int_equal(units, view->consumed_units);
}

static void pieces_add_up(void **state) {
    (void)state;
    static const char *const expected[] = {"counted", "lunch",   "counted",   "night",  "holiday",
                                           "night",   "counted", "suspended", "counted"};
    ticket_world_init(&world);
    ticket_at(&world, support_ms("2026-09-30T11:30:00"));
    struct ticket *ticket = ticket_handled_by(&world, "rubble", "road");
    ticket_at(&world, support_ms("2026-10-08T08:45:00"));
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_REQUEST_SUSPENSION,
                                             .reason = REASON_FUNDING,
                                             .until_ms = support_ms("2026-10-08T10:00:00")});
    ticket_must(&world, ticket, VERB_APPROVE);
    ticket_run_until(&world, ticket, support_ms("2026-10-08T10:10:00"));
    struct ticket_clock_view view;
    size_t clocks = 0;
    bool seen = false;
    for (; ticket_clock_explain(&world.context, ticket, clocks, &view); clocks++) {
        add_up(ticket, &view);
        if (view.stage != STAGE_HANDLE) {
            continue;
        }
        seen = true;
        assert_int_equal(view.metering, METERING_WORK_HOUR);
        assert_int_equal(view.limit, 4 * 3600);
        /* 30 minutes, 3 h 30 in the afternoon, 15 before the pause and 10 after it: late. */
        assert_int_equal(view.consumed_units / view.scale, (30 + 210 + 15 + 10) * 60);
        assert_int_equal(view.light, LIGHT_RED);
        struct ticket_clock_walk walk;
        struct ticket_clock_piece piece;
        size_t pieces = 0;
        ticket_clock_walk_init(&walk, &world.context, ticket, &view, world.context.now_ms);
        while (ticket_clock_walk_next(&walk, &piece)) {
            assert_true(pieces < ARRAY_COUNT(expected));
            assert_string_equal(piece.kind, expected[pieces]);
            pieces++;
        }
        assert_int_equal(pieces, ARRAY_COUNT(expected));
    }
    assert_true(seen);
    assert_int_equal(clocks, 2);
    ticket_world_deinit(&world);
}

static void a_running_pause_and_co_handlers_are_shown(void **state) {
    (void)state;
    ticket_world_init(&world);
    struct ticket *ticket = ticket_handled_by(&world, "outage", "gas");
    const struct ticket_part_order part = {.unit_tag = policy_tag(SLICE_LITERAL("water"))};
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_WHISTLE,
                                             .decides = true,
                                             .unit_tag = policy_tag(SLICE_LITERAL("power")),
                                             .parts = &part,
                                             .parts_count = 1});
    ticket_must(&world, ticket, VERB_SIGN);
    ticket_at(&world, world.context.now_ms + 5 * MINUTE);
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_REQUEST_SUSPENSION,
                                             .reason = REASON_ENGINEERING,
                                             .until_ms = world.context.now_ms + 60 * MINUTE});
    ticket_must(&world, ticket, VERB_APPROVE);
    ticket_at(&world, world.context.now_ms + 7 * MINUTE);
    struct ticket_clock_view view;
    size_t of_water = 0;
    for (size_t i = 0; ticket_clock_explain(&world.context, ticket, i, &view); i++) {
        assert_false(view.is_running);
        assert_int_equal(view.due_ms, CLOCK_NEVER);
        add_up(ticket, &view);
        of_water += view.unit_tag == part.unit_tag;
    }
    assert_int_equal(of_water, 2);
    ticket_world_deinit(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_add_up),
        cmocka_unit_test(a_running_pause_and_co_handlers_are_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
