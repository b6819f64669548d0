#include "server/api/metrics_limit.h"

#include "server/limit/admission.h"
#include "server/process/metrics_text.h"

static void write_shed(struct buffer *to, const struct overload *overload) {
    metrics_text_family(to, "gridd_shed_total", "counter",
                        "Requests answered 503 because of load, by the stage it was at.");
    for (int stage = SHED_NONE + 1; stage < SHED_STAGES; stage++) {
        for (int reason = 0; reason < SHED_REASONS; reason++) {
            buffer_printf(to, "gridd_shed_total{stage=\"%s\",reason=\"%s\"} %llu\n",
                          shed_stage_name((enum shed_stage)stage),
                          shed_reason_name((enum shed_reason)reason),
                          (unsigned long long)overload->shed_total[stage][reason]);
        }
    }
}

static void write_rates(struct buffer *to, const struct limiter *limiter) {
    metrics_text_family(to, "gridd_rate_limited_total", "counter",
                        "Requests answered 429, by the limit.");
    for (int scope = 0; scope < LIMIT_SCOPES; scope++) {
        metrics_text_sample(to, "gridd_rate_limited_total", "scope",
                            limit_scope_name((enum limit_scope)scope),
                            limiter_limited_total(limiter, (enum limit_scope)scope));
    }
    metrics_text_family(to, "gridd_rate_buckets", "gauge", "Buckets in use, by the rate.");
    for (int scope = 0; scope < LIMIT_RATES; scope++) {
        metrics_text_sample(to, "gridd_rate_buckets", "scope",
                            limit_scope_name((enum limit_scope)scope),
                            limiter_used(limiter, (enum limit_scope)scope));
    }
    metrics_text_gauge(to, "gridd_rate_memory_bytes", "Memory of all buckets, fixed at the start.",
                       limiter_memory_bytes(limiter));
}

void metrics_limit_write(struct buffer *to, struct services *services) {
    enum shed_reason reason;
    metrics_text_gauge(to, "gridd_shed_stage",
                       "0 none, 1 bulks of devices, 2 all uploads, 3 all but what must not wait.",
                       (uint64_t)admission_stage(services, &reason));
    write_shed(to, &services->overload);
    write_rates(to, services->limiter);
}
