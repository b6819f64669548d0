/* Why a clock stands where it stands, for GET /v1/tickets/{id}/clock: one view a clock, and a walk
 * over the pieces of time since its start, each counted or with the reason why not.
 *
 * Clocks of stages that have ended are not kept; the history tells of them. Views and walks want
 * clocks that go by the region's calendar: ticket_recompute first, where a new one may have come.
 */
#ifndef CORE_TICKET_TICKET_EXPLAIN_H
#define CORE_TICKET_TICKET_EXPLAIN_H

#include "core/ticket/ticket_step.h"
#include "core/time/calendar_walk.h"

struct ticket_clock_view {
    enum stage stage;
    uint32_t unit_tag; /* of the co-handler whose clock it is; 0: the ticket's */
    enum metering metering;
    enum day_rule day_rule; /* of work_day */
    bool is_running;
    enum light light;
    int64_t limit;          /* seconds; days for work_day */
    int64_t consumed_units; /* by scale: units of one second or day */
    int64_t scale;
    int64_t started_ms;
    int64_t due_ms; /* CLOCK_NEVER while it stands still */
    const struct ticket_clock *clock;
};

/* The n-th clock, 0 up; false past the last. O(clocks). */
MUST_USE bool ticket_clock_explain(const struct ticket_context *context,
                                   const struct ticket *ticket, size_t index,
                                   struct ticket_clock_view *ret);

struct ticket_clock_piece {
    const char *kind;       /* calendar_piece_name, or "suspended", or "verifying" */
    int64_t from_ms, to_ms; /* [from_ms, to_ms) */
    int64_t units;          /* metered in it */
};
struct ticket_clock_walk {
    const struct ticket *ticket;
    const struct calendar *calendar;
    struct ticket_clock_view view;
    struct calendar_walk run;
    size_t hold; /* the next pause */
    int64_t at_ms, to_ms;
    bool is_in_run;
};
/* From the clock's start to `to_ms` (the context's instant at most). The pieces follow each other
 * without gaps, and their units add up to what is consumed then. */
void ticket_clock_walk_init(struct ticket_clock_walk *walk, const struct ticket_context *context,
                            const struct ticket *ticket, const struct ticket_clock_view *view,
                            int64_t to_ms);
MUST_USE bool ticket_clock_walk_next(struct ticket_clock_walk *walk,
                                     struct ticket_clock_piece *ret);

#endif
