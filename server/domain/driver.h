/* Drives the world of incidents and tickets (core/world.h): gives its steps the time and room in
 * the open block, appends their events, hands changed rows to the commit, and fires deadlines.
 *
 * Loop thread only. What a step decided may be told once the sequence number it ended with is
 * durable (committer_wait). */
#ifndef SERVER_DOMAIN_DRIVER_H
#define SERVER_DOMAIN_DRIVER_H

#include "core/world.h"
#include "server/domain/census.h"
#include "server/domain/deadlines.h"
#include "server/domain/service_time.h"
#include "server/services.h"

struct driver; /* opaque */

/* `services` must outlive the driver; db, committer, regions, policy, calendars and time are set.
 * Reads incidents, tickets and directives from the store. */
MUST_USE enum status driver_new(struct driver **ret, struct services *services,
                                struct error *error);
/* Deadlines fire from now on. */
void driver_start(struct driver *driver);
void driver_stop(struct driver *driver);
/* Its memory goes once the loop has run its close callbacks and pool jobs. NULL is allowed. */
void driver_free(struct driver *driver);

/* The rules were read again: open clocks are moved to them from now on, some at a time. */
void driver_adopt(struct driver *driver);

/* The world, for looking at. */
const struct world *driver_world(const struct driver *driver);
/* How its tickets stand (census.h), brought up to date where that is cheap. */
const struct census *driver_census(struct driver *driver);
/* Once a second: counts on. */
void driver_tick(struct driver *driver);
void driver_deadlines(const struct driver *driver, struct deadlines_stats *ret);
/* What ticket functions look at, as of now. */
const struct ticket_context *driver_context(struct driver *driver);

/* The committer's callbacks. */
void driver_on_closing(struct driver *driver, struct row_set *rows);
void driver_on_published(struct driver *driver, uint64_t seq);

/* A report that is new: appends its entry, which gets `seq`, and what follows from it. */
void driver_report(struct driver *driver, const struct report *report, uint64_t seq,
                   struct world_taken *ret);

/* The last entry that a step appended, or the highest so far when it appended none: what it says
 * may be told when that is durable. */
struct driver_step {
    uint64_t seq;
};
/* A ticket that is not in memory must have been loaded (driver_load_ticket) in the same turn. */
MUST_USE struct ticket_outcome driver_command(struct driver *driver, uint64_t ticket,
                                              const struct ticket_command *command,
                                              struct driver_step *ret_step);
MUST_USE enum status driver_open_ticket(struct driver *driver, const struct ticket_opening *opening,
                                        uint64_t *ret_ticket, struct driver_step *ret_step);
/* Who asks and why; empty where it is not said. Bounded as core/effects.h says (CHECKed). */
struct driver_asked {
    struct slice actor, note;
};
MUST_USE enum status driver_merge(struct driver *driver, uint64_t a, uint64_t b,
                                  const struct driver_asked *asked, uint64_t *ret_survivor,
                                  struct driver_step *ret_step);
MUST_USE enum status driver_unmerge(struct driver *driver, uint64_t incident, const uint64_t *seqs,
                                    size_t seqs_count, const struct incident_members *members,
                                    const struct driver_asked *asked, uint64_t *ret_incident,
                                    struct driver_step *ret_step);
/* As world_unmerge_ticket: who asks for an un-merge loads it first (ticket_load.h). */
uint64_t driver_unmerge_ticket(struct driver *driver, uint64_t incident, const uint64_t *seqs,
                               size_t seqs_count, const struct incident_members *members);
/* A directive and its tickets, all of them in one block. `ret_tickets` gets the number of each
 * addressee's, in order. TOO_LARGE: no addressee, or more than driver_addressees_max. FULL. */
MUST_USE enum status driver_issue(struct driver *driver, const struct directive_order *order,
                                  uint64_t *ret_directive, uint64_t *ret_tickets,
                                  struct driver_step *ret_step);
/* As many as limits.directive_addressees says and one block can hold. */
size_t driver_addressees_max(const struct driver *driver, struct slice issuer);

/* Takes a stored ticket's row into memory for a late command; it leaves again by itself. NOT_FOUND
 * when the row is no ticket's. */
MUST_USE enum status driver_load_ticket(struct driver *driver, struct slice key,
                                        struct slice value);
/* The same of its directive's. */
MUST_USE enum status driver_load_directive(struct driver *driver, struct slice value);

#endif
