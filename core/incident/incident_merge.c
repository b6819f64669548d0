#include "core/incident/incidents_table.h"

static void merge(struct incidents *incidents, struct incident *survivor, struct incident *merged,
                  const char *by, struct effects *effects) {
    CHECK(survivor->number < merged->number);
    incident_absorb(survivor, merged);
    incidents_put_under(incidents, merged, survivor, effects->now_ms);
    incidents_index(incidents, survivor);
    incidents_mark(incidents, survivor);
    incidents->counts.merged++;
    incident_event_merged(survivor, merged, by, effects);
}

enum status incidents_merge(struct incidents *incidents, uint64_t a, uint64_t b,
                            struct effects *effects, uint64_t *ret_survivor) {
    struct incident *survivor = incidents_lookup(incidents, a < b ? a : b);
    struct incident *merged = incidents_lookup(incidents, a < b ? b : a);
    if (survivor == NULL || merged == NULL) {
        return STATUS_NOT_FOUND;
    }
    if (survivor == merged || survivor->state != INCIDENT_OPEN || merged->state != INCIDENT_OPEN ||
        survivor->class_tag != merged->class_tag || survivor->detail_kind != merged->detail_kind ||
        survivor->detail_kind == DETAIL_ALARM) {
        return STATUS_CONFLICT;
    }
    merge(incidents, survivor, merged, "operator", effects);
    *ret_survivor = survivor->number;
    return STATUS_OK;
}

static struct position place_of(const struct incident *incident) {
    return incident->detail_kind == DETAIL_FIRE ? incident->detail->fire.estimate
                                                : incident->anchor;
}

static bool has_place(const struct incident *incident) {
    return incident_has(incident, incident->detail_kind == DETAIL_FIRE ? INCIDENT_LOCALISED
                                                                       : INCIDENT_HAS_POSITION);
}

static bool windows_overlap(const struct incident *a, const struct incident *b, uint32_t window_s) {
    int64_t window_ms = (int64_t)window_s * 1000;
    return window_s == 0 || (a->first_seen_ms - window_ms <= b->last_seen_ms &&
                             b->first_seen_ms - window_ms <= a->last_seen_ms);
}

static bool may_merge(const struct incidents *incidents, const struct incident *a,
                      const struct incident *b) {
    const struct merge_class *class = incident_class(incidents, a);
    bool is_fire = a->detail_kind == DETAIL_FIRE;
    if (b->state != INCIDENT_OPEN || b->observers_count < 2 || !has_place(b) ||
        (a->asset != 0 && b->asset != 0 && a->asset != b->asset) ||
        geo_distance_m(place_of(a), place_of(b)) > (double)class->gate_m) {
        return false;
    }
    uint32_t window_s = is_fire ? fire_window_s(&incidents->policy->fire, a, b) : class->idle_s;
    return windows_overlap(a, b, window_s) &&
           (class->spread_m == 0 || incident_spread_of_both(a, b) <= (double)class->spread_m) &&
           !(is_fire && fires_are_told_apart(&a->detail->fire, &b->detail->fire));
}

/* The oldest of those that may be the same. */
static struct incident *find_same(const struct incidents *incidents,
                                  const struct incident *incident) {
    const struct merge_class *class = incident_class(incidents, incident);
    struct incident *oldest = NULL;
    UNINITIALIZED struct near near;
    struct near_place place;
    near_init(&near, incidents, incident->class_index, place_of(incident), (double)class->gate_m);
    while (near_fill(&near)) {
        while (near_next(&near, &place)) {
            struct incident *other = &incidents->slots[place.slot];
            if (other != incident && (oldest == NULL || other->number < oldest->number) &&
                may_merge(incidents, incident, other)) {
                oldest = other;
            }
        }
    }
    return oldest;
}

void incidents_merge_by_rule(struct incidents *incidents, struct incident *incident,
                             struct effects *effects, struct taken *ret) {
    if (incident->state != INCIDENT_OPEN || incident->observers_count < 2 || !has_place(incident) ||
        incident_class(incidents, incident)->kind == MERGE_NEVER) {
        return;
    }
    struct incident *other = find_same(incidents, incident);
    if (other == NULL) {
        return;
    }
    struct incident *survivor = other->number < incident->number ? other : incident;
    struct incident *merged = survivor == other ? incident : other;
    ret->merged = merged->number;
    ret->merged_survivor = survivor->number;
    merge(incidents, survivor, merged, "rule", effects);
}
