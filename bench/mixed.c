#include "bench/clock.h"
#include "bench/due.h"
#include "bench/settle.h"
#include "core/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Plain intake and intake with tickets in turns on one server, so that both find the same machine,
 * and then half of that load with deadlines that come due. */
enum { PAIRS = 3, KINDS = 2, PARTS = PAIRS * KINDS };

struct part {
    double tickets_pct, reports_per_s, cpu_s_per_million;
    struct ingest_result result;
};

struct mixed {
    struct bench bench;
    struct options options;
    struct part parts[PARTS]; /* plain, tickets, plain, ... */
    struct due_steady steady;
    struct tap tap;
    uint64_t feed_events, failed;
};

static void on_event(void *context, const struct feed_event *event) {
    (void)context;
    (void)event; /* counted by its reader */
}

static void run_part(struct mixed *mixed, unsigned index) {
    struct part *part = &mixed->parts[index];
    const struct options *options = &mixed->options;
    part->tickets_pct = index % KINDS == 0 ? 0 : options->tickets_pct;
    struct load load;
    const struct load_options load_options = {.seed = options->seed + index,
                                              .lines = options->events,
                                              .repeated_pct = options->repeated_pct,
                                              .tickets_pct = part->tickets_pct,
                                              .now_ms = wall_ms(),
                                              .tree = &mixed->bench.tree};
    if (!load_make(&load, &load_options)) {
        die("not enough memory for %llu reports", (unsigned long long)options->events);
    }
    ingest_run(&part->result, &mixed->bench, &load, options->bulk, 0);
    const struct ingest_result *result = &part->result;
    double cpu_s = result->after.cpu_s - result->before.cpu_s -
                   (result->after.merge_cpu_s - result->before.merge_cpu_s);
    part->reports_per_s = (double)load.lines / result->seconds;
    part->cpu_s_per_million = cpu_s * 1e6 / (double)load.lines;
    mixed->failed += result->failed_requests != 0 ||
                     result->created + result->merged + result->replayed != load.lines;
    if (options->settle_s > 0) {
        struct settled settled;
        settle(&settled, &mixed->bench, &result->before);
    }
    load_free(&load);
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of the parts of one kind; `of`: offset of a double in struct part. */
static double median(const struct mixed *mixed, unsigned kind, size_t of) {
    double values[PAIRS];
    for (unsigned pair = 0; pair < PAIRS; pair++) {
        const char *part = (const char *)&mixed->parts[pair * KINDS + kind];
        memcpy(&values[pair], part + of, sizeof values[pair]);
    }
    qsort(values, PAIRS, sizeof values[0], compare_doubles);
    return values[PAIRS / 2];
}

static double median_rate(const struct mixed *mixed, unsigned kind) {
    return median(mixed, kind, offsetof(struct part, reports_per_s));
}

static double median_cpu(const struct mixed *mixed, unsigned kind) {
    return median(mixed, kind, offsetof(struct part, cpu_s_per_million));
}

static void print_all(const struct mixed *mixed, const struct process_use *use) {
    printf("\nmixed: %llu reports a part, %llu an upload, %llu connections, %llu feed readers\n",
           (unsigned long long)mixed->options.events, (unsigned long long)mixed->options.bulk,
           (unsigned long long)mixed->options.connections,
           (unsigned long long)mixed->options.readers);
    for (unsigned i = 0; i < PARTS; i++) {
        const struct part *part = &mixed->parts[i];
        printf(
            "%4.0f %% for tickets %10.0f reports/s %8.3f server CPU s/million  p50 %.1f p99 %.1f "
            "ms  created %llu merged %llu replayed %llu\n",
            part->tickets_pct, part->reports_per_s, part->cpu_s_per_million,
            (double)latency_percentile_ns(&part->result.latency, 0.5) / 1e6,
            (double)latency_percentile_ns(&part->result.latency, 0.99) / 1e6,
            (unsigned long long)part->result.created, (unsigned long long)part->result.merged,
            (unsigned long long)part->result.replayed);
    }
    printf("%-26s %.0f and %.0f reports/s: %.1f %% of plain intake; CPU %.3f and %.3f\n", "medians",
           median_rate(mixed, 0), median_rate(mixed, 1),
           100 * median_rate(mixed, 1) / median_rate(mixed, 0), median_cpu(mixed, 0),
           median_cpu(mixed, 1));
    if (mixed->bench.own) {
        due_steady_print(&mixed->steady);
    }
    printf("%-26s %.0f, peak %.0f\n", "server RSS MiB", use->rss_mib, use->rss_peak_mib);
    printf("%-26s %s\n", "durable", bench_durable);
}

static void json_kind(struct json_out *out, const struct mixed *mixed, unsigned kind,
                      const char *key) {
    json_out_key(out, key);
    json_out_object_begin(out);
    json_member_double(out, "tickets_pct", mixed->parts[kind].tickets_pct);
    json_member_double(out, "reports_per_s", median_rate(mixed, kind));
    json_member_double(out, "server_cpu_s_per_million", median_cpu(mixed, kind));
    json_out_key(out, "parts");
    json_out_array_begin(out);
    for (unsigned pair = 0; pair < PAIRS; pair++) {
        const struct part *part = &mixed->parts[pair * KINDS + kind];
        json_out_object_begin(out);
        json_member_double(out, "seconds", part->result.seconds);
        json_member_double(out, "reports_per_s", part->reports_per_s);
        json_member_double(out, "server_cpu_s_per_million", part->cpu_s_per_million);
        json_latency(out, "latency_ms", &part->result.latency);
        json_member_u64(out, "created", part->result.created);
        json_member_u64(out, "merged", part->result.merged);
        json_member_u64(out, "replayed", part->result.replayed);
        json_out_object_end(out);
    }
    json_out_array_end(out);
    json_out_object_end(out);
}

static void write_json(const struct mixed *mixed, const struct process_use *use) {
    struct buffer json;
    struct json_out out;
    buffer_init(&json);
    json_out_init(&out, &json);
    json_out_object_begin(&out);
    json_member_text(&out, "workload", "mixed");
    json_member_u64(&out, "events", mixed->options.events);
    json_member_u64(&out, "bulk", mixed->options.bulk);
    json_member_u64(&out, "connections", mixed->options.connections);
    json_member_double(&out, "duplicates_pct", mixed->options.repeated_pct);
    json_member_u64(&out, "seed", mixed->options.seed);
    json_kind(&out, mixed, 0, "plain");
    json_kind(&out, mixed, 1, "tickets");
    json_member_double(&out, "ratio", median_rate(mixed, 1) / median_rate(mixed, 0));
    json_member_u64(&out, "readers", mixed->options.readers);
    json_member_u64(&out, "feed_events", mixed->feed_events);
    if (mixed->bench.own) {
        due_steady_json(&out, &mixed->steady);
    } else {
        json_out_key(&out, "lateness_ms");
        json_out_null(&out); /* of a server with a policy of its own */
    }
    json_member_text(&out, "durable", bench_durable);
    json_member_double(&out, "rss_mib", use->rss_mib);
    json_member_double(&out, "rss_peak_mib", use->rss_peak_mib);
    json_out_object_end(&out);
    write_json_file(mixed->options.json_path, &json);
    buffer_deinit(&json);
}

static void run_all(struct mixed *mixed) {
    uint32_t readers = (uint32_t)mixed->options.readers;
    if (readers > 0) {
        tap_open(&mixed->tap, &mixed->bench.target, "/v1/feed", readers, NULL, on_event);
    }
    for (unsigned i = 0; i < PARTS; i++) {
        run_part(mixed, i);
    }
    if (mixed->bench.own) {
        due_steady_run(&mixed->steady, &mixed->bench, median_rate(mixed, 1) / 2,
                       mixed->options.seconds, mixed->options.tickets_pct);
        mixed->failed += mixed->steady.arrived != mixed->steady.wanted;
    }
    if (readers > 0) {
        mixed->feed_events = tap_close(&mixed->tap);
    }
}

int mixed_main(const struct options *options) {
    struct mixed *mixed = calloc(1, sizeof *mixed);
    CHECK(mixed != NULL);
    struct due_files files = {0};
    mixed->options = *options;
    due_files_write(&files, options->directory, (int64_t)wall_ms());
    due_options(&mixed->options, &files);
    bench_begin(&mixed->bench, &mixed->options);
    due_files_remove(&files);
    run_all(mixed);
    struct process_use use;
    process_use(mixed->bench.server_pid, &use);
    print_all(mixed, &use);
    write_json(mixed, &use);
    int code = mixed->failed == 0 ? 0 : 1;
    if (code != 0) {
        fputs("gridd-bench: reports were not answered or deadlines did not come\n", stderr);
    }
    bench_end(&mixed->bench);
    free(mixed);
    return code;
}
