/* The policy: which categories and channels exist, and what each category means by default.
 * Data, read from YAML by the server (server/policy.h) and immutable afterwards. */
#ifndef CORE_POLICY_H
#define CORE_POLICY_H

#include "core/limits.h"
#include "core/observation.h"
#include "core/status.h"
#include "core/ticket/stage.h"

/* CAP 1.2 severities, worst first (domain.md, glossary). */
enum severity { SEVERITY_EXTREME = 1, SEVERITY_SEVERE, SEVERITY_MODERATE, SEVERITY_MINOR };

/* How reports of a category become incidents (domain.md 4.2). */
enum merge_kind {
    MERGE_NEVER,    /* every report is an incident of its own: disputes, requests, appeals */
    MERGE_DISTANCE, /* within gate_m of the anchor; same asset decides at once */
    MERGE_GRID,     /* within gate_m, or in the same grid */
    MERGE_FIRE,     /* sectors, discs and people; localised by independent observers */
    MERGE_ALARM,    /* one open incident for a device and an alarm */
};

/* Categories of one merge class can be one incident. */
struct merge_class {
    char code[POLICY_CODE_BYTES_MAX + 1];
    enum merge_kind kind;
    uint32_t gate_m;    /* from the incident's anchor */
    uint32_t spread_m;  /* farthest two members may be apart */
    uint32_t idle_s;    /* joins only when the last activity is not longer ago; 0: while open */
    uint32_t reopen_s;  /* after a handled close a report reopens */
    uint32_t stale_s;   /* absorbing after that long without activity pages again */
    uint32_t suggest_m; /* near misses up to here are kept as alternatives; 0: none */
};

/* A professional unit (专业部门) that tickets are dispatched to. */
struct unit {
    char code[POLICY_CODE_BYTES_MAX + 1];
    char name[POLICY_CODE_BYTES_MAX + 1];
    uint32_t tag;
};

/* Which unit has a category in a region's subtree. The deepest region that fits wins, a named
 * category over any; region empty: everywhere. */
struct assignment {
    uint32_t category_tag; /* 0: any */
    char region[REGION_CODE_CAP + 1];
    uint32_t unit_tag;
};

struct category {
    char code[POLICY_CODE_BYTES_MAX + 1];
    char name[POLICY_CODE_BYTES_MAX + 1]; /* as people read it, UTF-8 */
    uint32_t tag;                         /* policy_tag(code); unique within a policy */
    uint8_t priority;                     /* 1..4 (P1..P4) */
    enum severity severity;               /* default of its reports */
    bool opens_ticket;                    /* false: the daily round; no incident, no ticket */
    bool self_handle;                     /* a worker may file and close it in one command */
    bool confidential;                    /* personal: masked for who may not read it */
    uint8_t merge_class;                  /* index into merge_classes */
    struct stage_limit limits[STAGE_COUNT];
};

/* Ways in (handheld, app, hotline ...). */
struct channel {
    char code[POLICY_CODE_BYTES_MAX + 1];
    char name[POLICY_CODE_BYTES_MAX + 1];
    uint32_t tag;
    uint8_t observer; /* enum observer_kind of its reports */
    bool public_;     /* citizens: they get an answer, and count as citizen-reported */
};

/* The ladder of one priority (domain.md 3.5). All times in seconds of urgent_hour but ack. */
struct ladder {
    uint32_t reminder_percent; /* of the stage's limit; 0: no reminder */
    uint32_t near_percent;     /* near_deadline, the light turns yellow */
    uint32_t step_s;           /* steps past the deadline: the larger of this ... */
    uint32_t step_percent;     /* ... and this share of the limit */
    uint32_t repeat_s;         /* the last step is told again that often */
    uint8_t top_level;         /* the highest rank told: regions of this level (0 the root) */
    uint32_t
        unacked_s[LADDER_UNACKED_MAX]; /* without an ack after opening: one rank up each; 0 ends */
    struct stage_limit ack;            /* how long an ack holds */
};

struct policy {
    uint32_t version;
    uint32_t categories_count, channels_count, merge_classes_count, units_count, assignments_count;
    struct category categories[CATEGORIES_MAX];
    struct channel channels[CHANNELS_MAX];
    struct merge_class merge_classes[MERGE_CLASSES_MAX];
    struct unit units[UNITS_MAX];
    struct assignment assignments[ASSIGNMENTS_MAX];
    struct ladder ladders[5];     /* by priority, 1..4 */
    struct stage_limit decide[5]; /* by priority: return, extension, suspension, whistle */
    uint32_t archive_s;           /* closed until archived without a follow-up */
    uint32_t reopen_s;            /* archived until it cannot be reopened */
    uint32_t return_s;            /* dispatched: may be returned that long */
    uint32_t self_check_percent;  /* self-handled tickets that are checked all the same */
    uint16_t category_slots[2 * CATEGORIES_MAX]; /* hash index: 1 + position, 0 = free */
};

/* Stable 32-bit tag of a code: what entries on disk carry instead of the string (XXH32, seed 0). */
uint32_t policy_tag(struct slice code);

void policy_init(struct policy *policy, uint32_t version);
/* Add a category or a channel. INVALID with a message when the code is empty, too long, not of
 * [a-z0-9_], there already, or its tag equals another's; FULL when the table is full. */
MUST_USE enum status policy_add_category(struct policy *policy, struct slice code,
                                         struct slice name, unsigned priority,
                                         enum severity severity, struct error *error);
MUST_USE enum status policy_add_channel(struct policy *policy, struct slice code, struct slice name,
                                        struct error *error);
/* NULL when unknown. O(1). */
const struct category *policy_category(const struct policy *policy, struct slice code);
const struct category *policy_category_by_tag(const struct policy *policy, uint32_t tag);
const struct channel *policy_channel(const struct policy *policy, struct slice code);

MUST_USE bool severity_parse(enum severity *ret_severity, struct slice text);
const char *severity_name(enum severity severity);

#endif
