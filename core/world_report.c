/* What a report means for incidents and their tickets. */
#include "core/world_inside.h"

#include "core/base/check.h"

#include <string.h>

enum { REPAGE_NAMES_BYTES = 128 };

bool world_wants(const struct world *world, uint32_t category_tag) {
    const struct category *category = policy_category_by_tag(world->context.policy, category_tag);
    return category != NULL && category->opens_ticket;
}

static const char *repage_names(char to[REPAGE_NAMES_BYTES], unsigned repage) {
    static const char *const names[] = {
#define REPAGE_NAME(bit, name, text) [bit] = (text),
        REPAGE_TABLE(REPAGE_NAME)
#undef REPAGE_NAME
    };
    size_t used = 0;
    for (unsigned bit = 0; bit < ARRAY_COUNT(names); bit++) {
        size_t bytes = strlen(names[bit]);
        if ((repage >> bit & 1) == 0) {
            continue;
        }
        CHECK(used + bytes + 2 <= REPAGE_NAMES_BYTES);
        if (used > 0) {
            to[used++] = ',';
        }
        memcpy(to + used, names[bit], bytes);
        used += bytes;
    }
    to[used] = '\0';
    return to;
}

/* What absorbing a report means for the ticket: it may be more urgent, and it is not idle. */
static void ticket_absorbs(struct world *world, const struct taken *taken,
                           const struct sighting *sighting, struct event_log *log) {
    if (taken->repage == 0 || taken->late) {
        return;
    }
    struct ticket *ticket = world_ticket_of(world, taken->incident);
    if (ticket == NULL) {
        return;
    }
    if ((taken->repage & REPAGE_SEVERITY) != 0 && ticket_state_is_open(ticket->state) &&
        sighting->severity < ticket->severity) {
        world_command_by_system(world, ticket,
                                (struct ticket_command){.verb = VERB_UPGRADE,
                                                        .priority = ticket->priority,
                                                        .severity = sighting->severity},
                                log);
    }
    char reasons[REPAGE_NAMES_BYTES];
    docket_repage(&world->docket, world_step_context(world, log), ticket,
                  repage_names(reasons, taken->repage));
}

static void reopen_for_report(struct world *world, const struct taken *taken,
                              const struct sighting *sighting, struct event_log *log) {
    struct ticket *ticket = world_ticket_of(world, taken->incident);
    if (ticket != NULL && !ticket_state_is_open(ticket->state)) {
        world_command_by_system(world, ticket, (struct ticket_command){.verb = VERB_REOPEN}, log);
    }
    if (ticket == NULL || !ticket_state_is_open(ticket->state)) {
        world_open_for_report(world, taken->incident, sighting, sighting->category_tag, log);
    }
}

static bool has_open_fault(const struct world *world, uint64_t number) {
    const struct incident *incident = incidents_find(&world->incidents, number);
    CHECK(incident != NULL && incident->detail_kind == DETAIL_ALARM);
    uint64_t fault = incident->detail->alarm.fault_ticket;
    const struct ticket *ticket = fault != 0 ? docket_find(&world->docket, fault) : NULL;
    return ticket != NULL && ticket_state_is_open(ticket->state);
}

/* A sensor that flaps is broken: that is a matter of its own, and one as long as it is open. */
static void open_sensor_fault(struct world *world, uint64_t incident,
                              const struct sighting *sighting, struct event_log *log) {
    const struct category *fault =
        policy_category(world->context.policy, SLICE_LITERAL("sensor_fault"));
    if (fault == NULL || !fault->opens_ticket || has_open_fault(world, incident)) {
        return;
    }
    struct sighting plain = *sighting;
    plain.severity = (uint8_t)fault->severity;
    const struct ticket *ticket = world_open_for_report(world, 0, &plain, fault->tag, log);
    if (ticket != NULL) {
        enum status status = incidents_set_fault(&world->incidents, incident, ticket->number);
        CHECK(status == STATUS_OK);
    }
}

static void follow(struct world *world, const struct taken *taken, const struct sighting *sighting,
                   struct event_log *log) {
    switch (taken->outcome) {
    case OUTCOME_OPENED:
        if (!taken->pending) {
            world_open_for_report(world, taken->incident, sighting, sighting->category_tag, log);
        }
        break;
    case OUTCOME_JOINED: {
        const struct incident *incident = incidents_find(&world->incidents, taken->incident);
        if (incident != NULL && incident->ticket == 0 && !taken->pending) {
            world_open_for_report(world, taken->incident, sighting, sighting->category_tag, log);
        }
        ticket_absorbs(world, taken, sighting, log);
        break;
    }
    case OUTCOME_REOPENED:
        reopen_for_report(world, taken, sighting, log);
        break;
    case OUTCOME_NONE:
    case OUTCOME_COUNT:
        break;
    }
    if (taken->merged != 0) {
        world_merge_tickets(world, taken->merged, taken->merged_survivor, log);
    }
    if (taken->flapping_began) {
        open_sensor_fault(world, taken->incident, sighting, log);
    }
}

static bool is_grid(const struct region_table *regions, uint32_t region) {
    return regions != NULL && region < region_count(regions) &&
           !region_has_children(regions, region);
}

void world_plan_overall(struct world *world, struct stage_limit limit) {
    CHECK(limit.amount == 0 || stage_limit_is_valid(limit));
    world->planned_overall = limit;
}

static void take_report(struct world *world, const struct report *report, uint64_t seq,
                        struct event_log *log, struct world_taken *ret) {
    const struct entry *entry = &report->entry;
    CHECK(log->effects.next_seq == seq + 1 && log->events_count == 0);
    const struct ticket_context *context = world_step_context(world, log);
    const struct sighting sighting = {
        .seq = seq,
        .region = entry->region,
        .category_tag = entry->category_tag,
        .occurred_ms = entry->occurred_ms,
        .received_ms = entry->received_ms,
        .position = report->record.position,
        .has_position = report->record.has_position,
        .in_grid = is_grid(context->regions, entry->region),
        .severity = entry->severity,
        .observation = report->observation,
    };
    struct taken taken;
    *ret = (struct world_taken){.merged = false};
    if (incidents_take(&world->incidents, &sighting, &log->effects, &taken) != STATUS_OK) {
        return;
    }
    follow(world, &taken, &sighting, log);
    ret->merged = taken.outcome == OUTCOME_JOINED || taken.outcome == OUTCOME_REOPENED;
    ret->incident = taken.incident;
    const struct incident *incident = incidents_find(&world->incidents, taken.incident);
    ret->ticket = incident != NULL ? incident->ticket : 0;
}

void world_report(struct world *world, const struct report *report, uint64_t seq,
                  struct event_log *log, struct world_taken *ret) {
    take_report(world, report, seq, log, ret);
    world->planned_overall = (struct stage_limit){0};
}
