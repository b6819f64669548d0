#include "core/incident/fire_sequence.h"
#include "core/incident/fire_shape.h"
#include "core/incident/incidents_table.h"

#include <math.h>
#include <string.h>

#define DEG_TO_RAD (3.14159265358979323846 / 180.0)

/* Scores: 1000 where the sighting points right at it, 500 at its edge. */
enum { SCORE_BEST = 1000, SCORE_EDGE = 500, SCORE_CROSSING = 750, SCORE_VILLAGE = 500 };

/* The longest of both sides', so that it does not matter who came first. */
static uint32_t common_window_s(const struct fire_rules *rules, const struct incident *incident,
                                uint8_t kind) {
    uint32_t longest_s = rules->observers[kind].window_s;
    for (unsigned other = 0; other < OBSERVER_COUNT; other++) {
        if ((incident->observer_kinds & 1U << other) != 0) {
            longest_s = (uint32_t)max_u64(longest_s, rules->observers[other].window_s);
        }
    }
    return longest_s;
}

uint32_t fire_window_s(const struct fire_rules *rules, const struct incident *a,
                       const struct incident *b) {
    uint32_t longest_s = 0;
    for (unsigned kind = 0; kind < OBSERVER_COUNT; kind++) {
        if ((b->observer_kinds & 1U << kind) != 0) {
            longest_s = (uint32_t)max_u64(longest_s, common_window_s(rules, a, (uint8_t)kind));
        }
    }
    return longest_s;
}

bool fire_is_localised(const struct fire *fire) {
    return fire->radius_m > 0.0F;
}

static void take_estimate(struct fire *fire, struct position centre, double radius_m) {
    float radius = (float)fmin(fmax(radius_m, 1.0), FIRE_DISC_M_MAX);
    if (!fire_is_localised(fire) || radius < fire->radius_m) {
        fire->estimate = centre;
        fire->radius_m = radius;
    }
}

/* The finest of: a disc, or where the sectors of two masts overlap. */
static void estimate(struct fire *fire) {
    fire->radius_m = 0.0F;
    for (unsigned i = 0; i < fire->sights_count; i++) {
        const struct sight *sight = &fire->sights[i];
        if (!sight_is_sector(sight)) {
            take_estimate(fire, sight->position, (double)sight->range_m);
            continue;
        }
        for (unsigned j = 0; j < i; j++) {
            struct position centre;
            double radius_m;
            if (sight_is_sector(&fire->sights[j]) &&
                sectors_meet(&fire->sights[j], sight, &centre, &radius_m)) {
                take_estimate(fire, centre, radius_m);
            }
        }
    }
}

/* The sight that says the same as a new one would: of the same mast, or a disc of the same kind. */
static struct sight *find_alike(struct fire *fire, const struct sight *sight) {
    for (unsigned i = 0; i < fire->sights_count; i++) {
        struct sight *other = &fire->sights[i];
        bool is_alike = sight_is_sector(sight)
                            ? sights_share_mast(other, sight)
                            : !sight_is_sector(other) && other->kind == sight->kind;
        if (is_alike) {
            return other;
        }
    }
    return NULL;
}

static void keep_sight(struct fire *fire, const struct sight *sight) {
    struct sight *alike = find_alike(fire, sight);
    if (alike == NULL && fire->sights_count < FIRE_SIGHTS_MAX) {
        fire->sights[fire->sights_count++] = *sight;
    } else if (alike != NULL && !sight_is_sector(sight) && sight->range_m < alike->range_m) {
        *alike = *sight;
    } else {
        return;
    }
    estimate(fire);
}

bool fire_add(struct fire *fire, const struct sighting *sighting, const struct fire_rules *rules) {
    struct sight sight;
    if (!sight_of(&sight, sighting, rules)) {
        return true;
    }
    bool is_new = !sight_is_sector(&sight) || find_alike(fire, &sight) == NULL;
    keep_sight(fire, &sight);
    return is_new;
}

void fire_absorb(struct fire *survivor, const struct fire *merged) {
    for (unsigned i = 0; i < merged->sights_count; i++) {
        keep_sight(survivor, &merged->sights[i]);
    }
}

/* What the geometry says: a rule and how well it fits, or that it does not. */
struct fit {
    bool fits;
    enum match_rule rule;
    double score, distance_m;
};

static double edge_score(double share) {
    return SCORE_BEST - (SCORE_BEST - SCORE_EDGE) * fmin(1.0, fmax(0.0, share));
}

/* Cameras of one mast are told apart by where they look, never by where their sectors meet. */
static struct fit fit_same_mast(const struct sight *sight, const struct sight *other) {
    double sum_deg = (double)sight->half_cone_deg + (double)other->half_cone_deg;
    double off_deg = azimuth_difference_deg((double)sight->azimuth_deg, (double)other->azimuth_deg);
    return (struct fit){.fits = off_deg <= sum_deg,
                        .rule = MATCH_SAME_MAST,
                        .score = edge_score(off_deg / sum_deg),
                        .distance_m = -1.0};
}

bool fires_are_told_apart(const struct fire *a, const struct fire *b) {
    for (unsigned i = 0; i < a->sights_count; i++) {
        for (unsigned j = 0; j < b->sights_count; j++) {
            if (sights_share_mast(&a->sights[i], &b->sights[j]) &&
                !fit_same_mast(&a->sights[i], &b->sights[j]).fits) {
                return true;
            }
        }
    }
    return false;
}

struct fire_query {
    const struct incidents *incidents;
    const struct merge_class *class;
    const struct fire_rules *rules;
    const struct sighting *sighting;
    struct ranking *ranking;
    struct sight sight;
    bool has_sight;
    bool late;
    bool is_decided; /* a sequence goes on, and nothing else is looked at */
};

/* How far off the middle of a sector a disc lies, in shares of what can still meet. */
static double off_axis(const struct sight *sector, struct position centre, double radius_m) {
    double distance_m = fmax(1.0, geo_distance_m(sector->position, centre));
    double off_deg =
        azimuth_difference_deg((double)sector->azimuth_deg, bearing_deg(sector->position, centre));
    double room_deg =
        (double)sector->half_cone_deg + asin(fmin(1.0, radius_m / distance_m)) / DEG_TO_RAD;
    return off_deg / room_deg;
}

static struct fit fit_place(const struct fire_query *query, const struct incident *incident,
                            const struct incident *speaker) {
    const struct fire *fire = &incident->detail->fire;
    const struct sight *sight = &query->sight;
    double radius_m = (double)fire->radius_m;
    double distance_m = geo_distance_m(sight->position, fire->estimate);
    if (sight_is_sector(sight)) {
        return (struct fit){.fits = sight_distance_m(sight, fire->estimate) <= radius_m,
                            .rule = MATCH_SECTOR,
                            .score = edge_score(off_axis(sight, fire->estimate, radius_m)),
                            .distance_m = distance_m};
    }
    double reach_m = radius_m + (double)sight->range_m;
    double gate_m = fmax((double)query->class->gate_m, (double)sight->range_m);
    bool is_precise = sight->kind != OBSERVER_GEOSTATIONARY;
    bool fits_spread =
        !is_precise || incident_fits_spread(speaker, sight->position, query->class->spread_m);
    return (struct fit){.fits = distance_m <= reach_m && fits_spread &&
                                geo_distance_m(sight->position, incident->anchor) <= gate_m,
                        .rule = MATCH_DISC,
                        .score = edge_score(distance_m / reach_m),
                        .distance_m = distance_m};
}

/* Only one mast has seen it: its first sector is what others must meet. */
static struct fit fit_sector(const struct fire_query *query, const struct fire *fire) {
    const struct sight *sector = &fire->sights[0];
    const struct sight *sight = &query->sight;
    if (fire->sights_count == 0) {
        return (struct fit){.fits = false};
    }
    if (sight_is_sector(sight)) {
        struct position centre;
        double radius_m;
        return (struct fit){.fits = sectors_meet(sector, sight, &centre, &radius_m),
                            .rule = MATCH_SECTOR,
                            .score = SCORE_CROSSING,
                            .distance_m = -1.0};
    }
    double radius_m = (double)sight->range_m;
    return (struct fit){.fits = sight_distance_m(sector, sight->position) <= radius_m,
                        .rule = MATCH_DISC,
                        .score = edge_score(off_axis(sector, sight->position, radius_m)),
                        .distance_m = -1.0};
}

static struct fit fit_of(const struct fire_query *query, const struct incident *incident,
                         const struct incident *speaker) {
    const struct fire *fire = &incident->detail->fire;
    for (unsigned i = 0; i < fire->sights_count; i++) {
        if (sights_share_mast(&fire->sights[i], &query->sight)) {
            return fit_same_mast(&query->sight, &fire->sights[i]);
        }
    }
    return fire_is_localised(fire) ? fit_place(query, incident, speaker) : fit_sector(query, fire);
}

/* Something seen near the estimate of a fire that was out. */
static struct fit fit_rekindle(const struct fire_query *query, const struct incident *incident) {
    const struct fire *fire = &incident->detail->fire;
    if (!fire_is_localised(fire)) {
        return (struct fit){.fits = false};
    }
    double distance_m = sight_is_sector(&query->sight)
                            ? sight_distance_m(&query->sight, fire->estimate)
                            : geo_distance_m(query->sight.position, fire->estimate);
    double reach_m = (double)query->rules->rekindle_m;
    if (!sight_is_sector(&query->sight)) {
        reach_m = fmax(reach_m, (double)query->sight.range_m);
    }
    return (struct fit){.fits = distance_m <= reach_m,
                        .rule = MATCH_REKINDLE,
                        .score = edge_score(distance_m / reach_m),
                        .distance_m = distance_m};
}

/* A class may have been of another kind when the incident was opened. */
static bool is_fire(const struct incident *incident) {
    return incident->detail_kind == DETAIL_FIRE;
}

static bool goes_on(const struct fire_query *query, const struct incident *incident) {
    return is_fire(incident) &&
           fire_sequence_of(&incident->detail->fire, query->sighting, query->rules) != NULL;
}

static void consider(struct fire_query *query, struct incident *place, bool by_village) {
    struct incident *incident = incidents_speaker(query->incidents, place);
    bool is_next = goes_on(query, incident);
    if (!is_next && (query->is_decided || (!by_village && (!query->has_sight || !is_fire(place) ||
                                                           !is_fire(incident))))) {
        return;
    }
    uint32_t common_s = common_window_s(query->rules, incident, query->sighting->observation.kind);
    if (is_next) {
        common_s = (uint32_t)max_u64(common_s, query->rules->sequence_gap_s);
    }
    double gap_s =
        incident_time_gap(query->incidents, incident, query->sighting, common_s, query->late);
    if (gap_s < 0) {
        return;
    }
    bool rekindles = incident->state == INCIDENT_HANDLED &&
                     !(query->late && query->sighting->occurred_ms <= incident->closed_ms);
    struct fit fit = {.fits = true, .rule = MATCH_GRID, .score = SCORE_VILLAGE, .distance_m = -1.0};
    if (is_next) {
        fit.rule = rekindles ? MATCH_REKINDLE : MATCH_SEQUENCE;
        fit.score = SCORE_BEST;
        query->ranking->count = query->is_decided ? query->ranking->count : 0;
        query->is_decided = true;
    } else if (!by_village) {
        fit = rekindles ? fit_rekindle(query, place) : fit_of(query, place, incident);
    }
    if (!fit.fits) {
        return;
    }
    double window = rekindles ? (double)query->class->reopen_s : (double)common_s;
    double score = fit.score * (1.0 - 0.1 * fmin(1.0, gap_s / fmax(1.0, window)));
    struct candidate candidate = {
        .incident = incident,
        .alternative.score = (uint16_t)(rekindles ? score * 0.9 : score),
        .rule = fit.rule,
        .distance_m = fit.distance_m,
        .dt_s = gap_s,
        .joins = true,
    };
    ranking_add(query->ranking, &candidate);
}

static void rank_cells(struct fire_query *query, unsigned class_index, bool of_sectors) {
    struct cell_walk walk;
    double range_m = query->has_sight ? (double)query->sight.range_m : FIRE_SECTOR_M_MAX;
    double reach_m = range_m + (of_sectors ? FIRE_SECTOR_M_MAX : FIRE_DISC_M_MAX);
    cell_walk_init(&walk, query->incidents, class_index, of_sectors, query->sight.position,
                   reach_m);
    struct cell cell;
    while (cell_walk_next(&walk, &cell)) {
        struct place_cursor cursor;
        place_cursor_init(&cursor, query->incidents, cell);
        const struct place *place = place_cursor_next(&cursor);
        for (int n = 0; place != NULL && n < CANDIDATES_MAX; n++) {
            consider(query, &query->incidents->slots[place->slot], false);
            place = place_cursor_next(&cursor);
        }
    }
}

/* By the village's name alone: when one of the two has no place, the same grid must do. */
static void rank_village(struct fire_query *query, uint32_t class_tag) {
    struct incident *incident = incidents_first(
        query->incidents, INDEX_REGION, incidents_region_key(class_tag, query->sighting->region));
    for (int n = 0; incident != NULL && n < CANDIDATES_MAX; n++) {
        if (!query->has_sight || !incident_has(incident, INCIDENT_HAS_POSITION) ||
            goes_on(query, incidents_speaker(query->incidents, incident))) {
            consider(query, incident, true);
        }
        incident = incidents_after(query->incidents, INDEX_REGION, incident);
    }
}

void incidents_rank_fires(const struct incidents *incidents, const struct sighting *sighting,
                          unsigned class_index, bool late, struct ranking *ranking) {
    struct fire_query query = {
        .incidents = incidents,
        .class = &incidents->policy->merge_classes[class_index],
        .rules = &incidents->policy->fire,
        .sighting = sighting,
        .ranking = ranking,
        .late = late,
    };
    query.has_sight = sight_of(&query.sight, sighting, query.rules);
    if (query.has_sight || (sighting->has_position && sighting->observation.view != 0)) {
        rank_cells(&query, class_index, false);
        rank_cells(&query, class_index, true);
    }
    if (sighting->in_grid) {
        rank_village(&query, incidents->classes[class_index].tag);
    }
}
