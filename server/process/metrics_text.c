#include "server/process/metrics_text.h"

#include "core/base/check.h"

#include <inttypes.h>

void metrics_text_family(struct buffer *to, const char *name, const char *type, const char *help) {
    buffer_printf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_text_quoted(struct buffer *to, const char *word) {
    buffer_append_text(to, "\"");
    for (; *word != '\0'; word++) {
        if (*word == '\n') {
            buffer_append_text(to, "\\n");
            continue;
        }
        if (*word == '"' || *word == '\\') {
            buffer_append_text(to, "\\");
        }
        buffer_append(to, word, 1);
    }
    buffer_append_text(to, "\"");
}

void metrics_text_sample(struct buffer *to, const char *name, const char *label, const char *word,
                         uint64_t value) {
    buffer_append_text(to, name);
    if (label != NULL && word != NULL) {
        buffer_printf(to, "{%s=", label);
        metrics_text_quoted(to, word);
        buffer_append_text(to, "}");
    }
    buffer_printf(to, " %" PRIu64 "\n", value);
}

void metrics_text_double(struct buffer *to, const char *name, double value) {
    buffer_printf(to, "%s %.9g\n", name, value);
}

void metrics_text_counter(struct buffer *to, const char *name, const char *help, uint64_t value) {
    metrics_text_family(to, name, "counter", help);
    metrics_text_sample(to, name, NULL, NULL, value);
}

void metrics_text_gauge(struct buffer *to, const char *name, const char *help, uint64_t value) {
    metrics_text_family(to, name, "gauge", help);
    metrics_text_sample(to, name, NULL, NULL, value);
}

/* `{label="word",` or `{`, before the label le. */
static void open_labels(struct buffer *to, const char *label, const char *word) {
    buffer_append_text(to, "{");
    if (label != NULL) {
        buffer_printf(to, "%s=", label);
        metrics_text_quoted(to, word);
        buffer_append_text(to, ",");
    }
}

static void sum_and_count(struct buffer *to, const char *name, const char *label, const char *word,
                          double sum_s, uint64_t count) {
    const char *const suffixes[] = {"_sum", "_count"};
    for (size_t i = 0; i < ARRAY_COUNT(suffixes); i++) {
        buffer_printf(to, "%s%s", name, suffixes[i]);
        if (label != NULL) {
            buffer_printf(to, "{%s=", label);
            metrics_text_quoted(to, word);
            buffer_append_text(to, "}");
        }
        if (i == 0) {
            buffer_printf(to, " %.9g\n", sum_s);
        } else {
            buffer_printf(to, " %" PRIu64 "\n", count);
        }
    }
}

void metrics_text_histogram(struct buffer *to, const char *name, const char *label,
                            const char *word, const struct histogram *histogram) {
    uint64_t count = 0;
    for (uint32_t i = 0; i < histogram->bounds_count; i++) {
        count += histogram->counts[i];
        buffer_printf(to, "%s_bucket", name);
        open_labels(to, label, word);
        buffer_printf(to, "le=\"%.9g\"} %" PRIu64 "\n", histogram->bounds_s[i], count);
    }
    count += histogram->counts[histogram->bounds_count];
    CHECK(count == histogram_count(histogram));
    buffer_printf(to, "%s_bucket", name);
    open_labels(to, label, word);
    buffer_printf(to, "le=\"+Inf\"} %" PRIu64 "\n", count);
    sum_and_count(to, name, label, word, histogram->sum_s, count);
}

static void write_histogram(struct buffer *to, const char *name, const char *help,
                            const struct histogram *histogram) {
    metrics_text_family(to, name, "histogram", help);
    metrics_text_histogram(to, name, NULL, NULL, histogram);
}

static void write_intake(struct buffer *to, const struct metrics *metrics) {
    metrics_text_family(to, "gridd_reports_total", "counter", "Reports by verdict.");
    for (int verdict = 0; verdict < VERDICT_COUNT; verdict++) {
        metrics_text_sample(to, "gridd_reports_total", "verdict",
                            verdict_name((enum verdict)verdict), metrics->reports_total[verdict]);
    }
    metrics_text_counter(to, "gridd_dedupe_lookups_total",
                         "Stored rows asked for because a report was older than the table.",
                         metrics->lookups_total);
    metrics_text_counter(to, "gridd_commits_total", "Synced commits.", metrics->commits_total);
    metrics_text_counter(to, "gridd_commit_bytes_total", "Bytes given to commits.",
                         metrics->commit_bytes_total);
    write_histogram(to, "gridd_commit_duration_seconds",
                    "Hand-over to the committer until durable.", &metrics->commit_seconds);
    write_histogram(to, "gridd_ack_duration_seconds",
                    "First byte of a report upload until its answer.", &metrics->ack_seconds);
    write_histogram(to, "gridd_seal_duration_seconds", "Sorting and taking in one run.",
                    &metrics->seal_seconds);
    write_histogram(to, "gridd_loop_lag_seconds", "Lateness of a timer of 100 ms.",
                    &metrics->loop_lag_seconds);
}

static void write_feed(struct buffer *to, const struct metrics *metrics) {
    metrics_text_counter(to, "gridd_feed_events_sent_total", "Events given to feed readers.",
                         metrics->feed_events_total);
    metrics_text_counter(to, "gridd_feed_resumes_total", "Readers that resumed at an id.",
                         metrics->feed_resumes_total);
    metrics_text_counter(to, "gridd_feed_resets_total", "Readers told that their id is not there.",
                         metrics->feed_resets_total);
    metrics_text_counter(to, "gridd_feed_dropped_total",
                         "Readers cut because their socket took nothing.", metrics->feed_cut_total);
}

/* A request's labels are two, so the sample is written here; combinations that never happened are
 * left out. */
static void write_requests(struct buffer *to, const struct metrics *metrics,
                           const char *const *route_names, size_t routes_count) {
    static const char *const codes[] = {"cut", "1xx", "2xx", "3xx", "4xx", "5xx"};
    metrics_text_family(to, "gridd_http_requests_total", "counter",
                        "Requests by route and class of the status code.");
    for (size_t route = 0; route < routes_count; route++) {
        for (size_t code = 0; code < ARRAY_COUNT(codes); code++) {
            uint64_t count = metrics->http_requests_total[route][code];
            if (count > 0) {
                buffer_printf(to,
                              "gridd_http_requests_total{route=\"%s\",code=\"%s\"} %" PRIu64 "\n",
                              route_names[route], codes[code], count);
            }
        }
    }
    metrics_text_family(to, "gridd_http_request_duration_seconds", "histogram",
                        "First byte of a request until its answer is complete.");
    for (size_t route = 0; route < routes_count; route++) {
        if (histogram_count(&metrics->http_seconds[route]) > 0) {
            metrics_text_histogram(to, "gridd_http_request_duration_seconds", "route",
                                   route_names[route], &metrics->http_seconds[route]);
        }
    }
}

static void write_rejected(struct buffer *to, const struct metrics *metrics) {
    metrics_text_family(to, "gridd_http_rejected_total", "counter",
                        "Requests and connections refused before a handler saw them.");
    for (size_t i = 0; i < ARRAY_COUNT(metrics->http_rejected); i++) {
        if (metrics->http_rejected[i].reason != NULL) {
            metrics_text_sample(to, "gridd_http_rejected_total", "reason",
                                metrics->http_rejected[i].reason, metrics->http_rejected[i].count);
        }
    }
}

void metrics_text_write(struct buffer *to, const struct metrics *metrics,
                        const char *const *route_names, size_t routes_count) {
    CHECK(routes_count <= METRICS_ROUTES_MAX);
    write_intake(to, metrics);
    write_feed(to, metrics);
    write_requests(to, metrics, route_names, routes_count);
    write_rejected(to, metrics);
}

/* `# HELP NAME_total text` and `# TYPE NAME_total counter` lose the suffix; samples keep it. */
static void append_open_line(struct buffer *to, struct slice line) {
    static const char suffix[] = "_total ";
    const uint8_t *at = NULL;
    if (line.bytes > 7 && line.data[0] == '#') {
        const uint8_t *name_end = memchr(line.data + 7, ' ', line.bytes - 7);
        size_t bytes = name_end == NULL ? 0 : (size_t)(name_end - line.data) + 1;
        if (bytes > 7 + sizeof suffix &&
            memcmp(name_end + 2 - sizeof suffix, suffix, sizeof suffix - 1) == 0) {
            at = name_end + 2 - sizeof suffix;
        }
    }
    if (at == NULL) {
        buffer_append_slice(to, line);
        return;
    }
    size_t before = (size_t)(at - line.data);
    buffer_append(to, line.data, before);
    buffer_append(to, at + sizeof suffix - 2, line.bytes - before - (sizeof suffix - 2));
}

void metrics_text_open(struct buffer *to, struct slice text) {
    while (text.bytes > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.bytes);
        CHECK(end != NULL);
        size_t bytes = (size_t)(end - text.data) + 1;
        append_open_line(to, (struct slice){text.data, bytes});
        text = (struct slice){text.data + bytes, text.bytes - bytes};
    }
    buffer_append_text(to, "# EOF\n");
}
