/* The time that everything in the server goes by, once a turn of the loop: the wall clock, guarded
 * against being set (core/time/time_guard.h). Steps are logged and counted. */
#ifndef SERVER_DOMAIN_SERVICE_TIME_H
#define SERVER_DOMAIN_SERVICE_TIME_H

#include "core/time/time_guard.h"
#include "server/process/metrics.h"

#include <uv.h>

struct service_time {
    const uv_loop_t *loop;
    struct metrics *metrics;
    struct time_guard guard;
    uint64_t read_loop_ms; /* of the last reading */
    int64_t now_ms, fire_ms;
};

/* The wall clock of now, for what is needed before the journal is open. */
void service_time_init(struct service_time *time, const uv_loop_t *loop, struct metrics *metrics);
/* The journal is open: `newest_commit_ms` is the newest time in it, INT64_MIN when it is empty. */
void service_time_start(struct service_time *time, int64_t newest_commit_ms);
/* Of this turn of the loop, milliseconds since 1970. */
int64_t service_time_ms(struct service_time *time);
/* What is due until then may fire; INT64_MIN: nothing may now. */
int64_t service_time_fire_ms(struct service_time *time);

#endif
