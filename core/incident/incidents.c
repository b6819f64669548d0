#include "core/incident/incidents_table.h"

#include <string.h>

enum { CACHE_LINE = 64 };

const char *outcome_name(enum outcome outcome) {
    static const char *const names[] = {
#define NAME(name, text) [OUTCOME_##name] = (text),
        OUTCOME_TABLE(NAME)
#undef NAME
    };
    CHECK((size_t)outcome < ARRAY_COUNT(names));
    return names[outcome];
}

static uint64_t buckets_for(uint64_t limit) {
    uint64_t buckets = 16;
    while (buckets < limit) {
        buckets *= 2;
    }
    return buckets;
}

static size_t whole_lines(uint64_t bytes) {
    return (size_t)((bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
}

size_t incidents_bytes(uint64_t limit) {
    CHECK(limit > 0 && limit <= OPEN_INCIDENTS_CAP);
    return whole_lines(limit * sizeof(struct incident)) +
           whole_lines(limit * sizeof(union incident_detail)) +
           (INCIDENT_INDEXES + 1) * whole_lines(buckets_for(limit) * sizeof(uint32_t)) +
           whole_lines(limit * sizeof(struct place_block)) +
           whole_lines(INCIDENTS_PENDING_MAX * sizeof(struct pending_member));
}

void incidents_init(struct incidents *incidents, void *memory, uint64_t limit,
                    const struct policy *policy) {
    CHECK(memory != NULL && (uintptr_t)memory % CACHE_LINE == 0);
    uint8_t *at = memory;
    uint64_t buckets = buckets_for(limit);
    *incidents = (struct incidents){
        .limit = (uint32_t)limit, .buckets_mask = (uint32_t)(buckets - 1), .policy = policy};
    incidents->slots = (struct incident *)(void *)at;
    at += whole_lines(limit * sizeof(struct incident));
    incidents->details = (union incident_detail *)(void *)at;
    at += whole_lines(limit * sizeof(union incident_detail));
    for (int i = 0; i < INCIDENT_INDEXES; i++) {
        incidents->buckets[i] = (uint32_t *)(void *)at;
        at += whole_lines(buckets * sizeof(uint32_t));
    }
    incidents->cell_buckets = (uint32_t *)(void *)at;
    at += whole_lines(buckets * sizeof(uint32_t));
    incidents->blocks = (struct place_block *)(void *)at;
    at += whole_lines(limit * sizeof(struct place_block));
    incidents->pending = (struct pending_member *)(void *)at;
    at += whole_lines(INCIDENTS_PENDING_MAX * sizeof(struct pending_member));
    CHECK(at == (uint8_t *)memory + incidents_bytes(limit));
    incidents_set_grids(incidents);
}

static uint8_t class_of_tag(const struct incidents *incidents, uint32_t tag) {
    for (uint32_t i = 0; i < incidents->classes_count; i++) {
        if (incidents->classes[i].tag == tag) {
            return (uint8_t)i;
        }
    }
    return CLASS_NONE;
}

void incidents_adopt(struct incidents *incidents, const struct policy *policy) {
    incidents->policy = policy;
    incidents_set_grids(incidents);
    for (uint32_t i = 0; i < incidents->slots_used; i++) {
        struct incident *incident = &incidents->slots[i];
        if (incident->number != 0 && !incident->leaving) {
            incidents_unindex(incidents, incident);
            incident->class_index = class_of_tag(incidents, incident->class_tag);
            incidents_index(incidents, incident);
        }
    }
}

const struct incident *incidents_find(const struct incidents *incidents, uint64_t number) {
    return number == 0 ? NULL : incidents_lookup(incidents, number);
}

const struct incident *incidents_resolve(const struct incidents *incidents, uint64_t number) {
    const struct incident *incident = incidents_find(incidents, number);
    return incident != NULL && incident->state == INCIDENT_MERGED
               ? incidents_find(incidents, incident->merged_into)
               : incident;
}

struct member incidents_member(const struct sighting *sighting, uint64_t incident,
                               const struct taken *taken) {
    return (struct member){.incident = incident,
                           .origin = incident,
                           .late = taken->late,
                           .sighting = *sighting,
                           .match = taken->match};
}

void incidents_open_again(struct incidents *incidents, struct incident *incident) {
    CHECK(incident->state != INCIDENT_OPEN);
    incident->state = INCIDENT_OPEN;
    incident->due_ms = INT64_MAX;
    incidents->open_count++;
}

void incidents_shut(struct incidents *incidents, struct incident *incident,
                    enum incident_state state, struct effects *effects) {
    CHECK(incident->state == INCIDENT_OPEN);
    CHECK(state == INCIDENT_HANDLED || state == INCIDENT_FALSE);
    uint32_t keep_s =
        incident->class_index == CLASS_NONE ? 0 : incident_class(incidents, incident)->reopen_s;
    incident->state = (uint8_t)state;
    incident->closed_ms = effects->now_ms;
    incident->due_ms = effects->now_ms + (int64_t)keep_s * 1000;
    incidents->open_count--;
    incidents->counts.closed++;
    incidents_mark(incidents, incident);
    incident_event_closed(incident, effects);
}

static void note_alternatives(struct match *match, const struct ranking *ranking, unsigned first) {
    for (unsigned i = first; i < ranking->count; i++) {
        if (match->alternatives_count < MATCH_ALTERNATIVES_MAX) {
            match->alternatives[match->alternatives_count++] = ranking->best[i].alternative;
        }
    }
}

enum status incidents_open(struct incidents *incidents, const struct sighting *sighting,
                           const struct category *category, struct effects *effects,
                           struct taken *ret) {
    struct incident *incident =
        incidents_begin(incidents, category, effects->next_seq, effects->now_ms);
    if (incident == NULL) {
        incidents->counts.full++;
        return STATUS_FULL;
    }
    ret->outcome = OUTCOME_OPENED;
    ret->incident = incident->number;
    ret->match.rule = MATCH_OPENED;
    ret->match.distance_m = -1.0F;
    struct member member = incidents_member(sighting, incident->number, ret);
    incident_fold(incident, &member, 0, &incidents->policy->fire);
    if (incident->detail_kind == DETAIL_ALARM) {
        alarm_begin(incident, sighting, &incidents->policy->alarm);
        ret->pending = incident->detail->alarm.state == ALARM_PENDING;
    }
    incidents_index(incidents, incident);
    incidents_mark(incidents, incident);
    incidents_keep_member(incidents, incident->number, &member);
    incident_event_opened(incident, sighting, ret, effects);
    if (incident_has(incident, INCIDENT_CONFIRMED)) {
        incident_event_confirmed(incident, sighting->seq, effects);
    }
    return STATUS_OK;
}

static bool is_near_tie(const struct ranking *ranking) {
    return ranking->count > 1 && ranking->best[1].joins &&
           ranking->best[1].alternative.score * 10U >= ranking->best[0].alternative.score * 8U;
}

/* Late backlog joins what was open then, and leaves it as it is if it has been closed since. */
static void reopen_for(struct incidents *incidents, struct incident *incident,
                       const struct sighting *sighting, struct effects *effects,
                       struct taken *ret) {
    ret->outcome = OUTCOME_JOINED;
    bool was_open_then = ret->late && sighting->occurred_ms <= incident->closed_ms;
    if (incident->state == INCIDENT_OPEN || was_open_then) {
        return;
    }
    ret->outcome = OUTCOME_REOPENED;
    ret->repage = 0;
    incidents_open_again(incidents, incident);
    if (ret->match.rule == MATCH_REKINDLE) {
        incident->priority = 1;
        incident->flags |= INCIDENT_REKINDLED;
    }
    incident_event_reopened(incident, &ret->match, sighting->seq, effects);
}

static void join(struct incidents *incidents, const struct sighting *sighting,
                 const struct ranking *ranking, struct effects *effects, struct taken *ret) {
    const struct candidate *best = &ranking->best[0];
    struct incident *incident = best->incident;
    bool was_localised = incident_has(incident, INCIDENT_LOCALISED);
    bool was_confirmed = incident_has(incident, INCIDENT_CONFIRMED);
    unsigned observers_before = incident->observers_count;
    ret->incident = incident->number;
    ret->match.rule = (uint8_t)best->rule;
    ret->match.score = best->alternative.score;
    ret->match.distance_m = (float)best->distance_m;
    ret->match.dt_s = (float)best->dt_s;
    note_alternatives(&ret->match, ranking, 1);
    struct member member = incidents_member(sighting, incident->number, ret);
    unsigned repage = incident_fold(incident, &member, incident_class(incidents, incident)->stale_s,
                                    &incidents->policy->fire);
    ret->repage = (uint8_t)(ret->late ? 0 : repage);
    reopen_for(incidents, incident, sighting, effects, ret);
    incidents_index(incidents, incident);
    incidents_mark(incidents, incident);
    incidents_keep_member(incidents, incident->number, &member);
    if (is_near_tie(ranking)) {
        incidents->counts.suggested++;
        incident_event_suggested(incident, ret, sighting->seq, effects);
    }
    if (incident_has(incident, INCIDENT_LOCALISED) && !was_localised) {
        incident_event_localised(incident, sighting->seq, effects);
    }
    if (incident_has(incident, INCIDENT_CONFIRMED) && !was_confirmed) {
        incident_event_confirmed(incident, sighting->seq, effects);
    }
    if (ret->repage != 0) {
        incident_event_repaged(incident, ret->repage, sighting->seq, effects);
    }
    if (incident->observers_count > observers_before) {
        incidents_merge_by_rule(incidents, incident, effects, ret);
    }
}

static bool is_late(const struct sighting *sighting, const struct category *category) {
    int64_t late_s = category->priority == 1 ? LATE_P1_S : LATE_S;
    return sighting->received_ms - sighting->occurred_ms > late_s * 1000;
}

static enum status place(struct incidents *incidents, const struct sighting *sighting,
                         const struct category *category, struct effects *effects,
                         struct taken *ret) {
    const struct merge_class *class = &incidents->policy->merge_classes[category->merge_class];
    if (class->kind == MERGE_ALARM) {
        return incidents_take_alarm(incidents, sighting, category, effects, ret);
    }
    struct ranking ranking;
    ranking.count = 0;
    if (class->kind == MERGE_FIRE) {
        incidents_rank_fires(incidents, sighting, category->merge_class, ret->late, &ranking);
    } else {
        incidents_rank(incidents, sighting, category->merge_class, ret->late, &ranking);
    }
    if (ranking.count > 0 && ranking.best[0].joins) {
        join(incidents, sighting, &ranking, effects, ret);
        return STATUS_OK;
    }
    note_alternatives(&ret->match, &ranking, 0);
    return incidents_open(incidents, sighting, category, effects, ret);
}

enum status incidents_take(struct incidents *incidents, const struct sighting *sighting,
                           struct effects *effects, struct taken *ret) {
    memset(ret, 0, sizeof *ret);
    CHECK(sighting->seq != 0 && sighting->seq < effects->next_seq);
    CHECK(sighting->severity >= SEVERITY_EXTREME && sighting->severity <= SEVERITY_MINOR);
    const struct category *category =
        policy_category_by_tag(incidents->policy, sighting->category_tag);
    enum status status = STATUS_OK;
    if (category != NULL && category->opens_ticket) {
        CHECK(category->merge_class < incidents->classes_count);
        ret->late = is_late(sighting, category);
        status = place(incidents, sighting, category, effects, ret);
    }
    struct incidents_counts *counts = &incidents->counts;
    counts->outcomes[ret->outcome]++;
    counts->rules[ret->match.rule]++;
    counts->late += ret->late ? 1 : 0;
    counts->repaged += ret->repage != 0 ? 1 : 0;
    return status;
}

enum status incidents_set_ticket(struct incidents *incidents, uint64_t number, uint64_t ticket) {
    struct incident *incident = incidents_lookup(incidents, number);
    if (incident == NULL) {
        return STATUS_NOT_FOUND;
    }
    incident->ticket = ticket;
    incidents_mark(incidents, incident);
    return STATUS_OK;
}

enum status incidents_touch(struct incidents *incidents, uint64_t number, int64_t now_ms) {
    struct incident *incident = incidents_lookup(incidents, number);
    if (incident == NULL) {
        return STATUS_NOT_FOUND;
    }
    if (now_ms > incident->last_activity_ms) {
        incident->last_activity_ms = now_ms;
        incidents_mark(incidents, incident);
    }
    return STATUS_OK;
}

enum status incidents_close(struct incidents *incidents, uint64_t number, enum incident_state state,
                            struct effects *effects) {
    struct incident *incident = incidents_lookup(incidents, number);
    if (incident == NULL) {
        return STATUS_NOT_FOUND;
    }
    if (incident->state != INCIDENT_OPEN) {
        return STATUS_CONFLICT;
    }
    incidents_shut(incidents, incident, state, effects);
    return STATUS_OK;
}

enum status incidents_reopen(struct incidents *incidents, uint64_t number,
                             struct effects *effects) {
    struct incident *incident = incidents_lookup(incidents, number);
    if (incident == NULL) {
        return STATUS_NOT_FOUND;
    }
    if (incident->state != INCIDENT_HANDLED && incident->state != INCIDENT_FALSE) {
        return STATUS_CONFLICT;
    }
    incidents_open_again(incidents, incident);
    incident->last_activity_ms = effects->now_ms;
    incidents_mark(incidents, incident);
    incident_event_reopened(incident, NULL, 0, effects);
    return STATUS_OK;
}

enum fired incidents_fire(struct incidents *incidents, uint64_t number, struct effects *effects) {
    struct incident *incident = incidents_lookup(incidents, number);
    if (incident == NULL || incident->due_ms > effects->now_ms) {
        return FIRED_NOTHING;
    }
    if (incident->state == INCIDENT_OPEN) {
        return incidents_fire_alarm(incidents, incident, effects);
    }
    incidents_forget(incidents, incident);
    return FIRED_FORGOTTEN;
}

enum status incidents_restore(struct incidents *incidents, struct slice key, struct slice value,
                              int64_t now_ms, const struct incident **ret) {
    struct incident stored;
    union incident_detail detail;
    if (!incident_row_decode(&stored, &detail, key, value) ||
        incidents_lookup(incidents, stored.number) != NULL) {
        return STATUS_CORRUPT;
    }
    bool is_closed = stored.state == INCIDENT_HANDLED || stored.state == INCIDENT_FALSE;
    *ret = NULL;
    if ((is_closed && stored.due_ms <= now_ms) ||
        (stored.state == INCIDENT_MERGED &&
         incidents_lookup(incidents, stored.merged_into) == NULL)) {
        return STATUS_OK;
    }
    struct incident *incident = incidents_slot_take(incidents);
    if (incident == NULL) {
        return STATUS_FULL;
    }
    *incident = stored;
    incident->detail = NULL;
    if (stored.detail_kind != DETAIL_NONE) {
        incidents_detail_take(incidents, incident, (enum detail_kind)stored.detail_kind);
        *incident->detail = detail;
    }
    incident->class_index = class_of_tag(incidents, incident->class_tag);
    incident->armed_ms = incident->due_ms;
    incident->stored_under = incident->merged_into;
    incidents->open_count += incident->state == INCIDENT_OPEN ? 1 : 0;
    incidents_index(incidents, incident);
    *ret = incident;
    return STATUS_OK;
}

enum status incidents_evict(struct incidents *incidents, uint64_t number) {
    struct incident *incident = incidents_lookup(incidents, number);
    if (incident == NULL) {
        return STATUS_NOT_FOUND;
    }
    incidents_forget(incidents, incident);
    return STATUS_OK;
}
