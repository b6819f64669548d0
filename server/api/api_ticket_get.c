/* GET /v1/tickets/{id} and its clock, as of the last commit. */
#include "core/base/check.h"
#include "core/report/record.h"
#include "server/api/api_tickets.h"
#include "server/api/audit.h"
#include "server/api/body.h"
#include "server/api/caller.h"
#include "server/api/request_job.h"
#include "server/api/routes.h"
#include "server/domain/driver.h"
#include "server/domain/event_json.h"
#include "server/personal.h"
#include "server/process/log.h"

#include <stdlib.h>
#include <string.h>

struct ticket_read {
    struct request_job job;
    struct services *services; /* loop thread */
    struct db *db;
    uint64_t number;
    bool is_clock;
    struct principal principal; /* who asks */
    struct personal personal;
    struct ticket_actor actor;
    struct ticket_scene scene;
    struct ticket_view view;
    uint64_t durable_seq; /* before the row was read */
    bool is_ahead;        /* the row is of a commit whose entries nobody can read yet */
    enum status status;
    struct error error;
    struct buffer events; /* of the history, newest first */
    struct buffer ends;   /* size_t: where each of them ends */
    uint64_t previous;
    struct buffer answer;
};

bool ticket_of_path(struct http_request *request, uint64_t *ret_number) {
    if (name_parse(ret_number, 't', http_param(request, "id"))) {
        return true;
    }
    ticket_answer_unknown(request);
    return false;
}

void ticket_answer_unknown(struct http_request *request) {
    http_problem(request, 404, "not found", "there is no such ticket", NULL);
}

void ticket_view_now(struct ticket_view *view, struct ticket_scene *scene,
                     struct services *services, const struct ticket *ticket) {
    const struct docket *docket = &driver_world(services->driver)->docket;
    CHECK(ticket != NULL);
    ticket_scene_init(scene, services->driver, regions_current(services->regions));
    ticket_view_copy(view, scene, ticket, joint_of(&docket->joints, ticket->joint));
}

void ticket_write_object(struct buffer *to, const struct ticket_view *view,
                         const struct ticket_actor *actor) {
    struct json_out out;
    json_out_init(&out, to);
    json_out_object_begin(&out);
    ticket_json_members(&out, view);
    ticket_json_allowed(&out, view, actor);
    json_out_object_end(&out);
}

static enum status get_row(struct ticket_read *read, enum family family, struct slice key,
                           struct store_value *ret) {
    return db_get_row(read->db, family, key, ret, &read->error);
}

static enum status read_ticket(struct ticket_read *read) {
    uint8_t key[TICKET_KEY_BYTES];
    struct store_value row;
    ticket_key_encode(key, read->number);
    enum status status = get_row(read, FAMILY_TICKETS, (struct slice){key, sizeof key}, &row);
    if (status == STATUS_OK) {
        status = ticket_view_decode(&read->view, &read->scene, row.bytes);
        store_value_free(&row);
    }
    if (status == STATUS_OK &&
        !access_reaches(&read->principal, read->scene.regions->table, read->view.ticket.region)) {
        return STATUS_NOT_FOUND;
    }
    return status;
}

/* The number behind "previous" of an event's own text: members that people write cannot look so,
 * since their quotes are escaped. */
static uint64_t previous_of(struct slice own) {
    static const char member[] = "\"previous\":";
    const uint8_t *end = own.data + own.bytes;
    const uint8_t *at = own.bytes == 0 ? NULL : memmem(own.data, own.bytes, member, strlen(member));
    uint64_t value = 0;
    if (at == NULL) {
        return 0;
    }
    for (at += strlen(member); at < end && *at >= '0' && *at <= '9'; at++) {
        value = value * 10 + (uint64_t)(*at - '0');
    }
    return value;
}

static bool keep_event(void *context, const struct timeline_row *row) {
    struct ticket_read *read = context;
    if (row->entry.kind == ENTRY_REPORT) {
        read->previous = 0;
        return false;
    }
    struct json_out out;
    json_out_init(&out, &read->events);
    event_json_write(&out, personal_row(&read->personal, row, read->scene.policy),
                     read->scene.regions->table, read->scene.policy);
    buffer_append(&read->ends, &read->events.bytes, sizeof read->events.bytes);
    uint64_t previous = previous_of(event_json_own(row));
    read->previous = previous < row->seq ? previous : 0;
    return false;
}

/* Walks back from the newest event. What has aged out of the journal ends it. */
static enum status read_history(struct ticket_read *read) {
    read->previous = read->view.ticket.last_event_seq;
    for (size_t count = 0; count < TICKET_HISTORY_MAX && read->previous != 0; count++) {
        uint64_t seq = read->previous;
        enum status status = db_read_seq(read->db, seq, keep_event, read, &read->error);
        if (status == STATUS_NOT_FOUND) {
            read->is_ahead = seq > read->durable_seq;
            return STATUS_OK;
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* Oldest first. */
static void write_history(struct ticket_read *read, struct json_out *out) {
    size_t count = read->ends.bytes / sizeof(size_t);
    json_out_key(out, "history");
    json_out_array_begin(out);
    for (size_t i = count; i > 0; i--) {
        size_t ends[2] = {0, 0}; /* of the event before it and its own */
        memcpy(&ends[1], read->ends.data + (i - 1) * sizeof ends[1], sizeof ends[1]);
        if (i > 1) {
            memcpy(&ends[0], read->ends.data + (i - 2) * sizeof ends[0], sizeof ends[0]);
        }
        json_out_raw(out, (struct slice){read->events.data + ends[0], ends[1] - ends[0]});
    }
    json_out_array_end(out);
    json_out_key_bool(out, "history_truncated", read->previous != 0);
}

/* How many reports the work stands on. */
static enum status write_sources(struct ticket_read *read, struct json_out *out) {
    uint8_t key[INCIDENT_KEY_BYTES];
    struct store_value row;
    struct incident incident = {.reports_count = 0};
    union incident_detail detail;
    enum status status = STATUS_OK;
    if (read->view.ticket.incident != 0) {
        incident_key(key, read->view.ticket.incident);
        status = get_row(read, FAMILY_INCIDENTS, (struct slice){key, sizeof key}, &row);
        if (status == STATUS_OK) {
            bool sound =
                incident_row_decode(&incident, &detail, (struct slice){key, sizeof key}, row.bytes);
            store_value_free(&row);
            status = sound ? STATUS_OK : STATUS_CORRUPT;
        } else if (status == STATUS_NOT_FOUND) {
            status = STATUS_OK;
        }
    }
    json_out_key(out, "sources");
    json_out_object_begin(out);
    json_out_key_u64(out, "reports_count", incident.reports_count);
    json_out_object_end(out);
    return status;
}

static enum status write_ticket(struct ticket_read *read) {
    struct json_out out;
    enum status status = read_history(read);
    if (status != STATUS_OK || read->is_ahead) {
        return status;
    }
    json_out_init(&out, &read->answer);
    json_out_object_begin(&out);
    ticket_json_members(&out, &read->view);
    status = write_sources(read, &out);
    ticket_json_allowed(&out, &read->view, &read->actor);
    write_history(read, &out);
    json_out_object_end(&out);
    return status;
}

static void write_clocks(struct ticket_read *read) {
    const struct ticket_view *view = &read->view;
    struct json_out out;
    json_out_init(&out, &read->answer);
    json_out_object_begin(&out);
    json_out_name(&out, "id", 't', view->ticket.number);
    json_out_key_text(&out, "state", ticket_state_name((enum ticket_state)view->ticket.state));
    json_out_key_u64(&out, "version", view->ticket.version);
    json_out_instant_or_null(&out, "as_of", read->scene.now_ms);
    json_out_key_text(&out, "light", light_name(ticket_light(&view->context, &view->ticket)));
    json_out_instant_or_null(&out, "due_at", ticket_due_ms(&view->ticket));
    ticket_json_clocks(&out, view);
    json_out_object_end(&out);
}

static void run(struct request_job *job) {
    struct ticket_read *read = (struct ticket_read *)job;
    read->is_ahead = false;
    read->status = read_ticket(read);
    if (read->status == STATUS_OK && read->is_clock) {
        write_clocks(read);
    } else if (read->status == STATUS_OK) {
        read->status = write_ticket(read);
    }
}

static void start(struct ticket_read *read) {
    read->durable_seq = committer_durable_seq(read->services->committer);
    buffer_reset(&read->events);
    buffer_reset(&read->ends);
    buffer_reset(&read->answer);
    request_job_start(&read->job);
}

static void finish(struct request_job *job) {
    struct ticket_read *read = (struct ticket_read *)job;
    struct http_request *request = job->request;
    if (read->status == STATUS_OK && read->is_ahead) {
        start(read);
    } else if (read->status == STATUS_OK) {
        audit_personal(request, &read->personal);
        http_respond(request, 200, "application/json", buffer_slice(&read->answer));
    } else if (read->status == STATUS_NOT_FOUND) {
        ticket_answer_unknown(request);
    } else {
        log_line(LOG_LEVEL_ERROR, LOG_HTTP, "a ticket could not be read", "ticket", LOG_U64,
                 read->number, "error", LOG_TEXT, read->error.message, NULL);
        http_problem(request, 503, "not available", "the stored ticket could not be read", NULL);
    }
}

static void release(struct request_job *job) {
    struct ticket_read *read = (struct ticket_read *)job;
    ticket_scene_deinit(&read->scene);
    personal_deinit(&read->personal);
    buffer_deinit(&read->events);
    buffer_deinit(&read->ends);
    buffer_deinit(&read->answer);
    free(read);
}

/* Who asks, where no token says it. */
static bool read_role(struct http_request *request, uint32_t *ret_roles) {
    struct slice text;
    *ret_roles = ROLE_ANY;
    if (!http_query(request, "role", &text) || ticket_role_parse(ret_roles, text)) {
        return true;
    }
    http_problem(request, 400, "bad query parameter", "role: there is no such role", NULL);
    return false;
}

static void begin(struct http_request *request, bool is_clock) {
    uint64_t number;
    uint32_t roles;
    if (!ticket_of_path(request, &number) || !read_role(request, &roles)) {
        return;
    }
    struct services *services = services_of(request);
    struct ticket_read *read = calloc(1, sizeof *read);
    CHECK(read != NULL);
    read->job.run = run;
    read->job.finish = finish;
    read->job.release = release;
    read->services = services;
    read->db = services->db;
    read->number = number;
    read->is_clock = is_clock;
    read->principal = *caller_principal(request);
    caller_personal(request, &read->personal);
    read->actor = (struct ticket_actor){.roles = roles, .region = REGION_NONE};
    caller_fill_actor(request, &read->actor);
    read->actor.name = (struct slice){NULL, 0}; /* not there any more on the pool */
    ticket_scene_init(&read->scene, services->driver, regions_current(services->regions));
    buffer_init(&read->events);
    buffer_init(&read->ends);
    buffer_init(&read->answer);
    request_job_attach(&read->job, request);
    start(read);
}

void api_ticket_get_on_headers(struct http_request *request) {
    begin(request, false);
}

void api_ticket_clock_on_headers(struct http_request *request) {
    begin(request, true);
}
