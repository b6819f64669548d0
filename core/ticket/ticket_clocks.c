#include "core/base/mutant.h"
#include "core/ticket/ticket_inside.h"

#include <string.h>

enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 24 * HOUR_S, WORK_DAY_S = 8 * HOUR_S };

/* Which pauses hold a stage: verifying those of accept, suspensions those of the others. */
static bool holds_apply(enum stage stage, bool is_verifying) {
    return is_verifying
               ? stage == STAGE_ACCEPT
               : stage == STAGE_HANDLE || stage == STAGE_ON_SCENE || stage == STAGE_OVERALL;
}

struct ticket_clock *ticket_clock_of(const struct ticket *ticket, enum stage stage) {
    for (size_t i = 0; i < TICKET_CLOCKS_MAX; i++) {
        if (ticket->clocks[i].is_used && ticket->clocks[i].stage == stage) {
            return (struct ticket_clock *)&ticket->clocks[i];
        }
    }
    return NULL;
}

enum stage ticket_stage_of(const struct ticket *ticket) {
    switch ((enum ticket_state)ticket->state) {
    case TICKET_REPORTED:
        return STAGE_ACCEPT;
    case TICKET_VERIFYING:
        return STAGE_VERIFY;
    case TICKET_ACCEPTED:
        return STAGE_DISPATCH;
    case TICKET_DISPATCHED:
    case TICKET_HANDLING:
        return STAGE_HANDLE;
    case TICKET_CHECKING:
        return STAGE_CHECK;
    case TICKET_CLOSED:
        return STAGE_FOLLOW_UP;
    case TICKET_ARCHIVED:
    case TICKET_REJECTED:
    case TICKET_VOIDED:
    case TICKET_MERGED:
    case TICKET_STATES:
        break;
    }
    return STAGE_OVERALL;
}

static struct stage_limit clamp(struct stage_limit limit) {
    int64_t max = limit.amount == 0 ? 0 : clock_limit_max((enum metering)limit.unit);
    if (limit.amount > max) {
        limit.amount = (uint32_t)max;
    }
    return limit;
}

/* Each priority above the category's own halves its limits, each one below doubles them. */
static struct stage_limit at_priority(struct stage_limit limit, int priority, int own_priority) {
    uint32_t least = limit.unit == METERING_WORK_DAY ? 1 : MINUTE_S;
    if (limit.amount == 0 || priority == own_priority) {
        return limit;
    }
    if (priority > own_priority) {
        uint64_t longer = (uint64_t)limit.amount << (priority - own_priority);
        limit.amount = (uint32_t)min_u64(longer, UINT32_MAX);
    } else {
        uint32_t shorter = limit.amount >> (own_priority - priority);
        limit.amount = shorter > least ? shorter : limit.amount < least ? limit.amount : least;
    }
    return limit;
}

/* Half, at least one hour or one day, never more than before. */
static struct stage_limit halved(struct stage_limit limit) {
    uint32_t least = limit.unit == METERING_WORK_DAY ? 1 : HOUR_S;
    uint32_t half = limit.amount / 2 + limit.amount % 2;
    half = half < least ? least : half;
    limit.amount = half < limit.amount ? half : limit.amount;
    return limit;
}

static struct stage_limit own_limit(const struct ticket *ticket, enum stage stage) {
    return stage == STAGE_SIGN      ? ticket->own_sign
           : stage == STAGE_HANDLE  ? ticket->own_handle
           : stage == STAGE_OVERALL ? ticket->own_overall
                                    : (struct stage_limit){0};
}

struct stage_limit ticket_limit_of(const struct ticket_step *step, enum stage stage) {
    const struct ticket *ticket = step->ticket;
    struct stage_limit limit = own_limit(ticket, stage);
    if (stage == STAGE_DECIDE || stage == STAGE_REPLY) {
        limit =
            (stage == STAGE_DECIDE ? step->policy->decide : step->policy->reply)[ticket->priority];
    } else if (limit.amount == 0 && step->category != NULL) {
        limit =
            at_priority(step->category->limits[stage], ticket->priority, step->category->priority);
    }
    if (stage == STAGE_HANDLE && ticket->is_rework) {
        limit = halved(limit);
    }
    return clamp(limit);
}

int64_t ticket_clock_percent_ms(const struct ticket_step *step, const struct ticket_clock *clock,
                                unsigned percent) {
    int64_t ms = CLOCK_NEVER;
    enum status status = clock_percent_ms(&clock->clock, step->calendar, percent, &ms);
    return status == STATUS_OK ? ms : CLOCK_NEVER;
}

/* After every change of a clock: when it is due now. */
static void note_due(const struct ticket_step *step, struct ticket_clock *clock) {
    clock->due_ms = ticket_clock_percent_ms(step, clock, PERCENT);
}

void ticket_clock_begin(const struct ticket_step *step, struct ticket_clock *clock,
                        enum stage stage, struct stage_limit limit, int64_t start_ms) {
    CHECK(limit.amount > 0);
    *clock = (struct ticket_clock){.stage = (uint8_t)stage, .is_used = true};
    clock_start(&clock->clock, step->calendar, (enum metering)limit.unit, limit.amount, start_ms);
    note_due(step, clock);
}

static struct ticket_clock *free_clock(struct ticket *ticket) {
    for (size_t i = 0; i < TICKET_CLOCKS_MAX; i++) {
        if (!ticket->clocks[i].is_used) {
            return &ticket->clocks[i];
        }
    }
    CHECK(false); /* no state runs more than TICKET_CLOCKS_MAX */
}

void ticket_clock_start(struct ticket_step *step, enum stage stage, int64_t start_ms) {
    ticket_clock_drop(step, stage);
    struct stage_limit limit = ticket_limit_of(step, stage);
    if (limit.amount > 0) {
        ticket_clock_begin(step, free_clock(step->ticket), stage, limit, start_ms);
    }
}

/* By another calendar than its own nothing is counted until it is recomputed; what was due stands.
 */
enum light ticket_clock_light(const struct ticket_step *step, const struct ticket_clock *clock) {
    if (clock->clock.calendar_tag != step->calendar->tag) {
        return clock->due_ms != CLOCK_NEVER && step->at_ms > clock->due_ms ? LIGHT_RED
                                                                           : LIGHT_GREEN;
    }
    return clock_light(&clock->clock, step->calendar, step->at_ms);
}

bool ticket_clock_is_late(const struct ticket_step *step, const struct ticket_clock *clock) {
    return ticket_clock_light(step, clock) == LIGHT_RED;
}

void ticket_clock_end(struct ticket_step *step, enum stage stage) {
    struct ticket_clock *clock = ticket_clock_of(step->ticket, stage);
    if (clock != NULL) {
        step->ticket->stages_ended |= (uint16_t)(1u << stage);
        if (ticket_clock_is_late(step, clock)) {
            step->ticket->stages_late |= (uint16_t)(1u << stage);
        }
        ticket_clock_drop(step, stage);
    }
}

/* Clocks lie without gaps in the order in which they began, as a row keeps them: of what is due at
 * one instant a restored ticket tells first what this one would. */
void ticket_clock_drop(struct ticket_step *step, enum stage stage) {
    struct ticket_clock *clock = ticket_clock_of(step->ticket, stage);
    struct ticket_clock *last = &step->ticket->clocks[TICKET_CLOCKS_MAX - 1];
    if (clock != NULL) {
        last = MUTANT(CLOCKS_WITH_GAPS) ? clock : last;
        memmove(clock, clock + 1, (size_t)(last - clock) * sizeof *clock);
        *last = (struct ticket_clock){0};
    }
    step->ticket->overdue &= (uint16_t) ~(1u << stage);
}

void ticket_clocks_drop_all(struct ticket_step *step) {
    for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
        ticket_clock_drop(step, stage);
    }
}

static void pause_one(const struct ticket_step *step, struct ticket_clock *clock) {
    struct clock_run run;
    if (clock->is_used && clock->clock.is_running) {
        clock_pause(&clock->clock, step->calendar, step->at_ms, &run);
        note_due(step, clock);
    }
}

static void resume_one(const struct ticket_step *step, struct ticket_clock *clock) {
    if (clock->is_used && !clock->clock.is_running) {
        clock_resume(&clock->clock, step->calendar, step->at_ms);
        note_due(step, clock);
    }
}

static void turn(struct ticket_step *step, bool is_verifying,
                 void (*one)(const struct ticket_step *step, struct ticket_clock *clock)) {
    for (size_t i = 0; i < TICKET_CLOCKS_MAX; i++) {
        if (holds_apply((enum stage)step->ticket->clocks[i].stage, is_verifying)) {
            one(step, &step->ticket->clocks[i]);
        }
    }
    for (size_t i = 0; step->joint != NULL && !is_verifying && i < step->joint->parts_count; i++) {
        one(step, &step->joint->parts[i].sign);
        one(step, &step->joint->parts[i].handle);
    }
}

void ticket_hold_begin(struct ticket_step *step, bool is_verifying) {
    struct ticket *ticket = step->ticket;
    CHECK(ticket->holds_count < TICKET_HOLDS_MAX);
    ticket->holds[ticket->holds_count++] = (struct ticket_hold){.from_ms = step->at_ms};
    turn(step, is_verifying, pause_one);
}

void ticket_hold_end(struct ticket_step *step, bool is_verifying) {
    struct ticket *ticket = step->ticket;
    CHECK(ticket->holds_count > 0 && ticket->holds[ticket->holds_count - 1].to_ms == 0);
    ticket->holds[ticket->holds_count - 1].to_ms = step->at_ms;
    turn(step, is_verifying, resume_one);
}

/* The same length in another unit: a day is 24 hours around the clock, or 8 of work. */
static int64_t converted(int64_t amount, enum metering from, enum metering to) {
    int64_t day_s = to == METERING_WORK_HOUR ? WORK_DAY_S : DAY_S;
    if (from == to) {
        return amount;
    }
    if (from == METERING_WORK_DAY) {
        return amount * day_s;
    }
    int64_t from_day_s = from == METERING_WORK_HOUR ? WORK_DAY_S : DAY_S;
    return to == METERING_WORK_DAY ? (amount + from_day_s - 1) / from_day_s
                                   : amount * day_s / from_day_s;
}

void ticket_clocks_extend(struct ticket_step *step, uint32_t amount) {
    struct ticket_clock *handle = ticket_clock_of(step->ticket, STAGE_HANDLE);
    struct ticket_clock *overall = ticket_clock_of(step->ticket, STAGE_OVERALL);
    CHECK(handle != NULL);
    struct ticket_clock *both[] = {handle, overall};
    for (size_t i = 0; i < ARRAY_COUNT(both); i++) {
        if (both[i] == NULL) {
            continue;
        }
        struct clock *clock = &both[i]->clock;
        int64_t by = converted(amount, handle->clock.metering, clock->metering);
        int64_t room = clock_limit_max(clock->metering) - clock->limit;
        enum status status = clock_extend(clock, step->calendar, by < room ? by : room);
        CHECK(status == STATUS_OK);
        note_due(step, both[i]);
        if (clock_light(clock, step->calendar, step->at_ms) == LIGHT_GREEN) {
            both[i]->told = (struct ticket_told){0};
            step->ticket->overdue &= (uint16_t) ~(1u << both[i]->stage);
        }
    }
    step->ticket->extension += amount;
}

/* The finished runs of a clock, from the pauses since its start. */
static size_t runs_of(const struct ticket *ticket, const struct clock *clock,
                      struct clock_run runs[TICKET_HOLDS_MAX]) {
    size_t skip = ticket->holds_count - clock->runs_count;
    CHECK(clock->runs_count <= ticket->holds_count);
    int64_t from_ms = clock->started_ms;
    for (size_t i = skip; i < ticket->holds_count; i++) {
        runs[i - skip] = (struct clock_run){from_ms, ticket->holds[i].from_ms};
        from_ms = ticket->holds[i].to_ms;
    }
    return clock->runs_count;
}

/* True when the due instant is another one afterwards. */
static bool refit(struct ticket_step *step, struct ticket_clock *clock, int64_t limit,
                  enum metering metering, bool never_later) {
    struct clock_run runs[TICKET_HOLDS_MAX];
    size_t runs_count = runs_of(step->ticket, &clock->clock, runs);
    struct ticket_clock before = *clock;
    clock_recompute(&clock->clock, step->calendar, metering, limit, runs, runs_count);
    note_due(step, clock);
    if (never_later && (clock->told.points & TOLD_OVERDUE) != 0 && clock->due_ms > before.due_ms) {
        *clock = before;
    }
    return clock->due_ms != before.due_ms;
}

bool ticket_clocks_refit(struct ticket_step *step) {
    bool changed = false;
    for (size_t i = 0; i < TICKET_CLOCKS_MAX; i++) {
        struct ticket_clock *clock = &step->ticket->clocks[i];
        if (!clock->is_used) {
            continue;
        }
        struct stage_limit limit = ticket_limit_of(step, (enum stage)clock->stage);
        bool is_longer = clock->stage == STAGE_HANDLE || clock->stage == STAGE_OVERALL;
        if (limit.amount == 0 || (is_longer && step->ticket->extension > 0)) {
            continue; /* what was granted by hand stays */
        }
        changed |= refit(step, clock, limit.amount, (enum metering)limit.unit, true);
    }
    return changed;
}

int64_t ticket_metered_after(const struct ticket_step *step, struct stage_limit limit) {
    struct clock clock;
    int64_t ms = step->at_ms;
    limit = clamp(limit);
    if (limit.amount > 0) {
        clock_start(&clock, step->calendar, (enum metering)limit.unit, limit.amount, step->at_ms);
        enum status status = clock_due_ms(&clock, step->calendar, &ms);
        CHECK(status == STATUS_OK || status == STATUS_TOO_LARGE);
    }
    return ms;
}

/* The calendar that the region goes by. */
static const struct calendar *calendar_for(const struct ticket_context *context, uint32_t region) {
    uint32_t path[REGION_DEPTH_CAP];
    CHECK(context->calendars->calendars_count > 0);
    if (context->calendar_map == NULL || context->calendar_map->count == 0 ||
        context->regions == NULL || region == REGION_NONE) {
        return &context->calendars->calendars[0];
    }
    size_t count = region_path(context->regions, region, path);
    return calendar_of_path(context->calendars, context->calendar_map, path, count);
}

static const struct policy *policy_for(const struct ticket_context *context, uint32_t version) {
    for (size_t i = 0; i < context->policies_count; i++) {
        if (context->policies[i]->version == version) {
            return context->policies[i];
        }
    }
    return context->policy;
}

void ticket_step_begin(struct ticket_step *step, const struct ticket_context *context,
                       struct ticket *ticket, const struct ticket_command *command) {
    CHECK(ticket->priority >= 1 && ticket->priority <= 4 && ticket->state < TICKET_STATES);
    *step = (struct ticket_step){.context = context, .ticket = ticket, .command = command};
    step->policy = context->policy->version == ticket->policy_version
                       ? context->policy
                       : policy_for(context, ticket->policy_version);
    step->category = policy_category_by_tag(step->policy, ticket->category_tag);
    step->ladder = &step->policy->ladders[ticket->priority];
    step->calendar = calendar_for(context, ticket->region);
    step->joint = joint_of(context->joints, ticket->joint);
    step->at_ms =
        context->now_ms > ticket->last_activity_ms ? context->now_ms : ticket->last_activity_ms;
    step->from = (enum ticket_state)ticket->state;
}

/* Those among a set of clocks that are not of this calendar; what was done. */
struct recomputed {
    bool any, changed;
};

static void recompute_one(struct ticket_step *step, struct ticket_clock *clock,
                          struct recomputed *did) {
    if (clock->is_used && clock->clock.calendar_tag != step->calendar->tag) {
        did->any = true;
        did->changed |= refit(step, clock, clock->clock.limit, clock->clock.metering, false);
    }
}

static struct recomputed recompute_all(struct ticket_step *step) {
    struct recomputed did = {0};
    for (size_t i = 0; i < TICKET_CLOCKS_MAX; i++) {
        recompute_one(step, &step->ticket->clocks[i], &did);
    }
    for (size_t i = 0; step->joint != NULL && i < step->joint->parts_count; i++) {
        recompute_one(step, &step->joint->parts[i].sign, &did);
        recompute_one(step, &step->joint->parts[i].handle, &did);
    }
    return did;
}

bool ticket_recompute(const struct ticket_context *context, struct ticket *ticket) {
    struct ticket_step step;
    ticket_step_begin(&step, context, ticket, NULL);
    struct recomputed did = recompute_all(&step);
    if (did.changed) {
        struct ticket_event UNINITIALIZED event;
        ticket_event_begin(&step, &event);
        ticket_event_append(&step, &event, ENTRY_TICKET_RECOMPUTED);
    }
    return did.any;
}

enum light ticket_light(const struct ticket_context *context, const struct ticket *ticket) {
    struct ticket_step step;
    enum light worst = LIGHT_GREEN;
    if (ticket_state_is_final((enum ticket_state)ticket->state)) {
        return worst;
    }
    ticket_step_begin(&step, context, (struct ticket *)ticket, NULL);
    for (size_t i = 0; i < TICKET_CLOCKS_MAX; i++) {
        const struct ticket_clock *clock = &ticket->clocks[i];
        if (clock->is_used) {
            bool is_red = (clock->told.points & TOLD_OVERDUE) != 0;
            enum light light = is_red ? LIGHT_RED : ticket_clock_light(&step, clock);
            worst = light > worst ? light : worst;
        }
    }
    return worst;
}

int64_t ticket_due_ms(const struct ticket *ticket) {
    const struct ticket_clock *clock = ticket_clock_of(ticket, ticket_stage_of(ticket));
    clock = clock != NULL ? clock : ticket_clock_of(ticket, STAGE_OVERALL);
    return clock == NULL || clock->due_ms == CLOCK_NEVER ? 0 : clock->due_ms;
}
