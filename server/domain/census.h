/* How the tickets in memory stand, for metrics: counted in slices, so that a scrape never walks
 * millions of them. A docket of at most CENSUS_AT_ONCE places is counted anew each time it is asked
 * for, so the numbers are exact then; a larger one is as of the end of the last whole pass. */
#ifndef SERVER_DOMAIN_CENSUS_H
#define SERVER_DOMAIN_CENSUS_H

#include "core/ticket/docket.h"

enum {
    CENSUS_AT_ONCE = 16384, /* places */
    CENSUS_SLICE = 32768,   /* places a second */
    CENSUS_LIGHTS = LIGHT_RED + 1,
    CENSUS_PRIORITIES = 5,
};

struct census_counts {
    uint64_t states[TICKET_STATES];         /* of tickets in memory */
    uint64_t open;                          /* of these, open */
    uint64_t priorities[CENSUS_PRIORITIES]; /* open ones, 1..4 */
    uint64_t lights[CENSUS_LIGHTS];         /* open ones, by what was told of their clocks */
    uint64_t timers;                        /* that wait for a deadline */
    uint64_t without_timer;                 /* open or closed and waiting for none: must be 0 */
};

struct census {
    struct census_counts counts; /* the last whole pass */
    int64_t as_of_ms;            /* when it ended; 0: there was none yet */
    struct census_counts running;
    uint32_t place;
};

/* Counts CENSUS_SLICE places more. O(CENSUS_SLICE). */
void census_tick(struct census *census, const struct docket *docket, int64_t now_ms);
/* Counts everything when it is little; else nothing. O(CENSUS_AT_ONCE). */
void census_refresh(struct census *census, const struct docket *docket, int64_t now_ms);

#endif
