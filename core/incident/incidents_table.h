/* How the incidents lie in their memory, and what the files of core/incident/ ask of each other;
 * only they look here.
 *
 *   slots | details | buckets of the four indexes | buckets of cells | blocks of places |
 *   member rows that wait for the flush */
#ifndef CORE_INCIDENT_INCIDENTS_TABLE_H
#define CORE_INCIDENT_INCIDENTS_TABLE_H

#include "core/incident/incidents.h"

enum incident_index {
    INDEX_NUMBER,
    INDEX_REGION, /* class and grid */
    INDEX_KEY,    /* class and asset or alarm */
    INDEX_MERGED, /* of merged ones: what they were merged into */
};

struct pending_member {
    uint64_t incident, seq;
    uint16_t bytes; /* 0: the row goes */
    uint8_t value[MEMBER_ROW_BYTES_MAX];
};

/* Windows that the table of domain.md 4.2 gives and no class overrides. */
enum {
    CLOCK_SLACK_S = 300, /* two clocks may differ that much */
    LATE_P1_S = 30 * 60,
    LATE_S = 24 * 3600,
};

static inline uint32_t incident_slot(const struct incidents *incidents,
                                     const struct incident *incident) {
    return (uint32_t)(incident - incidents->slots);
}

static inline bool incident_has(const struct incident *incident, enum incident_flag flag) {
    return (incident->flags & (unsigned)flag) != 0;
}

static inline const struct merge_class *incident_class(const struct incidents *incidents,
                                                       const struct incident *incident) {
    CHECK(incident->class_index != CLASS_NONE);
    return &incidents->policy->merge_classes[incident->class_index];
}

/* incident_index.c: slots, details and indexes. */
static inline struct incident_link *incident_link(struct incident *incident,
                                                  enum incident_index index) {
    return &incident->links[index];
}

/* A zeroed slot; NULL when the table is full. */
struct incident *incidents_slot_take(struct incidents *incidents);
void incidents_slot_free(struct incidents *incidents, struct incident *incident);
void incidents_detail_take(struct incidents *incidents, struct incident *incident,
                           enum detail_kind kind);
/* Takes an incident out of the indexes that it is in and puts it into those it belongs into now. */
void incidents_index(struct incidents *incidents, struct incident *incident);
void incidents_unindex(struct incidents *incidents, struct incident *incident);
struct incident *incidents_lookup(const struct incidents *incidents, uint64_t number);
/* First of a list, newest first; NULL when empty. */
struct incident *incidents_first(const struct incidents *incidents, enum incident_index index,
                                 uint64_t key);
struct incident *incidents_after(const struct incidents *incidents, enum incident_index index,
                                 struct incident *incident);
uint64_t incidents_region_key(uint32_t class_tag, uint32_t region);
uint64_t incidents_asset_key(uint32_t class_tag, uint64_t asset);
uint64_t incidents_survivor_key(uint64_t survivor);

/* incident_cells.c: the map in cells. */
void incidents_set_grids(struct incidents *incidents);
/* A cell's name, and its bucket: neighbours of four rows and four columns lie in one cache line. */
struct cell {
    uint64_t key; /* 0: no cell */
    uint32_t bucket;
};
/* The cell that an incident belongs into, key 0 when it has no position or its class no cells, and
 * the position that puts it there. True when that is not the cell that it is in; only then the
 * bucket is told. */
MUST_USE bool incidents_cell_of(const struct incidents *incidents, const struct incident *incident,
                                struct cell *ret, struct position *ret_position);
/* The cells that a circle touches, over the antimeridian and a pole too. */
struct cell_walk {
    double lon_deg, reach_deg; /* of the circle's centre, and its half width */
    double row_deg;
    double group_scale; /* columns of the row to groups of four columns */
    uint64_t salt;
    uint32_t row, row_last, group_columns;
    uint32_t column, columns, columns_left;
};
void cell_walk_init(struct cell_walk *walk, const struct incidents *incidents, unsigned class_index,
                    bool of_sectors, struct position centre, double radius_m);
/* False at the end. */
MUST_USE bool cell_walk_next(struct cell_walk *walk, struct cell *ret);

/* incident_places.c: what is in each cell, packed, so that who only looks for what is near does not
 * touch the incidents. By number within blocks, newest block first; no block is empty. */
enum { PLACES_PER_BLOCK = 8 };
#define PLACE_UNITS_PER_DEG 1e7 /* 11 mm of latitude */
struct place {
    uint32_t slot;
    int32_t lat, lon; /* rounded towards 0 */
};
struct place_block {
    uint64_t key;
    uint32_t bucket;
    uint32_t chain_next;   /* newest block of the bucket's next cell; of a cell's newest block */
    uint32_t older, newer; /* of the same cell; block + 1 each, 0: none */
    uint32_t count;
    struct place places[PLACES_PER_BLOCK]; /* by ascending number */
};
_Static_assert(sizeof(struct place_block) == 128, "two cache lines");
struct place place_pack(struct position position, uint32_t slot);
void places_prefetch_bucket(const struct incidents *incidents, struct cell cell);
/* The cell's newest block, ahead of place_cursor_init; waits for the bucket. */
void places_prefetch(const struct incidents *incidents, struct cell cell);
void places_add(struct incidents *incidents, struct cell cell, struct position position,
                struct incident *incident);
/* Within its cell. */
void places_move(struct incidents *incidents, struct position position,
                 const struct incident *incident);
void places_remove(struct incidents *incidents, struct incident *incident);
/* A cell's places, newest first. Holds until the table changes. */
struct place_cursor {
    const struct incidents *incidents;
    const struct place_block *block;
    uint32_t left;
};
void place_cursor_init(struct place_cursor *cursor, const struct incidents *incidents,
                       struct cell cell);
/* NULL at the end. */
const struct place *place_cursor_next(struct place_cursor *cursor);

/* incident_near.c: the places around a point, nearest first. */
enum { NEAR_MAX = 1024 }; /* of one filling */
struct near_place {
    float least_m;  /* it is surely not nearer; up to 0.3 % and 4 cm less than it is */
    uint32_t order; /* in which the cells gave it */
    uint32_t slot;
};
struct near {
    const struct incidents *incidents;
    struct cell_walk walk;
    struct place centre;
    double metres_per_lat, metres_per_lon; /* of a unit; at least */
    double reach_m;
    uint32_t order, count;
    struct near_place heap[NEAR_MAX];
};
void near_init(struct near *near, const struct incidents *incidents, unsigned class_index,
               struct position centre, double reach_m);
/* Takes places out of as many cells as there is room for, at most CANDIDATES_MAX of each. False
 * when there are no more cells. */
MUST_USE bool near_fill(struct near *near);
/* The nearest of this filling that is left. False: none. */
MUST_USE bool near_next(struct near *near, struct near_place *ret);

/* incident_rows.c: what has changed. */
void incidents_mark(struct incidents *incidents, struct incident *incident);
void incidents_keep_member(struct incidents *incidents, uint64_t incident,
                           const struct member *member);
void incidents_drop_member(struct incidents *incidents, uint64_t incident, uint64_t seq);
/* Out of all indexes at once; the slot is free after the next flush. */
void incidents_forget(struct incidents *incidents, struct incident *incident);
/* Moves one merged incident, with whatever was merged into it, below another survivor. */
void incidents_put_under(struct incidents *incidents, struct incident *incident,
                         struct incident *survivor, int64_t now_ms);
/* What was merged into an incident: the first of them, or after `after`. */
struct incident *incidents_next_merged(const struct incidents *incidents,
                                       const struct incident *survivor, struct incident *after);

/* incident_fold.c: what a report makes of an incident. */
/* A new open incident without reports, not yet indexed. NULL when full. */
struct incident *incidents_begin(struct incidents *incidents, const struct category *category,
                                 uint64_t number, int64_t now_ms);
/* Adds a report; position, times, observers, worst severity. Gives the reasons to page again. */
unsigned incident_fold(struct incident *incident, const struct member *member, uint32_t stale_s,
                       const struct fire_rules *rules);
/* Where it is in the plane around the anchor, along each direction. */
void incident_project(const struct incident *incident, struct position position,
                      float ret_m[INCIDENT_DIRECTIONS]);
/* Spread with one more position. */
double incident_spread_with(const struct incident *incident, struct position position);
/* Whether that is within the class's spread, or no more than it is already: two that were merged by
 * command may be farther apart and still take in what comes. */
bool incident_fits_spread(const struct incident *incident, struct position position,
                          uint32_t spread_m);
/* Adds all of one incident to another one that it is merged into. */
void incident_absorb(struct incident *survivor, const struct incident *merged);
/* Spread of two together. */
double incident_spread_of_both(const struct incident *a, const struct incident *b);
/* Back to before its first report: number, category, class, ticket and opening stay. */
void incident_reset(struct incident *incident);

/* incident_match.c: where a report belongs. */
struct candidate {
    struct incident *incident;
    struct match_alternative alternative;
    enum match_rule rule;
    double distance_m, dt_s;
    uint32_t order; /* of two that are alike, the lower one stands for their incident */
    bool joins;     /* false: near, only to be named */
};
enum { RANKED_MAX = 1 + MATCH_ALTERNATIVES_MAX };
struct ranking {
    struct candidate best[RANKED_MAX]; /* best first; those that do not join behind those that do */
    unsigned count;
};
/* Where a merged incident was is still a place of what it was merged into. */
struct incident *incidents_speaker(const struct incidents *incidents, struct incident *incident);
/* Each incident stands in it once, by its best. */
void ranking_add(struct ranking *ranking, const struct candidate *candidate);
/* Whether a report's time lets it into an incident: seconds outside of the time it was seen, or -1
 * when too many. `window_s` 0: as long as it is open. */
double incident_time_gap(const struct incidents *incidents, const struct incident *incident,
                         const struct sighting *sighting, uint32_t window_s, bool late);
void incidents_rank(const struct incidents *incidents, const struct sighting *sighting,
                    unsigned class_index, bool late, struct ranking *ranking);

/* incident_fire.c */
void incidents_rank_fires(const struct incidents *incidents, const struct sighting *sighting,
                          unsigned class_index, bool late, struct ranking *ranking);
/* Adds a report's view and computes the estimate anew. True when the observer is a new one: not a
 * camera of a mast that is there already. */
bool fire_add(struct fire *fire, const struct sighting *sighting, const struct fire_rules *rules);
void fire_absorb(struct fire *survivor, const struct fire *merged);
/* True when the estimate is a place: two masts or anybody who saw the point. */
bool fire_is_localised(const struct fire *fire);

/* Two incidents that one mast saw in different directions are two fires. */
bool fires_are_told_apart(const struct fire *a, const struct fire *b);
/* How long two incidents of a class may have been seen apart and be one; 0: no matter. */
uint32_t fire_window_s(const struct fire_rules *rules, const struct incident *a,
                       const struct incident *b);

/* incidents.c */
struct member incidents_member(const struct sighting *sighting, uint64_t incident,
                               const struct taken *taken);
/* Opens one around a report and says so; FULL. Sets outcome, incident and rule. */
MUST_USE enum status incidents_open(struct incidents *incidents, const struct sighting *sighting,
                                    const struct category *category, struct effects *effects,
                                    struct taken *ret);
void incidents_shut(struct incidents *incidents, struct incident *incident,
                    enum incident_state state, struct effects *effects);
void incidents_open_again(struct incidents *incidents, struct incident *incident);

/* incident_alarm.c */
enum status incidents_take_alarm(struct incidents *incidents, const struct sighting *sighting,
                                 const struct category *category, struct effects *effects,
                                 struct taken *ret);
enum fired incidents_fire_alarm(struct incidents *incidents, struct incident *incident,
                                struct effects *effects);
void alarm_begin(struct incident *incident, const struct sighting *sighting,
                 const struct alarm_rules *rules);

/* incident_merge.c */
/* Merges away what the rules allow after a report has sharpened an incident's estimate. */
void incidents_merge_by_rule(struct incidents *incidents, struct incident *incident,
                             struct effects *effects, struct taken *ret);

/* incident_event.c: the events, with the members core/incident/README.md lists. */
void incident_event_opened(const struct incident *incident, const struct sighting *sighting,
                           const struct taken *taken, struct effects *effects);
void incident_event_suggested(const struct incident *incident, const struct taken *taken,
                              uint64_t seq, struct effects *effects);
void incident_event_merged(const struct incident *survivor, const struct incident *merged,
                           const char *by, struct effects *effects);
void incident_event_unmerged(const struct incident *from, const struct incident *incident,
                             size_t seqs_count, struct effects *effects);
void incident_event_repaged(const struct incident *incident, unsigned repage, uint64_t seq,
                            struct effects *effects);
void incident_event_localised(const struct incident *incident, uint64_t seq,
                              struct effects *effects);
void incident_event_confirmed(const struct incident *incident, uint64_t seq,
                              struct effects *effects);
void incident_event_closed(const struct incident *incident, struct effects *effects);
/* `seq` 0: by a command. */
void incident_event_reopened(const struct incident *incident, const struct match *match,
                             uint64_t seq, struct effects *effects);
void incident_event_alarm(const struct incident *incident, uint64_t seq, struct effects *effects);
/* `what`: "began", "summary", "ended". */
void incident_event_flapping(const struct incident *incident, const char *what,
                             struct effects *effects);

#endif
