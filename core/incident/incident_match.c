#include "core/incident/incidents_table.h"

#include <math.h>

/* A person or a household comes up again within 30 days: worth naming, never merged. */
enum { SAME_SUBJECT_S = 30 * 86400 };

#define DEG_TO_RAD (3.14159265358979323846 / 180.0)
#define METRES_PER_DEGREE_MIN 111000.0
#define POLAR_DEG 85.0

/* How much surer a match is when nothing tells against it. */
#define OTHER_CATEGORY 0.9
#define CLOSED_ALREADY 0.9
#define END_OF_WINDOW 0.9

enum {
    SCORE_MAX = 1000,
    SCORE_AT_GATE = 500,
    SCORE_SAME_GRID = 500,
    SCORE_NEAR_MISS = 400,
    SCORE_SAME_SUBJECT = 300,
};

static bool is_better(const struct candidate *a, const struct candidate *b) {
    if (a->joins != b->joins) {
        return a->joins;
    }
    if (a->alternative.score != b->alternative.score) {
        return a->alternative.score > b->alternative.score;
    }
    if (a->incident->first_seen_ms != b->incident->first_seen_ms) {
        return a->incident->first_seen_ms < b->incident->first_seen_ms;
    }
    return a->incident->number < b->incident->number;
}

/* Of two of one incident. */
static bool stands_before(const struct candidate *candidate, const struct candidate *present) {
    return is_better(candidate, present) ||
           (!is_better(present, candidate) && candidate->order < present->order);
}

static void drop(struct ranking *ranking, unsigned at) {
    ranking->count--;
    for (unsigned i = at; i < ranking->count; i++) {
        ranking->best[i] = ranking->best[i + 1];
    }
}

void ranking_add(struct ranking *ranking, const struct candidate *candidate) {
    for (unsigned i = 0; i < ranking->count; i++) {
        if (ranking->best[i].incident != candidate->incident) {
            continue;
        }
        if (!stands_before(candidate, &ranking->best[i])) {
            return;
        }
        drop(ranking, i);
        break;
    }
    unsigned at = 0;
    while (at < ranking->count && is_better(&ranking->best[at], candidate)) {
        at++;
    }
    if (at == RANKED_MAX) {
        return;
    }
    unsigned last = ranking->count < RANKED_MAX ? ranking->count++ : RANKED_MAX - 1;
    for (unsigned i = last; i > at; i--) {
        ranking->best[i] = ranking->best[i - 1];
    }
    ranking->best[at] = *candidate;
    ranking->best[at].alternative.incident = candidate->incident->number;
}

struct incident *incidents_speaker(const struct incidents *incidents, struct incident *incident) {
    struct incident *speaker = incident->state == INCIDENT_MERGED
                                   ? incidents_lookup(incidents, incident->merged_into)
                                   : incident;
    CHECK(speaker != NULL && speaker->state != INCIDENT_MERGED);
    return speaker;
}

static double seconds(int64_t from_ms, int64_t to_ms) {
    return (double)(to_ms - from_ms) / 1000.0;
}

double incident_time_gap(const struct incidents *incidents, const struct incident *incident,
                         const struct sighting *sighting, uint32_t window_s, bool late) {
    int64_t at_ms = sighting->occurred_ms;
    if (incident->state != INCIDENT_OPEN && incident->due_ms <= sighting->received_ms) {
        return -1.0; /* about to be forgotten, and after a restart it would be already */
    }
    int64_t end_ms = incident->last_seen_ms > incident->last_activity_ms
                         ? incident->last_seen_ms
                         : incident->last_activity_ms;
    bool is_before = at_ms < incident->first_seen_ms;
    double gap_s = is_before        ? seconds(at_ms, incident->first_seen_ms)
                   : at_ms > end_ms ? seconds(end_ms, at_ms)
                                    : 0.0;
    double reopen_s = incident_class(incidents, incident)->reopen_s;
    bool was_open_then = incident->state == INCIDENT_OPEN || (incident->state != INCIDENT_MERGED &&
                                                              late && at_ms <= incident->closed_ms);
    if (was_open_then) {
        double before_s = window_s > 0 ? (double)window_s : fmax(reopen_s, CLOCK_SLACK_S);
        bool is_within =
            (window_s == 0 && !is_before) || gap_s <= (is_before ? before_s : (double)window_s);
        return is_within ? gap_s : -1.0;
    }
    bool reopens = incident->state == INCIDENT_HANDLED &&
                   seconds(incident->closed_ms, at_ms) <= reopen_s && reopen_s > 0;
    return reopens ? gap_s : -1.0;
}

static double time_factor(double gap_s, double window_s) {
    return window_s > 0 ? 1.0 - (1.0 - END_OF_WINDOW) * fmin(1.0, gap_s / window_s) : 1.0;
}

static uint16_t score_of(const struct incident *incident, const struct sighting *sighting,
                         double score, double time) {
    score *= time;
    score *= incident->category_tag == sighting->category_tag ? 1.0 : OTHER_CATEGORY;
    score *= incident->state == INCIDENT_OPEN ? 1.0 : CLOSED_ALREADY;
    return (uint16_t)fmin(SCORE_MAX, fmax(0.0, score));
}

/* Two things that both have a name are one thing only under one name. */
static bool assets_differ(const struct incident *incident, const struct sighting *sighting) {
    uint64_t asset = sighting->observation.asset;
    return asset != 0 && incident->asset != 0 && asset != incident->asset;
}

static bool fits_spread(const struct incident *incident, const struct sighting *sighting,
                        uint32_t spread_m) {
    return !sighting->has_position || incident_fits_spread(incident, sighting->position, spread_m);
}

struct query {
    const struct incidents *incidents;
    const struct merge_class *class;
    const struct sighting *sighting;
    struct ranking *ranking;
    double reach_m;   /* of the search in cells */
    double reach_deg; /* the same in degrees of longitude; 360: do not look at it */
    bool late;
};

/* Cheap first: most of a cell is out of reach. */
static bool is_far(const struct query *query, const struct incident *place,
                   double *ret_distance_m) {
    double north_deg = place->anchor.lat_deg - query->sighting->position.lat_deg;
    double east_deg = fabs(place->anchor.lon_deg - query->sighting->position.lon_deg);
    if (fabs(north_deg) * METRES_PER_DEGREE_MIN > query->reach_m ||
        fmin(east_deg, 360.0 - east_deg) > query->reach_deg) {
        return true;
    }
    *ret_distance_m = geo_distance_m(place->anchor, query->sighting->position);
    return *ret_distance_m > query->reach_m;
}

static double distance_score(const struct merge_class *class, double distance_m) {
    double gate_m = class->gate_m;
    if (distance_m <= gate_m) {
        return SCORE_MAX - (SCORE_MAX - SCORE_AT_GATE) * (gate_m > 0 ? distance_m / gate_m : 0.0);
    }
    double beyond = (distance_m - gate_m) / (class->suggest_m - gate_m);
    return SCORE_NEAR_MISS * (1.0 - beyond);
}

static void consider_near(const struct query *query, const struct near_place *near) {
    const struct merge_class *class = query->class;
    struct incident *place = &query->incidents->slots[near->slot];
    double distance_m = geo_distance_m(place->anchor, query->sighting->position);
    CHECK_SLOW(distance_m >= (double)near->least_m);
    if (distance_m > query->reach_m) {
        return;
    }
    struct incident *incident = incidents_speaker(query->incidents, place);
    double gap_s =
        incident_time_gap(query->incidents, incident, query->sighting, class->idle_s, query->late);
    if (gap_s < 0) {
        return;
    }
    struct candidate candidate = {
        .incident = incident,
        .rule = MATCH_DISTANCE,
        .distance_m = distance_m,
        .dt_s = gap_s,
        .order = near->order,
        .joins = distance_m <= class->gate_m && !assets_differ(incident, query->sighting) &&
                 fits_spread(incident, query->sighting, class->spread_m),
    };
    candidate.alternative.score =
        score_of(incident, query->sighting, distance_score(class, distance_m),
                 time_factor(gap_s, class->idle_s));
    if (candidate.joins || class->suggest_m > 0) {
        ranking_add(query->ranking, &candidate);
    }
}

/* Whether nothing that is this far away or farther can have a place in the ranking. */
static bool is_settled(const struct query *query, double least_m) {
    const struct ranking *ranking = query->ranking;
    const struct candidate *last = &ranking->best[RANKED_MAX - 1];
    if (ranking->count < RANKED_MAX || (!last->joins && least_m <= query->class->gate_m)) {
        return false;
    }
    bool may_join = least_m <= query->class->gate_m;
    return (last->joins && !may_join) ||
           (double)last->alternative.score > distance_score(query->class, least_m);
}

static void rank_near(const struct query *query, unsigned class_index) {
    UNINITIALIZED struct near near;
    struct near_place place;
    near_init(&near, query->incidents, class_index, query->sighting->position, query->reach_m);
    while (near_fill(&near)) {
        while (near_next(&near, &place) && !is_settled(query, (double)place.least_m)) {
            consider_near(query, &place);
        }
    }
}

/* Outages and noise are the grid's; a pothole that nobody located is only like another one. */
static void consider_same_grid(const struct query *query, struct incident *place) {
    const struct merge_class *class = query->class;
    struct incident *incident = incidents_speaker(query->incidents, place);
    const struct sighting *sighting = query->sighting;
    bool both_located = sighting->has_position && incident_has(place, INCIDENT_HAS_POSITION);
    double distance_m = -1.0;
    if (both_located && !is_far(query, place, &distance_m)) {
        return; /* found in its cell */
    }
    bool is_grid = class->kind == MERGE_GRID;
    double gap_s =
        incident_time_gap(query->incidents, incident, sighting, class->idle_s, query->late);
    if (gap_s < 0 || (!is_grid && (both_located || class->suggest_m == 0))) {
        return;
    }
    struct candidate candidate = {
        .incident = incident,
        .rule = MATCH_GRID,
        .distance_m = both_located ? geo_distance_m(place->anchor, sighting->position) : -1.0,
        .dt_s = gap_s,
        .order = UINT32_MAX,
        .joins = is_grid && !assets_differ(incident, sighting) &&
                 fits_spread(incident, sighting, class->spread_m),
    };
    candidate.alternative.score =
        score_of(incident, sighting, is_grid ? SCORE_SAME_GRID : SCORE_SAME_SUBJECT,
                 time_factor(gap_s, class->idle_s));
    ranking_add(query->ranking, &candidate);
}

static void rank_same_grid(const struct query *query, uint32_t class_tag) {
    struct incident *incident = incidents_first(
        query->incidents, INDEX_REGION, incidents_region_key(class_tag, query->sighting->region));
    for (int n = 0; incident != NULL && n < CANDIDATES_MAX; n++) {
        consider_same_grid(query, incident);
        incident = incidents_after(query->incidents, INDEX_REGION, incident);
    }
}

static void consider_same_asset(const struct query *query, struct incident *place) {
    struct incident *incident = incidents_speaker(query->incidents, place);
    bool joins = query->class->kind != MERGE_NEVER;
    double gap_s = incident_time_gap(query->incidents, incident, query->sighting,
                                     joins ? query->class->idle_s : SAME_SUBJECT_S, query->late);
    if (gap_s < 0) {
        return;
    }
    bool both_located = query->sighting->has_position && incident_has(place, INCIDENT_HAS_POSITION);
    struct candidate candidate = {
        .incident = incident,
        .rule = MATCH_ASSET,
        .distance_m =
            both_located ? geo_distance_m(place->anchor, query->sighting->position) : -1.0,
        .dt_s = gap_s,
        .joins = joins,
    };
    candidate.alternative.score =
        score_of(incident, query->sighting, joins ? SCORE_MAX : SCORE_SAME_SUBJECT, 1.0);
    ranking_add(query->ranking, &candidate);
}

static void rank_same_asset(const struct query *query, uint32_t class_tag) {
    struct incident *incident =
        incidents_first(query->incidents, INDEX_KEY,
                        incidents_asset_key(class_tag, query->sighting->observation.asset));
    for (int n = 0; incident != NULL && n < CANDIDATES_MAX; n++) {
        consider_same_asset(query, incident);
        incident = incidents_after(query->incidents, INDEX_KEY, incident);
    }
}

/* Degrees of longitude that are surely more than so many metres, also at the circle's poleward
 * edge; 360 where there is no telling. */
static double reach_deg(double lat_deg, double reach_m) {
    double edge_deg = fabs(lat_deg) + reach_m / METRES_PER_DEGREE_MIN;
    return edge_deg < POLAR_DEG ? reach_m / (METRES_PER_DEGREE_MIN * cos(edge_deg * DEG_TO_RAD))
                                : 360.0;
}

void incidents_rank(const struct incidents *incidents, const struct sighting *sighting,
                    unsigned class_index, bool late, struct ranking *ranking) {
    const struct merge_class *class = &incidents->policy->merge_classes[class_index];
    uint32_t class_tag = incidents->classes[class_index].tag;
    struct query query = {
        .incidents = incidents,
        .class = class,
        .sighting = sighting,
        .ranking = ranking,
        .reach_m = fmax((double)class->gate_m, (double)class->suggest_m),
        .reach_deg = 360.0,
        .late = late,
    };
    if (sighting->observation.asset != 0) {
        rank_same_asset(&query, class_tag);
    }
    bool is_decided = ranking->count > 0 && ranking->best[0].joins;
    if (is_decided || class->kind == MERGE_NEVER) {
        return;
    }
    if (sighting->has_position) {
        query.reach_deg = reach_deg(sighting->position.lat_deg, query.reach_m);
        rank_near(&query, class_index);
    }
    if (sighting->in_grid && (class->kind == MERGE_GRID || !sighting->has_position)) {
        rank_same_grid(&query, class_tag);
    }
}
