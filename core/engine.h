/* The decisions about one report: is it new, was it sent before, does it contradict what is there.
 *
 * engine_plan names the stored row that must be fetched before the step, if any. engine_step
 * decides and changes the engine's memory; what it decided becomes true only when the entry it asks
 * for is on disk, so no answer may go out before the decision's `seq` is durable. No clock, no I/O.
 *
 * A report is recognised for as long as it is stored. What the table of recent identities has
 * forgotten is looked up by its timeline key. A clock-suspect report is stored under its first
 * received_at, which nobody can tell from the report itself: the store finds it by identity, and is
 * asked when a filter over all such identities says that it may be one. */
#ifndef CORE_ENGINE_H
#define CORE_ENGINE_H

#include "core/report/identities.h"
#include "core/report/report.h"
#include "core/report/suspect_filter.h"

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
    struct suspect_filter suspects;
    uint64_t next_seq;
    int64_t clock_skew_ms;
};

enum plan {
    PLAN_STEP,   /* the step can run now */
    PLAN_LOOKUP, /* forgotten by the table, perhaps: first ask the store, for the timeline key with
                  * occurred_given_ms, and by identity if engine_may_be_suspect */
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

/* Bytes of memory for an engine under these limits. */
size_t engine_bytes(const struct limits *limits);
/* `memory` (engine_bytes of it, 64-byte aligned, zeroed) stays the caller's and is touched only
 * where identities go. `next_seq` >= 1 is one after the journal's last. */
void engine_init(struct engine *engine, const struct limits *limits, void *memory,
                 uint64_t next_seq);
/* An entry that is already in the journal, oldest first, while starting up. When that is not the
 * whole journal, identities_mark_incomplete(&engine->identities) comes first. */
void engine_restore(struct engine *engine, struct identity identity, uint64_t content_tag,
                    uint64_t seq, int64_t received_ms);
/* A clock-suspect report's identity that the store has a row for, while starting up: all of them,
 * in any order. */
void engine_restore_suspect(struct engine *engine, struct identity identity);
/* Holds until the next engine_step: a step may move the horizon, so plan again after waiting. A
 * step with a look-up's answer is always allowed. */
enum plan engine_plan(const struct engine *engine, const struct report *report);
/* Must a planned look-up ask by identity too? O(1). */
bool engine_may_be_suspect(const struct engine *engine, struct identity identity);
/* Other entries than reports were appended too: the next one has this number. */
void engine_continue(struct engine *engine, uint64_t next_seq);
/* CHECKs that a report that needs a look-up had one. A derived identity is never in conflict: the
 * same identity is a replay. O(1). */
struct decision engine_step(struct engine *engine, const struct engine_input *input);

#endif
