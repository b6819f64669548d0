/* What commands do to a ticket: clocks, rules of return, extension, suspension, rework, reopening.
 */
#include "tests/unit/support_ticket.h"

static struct ticket_world world;
enum { SECOND = 1000, MINUTE = 60000, HOUR = 3600000 };

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

static const struct ticket_clock *clock_of(const struct ticket *ticket, enum stage stage) {
    for (size_t i = 0; i < TICKET_CLOCKS_MAX; i++) {
        if (ticket->clocks[i].is_used && ticket->clocks[i].stage == stage) {
            return &ticket->clocks[i];
        }
    }
    return NULL;
}

static int64_t due(const struct ticket *ticket, enum stage stage) {
    const struct ticket_clock *clock = clock_of(ticket, stage);
    assert_non_null(clock);
    return clock->due_ms;
}

static uint32_t unit(const char *code) {
    return policy_tag(slice_text(code));
}

static void ends_as(enum ticket_verdict verdict, enum ticket_refusal refusal, struct ticket *ticket,
                    struct ticket_command command) {
    command.actor = command.actor.roles == 0 ? ticket_anybody() : command.actor;
    struct ticket before = *ticket;
    size_t events = world.events_count;
    struct ticket_outcome outcome = ticket_give(&world, ticket, &command);
    if (outcome.verdict != verdict || outcome.refusal != refusal) {
        fail_msg("%s: verdict %d, refusal %s: %s", ticket_verb_name(command.verb), outcome.verdict,
                 ticket_refusal_name(outcome.refusal), outcome.why);
    }
    assert_memory_equal(&before, ticket, sizeof before);
    assert_int_equal(world.events_count, events);
}

static void p1_waits_for_nobody(void **state) {
    (void)state;
    struct ticket *ticket = ticket_opened(&world, "gas_leak", "MICRO");
    assert_int_equal(ticket->state, TICKET_DISPATCHED);
    assert_int_equal(ticket->unit_tag, unit("gas"));
    assert_int_equal(due(ticket, STAGE_HANDLE), world.context.now_ms + 24 * HOUR);
    assert_int_equal(due(ticket, STAGE_SIGN), world.context.now_ms + 10 * MINUTE);
    assert_int_equal(ticket_told_count(&world, ENTRY_TICKET_OPENED), 1);
    assert_int_equal(ticket_told_count(&world, ENTRY_TICKET_COMMAND), 2);
    ticket_assert_told(&world, ENTRY_TICKET_COMMAND, "\"role\":\"system\"");
    ticket_assert_told(&world, ENTRY_TICKET_COMMAND, "\"unit\":\"gas\"");
    assert_int_equal(ticket->number, world.events[0].seq);
    assert_int_equal(ticket->last_event_seq, world.events[2].seq);
    assert_non_null(strstr(world.events[2].json, "\"previous\":2"));
    assert_non_null(strstr(world.events[0].json, "\"ticket\":\"t1\",\"incident\":\"i7\""));
}

static void the_overall_clock_counts_from_receipt(void **state) {
    (void)state;
    struct ticket_opening opening = {.origin = ORIGIN_REPORT,
                                     .category_tag = policy_tag(SLICE_LITERAL("outage")),
                                     .region = ticket_region(&world, "GRID"),
                                     .received_ms = world.context.now_ms - HOUR,
                                     .overall = {METERING_URGENT_HOUR, 2 * 3600}};
    struct ticket *ticket;
    assert_int_equal(docket_open(&world.docket, &world.context, &opening, &ticket), STATUS_OK);
    assert_int_equal(due(ticket, STAGE_OVERALL), world.context.now_ms + HOUR);
    assert_int_equal(due(ticket, STAGE_ACCEPT), world.context.now_ms + 30 * MINUTE);
    assert_int_equal(ticket_light(&world.context, ticket), LIGHT_GREEN);
    ticket_at(&world, world.context.now_ms + 37 * MINUTE);
    assert_int_equal(ticket_light(&world.context, ticket), LIGHT_RED);
}

static void command_ids_and_versions(void **state) {
    (void)state;
    struct ticket *ticket = ticket_opened(&world, "rubble", "GRID");
    struct ticket_command accept = {.verb = VERB_ACCEPT,
                                    .actor = ticket_anybody(),
                                    .command_id = SLICE_LITERAL("c-1"),
                                    .if_version = 1};
    ends_as(TICKET_VERSION, REFUSAL_NONE, ticket,
            (struct ticket_command){.verb = VERB_ACCEPT, .if_version = 9});
    struct ticket_outcome first = ticket_give(&world, ticket, &accept);
    assert_int_equal(first.verdict, TICKET_DONE);
    assert_int_equal(first.version, 2);
    size_t events = world.events_count;
    ticket_must(&world, ticket, VERB_DISPATCH);
    struct ticket_outcome again = ticket_give(&world, ticket, &accept);
    assert_int_equal(again.verdict, TICKET_REPLAYED);
    assert_int_equal(again.version, 2);
    assert_int_equal(world.events_count, events + 1);
    ends_as(TICKET_STATE, REFUSAL_COMMAND_ID, ticket,
            (struct ticket_command){.verb = VERB_ACK, .command_id = SLICE_LITERAL("c-1")});
    ticket_assert_told(&world, ENTRY_TICKET_COMMAND, "\"version\":3");
    /* Sixteen later ids push it out; until then it is known. */
    for (int i = 0; i < TICKET_REPLAYS_MAX; i++) {
        char id[8];
        assert_int_equal(ticket_give(&world, ticket, &accept).verdict, TICKET_REPLAYED);
        snprintf(id, sizeof id, "a%d", i);
        ticket_must_give(&world, ticket,
                         (struct ticket_command){.verb = VERB_ACK, .command_id = slice_text(id)});
    }
    assert_int_equal(ticket_give(&world, ticket, &accept).verdict, TICKET_VERSION);
}

/* Monday 28 September 9:00, 4 wh to handle; suspended over lunch, and over National Day. */
static void a_suspension_keeps_the_exact_rest(void **state) {
    (void)state;
    ticket_at(&world, support_ms("2026-09-30T11:20:07.000"));
    struct ticket *ticket = ticket_handled_by(&world, "rubble", "road");
    support_assert_instant(due(ticket, STAGE_HANDLE), "2026-09-30T17:20:07.000");
    ticket_at(&world, support_ms("2026-09-30T11:59:58.000"));
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_REQUEST_SUSPENSION,
                                             .reason = REASON_SEASON_WEATHER,
                                             .until_ms = support_ms("2026-10-08T12:30:00.000")});
    ticket_must(&world, ticket, VERB_APPROVE);
    assert_int_equal(due(ticket, STAGE_HANDLE), CLOCK_NEVER);
    assert_int_equal(ticket->resume_ms, support_ms("2026-10-08T12:30:00.000"));
    /* 39 min 51 s are used; the rest is 3 h 20 min 9 s, of which none runs at lunch. */
    ticket_run_until(&world, ticket, support_ms("2026-10-08T12:30:00.000"));
    assert_int_equal(ticket->suspension, REASON_NONE);
    assert_int_equal(ticket->state, TICKET_HANDLING);
    support_assert_instant(due(ticket, STAGE_HANDLE), "2026-10-08T17:20:09.000");
    ticket_assert_told(&world, ENTRY_TICKET_COMMAND, "\"command\":\"resume\"");
    assert_int_equal(ticket_told_count(&world, ENTRY_TICKET_OVERDUE), 0);
}

static void a_suspension_needs_a_reason_and_an_end(void **state) {
    (void)state;
    struct ticket *ticket = ticket_handled_by(&world, "rubble", "road");
    struct ticket_command ask = {.verb = VERB_REQUEST_SUSPENSION,
                                 .until_ms = world.context.now_ms + HOUR};
    ends_as(TICKET_INVALID, REFUSAL_NONE, ticket, ask);
    ask.reason = REASON_FUNDING;
    ask.until_ms = world.context.now_ms;
    ends_as(TICKET_INVALID, REFUSAL_NONE, ticket, ask);
    ask.until_ms = world.context.now_ms + (int64_t)(LIMIT_DAYS_MAX + 1) * DAY_MS;
    ends_as(TICKET_INVALID, REFUSAL_NONE, ticket, ask);
    for (int i = 0; i < TICKET_HOLDS_MAX; i++) {
        ask.until_ms = world.context.now_ms + HOUR;
        ticket_must_give(&world, ticket, ask);
        ticket_must(&world, ticket, VERB_APPROVE);
        ticket_at(&world, world.context.now_ms + MINUTE);
        ticket_must(&world, ticket, VERB_RESUME);
    }
    ask.until_ms = world.context.now_ms + HOUR;
    ends_as(TICKET_STATE, REFUSAL_HOLDS, ticket, ask);
    /* Nine stretches of zero length and eight minutes held: 13:00 became 15:08 by eight minutes. */
    support_assert_instant(due(ticket, STAGE_HANDLE), "2026-09-28T15:08:00.000");
}

static void an_extension_is_bounded(void **state) {
    (void)state;
    struct ticket *ticket = ticket_handled_by(&world, "rubble", "road");
    struct ticket_actor asks = {
        .roles = ROLE_UNIT, .name = SLICE_LITERAL("wang"), .region = REGION_NONE};
    struct ticket_actor lead = {
        .roles = ROLE_SHIFT_LEAD, .name = SLICE_LITERAL("wang"), .region = REGION_NONE};
    struct ticket_command ask = {
        .verb = VERB_REQUEST_EXTENSION, .actor = asks, .limit = {METERING_WORK_HOUR, 4 * 3600 + 1}};
    ends_as(TICKET_INVALID, REFUSAL_NONE, ticket, ask);
    ask.limit = (struct stage_limit){METERING_WORK_DAY, 1};
    ends_as(TICKET_INVALID, REFUSAL_NONE, ticket, ask);
    ask.limit = (struct stage_limit){METERING_WORK_HOUR, 2 * 3600};
    int64_t before = due(ticket, STAGE_HANDLE);
    ticket_must_give(&world, ticket, ask);
    assert_int_equal(due(ticket, STAGE_HANDLE), before); /* the clock runs while it is asked */
    ends_as(TICKET_STATE, REFUSAL_PENDING, ticket, ask);
    ends_as(TICKET_ROLE, REFUSAL_REQUESTER, ticket,
            (struct ticket_command){.verb = VERB_APPROVE, .actor = lead});
    lead.name = SLICE_LITERAL("li");
    ticket_must_give(&world, ticket, (struct ticket_command){.verb = VERB_APPROVE, .actor = lead});
    support_assert_instant(due(ticket, STAGE_HANDLE), "2026-09-28T17:00:00.000");
    ticket_must_give(&world, ticket, ask); /* a second one is the supervisor's */
    ends_as(TICKET_ROLE, REFUSAL_DECIDER, ticket,
            (struct ticket_command){.verb = VERB_APPROVE, .actor = lead});
    lead.roles = ROLE_SUPERVISOR;
    ticket_must_give(&world, ticket, (struct ticket_command){.verb = VERB_APPROVE, .actor = lead});
    ends_as(TICKET_STATE, REFUSAL_EXTENDED, ticket, ask);
    struct ticket *p1 = ticket_opened(&world, "gas_leak", "GRID");
    ticket_must(&world, p1, VERB_SIGN);
    ask.limit.amount = 0;
    ends_as(TICKET_STATE, REFUSAL_P1, p1, ask);
    struct ticket *late = ticket_handled_by(&world, "rubble", "road");
    ticket_at(&world, due(late, STAGE_HANDLE) + 1);
    ends_as(TICKET_STATE, REFUSAL_OVERDUE, late, ask);
}

static void two_returns_and_the_county_appoints(void **state) {
    (void)state;
    struct ticket *ticket = ticket_opened(&world, "rubble", "GRID");
    static const char *const units[] = {"road", "water"};
    struct ticket_actor town = {.roles = ROLE_DISPATCHER, .region = ticket_region(&world, "TOWN")};
    struct ticket_actor county = {.roles = ROLE_DISPATCHER,
                                  .region = ticket_region(&world, "COUNTY")};
    int64_t overall = due(ticket, STAGE_OVERALL);
    ticket_must(&world, ticket, VERB_ACCEPT);
    for (size_t i = 0; i < 2; i++) {
        ticket_must_give(&world, ticket,
                         (struct ticket_command){
                             .verb = VERB_DISPATCH, .actor = town, .unit_tag = unit(units[i])});
        ends_as(
            TICKET_ROLE, REFUSAL_UNIT, ticket,
            (struct ticket_command){
                .verb = VERB_RETURN,
                .actor = {.roles = ROLE_UNIT, .region = REGION_NONE, .unit_tag = unit("power")}});
        ticket_must_give(
            &world, ticket,
            (struct ticket_command){.verb = VERB_RETURN, .proposed_unit_tag = unit("power")});
        assert_int_equal(ticket->state, TICKET_DISPATCHED);
        assert_non_null(clock_of(ticket, STAGE_HANDLE)); /* it runs until the decision */
        ticket_must(&world, ticket, VERB_APPROVE);
        assert_int_equal(ticket->state, TICKET_ACCEPTED);
        assert_null(clock_of(ticket, STAGE_HANDLE));
        assert_int_equal(due(ticket, STAGE_OVERALL), overall);
    }
    assert_int_equal(ticket->unit_tag, unit("road")); /* the first receiver is in charge */
    assert_true(ticket_has(ticket, FACT_SHUFFLED));
    ends_as(TICKET_ROLE, REFUSAL_APPOINT, ticket,
            (struct ticket_command){.verb = VERB_DISPATCH, .actor = town});
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_DISPATCH, .actor = county});
    ticket_at(&world, world.context.now_ms + 4 * HOUR + 1);
    ends_as(TICKET_STATE, REFUSAL_RETURN_WINDOW, ticket,
            (struct ticket_command){.verb = VERB_RETURN, .note = SLICE_LITERAL("not ours")});
}

static void rework_has_half_the_time(void **state) {
    (void)state;
    struct ticket *ticket = ticket_handled_by(&world, "rubble", "road");
    struct ticket_actor wang = {
        .roles = ROLE_ANY, .name = SLICE_LITERAL("wang"), .region = REGION_NONE};
    ends_as(TICKET_INVALID, REFUSAL_NONE, ticket,
            (struct ticket_command){.verb = VERB_SUBMIT_RESULT});
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_SUBMIT_RESULT, .actor = wang});
    ends_as(TICKET_ROLE, REFUSAL_HANDLER, ticket,
            (struct ticket_command){.verb = VERB_CHECK_PASS, .actor = wang});
    ticket_must(&world, ticket, VERB_CHECK_FAIL);
    assert_int_equal(ticket->state, TICKET_DISPATCHED);
    assert_int_equal(ticket->unit_tag, unit("road"));
    support_assert_instant(due(ticket, STAGE_HANDLE), "2026-09-28T11:00:00.000");
    assert_int_equal(ticket->rework_count, 1);
    ticket_must(&world, ticket, VERB_SIGN);
    ticket_at(&world, support_ms("2026-09-28T11:00:01.000"));
    ticket_must(&world, ticket, VERB_SUBMIT_RESULT);
    uint32_t handled = 1u << STAGE_HANDLE;
    assert_true((ticket->stages_ended & handled) != 0 && (ticket->stages_late & handled) != 0);
    ticket_must(&world, ticket, VERB_CHECK_PASS);
    assert_int_equal(ticket->closure, CLOSURE_HANDLED);
    assert_true((ticket->stages_late & 1u << STAGE_OVERALL) == 0);
    /* A half day is at least one. */
    struct ticket *days = ticket_handled_by(&world, "long", "road");
    ticket_must(&world, days, VERB_SUBMIT_RESULT);
    ticket_must(&world, days, VERB_CHECK_FAIL);
    support_assert_instant(due(days, STAGE_HANDLE), "2026-09-30T17:30:00.000");
}

static void supervised_closes_after_the_lift(void **state) {
    (void)state;
    struct ticket *ticket = ticket_handled_by(&world, "rubble", "road");
    ticket_must(&world, ticket, VERB_SUPERVISE);
    ticket_assert_told(&world, ENTRY_TICKET_PAGED, "\"why\":\"supervise\"");
    ticket_must(&world, ticket, VERB_SUBMIT_RESULT);
    ends_as(TICKET_STATE, REFUSAL_SUPERVISED, ticket,
            (struct ticket_command){.verb = VERB_CHECK_PASS});
    ticket_must_give(&world, ticket, (struct ticket_command){.verb = VERB_SUPERVISE, .lift = true});
    ticket_must(&world, ticket, VERB_CHECK_PASS);
    assert_int_equal(ticket->state, TICKET_CLOSED);
}

static void the_public_is_turned_away_by_the_shift_lead(void **state) {
    (void)state;
    struct ticket_opening opening = {.origin = ORIGIN_REPORT,
                                     .category_tag = policy_tag(SLICE_LITERAL("rubble")),
                                     .region = ticket_region(&world, "GRID"),
                                     .is_public = true,
                                     .has_reporter = true};
    struct ticket_command reject = {.verb = VERB_REJECT,
                                    .actor = {.roles = ROLE_INTAKE, .region = REGION_NONE},
                                    .note = SLICE_LITERAL("a private yard")};
    struct ticket *ticket;
    assert_int_equal(docket_open(&world.docket, &world.context, &opening, &ticket), STATUS_OK);
    ends_as(TICKET_ROLE, REFUSAL_PUBLIC, ticket, reject);
    reject.actor.roles = ROLE_SHIFT_LEAD;
    reject.note = (struct slice){0};
    ends_as(TICKET_INVALID, REFUSAL_NONE, ticket, reject);
    ticket_must_give(&world, ticket, reject);
    assert_int_equal(ticket->next_due_ms, INT64_MAX);
    uint64_t number = ticket->number;
    ticket_must(&world, ticket, VERB_REOPEN);
    assert_int_equal(ticket->state, TICKET_REPORTED);
    assert_int_equal(ticket->number, number);
    reject.note = SLICE_LITERAL("still a private yard");
    ticket_must_give(&world, ticket, reject);
    ends_as(TICKET_STATE, REFUSAL_REOPENED, ticket, (struct ticket_command){.verb = VERB_REOPEN});
}

static void closed_is_not_solved(void **state) {
    (void)state;
    struct ticket *ticket = ticket_handled_by(&world, "rubble", "road");
    ticket_must(&world, ticket, VERB_SUBMIT_RESULT);
    ticket_must(&world, ticket, VERB_CHECK_PASS);
    ticket_at(&world, world.context.now_ms + HOUR);
    ticket_must_give(
        &world, ticket,
        (struct ticket_command){.verb = VERB_FOLLOW_UP, .solved = TRI_NO, .satisfied = TRI_NO});
    assert_int_equal(ticket->state, TICKET_DISPATCHED);
    assert_int_equal(ticket->reopen_count, 1);
    assert_int_equal(ticket->unit_tag, unit("road"));
    support_assert_instant(due(ticket, STAGE_HANDLE), "2026-09-28T16:00:00.000");
    ticket_must(&world, ticket, VERB_SIGN);
    ticket_must(&world, ticket, VERB_SUBMIT_RESULT);
    ticket_must(&world, ticket, VERB_CHECK_PASS);
    ticket_must_give(
        &world, ticket,
        (struct ticket_command){.verb = VERB_FOLLOW_UP, .solved = TRI_YES, .satisfied = TRI_NO});
    assert_int_equal(ticket->state, TICKET_ARCHIVED);
    assert_true(ticket_has(ticket, FACT_SOLVED) && !ticket_has(ticket, FACT_SATISFIED));
    ticket_at(&world, world.context.now_ms + 30 * (int64_t)DAY_MS + 1);
    ends_as(TICKET_STATE, REFUSAL_REOPEN_WINDOW, ticket,
            (struct ticket_command){.verb = VERB_REOPEN});
    ticket_at(&world, world.context.now_ms - 1);
    ticket_must(&world, ticket, VERB_REOPEN);
}

/* As an upgrade: limits of the new priority from the old start, and paged anew. */
static void accepting_fixes_the_priority(void **state) {
    (void)state;
    struct ticket *ticket = ticket_opened(&world, "rubble", "GRID");
    struct ticket *same = ticket_opened(&world, "rubble", "GRID");
    int64_t opened_ms = world.context.now_ms;
    ticket_at(&world, opened_ms + 600000);
    ends_as(TICKET_INVALID, REFUSAL_NONE, ticket,
            (struct ticket_command){.verb = VERB_ACCEPT, .priority = 5});
    ticket_must_give(&world, ticket, (struct ticket_command){.verb = VERB_ACCEPT, .priority = 2});
    ticket_must(&world, same, VERB_ACCEPT);
    assert_int_equal(ticket->priority, 2);
    assert_int_equal(ticket->paged_from_ms, opened_ms + 600000);
    assert_true(due(ticket, STAGE_OVERALL) < due(same, STAGE_OVERALL));
    assert_true(due(ticket, STAGE_DISPATCH) < due(same, STAGE_DISPATCH));
    ticket_must_give(&world, ticket_opened(&world, "rubble", "GRID"),
                     (struct ticket_command){.verb = VERB_ACCEPT, .priority = 4});
    struct ticket *urgent = ticket_opened(&world, "rubble", "GRID");
    ticket_must_give(&world, urgent, (struct ticket_command){.verb = VERB_ACCEPT, .priority = 1});
    assert_int_equal(urgent->state, TICKET_DISPATCHED);
}

static void grades_count_from_the_start(void **state) {
    (void)state;
    struct ticket *ticket = ticket_handled_by(&world, "outage", "power");
    int64_t start = world.context.now_ms;
    ticket_at(&world, start + HOUR);
    ends_as(TICKET_INVALID, REFUSAL_NONE, ticket,
            (struct ticket_command){.verb = VERB_UPGRADE, .priority = 3});
    ticket_must(&world, ticket, VERB_UPGRADE);
    assert_int_equal(ticket->priority, 1);
    assert_int_equal(due(ticket, STAGE_HANDLE), start + 12 * HOUR);
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_DOWNGRADE, .priority = 3});
    assert_int_equal(due(ticket, STAGE_HANDLE), start + 48 * HOUR);
    ticket_must_give(&world, ticket, (struct ticket_command){.verb = VERB_UPGRADE, .priority = 1});
    ticket_run_until(&world, ticket, start + 12 * HOUR);
    assert_true((ticket->overdue & 1u << STAGE_HANDLE) != 0);
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_DOWNGRADE, .priority = 4});
    assert_int_equal(due(ticket, STAGE_HANDLE), start + 12 * HOUR); /* late stays late */
}

static void what_becomes_p1_waits_no_longer(void **state) {
    (void)state;
    struct ticket *ticket = ticket_opened(&world, "outage", "GRID");
    ticket_must(&world, ticket, VERB_UPGRADE);
    assert_int_equal(ticket->state, TICKET_DISPATCHED);
    struct ticket *leak = ticket_opened(&world, "rubble", "GRID");
    ticket_must_give(
        &world, leak,
        (struct ticket_command){.verb = VERB_ACCEPT,
                                .category_tag = policy_tag(SLICE_LITERAL("gas_leak"))});
    assert_int_equal(leak->state, TICKET_DISPATCHED);
    assert_int_equal(leak->unit_tag, unit("gas"));
    ticket_must(&world, leak, VERB_RETURN);
    ticket_must(&world, leak, VERB_APPROVE);
    assert_int_equal(leak->state, TICKET_ACCEPTED); /* not to the same unit again */
}

static void a_worse_report_pages_again(void **state) {
    (void)state;
    struct ticket *ticket = ticket_opened(&world, "gas_leak", "GRID");
    ticket_must(&world, ticket, VERB_ACK);
    ticket_world_hush(&world);
    docket_repage(&world.docket, &world.context, ticket, "severity");
    ticket_assert_told(&world, ENTRY_TICKET_PAGED, "\"why\":\"severity\"");
    assert_int_equal(ticket->acked_until_ms, 0);
    ticket_run_until(&world, ticket, world.context.now_ms + 5 * MINUTE);
    assert_int_equal(ticket_told_count(&world, ENTRY_TICKET_PAGED), 2);
    ticket_must(&world, ticket, VERB_VOID);
    docket_repage(&world.docket, &world.context, ticket, "severity");
    assert_int_equal(ticket_told_count(&world, ENTRY_TICKET_PAGED), 2);
}

static void merging_leaves_clocks_running_beneath(void **state) {
    (void)state;
    struct ticket *older = ticket_opened(&world, "rubble", "GRID");
    struct ticket *middle = ticket_opened(&world, "rubble", "GRID");
    struct ticket *ticket = ticket_handled_by(&world, "rubble", "road");
    int64_t due_ms = due(ticket, STAGE_HANDLE);
    ends_as(TICKET_INVALID, REFUSAL_NONE, older,
            (struct ticket_command){.verb = VERB_MERGE, .target = ticket->number});
    ends_as(TICKET_INVALID, REFUSAL_NONE, ticket,
            (struct ticket_command){.verb = VERB_MERGE, .target = 999});
    ticket_must_give(&world, middle,
                     (struct ticket_command){.verb = VERB_MERGE, .target = older->number});
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_MERGE, .target = middle->number});
    assert_int_equal(ticket->survivor, older->number); /* never one that is merged itself */
    assert_int_equal(ticket->next_due_ms, INT64_MAX);
    ticket_at(&world, world.context.now_ms + HOUR);
    ticket_must(&world, ticket, VERB_UNMERGE);
    assert_int_equal(ticket->state, TICKET_HANDLING);
    assert_int_equal(due(ticket, STAGE_HANDLE), due_ms);
    assert_true(ticket->next_due_ms <= due_ms);
}

static void workers_close_what_they_may(void **state) {
    (void)state;
    struct ticket_actor worker = {.roles = ROLE_WORKER, .region = ticket_region(&world, "GRID")};
    struct ticket *ticket = ticket_opened(&world, "garbage", "MICRO");
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_SELF_HANDLE, .actor = worker});
    assert_int_equal(ticket->state, TICKET_CLOSED);
    assert_int_equal(ticket->closure, CLOSURE_SELF_HANDLED);
    assert_int_equal(ticket->closed_level, 4);
    struct ticket *other = ticket_opened(&world, "garbage", "LONE");
    ends_as(TICKET_ROLE, REFUSAL_REGION, other,
            (struct ticket_command){.verb = VERB_SELF_HANDLE, .actor = worker});
    struct ticket *rubble = ticket_opened(&world, "rubble", "GRID");
    ends_as(TICKET_STATE, REFUSAL_SELF_CATEGORY, rubble,
            (struct ticket_command){.verb = VERB_SELF_HANDLE, .actor = worker});
    world.policy->self_check_percent = 100;
    struct ticket *drawn = ticket_opened(&world, "garbage", "GRID");
    ticket_must_give(&world, drawn,
                     (struct ticket_command){.verb = VERB_SELF_HANDLE, .actor = worker});
    assert_int_equal(drawn->state, TICKET_CHECKING);
    ticket_must(&world, drawn, VERB_CHECK_PASS);
    assert_int_equal(drawn->closure, CLOSURE_SELF_HANDLED);
}

static void verifying_holds_the_accept_clock(void **state) {
    (void)state;
    struct ticket *ticket = ticket_opened(&world, "rubble", "GRID");
    ticket_at(&world, world.context.now_ms + 10 * MINUTE);
    ticket_must(&world, ticket, VERB_REQUEST_VERIFY);
    ticket_at(&world, world.context.now_ms + 50 * MINUTE);
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_VERIFY_RESULT, .confirmed = TRI_YES});
    support_assert_instant(due(ticket, STAGE_ACCEPT), "2026-09-28T10:20:00.000");
    assert_true(ticket_has(ticket, FACT_VERIFIED));
    assert_true((ticket->stages_ended & 1u << STAGE_VERIFY) != 0 &&
                (ticket->stages_late & 1u << STAGE_VERIFY) == 0);
}

static void policies_of_old_tickets_hold(void **state) {
    (void)state;
    struct policy *next = malloc(sizeof *next);
    assert_non_null(next);
    *next = *world.policy;
    next->version = 2;
    struct category *rubble = (struct category *)policy_category(next, SLICE_LITERAL("rubble"));
    rubble->limits[STAGE_HANDLE].amount = 3600;
    struct ticket *old = ticket_opened(&world, "rubble", "GRID");
    ticket_must(&world, old, VERB_ACCEPT);
    const struct policy *const policies[] = {world.policy};
    world.context.policy = next;
    world.context.policies = policies;
    world.context.policies_count = 1;
    ticket_must(&world, old, VERB_DISPATCH);
    support_assert_instant(due(old, STAGE_HANDLE), "2026-09-28T15:00:00.000");
    struct ticket *fresh = ticket_opened(&world, "rubble", "GRID");
    ticket_must(&world, fresh, VERB_ACCEPT);
    ticket_must(&world, fresh, VERB_DISPATCH);
    support_assert_instant(due(fresh, STAGE_HANDLE), "2026-09-28T10:00:00.000");
    world.context.policy = world.policy;
    free(next);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(p1_waits_for_nobody),
        TEST(the_overall_clock_counts_from_receipt),
        TEST(command_ids_and_versions),
        TEST(a_suspension_keeps_the_exact_rest),
        TEST(a_suspension_needs_a_reason_and_an_end),
        TEST(an_extension_is_bounded),
        TEST(two_returns_and_the_county_appoints),
        TEST(rework_has_half_the_time),
        TEST(supervised_closes_after_the_lift),
        TEST(the_public_is_turned_away_by_the_shift_lead),
        TEST(closed_is_not_solved),
        TEST(accepting_fixes_the_priority),
        TEST(grades_count_from_the_start),
        TEST(what_becomes_p1_waits_no_longer),
        TEST(a_worse_report_pages_again),
        TEST(merging_leaves_clocks_running_beneath),
        TEST(workers_close_what_they_may),
        TEST(verifying_holds_the_accept_clock),
        TEST(policies_of_old_tickets_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
