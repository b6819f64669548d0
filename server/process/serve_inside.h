/* A run of `gridd serve` as its own files see it: serve.c starts and ends it, the others are what
 * happens between. Loop thread unless a function says otherwise. */
#ifndef SERVER_PROCESS_SERVE_INSIDE_H
#define SERVER_PROCESS_SERVE_INSIDE_H

#include "server/intake.h"
#include "server/process/control.h"
#include "server/process/exit_code.h"
#include "server/process/notify.h"
#include "server/process/serve.h"
#include "server/process/serve_tls.h"
#include "server/process/wall_clock.h"
#include "server/services.h"

enum { SERVE_LAG_MS = 100 };

/* The running server: the parts, and what only their life together needs. */
struct serve {
    struct services services;
    struct config config;
    const char *config_path;
    struct passed_sockets passed;
    struct notify notify;
    enum start_stage stage;
    bool slow_told;
    uv_loop_t loop;
    uv_signal_t signals[3];
    uv_timer_t tick, lag, grace;
    uv_async_t sealed;
    uint64_t lag_due_ms, ticks;
    uint32_t backups;         /* made on the pool and not told in the audit yet; atomic */
    uint64_t unwatched_bytes; /* published since the disk was last looked at */
    struct control_server *control;
    struct serve_tls tls;
    unsigned http_undrained; /* listeners whose connections are not gone yet */
    bool drain_begun, committer_idle;
    int exit_code;
    struct service_time time;
    char keys_path[4200];             /* borrowed by services.auth */
    char failure[640];                /* what services.not_ready says once the store has failed */
    uint64_t runs_told, seal_us_told; /* of db_stats, already counted and logged */
    /* From the sealer thread, read when `sealed` fires. */
    enum status seal_status;
    struct error seal_error;
};

/* serve_watch.c: callbacks of the db (any thread), the committer and the loop's timers. */
void serve_on_sealed_thread(void *context, enum status failure, const struct error *error);
void serve_on_sealed(uv_async_t *async);
void serve_on_commit_failed(void *context, const struct error *error);
void serve_on_published(void *context, const struct block *block);
void serve_on_tick(uv_timer_t *timer);
void serve_on_lag(uv_timer_t *timer);
void serve_watch_disk(struct serve *serve);

/* serve_reload.c */
void serve_adopt_rules(struct serve *serve);
void serve_reload(struct serve *serve);

/* serve_drain.c: first not ready for a while, then drained; a second call ends the wait. */
void serve_drain(struct serve *serve);

/* serve_listen.c: the last of a start; afterwards it is ready. */
MUST_USE enum status serve_open_outside(struct serve *serve, struct error *error);

#endif
