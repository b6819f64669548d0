#include "server/replay/out.h"

#include "core/base/check.h"
#include "server/json_out.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { PENDING_BYTES = 1 << 20 };

enum status replay_out_open(struct replay_out *out, const char *path, struct error *error) {
    *out = (struct replay_out){.file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
    buffer_init(&out->pending);
    return out->file < 0 ? error_set(error, STATUS_IO, path, ": ", strerror(errno)) : STATUS_OK;
}

static void write_pending(struct replay_out *out) {
    size_t done = 0;
    while (!out->failed && done < out->pending.bytes) {
        ssize_t written = write(out->file, out->pending.data + done, out->pending.bytes - done);
        out->failed = written < 0 && errno != EINTR;
        done += written > 0 ? (size_t)written : 0;
    }
    buffer_reset(&out->pending);
}

/* Every line begins alike, and many have the instant of the line before. */
static void begin(struct json_out *json, struct replay_out *out, const struct replay_run *run,
                  uint64_t seq, const char *kind) {
    struct buffer *to = &out->pending;
    if (out->at_ms != run->now_ms || !out->has_at) {
        instant_format(out->at, run->now_ms);
        out->at_ms = run->now_ms;
        out->has_at = true;
    }
    json_out_init(json, to);
    json_out_object_begin(json);
    buffer_append_slice(to, SLICE_LITERAL("\"at\":\""));
    buffer_append(to, out->at, sizeof out->at);
    buffer_append_slice(to, SLICE_LITERAL("\",\"seq\":"));
    buffer_append_u64(to, seq);
    buffer_append_slice(to, SLICE_LITERAL(",\"line\":"));
    buffer_append_u64(to, run->line);
    buffer_append_slice(to, SLICE_LITERAL(",\"kind\":"));
    json_out_text(json, kind);
}

static void end(struct json_out *json, struct replay_out *out) {
    json_out_object_end(json);
    buffer_append(&out->pending, "\n", 1);
    if (out->pending.bytes >= PENDING_BYTES) {
        write_pending(out);
    }
}

static void on_event(void *context, const struct replay_run *run, const struct entry *entry,
                     const struct record *record, uint64_t seq) {
    struct replay_out *out = context;
    const struct category *category =
        policy_category_by_tag(run->rules.policy, entry->category_tag);
    const struct region_table *regions = run->rules.regions;
    struct json_out json;
    begin(&json, out, run, seq, entry_kind_name(entry->kind));
    json_out_key(&json, "grid");
    if (entry->region < region_count(regions)) {
        json_out_string(&json, region_code(regions, entry->region));
    } else {
        json_out_null(&json);
    }
    json_out_key(&json, "category");
    json_out_text(&json, category == NULL ? NULL : category->code);
    json_out_key(&json, "severity");
    json_out_text(&json, severity_name((enum severity)entry->severity));
    CHECK(record->json.bytes >= 2);
    if (record->json.bytes > 2) { /* without its braces */
        buffer_append(&out->pending, ",", 1);
        buffer_append(&out->pending, record->json.data + 1, record->json.bytes - 2);
    }
    end(&json, out);
}

static void on_report(void *context, const struct replay_run *run, const struct report *report,
                      uint64_t seq, const struct world_taken *taken) {
    struct replay_out *out = context;
    struct json_out json;
    begin(&json, out, run, seq, "report");
    json_out_key(&json, "source");
    json_out_string(&json, report->source);
    json_out_key(&json, "id");
    json_out_string(&json, report->id);
    json_out_name(&json, "incident", 'i', taken->incident);
    json_out_name(&json, "ticket", 't', taken->ticket);
    end(&json, out);
}

struct replay_listener replay_out_listener(struct replay_out *out) {
    return (struct replay_listener){out, on_event, on_report};
}

enum status replay_out_close(struct replay_out *out, const char *path, struct error *error) {
    write_pending(out);
    buffer_deinit(&out->pending);
    bool failed = close(out->file) != 0 || out->failed;
    return failed ? error_set(error, STATUS_IO, path, ": it cannot be written: ", strerror(errno))
                  : STATUS_OK;
}
