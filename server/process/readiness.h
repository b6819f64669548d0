/* Can gridd take writes now? One answer for /readyz, /v1/status and the metrics. */
#ifndef SERVER_PROCESS_READINESS_H
#define SERVER_PROCESS_READINESS_H

#include "server/services.h"

/* One thing that must be so, by a stable name. */
struct readiness_check {
    const char *name;
    const char *reason; /* static sentence; NULL: it is so */
};
enum { READINESS_CHECKS = 5 };
void readiness_checks(const struct services *services,
                      struct readiness_check ret[READINESS_CHECKS]);
/* The first reason of them, or NULL. */
const char *readiness_reason(const struct services *services);

/* Is the disk too full for writes? Below `reserve_bytes` it is; once it was, a tenth of that more
 * (at most 64 MiB) must be free before it no longer is, so that intake does not flap. */
bool readiness_disk_is_low(uint64_t free_bytes, uint64_t reserve_bytes, bool was_low);

/* How far behind the committer is, by the age of the oldest write that is not durable. */
enum commit_pace {
    COMMIT_PACE_GOOD,
    COMMIT_PACE_SLOW,  /* longer than commit_slow_ms: not ready */
    COMMIT_PACE_STUCK, /* longer than commit_stuck_ms: nothing in this process will help */
};
enum commit_pace readiness_pace(const struct limits *limits, uint64_t oldest_ms);

#endif
