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

/* Every journal entry from `seq` on as a line: number, received_at, kind, text. */
void stage_write_journal(const struct driver_stage *stage, uint64_t seq, struct buffer *to);
/* What each ticket was told, one ticket after the other: received_at, kind and text of its entries
 * without numbers of entries. What is due at one instant may fire in another order after a restart.
 * `points_only`: point_at, kind and step of what came due, whenever it was told. */
void stage_write_stories(const struct driver_stage *stage, bool points_only, struct buffer *to);
/* Every row of a family, or of all that the world has, as lines of hexadecimal digits. */
void stage_write_rows(const struct driver_stage *stage, struct buffer *to);
size_t stage_count_rows(const struct driver_stage *stage, enum family family);
/* The world as it stands in memory: tickets, clocks, incidents, and the numbers of the census. */
void stage_write_world(const struct driver_stage *stage, struct buffer *to);
/* Fails unless memory and rows say the same, and there is a deadline row for each thing that is
 * waited for and no other. */
void stage_check(const struct driver_stage *stage);
/* Both the same text; empties them. */
void stage_expect_same(struct buffer *a, struct buffer *b);

#endif
