#include "server/api/request_job.h"

#include "core/base/check.h"
#include "server/services.h"

void request_job_attach(struct request_job *job, struct http_request *request) {
    CHECK(job->run != NULL && job->finish != NULL && job->release != NULL);
    job->request = request;
    job->work.data = job;
    job->running = job->finishing = false;
    job->cancelled = 0;
    http_set_state(request, job);
}

static void on_pool(uv_work_t *work) {
    struct request_job *job = work->data;
    if (!request_job_cancelled(job)) {
        job->run(job);
    }
}

static void after_pool(uv_work_t *work, int status) {
    (void)status; /* nothing here uses uv_cancel */
    struct request_job *job = work->data;
    CHECK(job->running && !job->finishing);
    job->running = false;
    if (job->request != NULL) {
        /* Answering may end the request at once: its on_done must not free the job under us. */
        job->finishing = true;
        job->finish(job);
        job->finishing = false;
    }
    if (job->request == NULL && !job->running) {
        job->release(job);
    }
}

void request_job_start(struct request_job *job) {
    CHECK(!job->running && job->request != NULL);
    job->running = true;
    int failed = uv_queue_work(services_of(job->request)->loop, &job->work, on_pool, after_pool);
    CHECK(failed == 0);
}

bool request_job_is_running(const struct request_job *job) {
    return job->running;
}

bool request_job_cancelled(const struct request_job *job) {
    return __atomic_load_n(&job->cancelled, __ATOMIC_RELAXED) != 0;
}

void request_job_on_done(struct http_request *request) {
    struct request_job *job = http_state(request);
    if (job == NULL) {
        return;
    }
    http_set_state(request, NULL);
    job->request = NULL;
    __atomic_store_n(&job->cancelled, 1, __ATOMIC_RELAXED);
    if (!job->running && !job->finishing) {
        job->release(job);
    }
}
