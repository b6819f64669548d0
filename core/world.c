#include "core/world_inside.h"

#include "core/base/check.h"

#include <string.h>

static size_t rounded(size_t bytes) {
    return (bytes + 63) & ~(size_t)63;
}

size_t world_bytes(const struct limits *limits) {
    return rounded(incidents_bytes(limits->open_incidents)) + rounded(docket_bytes(limits)) +
           WORLD_MOVES_MAX * sizeof(struct world_move);
}

void world_init(struct world *world, void *memory, const struct limits *limits) {
    uint8_t *at = memory;
    CHECK((uintptr_t)memory % 64 == 0);
    memset(world, 0, sizeof *world);
    world->incidents_memory = at;
    world->open_incidents = limits->open_incidents;
    at += rounded(incidents_bytes(limits->open_incidents));
    docket_init(&world->docket, limits, at);
    at += rounded(docket_bytes(limits));
    world->moves = (struct world_move *)(void *)at;
}

void world_adopt(struct world *world, const struct world_view *view) {
    CHECK(view->policy != NULL && view->calendars != NULL);
    bool first = world->context.policy == NULL;
    if (first) {
        incidents_init(&world->incidents, world->incidents_memory, world->open_incidents,
                       view->policy);
    } else if (world->context.policy != view->policy) {
        incidents_adopt(&world->incidents, view->policy);
    }
    world->context = (struct ticket_context){
        .policy = view->policy,
        .policies = view->policies,
        .policies_count = view->policies_count,
        .calendars = view->calendars,
        .calendar_map = view->calendar_map,
        .regions = view->regions,
        .joints = &world->docket.joints,
        .directives = &world->docket.directives,
    };
}

const struct ticket_context *world_step_context(struct world *world, struct event_log *log) {
    CHECK(world->context.policy != NULL);
    world->context.effects = &log->effects;
    world->context.now_ms = log->effects.now_ms;
    return &world->context;
}

/* Commands. */

static bool is_shut(const struct ticket *ticket) {
    return ticket->state == TICKET_CLOSED || ticket->state == TICKET_ARCHIVED ||
           ticket->state == TICKET_REJECTED || ticket->state == TICKET_VOIDED;
}

/* An incident is open for as long as its ticket is. A rejected or voided matter, and a close
 * without foundation, must not eat a true report that comes later. */
static void incident_follows(struct world *world, const struct ticket *ticket, bool was_shut,
                             struct event_log *log) {
    const struct incident *incident =
        ticket->incident != 0 ? incidents_find(&world->incidents, ticket->incident) : NULL;
    if (incident == NULL || incident->ticket != ticket->number) {
        return;
    }
    enum status status = incidents_touch(&world->incidents, incident->number, log->effects.now_ms);
    CHECK(status == STATUS_OK);
    if (is_shut(ticket) && !was_shut && incident->state == INCIDENT_OPEN) {
        bool founded = ticket->state == TICKET_CLOSED &&
                       ticket_closure_is_founded((enum ticket_closure)ticket->closure);
        status = incidents_close(&world->incidents, incident->number,
                                 founded ? INCIDENT_HANDLED : INCIDENT_FALSE, &log->effects);
        CHECK(status == STATUS_OK);
    } else if (!is_shut(ticket) && was_shut &&
               (incident->state == INCIDENT_HANDLED || incident->state == INCIDENT_FALSE)) {
        status = incidents_reopen(&world->incidents, incident->number, &log->effects);
        CHECK(status == STATUS_OK);
    }
}

struct ticket_outcome world_command(struct world *world, struct ticket *ticket,
                                    const struct ticket_command *command, struct event_log *log) {
    bool was_shut = is_shut(ticket);
    struct ticket_outcome outcome =
        docket_command(&world->docket, world_step_context(world, log), ticket, command);
    if (outcome.verdict == TICKET_DONE) {
        incident_follows(world, ticket, was_shut, log);
    } else {
        docket_release(&world->docket, ticket);
    }
    return outcome;
}

enum status world_open_ticket(struct world *world, const struct ticket_opening *opening,
                              struct event_log *log, struct ticket **ret) {
    if (opening->region == REGION_NONE) {
        return STATUS_INVALID;
    }
    return docket_open(&world->docket, world_step_context(world, log), opening, ret);
}

enum status world_issue(struct world *world, const struct directive_order *order,
                        struct event_log *log, uint64_t *ret_number) {
    CHECK(order->addressees_count < log->events_max);
    bool is_placed = order->region != REGION_NONE;
    for (size_t i = 0; i < order->addressees_count; i++) {
        is_placed = is_placed && order->addressees[i].region != REGION_NONE;
    }
    if (!is_placed) {
        return STATUS_INVALID;
    }
    return docket_issue(&world->docket, world_step_context(world, log), order, ret_number);
}

/* Deadlines. */

static void fire_incident(struct world *world, const struct incident *incident,
                          struct event_log *log) {
    uint64_t number = incident->number;
    const struct sighting sighting = {
        .region = incident->region,
        .category_tag = incident->category_tag,
        .occurred_ms = incident->first_seen_ms,
        .received_ms = log->effects.now_ms,
        .severity = incident->severity,
    };
    switch (incidents_fire(&world->incidents, number, &log->effects)) {
    case FIRED_RAISED:
        world_open_for_report(world, number, &sighting, sighting.category_tag, log);
        break;
    case FIRED_SUMMARY: {
        struct ticket *ticket = world_ticket_of(world, number);
        if (ticket != NULL) {
            docket_repage(&world->docket, world_step_context(world, log), ticket, "flapping");
        }
        break;
    }
    case FIRED_NOTHING:
    case FIRED_FORGOTTEN:
    case FIRED_DROPPED:
    case FIRED_CLEARED:
    case FIRED_STEADY:
        break;
    }
}

void world_fire(struct world *world, const struct deadline *deadline, struct event_log *log) {
    const struct ticket_context *context = world_step_context(world, log);
    struct ticket *ticket = docket_find(&world->docket, deadline->object);
    if (ticket != NULL) {
        bool was_shut = is_shut(ticket);
        if (docket_fire(&world->docket, context, ticket) > 0) {
            incident_follows(world, ticket, was_shut, log);
        }
        return;
    }
    const struct incident *incident = incidents_find(&world->incidents, deadline->object);
    if (incident != NULL && incident->due_ms <= context->now_ms) {
        fire_incident(world, incident, log);
    }
}

bool world_recompute(struct world *world, uint32_t *place, uint32_t count, struct event_log *log) {
    return docket_recompute(&world->docket, world_step_context(world, log), place, count);
}
