/* What the working calendar's arithmetic costs: CPU time a call, on the built-in calendar, from
 * random instants of its three years. */
#include "bench/clock.h"
#include "bench/prng.h"
#include "bench/workload.h"
#include "core/base/check.h"
#include "core/time/calendar_walk.h"
#include "core/time/clock.h"
#include "server/rules/calendar_file.h"

#include <stdio.h>
#include <stdlib.h>

enum { CASES = 4096, FIRST_DAY = 20089 /* 2025-01-01 */ };

struct calls {
    const struct calendar *calendar;
    enum metering metering;
    uint64_t sum; /* of all results, so that no call is dropped; it wraps */
    struct {
        int64_t from_ms, to_ms, units;
        struct clock clock;
    } cases[CASES];
};

static void draw_cases(struct calls *calls, uint64_t seed) {
    struct prng prng;
    prng_init(&prng, seed);
    bool days = calls->metering == METERING_WORK_DAY;
    for (size_t i = 0; i < CASES; i++) {
        int64_t limit = 1 + (int64_t)prng_below(&prng, days ? 30 : 200 * 3600);
        int64_t day_ms = (FIRST_DAY + (int64_t)prng_below(&prng, 3 * UINT64_C(365))) * DAY_MS;
        calls->cases[i].from_ms = day_ms + (int64_t)prng_below(&prng, DAY_MS);
        calls->cases[i].to_ms =
            calls->cases[i].from_ms + (int64_t)prng_below(&prng, 30 * (uint64_t)DAY_MS);
        calls->cases[i].units = limit * calendar_scale(calls->calendar, calls->metering);
        clock_start(&calls->cases[i].clock, calls->calendar, calls->metering, limit,
                    calls->cases[i].from_ms);
    }
}

static void call_metered(struct calls *calls, size_t i) {
    calls->sum += (uint64_t)calendar_metered(calls->calendar, calls->metering,
                                             calls->cases[i].from_ms, calls->cases[i].to_ms);
}

static void call_due(struct calls *calls, size_t i) {
    int64_t ms;
    CHECK(calendar_due_ms(calls->calendar, calls->metering, calls->cases[i].from_ms,
                          calls->cases[i].units, &ms) == STATUS_OK);
    calls->sum += (uint64_t)ms;
}

static void call_clock_due(struct calls *calls, size_t i) {
    int64_t ms;
    CHECK(clock_due_ms(&calls->cases[i].clock, calls->calendar, &ms) == STATUS_OK);
    calls->sum += (uint64_t)ms;
}

static void call_light(struct calls *calls, size_t i) {
    calls->sum += clock_light(&calls->cases[i].clock, calls->calendar, calls->cases[i].to_ms);
}

static void call_walk(struct calls *calls, size_t i) {
    struct calendar_walk walk;
    struct calendar_piece piece;
    calendar_walk_init(&walk, calls->calendar, calls->metering, calls->cases[i].from_ms,
                       calls->cases[i].from_ms, calls->cases[i].to_ms);
    while (calendar_walk_next(&walk, &piece)) {
        calls->sum += (uint64_t)piece.units;
    }
}

static double ns_of(struct calls *calls, void (*call)(struct calls *, size_t), uint64_t count) {
    double before_s = own_cpu_s();
    for (uint64_t i = 0; i < count; i++) {
        call(calls, i % CASES);
    }
    return (own_cpu_s() - before_s) * 1e9 / (double)count;
}

static void measure(struct json_out *out, struct calls *calls, uint64_t count) {
    const struct {
        const char *key;
        void (*call)(struct calls *calls, size_t i);
        uint64_t divisor;
    } rows[] = {{"metered_ns", call_metered, 1},
                {"due_ns", call_due, 1},
                {"clock_due_ns", call_clock_due, 1},
                {"clock_light_ns", call_light, 1},
                {"walk_of_a_month_at_most_ns", call_walk, 64}};
    json_out_key(out, metering_name(calls->metering));
    json_out_object_begin(out);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        double ns = ns_of(calls, rows[i].call, count / rows[i].divisor + 1);
        printf("%-12s %-28s %8.1f\n", metering_name(calls->metering), rows[i].key, ns);
        json_member_double(out, rows[i].key, ns);
    }
    json_out_object_end(out);
}

int calendar_main(const struct options *options) {
    struct buffer json;
    struct json_out out;
    struct error error;
    struct calendar_set *set = malloc(sizeof *set);
    struct calls *calls = calloc(1, sizeof *calls);
    CHECK(set != NULL && calls != NULL);
    if (calendar_file_read(set, "", &error) != STATUS_OK) {
        die("%s", error.message);
    }
    calls->calendar = &set->calendars[0];
    buffer_init(&json);
    json_out_init(&out, &json);
    json_out_object_begin(&out);
    json_member_text(&out, "workload", "calendar");
    printf("\nCPU time a call, %llu calls each\n", (unsigned long long)options->events);
    for (unsigned i = METERING_URGENT_HOUR; i <= METERING_WORK_DAY; i++) {
        calls->metering = (enum metering)i;
        draw_cases(calls, options->seed);
        measure(&out, calls, options->events);
    }
    json_member_text(&out, "durable", "nothing is kept");
    json_out_object_end(&out);
    write_json_file(options->json_path, &json);
    buffer_deinit(&json);
    CHECK(calls->sum != 0);
    free(calls);
    free(set);
    return 0;
}
