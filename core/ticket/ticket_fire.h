/* What time does to a ticket: reminders, near_deadline, overdue, the ladder, and the changes that
 * the system makes when nobody else does.
 *
 * A ticket has at most one deadline outside: the earliest of all points of its clocks and its other
 * times. ticket_fire does everything that is due, each point once, in the order of their instants;
 * what is told is remembered in the ticket, so doing it again does nothing. A point is found from
 * the ticket alone: restarting, or being late, changes nothing but the mark `late_fire`. */
#ifndef CORE_TICKET_TICKET_FIRE_H
#define CORE_TICKET_TICKET_FIRE_H

#include "core/ticket/ticket_step.h"
#include "core/time/deadline.h"

/* In the order in which points of one instant are done. */
enum ticket_point_kind {
    TICKET_POINT_RESUME,   /* the end of a suspension */
    TICKET_POINT_REMINDER, /* reminder_percent of a clock */
    TICKET_POINT_NEAR,     /* near_percent */
    TICKET_POINT_OVERDUE,  /* its limit */
    TICKET_POINT_ESCALATE, /* the next rank, or the top rank again */
    TICKET_POINT_DEEM,     /* not signed in time: deemed signed */
    TICKET_POINT_DENY,     /* not decided in time: denied */
    TICKET_POINT_UNACKED,  /* P1 without an ack: one rank up */
    TICKET_POINT_ACK_ENDS,
    TICKET_POINT_ARCHIVE,
    TICKET_POINT_REVIEW, /* nothing else is due: somebody looks at it */
    TICKET_POINT_NONE,
};

struct ticket_point {
    int64_t at_ms; /* INT64_MAX: NONE */
    uint8_t kind;  /* enum ticket_point_kind */
    uint8_t stage; /* of a clock's point */
    uint16_t part; /* 1 + index of the co-handler whose clock it is; 0: the ticket's */
};

/* The earliest point. Every open or closed ticket has one; a final one has none. */
struct ticket_point ticket_next_point(const struct ticket_context *context,
                                      const struct ticket *ticket);
/* Sets next_due_ms and due_key from ticket_next_point. */
void ticket_refresh_due(const struct ticket_context *context, struct ticket *ticket);
/* A ticket's row among the deadlines, of its next_due_ms and due_key, or the stored ones. */
struct deadline ticket_deadline(uint64_t number, int64_t due_ms, uint32_t due_key);
/* Points of one call, so that what one step appends is bounded: the rest is due at once. */
enum { TICKET_FIRE_POINTS_MAX = 8 };
/* Does what is due at the context's instant, TICKET_FIRE_POINTS_MAX points of it at most, then
 * refreshes next_due_ms. Returns how many points were done; 0 when it was called too early or
 * again.
 */
size_t ticket_fire(const struct ticket_context *context, struct ticket *ticket);

#endif
