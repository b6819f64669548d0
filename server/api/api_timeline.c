/* GET /v1/grids/{code}/timeline: a page of JSON, or the whole range as a stream of NDJSON, CSV or
 * GeoJSON. The pool reads a piece, the loop writes it, and the next piece is read once the client
 * has taken nearly all of it: a slow client costs one piece of memory and no pool thread. */
#include "core/base/check.h"
#include "server/api/audit.h"
#include "server/api/caller.h"
#include "server/api/request_job.h"
#include "server/api/routes.h"
#include "server/api/timeline_read.h"
#include "server/process/log.h"
#include "server/services.h"

#include <stdlib.h>
#include <string.h>

enum {
    /* Pieces grow while the client keeps up, because ordering a subtree's day is done anew for
     * every piece. */
    PIECE_BYTES_MIN = 256 * 1024,
    PIECE_BYTES_MAX = 4 * 1024 * 1024,
    QUEUE_LOW_BYTES = 64 * 1024,
};

struct timeline_request {
    struct request_job job;
    struct timeline_read read; /* its format is NULL for a page */
    struct timeline_source source;
    struct region_ref *regions;
    struct personal personal;
    size_t piece_bytes;
    bool byte_order_mark;
    bool streaming; /* the answer's head went out */
    bool closed;    /* and its end */
    enum status status;
    struct error error;
    struct buffer piece;
};

static struct timeline_request *timeline_of(struct request_job *job) {
    return (struct timeline_request *)job;
}

static bool cancelled(void *context) {
    return request_job_cancelled(context);
}

static void run(struct request_job *job) {
    struct timeline_request *timeline = timeline_of(job);
    struct buffer *piece = &timeline->piece;
    buffer_reset(piece);
    if (timeline->read.format == NULL) {
        timeline->status =
            timeline_read_page(&timeline->read.params, &timeline->source, piece, &timeline->error);
        return;
    }
    if (timeline->byte_order_mark && !timeline->read.begun) {
        buffer_append_text(piece, "\xef\xbb\xbf");
    }
    timeline->status = timeline_read_piece(&timeline->read, &timeline->source,
                                           timeline->piece_bytes, piece, &timeline->error);
}

static void fail(struct timeline_request *timeline) {
    struct http_request *request = timeline->job.request;
    log_line(LOG_LEVEL_ERROR, LOG_HTTP, "a timeline could not be read", "request", LOG_TEXT,
             http_request_id(request), "error", LOG_TEXT, timeline->error.message, NULL);
    timeline->closed = true;
    if (timeline->streaming) {
        http_abort(request);
    } else {
        http_problem(request, 503, "not available", "the timeline could not be read", NULL);
    }
}

/* Reads on unless there is still enough to send. */
static void read_on(struct timeline_request *timeline) {
    struct request_job *job = &timeline->job;
    if (job->request == NULL || timeline->closed || request_job_is_running(job) ||
        http_aborted(job->request) || http_stream_queued(job->request) > QUEUE_LOW_BYTES) {
        return;
    }
    if (caller_is_gone(job->request)) {
        timeline->closed = true;
        http_abort(job->request);
        return;
    }
    request_job_start(job);
}

static void on_drain(struct http_request *request) {
    struct timeline_request *timeline = http_state(request);
    if (timeline != NULL && timeline->streaming) {
        read_on(timeline);
    }
}

static void write_piece(struct timeline_request *timeline) {
    struct http_request *request = timeline->job.request;
    if (!timeline->streaming) {
        timeline->streaming = true;
        http_stream_begin(request, 200, timeline->read.format->content_type);
        http_stream_on_drain(request, QUEUE_LOW_BYTES, on_drain);
    }
    /* What comes out of the pool may free its memory at once: on_drain can start the next run from
     * inside the write, which must not fill the piece that is being copied. */
    struct buffer piece = timeline->piece;
    buffer_init(&timeline->piece);
    timeline->closed = timeline->read.ended;
    timeline->piece_bytes = min_u64(timeline->piece_bytes * 2, PIECE_BYTES_MAX);
    http_stream_write(request, buffer_slice(&piece));
    buffer_deinit(&piece);
    if (timeline->job.request != NULL && timeline->closed) {
        http_stream_end(request);
    }
    read_on(timeline);
}

static void finish(struct request_job *job) {
    struct timeline_request *timeline = timeline_of(job);
    if (http_aborted(job->request)) {
        return;
    }
    audit_personal(job->request, &timeline->personal);
    if (timeline->status != STATUS_OK) {
        fail(timeline);
    } else if (timeline->read.format == NULL) {
        http_respond(job->request, 200, "application/json", buffer_slice(&timeline->piece));
    } else {
        write_piece(timeline);
    }
}

static void release(struct request_job *job) {
    struct timeline_request *timeline = timeline_of(job);
    region_ref_release(timeline->regions);
    personal_deinit(&timeline->personal);
    buffer_deinit(&timeline->piece);
    free(timeline);
}

/* False: 406 went out. NULL is the page of JSON. */
static bool negotiate(const struct timeline_format **ret, struct http_request *request) {
    static const struct timeline_format *const formats[] = {
        &timeline_format_ndjson, &timeline_format_csv, &timeline_format_geojson};
    const char *offers[ARRAY_COUNT(formats) + 2] = {"application/json"};
    for (size_t i = 0; i < ARRAY_COUNT(formats); i++) {
        offers[i + 1] = formats[i]->media_type;
    }
    http_add_header(request, "Vary", "Accept");
    const char *best = http_accept(request, offers);
    if (best == NULL) {
        http_problem(request, 406, "not acceptable",
                     "a timeline is application/json, application/x-ndjson, text/csv or "
                     "application/geo+json",
                     NULL);
        return false;
    }
    *ret = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(formats); i++) {
        if (strcmp(best, formats[i]->media_type) == 0) {
            *ret = formats[i];
        }
    }
    return true;
}

/* `Accept: text/csv; bom=1` asks for a byte order mark: some spreadsheets take a file for the
 * machine's old encoding without it. */
static bool wants_byte_order_mark(const struct http_request *request) {
    struct slice accept;
    return http_header(request, "accept", &accept) &&
           memmem(accept.data, accept.bytes, "bom=1", 5) != NULL;
}

static void start(struct http_request *request, const struct timeline_params *params,
                  const struct timeline_format *format) {
    struct services *services = services_of(request);
    struct timeline_request *timeline = calloc(1, sizeof *timeline);
    CHECK(timeline != NULL);
    timeline->job.run = run;
    timeline->job.finish = finish;
    timeline->job.release = release;
    timeline->read.params = *params;
    timeline->read.format = format;
    timeline->regions = region_ref_acquire(regions_current(services->regions));
    timeline->source = (struct timeline_source){.db = services->db,
                                                .regions = timeline->regions->table,
                                                .policy = services->policy,
                                                .personal = &timeline->personal,
                                                .cancelled = cancelled,
                                                .context = &timeline->job};
    caller_personal(request, &timeline->personal);
    timeline->piece_bytes = PIECE_BYTES_MIN;
    timeline->byte_order_mark = format == &timeline_format_csv && wants_byte_order_mark(request);
    buffer_init(&timeline->piece);
    request_job_attach(&timeline->job, request);
    request_job_start(&timeline->job);
}

void api_timeline_on_headers(struct http_request *request) {
    struct services *services = services_of(request);
    const struct region_table *regions = regions_current(services->regions)->table;
    uint32_t root = region_find(regions, http_param(request, "code"));
    if (root == REGION_NONE) {
        http_problem(request, 404, "not found", "no region has this code", NULL);
        return;
    }
    const struct timeline_format *format;
    if (!negotiate(&format, request)) {
        return;
    }
    struct timeline_params params;
    struct error error;
    if (timeline_params_read(&params, request, root, format != NULL, services->policy,
                             &services->config->limits, &error) != STATUS_OK) {
        http_problem(request, 400, "bad query parameter", error.message, NULL);
        return;
    }
    if (format != NULL && http_method_of(request) == HTTP_METHOD_HEAD) {
        http_stream_begin(request, 200, format->content_type);
        http_stream_end(request);
        return;
    }
    start(request, &params, format);
}

void api_timeline_on_done(struct http_request *request) {
    request_job_on_done(request);
}
