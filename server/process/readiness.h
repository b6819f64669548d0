/* Can gridd take writes now? One answer for /readyz, /v1/status and the metrics. */
#ifndef SERVER_PROCESS_READINESS_H
#define SERVER_PROCESS_READINESS_H

#include "server/services.h"

/* NULL when it can, else a static sentence. */
const char *readiness_reason(const struct services *services);

/* Is the disk too full for writes? Below `reserve_bytes` it is; once it was, a tenth of that more
 * (at most 64 MiB) must be free before it no longer is, so that intake does not flap. */
bool readiness_disk_is_low(uint64_t free_bytes, uint64_t reserve_bytes, bool was_low);

#endif
