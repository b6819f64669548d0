/* What time does: warnings, the ladder up a ragged path, acks, and the system's own decisions. */
#include "core/ticket/ladder.h"
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

/* "kind code@minutes" of each entry since `from_ms` that names a point, in order. */
static void assert_told_in_order(int64_t from_ms, const char *const *expected, size_t count) {
    size_t at = 0;
    for (size_t i = 0; i < world.events_count; i++) {
        const struct told_event *event = &world.events[i];
        const char *point = strstr(event->json, "\"point_at\":\"");
        if (point == NULL) {
            continue;
        }
        const char *told = strstr(event->json, "\"told\":\"");
        char line[128], instant[INSTANT_TEXT_BYTES + 1] = "";
        int64_t ms = 0;
        const char *why;
        memcpy(instant, point + 12, INSTANT_TEXT_BYTES);
        assert_true(instant_parse(&ms, slice_text(instant), &why));
        snprintf(line, sizeof line, "%s %.*s@%d", entry_kind_name(event->kind) + 7,
                 told == NULL ? 1 : (int)strcspn(told + 8, "\""), told == NULL ? "-" : told + 8,
                 (int)((ms - from_ms) / MINUTE));
        if (at >= count || strcmp(line, expected[at]) != 0) {
            fail_msg("entry %zu is \"%s\", not \"%s\"", at, line, at < count ? expected[at] : "-");
        }
        at++;
    }
    assert_int_equal(at, count);
}

static void the_ladder_climbs_a_ragged_path(void **state) {
    (void)state;
    struct ticket *ticket = ticket_handled_by(&world, "outage", "power");
    int64_t start = world.context.now_ms;
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_PROGRESS, .on_scene = true});
    ticket_world_hush(&world);
    ticket_run_until(&world, ticket, start + 46 * HOUR);
    /* 24 h: reminder, near, overdue, then the village is passed over as nobody leads it; steps of a
     * quarter of the limit; the county is the top for P2 and is told again each 4 h. The overall
     * limit of 27 h has a ladder of its own, without repeats. */
    static const char *const expected[] = {
        "ack_expired unit@60",
        "reminder unit@720",
        "reminder unit@810",
        "near_deadline unit_and_head@1152",
        "near_deadline unit_and_head@1296",
        "overdue unit@1440",
        "escalated TOWN@1440",
        "overdue unit@1620",
        "escalated TOWN@1620",
        "escalated COUNTY@1800",
        "escalated COUNTY@2025",
        "paged COUNTY@2040",
        "paged COUNTY@2280",
        "paged COUNTY@2520",
        "paged COUNTY@2760",
    };
    assert_told_in_order(start, expected, ARRAY_COUNT(expected));
    ticket_assert_told(&world, ENTRY_TICKET_ESCALATED, "\"told_level\":1");
    assert_non_null(strstr(world.events[6].json, "\"vacant\":[\"VILLAGE\"]"));
    assert_int_equal(ticket->unit_tag, policy_tag(SLICE_LITERAL("power")));
    assert_true(ticket_has(ticket, FACT_VACANCY) && ticket_has(ticket, FACT_ESCALATED));
    assert_null(strstr(world.events[6].json, "late_fire"));
}

static struct ladder_step climb_from(uint32_t region, uint8_t top_level, uint8_t rank) {
    struct ladder_path path = ladder_path_of(world.regions, region);
    return ladder_climb(world.regions, region, &path, top_level, rank);
}

static void offices_are_skipped_and_named(void **state) {
    (void)state;
    uint32_t micro = ticket_region(&world, "MICRO"), lone = ticket_region(&world, "LONE");
    struct ladder_step step = climb_from(micro, 0, 0);
    assert_int_equal(step.region, ticket_region(&world, "GRID"));
    assert_int_equal(step.vacant_count, 0);
    step = climb_from(micro, 0, step.rank);
    assert_int_equal(step.region, ticket_region(&world, "TOWN"));
    assert_int_equal(step.level, 2);
    assert_int_equal(step.vacant_count, 1);
    assert_int_equal(step.vacant[0], ticket_region(&world, "VILLAGE"));
    assert_false(step.is_top);
    step = climb_from(lone, 1, 0); /* no village on this path */
    assert_int_equal(step.region, ticket_region(&world, "TOWN"));
    step = climb_from(lone, 1, step.rank);
    assert_true(step.is_top && step.region == ticket_region(&world, "COUNTY"));
    uint8_t rank = step.rank;
    step = climb_from(lone, 1, rank);
    assert_true(step.is_top && step.rank == rank);
    step = climb_from(lone, 3, 0); /* nobody below the top leads: not vacant */
    assert_true(step.is_top && step.region == lone && step.vacant_count == 0);
    const struct ladder_path nowhere = ladder_path_of(NULL, REGION_NONE);
    step = ladder_climb(NULL, REGION_NONE, &nowhere, 0, 0);
    assert_true(step.is_top && step.region == REGION_NONE);
}

static void upload(const char *code, const char *parent, uint8_t level, const char *leader) {
    struct support_upload upload = {0};
    void *memory;
    support_upload_row(&upload, &(struct region_row){.code = slice_text(code),
                                                     .parent = slice_text(parent),
                                                     .name = slice_text(code),
                                                     .leader = slice_text(leader),
                                                     .level = level});
    world.context.regions = world.regions = support_table(&memory, world.regions, &upload);
    support_upload_free(&upload);
    free(world.regions_memory);
    world.regions_memory = memory;
}

/* The grid goes to another town while its ticket climbs: those of its opening are told. The office
 * that falls empty meanwhile is passed over, and the one that is filled is not. */
static void a_ladder_keeps_the_path_of_its_opening(void **state) {
    (void)state;
    struct ticket *ticket = ticket_handled_by(&world, "outage", "power");
    int64_t start = world.context.now_ms;
    assert_int_equal(ladder_above_count(&ticket->path), 4);
    upload("GRID", "OTHER", 4, "grid lead");
    upload("VILLAGE", "TOWN", 3, "village head");
    upload("TOWN", "COUNTY", 2, "");
    struct ticket *later = ticket_opened(&world, "outage", "GRID");
    ticket_world_hush(&world);
    ticket_run_until(&world, ticket, start + 25 * HOUR);
    ticket_assert_told(&world, ENTRY_TICKET_ESCALATED, "\"told\":\"VILLAGE\"");
    ticket_run_until(&world, ticket, start + 31 * HOUR);
    ticket_assert_told(&world, ENTRY_TICKET_ESCALATED, "\"told\":\"COUNTY\"");
    ticket_assert_told(&world, ENTRY_TICKET_ESCALATED, "\"vacant\":[\"TOWN\"]");
    assert_int_equal(later->path.above[0], ticket_region(&world, "OTHER"));
    assert_int_equal(ladder_above_count(&later->path), 3);
}

static void p1_without_an_ack_climbs_each_five_minutes(void **state) {
    (void)state;
    struct ticket *ticket = ticket_opened(&world, "gas_leak", "GRID");
    int64_t start = world.context.now_ms;
    ticket_world_hush(&world);
    ticket_run_until(&world, ticket, start + 7 * MINUTE);
    assert_int_equal(ticket_told_count(&world, ENTRY_TICKET_PAGED), 1);
    ticket_assert_told(&world, ENTRY_TICKET_PAGED, "\"told\":\"TOWN\"");
    ticket_must(&world, ticket, VERB_ACK); /* until 22 minutes */
    ticket_run_until(&world, ticket, start + 22 * MINUTE - 1);
    assert_int_equal(ticket_told_count(&world, ENTRY_TICKET_PAGED), 1);
    ticket_assert_told(&world, ENTRY_TICKET_COMMAND, "\"command\":\"sign\"");
    assert_int_equal(ticket->state, TICKET_HANDLING); /* deemed at 10 minutes */
    assert_true(ticket_has(ticket, FACT_DEEMED_SIGNED) && !ticket_has(ticket, FACT_SIGNED));
    ticket_must(&world, ticket, VERB_SUPERVISE);
    ticket_run_until(&world, ticket, start + 22 * MINUTE);
    assert_int_equal(ticket->unacked_step, 3);
    ticket_assert_told(&world, ENTRY_TICKET_PAGED, "\"told\":\"CITY\"");
}

static void an_ack_ends_aloud_and_paging_goes_on(void **state) {
    (void)state;
    struct ticket *ticket = ticket_handled_by(&world, "outage", "power");
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_PROGRESS, .on_scene = true});
    int64_t due_ms = world.context.now_ms + 24 * HOUR;
    ticket_run_until(&world, ticket, due_ms + HOUR);
    ticket_world_hush(&world);
    ticket_at(&world, due_ms + 5 * HOUR + 30 * MINUTE);
    ticket_must(&world, ticket, VERB_ACK);
    ticket_run_until(&world, ticket, due_ms + 6 * HOUR + 29 * MINUTE);
    assert_int_equal(ticket_told_count(&world, ENTRY_TICKET_ESCALATED), 0);
    assert_int_equal(ticket_told_count(&world, ENTRY_TICKET_OVERDUE), 1); /* the overall limit's */
    ticket_run_until(&world, ticket, due_ms + 6 * HOUR + 30 * MINUTE);
    assert_int_equal(ticket_told_count(&world, ENTRY_TICKET_ACK_EXPIRED), 1);
    assert_int_equal(ticket_told_count(&world, ENTRY_TICKET_ESCALATED), 2);
}

/* An ack of a P3 holds for four hours of work, which may be three days: the repeats that it held
 * back are told as one, and the next one is still to come. */
static void an_ack_leaves_no_heap_of_repeats(void **state) {
    (void)state;
    struct ticket *ticket = ticket_handled_by(&world, "rubble", "road");
    ticket_run_until(&world, ticket, support_ms("2026-09-29T17:00:00"));
    ticket_at(&world, support_ms("2026-09-30T17:00:00")); /* a week of holidays follows */
    ticket_must(&world, ticket, VERB_ACK);
    int64_t acked_until_ms = ticket->acked_until_ms;
    assert_true(acked_until_ms > world.context.now_ms + INT64_C(7) * 24 * HOUR);
    ticket_world_hush(&world);
    ticket_run_until(&world, ticket, acked_until_ms);
    assert_int_equal(ticket_told_count(&world, ENTRY_TICKET_ACK_EXPIRED), 1);
    assert_int_equal(ticket_told_count(&world, ENTRY_TICKET_PAGED), 1);
    assert_true(ticket->next_due_ms > acked_until_ms);
    assert_true(ticket->next_due_ms <= acked_until_ms + 4 * HOUR);
}

static void leaving_a_state_ends_its_paging(void **state) {
    (void)state;
    struct ticket *ticket = ticket_handled_by(&world, "outage", "power");
    ticket_run_until(&world, ticket, world.context.now_ms + 25 * HOUR);
    assert_true(ticket->overdue != 0);
    ticket_must(&world, ticket, VERB_ACK);
    ticket_must(&world, ticket, VERB_SUBMIT_RESULT);
    assert_int_equal(ticket->acked_until_ms, 0); /* the checker has not said a word yet */
    assert_int_equal(ticket->overdue & 1u << STAGE_HANDLE, 0);
    ticket_world_hush(&world);
    int64_t submitted = world.context.now_ms;
    ticket_run_until(&world, ticket, submitted + HOUR - 1);
    assert_int_equal(world.events_count, 0);
    ticket_run_until(&world, ticket, submitted + HOUR);
    ticket_assert_told(&world, ENTRY_TICKET_REMINDER, "\"stage\":\"check\"");
}

static void firing_again_tells_nothing(void **state) {
    (void)state;
    struct ticket *ticket = ticket_handled_by(&world, "rubble", "road");
    ticket_at(&world, ticket->next_due_ms - 1);
    size_t events = world.events_count;
    assert_int_equal(docket_fire(&world.docket, &world.context, ticket), 0);
    for (int i = 0; i < 200; i++) {
        ticket_at(&world, ticket->next_due_ms);
        assert_true(docket_fire(&world.docket, &world.context, ticket) > 0);
        events = world.events_count;
        assert_int_equal(docket_fire(&world.docket, &world.context, ticket), 0);
        assert_int_equal(world.events_count, events);
        ticket_at(&world,
                  world.context.now_ms - HOUR); /* a clock that steps back un-fires nothing */
        assert_int_equal(docket_fire(&world.docket, &world.context, ticket), 0);
    }
}

/* A week away: each point once, in order, marked; the missed repeats are one. */
static void late_is_once_and_marked(void **state) {
    (void)state;
    struct ticket *ticket = ticket_handled_by(&world, "outage", "power");
    int64_t start = world.context.now_ms;
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_PROGRESS, .on_scene = true});
    ticket_world_hush(&world);
    ticket_at(&world, start + 168 * HOUR);
    while (docket_fire(&world.docket, &world.context, ticket) > 0) {
    }
    static const char *const expected[] = {
        "ack_expired unit@60",
        "reminder unit@720",
        "reminder unit@810",
        "near_deadline unit_and_head@1152",
        "near_deadline unit_and_head@1296",
        "overdue unit@1440",
        "escalated TOWN@1440",
        "overdue unit@1620",
        "escalated TOWN@1620",
        "escalated COUNTY@1800",
        "escalated COUNTY@2025",
        "paged COUNTY@2040",
    };
    assert_told_in_order(start, expected, ARRAY_COUNT(expected));
    for (size_t i = 0; i < world.events_count; i++) {
        assert_non_null(strstr(world.events[i].json, "\"late_fire\":true"));
    }
    assert_true(ticket->next_due_ms > world.context.now_ms &&
                ticket->next_due_ms <= world.context.now_ms + 4 * HOUR);
}

/* A ticket that nobody handles for decades must not stop the server: past the last step that can be
 * counted it is reviewed instead. */
static void a_ladder_that_was_climbed_forever_ends_in_reviews(void **state) {
    (void)state;
    struct ticket *ticket = ticket_opened(&world, "gas_leak", "GRID");
    int64_t start = world.context.now_ms;
    ticket_at(&world, start + 24 * HOUR);
    while (docket_fire(&world.docket, &world.context, ticket) > 0) {
    }
    ticket_world_hush(&world);
    /* The repeats that were missed are counted, and there were more than can be. */
    ticket_at(&world, start + (int64_t)UINT16_MAX * HOUR);
    while (docket_fire(&world.docket, &world.context, ticket) > 0) {
    }
    assert_true(ticket_told_count(&world, ENTRY_TICKET_PAGED) >= 1);
    ticket_world_hush(&world);
    ticket_at(&world, start + (int64_t)UINT16_MAX * HOUR + 240 * HOUR);
    while (docket_fire(&world.docket, &world.context, ticket) > 0) {
    }
    assert_int_equal(ticket_told_count(&world, ENTRY_TICKET_PAGED), 0);
    assert_int_equal(ticket_told_count(&world, ENTRY_TICKET_REMINDER), 1);
    assert_true(ticket->next_due_ms > world.context.now_ms);
    assert_true(ticket->next_due_ms <= world.context.now_ms + 24 * HOUR);
}

static void nobody_decides_is_no(void **state) {
    (void)state;
    struct ticket *ticket = ticket_handled_by(&world, "outage", "power");
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_REQUEST_EXTENSION,
                                             .limit = {METERING_URGENT_HOUR, 3600}});
    int64_t due_ms = ticket->clocks[0].due_ms;
    ticket_world_hush(&world);
    ticket_run_until(&world, ticket, world.context.now_ms + 30 * MINUTE);
    assert_int_equal(ticket->request.kind, REQUEST_NONE);
    assert_int_equal(ticket->clocks[0].due_ms, due_ms);
    ticket_assert_told(&world, ENTRY_TICKET_ESCALATED, "\"stage\":\"decide\"");
    ticket_assert_told(&world, ENTRY_TICKET_COMMAND, "\"command\":\"deny\"");
    assert_false(ticket_has(ticket, FACT_EXTENDED));
    assert_true((ticket->stages_late & 1u << STAGE_DECIDE) != 0 ||
                (ticket->stages_ended & 1u << STAGE_DECIDE) != 0);
}

/* An ack is no answer and does not hold the escalation back; what the unit does is one. */
static void a_supervision_that_is_not_answered_escalates(void **state) {
    (void)state;
    struct ticket *ticket = ticket_handled_by(&world, "outage", "power");
    int64_t start = world.context.now_ms;
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_PROGRESS, .on_scene = true});
    ticket_must(&world, ticket, VERB_SUPERVISE);
    ticket_assert_told(&world, ENTRY_TICKET_COMMAND, "\"reply_by\":\"2026-09-28T02:00:00.000Z\"");
    ticket_at(&world, start + 50 * MINUTE);
    ticket_must(&world, ticket, VERB_ACK);
    ticket_world_hush(&world);
    ticket_run_until(&world, ticket, start + 60 * MINUTE - 1);
    assert_int_equal(ticket_told_count(&world, ENTRY_TICKET_OVERDUE), 0);
    ticket_run_until(&world, ticket, start + 60 * MINUTE);
    ticket_assert_told(&world, ENTRY_TICKET_OVERDUE, "\"stage\":\"reply\"");
    ticket_assert_told(&world, ENTRY_TICKET_ESCALATED, "\"stage\":\"reply\"");
    ticket_assert_told(&world, ENTRY_TICKET_ESCALATED, "\"told\":\"TOWN\"");
    assert_true((ticket->overdue & 1u << STAGE_REPLY) != 0);
    ticket_at(&world, start + 61 * MINUTE);
    ticket_must(&world, ticket, VERB_PROGRESS);
    assert_true((ticket->overdue & 1u << STAGE_REPLY) == 0);
    assert_true((ticket->stages_late & 1u << STAGE_REPLY) != 0);
    assert_true(ticket->supervised);
    ticket_world_hush(&world);
    ticket_must(&world, ticket, VERB_SUPERVISE);
    ticket_must_give(&world, ticket, (struct ticket_command){.verb = VERB_SUPERVISE, .lift = true});
    ticket_must(&world, ticket, VERB_SUPERVISE);
    ticket_must(&world, ticket, VERB_SUBMIT_RESULT);
    ticket_run_until(&world, ticket, start + 119 * MINUTE);
    assert_int_equal(ticket_told_count(&world, ENTRY_TICKET_ESCALATED), 0);
}

/* Nor is what a timer does, or a co-handler. */
static void nobody_answers_for_the_lead(void **state) {
    (void)state;
    struct ticket *ticket = ticket_opened(&world, "outage", "GRID");
    const struct ticket_part_order part = {.unit_tag = policy_tag(SLICE_LITERAL("water"))};
    ticket_must(&world, ticket, VERB_ACCEPT);
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_WHISTLE,
                                             .decides = true,
                                             .unit_tag = policy_tag(SLICE_LITERAL("power")),
                                             .parts = &part,
                                             .parts_count = 1});
    int64_t start = world.context.now_ms;
    ticket_must(&world, ticket, VERB_SUPERVISE);
    struct ticket_actor water = ticket_anybody();
    water.unit_tag = part.unit_tag;
    ticket_must_give(&world, ticket, (struct ticket_command){.verb = VERB_SIGN, .actor = water});
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_PROGRESS, .actor = water});
    ticket_run_until(&world, ticket, start + 60 * MINUTE);
    assert_true(ticket_has(ticket, FACT_DEEMED_SIGNED));
    ticket_assert_told(&world, ENTRY_TICKET_OVERDUE, "\"stage\":\"reply\"");
    struct ticket_clock_view view;
    size_t clocks = 0;
    bool is_there = false;
    for (; ticket_clock_explain(&world.context, ticket, clocks, &view); clocks++) {
        is_there = is_there || view.stage == STAGE_REPLY;
    }
    assert_true(is_there);
}

static void a_return_holds_the_deemed_sign_back(void **state) {
    (void)state;
    struct ticket *ticket = ticket_opened(&world, "gas_leak", "GRID");
    int64_t start = world.context.now_ms;
    ticket_at(&world, start + 5 * MINUTE);
    while (docket_fire(&world.docket, &world.context, ticket) > 0) {
    }
    ticket_must(&world, ticket, VERB_RETURN); /* decided by 15 minutes */
    ticket_run_until(&world, ticket, start + 14 * MINUTE);
    assert_int_equal(ticket->state, TICKET_DISPATCHED);
    ticket_run_until(&world, ticket, start + 15 * MINUTE);
    assert_int_equal(ticket->request.kind, REQUEST_NONE);
    assert_int_equal(ticket->state, TICKET_HANDLING);
    assert_true(ticket_has(ticket, FACT_DEEMED_SIGNED));
}

static void closed_becomes_archived(void **state) {
    (void)state;
    struct ticket *ticket = ticket_handled_by(&world, "rubble", "road");
    ticket_must(&world, ticket, VERB_SUBMIT_RESULT);
    ticket_must(&world, ticket, VERB_CHECK_PASS);
    ticket_run_until(&world, ticket, world.context.now_ms + 7 * (int64_t)DAY_MS - 1);
    assert_int_equal(ticket->state, TICKET_CLOSED);
    ticket_run_until(&world, ticket, world.context.now_ms + 1);
    assert_int_equal(ticket->state, TICKET_ARCHIVED);
    assert_int_equal(ticket->next_due_ms, INT64_MAX);
}

/* Without any limit somebody still looks at it: P1 as often as the top rank would hear of it. */
static void no_limit_is_not_no_deadline(void **state) {
    (void)state;
    struct category *gas =
        (struct category *)policy_category(world.policy, SLICE_LITERAL("gas_leak"));
    memset(gas->limits, 0, sizeof gas->limits);
    struct ticket *ticket = ticket_opened(&world, "gas_leak", "GRID");
    ticket_must(&world, ticket, VERB_SIGN);
    ticket_run_until(&world, ticket, world.context.now_ms + 15 * MINUTE); /* the ack */
    ticket_world_hush(&world);
    ticket_run_until(&world, ticket, world.context.now_ms + 120 * MINUTE);
    assert_int_equal(ticket_told_count(&world, ENTRY_TICKET_REMINDER), 4);
}

/* The town gets a calendar of its own, as a new file would bring it. */
static const struct ticket_clock *handle_clock(const struct ticket *ticket) {
    for (size_t i = 0; i < TICKET_CLOCKS_MAX; i++) {
        if (ticket->clocks[i].is_used && ticket->clocks[i].stage == STAGE_HANDLE) {
            return &ticket->clocks[i];
        }
    }
    fail_msg("it has no handle clock");
    return NULL;
}

static void a_new_calendar_recomputes(void **state) {
    (void)state;
    struct ticket *ticket = ticket_handled_by(&world, "rubble", "road");
    ticket_at(&world, world.context.now_ms + HOUR);
    ticket_must_give(&world, ticket,
                     (struct ticket_command){.verb = VERB_REQUEST_SUSPENSION,
                                             .reason = REASON_FUNDING,
                                             .until_ms = support_ms("2026-09-28T14:00:00")});
    ticket_must(&world, ticket, VERB_APPROVE);
    ticket_run_until(&world, ticket, support_ms("2026-09-28T14:00:00"));
    support_assert_instant(handle_clock(ticket)->due_ms, "2026-09-28T17:00:00");
    ticket_world_hush(&world);
    struct calendar *calendar = calloc(1, sizeof *calendar);
    assert_non_null(calendar);
    support_calendar_office(calendar);
    support_holidays(calendar, "2026-09-28", "2026-09-28"); /* the first day never counted */
    support_calendar_seal(calendar);
    world.calendars->calendars[0] = *calendar;
    free(calendar);
    uint32_t place = 0;
    while (docket_recompute(&world.docket, &world.context, &place, 1)) {
    }
    assert_int_equal(ticket_told_count(&world, ENTRY_TICKET_RECOMPUTED), 1);
    support_assert_instant(handle_clock(ticket)->due_ms, "2026-09-29T14:30:00");
    place = 0;
    while (docket_recompute(&world.docket, &world.context, &place, 8)) {
    }
    assert_int_equal(ticket_told_count(&world, ENTRY_TICKET_RECOMPUTED), 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_ladder_climbs_a_ragged_path),
        TEST(offices_are_skipped_and_named),
        TEST(a_ladder_keeps_the_path_of_its_opening),
        TEST(p1_without_an_ack_climbs_each_five_minutes),
        TEST(an_ack_ends_aloud_and_paging_goes_on),
        TEST(an_ack_leaves_no_heap_of_repeats),
        TEST(leaving_a_state_ends_its_paging),
        TEST(firing_again_tells_nothing),
        TEST(late_is_once_and_marked),
        TEST(a_ladder_that_was_climbed_forever_ends_in_reviews),
        TEST(nobody_decides_is_no),
        TEST(a_supervision_that_is_not_answered_escalates),
        TEST(nobody_answers_for_the_lead),
        TEST(a_return_holds_the_deemed_sign_back),
        TEST(closed_becomes_archived),
        TEST(no_limit_is_not_no_deadline),
        TEST(a_new_calendar_recomputes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
