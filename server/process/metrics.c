#include "server/process/metrics.h"

#include "core/base/check.h"

#include <string.h>

/* Around what was measured for a sync (0.2 to 4 ms) and what is promised for an answer (1 s). */
static const double durable_bounds_s[] = {0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1,
                                          0.2,    0.5,   1,     2,     5,    10,   30};
static const double loop_bounds_s[] = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5};
static const double seal_bounds_s[] = {0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120};
static const double http_bounds_s[] = {0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05,
                                       0.1,    0.5,    1,     5,     30,   300};

static void histogram_init(struct histogram *histogram, const double *bounds_s, size_t count) {
    CHECK(count < ARRAY_COUNT(histogram->counts));
    memset(histogram, 0, sizeof *histogram);
    histogram->bounds_s = bounds_s;
    histogram->bounds_count = (uint32_t)count;
}

void histogram_add(struct histogram *histogram, double seconds) {
    uint32_t i = 0;
    double value = seconds > 0 ? seconds : 0;
    while (i < histogram->bounds_count && value > histogram->bounds_s[i]) {
        i++;
    }
    histogram->counts[i]++;
    histogram->sum_s += value;
}

uint64_t histogram_count(const struct histogram *histogram) {
    uint64_t count = 0;
    for (uint32_t i = 0; i <= histogram->bounds_count; i++) {
        count += histogram->counts[i];
    }
    return count;
}

void metrics_init(struct metrics *metrics) {
    memset(metrics, 0, sizeof *metrics);
    histogram_init(&metrics->commit_seconds, durable_bounds_s, ARRAY_COUNT(durable_bounds_s));
    histogram_init(&metrics->ack_seconds, durable_bounds_s, ARRAY_COUNT(durable_bounds_s));
    histogram_init(&metrics->loop_lag_seconds, loop_bounds_s, ARRAY_COUNT(loop_bounds_s));
    histogram_init(&metrics->seal_seconds, seal_bounds_s, ARRAY_COUNT(seal_bounds_s));
    histogram_init(&metrics->deadline_lateness_seconds, loop_bounds_s, ARRAY_COUNT(loop_bounds_s));
    histogram_init(&metrics->tls_handshake_seconds, http_bounds_s, ARRAY_COUNT(http_bounds_s));
    for (size_t i = 0; i < METRICS_ROUTES_MAX; i++) {
        histogram_init(&metrics->http_seconds[i], http_bounds_s, ARRAY_COUNT(http_bounds_s));
    }
}

void metrics_add_request(struct metrics *metrics, size_t route_index, unsigned status,
                         double seconds) {
    CHECK(route_index < METRICS_ROUTES_MAX);
    CHECK(status < 600);
    metrics->http_requests_total[route_index][status / 100]++;
    histogram_add(&metrics->http_seconds[route_index], seconds);
}

/* Words are few and static, so the table is searched; what no longer fits is counted in its last
 * row as "other", so that the sum stays right. */
void metrics_add_rejected(struct metrics *metrics, const char *reason) {
    size_t last = ARRAY_COUNT(metrics->http_rejected) - 1;
    for (size_t i = 0; i < last; i++) {
        if (metrics->http_rejected[i].reason == NULL) {
            metrics->http_rejected[i].reason = reason;
        }
        if (strcmp(metrics->http_rejected[i].reason, reason) == 0) {
            metrics->http_rejected[i].count++;
            return;
        }
    }
    metrics->http_rejected[last].reason = "other";
    metrics->http_rejected[last].count++;
}
