#include "server/limit/overload.h"

#include "core/base/check.h"

void overload_note_lag(struct overload *overload, uint64_t late_ms) {
    overload->lags_ms[overload->lags_at] = late_ms;
    overload->lags_at = (overload->lags_at + 1) % OVERLOAD_LAGS;
}

static uint64_t standing_lag_ms(const struct overload *overload) {
    uint64_t least_ms = UINT64_MAX;
    for (size_t i = 0; i < OVERLOAD_LAGS; i++) {
        least_ms = min_u64(least_ms, overload->lags_ms[i]);
    }
    return least_ms;
}

enum shed_stage overload_judge(const struct overload *overload, const struct load *load,
                               const struct limits *limits, enum shed_reason *ret_reason) {
    const struct {
        bool holds;
        enum shed_stage stage;
        enum shed_reason reason;
    } rules[] = {
        {standing_lag_ms(overload) > limits->overload_lag_ms, SHED_WORK, SHED_FOR_LAG},
        {load->queue_full, SHED_UPLOADS, SHED_FOR_QUEUE},
        {load->oldest_ms > limits->commit_queue_ms, SHED_UPLOADS, SHED_FOR_AGE},
        {load->body_memory_bytes > limits->body_memory_bytes, SHED_UPLOADS, SHED_FOR_MEMORY},
        {load->queue_paused, SHED_DEVICE_BULKS, SHED_FOR_QUEUE},
        {load->oldest_ms > limits->commit_queue_ms / 2, SHED_DEVICE_BULKS, SHED_FOR_AGE},
        {load->body_memory_bytes > limits->body_memory_bytes / 2, SHED_DEVICE_BULKS,
         SHED_FOR_MEMORY},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rules); i++) {
        if (rules[i].holds) {
            *ret_reason = rules[i].reason;
            return rules[i].stage;
        }
    }
    return SHED_NONE;
}

const char *shed_stage_name(enum shed_stage stage) {
    static const char *const names[] = {
#define STAGE_NAME(name, word) word,
        SHED_STAGE_TABLE(STAGE_NAME)
#undef STAGE_NAME
    };
    CHECK(stage < SHED_STAGES);
    return names[stage];
}

const char *shed_reason_name(enum shed_reason reason) {
    static const char *const names[] = {
#define REASON_NAME(name, word) word,
        SHED_REASON_TABLE(REASON_NAME)
#undef REASON_NAME
    };
    CHECK(reason < SHED_REASONS);
    return names[reason];
}
