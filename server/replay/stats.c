#include "server/replay/stats.h"

#include "core/base/check.h"

static void count(struct json_out *json, const char *key, uint64_t value) {
    json_out_key(json, key);
    json_out_u64(json, value);
}

static void begin(struct json_out *json, const char *key) {
    json_out_key(json, key);
    json_out_object_begin(json);
}

static void write_input(struct json_out *json, const struct replay_run *run) {
    begin(json, "input");
    count(json, "reports", run->counts.lines[REPLAY_REPORT]);
    count(json, "commands", run->counts.lines[REPLAY_COMMAND]);
    count(json, "advances", run->counts.lines[REPLAY_ADVANCE]);
    json_out_key(json, "from");
    json_out_instant(json, run->from_ms);
    json_out_key(json, "to");
    json_out_instant(json, run->now_ms);
    json_out_object_end(json);
}

static void write_reports(struct json_out *json, const struct replay_run *run) {
    begin(json, "reports");
    for (unsigned verdict = 0; verdict < VERDICT_COUNT; verdict++) {
        count(json, verdict_name((enum verdict)verdict), run->counts.verdicts[verdict]);
    }
    json_out_object_end(json);
}

/* Incidents. */

/* More reports first, then the older one. */
static bool is_larger(const struct book_incident *a, const struct book_incident *b) {
    return a->reports_count != b->reports_count ? a->reports_count > b->reports_count
                                                : a->number < b->number;
}

static size_t find_largest(const struct book *book,
                           const struct book_incident *largest[REPLAY_LARGEST_MAX]) {
    size_t found = 0;
    for (size_t i = 0; i < book_incidents_count(book); i++) {
        const struct book_incident *incident = &book_incidents(book)[i];
        size_t at = found;
        if (incident->merged_into != 0) {
            continue;
        }
        for (; at > 0 && is_larger(incident, largest[at - 1]); at--) {
            if (at < REPLAY_LARGEST_MAX) {
                largest[at] = largest[at - 1];
            }
        }
        if (at < REPLAY_LARGEST_MAX) {
            largest[at] = incident;
            found += found < REPLAY_LARGEST_MAX ? 1 : 0;
        }
    }
    return found;
}

static void write_code(struct json_out *json, const struct replay_run *run, uint32_t category_tag,
                       uint32_t region) {
    const struct category *category = policy_category_by_tag(run->rules.policy, category_tag);
    json_out_key(json, "category");
    json_out_text(json, category == NULL ? NULL : category->code);
    json_out_key(json, "grid");
    if (region < region_count(run->rules.regions)) {
        json_out_string(json, region_get(run->rules.regions, region).code);
    } else {
        json_out_null(json);
    }
}

static void write_largest(struct json_out *json, const struct replay_run *run) {
    const struct book_incident *largest[REPLAY_LARGEST_MAX];
    size_t found = find_largest(&run->book, largest);
    json_out_key(json, "largest");
    json_out_array_begin(json);
    for (size_t i = 0; i < found; i++) {
        const struct book_incident *incident = largest[i];
        json_out_object_begin(json);
        json_out_name(json, "incident", 'i', incident->number);
        count(json, "line", incident->line);
        count(json, "reports", incident->reports_count);
        write_code(json, run, incident->category_tag, incident->region);
        json_out_key(json, "first_seen_at");
        json_out_instant(json, incident->first_seen_ms);
        json_out_key(json, "last_seen_at");
        json_out_instant(json, incident->last_seen_ms);
        if (incident->has_position) {
            json_out_key(json, "lat");
            json_out_double(json, incident->position.lat_deg);
            json_out_key(json, "lon");
            json_out_double(json, incident->position.lon_deg);
        }
        count(json, "spread_m", (uint64_t)(incident->spread_m + 0.5F));
        json_out_object_end(json);
    }
    json_out_array_end(json);
}

static void write_incidents(struct json_out *json, const struct replay_run *run) {
    const struct incidents_counts *counts = &run->world.incidents.counts;
    uint64_t distinct = 0;
    for (size_t i = 0; i < book_incidents_count(&run->book); i++) {
        distinct += book_incidents(&run->book)[i].merged_into == 0 ? 1 : 0;
    }
    begin(json, "incidents");
    count(json, "distinct", distinct);
    for (unsigned outcome = OUTCOME_OPENED; outcome < OUTCOME_COUNT; outcome++) {
        count(json, outcome_name((enum outcome)outcome), counts->outcomes[outcome]);
    }
    count(json, "merged", counts->merged);
    count(json, "suggested_merge", counts->suggested);
    count(json, "closed", counts->closed);
    count(json, "repaged", counts->repaged);
    count(json, "late_reports", counts->late);
    count(json, "suppressed_total", counts->suppressed);
    count(json, "not_opened_full", counts->full);
    count(json, "open", run->world.incidents.open_count);
    begin(json, "reports_by_rule");
    for (unsigned rule = MATCH_OPENED; rule < MATCH_RULE_LIMIT; rule++) {
        count(json, match_rule_name((enum match_rule)rule), counts->rules[rule]);
    }
    json_out_object_end(json);
    write_largest(json, run);
    json_out_object_end(json);
}

/* Tickets. */

struct stage_counts {
    uint64_t ended, late, overdue;
};

static void write_stages(struct json_out *json, const struct book *book) {
    struct stage_counts counts[STAGE_COUNT] = {{0}};
    for (size_t i = 0; i < book_tickets_count(book); i++) {
        const struct book_ticket *ticket = &book_tickets(book)[i];
        for (unsigned stage = 0; stage < STAGE_COUNT; stage++) {
            counts[stage].ended += ticket->stages_ended >> stage & 1;
            counts[stage].late += ticket->stages_late >> stage & 1;
            counts[stage].overdue += ticket->overdue >> stage & 1;
        }
    }
    begin(json, "stages"); /* a ticket counts once in a stage, late if ever */
    for (unsigned stage = 0; stage < STAGE_COUNT; stage++) {
        begin(json, stage_name((enum stage)stage));
        count(json, "ended", counts[stage].ended);
        count(json, "on_time", counts[stage].ended - counts[stage].late);
        count(json, "late", counts[stage].late);
        count(json, "overdue_now", counts[stage].overdue);
        json_out_object_end(json);
    }
    json_out_object_end(json);
}

static void write_states(struct json_out *json, const struct book *book) {
    uint64_t states[TICKET_STATES] = {0}, reopened = 0, reworked = 0;
    for (size_t i = 0; i < book_tickets_count(book); i++) {
        const struct book_ticket *ticket = &book_tickets(book)[i];
        CHECK(ticket->state < TICKET_STATES);
        states[ticket->state]++;
        reopened += ticket->reopen_count > 0 ? 1 : 0;
        reworked += ticket->rework_count > 0 ? 1 : 0;
    }
    begin(json, "states");
    for (unsigned state = 0; state < TICKET_STATES; state++) {
        count(json, ticket_state_name((enum ticket_state)state), states[state]);
    }
    json_out_object_end(json);
    count(json, "reopened", reopened);
    count(json, "reworked", reworked);
}

/* Of tickets that are open at the end. */
static void write_lights(struct json_out *json, const struct replay_run *run) {
    uint64_t lights[LIGHT_RED + 1] = {0};
    struct ticket_context context = run->world.context;
    context.now_ms = run->now_ms;
    for (uint32_t place = 0; place < run->world.docket.touched_count; place++) {
        const struct ticket *ticket = docket_at(&run->world.docket, place);
        if (ticket != NULL && ticket_state_is_open((enum ticket_state)ticket->state)) {
            lights[ticket_light(&context, ticket)]++;
        }
    }
    begin(json, "open_lights");
    for (unsigned light = LIGHT_GREEN; light <= LIGHT_RED; light++) {
        count(json, light_name((enum light)light), lights[light]);
    }
    json_out_object_end(json);
}

static void write_tickets(struct json_out *json, const struct replay_run *run) {
    const uint64_t *events = run->counts.events;
    begin(json, "tickets");
    count(json, "opened", book_tickets_count(&run->book));
    count(json, "not_opened_full", run->world.tickets_refused_total);
    write_states(json, &run->book);
    write_lights(json, run);
    write_stages(json, &run->book);
    count(json, "near_deadline", events[ENTRY_TICKET_NEAR_DEADLINE]);
    count(json, "overdue", events[ENTRY_TICKET_OVERDUE]);
    count(json, "escalations", events[ENTRY_TICKET_ESCALATED]);
    count(json, "pages", events[ENTRY_TICKET_PAGED]);
    count(json, "rows_forgotten", run->archive.forgotten_total);
    json_out_object_end(json);
}

static void write_commands(struct json_out *json, const struct replay_run *run) {
    static const struct {
        enum ticket_verdict verdict;
        const char *name;
    } names[] = {{TICKET_DONE, "done"},
                 {TICKET_REPLAYED, "replayed"},
                 {TICKET_STATE, "refused_state"},
                 {TICKET_ROLE, "refused_role"},
                 {TICKET_VERSION, "stale"},
                 {TICKET_INVALID, "invalid"},
                 {TICKET_FULL, "full"}};
    begin(json, "commands");
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        count(json, names[i].name, run->counts.commands[names[i].verdict]);
    }
    count(json, "no_ticket", run->counts.unknown_tickets);
    json_out_object_end(json);
}

static void write_events(struct json_out *json, const struct replay_run *run) {
    begin(json, "events");
    for (unsigned kind = ENTRY_REPORT + 1; kind < ENTRY_KIND_LIMIT; kind++) {
        if (entry_kind_name(kind) != NULL) {
            count(json, entry_kind_name(kind), run->counts.events[kind]);
        }
    }
    json_out_object_end(json);
    begin(json, "deadlines");
    count(json, "fired", run->counts.fired);
    count(json, "overtaken", run->counts.stale);
    json_out_object_end(json);
}

static void write_problems(struct json_out *json, const struct replay_run *run) {
    count(json, "problems_total", run->counts.problems);
    json_out_key(json, "problems"); /* the first ones */
    json_out_array_begin(json);
    for (size_t i = 0; i < min_u64(run->counts.problems, REPLAY_PROBLEMS_MAX); i++) {
        const struct replay_problem *problem = &run->problems[i];
        json_out_object_begin(json);
        count(json, "line", problem->line);
        json_out_key(json, "subject");
        json_out_text(json, problem->subject);
        json_out_key(json, "detail");
        json_out_text(json, problem->why);
        json_out_object_end(json);
    }
    json_out_array_end(json);
}

void replay_stats_write(struct json_out *json, const struct replay_run *run) {
    json_out_object_begin(json);
    json_out_key(json, "policy_version");
    json_out_u64(json, run->rules.policy->version);
    write_input(json, run);
    write_reports(json, run);
    write_incidents(json, run);
    write_tickets(json, run);
    write_commands(json, run);
    write_events(json, run);
    write_problems(json, run);
    json_out_object_end(json);
}
