/* When gridd sheds work, and which first: one judgement over what is waiting, without a clock.
 *
 * Stages include those before them. Never shed: health, acknowledgements of tickets, reads of
 * command centres and of who runs the server. */
#ifndef SERVER_LIMIT_OVERLOAD_H
#define SERVER_LIMIT_OVERLOAD_H

#include "core/limits.h"

/* name, word in metrics and log: what is refused from this stage on */
#define SHED_STAGE_TABLE(X)                                                                        \
    X(NONE, "none")                                                                                \
    X(DEVICE_BULKS, "device_bulks") /* uploads of many reports by devices: they are kept there */  \
    X(UPLOADS, "uploads")           /* all new uploads of reports */                               \
    X(WORK, "work")                 /* all that may be shed */
enum shed_stage {
#define SHED_STAGE_ENUM(name, word) SHED_##name,
    SHED_STAGE_TABLE(SHED_STAGE_ENUM)
#undef SHED_STAGE_ENUM
        SHED_STAGES
};

#define SHED_REASON_TABLE(X)                                                                       \
    X(QUEUE, "commit_queue")                                                                       \
    X(AGE, "commit_age")                                                                           \
    X(MEMORY, "body_memory")                                                                       \
    X(LAG, "loop_lag")
enum shed_reason {
#define SHED_REASON_ENUM(name, word) SHED_FOR_##name,
    SHED_REASON_TABLE(SHED_REASON_ENUM)
#undef SHED_REASON_ENUM
        SHED_REASONS
};

enum { OVERLOAD_LAGS = 5 }; /* samples that must all be late: one long turn is no overload */

/* All zero at the start. */
struct overload {
    uint64_t lags_ms[OVERLOAD_LAGS];
    uint32_t lags_at;
    enum shed_stage told; /* in the log */
    uint64_t shed_total[SHED_STAGES][SHED_REASONS];
};

/* What waits now. */
struct load {
    bool queue_paused, queue_full;         /* the committer's pressure */
    uint64_t oldest_ms, body_memory_bytes; /* the oldest that waits for commit; bodies held */
};

/* Lateness of a timer, one sample each tenth of a second. */
void overload_note_lag(struct overload *overload, uint64_t late_ms);
/* `ret_reason` is set when the stage is not NONE. O(1). */
enum shed_stage overload_judge(const struct overload *overload, const struct load *load,
                               const struct limits *limits, enum shed_reason *ret_reason);
const char *shed_stage_name(enum shed_stage stage);
const char *shed_reason_name(enum shed_reason reason);

#endif
