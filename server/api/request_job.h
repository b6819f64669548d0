/* Work for one request on libuv's thread pool that copes with the client going away.
 *
 * A handler embeds a request_job as the first member of its own struct, starts it, and lets
 * request_job_on_done be (or be called from) its on_done. From then on `request` is NULL; a run
 * under way is told through request_job_cancelled and the job is freed once it is back. Loop
 * thread, but for what is said otherwise. */
#ifndef SERVER_API_REQUEST_JOB_H
#define SERVER_API_REQUEST_JOB_H

#include "server/http/http.h"

struct request_job {
    uv_work_t work;
    struct http_request *request; /* NULL once on_done came */
    /* Pool thread. Must not touch `request`. */
    void (*run)(struct request_job *job);
    /* Back on the loop, while the request is still there; may answer it or start again. */
    void (*finish)(struct request_job *job);
    /* Frees the struct the job is embedded in. */
    void (*release)(struct request_job *job);
    /* the rest is request_job.c's own */
    bool running;       /* on the pool */
    bool finishing;     /* in `finish` */
    uint32_t cancelled; /* atomic */
};

/* Becomes the request's state. The callbacks are set by the caller. */
void request_job_attach(struct request_job *job, struct http_request *request);
/* Runs on the pool, then `finish`. Not while one run is under way. */
void request_job_start(struct request_job *job);
bool request_job_is_running(const struct request_job *job);
/* Any thread: nobody waits for the result any more. */
bool request_job_cancelled(const struct request_job *job);
/* The on_done of such a route; without an attached job it does nothing. */
void request_job_on_done(struct http_request *request);

#endif
