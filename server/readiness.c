#include "server/readiness.h"

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
