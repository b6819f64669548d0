/* POST /v1/reports: one report as JSON, or many as NDJSON, streamed. */
#include "core/base/check.h"
#include "server/api/caller.h"
#include "server/api/routes.h"
#include "server/api/upload_answer.h"
#include "server/http/lines.h"
#include "server/intake.h"
#include "server/limit/admission.h"

#include <stdlib.h>
#include <string.h>

enum {
    LINES_PER_TAKE = 256,
    REPEATS_A_TOKEN = 20, /* repeated reports that count as one: who sends a queue again gets on */
};

/* One upload, from its headers until its answer has gone out. */
struct upload {
    struct services *services;
    struct http_request *request; /* NULL once it is done */
    bool bulk, answering;
    bool ended;      /* the whole body has come */
    bool last_taken; /* and its last line was handed over */
    struct lines lines;
    struct buffer body; /* a single report; of a bulk: bytes behind lines that wait */
    struct upload_tally tally;
    struct single_result single;
    struct intake_client client;
    struct commit_waiter waiter;
    bool waiting;                  /* for the commit */
    struct repeats_read *read;     /* of stored reports, under way; NULL: none */
    struct upload_refusal refusal; /* told once what was taken is durable */
    uint64_t repeats;
    bool limited; /* a rate is used up: no more is taken */
    enum limit_scope limit;
};

static void answer(struct upload *upload) {
    struct http_request *request = upload->request;
    uint64_t took_ms = uv_now(upload->services->loop) - http_started_ms(request);
    histogram_add(&upload->services->metrics->ack_seconds, (double)took_ms / 1e3);
    if (upload->refusal.status != 0) {
        upload_answer_refused(request, &upload->tally, &upload->refusal);
    } else if (upload->bulk) {
        upload_answer_bulk(request, &upload->tally);
    } else {
        upload_answer_single(request, &upload->single);
    }
}

static void on_repeats(void *context, enum status status, struct repeats *repeats) {
    struct upload *upload = context;
    upload->read = NULL;
    upload->tally.repeats = *repeats;
    if (status != STATUS_OK) {
        http_problem(upload->request, 503, "not available",
                     "the stored report could not be read: send it again", NULL);
        return;
    }
    if (!upload->bulk) {
        upload->single.received_ms = repeats->of[0].received_ms;
        upload->single.incident = repeats->of[0].incident;
        upload->single.ticket = repeats->of[0].ticket;
    }
    answer(upload);
}

/* What repeats a stored report is answered as that one was. */
static void answer_durable(struct upload *upload) {
    if (upload->refusal.status != 0 || upload->tally.repeats.count == 0) {
        answer(upload);
        return;
    }
    upload->read = repeats_read_start(upload->services->loop, upload->services->db,
                                      &upload->tally.repeats, on_repeats, upload);
}

static void on_durable(struct commit_waiter *waiter, enum status status) {
    struct upload *upload =
        (struct upload *)(void *)((char *)waiter - offsetof(struct upload, waiter));
    upload->waiting = false;
    if (status == STATUS_OK) {
        answer_durable(upload);
        return;
    }
    http_problem(upload->request, 503, "not stored",
                 "writing to disk failed and the outcome is unknown: send all of it again with the "
                 "same ids",
                 NULL);
}

/* Nothing more is taken from this upload: answer when all it counts is on disk. */
static void finish(struct upload *upload) {
    CHECK(!upload->answering);
    upload->answering = true;
    if (upload->tally.wait_seq <= committer_durable_seq(upload->services->committer)) {
        answer_durable(upload);
        return;
    }
    upload->waiter = (struct commit_waiter){.seq = upload->tally.wait_seq, .call = on_durable};
    upload->waiting = true;
    committer_wait(upload->services->committer, &upload->waiter);
}

static void refuse(struct upload *upload, unsigned status, const char *title, const char *detail) {
    upload->refusal = (struct upload_refusal){
        .status = status, .title = title, .detail = detail, .retry_s = status == 503};
    finish(upload);
}

static void refuse_rate(struct upload *upload) {
    upload->refusal =
        (struct upload_refusal){.status = 429,
                                .title = "too many requests",
                                .detail = limit_scope_detail(upload->limit),
                                .limit = limit_scope_name(upload->limit),
                                .retry_s = admission_limit_reached(upload->request, upload->limit)};
    finish(upload);
}

static void on_result(void *context, const struct intake_result *result) {
    struct upload *upload = context;
    upload_tally_add(&upload->tally, result);
    if (result->verdict == VERDICT_REPLAYED && ++upload->repeats % REPEATS_A_TOKEN != 0) {
        admission_give_back_report(upload->request);
    }
    if (!upload->bulk) {
        single_result_keep(&upload->single, result);
        if (verdict_repeats(result->verdict) && upload->tally.repeats.count == 0) {
            repeats_add(&upload->tally.repeats, result->seq, 1);
        }
    }
}

/* Hands lines over, as many as the sender's rate allows (else upload->limited); false when they
 * wait for stored rows (the body is paused then). */
static bool take_lines(struct upload *upload, const struct intake_line *lines, size_t count) {
    size_t done = 0;
    while (done < count) {
        size_t allowed =
            (size_t)admission_take_reports(upload->request, count - done, &upload->limit);
        upload->limited = allowed == 0;
        if (upload->limited) {
            return true;
        }
        if (intake_take(upload->services->intake, &upload->client, lines + done, allowed) !=
            INTAKE_DONE) {
            upload->limited = done + allowed < count;
            break;
        }
        done += allowed; /* repeated ones have given back what they took: there may be more */
    }
    if (done >= count) {
        return true;
    }
    if (!upload->ended) {
        http_body_pause(upload->request);
    }
    return false;
}

/* Splits a piece of the body into lines and takes them. Behind lines that wait for stored rows the
 * rest of the piece is kept in `body`. */
static void take_bytes(struct upload *upload, struct slice bytes) {
    struct intake_line batch[LINES_PER_TAKE];
    const uint8_t *start = bytes.data;
    bool more = true;
    while (more) {
        size_t count = 0;
        bool held = false; /* a line put together from pieces is only good until the next one */
        struct line line;
        while (count < LINES_PER_TAKE && !held &&
               (more = lines_next(&upload->lines, &bytes, &line))) {
            if (line.kind != LINE_BLANK) {
                batch[count++] =
                    (struct intake_line){line.text, line.number, line.kind == LINE_TOO_LONG};
                held = line.text.data < start || line.text.data >= bytes.data;
            }
        }
        if (!take_lines(upload, batch, count)) {
            buffer_append_slice(&upload->body, bytes);
            return;
        }
        if (upload->limited) {
            refuse_rate(upload);
            return;
        }
    }
}

/* The body is complete: its last line (one without a line end), or the single report. */
static void take_end(struct upload *upload) {
    struct intake_line last = {.number = 1};
    bool has_last = true;
    upload->last_taken = true;
    if (upload->bulk) {
        struct line line;
        has_last = lines_end(&upload->lines, &line) && line.kind != LINE_BLANK;
        if (has_last) {
            last = (struct intake_line){line.text, line.number, line.kind == LINE_TOO_LONG};
        }
    } else {
        last.text = buffer_slice(&upload->body);
    }
    if (has_last && !take_lines(upload, &last, 1)) {
        return;
    }
    if (upload->limited) {
        refuse_rate(upload);
        return;
    }
    finish(upload);
}

static void on_ready(void *context, enum status status) {
    struct upload *upload = context;
    if (upload->answering) {
        return;
    }
    if (status != STATUS_OK) {
        refuse(upload, 503, "not available", "stored reports could not be read: send it again");
        return;
    }
    if (upload->limited) {
        refuse_rate(upload);
        return;
    }
    if (upload->bulk && upload->body.bytes > 0) {
        struct buffer rest = upload->body;
        buffer_init(&upload->body);
        take_bytes(upload, buffer_slice(&rest));
        buffer_deinit(&rest);
        if (upload->client.waiting != NULL || upload->answering) {
            return;
        }
    }
    if (!upload->ended) {
        http_body_resume(upload->request);
    } else if (upload->last_taken) {
        finish(upload);
    } else {
        take_end(upload);
    }
}

/* Asked by the framework when it must refuse a body (too large, bad gzip, too slow): what was taken
 * before is told once it is on disk. */
static bool on_body_refused(struct http_request *request, unsigned status, const char *title,
                            const char *detail) {
    struct upload *upload = http_state(request);
    if (upload->answering) {
        return false;
    }
    intake_abandon(&upload->client);
    refuse(upload, status, title, detail);
    return true;
}

/* Refuses an upload of which nothing was taken, and says so in its counts. */
static void refuse_whole(struct http_request *request, unsigned status, const char *title,
                         const char *detail) {
    const struct upload_refusal refusal = {
        .status = status, .title = title, .detail = detail, .retry_s = status == 503};
    struct upload_tally nothing;
    upload_tally_init(&nothing, &services_of(request)->config->limits, false);
    upload_answer_refused(request, &nothing, &refusal);
    upload_tally_deinit(&nothing);
}

/* Why no upload is taken at all now; true when it was answered. */
static bool refuse_at_once(struct http_request *request, const struct services *services,
                           bool bulk) {
    const char *why;
    if (services->disk_low) {
        refuse_whole(request, 507, "disk full", "the disk is nearly full: send it again later");
    } else if (services->not_ready != NULL) {
        refuse_whole(request, 503, "not ready", services->not_ready);
    } else if ((why = admission_sheds_upload(request, bulk)) != NULL) {
        refuse_whole(request, 503, "overloaded", why);
    } else {
        return false;
    }
    return true;
}

static bool parse_items(struct http_request *request, bool *ret_all) {
    struct slice items;
    *ret_all = false;
    if (!http_query(request, "items", &items)) {
        return true;
    }
    *ret_all = slice_is(items, "all");
    if (*ret_all || slice_is(items, "problems")) {
        return true;
    }
    http_problem(request, 400, "bad query parameter", "items takes 'all' or 'problems'", NULL);
    return false;
}

/* A gateway and the people of intake send for others; who else has a token sends as itself. */
static struct intake_source source_of(const struct http_request *request) {
    const struct principal *principal = caller_principal(request);
    struct slice name = caller_name(request);
    bool is_for_others = (principal->roles & (ACCESS_ROLE_GATEWAY | ACCESS_ROLE_INTAKE)) != 0;
    return (struct intake_source){.name = name,
                                  .is_only = name.bytes > 0 && !is_for_others,
                                  .is_scoped = principal->region != REGION_NONE,
                                  .region = principal->region};
}

void api_reports_post_on_headers(struct http_request *request) {
    struct services *services = services_of(request);
    struct slice type = http_content_type(request);
    bool bulk = slice_is(type, "application/x-ndjson");
    bool items_all;
    if (!bulk && !slice_is(type, "application/json")) {
        refuse_whole(request, 415, "unsupported media type",
                     "send application/json (one report) or application/x-ndjson (one a line)");
        return;
    }
    if (!parse_items(request, &items_all) || refuse_at_once(request, services, bulk)) {
        return;
    }
    struct upload *upload = calloc(1, sizeof *upload);
    CHECK(upload != NULL);
    upload->services = services;
    upload->request = request;
    upload->bulk = bulk;
    upload->client = (struct intake_client){.context = upload,
                                            .source = source_of(request),
                                            .on_result = on_result,
                                            .on_ready = on_ready};
    lines_init(&upload->lines, services->config->limits.line_bytes);
    buffer_init(&upload->body);
    upload_tally_init(&upload->tally, &services->config->limits, items_all);
    single_result_init(&upload->single);
    http_set_state(request, upload);
    http_on_body_refused(request, on_body_refused);
    if (!bulk) {
        http_body_limit(request, services->config->limits.report_body_bytes);
    }
}

void api_reports_post_on_body(struct http_request *request, struct slice bytes) {
    struct upload *upload = http_state(request);
    if (upload == NULL || upload->answering) {
        return;
    }
    if (caller_is_gone(request)) {
        intake_abandon(&upload->client);
        refuse(upload, 401, "not authenticated",
               "the token was revoked or ran out; what is counted here was taken");
    } else if (!upload->bulk || upload->client.waiting != NULL) {
        buffer_append_slice(&upload->body, bytes);
    } else if (upload->services->disk_low) {
        refuse(upload, 507, "disk full",
               "the disk is nearly full; what is counted here was taken: send it all again later");
    } else {
        take_bytes(upload, bytes);
    }
}

void api_reports_post_on_body_end(struct http_request *request) {
    struct upload *upload = http_state(request);
    if (upload == NULL || upload->answering) {
        return;
    }
    upload->ended = true;
    if (upload->client.waiting == NULL) {
        take_end(upload);
    }
}

void api_reports_post_on_done(struct http_request *request) {
    struct upload *upload = http_state(request);
    if (upload == NULL) {
        return;
    }
    intake_abandon(&upload->client);
    if (upload->waiting) {
        committer_unwait(upload->services->committer, &upload->waiter);
    }
    if (upload->read != NULL) {
        repeats_read_abandon(upload->read);
    }
    lines_deinit(&upload->lines);
    buffer_deinit(&upload->body);
    upload_tally_deinit(&upload->tally);
    single_result_deinit(&upload->single);
    free(upload);
}
