#include "bench/due.h"

#include "bench/clock.h"
#include "core/base/check.h"
#include "core/text/instant.h"
#include "server/rules/policy_default.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Local time of the burst, so that attendance is far from midnight. */
enum { BURST_HOUR = 12, END_HOUR = 20, POLL_US = 2000 };

static void write_file(const char *path, const struct buffer *text) {
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(text->data, 1, text->bytes, file) != text->bytes ||
        fclose(file) != 0) {
        die("cannot write %s", path);
    }
}

static void write_policy(const char *path) {
    static const char mark[] = "\ncategories:\n";
    char added[512];
    (void)snprintf(added, sizeof added,
                   "  - {code: %s, name: due, priority: P3, accept: %ds}\n"
                   "  - {code: %s, name: due at once, priority: P3, accept: 1wm}\n",
                   DUE_SOON, DUE_SOON_S, DUE_BURST);
    const uint8_t *found = memmem(policy_default_text, policy_default_bytes, mark, sizeof mark - 1);
    CHECK(found != NULL);
    size_t head = (size_t)(found - policy_default_text) + sizeof mark - 1;
    struct buffer text;
    buffer_init(&text);
    buffer_append(&text, policy_default_text, head);
    buffer_append(&text, added, strlen(added));
    buffer_append(&text, policy_default_text + head, policy_default_bytes - head);
    write_file(path, &text);
    buffer_deinit(&text);
}

static void write_calendar(const char *path, int64_t burst_ms) {
    int64_t minute = burst_ms / 60000 % 1440;
    int64_t offset_h = BURST_HOUR - minute / 60;
    char line[512];
    int bytes = snprintf(
        line, sizeof line,
        "version: 1\ncalendars:\n  - name: bench\n    utc_offset: '%c%02d:00'\n"
        "    week:\n      - days: [monday, tuesday, wednesday, thursday, friday, saturday, "
        "sunday, workday]\n        attendance: ['%d:%02d-%d:00']\n",
        offset_h < 0 ? '-' : '+', abs((int)offset_h), BURST_HOUR, (int)(minute % 60), END_HOUR);
    CHECK(bytes > 0 && (size_t)bytes < sizeof line);
    struct buffer text;
    buffer_init(&text);
    buffer_append(&text, line, (size_t)bytes);
    write_file(path, &text);
    buffer_deinit(&text);
}

void due_files_write(struct due_files *files, const char *directory, int64_t burst_ms) {
    (void)snprintf(files->policy, sizeof files->policy, "%s/gridd-bench-%d-policy.yaml", directory,
                   (int)getpid());
    (void)snprintf(files->calendar, sizeof files->calendar, "%s/gridd-bench-%d-calendar.yaml",
                   directory, (int)getpid());
    write_policy(files->policy);
    write_calendar(files->calendar, burst_ms);
}

void due_files_remove(const struct due_files *files) {
    (void)unlink(files->policy);
    (void)unlink(files->calendar);
}

void due_options(struct options *options, const struct due_files *files) {
    const char *const added[] = {"--policy", files->policy, "--calendar", files->calendar};
    size_t count = 0;
    while (options->server_arguments[count] != NULL) {
        count++;
    }
    if (count + ARRAY_COUNT(added) >= SERVER_ARGUMENTS_MAX) {
        die("too many arguments for the server");
    }
    memmove(options->server_arguments + ARRAY_COUNT(added), options->server_arguments,
            count * sizeof options->server_arguments[0]);
    memcpy(options->server_arguments, added, sizeof added);
}

static struct slice text_of(struct slice json, const char *key) {
    const uint8_t *found = memmem(json.data, json.bytes, key, strlen(key));
    if (found == NULL) {
        return (struct slice){NULL, 0};
    }
    const uint8_t *text = found + strlen(key);
    const uint8_t *end = memchr(text, '"', (size_t)(json.data + json.bytes - text));
    return (struct slice){text, end == NULL ? 0 : (size_t)(end - text)};
}

static void on_event(void *context, const struct feed_event *event) {
    struct due_watch *watch = context;
    struct slice category = text_of(event->data, "\"category\":\"");
    struct slice kind = text_of(event->data, "\"kind\":\"");
    struct slice at = text_of(event->data, "\"point_at\":\"");
    const char *why;
    int64_t point_ms;
    if (!slice_equal(category, slice_text(watch->category)) ||
        !instant_parse(&point_ms, at, &why)) {
        return;
    }
    enum due_point point =
        slice_equal(kind, SLICE_LITERAL("ticket.overdue")) ? DUE_OVERDUE : DUE_NEAR;
    uint64_t now_ns = clock_read_ns(CLOCK_REALTIME);
    uint64_t point_ns = (uint64_t)point_ms * 1000000;
    latency_add(&watch->lateness[point], now_ns > point_ns ? now_ns - point_ns : 0);
    if (watch->lateness[point].count == 1 || point_ms < watch->first_point_ms[point]) {
        watch->first_point_ms[point] = point_ms;
    }
    if (point_ms > watch->last_point_ms[point]) {
        watch->last_point_ms[point] = point_ms;
    }
    watch->last_arrival_ns[point] = now_ns;
    atomic_fetch_add(&watch->counts[point], 1);
}

void due_watch_open(struct due_watch *watch, const struct target *target, const char *category) {
    memset(watch, 0, sizeof *watch);
    watch->category = category;
    tap_open(&watch->tap, target, "/v1/feed?kinds=ticket.near_deadline,ticket.overdue", 1, watch,
             on_event);
}

bool due_watch_wait(struct due_watch *watch, enum due_point point, uint64_t count,
                    uint64_t wait_ms) {
    uint64_t end_ns = monotonic_ns() + wait_ms * 1000000;
    while (atomic_load(&watch->counts[point]) < count && monotonic_ns() < end_ns) {
        usleep(POLL_US);
    }
    return atomic_load(&watch->counts[point]) >= count;
}

void due_watch_close(struct due_watch *watch) {
    (void)tap_close(&watch->tap);
}

static uint64_t lines_with(const struct load *load, const char *text) {
    uint64_t found = 0;
    for (uint64_t line = 0; line < load->lines; line++) {
        struct slice body = load_body(load, line, 1);
        found += memmem(body.data, body.bytes, text, strlen(text)) != NULL;
    }
    return found;
}

void due_steady_run(struct due_steady *ret, const struct bench *bench, double rate,
                    uint64_t seconds, double tickets_pct) {
    struct load load;
    const struct load_options options = {.seed = bench->options->seed + 1000,
                                         .lines = (uint64_t)(rate * (double)seconds) + 1,
                                         .tickets_pct = tickets_pct,
                                         .category = DUE_SOON,
                                         .category_pct = 100.0 * DUE_PER_S / rate,
                                         .now_ms = wall_ms(),
                                         .tree = &bench->tree};
    struct due_watch *watch = malloc(sizeof *watch);
    if (watch == NULL || !load_make(&load, &options)) {
        die("not enough memory for %llu reports", (unsigned long long)options.lines);
    }
    uint64_t due_lines = lines_with(&load, DUE_SOON);
    ret->rate = rate;
    due_watch_open(watch, &bench->target, DUE_SOON);
    ingest_run(&ret->load, bench, &load, bench->options->bulk, rate);
    ret->seconds = ret->load.seconds;
    ret->wanted = 2 * due_lines;
    (void)due_watch_wait(watch, DUE_OVERDUE, due_lines, (uint64_t)(DUE_SOON_S + 10) * 1000);
    (void)due_watch_wait(watch, DUE_NEAR, due_lines, 1000);
    due_watch_close(watch);
    ret->lateness = watch->lateness[DUE_NEAR];
    latency_merge(&ret->lateness, &watch->lateness[DUE_OVERDUE]);
    ret->arrived = ret->lateness.count;
    free(watch);
    load_free(&load);
}

void due_steady_print(const struct due_steady *steady) {
    printf("%-26s %.0f reports/s for %.1f s, %d tickets a second due: %llu of %llu events came\n",
           "under half load", steady->rate, steady->seconds, DUE_PER_S,
           (unsigned long long)steady->arrived, (unsigned long long)steady->wanted);
    print_latency("lateness of deadlines", &steady->lateness);
    print_latency("latency of an upload", &steady->load.latency);
}

void due_steady_json(struct json_out *out, const struct due_steady *steady) {
    json_latency(out, "lateness_ms", &steady->lateness);
    json_out_key(out, "half_load");
    json_out_object_begin(out);
    json_member_double(out, "rate", steady->rate);
    json_member_double(out, "seconds", steady->seconds);
    json_member_u64(out, "due_events", steady->wanted);
    json_member_u64(out, "due_events_arrived", steady->arrived);
    json_latency(out, "latency_ms", &steady->load.latency);
    json_out_object_end(out);
}
