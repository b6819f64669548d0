/* The policy: categories and channels, how reports of a category merge, who handles them, within
 * which limits and up which ladder. Data (domain.md 3.5, 3.7, 4.2), read from YAML by the server
 * (server/rules/policy_file.h) and immutable afterwards; then from any thread.
 *
 * policy.c keeps categories and channels, policy_units.c units and assignments, policy_rules.c all
 * figures, policy_defaults.c those that hold when nobody gives any. Every function that adds or
 * sets answers INVALID with a message and leaves the policy as it was, or FULL. */
#ifndef CORE_POLICY_POLICY_H
#define CORE_POLICY_POLICY_H

#include "core/base/status.h"
#include "core/limits.h"
#include "core/report/observation.h"
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
    uint32_t gate_m;   /* from the incident's anchor */
    uint32_t spread_m; /* farthest two members may be apart; >= gate_m */
    uint32_t idle_s;   /* joins only when the last activity is not longer ago; 0: while open */
    uint32_t reopen_s; /* that long after a handled close a report reopens; 0: never */
    uint32_t stale_s;  /* absorbing after that long without activity pages again; 0: never */
    uint32_t
        suggest_m; /* near misses up to here are kept as alternatives; 0: none, else > gate_m */
};

/* A professional unit (专业部门) that tickets are dispatched to. */
struct unit {
    char code[POLICY_CODE_BYTES_MAX + 1];
    char name[POLICY_CODE_BYTES_MAX + 1];
    uint32_t tag;
};

/* Which unit has a category in a region's subtree; region empty: everywhere. */
struct assignment {
    uint32_t category_tag; /* 0: any */
    char region[REGION_CODE_CAP + 1];
    uint32_t unit_tag;
};

struct category {
    char code[POLICY_CODE_BYTES_MAX + 1];
    char name[POLICY_CODE_BYTES_MAX + 1];   /* as people read it, UTF-8 */
    uint32_t tag;                           /* policy_tag(code); unique within a policy */
    uint8_t priority;                       /* 1..4 (P1..P4) */
    enum severity severity;                 /* default of its reports */
    bool opens_ticket;                      /* false: the daily round; no incident, no ticket */
    bool self_handle;                       /* a worker may file and close it in one command */
    bool confidential;                      /* personal: masked for who may not read it */
    uint8_t merge_class;                    /* index into merge_classes; 0: never merged */
    struct stage_limit limits[STAGE_COUNT]; /* of STAGE_DECIDE and STAGE_REPLY none: see below */
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
    struct stage_limit ack;    /* how long an ack holds */
    /* Seconds after opening without an ack, rising: one rank up each; 0 ends. */
    uint32_t unacked_s[LADDER_UNACKED_MAX];
};

/* How fires are matched, whatever the class (domain.md 4.2). */
struct fire_rules {
    struct {
        uint32_t window_s; /* so long after its view another one can be of the same fire */
        uint32_t radius_m; /* of its disc; of a camera: how far it sees when it does not say */
    } observers[OBSERVER_COUNT];
    uint32_t rekindle_m; /* from the estimate of one that was out */
    /* Frames of one camera and pose are one sequence when their boxes overlap by that much, by
     * intersection over union, and nothing else lay between them for longer than the gap. */
    uint32_t overlap_percent, sequence_gap_s;
    uint32_t confirm_frames, confirm_within_s; /* so many frames of a sequence confirm a fire */
};

/* When a sensor's alarm is believed and when it is over, whatever the class (domain.md 4.2). */
struct alarm_rules {
    uint32_t raise_samples; /* so many high ones of the last ALARM_RAISE_OF, or */
    uint32_t raise_for_s;   /* a first one that nothing contradicted for so long */
    uint32_t clear_for_s;   /* low for so long: cleared */
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
    uint32_t ladder_pause_s;      /* least time between two steps or repeats of a ladder */
    struct stage_limit decide[5]; /* by priority: return, extension, suspension, whistle */
    struct fire_rules fire;
    struct alarm_rules alarm;
    struct stage_limit reply[5]; /* by priority: from a supervision to an answer */
    uint32_t archive_s;          /* closed until archived without a follow-up */
    uint32_t reopen_s;           /* archived until it cannot be reopened */
    uint32_t return_s;           /* dispatched: may be returned that long */
    uint32_t self_check_percent; /* self-handled tickets that are checked all the same */
    uint32_t default_channel;    /* of reports that name none: 1 + position of handheld, 0: none */
    uint16_t category_slots[2 * CATEGORIES_MAX]; /* hash index: 1 + position, 0 = free */
};

/* Stable 32-bit tag of a code: what entries on disk carry instead of the string (XXH32, seed 0). */
uint32_t policy_tag(struct slice code);

/* Empty but for what holds when nobody says otherwise: merge class 0 is "never", ladders,
 * decide, reply and the times are those of domain.md 3.3-3.6 (policy_defaults.c). */
void policy_init(struct policy *policy, uint32_t version);

/* Add a category or a channel. INVALID when the code is empty, too long, not of [a-z0-9_], there
 * already, or its tag equals another's; FULL when the table is full. A category opens tickets,
 * never merges, and has the limits of its priority (policy_default_limits) until its rules are set;
 * a channel's observer is a person who is not the public. The channel "handheld" is the default. */
MUST_USE enum status policy_add_category(struct policy *policy, struct slice code,
                                         struct slice name, unsigned priority,
                                         enum severity severity, struct error *error);
MUST_USE enum status policy_add_channel(struct policy *policy, struct slice code, struct slice name,
                                        struct error *error);

/* What a category is beyond its name. Start from policy_category_rules, so that what is not meant
 * to change stays. */
struct category_rules {
    bool opens_ticket, self_handle, confidential;
    struct slice merge_class; /* a code; borrowed for the call */
    struct stage_limit limits[STAGE_COUNT];
};
struct category_rules policy_category_rules(const struct policy *policy,
                                            const struct category *category);
/* INVALID: no such category or merge class, a limit out of range or for STAGE_DECIDE or
 * STAGE_REPLY, a stage limit of urgent_hour above an overall limit of urgent_hour. */
MUST_USE enum status policy_set_category_rules(struct policy *policy, struct slice code,
                                               const struct category_rules *rules,
                                               struct error *error);
MUST_USE enum status policy_set_channel_rules(struct policy *policy, struct slice code,
                                              enum observer_kind observer, bool public_,
                                              struct error *error);

/* `rules->code` is not read. INVALID: a code as above; never: anything but 0; else a gate of 0 (but
 * of an alarm), gate > spread, suggest <= gate, or a figure beyond its limit. */
MUST_USE enum status policy_add_merge_class(struct policy *policy, struct slice code,
                                            const struct merge_class *rules, struct error *error);
MUST_USE enum status policy_add_unit(struct policy *policy, struct slice code, struct slice name,
                                     struct error *error);
/* Category empty: any; region empty: everywhere. The category and the unit must be there, and the
 * pair of category and region must not. Whether the region exists is not known here: trees change.
 */
MUST_USE enum status policy_add_assignment(struct policy *policy, struct slice category,
                                           struct slice region, struct slice unit,
                                           struct error *error);

/* INVALID: not from LADDER_PAUSE_S_MIN to LADDER_PAUSE_S_DEFAULT. Ladders set later may be so fast.
 */
MUST_USE enum status policy_set_ladder_pause(struct policy *policy, uint32_t pause_s,
                                             struct error *error);
/* INVALID: a priority but 1..4; percentages but reminder < near < 100; times of 0 or out of range,
 * steps or repeats below ladder_pause_s; unacked_s that do not rise. */
MUST_USE enum status policy_set_ladder(struct policy *policy, unsigned priority,
                                       const struct ladder *ladder, struct error *error);
MUST_USE enum status policy_set_decide(struct policy *policy, unsigned priority,
                                       struct stage_limit limit, struct error *error);
MUST_USE enum status policy_set_fire(struct policy *policy, const struct fire_rules *rules,
                                     struct error *error);
MUST_USE enum status policy_set_alarm(struct policy *policy, const struct alarm_rules *rules,
                                      struct error *error);
MUST_USE enum status policy_set_reply(struct policy *policy, unsigned priority,
                                      struct stage_limit limit, struct error *error);
MUST_USE enum status policy_set_times(struct policy *policy, uint32_t archive_s, uint32_t reopen_s,
                                      uint32_t return_s, uint32_t self_check_percent,
                                      struct error *error);

/* Limits by priority, 1..4: those of the row of domain.md 3.7 that stands for it. */
void policy_default_limits(struct stage_limit limits[STAGE_COUNT], unsigned priority);
/* Everything but the tables: ladders, decide, reply, fires, alarms, times, and merge class "never".
 */
void policy_default_rules(struct policy *policy);

/* NULL when unknown. O(1) for categories, O(channels) for channels. */
const struct category *policy_category(const struct policy *policy, struct slice code);
const struct category *policy_category_by_tag(const struct policy *policy, uint32_t tag);
const struct channel *policy_channel(const struct policy *policy, struct slice code);
const struct channel *policy_channel_by_tag(const struct policy *policy, uint32_t tag);
/* The channel of reports that name none; NULL: the policy has no handheld. */
const struct channel *policy_default_channel(const struct policy *policy);
/* Of a category of this policy; CHECKs its index. O(1). */
const struct merge_class *policy_merge_class(const struct policy *policy,
                                             const struct category *category);
const struct merge_class *policy_merge_class_named(const struct policy *policy, struct slice code);
/* O(units). */
const struct unit *policy_unit(const struct policy *policy, struct slice code);
const struct unit *policy_unit_by_tag(const struct policy *policy, uint32_t tag);
/* Who has the category at the end of `path`, region codes from the root down: the assignment to the
 * deepest of these regions, to everywhere when none has one; in one region a named category goes
 * before any. NULL: nobody. O(assignments * path). */
const struct unit *policy_unit_for(const struct policy *policy, uint32_t category_tag,
                                   const struct slice *path, size_t path_count);

MUST_USE bool severity_parse(enum severity *ret_severity, struct slice text);
const char *severity_name(enum severity severity);

#endif
