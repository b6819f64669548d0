/* The end: no new connections, what is under way is answered, what is accepted is synced. */
#include "server/process/serve_inside.h"

#include "core/base/check.h"
#include "server/domain/driver.h"
#include "server/process/log.h"

/* After a failure the process ends otherwise, and not as a success. */
static void stop_if_drained(struct serve *serve) {
    if (serve->failure[0] == '\0' && serve->http_undrained == 0 && serve->committer_idle) {
        uv_stop(&serve->loop);
    }
}

static void on_committer_idle(void *context) {
    struct serve *serve = context;
    serve->committer_idle = true;
    stop_if_drained(serve);
}

static void on_http_drained(void *context) {
    struct serve *serve = context;
    if (--serve->http_undrained > 0) {
        return;
    }
    /* Nobody waits for an import any more, and the committer may be gone when it is built. */
    regions_stop(serve->services.regions);
    committer_drain(serve->services.committer, on_committer_idle, serve);
}

static void begin_drain(struct serve *serve) {
    if (serve->drain_begun) {
        return;
    }
    serve->drain_begun = true;
    log_line(LOG_LEVEL_INFO, LOG_DRAIN, "draining: no new connections, open requests finish", NULL);
    driver_stop(serve->services.driver);
    feed_drain(serve->services.feed);
    serve->http_undrained = serve->services.gateways == NULL ? 1 : 2;
    http_server_drain(serve->services.http, on_http_drained, serve);
    if (serve->services.gateways != NULL) {
        http_server_drain(serve->services.gateways, on_http_drained, serve);
    }
}

static void on_grace_over(uv_timer_t *timer) {
    begin_drain(timer->loop->data);
}

/* First whoever asks /readyz can see it and send elsewhere; a second signal ends the wait. */
void serve_drain(struct serve *serve) {
    uint64_t grace_ms = serve->services.draining ? 0 : serve->config.limits.drain_grace_ms;
    if (!serve->services.draining) {
        notify_send(&serve->notify, "STOPPING=1\nSTATUS=draining");
    }
    serve->services.draining = true;
    if (grace_ms == 0) {
        begin_drain(serve);
        return;
    }
    log_line(LOG_LEVEL_INFO, LOG_DRAIN, "not ready; connections are still accepted for a while",
             "grace_ms", LOG_U64, grace_ms, NULL);
    CHECK(uv_timer_start(&serve->grace, on_grace_over, grace_ms, 0) == 0);
}
