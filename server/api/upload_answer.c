#include "server/api/upload_answer.h"

#include "core/base/check.h"

#include <string.h>

enum { ITEMS_BYTES_MAX = 64 << 20 };

void upload_tally_init(struct upload_tally *tally, const struct limits *limits, bool items_all) {
    *tally = (struct upload_tally){
        .items_all = items_all,
        .items_max = items_all ? UINT64_MAX : limits->problem_items,
        .items_bytes_max = ITEMS_BYTES_MAX,
    };
    buffer_init(&tally->items);
}

void upload_tally_deinit(struct upload_tally *tally) {
    buffer_deinit(&tally->items);
    repeats_deinit(&tally->repeats);
}

static bool is_taken(enum verdict verdict) {
    return verdict == VERDICT_CREATED || verdict == VERDICT_MERGED;
}

bool verdict_repeats(enum verdict verdict) {
    return verdict == VERDICT_REPLAYED || verdict == VERDICT_CONFLICT;
}

/* The problem of a line: an RFC 9457 object of its own. */
static void write_problem(struct json_out *out, unsigned status, const char *title,
                          const char *pointer, const char *detail) {
    json_out_object_begin(out);
    json_out_key(out, "type");
    json_out_text(out, "about:blank");
    json_out_key(out, "title");
    json_out_text(out, title);
    json_out_key(out, "status");
    json_out_u64(out, status);
    json_out_key(out, "detail");
    json_out_text(out, detail);
    if (pointer != NULL) {
        json_out_key(out, "errors");
        json_out_array_begin(out);
        json_out_object_begin(out);
        json_out_key(out, "pointer");
        json_out_text(out, pointer);
        json_out_key(out, "detail");
        json_out_text(out, detail);
        json_out_object_end(out);
        json_out_array_end(out);
    }
    json_out_object_end(out);
}

#define CONFLICT_DETAIL                                                                            \
    "this id was used before for a report with other content; the first one stands: give a new "   \
    "event a new id"

static void write_item(struct upload_tally *tally, const struct intake_result *result) {
    struct json_out out;
    json_out_init(&out, &tally->items);
    json_out_object_begin(&out);
    json_out_key(&out, "line");
    json_out_u64(&out, result->line);
    struct slice id = result->report != NULL ? result->report->id : result->problem->id;
    json_out_key(&out, "id");
    if (id.bytes > 0) {
        json_out_string(&out, id);
    } else {
        json_out_null(&out);
    }
    json_out_key(&out, "status");
    json_out_text(&out, verdict_name(result->verdict));
    json_out_key(&out, "seq");
    if (result->seq != 0) {
        json_out_u64(&out, result->seq);
    } else {
        json_out_null(&out);
    }
    if (verdict_repeats(result->verdict)) {
        repeats_add(&tally->repeats, result->seq, tally->items.bytes);
    } else {
        json_out_name(&out, "incident", 'i', result->incident);
        json_out_name(&out, "ticket", 't', result->ticket);
    }
    json_out_key(&out, "problem");
    if (result->verdict == VERDICT_INVALID) {
        write_problem(&out, 422, result->problem->title, result->problem->pointer,
                      result->problem->detail);
    } else if (result->verdict == VERDICT_CONFLICT) {
        write_problem(&out, 409, "conflict", NULL, CONFLICT_DETAIL);
    } else {
        json_out_null(&out);
    }
    json_out_object_end(&out);
}

static void add_item(struct upload_tally *tally, const struct intake_result *result) {
    bool wanted = tally->items_all || result->verdict == VERDICT_INVALID ||
                  result->verdict == VERDICT_CONFLICT;
    if (!wanted || tally->truncated) {
        return;
    }
    if (tally->items_count >= tally->items_max || tally->items.bytes >= tally->items_bytes_max) {
        tally->truncated = true;
        return;
    }
    if (tally->items_count > 0) {
        buffer_append(&tally->items, ",", 1);
    }
    write_item(tally, result);
    tally->items_count++;
}

void upload_tally_add(struct upload_tally *tally, const struct intake_result *result) {
    CHECK(result->verdict < VERDICT_COUNT);
    tally->counts[result->verdict]++;
    if (is_taken(result->verdict)) {
        tally->first_seq = tally->first_seq == 0 ? result->seq : tally->first_seq;
        tally->last_seq = result->seq;
    }
    tally->wait_seq = max_u64(tally->wait_seq, result->seq);
    add_item(tally, result);
}

void single_result_init(struct single_result *single) {
    *single = (struct single_result){.verdict = VERDICT_INVALID};
    buffer_init(&single->id);
    buffer_init(&single->source);
}

void single_result_deinit(struct single_result *single) {
    buffer_deinit(&single->id);
    buffer_deinit(&single->source);
}

void single_result_keep(struct single_result *single, const struct intake_result *result) {
    single->verdict = result->verdict;
    single->seq = result->seq;
    single->incident = result->incident;
    single->ticket = result->ticket;
    if (result->report != NULL) {
        single->received_ms = result->report->entry.received_ms;
        buffer_append_slice(&single->id, result->report->id);
        buffer_append_slice(&single->source, result->report->source);
        return;
    }
    single->title = result->problem->title;
    buffer_append_slice(&single->id, result->problem->id);
    memcpy(single->pointer, result->problem->pointer, sizeof single->pointer);
    memcpy(single->detail, result->problem->detail, sizeof single->detail);
}

static void write_counts(struct json_out *out, const struct upload_tally *tally) {
    json_out_key(out, "counts");
    json_out_object_begin(out);
    for (unsigned i = 0; i < VERDICT_COUNT; i++) {
        json_out_key(out, verdict_name((enum verdict)i));
        json_out_u64(out, tally->counts[i]);
    }
    json_out_object_end(out);
    const struct {
        const char *key;
        uint64_t seq;
    } seqs[] = {{"first_seq", tally->first_seq}, {"last_seq", tally->last_seq}};
    for (size_t i = 0; i < ARRAY_COUNT(seqs); i++) {
        json_out_key(out, seqs[i].key);
        if (seqs[i].seq != 0) {
            json_out_u64(out, seqs[i].seq);
        } else {
            json_out_null(out);
        }
    }
}

/* The items, with what was read of the stored reports put where it belongs. */
static void write_items(struct json_out *out, const struct upload_tally *tally) {
    size_t done = 0;
    for (size_t i = 0; i < tally->repeats.count; i++) {
        const struct repeat *repeat = &tally->repeats.of[i];
        struct json_out members;
        CHECK(repeat->at > done && repeat->at < tally->items.bytes);
        buffer_append(out->to, tally->items.data + done, repeat->at - done);
        json_out_init(&members, out->to);
        members.depth = 1;
        members.comma[1] = true;
        json_out_name(&members, "incident", 'i', repeat->incident);
        json_out_name(&members, "ticket", 't', repeat->ticket);
        done = repeat->at;
    }
    buffer_append(out->to, tally->items.data + done, tally->items.bytes - done);
}

void upload_answer_bulk(struct http_request *request, const struct upload_tally *tally) {
    struct buffer body;
    struct json_out out;
    buffer_init(&body);
    json_out_init(&out, &body);
    json_out_object_begin(&out);
    write_counts(&out, tally);
    json_out_key(&out, "items");
    json_out_array_begin(&out);
    if (tally->items.bytes > 0) {
        write_items(&out, tally);
    }
    json_out_array_end(&out);
    if (tally->truncated) {
        json_out_key(&out, "items_truncated");
        json_out_bool(&out, true);
    }
    json_out_object_end(&out);
    http_respond(request, 200, "application/json", buffer_slice(&body));
    buffer_deinit(&body);
}

/* The members that every answer to a single report has, between braces that are somebody else's. */
static void write_single_members(struct json_out *out, const struct single_result *single) {
    json_out_key(out, "seq");
    json_out_u64(out, single->seq);
    json_out_key(out, "id");
    json_out_string(out, buffer_slice(&single->id));
    json_out_key(out, "source");
    json_out_string(out, buffer_slice(&single->source));
    json_out_key(out, "received_at");
    json_out_instant(out, single->received_ms);
    json_out_name(out, "incident", 'i', single->incident);
    json_out_name(out, "ticket", 't', single->ticket);
}

/* Members to add to a problem document: an object without its braces. */
static void answer_problem(struct http_request *request, unsigned status, const char *title,
                           const char *detail, struct buffer *object) {
    CHECK(object->bytes >= 2 && object->data[0] == '{');
    object->data[object->bytes - 1] = '\0';
    http_problem(request, status, title, detail, (const char *)object->data + 1);
}

static void answer_invalid(struct http_request *request, const struct single_result *single) {
    struct buffer object;
    struct json_out out;
    buffer_init(&object);
    json_out_init(&out, &object);
    json_out_object_begin(&out);
    json_out_key(&out, "errors");
    json_out_array_begin(&out);
    json_out_object_begin(&out);
    json_out_key(&out, "pointer");
    json_out_text(&out, single->pointer);
    json_out_key(&out, "detail");
    json_out_text(&out, single->detail);
    json_out_object_end(&out);
    json_out_array_end(&out);
    json_out_object_end(&out);
    answer_problem(request, 422, single->title, single->detail, &object);
    buffer_deinit(&object);
}

void upload_answer_single(struct http_request *request, const struct single_result *single) {
    if (single->verdict == VERDICT_INVALID) {
        answer_invalid(request, single);
        return;
    }
    struct buffer object;
    struct json_out out;
    buffer_init(&object);
    json_out_init(&out, &object);
    json_out_object_begin(&out);
    if (single->verdict != VERDICT_CONFLICT) {
        json_out_key(&out, "status");
        json_out_text(&out, verdict_name(single->verdict));
    }
    write_single_members(&out, single);
    json_out_object_end(&out);
    if (single->verdict == VERDICT_CONFLICT) {
        answer_problem(request, 409, "conflict", CONFLICT_DETAIL, &object);
    } else {
        if (single->verdict == VERDICT_REPLAYED) {
            http_add_header(request, "Idempotent-Replay", "true");
        }
        http_respond(request, single->verdict == VERDICT_REPLAYED ? 200 : 201, "application/json",
                     buffer_slice(&object));
    }
    buffer_deinit(&object);
}

void upload_answer_refused(struct http_request *request, const struct upload_tally *tally,
                           const struct upload_refusal *refusal) {
    struct buffer object;
    struct json_out out;
    buffer_init(&object);
    json_out_init(&out, &object);
    json_out_object_begin(&out);
    write_counts(&out, tally);
    if (refusal->limit != NULL) {
        json_out_key(&out, "limit");
        json_out_text(&out, refusal->limit);
    }
    json_out_object_end(&out);
    if (refusal->retry_s > 0) {
        http_add_retry_after(request, refusal->retry_s);
    }
    answer_problem(request, refusal->status, refusal->title, refusal->detail, &object);
    buffer_deinit(&object);
}
