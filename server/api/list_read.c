#include "server/api/list_read.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "server/api/page.h"
#include "server/process/log.h"

enum { NUMBER_KEY_BYTES = 8 };

static bool take_row(void *context, struct slice key, struct slice value) {
    struct list_read *read = context;
    bool taken = false;
    if (key.bytes != NUMBER_KEY_BYTES) {
        return true;
    }
    if (read->items_count == read->limit || read->scanned == ROWS_SCANNED_MAX ||
        request_job_cancelled(&read->job)) {
        read->more = true;
        return false;
    }
    read->scanned++;
    read->last = load_u64_be(key.data);
    read->status = read->take(read, key, value, &read->out, &taken);
    read->items_count += taken ? 1 : 0;
    return read->status == STATUS_OK;
}

static void run(struct request_job *job) {
    struct list_read *read = (struct list_read *)job;
    uint8_t from[NUMBER_KEY_BYTES];
    char cursor[CURSOR_TEXT_BYTES_MAX];
    store_u64_be(from, read->before == 0 ? UINT64_MAX : read->before - 1);
    const struct db_walk walk = {
        .family = read->family, .from = {from, sizeof from}, .backward = true};
    json_out_init(&read->out, &read->answer);
    json_out_object_begin(&read->out);
    json_out_key(&read->out, "items");
    json_out_array_begin(&read->out);
    enum status status = db_walk_rows(read->db, &walk, take_row, read, &read->error);
    json_out_array_end(&read->out);
    json_out_key(&read->out, "next_cursor");
    if (read->more) {
        cursor_from_numbers(cursor, read->cursor, read->binding,
                            (struct cursor_numbers){read->last, 0});
    }
    json_out_text(&read->out, read->more ? cursor : NULL);
    json_out_object_end(&read->out);
    read->status = read->status == STATUS_OK ? status : read->status;
}

static void finish(struct request_job *job) {
    struct list_read *read = (struct list_read *)job;
    if (read->status == STATUS_OK) {
        http_respond(job->request, 200, "application/json", buffer_slice(&read->answer));
        return;
    }
    log_line(LOG_LEVEL_ERROR, LOG_HTTP, "a list could not be read", "error", LOG_TEXT,
             read->error.message, NULL);
    http_problem(job->request, 503, "not available", "the stored rows could not be read", NULL);
}

static void release(struct request_job *job) {
    struct list_read *read = (struct list_read *)job;
    buffer_deinit(&read->answer);
    read->release(read);
}

bool list_read_start(struct list_read *read, struct http_request *request) {
    struct page page;
    if (!page_read(&page, request, read->cursor, read->binding)) {
        return false;
    }
    if (!page.is_first && page.after.first == 0) {
        page_refuse_cursor(request);
        return false;
    }
    read->limit = page.limit;
    read->before = page.after.first;
    read->job.run = run;
    read->job.finish = finish;
    read->job.release = release;
    read->status = STATUS_OK;
    buffer_init(&read->answer);
    request_job_attach(&read->job, request);
    request_job_start(&read->job);
    return true;
}
