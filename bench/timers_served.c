#include "bench/timers_served.h"

#include "bench/clock.h"
#include "core/base/check.h"
#include "core/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The instant is the first whole minute that leaves time for opening the tickets at a tenth of
 * what an idle machine takes. */
enum { OPEN_PER_S = 10000, START_S = 5, MINUTE_MS = 60000, TRIAL_LINES = 200000, GRACE_MS = 30000 };

static int64_t burst_instant_ms(uint64_t due) {
    int64_t ready_ms = (int64_t)(wall_ms() + (uint64_t)START_S * 1000 + due * 1000 / OPEN_PER_S);
    return (ready_ms / MINUTE_MS + 1) * MINUTE_MS;
}

static void send_load(struct ingest_result *result, const struct bench *bench,
                      const struct load_options *options) {
    struct load load;
    if (!load_make(&load, options)) {
        die("not enough memory for %llu reports", (unsigned long long)options->lines);
    }
    ingest_run(result, bench, &load, bench->options->bulk, 0);
    if (result->created + result->merged != load.lines) {
        die("only %llu of %llu reports were taken", (unsigned long long)result->created,
            (unsigned long long)load.lines);
    }
    load_free(&load);
}

static void open_tickets(struct timers_served *served, const struct bench *bench,
                         int64_t burst_ms) {
    struct ingest_result *result = malloc(sizeof *result);
    CHECK(result != NULL);
    const struct load_options options = {.seed = bench->options->seed,
                                         .lines = served->due,
                                         .category = DUE_BURST,
                                         .category_pct = 100,
                                         .now_ms = wall_ms(),
                                         .tree = &bench->tree};
    send_load(result, bench, &options);
    if ((int64_t)wall_ms() >= burst_ms) {
        die("opening %llu tickets took longer than until they run: use a smaller --due",
            (unsigned long long)served->due);
    }
    served->bytes_per_ticket =
        (result->after.rss_mib - result->before.rss_mib) * (double)MIB / (double)served->due;
    free(result);
}

/* What the server takes when it may, so that half of it is known. */
static double trial(const struct bench *bench) {
    struct ingest_result *result = malloc(sizeof *result);
    CHECK(result != NULL);
    const struct load_options options = {.seed = bench->options->seed + 1,
                                         .lines = TRIAL_LINES,
                                         .tickets_pct = bench->options->tickets_pct,
                                         .now_ms = wall_ms(),
                                         .tree = &bench->tree};
    send_load(result, bench, &options);
    double reports_per_s = TRIAL_LINES / result->seconds;
    free(result);
    return reports_per_s;
}

static void take_burst(struct burst *ret, const struct due_watch *watch, enum due_point point) {
    double due_ns = (double)watch->first_point_ms[point] * 1e6;
    ret->arrived = watch->lateness[point].count;
    ret->after_due_s = ((double)watch->last_arrival_ns[point] - due_ns) / 1e9;
    ret->per_s = (double)ret->arrived / ret->after_due_s;
}

static void wait_for_bursts(struct timers_served *served, struct due_watch *watch,
                            int64_t burst_ms) {
    uint64_t now_ms = wall_ms();
    uint64_t over_ms = (uint64_t)burst_ms + MINUTE_MS + GRACE_MS;
    (void)due_watch_wait(watch, DUE_OVERDUE, served->due, over_ms > now_ms ? over_ms - now_ms : 0);
    due_watch_close(watch);
    served->complete = served->steady.arrived == served->steady.wanted;
    for (unsigned point = 0; point < DUE_POINTS; point++) {
        take_burst(&served->bursts[point], watch, (enum due_point)point);
        served->complete = served->complete && served->bursts[point].arrived == served->due &&
                           watch->first_point_ms[point] == watch->last_point_ms[point];
    }
}

void timers_served_run(struct timers_served *ret, const struct options *options) {
    struct options own = *options;
    struct bench bench;
    struct due_files files = {0};
    struct due_watch *watch = malloc(sizeof *watch);
    CHECK(watch != NULL);
    memset(ret, 0, sizeof *ret);
    ret->due = options->due;
    int64_t burst_ms = burst_instant_ms(options->due);
    due_files_write(&files, options->directory, burst_ms);
    due_options(&own, &files);
    bench_begin(&bench, &own);
    due_files_remove(&files);
    due_watch_open(watch, &bench.target, DUE_BURST);
    open_tickets(ret, &bench, burst_ms);
    ret->load_reports_per_s = trial(&bench);
    due_steady_run(&ret->steady, &bench, ret->load_reports_per_s / 2, options->seconds,
                   options->tickets_pct);
    wait_for_bursts(ret, watch, burst_ms);
    bench_end(&bench);
    free(watch);
}

static const char *const point_names[DUE_POINTS] = {"near_deadline", "overdue"};

void timers_served_print(const struct timers_served *served) {
    printf("\ntimers through the server: %llu tickets due in one instant, then overdue in one\n",
           (unsigned long long)served->due);
    for (unsigned point = 0; point < DUE_POINTS; point++) {
        const struct burst *burst = &served->bursts[point];
        printf("%-26s %llu events on the feed %.3f s after the instant, %.0f/s\n",
               point_names[point], (unsigned long long)burst->arrived, burst->after_due_s,
               burst->per_s);
    }
    printf("%-26s %.0f\n", "resident bytes a ticket", served->bytes_per_ticket);
    due_steady_print(&served->steady);
    printf("%-26s rows on disk; an event is on the feed after it is written and synced\n",
           "durable");
}

void timers_served_json(struct json_out *out, const struct timers_served *served) {
    json_member_u64(out, "due_at_once", served->due);
    json_member_double(out, "fire_per_s", served->bursts[DUE_OVERDUE].per_s);
    json_out_key(out, "bursts");
    json_out_object_begin(out);
    for (unsigned point = 0; point < DUE_POINTS; point++) {
        json_out_key(out, point_names[point]);
        json_out_object_begin(out);
        json_member_u64(out, "events", served->bursts[point].arrived);
        json_member_double(out, "seconds", served->bursts[point].after_due_s);
        json_member_double(out, "fire_per_s", served->bursts[point].per_s);
        json_out_object_end(out);
    }
    json_out_object_end(out);
    json_member_double(out, "resident_bytes_per_ticket", served->bytes_per_ticket);
    due_steady_json(out, &served->steady);
}
