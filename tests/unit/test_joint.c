/* Joint handling: the whistle, co-handlers with clocks of their own, and what waits for whom. */
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

static uint32_t unit(const char *code) {
    return policy_tag(slice_text(code));
}

static struct ticket_actor of_unit(const char *code) {
    return (struct ticket_actor){.roles = ROLE_UNIT, .region = REGION_NONE, .unit_tag = unit(code)};
}

static enum ticket_refusal refusal_of(struct ticket *ticket, struct ticket_actor actor,
                                      enum ticket_verb verb) {
    struct ticket_command command = {.verb = verb, .actor = actor, .note = SLICE_LITERAL("done")};
    return ticket_give(&world, ticket, &command).refusal;
}

/* Lead power; water must, road may. */
static struct ticket *joint_ticket(void) {
    struct ticket *ticket = ticket_opened(&world, "outage", "GRID");
    const struct ticket_part_order parts[] = {
        {.unit_tag = unit("water"), .handle_limit = {METERING_URGENT_HOUR, 6 * 3600}},
        {.unit_tag = unit("road"),
         .is_optional = true,
         .handle_limit = {METERING_URGENT_HOUR, 48 * 3600}}};
    ticket_must(&world, ticket, VERB_ACCEPT);
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_WHISTLE,
                                             .actor = {.roles = ROLE_DISPATCHER,
                                                       .region = ticket_region(&world, "TOWN")},
                                             .unit_tag = unit("power"),
                                             .parts = parts,
                                             .parts_count = 2});
    return ticket;
}

static struct joint *joint_at(const struct ticket *ticket) {
    return joint_of(&world.docket.joints, ticket->joint);
}

static void the_centre_decides(void **state) {
    (void)state;
    struct ticket *ticket = joint_ticket();
    assert_int_equal(ticket->state, TICKET_ACCEPTED);
    assert_int_equal(ticket->request.kind, REQUEST_WHISTLE);
    assert_int_equal(joint_at(ticket)->parts[0].status, JOINT_PROPOSED);
    struct ticket_actor centre = {.roles = ROLE_WHISTLE_CENTER, .region = REGION_NONE};
    struct ticket_actor lead = {.roles = ROLE_SHIFT_LEAD, .region = REGION_NONE};
    assert_int_equal(refusal_of(ticket, lead, VERB_APPROVE), REFUSAL_DECIDER);
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_APPROVE, .actor = centre});
    assert_int_equal(ticket->state, TICKET_DISPATCHED);
    assert_int_equal(ticket->unit_tag, unit("power"));
    const struct joint *joint = joint_at(ticket);
    int64_t now = world.context.now_ms;
    assert_int_equal(joint->parts[0].sign.due_ms, now + HOUR);
    assert_int_equal(joint->parts[0].handle.due_ms, now + 6 * HOUR);
    assert_int_equal(joint->parts[1].handle.due_ms,
                     now + 24 * HOUR); /* never beyond the ticket's */
    assert_true(ticket_has(ticket, FACT_JOINT) && ticket_has(ticket, FACT_WHISTLED));
    assert_int_equal(refusal_of(ticket, centre, VERB_WHISTLE), REFUSAL_JOINT);
    ticket_assert_told(&world, ENTRY_TICKET_COMMAND,
                       "{\"unit\":\"water\",\"status\":\"assigned\",\"mandatory\":true");
}

static void a_whistle_can_be_refused_or_made_single(void **state) {
    (void)state;
    struct ticket *ticket = joint_ticket();
    ticket_must(&world, ticket, VERB_DENY);
    assert_int_equal(ticket->state, TICKET_ACCEPTED);
    assert_int_equal(ticket->joint, 0);
    assert_true(ticket_has(ticket, FACT_WHISTLE_REFUSED));
    assert_int_equal(world.docket.joints.used_count, 0);
    struct ticket *single = joint_ticket();
    ticket_must_give(&world, single, (struct ticket_command){.verb = VERB_APPROVE, .single = true});
    assert_int_equal(single->unit_tag, unit("power"));
    assert_int_equal(single->joint, 0);
    struct ticket *nobody = joint_ticket();
    ticket_run_until(&world, nobody, world.context.now_ms + 30 * MINUTE);
    assert_int_equal(nobody->request.kind, REQUEST_NONE);
    assert_int_equal(nobody->joint, 0);
    struct ticket_actor village = {.roles = ROLE_DISPATCHER,
                                   .region = ticket_region(&world, "VILLAGE")};
    assert_int_equal(refusal_of(nobody, village, VERB_WHISTLE), REFUSAL_TOWN);
}

static void the_lead_waits_for_the_mandatory_part(void **state) {
    (void)state;
    struct ticket *ticket = joint_ticket();
    ticket_must(&world, ticket, VERB_APPROVE);
    struct joint_part *water = &joint_at(ticket)->parts[0];
    assert_int_equal(refusal_of(ticket, of_unit("gas"), VERB_SIGN), REFUSAL_UNIT);
    assert_int_equal(refusal_of(ticket, of_unit("water"), VERB_SUBMIT_RESULT), REFUSAL_NOT_SIGNED);
    assert_int_equal(refusal_of(ticket, of_unit("water"), VERB_SIGN), REFUSAL_NONE);
    assert_int_equal(ticket->state,
                     TICKET_DISPATCHED); /* a co-handler does not sign for the lead */
    assert_int_equal(water->status, JOINT_CHECKED_IN);
    assert_int_equal(refusal_of(ticket, of_unit("water"), VERB_SIGN), REFUSAL_SIGNED);
    assert_int_equal(refusal_of(ticket, of_unit("water"), VERB_PROGRESS), REFUSAL_NONE);
    assert_int_equal(water->status, JOINT_WORKING);
    assert_int_equal(refusal_of(ticket, of_unit("power"), VERB_PROGRESS), REFUSAL_STATE);
    assert_int_equal(refusal_of(ticket, of_unit("power"), VERB_SIGN), REFUSAL_NONE);
    assert_int_equal(refusal_of(ticket, of_unit("power"), VERB_SUBMIT_RESULT), REFUSAL_PARTS);
    assert_int_equal(refusal_of(ticket, of_unit("water"), VERB_SUBMIT_RESULT), REFUSAL_NONE);
    assert_int_equal(refusal_of(ticket, of_unit("water"), VERB_SUBMIT_RESULT), REFUSAL_PART_DONE);
    assert_int_equal(ticket->state, TICKET_HANDLING);
    assert_int_equal(water->status, JOINT_DONE);
    assert_false(water->is_late);
    assert_int_equal(refusal_of(ticket, of_unit("power"), VERB_SUBMIT_RESULT), REFUSAL_NONE);
    assert_int_equal(ticket->state, TICKET_CHECKING);
}

static size_t told_of(enum entry_kind kind, const char *part) {
    size_t count = 0;
    for (size_t i = 0; i < world.events_count; i++) {
        count += world.events[i].kind == kind && strstr(world.events[i].json, part) != NULL;
    }
    return count;
}

static void a_late_co_handler_is_escalated_against(void **state) {
    (void)state;
    struct ticket *ticket = joint_ticket();
    ticket_must(&world, ticket, VERB_APPROVE);
    int64_t start = world.context.now_ms;
    assert_int_equal(refusal_of(ticket, of_unit("power"), VERB_SIGN), REFUSAL_NONE);
    assert_int_equal(refusal_of(ticket, of_unit("road"), VERB_SIGN), REFUSAL_NONE);
    ticket_world_hush(&world);
    ticket_run_until(&world, ticket, start + 9 * HOUR);
    const struct joint_part *water = &joint_at(ticket)->parts[0];
    assert_int_equal(water->status, JOINT_CHECKED_IN); /* deemed after an hour */
    assert_true(water->is_late_check_in && water->is_late);
    assert_int_equal(told_of(ENTRY_TICKET_OVERDUE, "\"stage\":\"handle\",\"co_handler\":\"water\""),
                     1);
    assert_int_equal(
        told_of(ENTRY_TICKET_ESCALATED, "\"stage\":\"handle\",\"co_handler\":\"water\""), 2);
    assert_int_equal(told_of(ENTRY_TICKET_OVERDUE, "\"co_handler\":\"road\""), 0);
    assert_int_equal(ticket->overdue & 1u << STAGE_HANDLE, 0); /* the lead is in time */
    assert_int_equal(refusal_of(ticket, of_unit("water"), VERB_SUBMIT_RESULT), REFUSAL_NONE);
    assert_int_equal(refusal_of(ticket, of_unit("power"), VERB_SUBMIT_RESULT), REFUSAL_NONE);
    assert_true((ticket->stages_late & 1u << STAGE_HANDLE) == 0 && water->is_late);
}

static void returned_parts_do_not_block_and_the_first_receiver_stays(void **state) {
    (void)state;
    struct ticket *ticket = ticket_handled_by(&world, "outage", "gas");
    const struct ticket_part_order part = {.unit_tag = unit("water")};
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_WHISTLE,
                                             .decides = true,
                                             .unit_tag = unit("power"),
                                             .parts = &part,
                                             .parts_count = 1});
    assert_int_equal(ticket->state, TICKET_DISPATCHED);
    assert_int_equal(refusal_of(ticket, of_unit("power"), VERB_SIGN), REFUSAL_NONE);
    assert_int_equal(refusal_of(ticket, of_unit("power"), VERB_RETURN), REFUSAL_SIGNED);
    assert_int_equal(refusal_of(ticket, of_unit("water"), VERB_RETURN), REFUSAL_NONE);
    ticket_must(&world, ticket, VERB_APPROVE);
    assert_int_equal(joint_at(ticket)->parts[0].status, JOINT_RETURNED);
    assert_int_equal(ticket->state, TICKET_HANDLING);
    assert_int_equal(refusal_of(ticket, of_unit("water"), VERB_SIGN), REFUSAL_UNIT);
    ticket_must(&world, ticket, VERB_DISPATCH); /* nobody named, nobody in the policy */
    assert_int_equal(ticket->state, TICKET_DISPATCHED);
    struct ticket *other = ticket_handled_by(&world, "outage", "gas");
    ticket_must_give(&world, other,
                     (struct ticket_command){.verb = VERB_WHISTLE,
                                             .decides = true,
                                             .unit_tag = unit("power"),
                                             .parts = &part,
                                             .parts_count = 1});
    assert_int_equal(refusal_of(other, of_unit("power"), VERB_RETURN), REFUSAL_NONE);
    ticket_must(&world, other, VERB_APPROVE);
    assert_int_equal(other->state, TICKET_ACCEPTED);
    assert_int_equal(other->unit_tag, unit("gas"));
    assert_int_equal(other->joint, 0);
}

static void the_pool_has_an_end(void **state) {
    (void)state;
    const struct ticket_part_order part = {.unit_tag = unit("water")};
    struct ticket_command whistle = {.verb = VERB_WHISTLE,
                                     .actor = ticket_anybody(),
                                     .decides = true,
                                     .unit_tag = unit("power"),
                                     .parts = &part,
                                     .parts_count = 1};
    world.limits.joint_tickets = 4; /* as the world was made */
    for (uint64_t i = 0; i < world.limits.joint_tickets; i++) {
        ticket_must_give(&world, ticket_handled_by(&world, "outage", "gas"), whistle);
    }
    struct ticket *ticket = ticket_handled_by(&world, "outage", "gas");
    struct ticket before = *ticket;
    assert_int_equal(ticket_give(&world, ticket, &whistle).verdict, TICKET_FULL);
    assert_memory_equal(&before, ticket, sizeof before);
    ticket_must(&world, docket_at(&world.docket, 0), VERB_VOID);
    docket_flush(&world.docket, ticket_keep_row, &world);
    ticket_must_give(&world, ticket, whistle);
}

static void seventeen_are_too_many(void **state) {
    (void)state;
    struct ticket_part_order parts[JOINT_PARTS_MAX + 1];
    struct ticket *ticket = ticket_handled_by(&world, "outage", "gas");
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        parts[i] = (struct ticket_part_order){.unit_tag = (uint32_t)i + 1};
    }
    struct ticket_command whistle = {.verb = VERB_WHISTLE,
                                     .actor = ticket_anybody(),
                                     .decides = true,
                                     .unit_tag = unit("power"),
                                     .parts = parts,
                                     .parts_count = JOINT_PARTS_MAX + 1};
    assert_int_equal(ticket_give(&world, ticket, &whistle).verdict, TICKET_INVALID);
    whistle.parts_count = JOINT_PARTS_MAX;
    parts[3].unit_tag = 1;
    assert_int_equal(ticket_give(&world, ticket, &whistle).verdict, TICKET_INVALID);
    parts[3].unit_tag = unit("power");
    assert_int_equal(ticket_give(&world, ticket, &whistle).verdict, TICKET_INVALID);
    parts[3].unit_tag = 4;
    ticket_must_give(&world, ticket, whistle);
    assert_int_equal(joint_at(ticket)->parts_count, JOINT_PARTS_MAX);
    docket_flush(&world.docket, ticket_keep_row, &world); /* the largest row */
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_centre_decides),
        TEST(a_whistle_can_be_refused_or_made_single),
        TEST(the_lead_waits_for_the_mandatory_part),
        TEST(a_late_co_handler_is_escalated_against),
        TEST(returned_parts_do_not_block_and_the_first_receiver_stays),
        TEST(the_pool_has_an_end),
        TEST(seventeen_are_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
