/* Can gridd take writes now? One answer for /readyz, /v1/status and the metrics. */
#ifndef SERVER_READINESS_H
#define SERVER_READINESS_H

#include "server/services.h"

/* NULL when it can, else a static sentence. */
const char *readiness_reason(const struct services *services);

#endif
