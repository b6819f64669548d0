#include "server/domain/census.h"

#include "tests/unit/support_ticket.h"

static struct ticket_world world;

static int init(void **state) {
    (void)state;
    ticket_world_init(&world);
    return 0;
}

static int deinit(void **state) {
    (void)state;
    ticket_world_deinit(&world);
    return 0;
}

static void counts_what_is_in_memory(void **state) {
    (void)state;
    struct census census = {0};
    struct ticket *open = ticket_opened(&world, "rubble", "GRID");
    (void)ticket_opened(&world, "gas_leak", "GRID");
    struct ticket *voided = ticket_opened(&world, "outage", "GRID");
    ticket_must(&world, voided, VERB_VOID);
    census_refresh(&census, &world.docket, 77);
    assert_int_equal(census.as_of_ms, 77);
    assert_int_equal(census.counts.open, 2);
    assert_int_equal(census.counts.priorities[1], 1);
    assert_int_equal(census.counts.priorities[3], 1);
    assert_int_equal(census.counts.states[TICKET_VOIDED], 1);
    assert_int_equal(census.counts.states[TICKET_REPORTED], 1);
    assert_int_equal(census.counts.lights[LIGHT_GREEN], 2);
    assert_int_equal(census.counts.timers, 2);
    assert_int_equal(census.counts.without_timer, 0);
    open->clocks[0].told.points = TOLD_NEAR;
    census_refresh(&census, &world.docket, 78);
    assert_int_equal(census.counts.lights[LIGHT_YELLOW], 1);
    open->clocks[0].told.points |= TOLD_OVERDUE;
    open->next_due_ms = INT64_MAX; /* what must not be */
    census_refresh(&census, &world.docket, 79);
    assert_int_equal(census.counts.lights[LIGHT_RED], 1);
    assert_int_equal(census.counts.without_timer, 1);
    assert_int_equal(census.counts.timers, 1);
}

/* A docket of many places, each read as the one ticket of it that there is. */
static void many_are_counted_in_slices(void **state) {
    (void)state;
    enum { PLACES = CENSUS_SLICE + CENSUS_SLICE / 2 };
    struct docket docket = {.touched_count = PLACES};
    docket.tickets = calloc(PLACES, sizeof docket.tickets[0]);
    assert_non_null(docket.tickets);
    for (uint32_t i = 0; i < PLACES; i++) {
        docket.tickets[i] = (struct ticket){.number = i + 1, .priority = 4, .next_due_ms = 1};
    }
    struct census census = {0};
    census_refresh(&census, &docket, 1); /* too many for that */
    assert_int_equal(census.as_of_ms, 0);
    census_tick(&census, &docket, 2);
    assert_int_equal(census.as_of_ms, 0);
    assert_int_equal(census.counts.open, 0);
    census_tick(&census, &docket, 3);
    assert_int_equal(census.as_of_ms, 3);
    assert_int_equal(census.counts.open, PLACES);
    assert_int_equal(census.counts.timers, PLACES);
    census_tick(&census, &docket, 4); /* the next pass begins; what was told stays */
    assert_int_equal(census.counts.open, PLACES);
    assert_int_equal(census.as_of_ms, 3);
    free(docket.tickets);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(counts_what_is_in_memory, init, deinit),
        cmocka_unit_test(many_are_counted_in_slices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
