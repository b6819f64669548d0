/* GET /v1/stats and its drill-down lists: read on the pool, a few at a time. */
#include "core/base/check.h"
#include "server/api/audit.h"
#include "server/api/caller.h"
#include "server/api/request_job.h"
#include "server/api/routes.h"
#include "server/api/stats_read.h"
#include "server/personal.h"
#include "server/process/log.h"
#include "server/rules/rules.h"
#include "server/services.h"

#include <stdlib.h>
#include <string.h>

#define NS_PER_MS UINT64_C(1000000)

struct stats_request {
    struct request_job job;
    struct services *services; /* for the count of those under way */
    struct stats_source source;
    struct stats_query query;
    struct region_ref *regions;
    struct personal personal;
    struct calendar_map calendar_map; /* the driver's own changes with the tree */
    enum status status;
    struct error error;
    struct buffer answer;
};

static struct stats_request *stats_of(struct request_job *job) {
    return (struct stats_request *)job;
}

static bool cancelled(void *context) {
    return request_job_cancelled(context);
}

static void run(struct request_job *job) {
    struct stats_request *stats = stats_of(job);
    stats->status =
        stats->query.list == STATS_LIST_NONE
            ? stats_count_all(&stats->source, &stats->query, &stats->answer, &stats->error)
            : stats_list_page(&stats->source, &stats->query, &stats->answer, &stats->error);
}

static void finish(struct request_job *job) {
    struct stats_request *stats = stats_of(job);
    struct http_request *request = job->request;
    audit_personal(request, &stats->personal);
    if (stats->status == STATUS_OK) {
        http_respond(request, 200, "application/json", buffer_slice(&stats->answer));
    } else if (stats->status == STATUS_BUSY) {
        http_problem(request, 503, "too much to count", stats->error.message, NULL);
    } else {
        log_line(LOG_LEVEL_ERROR, LOG_HTTP, "statistics could not be read", "request", LOG_TEXT,
                 http_request_id(request), "error", LOG_TEXT, stats->error.message, NULL);
        http_problem(request, 503, "not available", "the statistics could not be read", NULL);
    }
}

static void release(struct request_job *job) {
    struct stats_request *stats = stats_of(job);
    CHECK(stats->services->stats_under_way > 0);
    stats->services->stats_under_way--;
    region_ref_release(stats->regions);
    personal_deinit(&stats->personal);
    buffer_deinit(&stats->answer);
    free(stats);
}

static void fill_source(struct stats_request *stats, int64_t now_ms) {
    struct services *services = stats->services;
    struct stats_source *source = &stats->source;
    struct db_stats db;
    uint32_t unknown;
    size_t policies_count = 0;
    db_stats(services->db, &db);
    stats->regions = region_ref_acquire(regions_current(services->regions));
    (void)calendar_map_build(&stats->calendar_map, services->calendars, stats->regions->table,
                             &unknown);
    *source = (struct stats_source){
        .db = services->db,
        .names = {services->policy, stats->regions->table},
        .personal = &stats->personal,
        .context = {.policy = services->policy,
                    .policies = rules_policies(services->rules, &policies_count),
                    .policies_count = policies_count,
                    .calendars = services->calendars,
                    .calendar_map = &stats->calendar_map,
                    .regions = stats->regions->table,
                    .now_ms = now_ms},
        .as_of = db.durable_seq,
        .give_up_ns = uv_hrtime() + services->config->limits.stats_ms * NS_PER_MS,
        .cancelled = cancelled,
        .cancelled_context = &stats->job,
    };
}

static void start(struct http_request *request, const struct stats_query *query, int64_t now_ms) {
    struct stats_request *stats = calloc(1, sizeof *stats);
    CHECK(stats != NULL);
    stats->job.run = run;
    stats->job.finish = finish;
    stats->job.release = release;
    stats->services = services_of(request);
    stats->query = *query;
    caller_personal(request, &stats->personal);
    buffer_init(&stats->answer);
    fill_source(stats, now_ms);
    request_job_attach(&stats->job, request);
    request_job_start(&stats->job);
}

static void begin(struct http_request *request, enum stats_list list) {
    struct services *services = services_of(request);
    const struct limits *limits = &services->config->limits;
    const struct stats_names names = {services->policy, regions_current(services->regions)->table};
    int64_t now_ms = services_now_ms(services);
    struct stats_query query;
    struct error error;
    enum status status = stats_query_read(&query, request, list, &names, limits, now_ms, &error);
    if (status == STATUS_NOT_FOUND) {
        http_problem(request, 404, "not found", error.message, NULL);
    } else if (status != STATUS_OK) {
        http_problem(request, 400, "bad query parameter", error.message, NULL);
    } else if (!stats_may_start(&services->stats_under_way, limits,
                                services->config->pool_threads)) {
        http_add_retry_after(request, 1);
        http_problem(request, 503, "busy", "enough statistics are being counted: ask again", NULL);
    } else {
        start(request, &query, now_ms);
    }
}

void api_stats_on_headers(struct http_request *request) {
    begin(request, STATS_LIST_NONE);
}

void api_stats_tickets_on_headers(struct http_request *request) {
    begin(request, STATS_LIST_TICKETS);
}

void api_stats_incidents_on_headers(struct http_request *request) {
    begin(request, STATS_LIST_INCIDENTS);
}

void api_stats_reports_on_headers(struct http_request *request) {
    begin(request, STATS_LIST_REPORTS);
}

void api_stats_on_done(struct http_request *request) {
    request_job_on_done(request);
}
