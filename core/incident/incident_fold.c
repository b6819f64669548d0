#include "core/incident/fire_sequence.h"
#include "core/incident/incidents_table.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846
#define DEG_TO_RAD (PI / 180.0)
#define METRES_PER_DEGREE (6371008.8 * DEG_TO_RAD)
#define HALF_ROOT 0.70710678118654752440

/* The plane is good for the few kilometres of an incident; farther positions only become far. */
void incident_project(const struct incident *incident, struct position position,
                      float ret_m[INCIDENT_DIRECTIONS]) {
    double lon_deg = position.lon_deg - incident->anchor.lon_deg;
    lon_deg += lon_deg > 180.0 ? -360.0 : lon_deg < -180.0 ? 360.0 : 0.0;
    double east_m = lon_deg * METRES_PER_DEGREE * cos(incident->anchor.lat_deg * DEG_TO_RAD);
    double north_m = (position.lat_deg - incident->anchor.lat_deg) * METRES_PER_DEGREE;
    ret_m[0] = (float)east_m;
    ret_m[1] = (float)((east_m + north_m) * HALF_ROOT);
    ret_m[2] = (float)north_m;
    ret_m[3] = (float)((north_m - east_m) * HALF_ROOT);
}

double incident_spread_with(const struct incident *incident, struct position position) {
    float at_m[INCIDENT_DIRECTIONS];
    incident_project(incident, position, at_m);
    double widest = 0;
    for (int i = 0; i < INCIDENT_DIRECTIONS; i++) {
        float least = fminf(incident->extents_m[i][0], at_m[i]);
        float greatest = fmaxf(incident->extents_m[i][1], at_m[i]);
        widest = fmax(widest, (double)greatest - (double)least);
    }
    return widest;
}

bool incident_fits_spread(const struct incident *incident, struct position position,
                          uint32_t spread_m) {
    if (spread_m == 0 || !incident_has(incident, INCIDENT_HAS_POSITION)) {
        return true;
    }
    double most_m = fmax((double)spread_m, incident_spread_m(incident));
    return incident_spread_with(incident, position) <= most_m;
}

static void stretch(struct incident *incident, struct position position) {
    float at_m[INCIDENT_DIRECTIONS];
    incident_project(incident, position, at_m);
    for (int i = 0; i < INCIDENT_DIRECTIONS; i++) {
        incident->extents_m[i][0] = fminf(incident->extents_m[i][0], at_m[i]);
        incident->extents_m[i][1] = fmaxf(incident->extents_m[i][1], at_m[i]);
    }
}

static bool knows_observer(const struct incident *incident, uint64_t observer) {
    for (unsigned i = 0; i < incident->observers_count; i++) {
        if (incident->observers[i] == observer) {
            return true;
        }
    }
    return false;
}

static void add_observer(struct incident *incident, uint64_t observer) {
    if (incident->observers_count < INCIDENT_OBSERVERS_MAX && !knows_observer(incident, observer)) {
        incident->observers[incident->observers_count++] = observer;
    }
}

/* A bearing says from where, not where; and a coarse pixel is no nearer to the truth than its
 * radius, so neither stretches the incident. */
static bool tells_place(const struct sighting *sighting) {
    const struct observation *observation = &sighting->observation;
    return sighting->has_position && (observation->flags & OBSERVATION_BEARING) == 0 &&
           observation->kind != OBSERVER_GEOSTATIONARY;
}

static void fold_place(struct incident *incident, const struct sighting *sighting) {
    if (!sighting->has_position) {
        return;
    }
    if (!incident_has(incident, INCIDENT_HAS_POSITION)) {
        incident->flags |= INCIDENT_HAS_POSITION;
        incident->anchor = sighting->position;
        incident->accuracy_m = fmaxf(0.0F, fminf(sighting->observation.accuracy_m, 1e6F));
    } else if (tells_place(sighting)) {
        stretch(incident, sighting->position);
    }
}

static unsigned said_flags(const struct sighting *sighting) {
    unsigned flags = sighting->observation.flags;
    return ((flags & OBSERVATION_INJURY) != 0 ? INCIDENT_INJURY : 0U) |
           ((flags & OBSERVATION_SPREADING) != 0 ? INCIDENT_SPREADING : 0U) |
           ((flags & OBSERVATION_ON_SCENE) != 0 || sighting->observation.kind == OBSERVER_RANGER
                ? INCIDENT_ON_SCENE
                : 0U);
}

/* A repeat is often an escalation: what one observer says a second time is no news, what another
 * one says is. */
static unsigned repage_of(const struct incident *incident, const struct sighting *sighting,
                          bool is_new_observer, uint32_t stale_s) {
    unsigned said = said_flags(sighting);
    unsigned news = is_new_observer ? said : said & ~(unsigned)incident->flags;
    unsigned repage = 0;
    repage |= sighting->severity < incident->severity ? REPAGE_SEVERITY : 0U;
    repage |= is_new_observer && (incident->observer_kinds & 1U << sighting->observation.kind) == 0
                  ? REPAGE_OBSERVER_KIND
                  : 0U;
    repage |= (news & INCIDENT_INJURY) != 0 ? REPAGE_INJURY : 0U;
    repage |= (news & INCIDENT_SPREADING) != 0 ? REPAGE_SPREADING : 0U;
    repage |=
        stale_s > 0 && sighting->received_ms - incident->last_activity_ms >= (int64_t)stale_s * 1000
            ? REPAGE_STALE
            : 0U;
    return repage;
}

static void fold_times(struct incident *incident, const struct member *member) {
    const struct sighting *sighting = &member->sighting;
    if (sighting->occurred_ms < incident->first_seen_ms) {
        incident->first_seen_ms = sighting->occurred_ms;
    }
    if (sighting->occurred_ms > incident->last_seen_ms) {
        incident->last_seen_ms = sighting->occurred_ms;
    }
    if (!member->late && sighting->received_ms > incident->last_activity_ms) {
        incident->last_activity_ms = sighting->received_ms;
    }
}

/* A fire's anchor is the first place that it was found at; before that, the first mast. */
static void settle(struct incident *incident) {
    if (incident->detail_kind != DETAIL_FIRE || incident_has(incident, INCIDENT_LOCALISED) ||
        !fire_is_localised(&incident->detail->fire)) {
        return;
    }
    incident->flags |= INCIDENT_LOCALISED | INCIDENT_HAS_POSITION;
    incident->anchor = incident->detail->fire.estimate;
    memset(incident->extents_m, 0, sizeof incident->extents_m);
}

unsigned incident_fold(struct incident *incident, const struct member *member, uint32_t stale_s,
                       const struct fire_rules *rules) {
    const struct sighting *sighting = &member->sighting;
    uint64_t observer = sighting->observation.observer;
    bool is_new_observer = observer != 0 && !knows_observer(incident, observer);
    if (incident->detail_kind == DETAIL_FIRE) {
        is_new_observer = fire_add(&incident->detail->fire, sighting, rules) && is_new_observer;
        incident->flags |=
            fire_add_frame(&incident->detail->fire, sighting, rules) ? INCIDENT_CONFIRMED : 0;
    }
    unsigned repage = 0;
    if (incident->reports_count == 0) {
        incident->region = sighting->region;
        incident->flags |= sighting->in_grid ? INCIDENT_IN_GRID : 0;
    } else {
        repage = repage_of(incident, sighting, is_new_observer, stale_s);
    }
    if (is_new_observer) {
        add_observer(incident, observer);
    }
    fold_place(incident, sighting);
    fold_times(incident, member);
    incident->reports_count++;
    incident->severity = (uint8_t)min_u64(incident->severity, sighting->severity);
    incident->flags |= (uint16_t)said_flags(sighting);
    incident->observer_kinds |= (uint16_t)(1U << sighting->observation.kind);
    if (incident->asset == 0 && incident->detail_kind != DETAIL_ALARM) {
        incident->asset = sighting->observation.asset;
    }
    settle(incident);
    return repage;
}

void incident_reset(struct incident *incident) {
    incident->flags &= INCIDENT_REKINDLED;
    incident->reports_count = 0;
    incident->observers_count = 0;
    incident->observer_kinds = 0;
    incident->severity = SEVERITY_MINOR;
    incident->asset = 0;
    incident->accuracy_m = 0;
    incident->anchor = (struct position){0, 0};
    incident->first_seen_ms = INT64_MAX;
    incident->last_seen_ms = INT64_MIN;
    incident->last_activity_ms = incident->opened_ms;
    memset(incident->extents_m, 0, sizeof incident->extents_m);
    memset(incident->observers, 0, sizeof incident->observers);
    if (incident->detail_kind == DETAIL_FIRE) {
        memset(&incident->detail->fire, 0, sizeof incident->detail->fire);
    }
}

struct incident *incidents_begin(struct incidents *incidents, const struct category *category,
                                 uint64_t number, int64_t now_ms) {
    struct incident *incident = incidents_slot_take(incidents);
    if (incident == NULL) {
        return NULL;
    }
    const struct merge_class *class = &incidents->policy->merge_classes[category->merge_class];
    incident->number = number;
    incident->class_index = category->merge_class;
    incident->class_tag = incidents->classes[category->merge_class].tag;
    incident->category_tag = category->tag;
    incident->state = INCIDENT_OPEN;
    incident->priority = category->priority;
    incident->opened_ms = now_ms;
    incident->due_ms = INT64_MAX;
    incident->armed_ms = INT64_MAX;
    if (class->kind == MERGE_FIRE || class->kind == MERGE_ALARM) {
        incidents_detail_take(incidents, incident,
                              class->kind == MERGE_FIRE ? DETAIL_FIRE : DETAIL_ALARM);
    }
    incident_reset(incident);
    incidents->open_count++;
    return incident;
}

static void absorb_extents(struct incident *survivor, const struct incident *merged) {
    if (!incident_has(merged, INCIDENT_HAS_POSITION)) {
        return;
    }
    if (!incident_has(survivor, INCIDENT_HAS_POSITION)) {
        survivor->flags |= INCIDENT_HAS_POSITION;
        survivor->anchor = merged->anchor;
        survivor->accuracy_m = merged->accuracy_m;
        memcpy(survivor->extents_m, merged->extents_m, sizeof survivor->extents_m);
        return;
    }
    float offset_m[INCIDENT_DIRECTIONS];
    incident_project(survivor, merged->anchor, offset_m);
    for (int i = 0; i < INCIDENT_DIRECTIONS; i++) {
        survivor->extents_m[i][0] =
            fminf(survivor->extents_m[i][0], offset_m[i] + merged->extents_m[i][0]);
        survivor->extents_m[i][1] =
            fmaxf(survivor->extents_m[i][1], offset_m[i] + merged->extents_m[i][1]);
    }
}

double incident_spread_of_both(const struct incident *a, const struct incident *b) {
    struct incident both = *a;
    absorb_extents(&both, b);
    return incident_spread_m(&both);
}

void incident_absorb(struct incident *survivor, const struct incident *merged) {
    absorb_extents(survivor, merged);
    if (survivor->detail_kind == DETAIL_FIRE && merged->detail_kind == DETAIL_FIRE) {
        fire_absorb(&survivor->detail->fire, &merged->detail->fire);
        fire_absorb_sequences(&survivor->detail->fire, &merged->detail->fire);
        settle(survivor);
    }
    survivor->flags |= merged->flags & (uint16_t) ~(INCIDENT_HAS_POSITION | INCIDENT_IN_GRID);
    survivor->observer_kinds |= merged->observer_kinds;
    survivor->reports_count += merged->reports_count;
    survivor->severity = (uint8_t)min_u64(survivor->severity, merged->severity);
    survivor->priority = (uint8_t)min_u64(survivor->priority, merged->priority);
    if (merged->first_seen_ms < survivor->first_seen_ms) {
        survivor->first_seen_ms = merged->first_seen_ms;
    }
    if (merged->last_seen_ms > survivor->last_seen_ms) {
        survivor->last_seen_ms = merged->last_seen_ms;
    }
    if (merged->last_activity_ms > survivor->last_activity_ms) {
        survivor->last_activity_ms = merged->last_activity_ms;
    }
    survivor->asset = survivor->asset == 0 ? merged->asset : survivor->asset;
    for (unsigned i = 0; i < merged->observers_count; i++) {
        add_observer(survivor, merged->observers[i]);
    }
}
