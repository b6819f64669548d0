#include "core/ticket/ticket_explain.h"

#include "core/ticket/ticket_inside.h"

/* The n-th used clock of the ticket and then of its parts; `*ret_unit` whose. */
static const struct ticket_clock *nth(const struct ticket_step *step, size_t index,
                                      uint32_t *ret_unit) {
    *ret_unit = 0;
    for (size_t i = 0; i < TICKET_CLOCKS_MAX; i++) {
        if (step->ticket->clocks[i].is_used && index-- == 0) {
            return &step->ticket->clocks[i];
        }
    }
    for (uint32_t i = 0; step->joint != NULL && i < step->joint->parts_count; i++) {
        const struct joint_part *part = &step->joint->parts[i];
        const struct ticket_clock *clocks[] = {&part->sign, &part->handle};
        for (size_t k = 0; k < ARRAY_COUNT(clocks); k++) {
            if (clocks[k]->is_used && index-- == 0) {
                *ret_unit = part->unit_tag;
                return clocks[k];
            }
        }
    }
    return NULL;
}

bool ticket_clock_explain(const struct ticket_context *context, const struct ticket *ticket,
                          size_t index, struct ticket_clock_view *ret) {
    struct ticket_step step;
    uint32_t unit_tag;
    ticket_step_begin(&step, context, (struct ticket *)ticket, NULL);
    step.at_ms = context->now_ms;
    const struct ticket_clock *clock = nth(&step, index, &unit_tag);
    if (clock == NULL) {
        return false;
    }
    const struct clock *meter = &clock->clock;
    *ret = (struct ticket_clock_view){
        .stage = (enum stage)clock->stage,
        .unit_tag = unit_tag,
        .metering = meter->metering,
        .day_rule = step.calendar->day_rule,
        .is_running = meter->is_running,
        .light =
            (clock->told.points & TOLD_OVERDUE) != 0 ? LIGHT_RED : ticket_clock_light(&step, clock),
        .limit = meter->limit,
        .consumed_units = clock_consumed_units(meter, step.calendar, step.at_ms),
        .scale = calendar_scale(step.calendar, meter->metering),
        .started_ms = meter->started_ms,
        .due_ms = clock->due_ms,
        .clock = clock};
    return true;
}

/* The pauses of a clock are the last ones of the ticket's. */
static size_t first_hold(const struct ticket *ticket, const struct clock *clock) {
    CHECK(clock->runs_count <= ticket->holds_count);
    return ticket->holds_count - clock->runs_count;
}

static int64_t earlier(int64_t a_ms, int64_t b_ms) {
    return a_ms < b_ms ? a_ms : b_ms;
}

static bool is_paused_next(const struct ticket_clock_walk *walk) {
    size_t first = first_hold(walk->ticket, &walk->view.clock->clock);
    return walk->hold < first + walk->view.clock->clock.runs_count;
}

static void begin_run(struct ticket_clock_walk *walk) {
    int64_t until_ms = is_paused_next(walk) ? walk->ticket->holds[walk->hold].from_ms : walk->to_ms;
    calendar_walk_init(&walk->run, walk->calendar, walk->view.metering, walk->view.started_ms,
                       walk->at_ms, earlier(until_ms, walk->to_ms));
    walk->is_in_run = true;
}

void ticket_clock_walk_init(struct ticket_clock_walk *walk, const struct ticket_context *context,
                            const struct ticket *ticket, const struct ticket_clock_view *view,
                            int64_t to_ms) {
    struct ticket_step step;
    ticket_step_begin(&step, context, (struct ticket *)ticket, NULL);
    *walk = (struct ticket_clock_walk){.ticket = ticket,
                                       .calendar = step.calendar,
                                       .view = *view,
                                       .hold = first_hold(ticket, &view->clock->clock),
                                       .at_ms = view->started_ms,
                                       .to_ms = earlier(to_ms, context->now_ms)};
    begin_run(walk);
}

bool ticket_clock_walk_next(struct ticket_clock_walk *walk, struct ticket_clock_piece *ret) {
    struct calendar_piece piece;
    if (walk->is_in_run && calendar_walk_next(&walk->run, &piece)) {
        *ret = (struct ticket_clock_piece){calendar_piece_name(piece.kind), piece.from_ms,
                                           piece.to_ms, piece.units};
        walk->at_ms = piece.to_ms;
        return true;
    }
    walk->is_in_run = false;
    if (!is_paused_next(walk) || walk->at_ms >= walk->to_ms) {
        return false;
    }
    const struct ticket_hold *hold = &walk->ticket->holds[walk->hold++];
    int64_t to_ms = hold->to_ms == 0 ? walk->to_ms : earlier(hold->to_ms, walk->to_ms);
    bool is_verifying = walk->view.stage == STAGE_ACCEPT;
    *ret = (struct ticket_clock_piece){is_verifying ? "verifying" : "suspended", walk->at_ms, to_ms,
                                       0};
    walk->at_ms = to_ms;
    begin_run(walk);
    return true;
}
