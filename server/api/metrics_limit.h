/* Metrics of limits and shedding. */
#ifndef SERVER_API_METRICS_LIMIT_H
#define SERVER_API_METRICS_LIMIT_H

#include "server/services.h"

void metrics_limit_write(struct buffer *to, struct services *services);

#endif
