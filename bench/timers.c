#include "bench/clock.h"
#include "bench/prng.h"
#include "bench/timers_served.h"
#include "bench/workload.h"
#include "core/base/check.h"
#include "core/limits.h"
#include "core/time/wheel.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <uv.h>

/* The timing wheel alone, beside libuv's own timers: nothing is stored, nothing is waited for.
 * Times are CPU time of this thread, so that neighbours count as little as they can. */
enum { SPAN_MS = 7200000, TURN_MS = 10, FIRE_BATCH = 1024, UV_TIMERS = 1000000 };
#define BEGIN_MS INT64_C(1780000000000)

struct figures {
    uint64_t timers;
    double arm_ns;    /* into memory never touched before */
    double cancel_ns; /* in random order */
    double rearm_ns;  /* into the entries that were cancelled, so all over the memory */
    double fire_ns;
    double bytes; /* resident, for each armed timer */
};

static double cpu_ns(void) {
    return (double)clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
}

static void shuffle(struct prng *prng, uint64_t *values, uint64_t count) {
    for (uint64_t i = count; i > 1; i--) {
        uint64_t other = prng_below(prng, i), value = values[i - 1];
        values[i - 1] = values[other];
        values[other] = value;
    }
}

static double arm_all(struct wheel *wheel, struct prng *prng, wheel_handle *handles,
                      uint64_t count) {
    double begin_ns = cpu_ns();
    for (uint64_t i = 0; i < count; i++) {
        const struct deadline deadline = {.due_ms =
                                              BEGIN_MS + 1 + (int64_t)prng_below(prng, SPAN_MS),
                                          .object = i + 1,
                                          .stage = DEADLINE_HANDLE,
                                          .point = POINT_OVERDUE};
        enum status status = wheel_arm(wheel, &deadline, &handles[i]);
        CHECK(status == STATUS_OK);
    }
    return (cpu_ns() - begin_ns) / (double)count;
}

static double cancel_all(struct wheel *wheel, const wheel_handle *handles, uint64_t count) {
    double begin_ns = cpu_ns();
    for (uint64_t i = 0; i < count; i++) {
        enum status status = wheel_cancel(wheel, handles[i]);
        CHECK(status == STATUS_OK);
    }
    return (cpu_ns() - begin_ns) / (double)count;
}

/* Two hours in turns of a loop that has nothing else to do. */
static double fire_all(struct wheel *wheel, uint64_t count) {
    static struct deadline due[FIRE_BATCH];
    uint64_t fired_count = 0;
    double begin_ns = cpu_ns();
    for (int64_t now_ms = BEGIN_MS; now_ms <= BEGIN_MS + SPAN_MS; now_ms += TURN_MS) {
        for (bool more = true; more;) {
            size_t due_count = wheel_advance(wheel, now_ms, 4 * FIRE_BATCH, due, FIRE_BATCH, &more);
            CHECK(due_count == 0 || due[due_count - 1].due_ms <= now_ms);
            fired_count += due_count;
        }
    }
    CHECK(fired_count == count);
    return (cpu_ns() - begin_ns) / (double)count;
}

/* Memory as a server should give it: reserved, touched where it is used, in huge pages. */
static void measure_wheel(struct figures *ret, const struct options *options, uint64_t count) {
    struct prng prng;
    prng_init(&prng, options->seed);
    struct process_use before, after;
    size_t bytes = wheel_bytes((uint32_t)count + (uint32_t)count / 8);
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(memory != MAP_FAILED);
    (void)madvise(memory, bytes, MADV_HUGEPAGE); /* where there are none, it is only slower */
    wheel_handle *handles = calloc(count, sizeof *handles);
    struct wheel *wheel = malloc(sizeof *wheel);
    CHECK(handles != NULL && wheel != NULL);
    for (uint64_t i = 0; i < count; i++) {
        handles[i] = i + 1; /* resident before it is counted */
    }
    process_use(getpid(), &before);
    wheel_init(wheel, memory, (uint32_t)count + (uint32_t)count / 8, BEGIN_MS);
    *ret = (struct figures){.timers = count};
    ret->arm_ns = arm_all(wheel, &prng, handles, count);
    process_use(getpid(), &after);
    ret->bytes = (after.rss_mib - before.rss_mib) * (double)MIB / (double)count;
    shuffle(&prng, handles, count);
    ret->cancel_ns = cancel_all(wheel, handles, count);
    ret->rearm_ns = arm_all(wheel, &prng, handles, count);
    ret->fire_ns = fire_all(wheel, count);
    free(wheel);
    free(handles);
    munmap(memory, bytes);
}

static void never_called(uv_timer_t *timer) {
    (void)timer;
    CHECK(false);
}

static double uv_start_all(uv_timer_t *timers, struct prng *prng, const uint64_t *order,
                           uint64_t count) {
    double begin_ns = cpu_ns();
    for (uint64_t i = 0; i < count; i++) {
        uv_timer_start(&timers[order[i]], never_called, 1 + prng_below(prng, SPAN_MS), 0);
    }
    return (cpu_ns() - begin_ns) / (double)count;
}

/* The same calls on libuv's heap. Its firing cannot be measured without waiting two hours. */
static void measure_uv(struct figures *ret, const struct options *options, uint64_t count) {
    struct prng prng;
    prng_init(&prng, options->seed);
    uv_loop_t loop;
    uv_timer_t *timers = calloc(count, sizeof *timers);
    uint64_t *order = calloc(count, sizeof *order);
    CHECK(timers != NULL && order != NULL && uv_loop_init(&loop) == 0);
    for (uint64_t i = 0; i < count; i++) {
        order[i] = i;
        uv_timer_init(&loop, &timers[i]);
    }
    *ret = (struct figures){.timers = count, .bytes = sizeof *timers};
    ret->arm_ns = uv_start_all(timers, &prng, order, count);
    shuffle(&prng, order, count);
    double begin_ns = cpu_ns();
    for (uint64_t i = 0; i < count; i++) {
        uv_timer_stop(&timers[order[i]]);
    }
    ret->cancel_ns = (cpu_ns() - begin_ns) / (double)count;
    ret->rearm_ns = uv_start_all(timers, &prng, order, count);
    for (uint64_t i = 0; i < count; i++) {
        uv_timer_stop(&timers[i]);
        uv_close((uv_handle_t *)&timers[i], NULL);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop) == 0);
    free(order);
    free(timers);
}

static void print_row(const char *what, const struct figures *figures) {
    printf("%-8s %10llu %8.1f %10.1f %9.1f ", what, (unsigned long long)figures->timers,
           figures->arm_ns, figures->cancel_ns, figures->rearm_ns);
    if (figures->fire_ns > 0) {
        printf("%8.1f", figures->fire_ns);
    } else {
        printf("%8s", "-");
    }
    printf(" %8.1f\n", figures->bytes);
}

static void json_figures(struct json_out *out, const char *key, const struct figures *figures) {
    json_out_key(out, key);
    json_out_object_begin(out);
    json_member_u64(out, "timers", figures->timers);
    json_member_double(out, "arm_ns", figures->arm_ns);
    json_member_double(out, "cancel_ns", figures->cancel_ns);
    json_member_double(out, "rearm_ns", figures->rearm_ns);
    json_member_double(out, "bytes_per_timer", figures->bytes);
    json_out_object_end(out);
}

static void write_json(const struct options *options, const struct figures *wheel,
                       const struct figures *small, const struct figures *uv,
                       const struct timers_served *served) {
    struct buffer json;
    struct json_out out;
    buffer_init(&json);
    json_out_init(&out, &json);
    json_out_object_begin(&out);
    json_member_text(&out, "workload", "timers");
    json_member_u64(&out, "events", wheel->timers);
    json_member_u64(&out, "seed", options->seed);
    json_member_double(&out, "arm_ns", wheel->arm_ns);
    json_member_double(&out, "cancel_ns", wheel->cancel_ns);
    json_member_double(&out, "rearm_ns", wheel->rearm_ns);
    json_member_double(&out, "wheel_fire_per_s", 1e9 / wheel->fire_ns);
    if (served != NULL) {
        timers_served_json(&out, served);
    } else {
        json_member_double(&out, "fire_per_s", 1e9 / wheel->fire_ns);
        json_out_key(&out, "lateness_ms");
        json_out_null(&out); /* the wheel alone does not wait */
    }
    json_member_double(&out, "bytes_per_timer", wheel->bytes);
    json_member_double(&out, "resident_mib", wheel->bytes * (double)wheel->timers / (double)MIB);
    json_figures(&out, "wheel_1m", small);
    json_figures(&out, "uv_1m", uv);
    json_member_text(&out, "durable",
                     served != NULL ? "arm_ns, cancel_ns, rearm_ns: nothing, the wheel in memory; "
                                      "fire_per_s, lateness_ms: written and synced"
                                    : "nothing: the wheel in memory alone");
    json_out_object_end(&out);
    write_json_file(options->json_path, &json);
    buffer_deinit(&json);
}

int timers_main(const struct options *options) {
    struct figures wheel, small, uv;
    if (options->events > WHEEL_ENTRIES_MAX / 2) {
        fprintf(stderr, "gridd-bench: --events must be at most %d for timers\n",
                WHEEL_ENTRIES_MAX / 2);
        return 2;
    }
    measure_uv(&uv, options, UV_TIMERS);
    measure_wheel(&small, options, UV_TIMERS);
    measure_wheel(&wheel, options, options->events);
    printf("\ntimers: the wheel in memory alone, due within two hours; CPU time, ns each\n");
    printf("%-8s %10s %8s %10s %9s %8s %8s\n", "", "timers", "arm", "cancel", "re-arm", "fire",
           "bytes");
    print_row("wheel", &wheel);
    print_row("wheel", &small);
    print_row("libuv", &uv);
    printf("%-26s arm %.1f, cancel %.1f times libuv's speed at 1M\n", "ratio",
           uv.arm_ns / small.arm_ns, uv.cancel_ns / small.cancel_ns);
    printf("%-26s %.0f fired/s, %.0f MiB resident\n", "at the full number", 1e9 / wheel.fire_ns,
           wheel.bytes * (double)wheel.timers / (double)MIB);
    printf("%-26s nothing: the wheel in memory alone\n", "durable");
    if (options->due == 0 || options->url != NULL) {
        write_json(options, &wheel, &small, &uv, NULL);
        return 0;
    }
    struct timers_served *served = malloc(sizeof *served);
    CHECK(served != NULL);
    timers_served_run(served, options);
    timers_served_print(served);
    write_json(options, &wheel, &small, &uv, served);
    int code = served->complete ? 0 : 1;
    if (code != 0) {
        fputs("gridd-bench: some deadlines did not come\n", stderr);
    }
    free(served);
    return code;
}
