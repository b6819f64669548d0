/* GET /v1/reports/{seq} */
#include "core/base/check.h"
#include "server/api/audit.h"
#include "server/api/caller.h"
#include "server/api/request_job.h"
#include "server/api/routes.h"
#include "server/api/timeline_query.h"
#include "server/domain/incident_json.h"
#include "server/domain/incident_rows.h"
#include "server/personal.h"
#include "server/process/log.h"
#include "server/report_json.h"
#include "server/services.h"

#include <stdlib.h>

struct report_read {
    struct request_job job;
    struct db *db;
    struct region_ref *regions;
    struct principal principal; /* who asks */
    struct personal personal;
    const struct policy *policy;
    uint64_t seq, taken_into;
    bool is_report;
    struct report_place place;
    struct buffer match;
    enum status status;
    struct error error;
    struct buffer answer;
};

/* Other kinds of entries are no reports, and what is outside is as if it were not there. */
static bool note_taken(void *context, const struct timeline_row *row) {
    struct report_read *read = context;
    struct record record;
    CHECK(row->seq == read->seq);
    read->is_report = row->entry.kind == ENTRY_REPORT &&
                      access_reaches(&read->principal, read->regions->table, row->entry.region);
    read->taken_into = record_decode(&record, row->record) ? record.incident : 0;
    return false;
}

static bool keep_row(void *context, const struct timeline_row *row) {
    struct report_read *read = context;
    struct json_out out;
    json_out_init(&out, &read->answer);
    report_json_write_placed(&out, personal_row(&read->personal, row, read->policy),
                             read->regions->table, &read->place);
    return false;
}

static void write_match(struct report_read *read, const struct report_whereabouts *now) {
    struct json_out out;
    json_out_init(&out, &read->match);
    if (now->has_match) {
        incident_json_match(&out, &now->match);
    } else {
        json_out_null(&out);
    }
    read->place = (struct report_place){now->incident, now->ticket, buffer_slice(&read->match)};
}

static void run(struct request_job *job) {
    struct report_read *read = (struct report_read *)job;
    struct report_whereabouts now;
    read->status = db_read_seq(read->db, read->seq, note_taken, read, &read->error);
    if (read->status != STATUS_OK || !read->is_report) {
        return;
    }
    read->status =
        report_whereabouts_read(&now, read->db, read->seq, read->taken_into, &read->error);
    if (read->status == STATUS_OK) {
        write_match(read, &now);
        read->status = db_read_seq(read->db, read->seq, keep_row, read, &read->error);
    }
}

static void answer_not_found(struct http_request *request) {
    http_problem(request, 404, "not found", "no report has this sequence number", NULL);
}

static void finish(struct request_job *job) {
    struct report_read *read = (struct report_read *)job;
    struct http_request *request = job->request;
    if (read->status == STATUS_OK && read->answer.bytes > 0) {
        audit_personal(request, &read->personal);
        http_respond(request, 200, "application/json", buffer_slice(&read->answer));
    } else if (read->status == STATUS_OK || read->status == STATUS_NOT_FOUND) {
        answer_not_found(request);
    } else {
        log_line(LOG_LEVEL_ERROR, LOG_HTTP, "a report could not be read", "seq", LOG_U64, read->seq,
                 "error", LOG_TEXT, read->error.message, NULL);
        http_problem(request, 503, "not available", "the stored report could not be read", NULL);
    }
}

static void release(struct request_job *job) {
    struct report_read *read = (struct report_read *)job;
    region_ref_release(read->regions);
    personal_deinit(&read->personal);
    buffer_deinit(&read->answer);
    buffer_deinit(&read->match);
    free(read);
}

void api_report_get_on_headers(struct http_request *request) {
    struct services *services = services_of(request);
    uint64_t seq;
    if (!parameter_number(&seq, http_param(request, "seq"))) {
        answer_not_found(request);
        return;
    }
    struct report_read *read = calloc(1, sizeof *read);
    CHECK(read != NULL);
    read->job.run = run;
    read->job.finish = finish;
    read->job.release = release;
    read->db = services->db;
    read->regions = region_ref_acquire(regions_current(services->regions));
    read->principal = *caller_principal(request);
    caller_personal(request, &read->personal);
    read->policy = services->policy;
    read->seq = seq;
    buffer_init(&read->answer);
    buffer_init(&read->match);
    request_job_attach(&read->job, request);
    request_job_start(&read->job);
}

void api_report_get_on_done(struct http_request *request) {
    request_job_on_done(request);
}
