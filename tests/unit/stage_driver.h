/* The driver with what it works with - rules, committer, regions, the memory store - and without
 * the rest of a server: time is the test's, and a restart or a crash begins with a copy of a store.
 */
#ifndef TESTS_UNIT_STAGE_DRIVER_H
#define TESTS_UNIT_STAGE_DRIVER_H

#include "server/domain/driver.h"
#include "tests/unit/support.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)

struct driver_stage {
    uv_loop_t loop;
    uv_async_t alive;
    struct config config;
    struct metrics metrics;
    struct service_time time; /* never read: the stage's own functions stand in for it */
    struct services services;
    struct db *db;
    struct driver *driver;
    uint64_t reports_count;
    uint64_t blocks_count; /* published since it was opened */
    void (*on_block)(struct driver_stage *stage);
};

/* The service time of every stage. */
extern int64_t stage_now_ms;

/* An empty store with regions city > county > town > village (no leader) > grid, or all that the
 * store `from` has. Deadlines fire once it is turned. */
void stage_open(struct driver_stage *stage, struct store *from);
/* As a crash does: nothing that is open or on its way is waited for. */
void stage_close(struct driver_stage *stage);
/* What is on disk now. store_close it. */
struct store *stage_copy(const struct driver_stage *stage);
/* Goes on in another stage from what is on disk now. */
void stage_restart(struct driver_stage *to, struct driver_stage *from);

/* Turns the loop until everything is durable and nothing is left to do at this time. Nothing may be
 * due within 5 ms of it: timers are real. */
void stage_settle(struct driver_stage *stage);
/* Goes from one deadline row to the next, up to and including `until_ms`, which is then the time.
 */
void stage_pass(struct driver_stage *stage, int64_t until_ms);

/* A person's report in `grid`, so many metres north of the place all are at. */
struct world_taken stage_report(struct driver_stage *stage, const char *category, double north_m);
/* By anybody, with evidence; fails unless it is done. */
void stage_must(struct driver_stage *stage, uint64_t ticket, struct ticket_command command);
uint32_t stage_region(const struct driver_stage *stage, const char *code);
uint32_t stage_unit(const struct driver_stage *stage, const char *code);
/* Fails with the message unless it is OK. */
void stage_expect_ok(enum status status, const struct error *error);

#endif
