#include "core/stats.h"

#include "core/base/check.h"

enum { GROUP_SLOTS = ARRAY_COUNT(((struct stats_groups *)0)->slots), RED_PERCENT = 80 };
enum { YELLOW_PERCENT = 40, ALL_PERCENT = 100 };

_Static_assert(TICKET_STATES <= 16, "sets of states are bits of an unsigned");
#define IN(state) (1u << TICKET_##state)

static bool has(const struct stats_subject *s, uint32_t fact) {
    return (s->ticket->facts & fact) != 0;
}

static bool is_in(const struct stats_subject *s, unsigned states) {
    return (states >> s->ticket->state & 1) != 0;
}

static bool is_public(const struct stats_subject *s) {
    return has(s, FACT_PUBLIC);
}

static bool is_open(const struct stats_subject *s) {
    return ticket_state_is_open((enum ticket_state)s->ticket->state);
}

static bool is_closed(const struct stats_subject *s) {
    return is_in(s, IN(CLOSED) | IN(ARCHIVED));
}

/* 立案: accepted and still in force. A merged one goes on in its survivor. */
static bool is_filed(const struct stats_subject *s) {
    return is_in(s, IN(ACCEPTED) | IN(DISPATCHED) | IN(HANDLING) | IN(CHECKING)) || is_closed(s);
}

static bool is_voided(const struct stats_subject *s) {
    return is_in(s, IN(VOIDED));
}

/* A result was handed in at least once. */
static bool was_handled(const struct stats_subject *s) {
    return is_in(s, IN(CHECKING)) || is_closed(s) || has(s, FACT_REWORKED);
}

static bool is_late(const struct stats_subject *s, enum stage stage) {
    return ((unsigned)(s->ticket->stages_late | s->ticket->overdue) >> stage & 1) != 0;
}

static bool is_ended(const struct stats_subject *s, enum stage stage) {
    return ((unsigned)s->ticket->stages_ended >> stage & 1) != 0;
}

/* It had a limit, and it is known whether it was kept. */
static bool settled(const struct stats_subject *s, enum stage stage) {
    return is_ended(s, stage) || is_late(s, stage);
}

static bool in_time(const struct stats_subject *s, enum stage stage) {
    return is_ended(s, stage) && !is_late(s, stage);
}

/* Reached, or reached once: the answer "not solved" reopens the ticket, which forgets the asking.
 */
static bool was_asked(const struct stats_subject *s) {
    return has(s, FACT_CONTACTED) || has(s, FACT_UNSOLVED);
}

static bool is_self_handled(const struct stats_subject *s) {
    return s->ticket->closure == CLOSURE_SELF_HANDLED;
}

/* A rejection is an answer; a merged ticket is answered with its survivor. */
static bool is_unanswered(const struct stats_subject *s) {
    return is_public(s) && !has(s, FACT_FOLLOWED_UP) &&
           !is_in(s, IN(REJECTED) | IN(VOIDED) | IN(MERGED));
}

static bool is_assigned(const struct joint_part *part) {
    return part->status != JOINT_PROPOSED && part->status != JOINT_RETURNED;
}

static bool is_joint(const struct stats_subject *s) {
    for (uint32_t i = 0; s->joint != NULL && i < s->joint->parts_count; i++) {
        if (is_assigned(&s->joint->parts[i])) {
            return true;
        }
    }
    return false;
}

static bool part_is_late(const struct joint_part *part) {
    return part->is_late_check_in || (part->sign.told.points & TOLD_OVERDUE) != 0;
}

/* Of all units assigned: is none without `has_it`? */
static bool all_parts(const struct stats_subject *s, bool (*has_it)(const struct joint_part *)) {
    for (uint32_t i = 0; s->joint != NULL && i < s->joint->parts_count; i++) {
        if (is_assigned(&s->joint->parts[i]) && !has_it(&s->joint->parts[i])) {
            return false;
        }
    }
    return true;
}

static bool part_checked_in(const struct joint_part *part) {
    return part->checked_in_ms != 0;
}

static bool part_is_settled(const struct joint_part *part) {
    return part_checked_in(part) || part_is_late(part);
}

static bool part_is_on_time(const struct joint_part *part) {
    return part_checked_in(part) && !part_is_late(part);
}

static bool all_checked_in(const struct stats_subject *s) {
    return all_parts(s, part_checked_in);
}

static bool check_in_is_settled(const struct stats_subject *s) {
    return all_parts(s, part_is_settled);
}

static bool check_in_is_on_time(const struct stats_subject *s) {
    return all_parts(s, part_is_on_time);
}

static bool in_denominator(enum stats_rate rate, const struct stats_subject *s) {
    switch (rate) {
#define STATS_DENOMINATOR_CASE(name, text, chinese, denominator, numerator)                        \
    case STATS_##name:                                                                             \
        return denominator;
        /* NOLINTNEXTLINE(bugprone-branch-clone): two rates may have one denominator */
        STATS_RATE_TABLE(STATS_DENOMINATOR_CASE)
#undef STATS_DENOMINATOR_CASE
    case STATS_RATES:
        break;
    }
    CHECK(false);
}

static bool in_numerator(enum stats_rate rate, const struct stats_subject *s) {
    switch (rate) {
#define STATS_NUMERATOR_CASE(name, text, chinese, denominator, numerator)                          \
    case STATS_##name:                                                                             \
        return numerator;
        STATS_RATE_TABLE(STATS_NUMERATOR_CASE)
#undef STATS_NUMERATOR_CASE
    case STATS_RATES:
        break;
    }
    CHECK(false);
}

static bool is_counted(enum stats_count count, const struct stats_subject *s) {
    switch (count) {
#define STATS_COUNT_CASE(name, text, counted)                                                      \
    case STATS_COUNT_##name:                                                                       \
        return counted;
        STATS_COUNT_TABLE(STATS_COUNT_CASE)
#undef STATS_COUNT_CASE
    case STATS_COUNTS:
        break;
    }
    CHECK(false);
}

static uint32_t level_of(const struct ticket *ticket) {
    return ticket->closed_level < STATS_LEVEL_UNKNOWN ? ticket->closed_level : STATS_LEVEL_UNKNOWN;
}

bool stats_takes(const struct stats_choice *choice, const struct stats_subject *s) {
    bool is_all = choice->part == STATS_DENOMINATOR;
    switch (choice->kind) {
    case STATS_KIND_COUNT:
        return is_counted((enum stats_count)choice->index, s);
    case STATS_KIND_STATE:
        CHECK(choice->index < TICKET_STATES);
        return s->ticket->state == choice->index;
    case STATS_KIND_LIGHT:
        CHECK(choice->index >= LIGHT_GREEN && choice->index < STATS_LIGHTS);
        return is_open(s) && (uint32_t)s->light == choice->index;
    case STATS_KIND_LEVEL:
        CHECK(choice->index < STATS_LEVELS);
        return is_closed(s) && (is_all || level_of(s->ticket) == choice->index);
    case STATS_KIND_RATE:
        return in_denominator((enum stats_rate)choice->index, s) &&
               (is_all || in_numerator((enum stats_rate)choice->index, s));
    }
    CHECK(false);
}

static const char *const rate_names[][2] = {
#define STATS_RATE_NAME(name, text, chinese, denominator, numerator) {text, chinese},
    STATS_RATE_TABLE(STATS_RATE_NAME)
#undef STATS_RATE_NAME
};

static const char *const count_names[] = {
#define STATS_COUNT_NAME(name, text, counted) text,
    STATS_COUNT_TABLE(STATS_COUNT_NAME)
#undef STATS_COUNT_NAME
};

const char *stats_rate_name(enum stats_rate rate) {
    CHECK(rate < STATS_RATES);
    return rate_names[rate][0];
}

const char *stats_rate_chinese(enum stats_rate rate) {
    CHECK(rate < STATS_RATES);
    return rate_names[rate][1];
}

const char *stats_count_name(enum stats_count count) {
    CHECK(count < STATS_COUNTS);
    return count_names[count];
}

bool stats_rate_parse(enum stats_rate *ret, struct slice text) {
    for (enum stats_rate rate = 0; rate < STATS_RATES; rate++) {
        if (slice_is(text, rate_names[rate][0])) {
            *ret = rate;
            return true;
        }
    }
    return false;
}

bool stats_count_parse(enum stats_count *ret, struct slice text) {
    for (enum stats_count count = 0; count < STATS_COUNTS; count++) {
        if (slice_is(text, count_names[count])) {
            *ret = count;
            return true;
        }
    }
    return false;
}

bool stats_report_opened(uint64_t seq, uint64_t incident) {
    return incident != 0 && incident == seq + 1;
}

bool stats_report_joined(uint64_t seq, uint64_t incident) {
    return incident != 0 && incident != seq + 1;
}

void stats_add(struct stats_tally *tally, const struct stats_subject *s) {
    const struct ticket *ticket = s->ticket;
    CHECK(ticket->state < TICKET_STATES);
    tally->states[ticket->state]++;
    for (enum stats_count count = 0; count < STATS_COUNTS; count++) {
        tally->counts[count] += is_counted(count, s);
    }
    if (is_open(s)) {
        CHECK(s->light >= LIGHT_GREEN && (unsigned)s->light < STATS_LIGHTS);
        tally->lights[s->light]++;
    }
    if (is_closed(s)) {
        tally->levels[level_of(ticket)]++;
    }
    for (enum stats_rate rate = 0; rate < STATS_RATES; rate++) {
        bool is_asked = in_denominator(rate, s);
        tally->rates[rate][STATS_DENOMINATOR] += is_asked;
        tally->rates[rate][STATS_NUMERATOR] += is_asked && in_numerator(rate, s);
    }
}

void stats_add_report(struct stats_tally *tally, uint64_t seq, uint64_t incident) {
    tally->reports++;
    tally->reports_placed += incident != 0;
    tally->reports_joined += stats_report_joined(seq, incident);
    CHECK(tally->reports_joined <= tally->reports_placed);
    CHECK(tally->reports_placed <= tally->reports);
}

static uint64_t closed_number(const struct stats_tally *tally) {
    return tally->states[TICKET_CLOSED] + tally->states[TICKET_ARCHIVED];
}

uint64_t stats_number(const struct stats_tally *tally, const struct stats_choice *choice) {
    switch (choice->kind) {
    case STATS_KIND_COUNT:
        return tally->counts[choice->index];
    case STATS_KIND_STATE:
        return tally->states[choice->index];
    case STATS_KIND_LIGHT:
        return tally->lights[choice->index];
    case STATS_KIND_LEVEL:
        return choice->part == STATS_DENOMINATOR ? closed_number(tally)
                                                 : tally->levels[choice->index];
    case STATS_KIND_RATE:
        return tally->rates[choice->index][choice->part];
    }
    CHECK(false);
}

enum light stats_region_light(const struct stats_tally *tally) {
    const uint64_t *share = tally->rates[STATS_UNFINISHED];
    uint64_t all = share[STATS_DENOMINATOR], unfinished = share[STATS_NUMERATOR];
    CHECK(unfinished <= all);
    if (all == 0) {
        return LIGHT_GREEN;
    }
    return unfinished * ALL_PERCENT >= all * RED_PERCENT      ? LIGHT_RED
           : unfinished * ALL_PERCENT >= all * YELLOW_PERCENT ? LIGHT_YELLOW
                                                              : LIGHT_GREEN;
}

struct stats_tally *stats_group(struct stats_groups *groups, uint64_t key) {
    uint64_t hash = key * UINT64_C(0x9E3779B97F4A7C15); /* the golden ratio: spreads dense keys */
    uint32_t slot = (uint32_t)(hash >> 32) % GROUP_SLOTS;
    while (groups->slots[slot] != 0) {
        struct stats_group *group = &groups->groups[groups->slots[slot] - 1];
        if (group->key == key) {
            return &group->tally;
        }
        slot = (slot + 1) % GROUP_SLOTS;
    }
    if (groups->count == STATS_GROUPS_MAX) {
        groups->truncated = true;
        return NULL;
    }
    struct stats_group *group = &groups->groups[groups->count++];
    groups->slots[slot] = (uint16_t)groups->count;
    group->key = key;
    return &group->tally;
}
