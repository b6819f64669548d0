/* A view tells of a ticket what the docket would, and changes nothing. */
#include "server/domain/ticket_view.h"

#include "core/ticket/ticket_explain.h"
#include "server/domain/driver.h"
#include "tests/unit/stage_driver.h"
#include "tests/unit/support_ticket.h"

#include "tests/unit/stage_driver.c"

static struct ticket_world world;
static struct region_ref regions;
static struct ticket_scene scene;
static struct ticket_view view, other;

static int set_up(void **state) {
    (void)state;
    ticket_world_init(&world);
    regions = (struct region_ref){.table = world.regions, .references = 1};
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    assert_int_equal(regions.references, 1);
    ticket_world_deinit(&world);
    return 0;
}

/* As ticket_scene_init makes it, of a world without a driver. */
static void set_scene(void) {
    scene = (struct ticket_scene){.policy = world.policy,
                                  .calendars = world.calendars,
                                  .regions = region_ref_acquire(&regions),
                                  .now_ms = world.context.now_ms};
}

/* Dispatched to co-handlers, with a pause behind it and a request that waits. */
static struct ticket *joint_ticket(void) {
    struct ticket *ticket = ticket_handled_by(&world, "outage", "gas");
    const struct ticket_part_order parts[] = {
        {.unit_tag = policy_tag(slice_text("water"))},
        {.unit_tag = policy_tag(slice_text("road")), .is_optional = true}};
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_WHISTLE,
                                             .decides = true,
                                             .unit_tag = policy_tag(slice_text("power")),
                                             .parts = parts,
                                             .parts_count = 2});
    ticket_must(&world, ticket, VERB_SIGN);
    ticket_run_until(&world, ticket, world.context.now_ms + 20 * MINUTE_MS);
    return ticket;
}

static void assert_same_clocks(const struct ticket_context *a, const struct ticket *of_a,
                               const struct ticket_context *b, const struct ticket *of_b) {
    struct ticket_clock_view left, right;
    size_t i = 0;
    for (; ticket_clock_explain(a, of_a, i, &left); i++) {
        assert_true(ticket_clock_explain(b, of_b, i, &right));
        assert_int_equal(left.stage, right.stage);
        assert_int_equal(left.unit_tag, right.unit_tag);
        assert_int_equal(left.is_running, right.is_running);
        assert_int_equal(left.light, right.light);
        assert_int_equal(left.consumed_units, right.consumed_units);
        assert_int_equal(left.due_ms, right.due_ms);
    }
    assert_false(ticket_clock_explain(b, of_b, i, &right));
    assert_true(i > 1);
}

static void a_copy_and_a_stored_row_tell_what_the_docket_does(void **state) {
    (void)state;
    uint8_t row[TICKET_ROW_BYTES_MAX], again[TICKET_ROW_BYTES_MAX];
    const struct ticket *ticket = joint_ticket();
    const struct joint *joint = joint_of(&world.docket.joints, ticket->joint);
    assert_non_null(joint);
    size_t bytes = ticket_row_encode(row, ticket, joint);
    size_t told = world.events_count;
    uint64_t next_seq = world.effects.next_seq;
    set_scene();
    ticket_view_copy(&view, &scene, ticket, joint);
    assert_int_equal(ticket_view_decode(&other, &scene, (struct slice){row, bytes}), STATUS_OK);
    assert_same_clocks(&world.context, ticket, &view.context, &view.ticket);
    assert_same_clocks(&world.context, ticket, &other.context, &other.ticket);
    struct ticket_view *const views[] = {&view, &other};
    for (size_t i = 0; i < ARRAY_COUNT(views); i++) {
        assert_non_null(ticket_view_joint(views[i]));
        assert_int_equal(ticket_row_encode(again, &views[i]->ticket, ticket_view_joint(views[i])),
                         bytes);
        assert_memory_equal(row, again, bytes);
    }
    /* And what may be done is the same. */
    const struct ticket_actor anybody = ticket_anybody();
    uint32_t allowed = ticket_allowed(&world.context, ticket, &anybody);
    assert_int_not_equal(allowed, 0);
    assert_int_equal(ticket_allowed(&view.context, &view.ticket, &anybody), allowed);
    assert_int_equal(ticket_allowed(&other.context, &other.ticket, &anybody), allowed);
    assert_int_equal(world.events_count, told);
    assert_true(world.effects.next_seq == next_seq);
    ticket_scene_deinit(&scene);
}

static void one_that_is_not_handled_jointly_has_no_joint(void **state) {
    (void)state;
    uint8_t row[TICKET_ROW_BYTES_MAX];
    const struct ticket *ticket = ticket_opened(&world, "rubble", "GRID");
    size_t bytes = ticket_row_encode(row, ticket, NULL);
    set_scene();
    ticket_view_copy(&view, &scene, joint_ticket(), NULL); /* leaves nothing behind */
    ticket_view_copy(&view, &scene, ticket, NULL);
    assert_null(ticket_view_joint(&view));
    assert_int_equal(ticket_view_decode(&view, &scene, (struct slice){row, bytes}), STATUS_OK);
    assert_null(ticket_view_joint(&view));
    ticket_scene_deinit(&scene);
}

static int64_t handle_due_ms(const struct ticket *ticket) {
    for (size_t i = 0; i < TICKET_CLOCKS_MAX; i++) {
        if (ticket->clocks[i].is_used && ticket->clocks[i].stage == STAGE_HANDLE) {
            return ticket->clocks[i].due_ms;
        }
    }
    fail_msg("it has no handle clock");
    return 0;
}

/* Monday has become a holiday: the view goes by that, the docket's ticket and its history do not
 * know yet. */
static void a_view_goes_by_the_calendar_of_its_scene(void **state) {
    (void)state;
    struct calendar_set *changed = calloc(1, sizeof *changed);
    struct calendar *calendar = calloc(1, sizeof *calendar);
    struct error error;
    assert_true(changed != NULL && calendar != NULL);
    support_calendar_office(calendar);
    support_holidays(calendar, "2026-09-28", "2026-09-28");
    support_calendar_seal(calendar);
    calendar_set_init(changed, 2);
    assert_int_equal(calendar_set_add(changed, calendar, &error), STATUS_OK);
    const struct ticket *ticket = ticket_handled_by(&world, "rubble", "road");
    const struct ticket before = *ticket;
    size_t told = world.events_count;
    set_scene();
    scene.calendars = changed;
    ticket_view_copy(&view, &scene, ticket, NULL);
    support_assert_instant(handle_due_ms(ticket), "2026-09-28T15:00:00");
    support_assert_instant(handle_due_ms(&view.ticket), "2026-09-29T14:30:00");
    assert_true(view.ticket.last_event_seq == ticket->last_event_seq);
    assert_memory_equal(&before, ticket, sizeof before);
    assert_int_equal(world.events_count, told);
    ticket_scene_deinit(&scene);
    free(changed);
    free(calendar);
}

static void a_region_that_the_scene_does_not_have_is_nowhere(void **state) {
    (void)state;
    uint8_t row[TICKET_ROW_BYTES_MAX];
    struct ticket *ticket = ticket_opened(&world, "rubble", "GRID");
    uint32_t count = (uint32_t)region_count(world.regions), region = ticket->region;
    set_scene();
    for (uint32_t past = 0; past < 3; past++) {
        ticket->region = count - 1 + past;
        size_t bytes = ticket_row_encode(row, ticket, NULL);
        assert_int_equal(ticket_view_decode(&view, &scene, (struct slice){row, bytes}), STATUS_OK);
        assert_int_equal(view.ticket.region, past == 0 ? count - 1 : REGION_NONE);
    }
    ticket->region = region;
    ticket_scene_deinit(&scene);
}

static void a_row_that_is_cut_is_refused(void **state) {
    (void)state;
    uint8_t row[TICKET_ROW_BYTES_MAX];
    const struct ticket *ticket = joint_ticket();
    size_t bytes = ticket_row_encode(row, ticket, joint_of(&world.docket.joints, ticket->joint));
    set_scene();
    for (size_t left = 0; left < bytes; left++) {
        assert_int_not_equal(ticket_view_decode(&view, &scene, (struct slice){row, left}),
                             STATUS_OK);
    }
    ticket_scene_deinit(&scene);
}

/* Of a running server: everything its own tickets are judged by, and the tree held. */
static void a_scene_is_what_the_driver_goes_by(void **state) {
    (void)state;
    static struct driver_stage stage;
    stage_open(&stage, NULL);
    uint64_t number = stage_report(&stage, "gas_leak", 0).ticket;
    stage_settle(&stage);
    stage_pass(&stage, stage_now_ms + 9 * MINUTE_MS);
    const struct world *in = driver_world(stage.driver);
    const struct ticket *ticket = docket_find(&in->docket, number);
    struct region_ref *tree = regions_current(stage.services.regions);
    uint32_t references = tree->references;
    ticket_scene_init(&scene, stage.driver, tree);
    assert_int_equal(tree->references, references + 1);
    assert_true(scene.now_ms == stage_now_ms);
    assert_ptr_equal(scene.policy, stage.services.policy);
    ticket_view_copy(&view, &scene, ticket, joint_of(&in->docket.joints, ticket->joint));
    assert_same_clocks(driver_context(stage.driver), ticket, &view.context, &view.ticket);
    ticket_scene_deinit(&scene);
    assert_int_equal(tree->references, references);
    stage_close(&stage);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_copy_and_a_stored_row_tell_what_the_docket_does),
        TEST(one_that_is_not_handled_jointly_has_no_joint),
        TEST(a_view_goes_by_the_calendar_of_its_scene),
        TEST(a_region_that_the_scene_does_not_have_is_nowhere),
        TEST(a_row_that_is_cut_is_refused),
        TEST(a_scene_is_what_the_driver_goes_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
