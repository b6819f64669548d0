/* The server's parts put together as server/process/serve.c does, but for HTTP, on a simulated disk
 * and loop. A process lives from sim_server_start until it ends itself after a failed write, or
 * sim_server_crash ends it. */
#ifndef TESTS_SIM_SIM_SERVER_H
#define TESTS_SIM_SIM_SERVER_H

#include "server/domain/driver.h"
#include "server/domain/ticket_load.h"
#include "server/intake.h"
#include "server/process/metrics.h"
#include "server/services.h"
#include "tests/sim/sim_store.h"

struct sim_server {
    struct services services;
    struct config config;
    struct metrics metrics;
    struct service_time time;
    struct sim_disk *disk;
    uv_timer_t tick;
    uv_async_t sealed;
    enum status seal_status;
    bool up;
    bool failed; /* it must end: the outcome of a write is unknown */
    bool paused; /* bodies are not read now */
    uint64_t starts, open_fails;
};

/* `limits` and `disk` must outlive it. */
void sim_server_init(struct sim_server *server, struct sim_disk *disk, const struct limits *limits);
/* False: the store could not be read this time. */
bool sim_server_start(struct sim_server *server);
/* What the process had under way is gone; those outside have let go of it before. */
void sim_server_crash(struct sim_server *server);
/* An orderly end: everything open is committed, the loop runs meanwhile. False: a write failed, and
 * it must crash. */
bool sim_server_stop(struct sim_server *server);

/* Blocks as they become durable, before anybody is told: set by the model. */
extern void (*sim_server_on_published)(const struct block *block);

#endif
