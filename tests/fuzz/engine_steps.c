#include "tests/fuzz/engine_steps.h"

#include "core/base/bytes.h"
#include "core/base/check.h"

#include <stdio.h>
#include <string.h>

enum { NUMBERS_MAX = 256, REGIONS = 5 };

static const char *const categories[] = {"leak",      "smoke",        "rubble",    "fire",
                                         "gas_alarm", "sensor_fault", "directive", "patrol"};
static const char *const units[] = {"u1", "u2", "u3", "nobody"};
static const char *const names[] = {"", "ann", "bo", "cy"};

static uint32_t category_tag(uint8_t byte) {
    return policy_tag(slice_text(categories[byte % ARRAY_COUNT(categories)]));
}

static uint32_t unit_tag(uint8_t byte) {
    return byte % 5 == 0 ? 0 : policy_tag(slice_text(units[byte % ARRAY_COUNT(units)]));
}

static struct stage_limit a_limit(uint8_t byte) {
    static const struct stage_limit limits[] = {{0},
                                                {METERING_URGENT_HOUR, 60},
                                                {METERING_URGENT_HOUR, 7200},
                                                {METERING_WORK_HOUR, 3600},
                                                {METERING_WORK_DAY, 2}};
    return limits[byte % ARRAY_COUNT(limits)];
}

/* Reports. */

static void observe(struct report *report, const uint8_t *op) {
    struct observation *observation = &report->observation;
    observation->kind = op[4] % OBSERVER_COUNT;
    observation->flags = op[5] & 0x1f;
    observation->observer = 1 + op[4] / 32;
    observation->channel_tag = policy_tag(slice_text((op[5] & 0x20) != 0 ? "app" : "handheld"));
    observation->asset = (op[5] & 0x40) != 0 ? 7 : 0;
    observation->alarm =
        report->entry.category_tag == category_tag(4) ? 1 + observation->observer % 2 : 0;
    observation->accuracy_m = (float)(op[6] % 4) * 100.0F;
    if ((observation->flags & OBSERVATION_BEARING) != 0) {
        observation->azimuth_deg = (float)(op[6] % 36) * 10.0F;
        observation->cone_deg = 10.0F;
        observation->range_km = 20.0F;
    }
    if (observation->kind == OBSERVER_CAMERA && (op[5] & 0x80) != 0) {
        observation->view = 1 + op[6] / 128;
        observation->box[2] = (uint16_t)(30000 + 100 * op[6]);
        observation->box[3] = 40000;
    }
}

static struct report new_report(const struct engine_run *run, const uint8_t *op) {
    static const int64_t ages_ms[] = {0, 0, 1000, 60000, 1860000, 10800000, 172800000, -3600000};
    int64_t age_ms = ages_ms[op[2] % ARRAY_COUNT(ages_ms)];
    uint64_t id = run->reports_count + 1;
    struct report report = {
        .entry = {.kind = ENTRY_REPORT,
                  .severity = (uint8_t)(SEVERITY_EXTREME + op[3] % 4),
                  .flags = (uint16_t)(age_ms < 0 ? ENTRY_CLOCK_SUSPECT : 0) |
                           (uint16_t)((op[2] & 0x80) != 0 ? ENTRY_DERIVED_ID : 0),
                  .region = op[3] / 4 % REGIONS,
                  .category_tag = category_tag(op[1]),
                  .occurred_ms = age_ms < 0 ? run->now_ms : run->now_ms - age_ms,
                  .received_ms = run->now_ms,
                  .identity = {id * UINT64_C(0x9E3779B97F4A7C15), id},
                  .content_tag = op[7]},
        .occurred_given_ms = run->now_ms - age_ms,
        .record = {.has_position = op[3] < 224,
                   .position = {34.0 + 0.0004 * (op[7] & 0x0f), 108.0 + 0.002 * (op[7] >> 4)}}};
    observe(&report, op);
    return report;
}

/* What the store would answer: reports stand under the time that they were sent with, suspect ones
 * are found by identity. */
static struct engine_input look_up(const struct engine_run *run, const struct report *report) {
    struct engine_input input = {.report = report};
    if (engine_plan(&run->engine, report) == PLAN_STEP) {
        return input;
    }
    input.lookup = LOOKUP_ABSENT;
    for (size_t i = 0; i < run->reports_count; i++) {
        const struct run_report *kept = &run->reports[i];
        const struct entry *entry = &kept->report.entry;
        bool is_suspect = (entry->flags & ENTRY_CLOCK_SUSPECT) != 0;
        if (entry->identity.high == report->entry.identity.high &&
            (!is_suspect || engine_may_be_suspect(&run->engine, entry->identity))) {
            input.lookup = LOOKUP_FOUND;
            input.stored = (struct stored_report){kept->seq, entry->content_tag};
        }
    }
    return input;
}

static void take(struct engine_run *run, const struct report *report,
                 const struct run_report *first) {
    const struct engine_input input = look_up(run, report);
    const struct decision decision = engine_step(&run->engine, &input);
    engine_run_note(run, decision.verdict + 16 * decision.seq);
    if (first != NULL) { /* sent before: known for as long as it is stored */
        bool same = first->report.entry.content_tag == report->entry.content_tag ||
                    (report->entry.flags & ENTRY_DERIVED_ID) != 0;
        CHECK(decision.verdict == (same ? VERDICT_REPLAYED : VERDICT_CONFLICT));
        CHECK(decision.seq == first->seq && !decision.append);
        return;
    }
    CHECK(decision.verdict == VERDICT_CREATED && decision.append && decision.seq == run->next_seq);
    struct world_taken taken = {0};
    run->next_seq = decision.seq + 1;
    if (world_wants(&run->world, report->entry.category_tag)) {
        struct event_log *log = engine_run_begin(run, run->next_seq);
        world_report(&run->world, report, decision.seq, log, &taken);
        engine_run_end(run);
    }
    engine_run_note(run, taken.incident + (taken.ticket << 20));
    run->reports[run->reports_count++] = (struct run_report){*report, decision.seq, taken.incident};
}

static void on_report(struct engine_run *run, const uint8_t *op) {
    if (run->reports_count == RUN_REPORTS_MAX) {
        return;
    }
    if (op[0] % 8 == 7 && run->reports_count > 0) {
        const struct run_report *first = &run->reports[op[1] % run->reports_count];
        struct report again = first->report;
        again.entry.content_tag += op[2] & 1;
        again.entry.received_ms = run->now_ms;
        take(run, &again, first);
        return;
    }
    const struct report report = new_report(run, op);
    take(run, &report, NULL);
}

/* Commands. Tickets are chosen by rank of their numbers: those in memory and those that are over.
 */

static size_t add_number(uint64_t *numbers, size_t count, uint64_t number) {
    size_t at = count;
    while (at > 0 && numbers[at - 1] > number) {
        at--;
    }
    if ((at > 0 && numbers[at - 1] == number) || count == NUMBERS_MAX) {
        return count;
    }
    memmove(numbers + at + 1, numbers + at, (count - at) * sizeof *numbers);
    numbers[at] = number;
    return count + 1;
}

static uint64_t pick_ticket(const struct engine_run *run, uint8_t rank) {
    uint64_t numbers[NUMBERS_MAX];
    size_t count = 0;
    for (uint32_t i = 0; i < run->world.docket.touched_count; i++) {
        const struct ticket *ticket = docket_at(&run->world.docket, i);
        count = ticket == NULL ? count : add_number(numbers, count, ticket->number);
    }
    for (size_t i = 0; i < run->rows_count; i++) {
        const struct run_row *row = &run->rows[i];
        count =
            row->family == ROW_TICKET ? add_number(numbers, count, load_u64_be(row->key)) : count;
    }
    return count == 0 ? 0 : numbers[rank % count];
}

/* Mostly one that the actor may give now. */
static enum ticket_verb pick_verb(struct engine_run *run, const struct ticket *ticket,
                                  const struct ticket_actor *actor, uint8_t byte) {
    run->world.context.now_ms = run->now_ms;
    uint32_t allowed = ticket_allowed(&run->world.context, ticket, actor);
    engine_run_note(run, allowed);
    if (byte >= 224 || allowed == 0) {
        return 1 + byte % (VERBS_END - 1);
    }
    unsigned skip = byte % (unsigned)__builtin_popcount(allowed);
    while (skip-- > 0) {
        allowed &= allowed - 1;
    }
    return (enum ticket_verb)__builtin_ctz(allowed);
}

static void fill_parts(struct ticket_command *command, struct ticket_part_order *parts,
                       uint8_t byte) {
    command->parts = parts;
    command->parts_count = byte % 3;
    for (size_t i = 0; i < command->parts_count; i++) {
        parts[i] = (struct ticket_part_order){policy_tag(slice_text(units[(byte / 3 + i) % 3])),
                                              i == 1, a_limit(byte / 8)};
    }
}

static void on_command(struct engine_run *run, const uint8_t *op) {
    static const int64_t waits_ms[] = {60000, 600000, 7200000, 864000000};
    char id[8] = "";
    struct ticket_part_order parts[3];
    uint64_t number = pick_ticket(run, op[1]);
    if (number == 0 || !engine_run_load(run, number)) {
        return;
    }
    struct ticket *ticket = docket_find(&run->world.docket, number);
    struct ticket_command command = {
        .actor = {.roles = op[3] < 192 ? ROLE_ANY : 1U << op[3] % 11,
                  .name = slice_text(names[op[3] % ARRAY_COUNT(names)]),
                  .region = op[3] % 8 == 7 ? op[3] / 8 % REGIONS : REGION_NONE,
                  .unit_tag = op[3] % 16 == 15 ? unit_tag(op[4]) : 0},
        .if_version = op[7] % 16 == 15 ? op[6] : 0,
        .reason = (enum ticket_reason)(op[5] % 6),
        .has_evidence = op[4] % 8 != 7,
        .on_scene = (op[4] & 0x10) != 0,
        .lift = (op[4] & 0x20) != 0,
        .decides = (op[4] & 0x40) != 0,
        .single = (op[4] & 0x80) != 0,
        .unit_tag = unit_tag(op[4]),
        .proposed_unit_tag = unit_tag(op[5]),
        .limit = a_limit(op[6]),
        .until_ms = run->now_ms + waits_ms[op[6] % ARRAY_COUNT(waits_ms)],
        .priority = op[5] % 5,
        .severity = op[6] % 5,
        .category_tag = op[7] % 8 == 3 ? category_tag(op[6]) : 0,
        .closure = (enum ticket_closure)(op[5] % CLOSURES),
        .confirmed = (enum tri_state)(op[6] % 3),
        .contacted = (enum tri_state)(op[6] % 3),
        .solved = (enum tri_state)(op[6] / 3 % 3),
        .satisfied = (enum tri_state)(op[6] / 9 % 3),
    };
    fill_parts(&command, parts, op[5]);
    command.verb = pick_verb(run, ticket, &command.actor, op[2]);
    command.note = slice_text(op[7] % 16 == 14 ? "" : "n");
    command.reason_text = command.note;
    (void)snprintf(id, sizeof id, "%u", op[7] / 16U);
    command.command_id = slice_text(op[7] % 4 == 1 ? id : "");
    command.target = command.verb == VERB_MERGE ? pick_ticket(run, op[6]) : 0;
    struct ticket_outcome outcome =
        world_command(&run->world, ticket, &command, engine_run_begin(run, run->next_seq));
    bool is_done = outcome.verdict == TICKET_DONE;
    CHECK(is_done || run->log.events_count == 0 ||
          run->log.events[0].kind == ENTRY_TICKET_RECOMPUTED);
    CHECK(is_done || outcome.verdict == TICKET_REPLAYED || outcome.why != NULL);
    engine_run_end(run);
    engine_run_note(run, (uint64_t)outcome.verdict + 16 * (uint64_t)outcome.refusal +
                             1024 * (uint64_t)outcome.version);
}

/* Incidents, directives, tickets by hand. */

static uint64_t pick_incident(const struct engine_run *run, uint8_t rank) {
    size_t count = 0, at = 0;
    for (size_t i = 0; i < run->rows_count; i++) {
        count += run->rows[i].family == ROW_INCIDENT;
    }
    for (size_t i = 0; i < run->rows_count; i++) {
        if (run->rows[i].family == ROW_INCIDENT && at++ == rank % count) {
            return load_u64_be(run->rows[i].key);
        }
    }
    return 0;
}

static void on_unmerge(struct engine_run *run, uint64_t number, unsigned mask) {
    uint64_t seqs[64], apart = 0;
    size_t count = 0;
    struct member member;
    const struct incident *incident = incidents_find(&run->world.incidents, number);
    if (incident == NULL || incident->state == INCIDENT_MERGED ||
        incident->detail_kind == DETAIL_ALARM) {
        return;
    }
    const struct incident_members members = engine_run_members(run, number);
    for (unsigned i = 0; members.next(members.context, &member) && count < ARRAY_COUNT(seqs); i++) {
        if ((mask >> i % 16 & 1) != 0) {
            seqs[count++] = member.sighting.seq;
        }
    }
    members.rewind(members.context);
    uint64_t ticket = world_unmerge_ticket(&run->world, number, seqs, count, &members);
    if (ticket != 0 && !engine_run_load(run, ticket)) {
        return;
    }
    members.rewind(members.context);
    enum status status = world_unmerge(&run->world, number, seqs, count, &members,
                                       engine_run_begin(run, run->next_seq), &apart);
    CHECK(status == STATUS_OK || run->log.events_count == 0);
    engine_run_end(run);
    engine_run_note(run, (uint64_t)status + 64 * apart);
    struct ticket *back = ticket != 0 ? docket_find(&run->world.docket, ticket) : NULL;
    if (back != NULL) {
        docket_release(&run->world.docket, back);
    }
}

static void on_incidents(struct engine_run *run, const uint8_t *op) {
    engine_run_flush(run);
    uint64_t a = pick_incident(run, op[1]), b = pick_incident(run, op[2]), survivor = 0;
    if (run->is_full || a == 0) {
        return;
    }
    if (op[0] % 2 == 0) {
        on_unmerge(run, a, op[3] | (unsigned)op[4] << 8);
        return;
    }
    enum status status =
        world_merge(&run->world, a, b, engine_run_begin(run, run->next_seq), &survivor);
    CHECK(status == STATUS_OK || run->log.events_count == 0);
    engine_run_end(run);
    engine_run_note(run, (uint64_t)status + 64 * survivor);
}

static void on_directive(struct engine_run *run, const uint8_t *op) {
    struct directive_addressee addressees[RUN_ADDRESSEES_MAX];
    for (size_t i = 0; i < RUN_ADDRESSEES_MAX; i++) {
        addressees[i] = (struct directive_addressee){(uint32_t)(op[2] + i) % REGIONS,
                                                     i % 2 == 0 ? 0 : unit_tag(op[3])};
    }
    const struct directive_order order = {.issuer = slice_text(names[op[4] % ARRAY_COUNT(names)]),
                                          .region = op[5] % REGIONS,
                                          .category_tag = category_tag(6),
                                          .receipt = a_limit(op[6]),
                                          .execution = a_limit(op[7]),
                                          .addressees = addressees,
                                          .addressees_count = op[1] % (RUN_ADDRESSEES_MAX + 2)};
    uint64_t number = 0;
    if (order.addressees_count > RUN_ADDRESSEES_MAX) {
        return;
    }
    enum status status =
        world_issue(&run->world, &order, engine_run_begin(run, run->next_seq), &number);
    CHECK(status == STATUS_OK || run->log.events_count == 0);
    engine_run_end(run);
    engine_run_note(run, (uint64_t)status + 64 * number);
}

static void on_by_hand(struct engine_run *run, const uint8_t *op) {
    if (op[0] % 2 == 0) {
        on_directive(run, op);
        return;
    }
    const struct ticket_opening opening = {.origin =
                                               (op[1] & 1) != 0 ? ORIGIN_MANUAL : ORIGIN_INSPECTION,
                                           .category_tag = category_tag(op[2]),
                                           .region = op[3] % 8 == 7 ? REGION_NONE : op[3] % REGIONS,
                                           .unit_tag = unit_tag(op[4]),
                                           .priority = op[5] % 5,
                                           .severity = op[6] % 5,
                                           .has_reporter = (op[1] & 2) != 0,
                                           .is_public = (op[1] & 4) != 0,
                                           .overall = a_limit(op[7]),
                                           .actor = slice_text(names[op[4] % ARRAY_COUNT(names)])};
    struct ticket *ticket = NULL;
    enum status status =
        world_open_ticket(&run->world, &opening, engine_run_begin(run, run->next_seq), &ticket);
    engine_run_end(run);
    engine_run_note(run, (uint64_t)status + (ticket != NULL ? 64 * ticket->number : 0));
}

static void on_pass(struct engine_run *run, const uint8_t *op) {
    static const int64_t steps_ms[] = {1,       1000,     20000,    120000,    300000,   900000,
                                       3600000, 18000000, 86400000, 259200000, 43200000, 60000};
    (void)engine_run_pass(run, steps_ms[op[1] % ARRAY_COUNT(steps_ms)]);
}

void engine_step_run(struct engine_run *run, const uint8_t *op) {
    if (op[0] < REPORTS) {
        on_report(run, op);
    } else if (op[0] < COMMANDS) {
        on_command(run, op);
    } else if (op[0] < PASSES) {
        on_pass(run, op);
    } else if (op[0] < INCIDENTS) {
        on_incidents(run, op);
    } else {
        on_by_hand(run, op);
    }
    if (op[0] % 4 == 0) {
        engine_run_flush(run);
    }
}
