/* A small world for tests of incidents: a policy with one category of each kind, a journal that
 * keeps the events, a store that keeps the rows. */
#ifndef TESTS_UNIT_SUPPORT_INCIDENT_H
#define TESTS_UNIT_SUPPORT_INCIDENT_H

#include "core/incident/incidents.h"
#include "tests/unit/support.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)

struct world_event {
    enum entry_kind kind;
    uint64_t seq, object;
    char json[16384];
};

struct world_row {
    enum row_family family;
    uint8_t key[MEMBER_KEY_BYTES];
    size_t key_bytes;
    uint8_t value[INCIDENT_ROW_BYTES_MAX];
    size_t value_bytes;
};

struct world {
    struct policy policy;
    struct incidents incidents;
    struct effects effects;
    struct taken taken; /* of the last report */
    void *memory;
    struct world_event *events;
    size_t events_count, events_room;
    struct world_row *rows;
    size_t rows_count, rows_room;
    size_t rows_given;     /* by the last flush */
    uint64_t armed_number; /* by the last flush: what changed its due time last */
    int64_t armed_ms;
    uint64_t members_of;
    size_t members_at;
};

/* Categories pothole (P3, 50 m, spread 100 m, reopen 72 h, suggest 250 m, stale 8 h), gas_leak (P1,
 * 150 m, idle 2 h, stale 15 min), noise (P2, grid or 300 m, idle 6 h), forest_fire (P1),
 * smoke_alarm (P1, alarm), tank_level (P3, alarm), dispute (P3, never), patrol (no incidents). */
void world_open(struct world *world, uint64_t limit);
void world_close(struct world *world);
uint32_t world_category(const char *code);
/* A person's report at a place so many metres north and east of 34 N 108 E, now, by an observer of
 * its own. */
struct sighting support_sighting(struct world *world, const char *category, double north_m,
                                 double east_m);
/* By a name that core/world.c has too: of this file's own linkage. */
static inline struct sighting world_report(struct world *world, const char *category,
                                           double north_m, double east_m) {
    return support_sighting(world, category, north_m, east_m);
}
struct position world_place(double north_m, double east_m);
/* Appends the report's own entry and takes it; fails the test unless OK. Gives the incident. */
uint64_t world_take(struct world *world, struct sighting sighting);
enum status world_try(struct world *world, struct sighting *sighting);
const struct incident *world_incident(const struct world *world, uint64_t number);
/* Counts events of a kind, of one incident or (0) of all. */
size_t world_events(const struct world *world, enum entry_kind kind, uint64_t incident);
const struct world_event *world_last(const struct world *world, enum entry_kind kind);
void support_incident_flush(struct world *world);
static inline void world_flush(struct world *world) { /* as world_report */
    support_incident_flush(world);
}
/* The same rows in a fresh table. */
void world_restart(struct world *world);
/* Members of an incident and of what was merged into it, from the rows. */
struct incident_members world_members(struct world *world, uint64_t incident);
size_t world_rows(const struct world *world, enum row_family family);

#endif
