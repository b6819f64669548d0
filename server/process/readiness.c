#include "server/process/readiness.h"

#include <string.h>

enum { DISK_STEP_BYTES = 64 << 20 };

static const char *slow_reason(const struct services *services) {
    uint64_t oldest_ms = committer_oldest_ms(services->committer);
    return readiness_pace(&services->config->limits, oldest_ms) == COMMIT_PACE_GOOD
               ? NULL
               : "the disk is slow: a write has waited longer than commit_slow_ms";
}

void readiness_checks(const struct services *services,
                      struct readiness_check ret[READINESS_CHECKS]) {
    const struct readiness_check checks[READINESS_CHECKS] = {
        {"store", services->not_ready},
        {"drain", services->draining ? "draining" : NULL},
        {"disk", services->disk_low
                     ? "the disk is nearly full: free space is below disk_reserve_bytes"
                     : NULL},
        {"commit_queue", committer_pressure(services->committer) == PRESSURE_REFUSE
                             ? "too much is waiting to be committed"
                             : NULL},
        {"commit_age", slow_reason(services)},
    };
    memcpy(ret, checks, sizeof checks);
}

const char *readiness_reason(const struct services *services) {
    struct readiness_check checks[READINESS_CHECKS];
    readiness_checks(services, checks);
    for (size_t i = 0; i < READINESS_CHECKS; i++) {
        if (checks[i].reason != NULL) {
            return checks[i].reason;
        }
    }
    return NULL;
}

enum commit_pace readiness_pace(const struct limits *limits, uint64_t oldest_ms) {
    if (oldest_ms > limits->commit_stuck_ms) {
        return COMMIT_PACE_STUCK;
    }
    return oldest_ms > limits->commit_slow_ms ? COMMIT_PACE_SLOW : COMMIT_PACE_GOOD;
}

bool readiness_disk_is_low(uint64_t free_bytes, uint64_t reserve_bytes, bool was_low) {
    uint64_t step_bytes = was_low ? min_u64(reserve_bytes / 10, DISK_STEP_BYTES) : 0;
    return free_bytes < reserve_bytes + step_bytes;
}
