/* Inside the world: what its files share. */
#ifndef CORE_WORLD_INSIDE_H
#define CORE_WORLD_INSIDE_H

#include "core/world.h"

/* What ticket functions look at in this step. */
const struct ticket_context *world_step_context(struct world *world, struct event_log *log);
/* Who reported it decides who is answered. NULL when there is no room. */
struct ticket *world_open_for_report(struct world *world, uint64_t incident,
                                     const struct sighting *sighting, uint32_t category_tag,
                                     struct event_log *log);
/* The ticket of an incident; NULL: it has none in memory. */
struct ticket *world_ticket_of(const struct world *world, uint64_t incident);
/* A command of the system that may not be possible just now: then nothing happens. */
void world_command_by_system(struct world *world, struct ticket *ticket,
                             struct ticket_command command, struct event_log *log);
/* Of the tickets of two incidents that become one, the older goes on: mostly the survivor's, but an
 * incident that was reopened may have a newer ticket than one that came after it. */
void world_merge_tickets(struct world *world, uint64_t merged, uint64_t survivor,
                         struct event_log *log);

#endif
