/* Everything that follows from a report once it is known to be new: its incident, the incident's
 * ticket, and what people, deadlines and alarms do to them. The one place where incidents and
 * tickets meet; each of them knows nothing of the other.
 *
 * A step is given the time and a log for its events, changes memory, and either happens whole or
 * not at all. The rows it changed come out of world_flush, which the driver calls when it closes
 * the journal block that has the step's entries. Pure: the same steps give the same events and
 * rows. */
#ifndef CORE_WORLD_H
#define CORE_WORLD_H

#include "core/event_log.h"
#include "core/incident/incidents.h"
#include "core/report/report.h"
#include "core/ticket/docket.h"
#include "core/time/deadline.h"

/* A report that a command has moved to another incident than its record names. */
struct world_move {
    uint64_t seq, incident;
};
enum { WORLD_MOVES_MAX = UNMERGE_SEQS_MAX, WORLD_MOVE_KEY_BYTES = 8, WORLD_MOVE_BYTES = 9 };

struct world {
    struct incidents incidents;
    struct docket docket;          /* with joints and directives */
    struct ticket_context context; /* policy, calendars and regions in force */
    struct world_move *moves;
    size_t moves_count;
    void *incidents_memory; /* until the first view */
    uint64_t open_incidents;
    uint64_t tickets_refused_total;     /* the docket was full: an incident without a ticket */
    struct stage_limit planned_overall; /* of the next report's ticket; amount 0: the policy's */
};

/* What decisions look at; borrowed until the next world_adopt. */
struct world_view {
    const struct policy *policy;
    const struct policy *const *policies; /* earlier versions, for tickets opened under them */
    size_t policies_count;
    const struct calendar_set *calendars;
    const struct calendar_map *calendar_map;
    const struct region_table *regions; /* NULL: no tree */
};

/* `memory`: world_bytes(limits) of it, 64-byte aligned, zeroed, stays the caller's and is touched
 * only where things go. */
size_t world_bytes(const struct limits *limits);
void world_init(struct world *world, void *memory, const struct limits *limits);
/* What decisions look at from now on; once before the first step. O(incidents) when the policy is
 * another one. */
void world_adopt(struct world *world, const struct world_view *view);

/* Stored rows at start-up: first every incident in the order of numbers that a ticket or a deadline
 * names, then tickets, then directives. Tickets and directives that are over stay on disk. CORRUPT,
 * VERSION, FULL. */
MUST_USE enum status world_restore_incident(struct world *world, struct slice key,
                                            struct slice value, int64_t now_ms);
MUST_USE enum status world_restore_ticket(struct world *world, struct slice key,
                                          struct slice value);
/* A stored ticket, over or not, for a late command. */
MUST_USE enum status world_load_ticket(struct world *world, struct slice key, struct slice value);
/* One that is done is only looked at. */
MUST_USE enum status world_restore_directive(struct world *world, struct slice key,
                                             struct slice value);
/* Takes one into memory, done or not, for a late command to a ticket of it. */
MUST_USE enum status world_load_directive(struct world *world, struct slice value);

/* Does a report of this category become an incident? O(1). */
bool world_wants(const struct world *world, uint32_t category_tag);

struct world_taken {
    bool merged;               /* it joined what was there */
    uint64_t incident, ticket; /* 0: none */
};
/* A new report, whose entry will have number `seq`; the events that follow have the numbers after
 * it. `log` has been begun with seq + 1. */
void world_report(struct world *world, const struct report *report, uint64_t seq,
                  struct event_log *log, struct world_taken *ret);

/* The ticket that the next report opens, if it opens one, has this overall limit instead of the
 * policy's: history from elsewhere tells when a case was due. Amount 0: the policy's. */
void world_plan_overall(struct world *world, struct stage_limit limit);

/* A command to a ticket that is in memory (docket_find). */
MUST_USE struct ticket_outcome world_command(struct world *world, struct ticket *ticket,
                                             const struct ticket_command *command,
                                             struct event_log *log);

/* A ticket opened by hand. FULL; INVALID: it is nowhere, and an entry stands in a region's
 * timeline.
 */
MUST_USE enum status world_open_ticket(struct world *world, const struct ticket_opening *opening,
                                       struct event_log *log, struct ticket **ret);

/* Incidents by command: as incidents_merge and incidents_unmerge; their tickets follow. */
MUST_USE enum status world_merge(struct world *world, uint64_t a, uint64_t b, struct event_log *log,
                                 uint64_t *ret_survivor);
MUST_USE enum status world_unmerge(struct world *world, uint64_t number, const uint64_t *seqs,
                                   size_t seqs_count, const struct incident_members *members,
                                   struct event_log *log, uint64_t *ret_number);

/* The ticket that world_unmerge would bring back, 0: none. It must be in memory by then; it is
 * over, so it may not be. */
uint64_t world_unmerge_ticket(struct world *world, uint64_t number, const uint64_t *seqs,
                              size_t seqs_count, const struct incident_members *members);

/* A directive and its tickets. `log` must have room for an entry more than there are addressees. As
 * docket_issue; INVALID: the issuer or an addressee is nowhere. */
MUST_USE enum status world_issue(struct world *world, const struct directive_order *order,
                                 struct event_log *log, uint64_t *ret_number);

/* Something came due; what does not match the owner's state is nothing. */
void world_fire(struct world *world, const struct deadline *deadline, struct event_log *log);

/* Moves the clocks of `count` tickets' places from `*place` on to the rules in force; false when
 * that were the last. Up to one event a ticket. */
bool world_recompute(struct world *world, uint32_t *place, uint32_t count, struct event_log *log);

/* Rows that changed since the last flush, deadlines among them, each once. `seq`: of the last entry
 * of the block they go with. */
void world_flush(struct world *world, uint64_t seq, row_cb *row, void *context);

/* The key of the row that says where a report is now (ROW_MOVED): its number, big-endian. */
void world_move_key(uint8_t to[WORLD_MOVE_KEY_BYTES], uint64_t seq);
MUST_USE bool world_move_decode(uint64_t *ret_incident, struct slice value);

#endif
