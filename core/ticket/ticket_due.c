#include "core/ticket/ticket_fire.h"
#include "core/ticket/ticket_inside.h"

enum { REVIEW_S = 86400 };

static void consider(struct ticket_point *best, int64_t at_ms, enum ticket_point_kind kind,
                     unsigned stage, unsigned part) {
    bool is_earlier = at_ms < best->at_ms || (at_ms == best->at_ms && kind < best->kind);
    if (at_ms != CLOCK_NEVER && is_earlier) {
        *best = (struct ticket_point){at_ms, (uint8_t)kind, (uint8_t)stage, (uint16_t)part};
    }
}

static int64_t later(int64_t a_ms, int64_t b_ms) {
    return a_ms > b_ms ? a_ms : b_ms;
}

/* From one escalation step to the next: a share of the limit as time around the clock, a day of
 * work being a day. */
static int64_t step_length_ms(const struct ticket_step *step, const struct clock *clock) {
    int64_t unit_s = clock->metering == METERING_WORK_DAY ? CALENDAR_DAY_S : 1;
    int64_t share_s = clock->limit * unit_s / PERCENT * step->ladder->step_percent;
    return later(share_s, later(step->ladder->step_s, 1)) * SECOND_MS;
}

int64_t ticket_escalation_ms(const struct ticket_step *step, const struct ticket_clock *clock) {
    const struct ticket_told *told = &clock->told;
    if (told->step ==
        UINT16_MAX) { /* it was said often enough; the ticket is reviewed from now on */
        return CLOCK_NEVER;
    }
    int64_t length_ms = step_length_ms(step, &clock->clock);
    int64_t repeat_ms = later(step->ladder->repeat_s, LADDER_PAUSE_S_MIN) * SECOND_MS;
    if (told->top_step == 0) {
        return clock->due_ms + told->step * length_ms;
    }
    if (clock->stage == STAGE_OVERALL) {
        return CLOCK_NEVER;
    }
    return clock->due_ms + (told->top_step - 1) * length_ms +
           (told->step - told->top_step + 1) * repeat_ms;
}

/* An ack holds paging back, but not the step that goes with a decision nobody took, or with an
 * answer nobody gave. */
static int64_t after_ack_ms(const struct ticket_step *step, const struct ticket_clock *clock,
                            int64_t at_ms) {
    bool is_bound =
        (clock->stage == STAGE_DECIDE || clock->stage == STAGE_REPLY) && clock->told.step == 0;
    return is_bound || at_ms == CLOCK_NEVER ? at_ms : later(at_ms, step->ticket->acked_until_ms);
}

static void points_of_clock(const struct ticket_step *step, const struct ticket_clock *clock,
                            unsigned part, struct ticket_point *best) {
    const struct ladder *ladder = step->ladder;
    if (!clock->is_used || clock->due_ms == CLOCK_NEVER) {
        return;
    }
    unsigned stage = clock->stage, points = clock->told.points;
    if ((points & TOLD_OVERDUE) != 0) {
        int64_t at_ms = after_ack_ms(step, clock, ticket_escalation_ms(step, clock));
        consider(best, at_ms, TICKET_POINT_ESCALATE, stage, part);
        return;
    }
    if ((points & TOLD_REMINDER) == 0 && ladder->reminder_percent > 0) {
        int64_t at_ms = ticket_clock_percent_ms(step, clock, ladder->reminder_percent);
        consider(best, at_ms, TICKET_POINT_REMINDER, stage, part);
    }
    if ((points & TOLD_NEAR) == 0 && ladder->near_percent > 0) {
        int64_t at_ms = ticket_clock_percent_ms(step, clock, ladder->near_percent);
        consider(best, at_ms, TICKET_POINT_NEAR, stage, part);
    }
    consider(best, clock->due_ms, TICKET_POINT_OVERDUE, stage, part);
}

/* What follows from a limit that has passed. */
static void consequences(const struct ticket_step *step, const struct ticket_clock *clock,
                         unsigned part, struct ticket_point *best) {
    const struct ticket_request *request = &step->ticket->request;
    if (!clock->is_used || clock->due_ms == CLOCK_NEVER || clock->told.points < TOLD_OVERDUE) {
        return;
    }
    if (clock->stage == STAGE_DECIDE && request->kind != REQUEST_NONE) {
        consider(best, clock->due_ms, TICKET_POINT_DENY, clock->stage, part);
    }
    uint32_t unit_tag = part == 0 ? step->ticket->unit_tag : step->joint->parts[part - 1].unit_tag;
    bool is_returning = request->kind == REQUEST_RETURN && request->unit_tag == unit_tag;
    if (clock->stage == STAGE_SIGN && !is_returning) {
        consider(best, clock->due_ms, TICKET_POINT_DEEM, clock->stage, part);
    }
}

static void unacked(const struct ticket_step *step, struct ticket_point *best) {
    const struct ticket *ticket = step->ticket;
    bool is_paged = ticket->state <= TICKET_HANDLING && ticket->suspension == REASON_NONE &&
                    !ticket_has(ticket, FACT_SIGNED);
    if (!is_paged || ticket->unacked_step >= LADDER_UNACKED_MAX) {
        return;
    }
    uint32_t after_s = step->ladder->unacked_s[ticket->unacked_step];
    if (after_s > 0) {
        int64_t at_ms = ticket->paged_from_ms + (int64_t)after_s * SECOND_MS;
        consider(best, later(at_ms, ticket->acked_until_ms), TICKET_POINT_UNACKED, STAGE_OVERALL,
                 0);
    }
}

/* P1 without a limit reports as often as its top rank would be told; others once a day. */
static void review(const struct ticket_step *step, struct ticket_point *best) {
    const struct ticket *ticket = step->ticket;
    int64_t repeat_s = step->ladder->repeat_s;
    int64_t period_s = ticket->priority == 1 && repeat_s > 0 ? repeat_s : later(REVIEW_S, repeat_s);
    int64_t from_ms = later(ticket->reviewed_ms, ticket->state_since_ms);
    consider(best, from_ms + period_s * SECOND_MS, TICKET_POINT_REVIEW, STAGE_OVERALL, 0);
}

static void all_clocks(const struct ticket_step *step, struct ticket_point *best,
                       void (*look)(const struct ticket_step *step,
                                    const struct ticket_clock *clock, unsigned part,
                                    struct ticket_point *best)) {
    for (size_t i = 0; i < TICKET_CLOCKS_MAX; i++) {
        look(step, &step->ticket->clocks[i], 0, best);
    }
    for (uint32_t i = 0; step->joint != NULL && i < step->joint->parts_count; i++) {
        look(step, &step->joint->parts[i].sign, i + 1, best);
        look(step, &step->joint->parts[i].handle, i + 1, best);
    }
}

struct ticket_point ticket_next_point(const struct ticket_context *context,
                                      const struct ticket *ticket) {
    struct ticket_point best = {.at_ms = TICKET_NEVER, .kind = TICKET_POINT_NONE};
    struct ticket_step step;
    if (ticket_state_is_final((enum ticket_state)ticket->state)) {
        return best;
    }
    ticket_step_begin(&step, context, (struct ticket *)ticket, NULL);
    if (ticket->state == TICKET_CLOSED) {
        consider(&best, ticket->closed_ms + (int64_t)step.policy->archive_s * SECOND_MS,
                 TICKET_POINT_ARCHIVE, STAGE_FOLLOW_UP, 0);
    }
    all_clocks(&step, &best, points_of_clock);
    all_clocks(&step, &best, consequences);
    unacked(&step, &best);
    if (ticket->suspension != REASON_NONE) {
        consider(&best, ticket->resume_ms, TICKET_POINT_RESUME, STAGE_HANDLE, 0);
    }
    if (ticket->acked_until_ms != 0) {
        consider(&best, ticket->acked_until_ms, TICKET_POINT_ACK_ENDS, STAGE_OVERALL, 0);
    }
    if (best.kind == TICKET_POINT_NONE) {
        review(&step, &best);
    }
    return best;
}

/* As the rows of deadlines name it. */
static uint8_t row_stage(const struct ticket_point *point) {
    switch ((enum ticket_point_kind)point->kind) {
    case TICKET_POINT_RESUME:
        return DEADLINE_RESUME_AT;
    case TICKET_POINT_ARCHIVE:
        return DEADLINE_ARCHIVE_AT;
    case TICKET_POINT_ACK_ENDS:
    case TICKET_POINT_UNACKED:
        return DEADLINE_ACK_EXPIRY;
    case TICKET_POINT_REMINDER:
    case TICKET_POINT_NEAR:
    case TICKET_POINT_OVERDUE:
    case TICKET_POINT_ESCALATE:
    case TICKET_POINT_DEEM:
    case TICKET_POINT_DENY:
    case TICKET_POINT_REVIEW:
    case TICKET_POINT_NONE:
        break;
    }
    return point->stage == STAGE_REPLY ? DEADLINE_REPLY
                                       : (uint8_t)(point->stage + DEADLINE_ACCEPT - STAGE_ACCEPT);
}
_Static_assert((int)DEADLINE_OVERALL - (int)DEADLINE_ACCEPT ==
                       (int)STAGE_OVERALL - (int)STAGE_ACCEPT &&
                   (int)DEADLINE_HANDLE - (int)DEADLINE_ACCEPT ==
                       (int)STAGE_HANDLE - (int)STAGE_ACCEPT,
               "stages stand in the same order in both tables");

static uint8_t row_point(const struct ticket_point *point) {
    static const uint8_t points[] = {
        [TICKET_POINT_RESUME] = POINT_END,
        [TICKET_POINT_REMINDER] = POINT_HALF,
        [TICKET_POINT_NEAR] = POINT_NEAR,
        [TICKET_POINT_OVERDUE] = POINT_OVERDUE,
        [TICKET_POINT_ESCALATE] = POINT_ESCALATION,
        [TICKET_POINT_DEEM] = POINT_END,
        [TICKET_POINT_DENY] = POINT_END,
        [TICKET_POINT_UNACKED] = POINT_ESCALATION,
        [TICKET_POINT_ACK_ENDS] = POINT_END,
        [TICKET_POINT_ARCHIVE] = POINT_END,
        [TICKET_POINT_REVIEW] = POINT_REPEAT,
    };
    CHECK(point->kind < ARRAY_COUNT(points));
    return points[point->kind];
}

void ticket_refresh_due(const struct ticket_context *context, struct ticket *ticket) {
    struct ticket_point point = ticket_next_point(context, ticket);
    CHECK((point.kind == TICKET_POINT_NONE) ==
          ticket_state_is_final((enum ticket_state)ticket->state));
    ticket->next_due_ms = point.at_ms;
    if (point.kind != TICKET_POINT_NONE) {
        ticket->due_key =
            row_stage(&point) | (uint32_t)row_point(&point) << 8 | (uint32_t)point.part << 16;
    }
}

struct deadline ticket_deadline(uint64_t number, int64_t due_ms, uint32_t due_key) {
    CHECK(due_ms != TICKET_NEVER);
    return (struct deadline){.due_ms = due_ms,
                             .object = number,
                             .stage = (uint8_t)due_key,
                             .point = (uint8_t)(due_key >> 8),
                             .part = (uint16_t)(due_key >> 16)};
}
