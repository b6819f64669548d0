/* The tickets of incidents: opened, merged, taken apart. */
#include "core/world_inside.h"

#include "core/base/check.h"
#include "core/base/mutant.h"

static const struct ticket_actor system_actor = {.roles = ROLE_SYSTEM, .region = REGION_NONE};

struct ticket *world_open_for_report(struct world *world, uint64_t incident,
                                     const struct sighting *sighting, uint32_t category_tag,
                                     struct event_log *log) {
    const struct ticket_context *context = world_step_context(world, log);
    const struct channel *channel =
        policy_channel_by_tag(context->policy, sighting->observation.channel_tag);
    bool is_public = channel != NULL && channel->public_;
    const struct ticket_opening opening = {
        .origin = ORIGIN_REPORT,
        .incident = incident,
        .category_tag = category_tag,
        .channel_tag = sighting->observation.channel_tag,
        .region = sighting->region,
        .severity = sighting->severity,
        .is_public = is_public,
        .has_reporter = is_public,
        .occurred_ms = sighting->occurred_ms,
        .received_ms = sighting->received_ms,
        .overall = incident != 0 ? world->planned_overall : (struct stage_limit){0},
    };
    struct ticket *ticket = NULL;
    if (docket_open(&world->docket, context, &opening, &ticket) != STATUS_OK) {
        world->tickets_refused_total++;
        return NULL;
    }
    if (incident != 0) {
        enum status status = incidents_set_ticket(&world->incidents, incident, ticket->number);
        CHECK(status == STATUS_OK);
    }
    return ticket;
}

struct ticket *world_ticket_of(const struct world *world, uint64_t incident) {
    const struct incident *found = incidents_find(&world->incidents, incident);
    return found != NULL && found->ticket != 0 ? docket_find(&world->docket, found->ticket) : NULL;
}

void world_command_by_system(struct world *world, struct ticket *ticket,
                             struct ticket_command command, struct event_log *log) {
    command.actor = system_actor;
    struct ticket_outcome outcome =
        docket_command(&world->docket, world_step_context(world, log), ticket, &command);
    CHECK(outcome.verdict != TICKET_INVALID && outcome.verdict != TICKET_REPLAYED);
}

static void give_ticket(struct world *world, uint64_t incident, const struct ticket *ticket) {
    enum status status = incidents_set_ticket(&world->incidents, incident, ticket->number);
    CHECK(status == STATUS_OK);
}

void world_merge_tickets(struct world *world, uint64_t merged, uint64_t survivor,
                         struct event_log *log) {
    struct ticket *ticket = world_ticket_of(world, merged),
                  *target = world_ticket_of(world, survivor);
    if (ticket == NULL || ticket == target || !ticket_state_is_open(ticket->state)) {
        return;
    }
    if (target == NULL || !ticket_state_is_open(target->state)) {
        give_ticket(world, survivor, ticket);
        return;
    }
    if (target->number > ticket->number && !MUTANT(MERGE_INTO_NEWER)) {
        struct ticket *newer = target;
        give_ticket(world, survivor, ticket);
        target = ticket;
        ticket = newer;
    }
    world_command_by_system(
        world, ticket, (struct ticket_command){.verb = VERB_MERGE, .target = target->number}, log);
}

enum status world_merge(struct world *world, uint64_t a, uint64_t b, struct event_log *log,
                        uint64_t *ret_survivor) {
    uint64_t survivor;
    (void)world_step_context(world, log);
    enum status status = incidents_merge(&world->incidents, a, b, &log->effects, &survivor);
    if (status == STATUS_OK) {
        world_merge_tickets(world, survivor == a ? b : a, survivor, log);
        *ret_survivor = survivor;
    }
    return status;
}

/* Taken apart: the ticket that was merged away works on its own again, or there is a new one. */
static void ticket_for_unmerged(struct world *world, uint64_t number, const struct member *first,
                                struct event_log *log) {
    struct ticket *ticket = world_ticket_of(world, number);
    if (ticket != NULL && ticket->state == TICKET_MERGED) {
        world_command_by_system(world, ticket, (struct ticket_command){.verb = VERB_UNMERGE}, log);
    } else if (ticket == NULL) {
        world_open_for_report(world, number, &first->sighting, first->sighting.category_tag, log);
    }
}

/* The first of the reports to be moved, as it was seen. */
static bool find_member(const struct incident_members *members, uint64_t seq, struct member *ret) {
    bool found = false;
    members->rewind(members->context);
    while (!found && members->next(members->context, ret)) {
        found = ret->sighting.seq == seq;
    }
    members->rewind(members->context);
    return found;
}

uint64_t world_unmerge_ticket(struct world *world, uint64_t number, const uint64_t *seqs,
                              size_t seqs_count, const struct incident_members *members) {
    uint64_t original =
        incidents_unmerge_original(&world->incidents, number, seqs, seqs_count, members);
    const struct incident *incident =
        original == 0 ? NULL : incidents_find(&world->incidents, original);
    members->rewind(members->context);
    return incident == NULL ? 0 : incident->ticket;
}

enum status world_unmerge(struct world *world, uint64_t number, const uint64_t *seqs,
                          size_t seqs_count, const struct incident_members *members,
                          struct event_log *log, uint64_t *ret_number) {
    uint64_t apart;
    struct member first;
    (void)world_step_context(world, log);
    if (seqs_count == 0 || world->moves_count + seqs_count > WORLD_MOVES_MAX) {
        return seqs_count == 0 ? STATUS_CONFLICT : STATUS_BUSY;
    }
    if (!find_member(members, seqs[0], &first)) {
        return STATUS_NOT_FOUND;
    }
    enum status status = incidents_unmerge(&world->incidents, number, seqs, seqs_count, members,
                                           &log->effects, &apart);
    if (status != STATUS_OK) {
        return status;
    }
    for (size_t i = 0; i < seqs_count; i++) {
        world->moves[world->moves_count++] = (struct world_move){seqs[i], apart};
    }
    ticket_for_unmerged(world, apart, &first, log);
    *ret_number = apart;
    return STATUS_OK;
}
