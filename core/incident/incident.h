/* An incident: what one or many reports of the same thing have become (domain.md 4.2), and the rows
 * that keep it. The table of open incidents is in core/incident/incidents.h.
 *
 * Numbers are little-endian in values and big-endian in keys; f32 and f64 are IEEE 754. A version
 * that is not known, a length that does not fit and an enum out of range refuse the row. */
#ifndef CORE_INCIDENT_INCIDENT_H
#define CORE_INCIDENT_INCIDENT_H

#include "core/policy/policy.h"
#include "core/region/geo.h"
#include "core/report/observation.h"

enum {
    INCIDENT_OBSERVERS_MAX =
        8,                   /* independent observers that are told apart; more are not counted */
    INCIDENT_DIRECTIONS = 4, /* 0, 45, 90, 135 degrees: widths are measured along them */
    FIRE_SIGHTS_MAX = 8,     /* one a mast, one disc for each observer kind */
    FIRE_SEQUENCES_MAX = 8,  /* of cameras; more are not told apart */
    ALARM_TRANSITIONS = 5,   /* that many within 10 minutes: flapping */
    ALARM_SAMPLES = 21,      /* whose changes are weighed: flapping too */
    MATCH_ALTERNATIVES_MAX = 3,
};

/* Numbers are on disk. */
enum incident_state {
    INCIDENT_OPEN = 1,
    INCIDENT_HANDLED = 2, /* closed: done; a new report within the window reopens it */
    INCIDENT_FALSE = 3,   /* closed: false or not found; the next report opens a new one */
    INCIDENT_MERGED = 4,  /* part of merged_into */
};
const char *incident_state_name(enum incident_state state);

enum incident_flag {
    INCIDENT_HAS_POSITION = 1 << 0,
    INCIDENT_LOCALISED = 1 << 1, /* two apexes, or anybody who was there or saw the point */
    INCIDENT_INJURY = 1 << 2,
    INCIDENT_SPREADING = 1 << 3,
    INCIDENT_ON_SCENE = 1 << 4,
    INCIDENT_REKINDLED = 1 << 5,
    INCIDENT_CONFIRMED = 1 << 7, /* by enough frames of one camera in a short time */
    INCIDENT_IN_GRID = 1 << 6,   /* its region is a grid: reports from the same grid can join */
};

/* CAP 1.2 certainty: one observer, two independent ones, somebody on the spot. */
enum confidence { CONFIDENCE_POSSIBLE, CONFIDENCE_LIKELY, CONFIDENCE_OBSERVED };
const char *confidence_name(enum confidence confidence);

/* One observer's view of a fire: a camera's sector or a disc. */
struct sight {
    struct position position; /* apex of a sector, centre of a disc */
    float azimuth_deg;
    float half_cone_deg; /* 0: a disc */
    float range_m;       /* far end of a sector, radius of a disc */
    uint8_t kind;        /* enum observer_kind */
};

/* A camera's frames of one place in its image. */
#define SEQUENCE_NO_FRAME UINT32_MAX
struct sequence {
    uint64_t view;   /* camera and pose */
    uint16_t box[4]; /* of the newest frame */
    int64_t last_ms; /* the newest frame, and so long before it the ones before, rising; more than a
                        day before or none: SEQUENCE_NO_FRAME */
    uint32_t before_ms[FIRE_FRAMES_MAX - 1];
    uint32_t frames_count;
};

struct fire {
    struct position estimate; /* where it is thought to be; while localised */
    float radius_m;
    uint8_t sights_count, sequences_count;
    struct sight sights[FIRE_SIGHTS_MAX];
    struct sequence sequences[FIRE_SEQUENCES_MAX];
};

/* Numbers are on disk. */
enum alarm_state {
    ALARM_PENDING = 1, /* sampled high, not yet believed: no page, no ticket */
    ALARM_RAISED = 2,
    ALARM_CLEARING = 3, /* the sensor says clear, not yet for long enough */
    ALARM_CLEARED = 4,
};
const char *alarm_state_name(enum alarm_state state);

struct alarm {
    uint8_t state; /* enum alarm_state */
    bool flapping;
    uint32_t samples;     /* the last ALARM_SAMPLES, newest in bit 0, 1: high; 0 before the first */
    uint32_t occurrences; /* raises after a clear, the first included */
    uint32_t suppressed_total; /* changes while flapping that had no event of their own */
    uint32_t suppressed_told;  /* of these, counted in a summary already */
    int64_t raised_ms;         /* the last change upwards */
    int64_t cleared_ms;        /* the last change downwards; INT64_MIN: never */
    int64_t summary_ms;        /* while flapping: when the next summary is due */
    int64_t sampled_ms;        /* the newest sample */
    uint64_t fault_ticket;     /* the last sensor_fault ticket; 0: none */
    int64_t transitions_ms[ALARM_TRANSITIONS]; /* newest first; INT64_MIN: none yet */
};

/* Numbers are on disk. */
enum detail_kind { DETAIL_NONE, DETAIL_FIRE, DETAIL_ALARM };
union incident_detail {
    struct fire fire;
    struct alarm alarm;
};

enum { INCIDENT_INDEXES = 4 };
/* Place in an index: incidents with one key are a list, newest first; the first of each list is in
 * its bucket's chain. Slot + 1 each; 0: none. */
struct incident_link {
    uint64_t key;
    uint32_t next, before;
    uint32_t chain_next, chain_before;
};

/* Fields are ordered by what matching reads of incidents that it then leaves alone: open ones that
 * are near cost one cache line. Those marked (table) are the table's own. */
struct incident {
    _Alignas(64) uint64_t number; /* sequence number of the entry that opened it */
    struct position anchor;       /* the first position; distances are measured to it */
    uint8_t state;                /* enum incident_state */
    uint8_t severity;             /* enum severity: the worst told */
    uint8_t priority;             /* 1..4 */
    uint8_t class_index;     /* (table) of the policy in force; CLASS_NONE: it has none like it */
    uint16_t flags;          /* enum incident_flag */
    uint16_t observer_kinds; /* bits 1 << enum observer_kind */
    int64_t first_seen_ms, last_seen_ms; /* earliest and latest occurred_at: never rewound */
    int64_t last_activity_ms;            /* latest arrival or ticket activity, late backlog aside */
    uint32_t category_tag, region;

    uint64_t merged_into; /* 0: not merged; else never a merged one itself */
    int64_t closed_ms;    /* of the last closing or merging; 0: never */
    int64_t due_ms;       /* when incidents_fire is to be called; INT64_MAX: never */
    uint64_t asset;       /* of an alarm: its key; 0: none */
    uint64_t cell_key;    /* (table) */
    uint32_t cell_block;  /* (table) block + 1 of the cell's places that it is in; 0: in none */
    uint32_t class_tag;
    uint32_t reports_count;
    uint8_t observers_count;
    uint8_t detail_kind; /* enum detail_kind */
    bool dirty, leaving; /* (table) */
    uint8_t indexed;     /* (table) bits 1 << index */
    uint32_t dirty_next; /* (table) */

    float extents_m[INCIDENT_DIRECTIONS][2]; /* least and greatest of the members' positions along
                                                each direction, from the anchor */
    uint64_t observers[INCIDENT_OBSERVERS_MAX];
    int64_t opened_ms;
    uint64_t ticket;               /* 0: none */
    union incident_detail *detail; /* NULL unless detail_kind says otherwise */
    float accuracy_m;
    uint32_t moved_count, staying_count; /* (table) of one un-merge */
    int64_t armed_ms;                    /* (table) due_ms as last told by incidents_flush */
    uint64_t stored_under;               /* (table) merged_into of the ROW_MOVED that is on disk */
    struct incident_link links[INCIDENT_INDEXES]; /* (table) */
};
_Static_assert(offsetof(struct incident, merged_into) == 64, "the first cache line");
_Static_assert(offsetof(struct incident, extents_m) == 128, "the second cache line");
_Static_assert(sizeof(struct incident) % 64 == 0, "slots do not share cache lines");
enum { CLASS_NONE = UINT8_MAX };

enum confidence incident_confidence(const struct incident *incident);
/* How far apart its members are: the width along the widest of the four directions, so at most 8 %
 * less than the two farthest. */
double incident_spread_m(const struct incident *incident);

/* Why a report went where it went. Numbers are on disk. */
#define MATCH_RULE_TABLE(X)                                                                        \
    X(1, OPENED, "opened")       /* nothing fitted, or the class never merges */                   \
    X(2, ASSET, "asset")         /* same asset: decides at once */                                 \
    X(3, DISTANCE, "distance")   /* within the gate of the anchor */                               \
    X(4, GRID, "grid")           /* same grid */                                                   \
    X(5, SECTOR, "sector")       /* a camera's sector meets the estimate or another sector */      \
    X(6, SAME_MAST, "same_mast") /* cameras of one mast, by azimuth */                             \
    X(7, DISC, "disc")           /* pixel or person whose disc meets the estimate or a sector */   \
    X(8, REKINDLE, "rekindle")   /* fire near the estimate of one that was out */                  \
    X(9, ALARM, "alarm")         /* same device, same alarm */                                     \
    X(10, OPERATOR, "operator")  /* moved here by a command */                                     \
    X(11, SEQUENCE, "sequence")  /* next frame of a camera that sees it already */

enum match_rule {
#define MATCH_RULE_ENUM(number, name, text) MATCH_##name = (number),
    MATCH_RULE_TABLE(MATCH_RULE_ENUM)
#undef MATCH_RULE_ENUM
        MATCH_RULE_LIMIT
};
const char *match_rule_name(enum match_rule rule);

struct match_alternative {
    uint64_t incident;
    uint16_t score;
};

struct match {
    uint8_t rule;   /* enum match_rule */
    uint16_t score; /* 0..1000, 1000 the surest; of an opened one 0 */
    uint8_t alternatives_count;
    float distance_m; /* to the anchor or estimate; -1: not known */
    float dt_s;       /* outside of the time it was seen; 0: within */
    struct match_alternative alternatives[MATCH_ALTERNATIVES_MAX]; /* best first */
};

/* A report as matching sees it. */
struct sighting {
    uint64_t seq;
    uint32_t region, category_tag;
    int64_t occurred_ms, received_ms;
    struct position position; /* WGS 84 */
    bool has_position;
    bool in_grid;     /* the region has no regions below it: same grid means something */
    uint8_t severity; /* enum severity */
    struct observation observation;
};

/* A report's place in an incident, with all that is needed to take the incident apart again. */
struct member {
    uint64_t incident; /* that its row stands under; member_row_encode leaves it to the key */
    uint64_t origin;   /* the incident that it joined or opened first */
    bool late;         /* occurred so long before it came in that it paged nobody */
    struct sighting sighting;
    struct match match;
};

/* Row of an incident. Key: number u64 BE. Value, version 2:
 *
 *     0 u8 version | 1 u8 state | 2 u8 severity | 3 u8 priority | 4 u16 flags | 6 u16 observer
 * kinds 8 u32 class tag | 12 u32 category tag | 16 u32 region | 20 u32 reports 24 i64 opened | 32
 * i64 first_seen | 40 i64 last_seen | 48 i64 last_activity | 56 i64 closed 64 i64 due | 72 u64
 * asset or alarm | 80 u64 ticket | 88 u64 merged_into 96 f64 lat | 104 f64 lon | 112 f32 accuracy |
 * 116 8 x f32 extents, least and greatest by turns 148 u8 observers | 149 u8 detail kind | 150 u16
 * zero | 152 u64 each observer detail fire:  f64 lat | f64 lon | f32 radius | u8 sights | u8
 * sequences | u16 zero | each sight: u8 kind | u8 x 3 zero | f32 azimuth | f32 half cone | f32
 * range | f64 lat | f64 lon | each sequence: u64 view | 4 x u16 box | i64 last | 3 x u32 ms before
 * | u32 frames detail alarm: u8 state | u8 flapping | u16 zero | u32 samples | u32 occurrences |
 * u32 suppressed | u32 suppressed told | u32 zero | i64 raised | i64 cleared | i64 summary | i64
 * sampled | u64 fault ticket | 5 x i64 transitions
 *
 * Version 1, which is read too, has no sequences (that byte is zero), and of an alarm u8 state | u8
 * the last three samples | u8 flapping | u8 zero | u32 occurrences | u32 suppressed | u32
 * suppressed told | i64 raised | i64 cleared | i64 summary | 5 x i64 transitions.
 *
 * Times are milliseconds since 1970. */
enum {
    INCIDENT_ROW_VERSION = 2,
    INCIDENT_KEY_BYTES = 8,
    INCIDENT_ROW_HEAD_BYTES = 152,
    FIRE_HEAD_BYTES = 24,
    SIGHT_BYTES = 32,
    SEQUENCE_BYTES = 40,
    ALARM_BYTES = 104,
    ALARM_BYTES_1 = 80,
    INCIDENT_ROW_BYTES_MAX = INCIDENT_ROW_HEAD_BYTES + 8 * INCIDENT_OBSERVERS_MAX +
                             FIRE_HEAD_BYTES + FIRE_SIGHTS_MAX * SIGHT_BYTES +
                             FIRE_SEQUENCES_MAX * SEQUENCE_BYTES,
};
void incident_key(uint8_t to[INCIDENT_KEY_BYTES], uint64_t number);
/* Returns the bytes written, at most INCIDENT_ROW_BYTES_MAX. */
size_t incident_row_encode(uint8_t *to, const struct incident *incident);
/* `ret->detail` comes to point at `detail` when there is one. The table's own fields are zero. */
MUST_USE bool incident_row_decode(struct incident *ret, union incident_detail *detail,
                                  struct slice key, struct slice value);

/* Row of a member. Key: incident u64 BE | seq u64 BE. A merge leaves the rows where they are: the
 * members of an incident are the rows under its number and under those merged into it. Value,
 * version 2:
 *
 *     0 u8 version | 1 u8 severity | 2 u8 flags (1 position, 2 in grid, 4 late, 8 frame) | 3 u8
 * observer kind 4 u8 observation flags | 5 u8 match rule | 6 u16 score | 8 u8 alternatives | 9 u8 x
 * 3 zero 12 u32 region | 16 u32 category tag | 20 u32 channel tag | 24 i64 occurred | 32 i64
 * received 40 u64 origin | 48 u64 observer | 56 u64 asset | 64 u64 alarm | 72 f32 accuracy 76 f32
 * azimuth | 80 f32 cone | 84 f32 range | 88 f32 distance | 92 f32 dt 96 f64 lat | 104 f64 lon | 112
 * of a frame: u64 view | 4 x u16 box then each alternative: u64 incident | u16 score
 *
 * Version 1, which is read too, is the same without frames. */
enum {
    MEMBER_ROW_VERSION = 2,
    MEMBER_KEY_BYTES = 16,
    MEMBER_ROW_HEAD_BYTES = 112,
    MEMBER_FRAME_BYTES = 16,
    MEMBER_ROW_BYTES_MAX = MEMBER_ROW_HEAD_BYTES + MEMBER_FRAME_BYTES + MATCH_ALTERNATIVES_MAX * 10,
};
void member_key(uint8_t to[MEMBER_KEY_BYTES], uint64_t incident, uint64_t seq);
/* Returns the bytes written, at most MEMBER_ROW_BYTES_MAX. */
size_t member_row_encode(uint8_t *to, const struct member *member);
MUST_USE bool member_row_decode(struct member *ret, struct slice key, struct slice value);

/* Row that says what was merged into what. Key: survivor u64 BE | merged u64 BE, as member_key
 * writes it. Value: u8 version 1 | i64 when. */
enum { MOVED_ROW_VERSION = 1, MOVED_ROW_BYTES = 9 };

#endif
