#include "core/world.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/mutant.h"

#include <string.h>

enum { REPAGE_NAMES_BYTES = 128 };

static const struct ticket_actor system_actor = {.roles = ROLE_SYSTEM, .region = REGION_NONE};

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

static const struct ticket_context *step_context(struct world *world, struct event_log *log) {
    CHECK(world->context.policy != NULL);
    world->context.effects = &log->effects;
    world->context.now_ms = log->effects.now_ms;
    return &world->context;
}

bool world_wants(const struct world *world, uint32_t category_tag) {
    const struct category *category = policy_category_by_tag(world->context.policy, category_tag);
    return category != NULL && category->opens_ticket;
}

enum status world_restore_incident(struct world *world, struct slice key, struct slice value,
                                   int64_t now_ms) {
    const struct incident *incident;
    return incidents_restore(&world->incidents, key, value, now_ms, &incident);
}

static enum status take_ticket(struct world *world, struct slice key, struct slice value,
                               bool also_final) {
    uint64_t number;
    struct ticket *ticket, UNINITIALIZED stored;
    struct joint UNINITIALIZED joint;
    bool has_joint;
    if (!ticket_key_decode(&number, key)) {
        return STATUS_CORRUPT;
    }
    if (docket_find(&world->docket, number) != NULL) {
        return STATUS_OK;
    }
    enum status status = ticket_row_decode(&stored, &joint, &has_joint, value);
    if (status == STATUS_OK && stored.number != number) {
        return STATUS_CORRUPT;
    }
    if (status != STATUS_OK ||
        (!also_final && ticket_state_is_final((enum ticket_state)stored.state))) {
        return status;
    }
    return docket_restore(&world->docket, value, &ticket);
}

/* What is over left memory when it was flushed, and must not come back to fill it. */
enum status world_restore_ticket(struct world *world, struct slice key, struct slice value) {
    return take_ticket(world, key, value, MUTANT(FINAL_TICKETS_RESTORED));
}

enum status world_load_ticket(struct world *world, struct slice key, struct slice value) {
    return take_ticket(world, key, value, true);
}

enum status world_restore_directive(struct world *world, struct slice key, struct slice value) {
    struct directive directive;
    /* Addressees stand beside their directive, under longer keys; they are for reading only. */
    if (key.bytes != DIRECTIVE_KEY_BYTES) {
        return STATUS_OK;
    }
    enum status status = directive_row_decode(&directive, value);
    return status != STATUS_OK || directive_is_done(&directive)
               ? status
               : docket_restore_directive(&world->docket, value);
}

enum status world_load_directive(struct world *world, struct slice value) {
    return docket_restore_directive(&world->docket, value);
}

/* Tickets of incidents. */

/* Who reported it decides who is answered. NULL when there is no room. */
static struct ticket *open_for_report(struct world *world, uint64_t incident,
                                      const struct sighting *sighting, uint32_t category_tag,
                                      struct event_log *log) {
    const struct ticket_context *context = step_context(world, log);
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

static struct ticket *ticket_of(const struct world *world, uint64_t incident) {
    const struct incident *found = incidents_find(&world->incidents, incident);
    return found != NULL && found->ticket != 0 ? docket_find(&world->docket, found->ticket) : NULL;
}

/* A command of the system that may not be possible just now: then nothing happens. */
static void command_by_system(struct world *world, struct ticket *ticket,
                              struct ticket_command command, struct event_log *log) {
    command.actor = system_actor;
    struct ticket_outcome outcome =
        docket_command(&world->docket, step_context(world, log), ticket, &command);
    CHECK(outcome.verdict != TICKET_INVALID && outcome.verdict != TICKET_REPLAYED);
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
    struct ticket *ticket = ticket_of(world, taken->incident);
    if (ticket == NULL) {
        return;
    }
    if ((taken->repage & REPAGE_SEVERITY) != 0 && ticket_state_is_open(ticket->state) &&
        sighting->severity < ticket->severity) {
        command_by_system(world, ticket,
                          (struct ticket_command){.verb = VERB_UPGRADE,
                                                  .priority = ticket->priority,
                                                  .severity = sighting->severity},
                          log);
    }
    char reasons[REPAGE_NAMES_BYTES];
    docket_repage(&world->docket, step_context(world, log), ticket,
                  repage_names(reasons, taken->repage));
}

static void reopen_for_report(struct world *world, const struct taken *taken,
                              const struct sighting *sighting, struct event_log *log) {
    struct ticket *ticket = ticket_of(world, taken->incident);
    if (ticket != NULL && !ticket_state_is_open(ticket->state)) {
        command_by_system(world, ticket, (struct ticket_command){.verb = VERB_REOPEN}, log);
    }
    if (ticket == NULL || !ticket_state_is_open(ticket->state)) {
        open_for_report(world, taken->incident, sighting, sighting->category_tag, log);
    }
}

static void give_ticket(struct world *world, uint64_t incident, const struct ticket *ticket) {
    enum status status = incidents_set_ticket(&world->incidents, incident, ticket->number);
    CHECK(status == STATUS_OK);
}

/* Of the tickets of two incidents that become one, the older goes on: mostly the survivor's, but an
 * incident that was reopened may have a newer ticket than one that came after it. */
static void merge_tickets(struct world *world, uint64_t merged, uint64_t survivor,
                          struct event_log *log) {
    struct ticket *ticket = ticket_of(world, merged), *target = ticket_of(world, survivor);
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
    command_by_system(world, ticket,
                      (struct ticket_command){.verb = VERB_MERGE, .target = target->number}, log);
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
    const struct ticket *ticket = open_for_report(world, 0, &plain, fault->tag, log);
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
            open_for_report(world, taken->incident, sighting, sighting->category_tag, log);
        }
        break;
    case OUTCOME_JOINED: {
        const struct incident *incident = incidents_find(&world->incidents, taken->incident);
        if (incident != NULL && incident->ticket == 0 && !taken->pending) {
            open_for_report(world, taken->incident, sighting, sighting->category_tag, log);
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
        merge_tickets(world, taken->merged, taken->merged_survivor, log);
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
    const struct ticket_context *context = step_context(world, log);
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
        docket_command(&world->docket, step_context(world, log), ticket, command);
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
    return docket_open(&world->docket, step_context(world, log), opening, ret);
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
    return docket_issue(&world->docket, step_context(world, log), order, ret_number);
}

enum status world_merge(struct world *world, uint64_t a, uint64_t b, struct event_log *log,
                        uint64_t *ret_survivor) {
    uint64_t survivor;
    (void)step_context(world, log);
    enum status status = incidents_merge(&world->incidents, a, b, &log->effects, &survivor);
    if (status == STATUS_OK) {
        merge_tickets(world, survivor == a ? b : a, survivor, log);
        *ret_survivor = survivor;
    }
    return status;
}

/* Taken apart: the ticket that was merged away works on its own again, or there is a new one. */
static void ticket_for_unmerged(struct world *world, uint64_t number, const struct member *first,
                                struct event_log *log) {
    struct ticket *ticket = ticket_of(world, number);
    if (ticket != NULL && ticket->state == TICKET_MERGED) {
        command_by_system(world, ticket, (struct ticket_command){.verb = VERB_UNMERGE}, log);
    } else if (ticket == NULL) {
        open_for_report(world, number, &first->sighting, first->sighting.category_tag, log);
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
    (void)step_context(world, log);
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
        open_for_report(world, number, &sighting, sighting.category_tag, log);
        break;
    case FIRED_SUMMARY: {
        struct ticket *ticket = ticket_of(world, number);
        if (ticket != NULL) {
            docket_repage(&world->docket, step_context(world, log), ticket, "flapping");
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
    const struct ticket_context *context = step_context(world, log);
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
    return docket_recompute(&world->docket, step_context(world, log), place, count);
}

/* Rows. */

void world_move_key(uint8_t to[WORLD_MOVE_KEY_BYTES], uint64_t seq) {
    store_u64_be(to, seq);
}

bool world_move_decode(uint64_t *ret_incident, struct slice value) {
    if (value.bytes != WORLD_MOVE_BYTES || value.data[0] != 1) {
        return false;
    }
    *ret_incident = load_u64_le(value.data + 1);
    return *ret_incident != 0;
}

struct flush {
    const struct world *world;
    uint64_t seq;
    row_cb *row;
    void *context;
};

static void pass_row(void *context, enum row_family family, struct slice key, struct slice value) {
    const struct flush *flush = context;
    flush->row(flush->context, family, key, value);
}

/* An incident waits for one thing at a time. */
static struct deadline incident_deadline(uint64_t number, int64_t due_ms) {
    return (struct deadline){.due_ms = due_ms, .object = number, .stage = DEADLINE_SUMMARY};
}

static void pass_due(void *context, uint64_t number, int64_t before_ms, int64_t due_ms) {
    const struct flush *flush = context;
    uint8_t key[DEADLINE_KEY_BYTES], value[DEADLINE_VALUE_BYTES];
    if (before_ms != INT64_MAX) {
        const struct deadline before = incident_deadline(number, before_ms);
        deadline_key_encode(key, &before);
        flush->row(flush->context, ROW_DEADLINE, (struct slice){key, sizeof key},
                   (struct slice){NULL, 0});
    }
    if (due_ms != INT64_MAX) {
        const struct deadline due = incident_deadline(number, due_ms);
        deadline_key_encode(key, &due);
        deadline_value_encode(value, flush->seq);
        flush->row(flush->context, ROW_DEADLINE, (struct slice){key, sizeof key},
                   (struct slice){value, sizeof value});
    }
}

void world_flush(struct world *world, uint64_t seq, row_cb *row, void *context) {
    struct flush flush = {world, seq, row, context};
    incidents_flush(&world->incidents, pass_row, pass_due, &flush);
    docket_flush(&world->docket, row, context);
    for (size_t i = 0; i < world->moves_count; i++) {
        uint8_t key[WORLD_MOVE_KEY_BYTES], value[WORLD_MOVE_BYTES] = {1};
        world_move_key(key, world->moves[i].seq);
        store_u64_le(value + 1, world->moves[i].incident);
        row(context, ROW_MOVED, (struct slice){key, sizeof key},
            (struct slice){value, sizeof value});
    }
    world->moves_count = 0;
}
