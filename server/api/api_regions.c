/* PUT /v1/regions: a region tree as CSV or NDJSON, all or nothing. */
#include "core/base/check.h"
#include "server/api/audit.h"
#include "server/api/region_upload.h"
#include "server/api/routes.h"
#include "server/json_out.h"
#include "server/services.h"

#include <stdlib.h>

struct regions_put {
    struct services *services;
    struct http_request *request; /* NULL once it is done */
    struct region_upload upload;
    size_t counted_bytes; /* by http_body_memory */
    bool answered;
    bool importing; /* regions has this as its context, or is in the call that ends that */
};

static void put_free(struct regions_put *put) {
    region_upload_deinit(&put->upload);
    free(put);
}

/* Line 0 is the whole upload. */
static void answer_problem(struct regions_put *put, uint32_t line, const char *why) {
    struct buffer detail, more;
    struct json_out out;
    buffer_init(&detail);
    buffer_init(&more);
    put->answered = true;
    if (line > 0) {
        buffer_printf(&detail, "line %u: ", line);
        buffer_printf(&more, "\"errors\":[{\"pointer\":\"/line/%u\",\"line\":%u,\"detail\":", line,
                      line);
    } else {
        buffer_append_text(&more, "\"errors\":[{\"pointer\":\"\",\"detail\":");
    }
    buffer_append_text(&detail, why);
    buffer_append(&detail, "", 1);
    json_out_init(&out, &more);
    json_out_text(&out, why);
    buffer_append_text(&more, "}]");
    buffer_append(&more, "", 1);
    http_problem(put->request, 422, "the regions are refused, nothing was changed",
                 (const char *)detail.data, (const char *)more.data);
    buffer_deinit(&detail);
    buffer_deinit(&more);
}

static void answer_unavailable(struct http_request *request, const char *title,
                               const char *detail) {
    http_add_retry_after(request, 1);
    http_problem(request, 503, title, detail, NULL);
}

static void answer_imported(struct http_request *request,
                            const struct region_import_result *result) {
    struct buffer body;
    buffer_init(&body);
    struct json_out out;
    json_out_init(&out, &body);
    json_out_object_begin(&out);
    json_out_key(&out, "regions");
    json_out_u64(&out, result->regions_count);
    json_out_key(&out, "rows");
    json_out_u64(&out, result->rows_count);
    json_out_key(&out, "created");
    json_out_u64(&out, result->created_count);
    json_out_key(&out, "updated");
    json_out_u64(&out, result->updated_count);
    json_out_object_end(&out);
    http_respond(request, 200, "application/json", buffer_slice(&body));
    buffer_deinit(&body);
}

static void on_imported(void *context, const struct region_import_result *result) {
    struct regions_put *put = context;
    CHECK(put->importing);
    if (put->request != NULL) {
        put->answered = true;
        if (result->status == STATUS_OK) {
            (void)audit_request(
                put->request, &(struct audit_act){.act = "regions.import", .region = REGION_NONE});
            answer_imported(put->request, result);
        } else if (result->status == STATUS_INVALID) {
            answer_problem(put, region_upload_line(&put->upload, result->row),
                           result->error.message);
        } else if (result->status == STATUS_BUSY) {
            answer_unavailable(put->request, "busy", "another import is under way: send it again");
        } else {
            answer_unavailable(put->request, "not stored", result->error.message);
        }
    }
    put->importing = false;
    if (put->request == NULL) {
        put_free(put);
    }
}

/* Why no import is taken at all now; true when it was answered. */
static bool refuse_at_once(struct http_request *request, const struct services *services) {
    if (services->disk_low) {
        http_problem(request, 507, "disk full",
                     "the disk is nearly full; nothing was changed: send it again later", NULL);
    } else if (services->not_ready != NULL) {
        answer_unavailable(request, "not ready", services->not_ready);
    } else if (regions_import_busy(services->regions)) {
        answer_unavailable(request, "busy", "another import is under way: send it again");
    } else {
        return false;
    }
    return true;
}

void api_regions_put_on_headers(struct http_request *request) {
    struct services *services = services_of(request);
    struct slice type = http_content_type(request);
    const bool csv = slice_is(type, "text/csv");
    if (!csv && !slice_is(type, "application/x-ndjson")) {
        http_problem(request, 415, "unsupported media type",
                     "send text/csv (with a header line) or application/x-ndjson (one a line)",
                     NULL);
        return;
    }
    if (refuse_at_once(request, services)) {
        return;
    }
    struct regions_put *put = calloc(1, sizeof *put);
    CHECK(put != NULL);
    put->services = services;
    put->request = request;
    region_upload_init(&put->upload, csv ? REGION_UPLOAD_CSV : REGION_UPLOAD_NDJSON,
                       &services->config->limits);
    http_set_state(request, put);
}

/* False: too much is held for bodies, and 503 went out. */
static bool count_memory(struct regions_put *put) {
    size_t now = region_upload_memory_bytes(&put->upload);
    int64_t more = (int64_t)now - (int64_t)put->counted_bytes;
    if (more == 0) {
        return true;
    }
    put->counted_bytes = now;
    if (http_body_memory(put->request, more) || more < 0) {
        return true;
    }
    put->answered = true;
    region_upload_deinit(&put->upload);
    answer_unavailable(put->request, "overloaded",
                       "too many uploads are held in memory; nothing was changed: send it again");
    return false;
}

/* A bad line is answered when the whole body has come: a client that is still sending would not
 * read an early answer, and lose it when the connection is closed under it. */
void api_regions_put_on_body(struct http_request *request, struct slice bytes) {
    struct regions_put *put = http_state(request);
    if (put == NULL || put->answered) {
        return;
    }
    region_upload_take(&put->upload, bytes);
    (void)count_memory(put);
}

void api_regions_put_on_body_end(struct http_request *request) {
    struct regions_put *put = http_state(request);
    if (put == NULL || put->answered) {
        return;
    }
    if (!region_upload_end(&put->upload)) {
        answer_problem(put, put->upload.problem.line, put->upload.problem.why);
        return;
    }
    struct buffer rows = put->upload.rows;
    buffer_init(&put->upload.rows);
    put->importing = true;
    regions_import(put->services->regions, rows.data, rows.bytes, put->upload.rows_count,
                   on_imported, put);
}

void api_regions_put_on_done(struct http_request *request) {
    struct regions_put *put = http_state(request);
    if (put == NULL) {
        return;
    }
    put->request = NULL;
    if (put->counted_bytes > 0) {
        (void)http_body_memory(request, -(int64_t)put->counted_bytes);
    }
    if (!put->importing) {
        put_free(put);
    }
}
