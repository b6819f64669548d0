/* Deadlines of a server that is measured: a policy whose tickets come due within seconds, and a
 * watch over the feed that says how late each came. */
#ifndef BENCH_DUE_H
#define BENCH_DUE_H

#include "bench/tap.h"
#include "bench/workload.h"

/* Categories beside those of the built-in policy, each report an incident and a ticket of its own:
 * one to accept within DUE_SOON_S, one within a minute of the calendar's attendance. */
#define DUE_SOON "bench_due"
#define DUE_BURST "bench_burst"
enum { DUE_SOON_S = 3, DUE_NEAR_PERCENT = 80 };

struct due_files {
    char policy[4096], calendar[4096];
};

/* Writes both files under `directory`. Attendance begins in the minute of `burst_ms` and ends some
 * hours later, so that all of DUE_BURST that is opened before it comes due in one instant. Dies
 * when it cannot write. */
void due_files_write(struct due_files *files, const char *directory, int64_t burst_ms);
void due_files_remove(const struct due_files *files);

/* Puts --policy and --calendar in front of what the command line gives the server. */
void due_options(struct options *options, const struct due_files *files);

enum due_point { DUE_NEAR, DUE_OVERDUE, DUE_POINTS };

/* near_deadline and overdue events of one category as they come from the feed. Late is from the
 * event's own point_at to its arrival, so a commit and the delivery are in it. */
struct due_watch {
    const char *category; /* as it stands in the events: "category":"..." */
    struct tap tap;
    _Atomic uint64_t counts[DUE_POINTS];
    int64_t first_point_ms[DUE_POINTS], last_point_ms[DUE_POINTS];
    uint64_t last_arrival_ns[DUE_POINTS]; /* wall clock */
    struct latency lateness[DUE_POINTS];
};
void due_watch_open(struct due_watch *watch, const struct target *target, const char *category);
/* Waits for so many events of a point, at most so long. */
bool due_watch_wait(struct due_watch *watch, enum due_point point, uint64_t count,
                    uint64_t wait_ms);
void due_watch_close(struct due_watch *watch);

/* An even load at `rate` in which DUE_PER_S tickets a second come due, and how late they were. */
enum { DUE_PER_S = 500 };
struct due_steady {
    double rate, seconds;
    struct ingest_result load;
    struct latency lateness;  /* both points */
    uint64_t wanted, arrived; /* events */
};
void due_steady_run(struct due_steady *ret, const struct bench *bench, double rate,
                    uint64_t seconds, double tickets_pct);
void due_steady_print(const struct due_steady *steady);
void due_steady_json(struct json_out *out, const struct due_steady *steady);

#endif
