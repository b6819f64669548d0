/* Inside the driver: what its files share. */
#ifndef SERVER_DOMAIN_DRIVER_INSIDE_H
#define SERVER_DOMAIN_DRIVER_INSIDE_H

#include "server/domain/census.h"
#include "server/domain/driver.h"
#include "server/domain/strays.h"

struct driver {
    struct services *services;
    struct world world;
    void *world_memory;
    size_t world_bytes;
    struct event_log log;
    void *log_memory;
    struct deadlines *deadlines;
    struct strays *strays;
    struct census census;
    /* What the world looks at now. */
    struct world_view view;
    struct region_ref *regions;
    struct calendar_map calendar_map;
    /* Tickets whose clocks are moved to new rules, in slices. */
    uv_timer_t recompute;
    uint32_t recompute_place;
    uint64_t recomputed_events;
    bool stopped;
};

/* A step of its own is about to happen: room in one block for `entries` of `text_bytes` together,
 * and the numbers they will get. */
void driver_begin_step(struct driver *driver, struct event_log *log, uint32_t entries,
                       size_t text_bytes);
void driver_end_step(struct driver *driver, const struct event_log *log,
                     struct driver_step *ret_step);

#endif
