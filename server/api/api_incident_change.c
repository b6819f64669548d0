/* POST /v1/incidents/{id}/merge and /unmerge */
#include "core/base/check.h"
#include "server/api/api_incidents.h"
#include "server/api/audit.h"
#include "server/api/body_values.h"
#include "server/api/caller.h"
#include "server/api/routes.h"
#include "server/domain/driver.h"
#include "server/domain/ticket_json.h"
#include "server/domain/ticket_load.h"

#include <stdio.h>
#include <stdlib.h>

enum { UNMERGE_TRIES_MAX = 16 };

struct incident_change {
    struct change change;
    struct body body;
    uint64_t number;
    uint64_t into;              /* of a merge */
    struct buffer seqs;         /* u64, of an un-merge */
    struct principal principal; /* who asks, for the pool */
    struct region_ref *regions;
    struct driver_asked asked;
    /* What is known of them from their rows. */
    bool is_there, is_into_there, is_failed;
    struct buffer members; /* struct member, by rising seq */
    size_t next_member;
    struct ticket_load *load; /* of the ticket that an un-merge brings back */
    unsigned tries;
};

static struct incident_change *of(struct change *change) {
    return (struct incident_change *)(void *)change;
}

static const struct incident *in_memory(const struct incident_change *change, uint64_t number) {
    return incidents_find(&driver_world(change->change.services->driver)->incidents, number);
}

static bool may_see(const struct incident_change *change, const struct incident *incident) {
    return access_reaches(&change->principal, change->regions->table, incident->region);
}

static uint64_t tell(const struct incident_change *change, const char *act, uint32_t region) {
    char name[24];
    (void)snprintf(name, sizeof name, "i%llu", (unsigned long long)change->number);
    return audit_request(
        change->change.request,
        &(struct audit_act){.act = act, .object = slice_text(name), .region = region});
}

static void answer(struct change *change) {
    change_answer(change, 200);
}

/* `other`: member and number of the incident beside it. */
static void write_incident(struct incident_change *change, uint64_t number, const char *other_key,
                           uint64_t other) {
    const struct services *services = change->change.services;
    const struct incident *incident = in_memory(change, number);
    struct json_out out;
    CHECK(incident != NULL);
    json_out_init(&out, &change->change.answer);
    json_out_object_begin(&out);
    incident_json_members(&out, incident, regions_current(services->regions)->table,
                          services->policy);
    json_out_name(&out, other_key, 'i', other);
    json_out_object_end(&out);
}

/* 409 with a word for programs. */
static void refuse(struct incident_change *change, const char *reason, const char *detail) {
    const struct incident *incident = in_memory(change, change->number);
    struct json_out out;
    json_out_init(&out, &change->change.answer);
    json_out_object_begin(&out);
    json_out_key_text(&out, "reason", reason);
    if (incident != NULL) {
        json_out_key_text(&out, "state", incident_state_name((enum incident_state)incident->state));
        json_out_name(&out, "merged_into", 'i', incident->merged_into);
    }
    json_out_object_end(&out);
    change_problem(&change->change, 409, "not possible now", detail);
}

/* Is it known at all, to who asks? */
static bool is_stored(struct incident_change *change, uint64_t number) {
    struct incident_row row;
    enum status status = incident_row_read(&row, change->change.services->db, number, NULL);
    change->is_failed = change->is_failed || (status != STATUS_OK && status != STATUS_NOT_FOUND);
    return status == STATUS_OK &&
           access_reaches(&change->principal, change->regions->table, row.incident.region);
}

static void look_up(struct change *base) {
    struct incident_change *change = of(base);
    change->is_there = is_stored(change, change->number);
    change->is_into_there = change->into != 0 && is_stored(change, change->into);
}

/* An incident that is not in memory was over long ago, or never was. */
static void answer_not_in_memory(struct change *base) {
    struct incident_change *change = of(base);
    if (change->is_failed) {
        change_problem(base, 503, "not available", "the stored incident could not be read");
    } else if (!change->is_there) {
        incident_answer_unknown(base->request);
    } else if (change->into != 0 && !change->is_into_there) {
        change_invalid(base, "/into", "there is no such incident");
    } else {
        refuse(change, "over", "the incident was closed so long ago that nothing can join it");
    }
}

/* Merging. */

static void refuse_merge(struct incident_change *change, const struct incident *a,
                         const struct incident *b) {
    if (a->state == INCIDENT_MERGED) {
        refuse(change, "merged", "the incident is part of another one already");
    } else if (a->state != INCIDENT_OPEN || b->state != INCIDENT_OPEN) {
        refuse(change, "state", "both incidents must be open");
    } else if (a->detail_kind == DETAIL_ALARM || b->detail_kind == DETAIL_ALARM) {
        refuse(change, "alarm", "alarms of two devices are two things");
    } else {
        refuse(change, "class", "incidents of two merge classes are two things");
    }
}

static void merge(struct incident_change *change) {
    struct services *services = change->change.services;
    const struct incidents *incidents = &driver_world(services->driver)->incidents;
    const struct incident *a = in_memory(change, change->number);
    const struct incident *b = incidents_resolve(incidents, change->into);
    struct driver_step step;
    uint64_t survivor;
    if (a == NULL || b == NULL || !may_see(change, a) || !may_see(change, b)) {
        change_run(&change->change, look_up, answer_not_in_memory);
        return;
    }
    if (a == b) {
        change_invalid(&change->change, "/into", "an incident is not merged into itself");
        return;
    }
    uint64_t numbers[] = {a->number, b->number};
    uint32_t region = a->region;
    audit_reserve(services);
    if (driver_merge(services->driver, numbers[0], numbers[1], &change->asked, &survivor, &step) !=
        STATUS_OK) {
        refuse_merge(change, a, b);
        return;
    }
    write_incident(change, survivor, "merged", survivor == numbers[0] ? numbers[1] : numbers[0]);
    change_wait(&change->change, max_u64(step.seq, tell(change, "incident.merge", region)), answer);
}

/* Who asks and why; another name is refused as `detail` says. */
static bool read_asked(struct incident_change *change, struct slice name, const char *detail) {
    struct body *body = &change->body;
    if (slice_is(name, "actor")) {
        return body_is_null(body) ||
               body_bounded_text(body, EFFECTS_ACTOR_BYTES_MAX, "it is longer than 128 bytes",
                                 &change->asked.actor);
    }
    if (slice_is(name, "note")) {
        return body_is_null(body) ||
               body_bounded_text(body, EFFECTS_NOTE_BYTES_MAX, "it is longer than 2048 bytes",
                                 &change->asked.note);
    }
    return body_refuse(body, detail);
}

/* Who has a token is whom it names. */
static void settle_actor(struct incident_change *change) {
    if (!caller_is_unknown(change->change.request)) {
        change->asked.actor = caller_name(change->change.request);
    }
}

static bool read_merge(struct incident_change *change) {
    struct body *body = &change->body;
    struct slice name;
    if (!body_object(body)) {
        return false;
    }
    while (body_member(body, &name)) {
        if (!slice_is(name, "into")) {
            if (!read_asked(change, name, "a merge has no such member")) {
                return false;
            }
        } else if (!body_is_null(body) && !body_name(body, 'i', &change->into)) {
            return false;
        }
    }
    return body_end(body) && (change->into != 0 || body_blame(body, "/into", "it must be named"));
}

static void take_merge(struct change *base) {
    struct incident_change *change = of(base);
    body_init(&change->body, buffer_slice(&base->body), &base->services->config->limits);
    if (!read_merge(change)) {
        body_answer_problem(&change->body, base);
    } else if (!change_is_refused(base->request)) {
        settle_actor(change);
        merge(change);
    }
}

/* Un-merging: its members are read first, as they stand when all that came before is on disk. */

static int compare_members(const void *a, const void *b) {
    const struct member *left = a, *right = b;
    return (left->sighting.seq > right->sighting.seq) - (left->sighting.seq < right->sighting.seq);
}

static size_t members_count(const struct incident_change *change) {
    return change->members.bytes / sizeof(struct member);
}

static bool keep_member(void *context, const struct member *member) {
    struct incident_change *change = context;
    if (members_count(change) == UNMERGE_MEMBERS_MAX) {
        return false;
    }
    buffer_append(&change->members, member, sizeof *member);
    return true;
}

static void read_members(struct change *base) {
    struct incident_change *change = of(base);
    struct buffer numbers;
    buffer_init(&numbers);
    buffer_reset(&change->members);
    enum status status = incident_rows_under(&numbers, base->services->db, change->number, NULL);
    if (status == STATUS_OK) {
        status = incident_rows_walk(base->services->db, buffer_slice(&numbers),
                                    (struct member_position){0, 0}, keep_member, change, NULL);
    }
    buffer_deinit(&numbers);
    change->is_failed = status != STATUS_OK;
    if (members_count(change) > 0) {
        qsort(change->members.data, members_count(change), sizeof(struct member), compare_members);
    }
}

static bool next_member(void *context, struct member *ret) {
    struct incident_change *change = context;
    if (change->next_member == members_count(change)) {
        return false;
    }
    *ret = ((const struct member *)(const void *)change->members.data)[change->next_member++];
    return true;
}

static void rewind_members(void *context) {
    struct incident_change *change = context;
    change->next_member = 0;
}

static void start_reading(struct change *base);

/* It changes faster than it is read, or its changes are not written yet. */
static void read_again(struct incident_change *change) {
    struct committer *committer = change->change.services->committer;
    if (++change->tries == UNMERGE_TRIES_MAX) {
        change_problem(&change->change, 503, "busy", "reports keep coming in: send it again");
        return;
    }
    change_wait(&change->change, committer_next_seq(committer) - 1, start_reading);
}

static void unmerge(struct incident_change *change) {
    struct services *services = change->change.services;
    const struct incident_members members = {change, next_member, rewind_members};
    const uint64_t *seqs = (const uint64_t *)(const void *)change->seqs.data;
    struct driver_step step;
    uint64_t apart;
    audit_reserve(services);
    switch (driver_unmerge(services->driver, change->number, seqs, change->seqs.bytes / 8, &members,
                           &change->asked, &apart, &step)) {
    case STATUS_OK:
        write_incident(change, apart, "from", change->number);
        change_wait(
            &change->change,
            max_u64(step.seq, tell(change, "incident.unmerge", in_memory(change, apart)->region)),
            answer);
        return;
    case STATUS_BUSY:
        read_again(change);
        return;
    case STATUS_NOT_FOUND:
        change_invalid(&change->change, "/seq", "a report is not of this incident");
        return;
    case STATUS_CONFLICT:
        refuse(change, "all", "not all of an incident's reports can be taken out of it");
        return;
    case STATUS_FULL:
        change_problem(&change->change, 503, "full", "too many incidents are open");
        return;
    case STATUS_INVALID:
        change_invalid(&change->change, "/seq", "the policy has no longer their category");
        return;
    case STATUS_TOO_LARGE:
    case STATUS_NO_MEMORY:
    case STATUS_NO_SPACE:
    case STATUS_IO:
    case STATUS_CORRUPT:
    case STATUS_LOST:
    case STATUS_VERSION:
        break;
    }
    CHECK(false);
}

static void check_members(struct incident_change *change);

static void on_loaded(void *context, enum status status) {
    struct incident_change *change = context;
    change->load = NULL;
    if (status == STATUS_OK) {
        change->next_member = 0;
        check_members(change);
    } else {
        change_problem(&change->change, 503, "not available",
                       status == STATUS_FULL ? "too many tickets are open"
                                             : "the stored ticket could not be read");
    }
}

/* The ticket that comes back is over, so it may be on disk only. */
static void load_and_unmerge(struct incident_change *change) {
    struct services *services = change->change.services;
    const struct incident_members members = {change, next_member, rewind_members};
    uint64_t ticket = driver_unmerge_ticket(services->driver, change->number,
                                            (const uint64_t *)(const void *)change->seqs.data,
                                            change->seqs.bytes / 8, &members);
    if (ticket == 0 || ticket_is_loaded(services->ticket_loader, ticket)) {
        unmerge(change);
    } else {
        change->load = ticket_load_start(services->ticket_loader, ticket, on_loaded, change);
    }
}

/* The members were read while others may have changed the incident. */
static void check_members(struct incident_change *change) {
    const struct incident *incident = in_memory(change, change->number);
    if (incident == NULL) {
        change_run(&change->change, look_up, answer_not_in_memory);
    } else if (incident->reports_count > UNMERGE_MEMBERS_MAX) {
        refuse(change, "size", "the incident has too many reports to take it apart");
    } else if (members_count(change) != incident->reports_count) {
        read_again(change);
    } else {
        load_and_unmerge(change);
    }
}

static void on_members(struct change *base) {
    struct incident_change *change = of(base);
    change->next_member = 0;
    if (change->is_failed) {
        change_problem(base, 503, "not available", "the stored members could not be read");
    } else {
        check_members(change);
    }
}

static void start_reading(struct change *base) {
    struct incident_change *change = of(base);
    const struct incident *incident = in_memory(change, change->number);
    if (incident == NULL || !may_see(change, incident)) {
        change_run(base, look_up, answer_not_in_memory);
    } else if (incident->state == INCIDENT_MERGED) {
        refuse(change, "merged", "the incident is part of another one: take it out of that one");
    } else if (incident->detail_kind == DETAIL_ALARM) {
        refuse(change, "alarm", "an alarm's reports are of one device");
    } else {
        change_run(base, read_members, on_members);
    }
}

static int compare_seqs(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static bool read_seqs(struct incident_change *change) {
    struct body *body = &change->body;
    uint64_t seq;
    if (!body_array(body)) {
        return false;
    }
    while (body_element(body)) {
        if (change->seqs.bytes / sizeof seq == UNMERGE_SEQS_MAX) {
            return body_refuse(body, "at most 10000 reports are moved at a time");
        }
        if (!body_number(body, INT64_MAX, &seq)) {
            return false;
        }
        buffer_append(&change->seqs, &seq, sizeof seq);
    }
    return body->detail == NULL;
}

static bool read_unmerge(struct incident_change *change) {
    struct body *body = &change->body;
    struct slice name;
    if (!body_object(body)) {
        return false;
    }
    while (body_member(body, &name)) {
        if (!slice_is(name, "seq")) {
            if (!read_asked(change, name, "an un-merge has no such member")) {
                return false;
            }
        } else if (!body_is_null(body) && !read_seqs(change)) {
            return false;
        }
    }
    if (!body_end(body)) {
        return false;
    }
    size_t count = change->seqs.bytes / sizeof(uint64_t);
    if (count == 0) {
        return body_blame(body, "/seq", "reports must be named");
    }
    uint64_t *seqs = (uint64_t *)(void *)change->seqs.data;
    qsort(seqs, count, sizeof *seqs, compare_seqs);
    for (size_t i = 1; i < count; i++) {
        if (seqs[i] == seqs[i - 1]) {
            return body_blame(body, "/seq", "a report stands there twice");
        }
    }
    return true;
}

static void take_unmerge(struct change *base) {
    struct incident_change *change = of(base);
    body_init(&change->body, buffer_slice(&base->body), &base->services->config->limits);
    if (!read_unmerge(change)) {
        body_answer_problem(&change->body, base);
    } else if (!change_is_refused(base->request)) {
        settle_actor(change);
        read_again(change);
    }
}

static void release(struct change *base) {
    struct incident_change *change = of(base);
    body_deinit(&change->body);
    buffer_deinit(&change->seqs);
    buffer_deinit(&change->members);
    if (change->load != NULL) {
        ticket_load_abandon(change->load);
    }
    region_ref_release(change->regions);
    free(change);
}

static void begin(struct http_request *request, size_t body_bytes_max,
                  void (*take)(struct change *change)) {
    uint64_t number;
    if (!incident_of_path(request, &number) || change_is_refused(request)) {
        return;
    }
    struct incident_change *change = calloc(1, sizeof *change);
    CHECK(change != NULL);
    change->number = number;
    change->principal = *caller_principal(request);
    change->regions = region_ref_acquire(regions_current(services_of(request)->regions));
    buffer_init(&change->seqs);
    buffer_init(&change->members);
    change_begin(&change->change, request, body_bytes_max, take, release);
}

void api_incident_merge_on_headers(struct http_request *request) {
    begin(request, COMMAND_BODY_BYTES_MAX, take_merge);
}

void api_incident_unmerge_on_headers(struct http_request *request) {
    begin(request, ORDER_BODY_BYTES_MAX, take_unmerge);
}
