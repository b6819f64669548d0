#include "core/stats.h"

#include "bench/prng.h"
#include "tests/unit/support.h"

static bool takes(struct stats_choice choice, const struct ticket *ticket) {
    const struct stats_subject subject = {ticket, NULL, LIGHT_GREEN};
    return stats_takes(&choice, &subject);
}

/* In the denominator, in the numerator: "-", "d" or "n". */
static const char *place(enum stats_rate rate, const struct ticket *ticket) {
    bool all = takes((struct stats_choice){STATS_KIND_RATE, rate, STATS_DENOMINATOR}, ticket);
    bool some = takes((struct stats_choice){STATS_KIND_RATE, rate, STATS_NUMERATOR}, ticket);
    assert_true(all || !some);
    return some ? "n" : all ? "d" : "-";
}

#define ENDED(stage) .stages_ended = 1u << STAGE_##stage
#define ENDED_LATE(stage) ENDED(stage), .stages_late = 1u << STAGE_##stage
#define OVERDUE(stage) .overdue = 1u << STAGE_##stage

static void each_rate_has_its_tickets(void **state) {
    (void)state;
    const struct {
        enum stats_rate rate;
        const char *expected;
        struct ticket ticket;
    } cases[] = {
        {STATS_RESPONSE, "n", {.facts = FACT_PUBLIC, ENDED(ACCEPT)}},
        {STATS_RESPONSE, "d", {.facts = FACT_PUBLIC, ENDED_LATE(ACCEPT)}},
        {STATS_RESPONSE, "d", {.facts = FACT_PUBLIC, OVERDUE(ACCEPT)}},
        {STATS_RESPONSE, "-", {.facts = FACT_PUBLIC}}, /* not due yet */
        {STATS_RESPONSE, "-", {ENDED(ACCEPT)}},        /* nobody of the public */
        {STATS_SOLUTION, "n", {.facts = FACT_CONTACTED | FACT_SOLVED}},
        {STATS_SOLUTION, "d", {.facts = FACT_CONTACTED}},
        {STATS_SOLUTION, "d", {.facts = FACT_UNSOLVED | FACT_REOPENED}},
        {STATS_SOLUTION, "n", {.facts = FACT_UNSOLVED | FACT_CONTACTED | FACT_SOLVED}},
        {STATS_SOLUTION, "-", {.facts = FACT_FOLLOWED_UP}}, /* asked, not reached */
        {STATS_SATISFACTION, "n", {.facts = FACT_CONTACTED | FACT_SATISFIED}},
        {STATS_SATISFACTION, "d", {.facts = FACT_CONTACTED | FACT_SOLVED}},
        {STATS_CLOSING, "n", {.state = TICKET_CLOSED}},
        {STATS_CLOSING, "n", {.state = TICKET_ARCHIVED}},
        {STATS_CLOSING, "d", {.state = TICKET_ACCEPTED}},
        {STATS_CLOSING, "-", {.state = TICKET_REPORTED}},
        {STATS_CLOSING, "-", {.state = TICKET_REJECTED}},
        {STATS_CLOSING, "-", {.state = TICKET_MERGED}},
        {STATS_ON_TIME_CLOSE, "n", {.state = TICKET_CLOSED, ENDED(OVERALL)}},
        {STATS_ON_TIME_CLOSE, "d", {.state = TICKET_CLOSED, ENDED_LATE(OVERALL)}},
        {STATS_ON_TIME_CLOSE, "-", {.state = TICKET_CLOSED}}, /* without a limit */
        {STATS_ON_TIME_CLOSE, "-", {.state = TICKET_HANDLING, OVERDUE(OVERALL)}},
        {STATS_ON_TIME_HANDLE, "n", {ENDED(HANDLE)}},
        {STATS_ON_TIME_HANDLE, "d", {.stages_late = 1u << STAGE_HANDLE}}, /* who had it before */
        {STATS_ON_TIME_HANDLE, "d", {ENDED(HANDLE), OVERDUE(HANDLE)}},    /* again, and late */
        {STATS_ON_TIME_HANDLE, "-", {.state = TICKET_HANDLING}},
        {STATS_ACCURATE_FILE, "n", {.state = TICKET_CHECKING}},
        {STATS_ACCURATE_FILE, "d", {.state = TICKET_VOIDED}},
        {STATS_ACCURATE_FILE, "-", {.state = TICKET_VERIFYING}},
        {STATS_ACCURATE_DISPATCH, "n", {.facts = FACT_DISPATCHED}},
        {STATS_ACCURATE_DISPATCH, "d", {.facts = FACT_DISPATCHED | FACT_REWORKED}},
        {STATS_ACCURATE_DISPATCH, "d", {.facts = FACT_DISPATCHED | FACT_RETURNED}},
        {STATS_ACCURATE_DISPATCH, "-", {.facts = 0}},
        {STATS_REWORK, "n", {.state = TICKET_HANDLING, .facts = FACT_REWORKED}},
        {STATS_REWORK, "d", {.state = TICKET_CHECKING}},
        {STATS_REWORK, "-", {.state = TICKET_HANDLING}},
        {STATS_RETURN, "n", {.facts = FACT_DISPATCHED | FACT_RETURNED}},
        {STATS_RETURN, "d", {.facts = FACT_DISPATCHED}},
        {STATS_SHUFFLE, "n", {.facts = FACT_DISPATCHED | FACT_SHUFFLED}},
        {STATS_SHUFFLE, "d", {.facts = FACT_DISPATCHED | FACT_RETURNED}},
        {STATS_MISSED_REPORT, "n", {.state = TICKET_CLOSED, .facts = FACT_PUBLIC}},
        {STATS_MISSED_REPORT, "d", {.state = TICKET_CLOSED}},
        {STATS_MISSED_REPORT, "-", {.state = TICKET_REJECTED, .facts = FACT_PUBLIC}},
        {STATS_ON_TIME_VERIFY, "n", {ENDED(VERIFY)}},
        {STATS_ON_TIME_VERIFY, "d", {OVERDUE(VERIFY)}},
        {STATS_ON_TIME_VERIFY, "-", {.state = TICKET_VERIFYING}},
        {STATS_CHECK_IN, "-", {.facts = FACT_JOINT}}, /* its joint is gone */
        {STATS_WHISTLE, "n", {.state = TICKET_HANDLING, .facts = FACT_WHISTLED}},
        {STATS_WHISTLE, "d", {.state = TICKET_HANDLING}},
        {STATS_WHISTLE_REFUSED, "n", {.facts = FACT_WHISTLED | FACT_WHISTLE_REFUSED}},
        {STATS_WHISTLE_REFUSED, "d", {.facts = FACT_WHISTLED}},
        {STATS_WHISTLE_REFUSED, "-", {.facts = FACT_WHISTLE_REFUSED}},
        {STATS_SELF_HANDLED, "n", {.state = TICKET_CLOSED, .closure = CLOSURE_SELF_HANDLED}},
        {STATS_SELF_HANDLED, "d", {.state = TICKET_CLOSED, .closure = CLOSURE_HANDLED}},
        {STATS_UNFINISHED, "n", {.state = TICKET_HANDLING}},
        {STATS_UNFINISHED, "d", {.state = TICKET_ARCHIVED}},
        {STATS_UNFINISHED, "-", {.state = TICKET_VOIDED}},
    };
    uint64_t seen = 0;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        if (strcmp(place(cases[i].rate, &cases[i].ticket), cases[i].expected) != 0) {
            fail_msg("case %zu of %s", i, stats_rate_name(cases[i].rate));
        }
        seen |= UINT64_C(1) << cases[i].rate;
    }
    seen |= UINT64_C(1) << STATS_CHECK_IN_ON_TIME; /* below */
    assert_int_equal(seen, (UINT64_C(1) << STATS_RATES) - 1);
}

static const char *joint_place(enum stats_rate rate, const struct joint *joint) {
    static const struct ticket ticket = {.state = TICKET_HANDLING};
    const struct stats_subject subject = {&ticket, joint, LIGHT_GREEN};
    const struct stats_choice all = {STATS_KIND_RATE, rate, STATS_DENOMINATOR};
    const struct stats_choice some = {STATS_KIND_RATE, rate, STATS_NUMERATOR};
    return stats_takes(&some, &subject) ? "n" : stats_takes(&all, &subject) ? "d" : "-";
}

static void joint_tickets_by_all_their_units(void **state) {
    (void)state;
    struct joint joint = {.parts_count = 2,
                          .parts = {{.status = JOINT_PROPOSED}, {.status = JOINT_RETURNED}}};
    assert_string_equal(joint_place(STATS_CHECK_IN, &joint), "-");
    joint.parts[0].status = joint.parts[1].status = JOINT_ASSIGNED;
    assert_string_equal(joint_place(STATS_CHECK_IN, &joint), "d");
    assert_string_equal(joint_place(STATS_CHECK_IN_ON_TIME, &joint), "-"); /* not due */
    joint.parts[0] = (struct joint_part){.status = JOINT_WORKING, .checked_in_ms = 5};
    assert_string_equal(joint_place(STATS_CHECK_IN, &joint), "d");
    assert_string_equal(joint_place(STATS_CHECK_IN_ON_TIME, &joint), "-");
    joint.parts[1].sign.told.points = TOLD_OVERDUE;
    assert_string_equal(joint_place(STATS_CHECK_IN_ON_TIME, &joint), "d");
    joint.parts[1] = (struct joint_part){.status = JOINT_DONE, .checked_in_ms = 6};
    assert_string_equal(joint_place(STATS_CHECK_IN, &joint), "n");
    assert_string_equal(joint_place(STATS_CHECK_IN_ON_TIME, &joint), "n");
    joint.parts[1].is_late_check_in = 1;
    assert_string_equal(joint_place(STATS_CHECK_IN, &joint), "n");
    assert_string_equal(joint_place(STATS_CHECK_IN_ON_TIME, &joint), "d");
}

static void unanswered_is_who_waits(void **state) {
    (void)state;
    const struct stats_choice unanswered = {STATS_KIND_COUNT, STATS_COUNT_UNANSWERED, 0};
    struct ticket ticket = {.state = TICKET_CLOSED, .facts = FACT_PUBLIC};
    assert_true(takes(unanswered, &ticket));
    ticket.state = TICKET_ARCHIVED; /* nobody asked in time */
    assert_true(takes(unanswered, &ticket));
    ticket.state = TICKET_REJECTED;
    assert_false(takes(unanswered, &ticket));
    ticket = (struct ticket){.state = TICKET_ARCHIVED, .facts = FACT_PUBLIC | FACT_FOLLOWED_UP};
    assert_false(takes(unanswered, &ticket));
    ticket = (struct ticket){.state = TICKET_REPORTED};
    assert_false(takes(unanswered, &ticket));
}

struct made {
    struct ticket ticket;
    struct joint joint;
    struct stats_subject subject;
};

/* Any bits, whether a ticket can have them or not. */
static void make(struct made *made, struct prng *prng) {
    uint64_t bits = prng_next(prng), more = prng_next(prng), parts = prng_next(prng);
    made->ticket = (struct ticket){.state = (uint8_t)(bits % TICKET_STATES),
                                   .closure = (uint8_t)((bits >> 8) % CLOSURES),
                                   .facts = (uint32_t)(bits >> 32),
                                   .stages_ended = (uint16_t)more,
                                   .stages_late = (uint16_t)(more >> 16),
                                   .overdue = (uint16_t)(more >> 32),
                                   .closed_level = (uint8_t)(more >> 48)};
    memset(&made->joint, 0, sizeof made->joint);
    made->joint.parts_count = (uint32_t)(parts % 4);
    for (uint32_t i = 0; i < made->joint.parts_count; i++) {
        parts >>= 8;
        made->joint.parts[i] = (struct joint_part){.status = (uint8_t)(1 + parts % JOINT_RETURNED),
                                                   .is_late_check_in = parts >> 3 & 1,
                                                   .checked_in_ms = parts >> 4 & 1};
        made->joint.parts[i].sign.told.points = (uint8_t)(parts >> 5 & TOLD_OVERDUE);
    }
    made->subject = (struct stats_subject){&made->ticket, (parts & 1) != 0 ? &made->joint : NULL,
                                           (enum light)(LIGHT_GREEN + (bits >> 16) % LIGHT_RED)};
}

/* Every number there is. */
static size_t choices(struct stats_choice to[256]) {
    const uint32_t counts[] = {STATS_COUNTS, TICKET_STATES, STATS_LIGHTS, STATS_LEVELS,
                               STATS_RATES};
    size_t count = 0;
    for (enum stats_kind kind = STATS_KIND_COUNT; kind <= STATS_KIND_RATE; kind++) {
        for (uint32_t i = kind == STATS_KIND_LIGHT ? LIGHT_GREEN : 0; i < counts[kind]; i++) {
            to[count++] = (struct stats_choice){kind, i, STATS_NUMERATOR};
            if (kind >= STATS_KIND_LEVEL) {
                to[count++] = (struct stats_choice){kind, i, STATS_DENOMINATOR};
            }
        }
    }
    assert_true(count < 256);
    return count;
}

static void the_tally_is_what_the_predicates_take(void **state) {
    (void)state;
    struct stats_choice all[256];
    uint64_t taken[256] = {0};
    size_t count = choices(all);
    struct stats_tally tally = {0};
    struct prng prng;
    prng_init(&prng, 38);
    for (int n = 0; n < 20000; n++) {
        struct made made;
        make(&made, &prng);
        stats_add(&tally, &made.subject);
        for (size_t i = 0; i < count; i++) {
            taken[i] += stats_takes(&all[i], &made.subject);
        }
    }
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(taken[i], stats_number(&tally, &all[i]));
        assert_true(taken[i] > 0 && taken[i] <= 20000);
    }
    for (enum stats_rate rate = 0; rate < STATS_RATES; rate++) {
        assert_true(tally.rates[rate][STATS_NUMERATOR] < tally.rates[rate][STATS_DENOMINATOR]);
    }
}

static void a_numerator_is_within_its_denominator(void **state) {
    (void)state;
    struct prng prng;
    prng_init(&prng, 1);
    for (int n = 0; n < 20000; n++) {
        struct made made;
        make(&made, &prng);
        for (enum stats_rate rate = 0; rate < STATS_RATES; rate++) {
            const struct stats_choice some = {STATS_KIND_RATE, rate, STATS_NUMERATOR};
            const struct stats_choice whole = {STATS_KIND_RATE, rate, STATS_DENOMINATOR};
            assert_true(!stats_takes(&some, &made.subject) || stats_takes(&whole, &made.subject));
        }
    }
}

static void a_report_opens_joins_or_neither(void **state) {
    (void)state;
    struct stats_tally tally = {0};
    stats_add_report(&tally, 7, 8);
    stats_add_report(&tally, 9, 8);
    stats_add_report(&tally, 10, 8);
    stats_add_report(&tally, 11, 0);
    assert_int_equal(tally.reports, 4);
    assert_int_equal(tally.reports_placed, 3);
    assert_int_equal(tally.reports_joined, 2);
    assert_true(stats_report_opened(7, 8) && !stats_report_opened(9, 8));
    assert_false(stats_report_opened(11, 0) || stats_report_joined(11, 0));
}

static void a_regions_light_by_its_unfinished_share(void **state) {
    (void)state;
    const struct {
        uint64_t unfinished, all;
        enum light light;
    } cases[] = {{0, 0, LIGHT_GREEN},       {0, 5, LIGHT_GREEN},       {399, 1000, LIGHT_GREEN},
                 {400, 1000, LIGHT_YELLOW}, {799, 1000, LIGHT_YELLOW}, {800, 1000, LIGHT_RED},
                 {5, 5, LIGHT_RED}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct stats_tally tally = {0};
        tally.rates[STATS_UNFINISHED][STATS_NUMERATOR] = cases[i].unfinished;
        tally.rates[STATS_UNFINISHED][STATS_DENOMINATOR] = cases[i].all;
        assert_int_equal(stats_region_light(&tally), cases[i].light);
    }
}

static void groups_are_bounded_and_complete(void **state) {
    (void)state;
    struct stats_groups *groups = calloc(1, sizeof *groups);
    assert_non_null(groups);
    for (int turn = 0; turn < 2; turn++) {
        for (uint64_t key = 0; key < STATS_GROUPS_MAX; key++) {
            struct stats_tally *tally = stats_group(groups, key * 4096);
            assert_non_null(tally);
            tally->incidents++;
        }
        assert_false(groups->truncated);
    }
    assert_null(stats_group(groups, 1));
    assert_true(groups->truncated);
    assert_int_equal(groups->count, STATS_GROUPS_MAX);
    for (uint32_t i = 0; i < groups->count; i++) {
        assert_int_equal(groups->groups[i].tally.incidents, 2);
    }
    free(groups);
}

static void names_are_read_back(void **state) {
    (void)state;
    for (enum stats_rate rate = 0; rate < STATS_RATES; rate++) {
        enum stats_rate read = STATS_RATES;
        enum stats_count count;
        assert_true(stats_rate_parse(&read, slice_text(stats_rate_name(rate))));
        assert_int_equal(read, rate);
        assert_false(stats_count_parse(&count, slice_text(stats_rate_name(rate))));
        assert_true(strlen(stats_rate_chinese(rate)) >= 6);
    }
    for (enum stats_count count = 0; count < STATS_COUNTS; count++) {
        enum stats_count read = STATS_COUNTS;
        assert_true(stats_count_parse(&read, slice_text(stats_count_name(count))));
        assert_int_equal(read, count);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rate_has_its_tickets),
        cmocka_unit_test(joint_tickets_by_all_their_units),
        cmocka_unit_test(unanswered_is_who_waits),
        cmocka_unit_test(the_tally_is_what_the_predicates_take),
        cmocka_unit_test(a_numerator_is_within_its_denominator),
        cmocka_unit_test(a_report_opens_joins_or_neither),
        cmocka_unit_test(a_regions_light_by_its_unfinished_share),
        cmocka_unit_test(groups_are_bounded_and_complete),
        cmocka_unit_test(names_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
