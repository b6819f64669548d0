/* The decisions about one report: is it new, was it sent before, does it contradict what is there.
 *
 * engine_plan names the stored row that must be fetched before the step, if any. engine_step
 * decides and changes the engine's memory; what it decided becomes true only when the entry it asks
 * for is on disk, so no answer may go out before the decision's `seq` is durable. No clock, no I/O.
 *
 * A report is recognised for as long as it is stored, with one exception: a clock-suspect one is
 * stored under its first received_at, which nobody can tell from the report itself. It is
 * recognised while the table remembers it (at least limits.identities / 2 newer ones); sent again
 * after that it is taken as new, so the journal may hold such an identity twice. */
#ifndef CORE_ENGINE_H
#define CORE_ENGINE_H

#include "core/identities.h"
#include "core/report.h"

#define VERDICT_TABLE(X)                                                                           \
    X(CREATED, "created")                                                                          \
    X(MERGED, "merged")                                                                            \
    X(REPLAYED, "replayed")                                                                        \
    X(CONFLICT, "conflict")                                                                        \
    X(INVALID, "invalid")

enum verdict {
#define VERDICT_ENUM(name, text) VERDICT_##name,
    VERDICT_TABLE(VERDICT_ENUM)
#undef VERDICT_ENUM
        VERDICT_COUNT
};
/* The word the API uses for it. */
const char *verdict_name(enum verdict verdict);

struct engine {
    struct identities identities;
    uint64_t next_seq;
    int64_t clock_skew_ms;
};

enum plan {
    PLAN_STEP,   /* the step can run now */
    PLAN_LOOKUP, /* older than the table's horizon: look the stored row up by its timeline key first
                  */
};

/* What the store said about a planned look-up. */
enum lookup { LOOKUP_NOT_ASKED, LOOKUP_ABSENT, LOOKUP_FOUND };

struct stored_report { /* of LOOKUP_FOUND */
    uint64_t seq;
    uint64_t content_tag;
};

struct engine_input {
    const struct report *report;
    enum lookup lookup;
    struct stored_report stored;
};

struct decision {
    enum verdict verdict;
    uint64_t
        seq; /* of the report, or of the one it repeats or contradicts; durable before any answer */
    bool append; /* the report's entry must be appended to the journal with exactly this seq */
};

/* `identities_memory` as identities_init wants it. `next_seq` >= 1 is one after the journal's last.
 */
void engine_init(struct engine *engine, const struct limits *limits, void *identities_memory,
                 uint64_t next_seq);
/* An entry that is already in the journal, oldest first, while starting up. When that is not the
 * whole journal, identities_mark_incomplete(&engine->identities) comes first. */
void engine_restore(struct engine *engine, struct identity identity, uint64_t content_tag,
                    uint64_t seq, int64_t received_ms);
/* Holds until the next engine_step: a step may move the horizon, so plan again after waiting. A
 * step with a look-up's answer is always allowed. */
enum plan engine_plan(const struct engine *engine, const struct report *report);
/* CHECKs that a report that needs a look-up had one. A derived identity is never in conflict: the
 * same identity is a replay. O(1). */
struct decision engine_step(struct engine *engine, const struct engine_input *input);

#endif
