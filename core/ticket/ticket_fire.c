#include "core/ticket/ticket_fire.h"

#include "core/base/mutant.h"

#include "core/ticket/directive.h"
#include "core/ticket/ladder.h"
#include "core/ticket/ticket_inside.h"

static struct ticket_clock *clock_of_point(const struct ticket_step *step,
                                           const struct ticket_point *point) {
    if (point->part == 0) {
        return ticket_clock_of(step->ticket, (enum stage)point->stage);
    }
    CHECK(step->joint != NULL && point->part <= step->joint->parts_count);
    struct joint_part *part = &step->joint->parts[point->part - 1];
    return point->stage == STAGE_SIGN ? &part->sign : &part->handle;
}

/* Begins the entry of a point: which stage, whose, and when it was due. */
static void begin(const struct ticket_step *step, const struct ticket_point *point,
                  struct ticket_event *event) {
    ticket_event_begin(step, event);
    ticket_event_text(event, "stage", slice_text(stage_name((enum stage)point->stage)));
    if (point->part != 0) {
        uint32_t unit_tag = step->joint->parts[point->part - 1].unit_tag;
        ticket_event_unit(step, event, "co_handler", unit_tag);
    }
    json_write_key(&event->writer, "point_at");
    json_write_instant(&event->writer, point->at_ms);
}

static void tell(const struct ticket_step *step, const struct ticket_point *point,
                 enum entry_kind kind, const char *told) {
    struct ticket_event UNINITIALIZED event;
    begin(step, point, &event);
    ticket_event_text(&event, "told", slice_text(told));
    ticket_event_append(step, &event, kind);
}

static void tell_region(const struct ticket_step *step, struct ticket_event *event,
                        const struct ladder_step *climb) {
    const struct region_table *regions = step->context->regions;
    if (climb->region == REGION_NONE) {
        return;
    }
    struct region region = region_get(regions, climb->region);
    ticket_event_text(event, "told", region.code);
    ticket_event_text(event, "leader", region.leader);
    json_write_key(&event->writer, "told_level");
    json_write_u64(&event->writer, climb->level);
    if (climb->vacant_count > 0) {
        json_write_key(&event->writer, "vacant");
        json_write_array_begin(&event->writer);
        for (size_t i = 0; i < climb->vacant_count; i++) {
            json_write_string(&event->writer, region_get(regions, climb->vacant[i]).code);
        }
        json_write_array_end(&event->writer);
    }
}

/* A ticket whose row was written before paths were kept gets its own here. */
static struct ladder_step climb(const struct ticket_step *step, uint8_t rank) {
    const struct region_table *regions = step->context->regions;
    struct ticket *ticket = step->ticket;
    if (ticket->path.levels == 0) {
        ticket->path = ladder_path_of(regions, ticket->region);
    }
    return ladder_climb(regions, ticket->region, &ticket->path, step->ladder->top_level, rank);
}

/* Repeats that were missed, or held back by an ack, are not made up for: the next one is still to
 * come. */
static void skip_missed(const struct ticket_step *step, struct ticket_told *told,
                        int64_t repeat_at_ms) {
    int64_t repeat_ms =
        (int64_t)(step->ladder->repeat_s > LADDER_PAUSE_S_MIN ? step->ladder->repeat_s
                                                              : LADDER_PAUSE_S_MIN) *
        SECOND_MS;
    int64_t missed = (step->context->now_ms - repeat_at_ms) / repeat_ms;
    int64_t room = UINT16_MAX - told->step;
    told->step = (uint16_t)(told->step + (missed < room ? missed : room));
}

static void escalate(struct ticket_step *step, const struct ticket_point *point) {
    struct ticket_clock *clock = clock_of_point(step, point);
    struct ticket_told *told = &clock->told;
    int64_t step_at_ms =
        MUTANT(REPEATS_IN_A_HEAP) ? point->at_ms : ticket_escalation_ms(step, clock);
    bool is_repeat = told->top_step != 0;
    struct ladder_step next = climb(step, told->rank);
    CHECK(told->step < UINT16_MAX); /* nothing is due after the last one */
    told->step++;
    told->rank = next.rank;
    if (is_repeat) {
        skip_missed(step, told, step_at_ms);
    } else if (next.is_top) {
        told->top_step = told->step;
    }
    step->ticket->facts |= FACT_ESCALATED | (next.vacant_count > 0 ? FACT_VACANCY : 0u);
    struct ticket_event UNINITIALIZED event;
    begin(step, point, &event);
    json_write_key(&event.writer, "step");
    json_write_u64(&event.writer, told->step);
    tell_region(step, &event, &next);
    ticket_event_append(step, &event, is_repeat ? ENTRY_TICKET_PAGED : ENTRY_TICKET_ESCALATED);
}

static void unacked(struct ticket_step *step, const struct ticket_point *point) {
    struct ticket *ticket = step->ticket;
    uint8_t rank = 0;
    struct ladder_step next = {.region = REGION_NONE};
    for (unsigned i = 0; i <= ticket->unacked_step; i++) {
        next = climb(step, rank);
        rank = next.rank;
    }
    ticket->unacked_step++;
    ticket->facts |= next.vacant_count > 0 ? FACT_VACANCY : 0u;
    struct ticket_event UNINITIALIZED event;
    begin(step, point, &event);
    ticket_event_text(&event, "why", SLICE_LITERAL("unacknowledged"));
    json_write_key(&event.writer, "step");
    json_write_u64(&event.writer, ticket->unacked_step);
    tell_region(step, &event, &next);
    ticket_event_append(step, &event, ENTRY_TICKET_PAGED);
}

static void overdue(struct ticket_step *step, const struct ticket_point *point) {
    struct ticket_clock *clock = clock_of_point(step, point);
    clock->told.points |= MUTANT(OVERDUE_NOT_REMEMBERED) ? 0 : TOLD_OVERDUE;
    if (point->part == 0) {
        step->ticket->overdue |= (uint16_t)(1u << point->stage);
    } else {
        step->joint->parts[point->part - 1].is_late |= point->stage == STAGE_HANDLE;
    }
    tell(step, point, ENTRY_TICKET_OVERDUE, "unit");
}

/* A co-handler that does not check in is taken to be at work, as a unit that does not sign. */
static void deem_part(struct ticket_step *step, const struct ticket_point *point) {
    struct joint_part *part = &step->joint->parts[point->part - 1];
    part->status = JOINT_CHECKED_IN;
    part->checked_in_ms = step->at_ms;
    part->is_late_check_in = 1;
    part->sign = (struct ticket_clock){0};
    step->ticket->version++;
    step->ticket->last_activity_ms = step->at_ms;
    struct ticket_event UNINITIALIZED event;
    begin(step, point, &event);
    ticket_event_text(&event, "command", slice_text(ticket_verb_name(VERB_SIGN)));
    ticket_event_text(&event, "role", slice_text(ticket_role_name(ROLE_SYSTEM)));
    ticket_event_text(&event, "status", slice_text(joint_status_name(JOINT_CHECKED_IN)));
    ticket_event_append(step, &event, ENTRY_TICKET_COMMAND);
}

static void do_point(struct ticket_step *step, const struct ticket_point *point) {
    struct ticket *ticket = step->ticket;
    switch ((enum ticket_point_kind)point->kind) {
    case TICKET_POINT_RESUME:
        ticket_system_does(step->context, ticket, VERB_RESUME, point->at_ms, step->is_late);
        break;
    case TICKET_POINT_REMINDER:
        clock_of_point(step, point)->told.points |= TOLD_REMINDER;
        tell(step, point, ENTRY_TICKET_REMINDER, "unit");
        break;
    case TICKET_POINT_NEAR:
        clock_of_point(step, point)->told.points |= TOLD_NEAR;
        tell(step, point, ENTRY_TICKET_NEAR_DEADLINE, "unit_and_head");
        break;
    case TICKET_POINT_OVERDUE:
        overdue(step, point);
        break;
    case TICKET_POINT_ESCALATE:
        escalate(step, point);
        break;
    case TICKET_POINT_DEEM:
        if (point->part != 0) {
            deem_part(step, point);
        } else {
            ticket_system_does(step->context, ticket, VERB_SIGN, point->at_ms, step->is_late);
        }
        break;
    case TICKET_POINT_DENY:
        ticket_system_does(step->context, ticket, VERB_DENY, point->at_ms, step->is_late);
        break;
    case TICKET_POINT_UNACKED:
        unacked(step, point);
        break;
    case TICKET_POINT_ACK_ENDS:
        ticket->acked_until_ms = 0;
        tell(step, point, ENTRY_TICKET_ACK_EXPIRED, "unit");
        break;
    case TICKET_POINT_ARCHIVE:
        ticket_system_does(step->context, ticket, VERB_ARCHIVE, point->at_ms, step->is_late);
        break;
    case TICKET_POINT_REVIEW:
        ticket->reviewed_ms = step->context->now_ms;
        tell(step, point, ENTRY_TICKET_REMINDER, "unit");
        break;
    case TICKET_POINT_NONE:
        CHECK(false);
    }
}

size_t ticket_fire(const struct ticket_context *context, struct ticket *ticket) {
    size_t fired = 0;
    (void)ticket_recompute(context, ticket);
    for (; fired < TICKET_FIRE_POINTS_MAX; fired++) {
        struct ticket_point point = ticket_next_point(context, ticket);
        if (point.at_ms > context->now_ms + (MUTANT(TIMER_FIRES_EARLY) ? 1000 : 0)) {
            break;
        }
        struct ticket_step step;
        ticket_step_begin(&step, context, ticket, NULL);
        step.at_ms =
            point.at_ms > ticket->last_activity_ms ? point.at_ms : ticket->last_activity_ms;
        step.is_late = context->now_ms - point.at_ms > TICKET_LATE_MS;
        do_point(&step, &point);
    }
    ticket_refresh_due(context, ticket);
    return fired;
}
