/* GET /v1/incidents/{id}: the incident and a page of its members, as of the last commit. */
#include "core/base/check.h"
#include "server/api/api_incidents.h"
#include "server/api/body.h"
#include "server/api/caller.h"
#include "server/api/page.h"
#include "server/api/request_job.h"
#include "server/api/routes.h"
#include "server/process/log.h"

#include <stdlib.h>

struct incident_read {
    struct request_job job;
    struct db *db;
    struct region_ref *regions;
    struct principal principal; /* who asks */
    const struct policy *policy;
    uint64_t number, limit;
    struct member_position after; /* of the page before, then of this one */
    struct json_out out;
    uint64_t members_count;
    bool more;
    enum status status;
    struct error error;
    struct buffer answer;
};

bool incident_of_path(struct http_request *request, uint64_t *ret_number) {
    if (name_parse(ret_number, 'i', http_param(request, "id"))) {
        return true;
    }
    incident_answer_unknown(request);
    return false;
}

void incident_answer_unknown(struct http_request *request) {
    http_problem(request, 404, "not found", "there is no such incident", NULL);
}

static uint64_t binding_of(uint64_t number) {
    const uint64_t bound[] = {number};
    return cursor_binding(bound, ARRAY_COUNT(bound));
}

static bool take_member(void *context, const struct member *member) {
    struct incident_read *read = context;
    if (read->members_count == read->limit) {
        read->more = true;
        return false;
    }
    read->members_count++;
    read->after = (struct member_position){member->incident, member->sighting.seq};
    incident_json_member(&read->out, member, read->regions->table, read->policy);
    return !request_job_cancelled(&read->job);
}

static enum status write_members(struct incident_read *read) {
    struct buffer numbers;
    char cursor[CURSOR_TEXT_BYTES_MAX];
    buffer_init(&numbers);
    json_out_key(&read->out, "members");
    json_out_array_begin(&read->out);
    enum status status = incident_rows_under(&numbers, read->db, read->number, &read->error);
    if (status == STATUS_OK) {
        status = incident_rows_walk(read->db, buffer_slice(&numbers), read->after, take_member,
                                    read, &read->error);
    }
    json_out_array_end(&read->out);
    json_out_key(&read->out, "next_cursor");
    if (read->more) {
        cursor_from_numbers(cursor, CURSOR_MEMBERS, binding_of(read->number),
                            (struct cursor_numbers){read->after.under, read->after.seq});
    }
    json_out_text(&read->out, read->more ? cursor : NULL);
    buffer_deinit(&numbers);
    return status;
}

static void run(struct request_job *job) {
    struct incident_read *read = (struct incident_read *)job;
    struct incident_row row;
    read->status = incident_row_read(&row, read->db, read->number, &read->error);
    if (read->status == STATUS_OK &&
        !access_reaches(&read->principal, read->regions->table, row.incident.region)) {
        read->status = STATUS_NOT_FOUND;
    }
    if (read->status == STATUS_OK) {
        json_out_init(&read->out, &read->answer);
        json_out_object_begin(&read->out);
        incident_json_members(&read->out, &row.incident, read->regions->table, read->policy);
        read->status = write_members(read);
        json_out_object_end(&read->out);
    }
}

static void finish(struct request_job *job) {
    struct incident_read *read = (struct incident_read *)job;
    struct http_request *request = job->request;
    if (read->status == STATUS_OK) {
        http_respond(request, 200, "application/json", buffer_slice(&read->answer));
    } else if (read->status == STATUS_NOT_FOUND) {
        incident_answer_unknown(request);
    } else {
        log_line(LOG_LEVEL_ERROR, LOG_HTTP, "an incident could not be read", "incident", LOG_U64,
                 read->number, "error", LOG_TEXT, read->error.message, NULL);
        http_problem(request, 503, "not available", "the stored incident could not be read", NULL);
    }
}

static void release(struct request_job *job) {
    struct incident_read *read = (struct incident_read *)job;
    region_ref_release(read->regions);
    buffer_deinit(&read->answer);
    free(read);
}

/* The page of members that is asked for. */
static bool read_page(struct http_request *request, uint64_t number, struct page *ret) {
    if (!page_read(ret, request, CURSOR_MEMBERS, binding_of(number))) {
        return false;
    }
    if (ret->after.second == UINT64_MAX) {
        page_refuse_cursor(request);
        return false;
    }
    return true;
}

void api_incident_get_on_headers(struct http_request *request) {
    struct services *services = services_of(request);
    uint64_t number;
    struct page page;
    if (!incident_of_path(request, &number) || !read_page(request, number, &page)) {
        return;
    }
    struct incident_read *read = calloc(1, sizeof *read);
    CHECK(read != NULL);
    read->job.run = run;
    read->job.finish = finish;
    read->job.release = release;
    read->db = services->db;
    read->regions = region_ref_acquire(regions_current(services->regions));
    read->policy = services->policy;
    read->principal = *caller_principal(request);
    read->number = number;
    read->limit = page.limit;
    read->after = (struct member_position){page.after.first, page.after.second};
    buffer_init(&read->answer);
    request_job_attach(&read->job, request);
    request_job_start(&read->job);
}
