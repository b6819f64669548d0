/* The open incidents, and the decision where a report belongs (domain.md 4.2).
 *
 * All open incidents are in memory, and closed ones for as long as a report could reopen them. The
 * caller gives the memory, drives the steps and keeps the rows: a step changes the table and
 * appends events through `effects`; incidents_flush then gives the rows that are to be written with
 * them. The same steps on the same table give the same events and rows, byte for byte; a table that
 * was restored from its rows decides as the one that wrote them.
 *
 * Cost of a step does not depend on how many incidents are open: hash indexes, and in each cell
 * of the map at most CANDIDATES_MAX incidents are looked at, newest first. */
#ifndef CORE_INCIDENT_INCIDENTS_H
#define CORE_INCIDENT_INCIDENTS_H

#include "core/effects.h"
#include "core/incident/incident.h"

enum {
    CANDIDATES_MAX = 64,             /* of one cell, one grid or one asset */
    INCIDENTS_PENDING_MAX = 1 << 17, /* member rows between two flushes */
    UNMERGE_SEQS_MAX = 10000,        /* reports moved by one command */
};

#define OUTCOME_TABLE(X)                                                                           \
    X(NONE, "none") /* the category opens no incidents, or an alarm cleared that nobody raised */  \
    X(OPENED, "opened")                                                                            \
    X(JOINED, "joined")                                                                            \
    X(REOPENED, "reopened")
enum outcome {
#define OUTCOME_ENUM(name, text) OUTCOME_##name,
    OUTCOME_TABLE(OUTCOME_ENUM)
#undef OUTCOME_ENUM
        OUTCOME_COUNT
};
const char *outcome_name(enum outcome outcome);

/* Why whoever has the ticket is told again. Never with `late`. */
#define REPAGE_TABLE(X)                                                                            \
    X(0, SEVERITY, "severity")           /* worse than before */                                   \
    X(1, OBSERVER_KIND, "observer_kind") /* the first independent observer of this kind */         \
    X(2, INJURY, "injury")               /* somebody says so who had not said it */                \
    X(3, SPREADING, "spreading")                                                                   \
    X(4, STALE, "stale")   /* nothing had happened for the class's stale_s */                      \
    X(5, RAISED, "raised") /* a pending alarm is believed, or one came again after 10 minutes */
enum repage {
#define REPAGE_ENUM(bit, name, text) REPAGE_##name = 1 << (bit),
    REPAGE_TABLE(REPAGE_ENUM)
#undef REPAGE_ENUM
};

/* What became of a report. */
struct taken {
    enum outcome outcome;
    uint64_t incident; /* 0 with OUTCOME_NONE */
    struct match match;
    uint8_t repage;      /* enum repage bits */
    bool late;           /* no page, unless it opened a P1 incident: then the page says the age */
    bool pending;        /* an alarm that is not believed yet: no ticket, no page */
    bool flapping_began; /* a sensor_fault ticket is due */
    uint64_t merged;     /* incident that this report's estimate merged away; 0: none */
    uint64_t merged_survivor;
};

/* For metrics; exact since incidents_init. */
struct incidents_counts {
    uint64_t outcomes[OUTCOME_COUNT];
    uint64_t rules[MATCH_RULE_LIMIT]; /* of reports, by the rule that placed them */
    uint64_t late, repaged, suggested, merged, unmerged, closed, suppressed, full;
};

struct pending_member;
struct place_block;
struct class_grid {
    uint32_t tag;
    double row_deg;        /* height of a cell */
    double sector_row_deg; /* of the cells of fires that only one mast has seen */
};

struct incidents {
    const struct policy *policy;
    struct incident *slots;
    union incident_detail *details;
    uint32_t *buckets[INCIDENT_INDEXES]; /* slot + 1 of the newest; 0: none */
    uint32_t *cell_buckets;              /* block + 1 */
    struct place_block *blocks;
    struct pending_member *pending;
    uint32_t limit, buckets_mask;
    uint32_t slots_used, slots_free; /* ever used; first of the list of free ones + 1 */
    uint32_t details_used, details_free;
    uint32_t blocks_used, blocks_free;
    uint32_t count, open_count;
    uint32_t dirty_first, dirty_last;
    uint32_t pending_count;
    uint32_t classes_count;
    struct class_grid classes[MERGE_CLASSES_MAX];
    struct incidents_counts counts;
};

/* Bytes for at most `limit` incidents (limits.open_incidents), closed ones in their window
 * included: 2,000,000 take about 1.65 GB of address space. */
size_t incidents_bytes(uint64_t limit);
/* `memory` (zeroed, 64-byte aligned) stays the caller's; only what is used is touched. `policy` is
 * borrowed until another one is adopted. */
void incidents_init(struct incidents *incidents, void *memory, uint64_t limit,
                    const struct policy *policy);
/* Another policy is in force: indexes everything anew. O(incidents). */
void incidents_adopt(struct incidents *incidents, const struct policy *policy);

/* NULL when it is not in memory. Holds until the next call that changes the table. O(1). */
const struct incident *incidents_find(const struct incidents *incidents, uint64_t number);
/* The incident itself or what it was merged into. */
const struct incident *incidents_resolve(const struct incidents *incidents, uint64_t number);

/* Where a report belongs. Called right after the report's own entry was appended: an incident that
 * it opens has `effects->next_seq` as its number, which is its incident.opened. FULL: the table is
 * full and the report is one that nothing fits; it stays a report without an incident, counted. At
 * most INCIDENTS_PENDING_MAX / 2 calls between two flushes (CHECK). */
MUST_USE enum status incidents_take(struct incidents *incidents, const struct sighting *sighting,
                                    struct effects *effects, struct taken *ret);

/* The ticket that was opened for it. NOT_FOUND. */
MUST_USE enum status incidents_set_ticket(struct incidents *incidents, uint64_t number,
                                          uint64_t ticket);
/* The ticket about the sensor of an alarm that flaps. NOT_FOUND: no such alarm. */
MUST_USE enum status incidents_set_fault(struct incidents *incidents, uint64_t number,
                                         uint64_t ticket);
/* Somebody did something about it: it is not stale. NOT_FOUND. */
MUST_USE enum status incidents_touch(struct incidents *incidents, uint64_t number, int64_t now_ms);
/* Closes an open incident as INCIDENT_HANDLED or INCIDENT_FALSE. NOT_FOUND, or CONFLICT when it is
 * closed or merged. */
MUST_USE enum status incidents_close(struct incidents *incidents, uint64_t number,
                                     enum incident_state state, struct effects *effects);
/* A command reopens a closed one. NOT_FOUND, CONFLICT when it is open or merged. */
MUST_USE enum status incidents_reopen(struct incidents *incidents, uint64_t number,
                                      struct effects *effects);

/* One of the two goes into the other, because somebody says so; the older one survives, and what
 * was merged into the other one before points to the survivor after. NOT_FOUND; CONFLICT when not
 * both are open and of one class, or they are alarms (two devices are two things). */
MUST_USE enum status incidents_merge(struct incidents *incidents, uint64_t a, uint64_t b,
                                     struct effects *effects, uint64_t *ret_survivor);

/* Gives an incident's members one by one: those under its number and those under the numbers merged
 * into it, by ascending seq. False at the end. */
typedef bool incident_members_next(void *context, struct member *ret);
/* Takes reports out of an incident again. When they are all that came with one that was merged into
 * it (the lowest such number), that one is there again, open, with its number and ticket; else they
 * become a new incident with `effects->next_seq` as its number. Both are computed anew from their
 * members; whatever else was merged in stays. `seqs` ascend strictly.
 *
 * NOT_FOUND: no such incident, or one of the seqs is no member. CONFLICT: nothing or everything
 * would be moved, it is merged itself, or an alarm. INVALID: more than UNMERGE_SEQS_MAX, not
 * ascending, or the policy no longer has their category. FULL: no room for one more. BUSY: flush
 * first. On failure nothing has changed. `next` is read to its end twice; `rewind` goes back to the
 * first. O(members + log seqs). */
struct incident_members {
    void *context;
    incident_members_next *next;
    void (*rewind)(void *context);
};
MUST_USE enum status incidents_unmerge(struct incidents *incidents, uint64_t number,
                                       const uint64_t *seqs, size_t seqs_count,
                                       const struct incident_members *members,
                                       struct effects *effects, uint64_t *ret_number);
/* The merged incident that incidents_unmerge would bring back, 0 when it would begin a new one or
 * refuse. Changes nothing that is kept; walks all members once. */
uint64_t incidents_unmerge_original(struct incidents *incidents, uint64_t number,
                                    const uint64_t *seqs, size_t seqs_count,
                                    const struct incident_members *members);

/* What came due. */
enum fired {
    FIRED_NOTHING,   /* not due, not there */
    FIRED_FORGOTTEN, /* the window is over: it left memory */
    FIRED_RAISED,    /* a pending alarm is believed: ticket, page */
    FIRED_DROPPED,   /* a pending alarm was not: closed as false */
    FIRED_CLEARED,   /* an alarm has been clear for long enough */
    FIRED_SUMMARY,   /* flapping: one page for all that was held back */
    FIRED_STEADY,    /* flapping is over */
};
/* At or after due_ms of the incident. One thing at a time: due_ms may have passed again. */
enum fired incidents_fire(struct incidents *incidents, uint64_t number, struct effects *effects);

/* A due time has changed; INT64_MAX: none. */
typedef void incident_due_cb(void *context, uint64_t number, int64_t before_ms, int64_t due_ms);
/* Gives each row that changed since the last flush once, incidents in the order in which they
 * changed first, then members; and the due times that changed. `due` may be NULL. */
void incidents_flush(struct incidents *incidents, row_cb *row, incident_due_cb *due, void *context);

/* A stored incident, in ascending order of number, on start-up. `*ret` is NULL when it is not
 * needed in memory: its window is over at `now_ms`, or what it was merged into is not there; else
 * the caller arms its due_ms. CORRUPT, FULL. */
MUST_USE enum status incidents_restore(struct incidents *incidents, struct slice key,
                                       struct slice value, int64_t now_ms,
                                       const struct incident **ret);
/* Forgets an incident and those merged into it before their time. Its rows stay. NOT_FOUND. */
MUST_USE enum status incidents_evict(struct incidents *incidents, uint64_t number);

#endif
