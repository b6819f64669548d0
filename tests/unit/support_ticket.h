/* A small world for tests of tickets: a policy, an office calendar, a ragged region tree, a docket,
 * and a recorder of what it tells. */
#ifndef TESTS_UNIT_SUPPORT_TICKET_H
#define TESTS_UNIT_SUPPORT_TICKET_H

#include "bench/prng.h"
#include "core/ticket/docket.h"
#include "core/ticket/ticket_explain.h"
#include "tests/unit/support.h"
#include "tests/unit/support_calendar.h"
#include "tests/unit/support_region.h"

struct told_event {
    enum entry_kind kind;
    uint64_t seq, object;
    char *json;
};

/* A row as it would stand on disk. */
struct kept_row {
    enum row_family family;
    uint8_t key[24];
    size_t key_bytes, bytes;
    uint8_t *value;
};

struct ticket_world {
    struct policy *policy;
    struct calendar_set *calendars;
    struct region_table *regions;
    void *regions_memory, *docket_memory;
    struct limits limits;
    struct docket docket;
    struct effects effects;
    struct ticket_context context;
    struct told_event *events;
    size_t events_count, events_room;
    struct kept_row *rows;
    size_t rows_count, rows_room, calls;
};

/* CITY > COUNTY > TOWN > VILLAGE (no leader) > GRID > MICRO, and TOWN > LONE (a grid). Categories
 * gas_leak P1, outage P2, rubble P3 (handle 4 wh), garbage P3 (self-handled), long P3 (handle 4
 * wd). Units gas, water, road, power; gas_leak is gas's, everywhere. */
void ticket_world_init(struct ticket_world *world);
void ticket_world_deinit(struct ticket_world *world);
/* Forgets what was told. */
void ticket_world_hush(struct ticket_world *world);
/* A sealed office calendar with National Day 2026 (October 1 to 7), October 10 a make-up day. */
void ticket_world_calendar(struct calendar *calendar);

void ticket_at(struct ticket_world *world, int64_t now_ms);
uint32_t ticket_region(const struct ticket_world *world, const char *code);
struct ticket *ticket_opened(struct ticket_world *world, const char *category, const char *region);
struct ticket_actor ticket_anybody(void);
struct ticket_outcome ticket_give(struct ticket_world *world, struct ticket *ticket,
                                  const struct ticket_command *command);
/* By anybody, with a note and a reason; fails unless it is done. */
void ticket_must(struct ticket_world *world, struct ticket *ticket, enum ticket_verb verb);
void ticket_must_give(struct ticket_world *world, struct ticket *ticket,
                      struct ticket_command command);
/* Brings a fresh ticket of rubble to `handling` with the road unit. */
struct ticket *ticket_handled_by(struct ticket_world *world, const char *category,
                                 const char *unit);
/* Goes on in time and fires, as the wheel does, up to and including `until_ms`. */
void ticket_run_until(struct ticket_world *world, struct ticket *ticket, int64_t until_ms);

/* How many entries of a kind; the last of them (NULL: none). */
size_t ticket_told_count(const struct ticket_world *world, enum entry_kind kind);
const char *ticket_told_last(const struct ticket_world *world, enum entry_kind kind);
void ticket_assert_told(const struct ticket_world *world, enum entry_kind kind, const char *part);

/* The sink of docket_flush; fails when a row is handed out twice between hushes of `calls`. */
void ticket_keep_row(void *world, enum row_family family, struct slice key, struct slice value);
size_t ticket_rows_of(const struct ticket_world *world, enum row_family family);

#endif
