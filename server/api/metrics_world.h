/* The families of GET /metrics that tell of tickets, incidents, deadlines and the clock. */
#ifndef SERVER_API_METRICS_WORLD_H
#define SERVER_API_METRICS_WORLD_H

#include "server/services.h"

void metrics_world_write(struct buffer *to, struct services *services);

#endif
