/* GET /v1/audit: who did what, newest first; and /v1/audit/head, which proves it. */
#include "core/base/bytes.h"
#include "core/base/check.h"
#include "server/api/list_read.h"
#include "server/api/routes.h"
#include "server/services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The instant is in the journal's entry, not in the text; the row begins with it. */
static enum status take(struct list_read *read, struct slice key, struct slice value,
                        struct json_out *out, bool *ret_taken) {
    (void)read;
    if (value.bytes < 10 || value.data[8] != '{') {
        return STATUS_CORRUPT;
    }
    json_out_object_begin(out);
    json_out_key(out, "seq");
    json_out_u64(out, load_u64_be(key.data));
    json_out_key(out, "at");
    json_out_instant(out, (int64_t)load_u64_le(value.data));
    buffer_append(out->to, ",", 1);
    buffer_append(out->to, value.data + 9, value.bytes - 10);
    json_out_object_end(out);
    *ret_taken = true;
    return STATUS_OK;
}

static void release(struct list_read *read) {
    free(read);
}

void api_audit_on_headers(struct http_request *request) {
    struct list_read *read = calloc(1, sizeof *read);
    CHECK(read != NULL);
    *read = (struct list_read){.db = services_of(request)->db,
                               .family = FAMILY_AUDIT,
                               .cursor = CURSOR_AUDIT,
                               .binding = 0,
                               .take = take,
                               .release = release};
    if (!list_read_start(read, request)) {
        release(read);
    }
}

/* The head: who writes it down elsewhere can later ask `gridd verify --head` whether all that was
 * there then is still there. */
struct head_read {
    struct request_job job;
    struct db *db;
    char epoch[17];
    struct db_head head;
    enum status status;
};

static void read_head(struct request_job *job) {
    struct head_read *read = (struct head_read *)job;
    read->status = db_read_head(read->db, &read->head, NULL);
}

static void answer_head(struct http_request *request, const struct head_read *read) {
    char hash[2 * sizeof read->head.hash + 1], both[32 + sizeof hash];
    struct buffer body;
    struct json_out out;
    for (size_t i = 0; i < sizeof read->head.hash; i++) {
        (void)snprintf(hash + 2 * i, 3, "%02x", read->head.hash[i]);
    }
    (void)snprintf(both, sizeof both, "%llu:%s", (unsigned long long)read->head.seq, hash);
    buffer_init(&body);
    json_out_init(&out, &body);
    json_out_object_begin(&out);
    json_out_key(&out, "epoch");
    json_out_text(&out, read->epoch);
    json_out_key(&out, "seq");
    json_out_u64(&out, read->head.seq);
    json_out_key(&out, "hash");
    json_out_text(&out, hash);
    json_out_key(&out, "head");
    json_out_text(&out, both);
    json_out_object_end(&out);
    http_respond(request, 200, "application/json", buffer_slice(&body));
    buffer_deinit(&body);
}

static void finish_head(struct request_job *job) {
    const struct head_read *read = (const struct head_read *)job;
    if (read->status == STATUS_OK) {
        answer_head(job->request, read);
    } else if (read->status == STATUS_NOT_FOUND) {
        http_problem(job->request, 404, "not found", "the journal is empty", NULL);
    } else {
        http_problem(job->request, 503, "not available", "the journal could not be read", NULL);
    }
}

static void release_head(struct request_job *job) {
    free(job);
}

void api_audit_head_on_headers(struct http_request *request) {
    const struct services *services = services_of(request);
    struct head_read *read = calloc(1, sizeof *read);
    CHECK(read != NULL);
    read->job.run = read_head;
    read->job.finish = finish_head;
    read->job.release = release_head;
    read->db = services->db;
    memcpy(read->epoch, services->identity.epoch, sizeof read->epoch);
    request_job_attach(&read->job, request);
    request_job_start(&read->job);
}
