#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/text/json.h"
#include "core/ticket/ticket_fire.h"
#include "tests/fuzz/engine_run.h"

#include <string.h>

/* Each row, as it is written: what is decoded is encoded the same. */

static void check_incident(struct slice key, struct slice value) {
    static union incident_detail detail;
    struct incident incident;
    uint8_t again[INCIDENT_ROW_BYTES_MAX];
    CHECK(incident_row_decode(&incident, &detail, key, value));
    size_t bytes = incident_row_encode(again, &incident);
    CHECK(slice_equal((struct slice){again, bytes}, value));
    CHECK((incident.state == INCIDENT_MERGED) == (incident.merged_into != 0));
    CHECK(incident.merged_into == 0 || incident.merged_into != incident.number);
    CHECK(incident.reports_count > 0 && incident.first_seen_ms <= incident.last_seen_ms);
}

static void check_member(struct slice key, struct slice value) {
    struct member member;
    uint8_t again[MEMBER_ROW_BYTES_MAX];
    CHECK(member_row_decode(&member, key, value));
    size_t bytes = member_row_encode(again, &member);
    CHECK(slice_equal((struct slice){again, bytes}, value));
}

static void check_ticket(struct slice value) {
    static struct ticket ticket;
    static struct joint joint;
    static uint8_t again[TICKET_ROW_BYTES_MAX];
    bool has_joint;
    CHECK(ticket_row_decode(&ticket, &joint, &has_joint, value) == STATUS_OK);
    size_t bytes = ticket_row_encode(again, &ticket, has_joint ? &joint : NULL);
    CHECK(slice_equal((struct slice){again, bytes}, value));
    bool is_final = ticket_state_is_final((enum ticket_state)ticket.state);
    CHECK(is_final == (ticket.next_due_ms == INT64_MAX));
    CHECK(ticket.state != TICKET_MERGED || ticket.survivor < ticket.number);
    CHECK(ticket.version > 0 && ticket.events_count > 0 && ticket.last_event_seq >= ticket.number);
    CHECK(ticket.priority >= 1 && ticket.priority <= 4);
}

static void check_directive(struct slice key, struct slice value) {
    struct directive directive;
    struct addressee addressee;
    if (key.bytes != DIRECTIVE_KEY_BYTES) {
        CHECK(addressee_row_decode(&addressee, key, value) == STATUS_OK);
        return;
    }
    CHECK(directive_row_decode(&directive, value) == STATUS_OK);
    CHECK(directive.share.done + directive.share.voided <= directive.addressees_count);
    CHECK(directive.share.receipted_late <= directive.share.receipted);
    CHECK(directive.share.done_late <= directive.share.done);
}

void engine_check_row(enum row_family family, struct slice key, struct slice value) {
    switch (family) {
    case ROW_INCIDENT:
        check_incident(key, value);
        break;
    case ROW_MEMBER:
        check_member(key, value);
        break;
    case ROW_TICKET:
        check_ticket(value);
        break;
    case ROW_DIRECTIVE:
        check_directive(key, value);
        break;
    case ROW_DEADLINE:
    case ROW_MOVED:
        break;
    }
}

/* All rows together. */

static void expect_deadline(const struct engine_run *run, const struct deadline *deadline,
                            bool may_miss, size_t *found) {
    uint8_t key[DEADLINE_KEY_BYTES];
    deadline_key_encode(key, deadline);
    bool is_there = engine_run_row(run, ROW_DEADLINE, (struct slice){key, sizeof key}) != NULL;
    CHECK(is_there || may_miss);
    *found += is_there;
}

static struct incident stored_incident(const struct engine_run *run, uint64_t number) {
    static union incident_detail detail;
    struct incident incident;
    uint8_t key[INCIDENT_KEY_BYTES];
    incident_key(key, number);
    const struct run_row *row = engine_run_row(run, ROW_INCIDENT, (struct slice){key, sizeof key});
    CHECK(row != NULL);
    CHECK(incident_row_decode(&incident, &detail, (struct slice){key, sizeof key}, row->value));
    return incident;
}

/* Members of an incident and of those merged into it. */
static size_t count_members(const struct engine_run *run, uint64_t number) {
    size_t count = 0;
    for (size_t i = 0; i < run->rows_count; i++) {
        const struct run_row *row = &run->rows[i];
        if (row->family == ROW_MEMBER) {
            uint64_t under = load_u64_be(row->key);
            const struct incident incident = stored_incident(run, under);
            count += (incident.merged_into != 0 ? incident.merged_into : under) == number;
        }
    }
    return count;
}

static void check_incident_row(const struct engine_run *run, const struct run_row *row,
                               size_t *found) {
    const struct incident incident = stored_incident(run, load_u64_be(row->key));
    if (incident.state == INCIDENT_MERGED) {
        uint8_t key[MEMBER_KEY_BYTES];
        CHECK(stored_incident(run, incident.merged_into).state != INCIDENT_MERGED);
        member_key(key, incident.merged_into, incident.number);
        CHECK(engine_run_row(run, ROW_MOVED, (struct slice){key, sizeof key}) != NULL);
        return;
    }
    CHECK(count_members(run, incident.number) == incident.reports_count);
    if (incident.due_ms != INT64_MAX) {
        const struct deadline deadline = {
            .due_ms = incident.due_ms, .object = incident.number, .stage = DEADLINE_SUMMARY};
        /* One that is over keeps in its row since when, for whoever starts up. */
        expect_deadline(run, &deadline, incident.state != INCIDENT_OPEN, found);
    }
}

static void check_ticket_row(const struct engine_run *run, const struct run_row *row,
                             size_t *found) {
    static struct ticket ticket;
    static struct joint joint;
    bool has_joint;
    CHECK(ticket_row_decode(&ticket, &joint, &has_joint, row->value) == STATUS_OK);
    if (ticket.next_due_ms != INT64_MAX) {
        const struct deadline deadline =
            ticket_deadline(ticket.number, ticket.next_due_ms, ticket.due_key);
        CHECK(deadline_is_sound(&deadline));
        expect_deadline(run, &deadline, false, found);
        CHECK(docket_find(&run->world.docket, ticket.number) != NULL);
    }
}

static void check_directive_row(const struct engine_run *run, size_t at) {
    struct directive directive;
    struct directive_share sum = {0};
    uint32_t addressees = 0;
    CHECK(directive_row_decode(&directive, run->rows[at].value) == STATUS_OK);
    for (size_t i = at + 1; i < run->rows_count; i++) {
        const struct run_row *row = &run->rows[i];
        struct addressee addressee;
        if (row->family != ROW_DIRECTIVE || row->key_bytes != ADDRESSEE_KEY_BYTES) {
            break;
        }
        CHECK(addressee_row_decode(&addressee, (struct slice){row->key, row->key_bytes},
                                   row->value) == STATUS_OK);
        CHECK(addressee.directive == directive.number && addressee.index == addressees++);
        sum.receipted += addressee.share.receipted;
        sum.receipted_late += addressee.share.receipted_late;
        sum.done += addressee.share.done;
        sum.done_late += addressee.share.done_late;
        sum.returned += addressee.share.returned;
        sum.voided += addressee.share.voided;
    }
    CHECK(addressees == directive.addressees_count);
    CHECK(memcmp(&sum, &directive.share, sizeof sum) == 0);
}

/* A report that was taken into an incident is a member of one, once; the others of none. */
static void check_reports(const struct engine_run *run) {
    size_t members = 0, taken = 0;
    for (size_t i = 0; i < run->rows_count; i++) {
        members += run->rows[i].family == ROW_MEMBER;
    }
    for (size_t i = 0; i < run->reports_count; i++) {
        const struct run_report *report = &run->reports[i];
        size_t found = 0;
        for (size_t k = 0; k < run->rows_count; k++) {
            const struct run_row *row = &run->rows[k];
            found += row->family == ROW_MEMBER && load_u64_be(row->key + 8) == report->seq;
        }
        CHECK(found == (report->incident != 0 ? 1 : 0));
        taken += report->incident != 0;
    }
    CHECK(members == taken);
}

void engine_check_rows(const struct engine_run *run) {
    size_t found = 0, deadlines = 0;
    for (size_t i = 0; i < run->rows_count; i++) {
        const struct run_row *row = &run->rows[i];
        if (row->family == ROW_INCIDENT) {
            check_incident_row(run, row, &found);
        } else if (row->family == ROW_TICKET) {
            check_ticket_row(run, row, &found);
        } else if (row->family == ROW_DIRECTIVE && row->key_bytes == DIRECTIVE_KEY_BYTES) {
            check_directive_row(run, i);
        }
        deadlines += row->family == ROW_DEADLINE;
    }
    CHECK(found == deadlines); /* none is left of what does not wait */
    check_reports(run);
}

void engine_check_event(const struct event *event) {
    static struct json_reader reader;
    const struct json_bounds bounds = {
        .depth = JSON_DEPTH_CAP, .keys = JSON_KEYS_CAP, .string_bytes = 1 << 20};
    struct json_token token;
    CHECK(event->object != 0 && event->json.bytes >= 2 && event->json.data[0] == '{');
    CHECK(event->severity >= SEVERITY_EXTREME && event->severity <= SEVERITY_MINOR);
    json_init(&reader, &bounds, event->json);
    do {
        json_next_into(&reader, &token);
        CHECK(token.kind != JSON_ERROR);
    } while (token.kind != JSON_DONE);
}
