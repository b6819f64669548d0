/* GET /v1/directives/{id}: what became of it with each addressee, as of the last commit. */
#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/text/json.h"
#include "core/ticket/directive.h"
#include "server/api/audit.h"
#include "server/api/body.h"
#include "server/api/caller.h"
#include "server/api/page.h"
#include "server/api/request_job.h"
#include "server/api/routes.h"
#include "server/domain/event_json.h"
#include "server/domain/ticket_json.h"
#include "server/personal.h"
#include "server/process/log.h"

#include <stdlib.h>
#include <string.h>

struct directive_read {
    struct request_job job;
    struct db *db;
    struct region_ref *regions;
    struct principal principal; /* who asks */
    struct personal personal;
    const struct policy *policy;
    uint64_t number, limit;
    uint32_t from; /* first addressee of the page */
    struct directive directive;
    struct directive_share share; /* of all addressees */
    uint32_t addressees_count;
    struct buffer text, issuer; /* JSON, of directive.issued */
    struct buffer items;
    struct json_out items_out;
    uint32_t items_count;
    bool more;
    enum status status;
    struct error error;
    struct buffer answer;
};

static void answer_unknown(struct http_request *request) {
    http_problem(request, 404, "not found", "there is no such directive", NULL);
}

static void write_step(struct json_out *out, const char *key, uint32_t is_done, uint32_t is_late) {
    json_out_key(out, key);
    json_out_object_begin(out);
    json_out_key_bool(out, "done", is_done != 0);
    json_out_key_bool(out, "late", is_late != 0);
    json_out_object_end(out);
}

static void write_addressee(struct directive_read *read, const struct addressee *addressee) {
    const struct region_table *regions = read->regions->table;
    struct json_out *out = &read->items_out;
    json_out_object_begin(out);
    json_out_key_u64(out, "index", addressee->index);
    json_out_key(out, "region");
    if (addressee->region < region_count(regions)) {
        json_out_string(out, region_get(regions, addressee->region).code);
    } else {
        json_out_null(out);
    }
    ticket_json_unit(out, "unit", read->policy, addressee->unit_tag);
    json_out_name(out, "ticket", 't', addressee->ticket);
    json_out_key_text(out, "state", ticket_state_name((enum ticket_state)addressee->state));
    write_step(out, "receipt", addressee->share.receipted, addressee->share.receipted_late);
    write_step(out, "execution", addressee->share.done, addressee->share.done_late);
    json_out_key_bool(out, "returned", addressee->share.returned != 0);
    json_out_key_bool(out, "voided", addressee->share.voided != 0);
    json_out_object_end(out);
}

static bool take_row(void *context, struct slice key, struct slice value) {
    struct directive_read *read = context;
    struct addressee addressee;
    if (key.bytes != ADDRESSEE_KEY_BYTES) {
        read->status = directive_row_decode(&read->directive, value);
        return read->status == STATUS_OK;
    }
    read->status = addressee_row_decode(&addressee, key, value);
    if (read->status != STATUS_OK) {
        return false;
    }
    const struct directive_share *share = &addressee.share;
    read->addressees_count++;
    read->share.receipted += share->receipted;
    read->share.receipted_late += share->receipted_late;
    read->share.done += share->done;
    read->share.done_late += share->done_late;
    read->share.returned += share->returned;
    read->share.voided += share->voided;
    if (addressee.index < read->from) {
        return true;
    }
    read->more = read->items_count == read->limit;
    if (read->items_count < read->limit) {
        read->items_count++;
        write_addressee(read, &addressee);
    }
    return true;
}

/* A string member as it is written in the event. */
static void keep_text(struct buffer *to, const struct json_token *value) {
    if (value->kind == JSON_STRING) {
        buffer_append(to, "\"", 1);
        buffer_append_slice(to, value->text);
        buffer_append(to, "\"", 1);
    }
}

static bool keep_event(void *context, const struct timeline_row *stored) {
    struct directive_read *read = context;
    const struct timeline_row *row = personal_row(&read->personal, stored, read->policy);
    const struct json_bounds bounds = {
        .depth = JSON_DEPTH_CAP, .keys = JSON_KEYS_CAP, .string_bytes = UINT32_MAX};
    struct json_reader reader;
    if (row->entry.kind != ENTRY_DIRECTIVE_ISSUED) {
        return false;
    }
    json_init(&reader, &bounds, event_json_own(row));
    struct json_token token = json_next(&reader);
    while ((token = json_next(&reader)).kind == JSON_KEY) {
        struct slice key = token.text;
        token = json_next(&reader);
        if (slice_is(key, "note")) {
            keep_text(&read->text, &token);
        } else if (slice_is(key, "issuer")) {
            keep_text(&read->issuer, &token);
        }
    }
    return false;
}

static void write_rate(struct json_out *out, const char *key, uint32_t numerator,
                       uint32_t denominator) {
    json_out_key(out, key);
    json_out_object_begin(out);
    json_out_key_u64(out, "numerator", numerator);
    json_out_key_u64(out, "denominator", denominator);
    json_out_key(out, "rate");
    if (denominator == 0) {
        json_out_null(out);
    } else {
        json_out_double(out, (double)numerator / denominator);
    }
    json_out_object_end(out);
}

/* Counted from the addressees, so that the sums are those of the list. */
static void write_totals(struct directive_read *read, struct json_out *out) {
    const struct directive_share *share = &read->share;
    uint32_t all = read->addressees_count;
    json_out_key(out, "totals");
    json_out_object_begin(out);
    write_rate(out, "receipted", share->receipted, all);
    write_rate(out, "receipted_in_time", share->receipted - share->receipted_late,
               share->receipted);
    write_rate(out, "done", share->done, all - share->voided);
    write_rate(out, "done_in_time", share->done - share->done_late, share->done);
    write_rate(out, "returned", share->returned, all);
    write_rate(out, "voided", share->voided, all);
    json_out_object_end(out);
}

static void write_own(struct directive_read *read, struct json_out *out) {
    const struct directive *directive = &read->directive;
    bool is_complete = read->share.done + read->share.voided >= directive->addressees_count;
    json_out_name(out, "id", 'd', directive->number);
    json_out_key_u64(out, "priority", directive->priority);
    json_out_place(out, directive->region, directive->category_tag, directive->severity,
                   read->regions->table, read->policy);
    json_out_key(out, "text");
    json_out_raw(out, read->text.bytes > 0 ? buffer_slice(&read->text) : SLICE_LITERAL("null"));
    json_out_key(out, "issuer");
    json_out_raw(out, read->issuer.bytes > 0 ? buffer_slice(&read->issuer) : SLICE_LITERAL("null"));
    json_out_instant_or_null(out, "issued_at", directive->issued_ms);
    json_out_instant_or_null(out, "done_at", is_complete ? directive->done_ms : 0);
    json_out_key_bool(out, "complete", is_complete);
    json_out_key_u64(out, "addressees_count", directive->addressees_count);
    write_totals(read, out);
}

static uint64_t binding_of(uint64_t number) {
    const uint64_t bound[] = {number};
    return cursor_binding(bound, ARRAY_COUNT(bound));
}

static void write_answer(struct directive_read *read) {
    struct json_out out;
    char cursor[CURSOR_TEXT_BYTES_MAX];
    json_out_init(&out, &read->answer);
    json_out_object_begin(&out);
    write_own(read, &out);
    json_out_key(&out, "addressees");
    json_out_raw(&out, buffer_slice(&read->items));
    json_out_key(&out, "next_cursor");
    if (read->more) {
        cursor_from_numbers(cursor, CURSOR_ADDRESSEES, binding_of(read->number),
                            (struct cursor_numbers){read->from + read->items_count, 0});
    }
    json_out_text(&out, read->more ? cursor : NULL);
    json_out_object_end(&out);
}

static void run(struct request_job *job) {
    struct directive_read *read = (struct directive_read *)job;
    uint8_t key[DIRECTIVE_KEY_BYTES];
    directive_key_encode(key, read->number);
    const struct slice prefix = {key, sizeof key};
    const struct db_walk walk = {.family = FAMILY_DIRECTIVES, .from = prefix, .prefix = prefix};
    read->status = STATUS_OK;
    json_out_init(&read->items_out, &read->items);
    json_out_array_begin(&read->items_out);
    enum status status = db_walk_rows(read->db, &walk, take_row, read, &read->error);
    json_out_array_end(&read->items_out);
    read->status = status == STATUS_OK ? read->status : status;
    if (read->status == STATUS_OK &&
        (read->directive.number == 0 ||
         !access_reaches(&read->principal, read->regions->table, read->directive.region))) {
        read->status = STATUS_NOT_FOUND;
    }
    if (read->status != STATUS_OK) {
        return;
    }
    status = db_read_seq(read->db, read->number, keep_event, read, &read->error);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) { /* its text may have aged out */
        read->status = status;
        return;
    }
    write_answer(read);
}

static void finish(struct request_job *job) {
    struct directive_read *read = (struct directive_read *)job;
    struct http_request *request = job->request;
    if (read->status == STATUS_OK) {
        audit_personal(request, &read->personal);
        http_respond(request, 200, "application/json", buffer_slice(&read->answer));
    } else if (read->status == STATUS_NOT_FOUND) {
        answer_unknown(request);
    } else {
        log_line(LOG_LEVEL_ERROR, LOG_HTTP, "a directive could not be read", "directive", LOG_U64,
                 read->number, "error", LOG_TEXT, read->error.message, NULL);
        http_problem(request, 503, "not available", "the stored directive could not be read", NULL);
    }
}

static void release(struct request_job *job) {
    struct directive_read *read = (struct directive_read *)job;
    region_ref_release(read->regions);
    personal_deinit(&read->personal);
    buffer_deinit(&read->text);
    buffer_deinit(&read->issuer);
    buffer_deinit(&read->items);
    buffer_deinit(&read->answer);
    free(read);
}

static bool read_page(struct http_request *request, uint64_t number, struct page *ret) {
    if (!page_read(ret, request, CURSOR_ADDRESSEES, binding_of(number))) {
        return false;
    }
    if (ret->after.first > UINT32_MAX) {
        page_refuse_cursor(request);
        return false;
    }
    return true;
}

void api_directive_get_on_headers(struct http_request *request) {
    struct services *services = services_of(request);
    uint64_t number;
    struct page page;
    if (!name_parse(&number, 'd', http_param(request, "id"))) {
        answer_unknown(request);
        return;
    }
    if (!read_page(request, number, &page)) {
        return;
    }
    struct directive_read *read = calloc(1, sizeof *read);
    CHECK(read != NULL);
    read->job.run = run;
    read->job.finish = finish;
    read->job.release = release;
    read->db = services->db;
    read->regions = region_ref_acquire(regions_current(services->regions));
    read->policy = services->policy;
    read->principal = *caller_principal(request);
    caller_personal(request, &read->personal);
    read->number = number;
    read->limit = page.limit;
    read->from = (uint32_t)page.after.first;
    buffer_init(&read->text);
    buffer_init(&read->issuer);
    buffer_init(&read->items);
    buffer_init(&read->answer);
    request_job_attach(&read->job, request);
    request_job_start(&read->job);
}
