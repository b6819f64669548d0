#include "bench/clock.h"
#include "bench/feed_reader.h"
#include "bench/workload.h"
#include "core/base/check.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS_MAX = 256, RECEIVE_BYTES = 256 * 1024, BODY_REPORTS_MAX = 1000 };
/* How long readers may take for what was acknowledged last. */
static const uint64_t grace_ns = UINT64_C(5000000000);

struct feed_run {
    struct bench bench;
    uint64_t reports, first_seq; /* report n has sequence number first_seq + n */
    uint64_t start_ns;
    _Atomic uint64_t *acknowledged_ns; /* 0: not yet */
    atomic_bool posted;
    /* poster */
    char *body;
    struct prng prng;
    struct load_options load;
    uint64_t next_report, failed;
    struct latency post_latency;
    /* readers */
    struct feed_reader *readers;
    int *fds;
    int epoll_fd;
    uint8_t *received;
    uint64_t deliveries, last_delivery_ns;
    struct latency from_planned, from_acknowledged;
};

static uint64_t planned_ns(const struct feed_run *run, uint64_t report) {
    return run->start_ns + (uint64_t)((double)report * 1e9 / run->bench.options->rate);
}

static void sleep_until(uint64_t ns) {
    struct timespec when = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) == EINTR) {
    }
}

/* Everything that is due by now goes in one upload; one connection keeps the order known. */
static bool next_post(void *context, uint32_t connection, struct client_request *ret) {
    struct feed_run *run = context;
    (void)connection;
    if (run->next_report == run->reports) {
        return false;
    }
    sleep_until(planned_ns(run, run->next_report));
    uint64_t now_ns = monotonic_ns();
    size_t bytes = 0;
    uint64_t count = 0;
    while (run->next_report < run->reports && count < BODY_REPORTS_MAX &&
           (count == 0 || planned_ns(run, run->next_report) <= now_ns)) {
        bytes += load_report(run->body + bytes, &run->prng, run->next_report, &run->load);
        run->body[bytes++] = '\n';
        run->next_report++;
        count++;
    }
    *ret = (struct client_request){.method = "POST",
                                   .path = "/v1/reports",
                                   .content_type = "application/x-ndjson",
                                   .body = {(const uint8_t *)run->body, bytes},
                                   .tag = count};
    return true;
}

static void on_posted(void *context, const struct client_answer *answer) {
    struct feed_run *run = context;
    run->failed += answer->status != 200 || answer_number(answer->body, "created") != answer->tag;
    for (uint64_t n = run->next_report - answer->tag; n < run->next_report; n++) {
        latency_add(&run->post_latency, answer->done_ns - planned_ns(run, n));
        atomic_store(&run->acknowledged_ns[n], answer->done_ns);
    }
}

static void *post_all(void *context) {
    struct feed_run *run = context;
    const struct client_options options = {.target = &run->bench.target,
                                           .connections = 1,
                                           .context = run,
                                           .next = next_post,
                                           .answered = on_posted};
    (void)client_run(&options);
    atomic_store(&run->posted, true);
    return NULL;
}

/* A reader may have an event before the poster has read its answer: that is no lag at all. */
static void on_event(void *context, const struct feed_event *event) {
    struct feed_run *run = context;
    uint64_t seq = event->seq;
    if (seq < run->first_seq || seq - run->first_seq >= run->reports) {
        return;
    }
    uint64_t now_ns = monotonic_ns(), report = seq - run->first_seq;
    uint64_t acknowledged_ns = atomic_load(&run->acknowledged_ns[report]);
    bool after = acknowledged_ns != 0 && now_ns > acknowledged_ns;
    latency_add(&run->from_acknowledged, after ? now_ns - acknowledged_ns : 0);
    latency_add(&run->from_planned, now_ns - planned_ns(run, report));
    run->deliveries++;
    run->last_delivery_ns = now_ns;
}

static void open_readers(struct feed_run *run) {
    uint64_t count = run->bench.options->readers;
    run->readers = calloc(count, sizeof *run->readers);
    run->fds = calloc(count, sizeof *run->fds);
    run->received = malloc(RECEIVE_BYTES);
    run->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    CHECK(run->readers != NULL && run->fds != NULL && run->received != NULL && run->epoll_fd >= 0);
    char ask[256];
    int bytes = snprintf(ask, sizeof ask,
                         "GET /v1/feed HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n\r\n",
                         run->bench.target.host);
    for (uint64_t i = 0; i < count; i++) {
        feed_reader_init(&run->readers[i], run, on_event);
        run->fds[i] = target_connect(&run->bench.target);
        if (send(run->fds[i], ask, (size_t)bytes, MSG_NOSIGNAL) != bytes) {
            die("cannot open feed %llu: %s", (unsigned long long)i, strerror(errno));
        }
        /* Its first line says that it is served. */
        ssize_t got = recv(run->fds[i], run->received, RECEIVE_BYTES, 0);
        if (got < 12 || memcmp(run->received, "HTTP/1.1 200", 12) != 0) {
            die("feed %llu was refused: %.*s", (unsigned long long)i, (int)(got > 0 ? got : 0),
                (const char *)run->received);
        }
        feed_reader_take(&run->readers[i], (struct slice){run->received, (size_t)got});
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = i};
        int failure = epoll_ctl(run->epoll_fd, EPOLL_CTL_ADD, run->fds[i], &event);
        CHECK(failure == 0);
    }
}

static void read_feed(struct feed_run *run, uint64_t index) {
    ssize_t got = recv(run->fds[index], run->received, RECEIVE_BYTES, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        die("feed %llu was closed by the server", (unsigned long long)index);
    }
    feed_reader_take(&run->readers[index], (struct slice){run->received, (size_t)got});
}

static void read_feeds(struct feed_run *run) {
    uint64_t wanted = run->reports * run->bench.options->readers, end_ns = UINT64_MAX;
    while (run->deliveries < wanted && monotonic_ns() < end_ns) {
        struct epoll_event events[EVENTS_MAX];
        int count = epoll_wait(run->epoll_fd, events, EVENTS_MAX, 100);
        for (int i = 0; i < count; i++) {
            read_feed(run, events[i].data.u64);
        }
        if (end_ns == UINT64_MAX && atomic_load(&run->posted)) {
            end_ns = monotonic_ns() + grace_ns;
        }
    }
}

static uint64_t stored_seq(const struct bench *bench) {
    const struct client_request request = {.method = "GET", .path = "/v1/status"};
    char *body = NULL;
    if (client_call(&bench->target, &request, &body) != 200) {
        die("/v1/status was refused: %.200s", body);
    }
    uint64_t seq = answer_number((struct slice){(const uint8_t *)body, strlen(body)}, "seq");
    free(body);
    return seq;
}

static uint64_t count_missed(const struct feed_run *run) {
    uint64_t missed = 0;
    for (uint64_t i = 0; i < run->bench.options->readers; i++) {
        missed += run->readers[i].missed + run->reports - run->readers[i].events;
    }
    return missed;
}

static void report(const struct feed_run *run, double seconds, double server_cpu_s,
                   const struct process_use *after) {
    const struct options *options = run->bench.options;
    double per_s = (double)run->deliveries / seconds;
    printf("\nfeed: %llu readers, %.0f reports/s for %.1f s\n",
           (unsigned long long)options->readers, options->rate, seconds);
    printf("%-26s %.0f\n", "deliveries/s", per_s);
    print_latency("lag after the answer", &run->from_acknowledged);
    print_latency("lag after planned send", &run->from_planned);
    print_latency("answer after planned send", &run->post_latency);
    printf("%-26s %llu of %llu\n", "not delivered", (unsigned long long)count_missed(run),
           (unsigned long long)run->reports * options->readers);
    printf("%-26s %.2f\n", "server CPU us/delivery", server_cpu_s * 1e6 / (double)run->deliveries);
    printf("%-26s %.0f\n", "server RSS MiB", after->rss_mib);
    printf("%-26s %s\n", "durable", "an event is delivered after its report is written and synced");
    struct buffer json;
    struct json_out out;
    buffer_init(&json);
    json_out_init(&out, &json);
    json_out_object_begin(&out);
    json_member_text(&out, "workload", "feed");
    json_member_u64(&out, "readers", options->readers);
    json_member_double(&out, "rate", options->rate);
    json_member_double(&out, "seconds", seconds);
    json_member_u64(&out, "deliveries", run->deliveries);
    json_member_u64(&out, "missed", count_missed(run));
    json_member_double(&out, "deliveries_per_s", per_s);
    json_latency(&out, "lag_ms", &run->from_acknowledged);
    json_latency(&out, "lag_from_send_ms", &run->from_planned);
    json_latency(&out, "answer_ms", &run->post_latency);
    json_member_double(&out, "server_cpu_us_per_delivery",
                       server_cpu_s * 1e6 / (double)run->deliveries);
    json_member_double(&out, "rss_mib", after->rss_mib);
    json_member_text(&out, "durable",
                     "an event is delivered after its report is written and synced");
    json_out_object_end(&out);
    write_json_file(options->json_path, &json);
    buffer_deinit(&json);
}

static void close_readers(struct feed_run *run) {
    for (uint64_t i = 0; i < run->bench.options->readers; i++) {
        close(run->fds[i]);
    }
    close(run->epoll_fd);
    free(run->readers);
    free(run->fds);
    free(run->received);
}

int feed_main(const struct options *options) {
    if (options->rate <= 0 || options->seconds < 1 || options->readers < 1) {
        fputs("gridd-bench: feed needs --rate, --seconds and --readers above 0\n", stderr);
        return 2;
    }
    struct feed_run *run = calloc(1, sizeof *run);
    CHECK(run != NULL);
    bench_begin(&run->bench, options);
    run->reports = (uint64_t)(options->rate * (double)options->seconds);
    run->acknowledged_ns = calloc(run->reports, sizeof *run->acknowledged_ns);
    run->body = malloc((size_t)BODY_REPORTS_MAX * REPORT_BYTES_MAX);
    CHECK(run->acknowledged_ns != NULL && run->body != NULL);
    prng_init(&run->prng, options->seed);
    run->load =
        (struct load_options){.seed = options->seed, .now_ms = wall_ms(), .tree = &run->bench.tree};
    open_readers(run);
    run->first_seq = stored_seq(&run->bench) + 1;
    struct process_use before, after;
    process_use(run->bench.server_pid, &before);
    run->start_ns = monotonic_ns();
    pthread_t poster;
    int failure = pthread_create(&poster, NULL, post_all, run);
    CHECK(failure == 0);
    read_feeds(run);
    pthread_join(poster, NULL);
    process_use(run->bench.server_pid, &after);
    report(run, (double)(run->last_delivery_ns - run->start_ns) / 1e9, after.cpu_s - before.cpu_s,
           &after);
    int code = run->failed == 0 && count_missed(run) == 0 ? 0 : 1;
    close_readers(run);
    bench_end(&run->bench);
    free(run->body);
    free(run->acknowledged_ns);
    free(run);
    return code;
}
