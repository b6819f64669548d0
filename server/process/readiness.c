#include "server/process/readiness.h"

enum { DISK_STEP_BYTES = 64 << 20 };

const char *readiness_reason(const struct services *services) {
    if (services->not_ready != NULL) {
        return services->not_ready;
    }
    if (services->disk_low) {
        return "the disk is nearly full: free space is below disk_reserve_bytes";
    }
    if (committer_pressure(services->committer) == PRESSURE_REFUSE) {
        return "too much is waiting to be committed";
    }
    return NULL;
}

bool readiness_disk_is_low(uint64_t free_bytes, uint64_t reserve_bytes, bool was_low) {
    uint64_t step_bytes = was_low ? min_u64(reserve_bytes / 10, DISK_STEP_BYTES) : 0;
    return free_bytes < reserve_bytes + step_bytes;
}
