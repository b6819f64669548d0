/* Counters, gauges and histograms of the process, and their Prometheus text form (0.0.4).
 *
 * Plain memory of the loop thread: other threads hand their numbers over through the loop. */
#ifndef SERVER_PROCESS_METRICS_H
#define SERVER_PROCESS_METRICS_H

#include "core/engine.h"
#include "server/buffer.h"
#include "server/tls/tls_session.h"

struct histogram {
    const double *bounds_s; /* upper bounds in seconds, rising */
    uint32_t bounds_count;  /* <= 15; one more bucket is +Inf */
    uint64_t counts[16];
    double sum_s;
};
/* A value on a bound counts below it (Prometheus' "le"). Negative seconds count as 0. */
void histogram_add(struct histogram *histogram, double seconds);
uint64_t histogram_count(const struct histogram *histogram);

enum { METRICS_ROUTES_MAX = 64 };

struct metrics {
    uint64_t reports_total[VERDICT_COUNT];
    uint64_t lookups_total; /* stored rows asked for by the dedupe */
    uint64_t commits_total, commit_bytes_total;
    struct histogram commit_seconds;   /* hand-over to the committer until durable */
    struct histogram ack_seconds;      /* first byte of a report upload until its answer */
    struct histogram loop_lag_seconds; /* a 100 ms timer's lateness */
    struct histogram seal_seconds;
    bool reload_failed;
    int64_t reloaded_ms; /* of the files in force, since 1970 */
    uint64_t clock_steps_total;
    bool clock_suspect; /* deadlines are held until the wall clock is believed */
    uint64_t deadlines_fired_total, deadlines_late_total, deadlines_stray_total;
    struct histogram deadline_lateness_seconds; /* due until its effects are in the open block */
    uint64_t feed_events_total, feed_resumes_total, feed_resets_total, feed_cut_total;
    uint64_t http_requests_total[METRICS_ROUTES_MAX]
                                [6]; /* by route index and hundred of the status code */
    struct histogram http_seconds[METRICS_ROUTES_MAX];
    struct {
        const char *reason;
        uint64_t count;
    } http_rejected[32]; /* by static reason word */
    uint64_t tls_handshakes[TLS_OUTCOME_COUNT];
    struct histogram tls_handshake_seconds; /* of those that came to be */
    uint64_t tls_reloads[2];                /* refused, taken */
};

void metrics_init(struct metrics *metrics);
/* A finished request of route `route_index`; `status` 0: cut before an answer. */
void metrics_add_request(struct metrics *metrics, size_t route_index, unsigned status,
                         double seconds);
/* One request or connection refused; `reason` is a static snake_case word. */
void metrics_add_rejected(struct metrics *metrics, const char *reason);

#endif
