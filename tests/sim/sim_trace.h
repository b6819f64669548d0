/* What a run did: a rolling hash of everything that happened in order (two runs of one seed must
 * have the same), and counters of what must happen in some seed of a batch, or the batch proves
 * less than it says. A broken invariant prints what it is and how to run the seed again, and ends
 * the process with 1. */
#ifndef TESTS_SIM_SIM_TRACE_H
#define TESTS_SIM_SIM_TRACE_H

#include "core/base/base.h"

/* name, when it is counted */
#define SIM_SITES(X)                                                                               \
    X(CRASH, "the process ended")                                                                  \
    X(CRASH_IDLE, "with nothing on its way to the disk")                                           \
    X(CRASH_GROUP_LOST, "a group on its way to the disk was lost")                                 \
    X(CRASH_GROUP_KEPT, "a group on its way was there after all")                                  \
    X(CRASH_AFTER_SYNC, "after a sync, before anybody was told")                                   \
    X(CRASH_IN_SEAL, "while a run was being sealed")                                               \
    X(CRASH_SEALED_UNTOLD, "a run is in the store, the store's meta data does not know it")        \
    X(CRASH_IN_RECOVERY, "while it was opening")                                                   \
    X(WRITE_FAILED_LOST, "a failed sync, nothing written")                                         \
    X(WRITE_FAILED_KEPT, "a failed sync, everything written")                                      \
    X(SEAL_FAILED, "a run could not be sealed")                                                    \
    X(READ_FAILED, "a get failed")                                                                 \
    X(ITER_FAILED, "an iterator ended with an error")                                              \
    X(OPEN_FAILED, "the store could not be read at start")                                         \
    X(DISK_STALL, "a write took seconds")                                                          \
    X(CLOCK_FORWARD, "the wall clock was set forward")                                             \
    X(CLOCK_BACK, "the wall clock was set back")                                                   \
    X(CLOCK_1970, "a start with the clock in 1970")                                                \
    X(PAUSE, "the machine slept for minutes")                                                      \
    X(CREATED, "a report was acknowledged as new")                                                 \
    X(MERGED, "a report joined an incident")                                                       \
    X(REPLAYED, "a report was recognised")                                                         \
    X(REPLAYED_OLD, "a report was recognised that was acknowledged before a crash")                \
    X(CONFLICT, "the same id with another content")                                                \
    X(INVALID, "a line that is no report")                                                         \
    X(TWICE_IN_UPLOAD, "the same report twice in one upload")                                      \
    X(ACK_LOST, "an acknowledgement never reached the device")                                     \
    X(ABANDONED, "an uploader went away before its answer")                                        \
    X(LOOKED_UP, "a report waited for its stored row")                                             \
    X(SUSPECT, "a report from the future")                                                         \
    X(PAUSED_BODIES, "too much waited for the disk")                                               \
    X(SEALED, "a run was sealed")                                                                  \
    X(FEED_OPENED, "a centre connected")                                                           \
    X(FEED_RESUMED, "a centre resumed by its cursor")                                              \
    X(FEED_STALE, "a centre resumed from an older cursor than its newest")                         \
    X(FEED_RESET, "a centre was told to begin anew")                                               \
    X(FEED_FILTERED, "an event reached a centre with a filter")                                    \
    X(FEED_CHECKPOINT, "a cursor moved over what a filter left out")                               \
    X(FEED_BLOCKED, "a centre did not read")                                                       \
    X(FEED_AGED, "a stream ended by its age")                                                      \
    X(FEED_CUT, "a stream was cut")                                                                \
    X(COMMAND_DONE, "a command changed a ticket")                                                  \
    X(COMMAND_REPLAYED, "a command was recognised")                                                \
    X(COMMAND_REPLAYED_OLD, "a command was recognised after a crash")                              \
    X(COMMAND_REFUSED, "a command was refused")                                                    \
    X(COMMAND_LOADED, "a command to a ticket that had left memory")                                \
    X(TICKET_BY_HAND, "a ticket was opened by hand")                                               \
    X(INCIDENTS_MERGED, "incidents were merged by command")                                        \
    X(INCIDENT_UNMERGED, "an incident was taken apart")                                            \
    X(DIRECTIVE_ISSUED, "a directive was issued")                                                  \
    X(TABLE_FULL, "no room for one more ticket or incident")                                       \
    X(OVERDUE, "a ticket was told to be overdue")                                                  \
    X(ESCALATED, "a ticket was escalated")                                                         \
    X(OVERDUE_UNTOUCHED, "an overdue ticket nobody had touched was compared with the model")       \
    X(REGIONS_IMPORTED, "regions were imported")                                                   \
    X(COMPARED, "the whole journal was compared with the model")

enum sim_site {
#define SIM_SITE_ENUM(name, text) SITE_##name,
    SIM_SITES(SIM_SITE_ENUM)
#undef SIM_SITE_ENUM
        SITE_COUNT
};

/* `replay` is printed when the seed fails; borrowed. */
void sim_trace_begin(const char *replay, bool verbose);
void sim_trace_bytes(const void *bytes, size_t count);
void sim_trace_u64(uint64_t value);
uint64_t sim_trace_hash(void);
/* A line for people, with the virtual time in front; only of a verbose run. */
void sim_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool sim_is_verbose(void);

void sim_happened(enum sim_site site);
uint64_t sim_site_count(enum sim_site site);
/* Prints the counters; false when one of them is 0. */
bool sim_sites_print(void);

/* Of all seeds so far. */
void sim_event(void);
uint64_t sim_events_total(void);

_Noreturn void sim_broken(const char *invariant, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
#define INVARIANT(name, condition, ...)                                                            \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0)) {                                                   \
            sim_broken(name, __VA_ARGS__);                                                         \
        }                                                                                          \
    } while (0)

#endif
