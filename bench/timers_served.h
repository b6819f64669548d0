/* Deadlines through a server: rows on disk, fired, committed and read from the feed. */
#ifndef BENCH_TIMERS_SERVED_H
#define BENCH_TIMERS_SERVED_H

#include "bench/due.h"

struct burst {
    double after_due_s; /* from the instant they were due to the arrival of the last */
    double per_s;
    uint64_t arrived;
};

struct timers_served {
    uint64_t due; /* tickets that come due in one instant, near and then overdue */
    struct burst bursts[DUE_POINTS];
    struct due_steady steady; /* before that */
    double load_reports_per_s;
    double bytes_per_ticket; /* resident, for a ticket with its incident and deadline */
    bool complete;           /* every event came */
};

/* On a server of our own: opens options->due tickets, measures lateness under half of the load it
 * takes, then waits for the instant. Two to three minutes. */
void timers_served_run(struct timers_served *ret, const struct options *options);
void timers_served_print(const struct timers_served *served);
void timers_served_json(struct json_out *out, const struct timers_served *served);

#endif
