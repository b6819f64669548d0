#include "core/incident/incidents_table.h"

/* domain.md 4.2, sensor flapping; what raises and clears is the policy's. */
enum {
    RAISE_MASK = (1 << ALARM_RAISE_OF) - 1,
    SAMPLES_MASK = (1 << ALARM_SAMPLES) - 1,
    SAME_ALARM_MS = 600 * 1000,      /* raised again within that after clearing: the same */
    FLAPPING_WITHIN_MS = 600 * 1000, /* ALARM_TRANSITIONS changes within that */
    SUMMARY_MS = 1800 * 1000,
    SILENT_MS = 1800 * 1000, /* who says nothing for so long does not flap */
};

/* Of the changes between samples, with the newest weighing 5/3 of the oldest: Nagios' weights from
 * 1.25 down to 0.75 of a change, in 76ths. */
enum {
    WEIGHT_NEWEST = 95,
    WEIGHT_STEP = 2,
    WEIGHT_SUM = 1520,
    ENTER_PERCENT = 50, /* above it flaps, */
    LEAVE_PERCENT = 25, /* below it does not */
};
_Static_assert((ALARM_SAMPLES - 1) * WEIGHT_NEWEST -
                       WEIGHT_STEP * (ALARM_SAMPLES - 2) * (ALARM_SAMPLES - 1) / 2 ==
                   WEIGHT_SUM,
               "the weights of all changes");

static int changes_weight(const struct alarm *alarm) {
    uint32_t changes = alarm->samples ^ alarm->samples >> 1;
    int weight = 0;
    for (int i = 0; i < ALARM_SAMPLES - 1; i++) {
        weight += (changes >> i & 1) != 0 ? WEIGHT_NEWEST - WEIGHT_STEP * i : 0;
    }
    return weight;
}

/* When flapping will be over, if nothing changes till then. A sensor that only sends changes has no
 * steady samples to show, so its silence must do. */
static int64_t steady_ms(const struct alarm *alarm) {
    bool is_calm = 100 * changes_weight(alarm) < LEAVE_PERCENT * WEIGHT_SUM;
    int64_t calm_ms = is_calm ? alarm->transitions_ms[0] + FLAPPING_WITHIN_MS : INT64_MAX;
    int64_t silent_ms = alarm->sampled_ms + SILENT_MS;
    return calm_ms < silent_ms ? calm_ms : silent_ms;
}

static bool is_clear(const struct sighting *sighting) {
    return (sighting->observation.flags & OBSERVATION_ALARM_CLEAR) != 0;
}

/* An alarm without a name is its device's only one. */
static uint64_t alarm_key(const struct sighting *sighting) {
    return sighting->observation.alarm != 0
               ? sighting->observation.alarm
               : sighting->observation.observer ^ sighting->category_tag;
}

static int64_t clear_ms(const struct alarm *alarm, const struct alarm_rules *rules) {
    return alarm->cleared_ms + (int64_t)rules->clear_for_s * 1000;
}

static int64_t alarm_due_ms(const struct alarm *alarm, const struct alarm_rules *rules) {
    int64_t due_ms = INT64_MAX;
    if (alarm->state == ALARM_PENDING) {
        due_ms = (alarm->samples & 1) != 0 ? alarm->raised_ms + (int64_t)rules->raise_for_s * 1000
                                           : clear_ms(alarm, rules);
    } else if (alarm->state == ALARM_CLEARING) {
        due_ms = clear_ms(alarm, rules);
    }
    if (alarm->flapping) {
        int64_t over_ms = steady_ms(alarm);
        due_ms = over_ms < due_ms ? over_ms : due_ms;
        due_ms = alarm->summary_ms < due_ms ? alarm->summary_ms : due_ms;
    }
    return due_ms;
}

static bool is_life_safety(const struct incident *incident, const struct sighting *sighting) {
    return incident->priority == 1 || sighting->severity == SEVERITY_EXTREME;
}

void alarm_begin(struct incident *incident, const struct sighting *sighting,
                 const struct alarm_rules *rules) {
    struct alarm *alarm = &incident->detail->alarm;
    bool is_believed = is_life_safety(incident, sighting) || rules->raise_samples == 1;
    *alarm = (struct alarm){
        .state = is_believed ? ALARM_RAISED : ALARM_PENDING,
        .samples = 1,
        .occurrences = 1,
        .raised_ms = sighting->occurred_ms,
        .cleared_ms = INT64_MIN,
        .summary_ms = INT64_MAX,
        .sampled_ms = sighting->occurred_ms,
    };
    for (int i = 0; i < ALARM_TRANSITIONS; i++) {
        alarm->transitions_ms[i] = INT64_MIN;
    }
    incident->asset = alarm_key(sighting);
    incident->due_ms = alarm_due_ms(alarm, rules);
}

/* One that is open, else the newest that the report may reopen. */
static struct incident *find_alarm(const struct incidents *incidents,
                                   const struct sighting *sighting, unsigned class_index,
                                   bool late) {
    struct incident *incident = incidents_first(
        incidents, INDEX_KEY,
        incidents_asset_key(incidents->classes[class_index].tag, alarm_key(sighting)));
    struct incident *found = NULL;
    for (int n = 0; incident != NULL && n < CANDIDATES_MAX; n++) {
        if (incident->state == INCIDENT_OPEN) {
            return incident;
        }
        bool fits = incident_time_gap(incidents, incident, sighting, 0, late) >= 0;
        found = found == NULL && fits ? incident : found;
        incident = incidents_after(incidents, INDEX_KEY, incident);
    }
    return found;
}

/* What a sample changed, for the events and pages that follow. */
struct change {
    bool is_event;  /* worth one of its own */
    bool is_page;   /* believed at last, or a new occurrence after a long silence */
    bool is_change; /* up or down: counts for flapping */
};

static struct change raise_alarm(struct alarm *alarm, int64_t at_ms, bool is_page) {
    alarm->state = ALARM_RAISED;
    alarm->raised_ms = at_ms;
    return (struct change){.is_event = true, .is_page = is_page};
}

/* `raise_samples`: so many high ones of the last three are believed. */
static struct change take_high(struct alarm *alarm, int64_t at_ms, uint32_t raise_samples) {
    struct change change = {.is_event = false};
    uint32_t high = (uint32_t)__builtin_popcount(alarm->samples & RAISE_MASK);
    switch ((enum alarm_state)alarm->state) {
    case ALARM_PENDING:
        if (high >= raise_samples) {
            return raise_alarm(alarm, at_ms, true);
        }
        alarm->raised_ms = at_ms;
        return change;
    case ALARM_RAISED:
        return change;
    case ALARM_CLEARING:
    case ALARM_CLEARED:
        change = raise_alarm(alarm, at_ms, at_ms - alarm->cleared_ms > SAME_ALARM_MS);
        change.is_change = true;
        alarm->occurrences++;
        return change;
    }
    CHECK(false);
}

static struct change take_low(struct alarm *alarm, int64_t at_ms) {
    struct change change = {.is_event = false};
    bool was_high = (alarm->samples & 2) != 0;
    if (alarm->state == ALARM_RAISED) {
        alarm->state = ALARM_CLEARING;
        alarm->cleared_ms = at_ms;
        change.is_change = true;
    } else if (alarm->state == ALARM_PENDING && was_high) {
        alarm->cleared_ms = at_ms;
    }
    return change;
}

/* A sample older than the last change tells nothing about now. */
static struct change take_sample(struct incident *incident, const struct sighting *sighting,
                                 const struct alarm_rules *rules) {
    struct alarm *alarm = &incident->detail->alarm;
    int64_t at_ms = sighting->occurred_ms;
    if (at_ms < alarm->raised_ms || at_ms < alarm->cleared_ms) {
        return (struct change){.is_event = false};
    }
    bool is_low = is_clear(sighting);
    alarm->samples = (alarm->samples << 1 | (is_low ? 0 : 1)) & SAMPLES_MASK;
    alarm->sampled_ms = at_ms > alarm->sampled_ms ? at_ms : alarm->sampled_ms;
    uint32_t raise_samples = is_life_safety(incident, sighting) ? 1 : rules->raise_samples;
    struct change change = is_low ? take_low(alarm, at_ms) : take_high(alarm, at_ms, raise_samples);
    if (change.is_change) {
        for (int i = ALARM_TRANSITIONS - 1; i > 0; i--) {
            alarm->transitions_ms[i] = alarm->transitions_ms[i - 1];
        }
        alarm->transitions_ms[0] = at_ms;
    }
    return change;
}

static bool begins_to_flap(const struct alarm *alarm, struct change change) {
    int64_t oldest_ms = alarm->transitions_ms[ALARM_TRANSITIONS - 1];
    bool is_fast =
        oldest_ms != INT64_MIN && alarm->transitions_ms[0] - oldest_ms <= FLAPPING_WITHIN_MS;
    bool is_restless = 100 * changes_weight(alarm) > ENTER_PERCENT * WEIGHT_SUM;
    return change.is_change && !alarm->flapping && (is_fast || is_restless);
}

static void tell(struct incidents *incidents, struct incident *incident, struct change change,
                 const struct sighting *sighting, struct effects *effects, struct taken *ret) {
    struct alarm *alarm = &incident->detail->alarm;
    if (begins_to_flap(alarm, change)) {
        alarm->flapping = true;
        alarm->summary_ms = effects->now_ms + SUMMARY_MS;
        ret->flapping_began = true;
        incident_event_flapping(incident, "began", effects);
    } else if (change.is_event && alarm->flapping) {
        alarm->suppressed_total++;
        incidents->counts.suppressed++;
    } else if (change.is_event) {
        incident_event_alarm(incident, sighting->seq, effects);
    }
}

/* Pages that a sample of its own may cause; damped while flapping, but worse is worse. */
static unsigned alarm_repage(const struct incident *incident, unsigned repage, struct change change,
                             const struct sighting *sighting) {
    const struct alarm *alarm = &incident->detail->alarm;
    if (alarm->state == ALARM_PENDING || is_clear(sighting)) {
        return 0;
    }
    if (alarm->flapping) {
        return repage & (REPAGE_SEVERITY | REPAGE_INJURY | REPAGE_SPREADING);
    }
    return change.is_page ? repage | REPAGE_RAISED : repage;
}

static void join_alarm(struct incidents *incidents, struct incident *incident,
                       const struct sighting *sighting, struct effects *effects,
                       struct taken *ret) {
    ret->outcome = OUTCOME_JOINED;
    ret->incident = incident->number;
    ret->match = (struct match){.rule = MATCH_ALARM, .score = 1000, .distance_m = -1.0F};
    struct member member = incidents_member(sighting, incident->number, ret);
    unsigned repage = incident_fold(incident, &member, incident_class(incidents, incident)->stale_s,
                                    &incidents->policy->fire);
    bool stays_closed =
        incident->state != INCIDENT_OPEN &&
        (is_clear(sighting) || (ret->late && sighting->occurred_ms <= incident->closed_ms));
    if (incident->state != INCIDENT_OPEN && !stays_closed) {
        ret->outcome = OUTCOME_REOPENED;
        incidents_open_again(incidents, incident);
        incident_event_reopened(incident, &ret->match, sighting->seq, effects);
    }
    if (!stays_closed) {
        const struct alarm_rules *rules = &incidents->policy->alarm;
        struct change change = take_sample(incident, sighting, rules);
        tell(incidents, incident, change, sighting, effects, ret);
        bool pages = !ret->late && ret->outcome == OUTCOME_JOINED;
        ret->repage = pages ? (uint8_t)alarm_repage(incident, repage, change, sighting) : 0;
        ret->pending = incident->detail->alarm.state == ALARM_PENDING;
        incident->due_ms = alarm_due_ms(&incident->detail->alarm, rules);
    }
    incidents_mark(incidents, incident);
    incidents_keep_member(incidents, incident->number, &member);
    if (ret->repage != 0) {
        incident_event_repaged(incident, ret->repage, sighting->seq, effects);
    }
}

enum status incidents_take_alarm(struct incidents *incidents, const struct sighting *sighting,
                                 const struct category *category, struct effects *effects,
                                 struct taken *ret) {
    struct incident *incident = find_alarm(incidents, sighting, category->merge_class, ret->late);
    if (incident != NULL) {
        join_alarm(incidents, incident, sighting, effects, ret);
        return STATUS_OK;
    }
    if (is_clear(sighting)) {
        return STATUS_OK;
    }
    return incidents_open(incidents, sighting, category, effects, ret);
}

static enum fired fire_pending(struct incidents *incidents, struct incident *incident,
                               struct effects *effects) {
    struct alarm *alarm = &incident->detail->alarm;
    if ((alarm->samples & 1) == 0) {
        incidents_shut(incidents, incident, INCIDENT_FALSE, effects);
        return FIRED_DROPPED;
    }
    alarm->state = ALARM_RAISED;
    incident->due_ms = alarm_due_ms(alarm, &incidents->policy->alarm);
    incident_event_alarm(incident, 0, effects);
    return FIRED_RAISED;
}

/* What it was before says nothing more once it is steady: only new changes make it flap again. */
static enum fired fire_flapping(struct alarm *alarm, const struct incident *incident,
                                struct effects *effects) {
    bool is_steady = effects->now_ms >= steady_ms(alarm);
    incident_event_flapping(incident, is_steady ? "ended" : "summary", effects);
    alarm->suppressed_told = alarm->suppressed_total;
    alarm->flapping = !is_steady;
    if (is_steady) {
        alarm->samples = (alarm->samples & 1) != 0 ? SAMPLES_MASK : 0;
    }
    alarm->summary_ms = is_steady ? INT64_MAX : effects->now_ms + SUMMARY_MS;
    return is_steady ? FIRED_STEADY : FIRED_SUMMARY;
}

enum fired incidents_fire_alarm(struct incidents *incidents, struct incident *incident,
                                struct effects *effects) {
    CHECK(incident->detail_kind == DETAIL_ALARM);
    struct alarm *alarm = &incident->detail->alarm;
    const struct alarm_rules *rules = &incidents->policy->alarm;
    incidents_mark(incidents, incident);
    if (alarm->state == ALARM_PENDING) {
        return fire_pending(incidents, incident, effects);
    }
    enum fired fired;
    if (alarm->state == ALARM_CLEARING && effects->now_ms >= clear_ms(alarm, rules)) {
        alarm->state = ALARM_CLEARED;
        fired = FIRED_CLEARED;
        if (!alarm->flapping) {
            incident_event_alarm(incident, 0, effects);
        } else {
            alarm->suppressed_total++;
            incidents->counts.suppressed++;
        }
    } else {
        fired = fire_flapping(alarm, incident, effects);
    }
    incident->due_ms = alarm_due_ms(alarm, rules);
    return fired;
}

enum status incidents_set_fault(struct incidents *incidents, uint64_t number, uint64_t ticket) {
    struct incident *incident = incidents_lookup(incidents, number);
    if (incident == NULL || incident->detail_kind != DETAIL_ALARM) {
        return STATUS_NOT_FOUND;
    }
    incident->detail->alarm.fault_ticket = ticket;
    incidents_mark(incidents, incident);
    return STATUS_OK;
}
