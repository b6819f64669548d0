#include "core/incident/incident.h"

#include "core/incident/row_bytes.h"

/* No place on earth is farther from another, in metres. */
#define METRES_MAX 4e7F

static void put_sight(uint8_t **at, const struct sight *sight) {
    put_u8(at, sight->kind);
    for (int i = 0; i < 3; i++) {
        put_u8(at, 0);
    }
    put_f32(at, sight->azimuth_deg);
    put_f32(at, sight->half_cone_deg);
    put_f32(at, sight->range_m);
    put_position(at, sight->position);
}

static void put_sequence(uint8_t **at, const struct sequence *sequence) {
    put_u64(at, sequence->view);
    for (size_t i = 0; i < ARRAY_COUNT(sequence->box); i++) {
        put_u16(at, sequence->box[i]);
    }
    put_i64(at, sequence->last_ms);
    for (size_t i = 0; i < ARRAY_COUNT(sequence->before_ms); i++) {
        put_u32(at, sequence->before_ms[i]);
    }
    put_u32(at, sequence->frames_count);
}

static void put_fire(uint8_t **at, const struct fire *fire) {
    CHECK(fire->sights_count <= FIRE_SIGHTS_MAX && fire->sequences_count <= FIRE_SEQUENCES_MAX);
    put_position(at, fire->estimate);
    put_f32(at, fire->radius_m);
    put_u8(at, fire->sights_count);
    put_u8(at, fire->sequences_count);
    put_u16(at, 0);
    for (unsigned i = 0; i < fire->sights_count; i++) {
        put_sight(at, &fire->sights[i]);
    }
    for (unsigned i = 0; i < fire->sequences_count; i++) {
        put_sequence(at, &fire->sequences[i]);
    }
}

static void put_alarm(uint8_t **at, const struct alarm *alarm) {
    put_u8(at, alarm->state);
    put_u8(at, alarm->flapping);
    put_u16(at, 0);
    put_u32(at, alarm->samples);
    put_u32(at, alarm->occurrences);
    put_u32(at, alarm->suppressed_total);
    put_u32(at, alarm->suppressed_told);
    put_u32(at, 0);
    put_i64(at, alarm->raised_ms);
    put_i64(at, alarm->cleared_ms);
    put_i64(at, alarm->summary_ms);
    put_i64(at, alarm->sampled_ms);
    put_u64(at, alarm->fault_ticket);
    for (int i = 0; i < ALARM_TRANSITIONS; i++) {
        put_i64(at, alarm->transitions_ms[i]);
    }
}

static void put_head(uint8_t **at, const struct incident *incident) {
    put_u8(at, INCIDENT_ROW_VERSION);
    put_u8(at, incident->state);
    put_u8(at, incident->severity);
    put_u8(at, incident->priority);
    put_u16(at, incident->flags);
    put_u16(at, incident->observer_kinds);
    put_u32(at, incident->class_tag);
    put_u32(at, incident->category_tag);
    put_u32(at, incident->region);
    put_u32(at, incident->reports_count);
    put_i64(at, incident->opened_ms);
    put_i64(at, incident->first_seen_ms);
    put_i64(at, incident->last_seen_ms);
    put_i64(at, incident->last_activity_ms);
    put_i64(at, incident->closed_ms);
    put_i64(at, incident->due_ms);
    put_u64(at, incident->asset);
    put_u64(at, incident->ticket);
    put_u64(at, incident->merged_into);
    put_position(at, incident->anchor);
    put_f32(at, incident->accuracy_m);
    for (int i = 0; i < INCIDENT_DIRECTIONS; i++) {
        put_f32(at, incident->extents_m[i][0]);
        put_f32(at, incident->extents_m[i][1]);
    }
    put_u8(at, incident->observers_count);
    put_u8(at, incident->detail_kind);
    put_u16(at, 0);
}

void incident_key(uint8_t to[INCIDENT_KEY_BYTES], uint64_t number) {
    store_u64_be(to, number);
}

size_t incident_row_encode(uint8_t *to, const struct incident *incident) {
    CHECK(incident->number != 0 && incident->observers_count <= INCIDENT_OBSERVERS_MAX);
    CHECK((incident->detail_kind == DETAIL_NONE) == (incident->detail == NULL));
    uint8_t *at = to;
    put_head(&at, incident);
    CHECK(at == to + INCIDENT_ROW_HEAD_BYTES);
    for (unsigned i = 0; i < incident->observers_count; i++) {
        put_u64(&at, incident->observers[i]);
    }
    if (incident->detail_kind == DETAIL_FIRE) {
        put_fire(&at, &incident->detail->fire);
    } else if (incident->detail_kind == DETAIL_ALARM) {
        put_alarm(&at, &incident->detail->alarm);
    }
    CHECK(at <= to + INCIDENT_ROW_BYTES_MAX);
    return (size_t)(at - to);
}

static void get_head(const uint8_t **at, struct incident *incident) {
    incident->state = get_u8(at);
    incident->severity = get_u8(at);
    incident->priority = get_u8(at);
    incident->flags = get_u16(at);
    incident->observer_kinds = get_u16(at);
    incident->class_tag = get_u32(at);
    incident->category_tag = get_u32(at);
    incident->region = get_u32(at);
    incident->reports_count = get_u32(at);
    incident->opened_ms = get_i64(at);
    incident->first_seen_ms = get_i64(at);
    incident->last_seen_ms = get_i64(at);
    incident->last_activity_ms = get_i64(at);
    incident->closed_ms = get_i64(at);
    incident->due_ms = get_i64(at);
    incident->asset = get_u64(at);
    incident->ticket = get_u64(at);
    incident->merged_into = get_u64(at);
    incident->anchor = get_position(at);
    incident->accuracy_m = get_f32(at);
    for (int i = 0; i < INCIDENT_DIRECTIONS; i++) {
        incident->extents_m[i][0] = get_f32(at);
        incident->extents_m[i][1] = get_f32(at);
    }
    incident->observers_count = get_u8(at);
    incident->detail_kind = get_u8(at);
}

static bool head_is_valid(const struct incident *incident) {
    bool is_valid = incident->number != 0 && incident->state >= INCIDENT_OPEN &&
                    incident->state <= INCIDENT_MERGED && incident->severity >= SEVERITY_EXTREME &&
                    incident->severity <= SEVERITY_MINOR && incident->priority >= 1 &&
                    incident->priority <= 4 &&
                    (incident->state == INCIDENT_MERGED) == (incident->merged_into != 0) &&
                    position_is_valid(incident->anchor) &&
                    f32_is_within(incident->accuracy_m, 0.0F, METRES_MAX) &&
                    incident->observers_count <= INCIDENT_OBSERVERS_MAX &&
                    incident->detail_kind <= DETAIL_ALARM;
    for (int i = 0; i < INCIDENT_DIRECTIONS; i++) {
        is_valid = is_valid && f32_is_within(incident->extents_m[i][0], -METRES_MAX, 0.0F) &&
                   f32_is_within(incident->extents_m[i][1], 0.0F, METRES_MAX);
    }
    return is_valid;
}

static bool get_sight(const uint8_t **at, struct sight *sight) {
    sight->kind = get_u8(at);
    *at += 3;
    sight->azimuth_deg = get_f32(at);
    sight->half_cone_deg = get_f32(at);
    sight->range_m = get_f32(at);
    sight->position = get_position(at);
    return sight->kind < OBSERVER_COUNT && f32_is_within(sight->azimuth_deg, 0.0F, 360.0F) &&
           f32_is_within(sight->half_cone_deg, 0.0F, 180.0F) &&
           f32_is_within(sight->range_m, 0.0F, METRES_MAX) && position_is_valid(sight->position);
}

static bool get_sequence(const uint8_t **at, struct sequence *sequence) {
    sequence->view = get_u64(at);
    for (size_t i = 0; i < ARRAY_COUNT(sequence->box); i++) {
        sequence->box[i] = get_u16(at);
    }
    sequence->last_ms = get_i64(at);
    bool is_valid = sequence->view != 0 && sequence->box[0] < sequence->box[2] &&
                    sequence->box[1] < sequence->box[3];
    uint32_t before_ms = 0;
    for (size_t i = 0; i < ARRAY_COUNT(sequence->before_ms); i++) {
        sequence->before_ms[i] = get_u32(at);
        is_valid = is_valid && sequence->before_ms[i] >= before_ms;
        before_ms = sequence->before_ms[i];
    }
    sequence->frames_count = get_u32(at);
    return is_valid;
}

static bool get_fire(const uint8_t *at, size_t bytes, unsigned version, struct fire *fire) {
    if (bytes < FIRE_HEAD_BYTES) {
        return false;
    }
    memset(fire, 0, sizeof *fire);
    fire->estimate = get_position(&at);
    fire->radius_m = get_f32(&at);
    fire->sights_count = get_u8(&at);
    fire->sequences_count = get_u8(&at);
    at += 2;
    if (fire->sights_count > FIRE_SIGHTS_MAX || fire->sequences_count > FIRE_SEQUENCES_MAX ||
        (version == 1 && fire->sequences_count != 0) ||
        bytes != FIRE_HEAD_BYTES + (size_t)fire->sights_count * SIGHT_BYTES +
                     (size_t)fire->sequences_count * SEQUENCE_BYTES ||
        !position_is_valid(fire->estimate) || !f32_is_within(fire->radius_m, 0.0F, METRES_MAX)) {
        return false;
    }
    for (unsigned i = 0; i < fire->sights_count; i++) {
        if (!get_sight(&at, &fire->sights[i])) {
            return false;
        }
    }
    for (unsigned i = 0; i < fire->sequences_count; i++) {
        if (!get_sequence(&at, &fire->sequences[i])) {
            return false;
        }
    }
    return true;
}

static void get_changes(const uint8_t **at, struct alarm *alarm) {
    for (int i = 0; i < ALARM_TRANSITIONS; i++) {
        alarm->transitions_ms[i] = get_i64(at);
    }
}

static void get_counts(const uint8_t **at, struct alarm *alarm) {
    alarm->occurrences = get_u32(at);
    alarm->suppressed_total = get_u32(at);
    alarm->suppressed_told = get_u32(at);
}

static void get_times(const uint8_t **at, struct alarm *alarm) {
    alarm->raised_ms = get_i64(at);
    alarm->cleared_ms = get_i64(at);
    alarm->summary_ms = get_i64(at);
}

static void get_alarm_1(const uint8_t *at, struct alarm *alarm) {
    alarm->state = get_u8(&at);
    alarm->samples = get_u8(&at) & 7;
    alarm->flapping = get_u8(&at) != 0;
    at++;
    get_counts(&at, alarm);
    get_times(&at, alarm);
    get_changes(&at, alarm);
    alarm->sampled_ms = alarm->raised_ms > alarm->cleared_ms ? alarm->raised_ms : alarm->cleared_ms;
}

static void get_alarm_2(const uint8_t *at, struct alarm *alarm) {
    alarm->state = get_u8(&at);
    alarm->flapping = get_u8(&at) != 0;
    at += 2;
    alarm->samples = get_u32(&at);
    get_counts(&at, alarm);
    at += 4;
    get_times(&at, alarm);
    alarm->sampled_ms = get_i64(&at);
    alarm->fault_ticket = get_u64(&at);
    get_changes(&at, alarm);
}

static bool get_alarm(const uint8_t *at, size_t bytes, unsigned version, struct alarm *alarm) {
    if (bytes != (version == 1 ? ALARM_BYTES_1 : ALARM_BYTES)) {
        return false;
    }
    memset(alarm, 0, sizeof *alarm);
    if (version == 1) {
        get_alarm_1(at, alarm);
    } else {
        get_alarm_2(at, alarm);
    }
    uint8_t flapping = at[version == 1 ? 2 : 1];
    return alarm->state >= ALARM_PENDING && alarm->state <= ALARM_CLEARED && flapping <= 1 &&
           alarm->samples >> ALARM_SAMPLES == 0 &&
           alarm->suppressed_told <= alarm->suppressed_total;
}

bool incident_row_decode(struct incident *ret, union incident_detail *detail, struct slice key,
                         struct slice value) {
    if (key.bytes != INCIDENT_KEY_BYTES || value.bytes < INCIDENT_ROW_HEAD_BYTES ||
        value.data[0] == 0 || value.data[0] > INCIDENT_ROW_VERSION) {
        return false;
    }
    memset(ret, 0, sizeof *ret);
    ret->number = load_u64_be(key.data);
    const uint8_t *at = value.data + 1;
    get_head(&at, ret);
    at = value.data + INCIDENT_ROW_HEAD_BYTES;
    size_t left = value.bytes - INCIDENT_ROW_HEAD_BYTES;
    if (!head_is_valid(ret) || left < (size_t)ret->observers_count * 8) {
        return false;
    }
    for (unsigned i = 0; i < ret->observers_count; i++) {
        ret->observers[i] = get_u64(&at);
    }
    left -= (size_t)ret->observers_count * 8;
    ret->detail = ret->detail_kind == DETAIL_NONE ? NULL : detail;
    if (ret->detail_kind == DETAIL_FIRE) {
        return get_fire(at, left, value.data[0], &detail->fire);
    }
    return ret->detail_kind == DETAIL_ALARM ? get_alarm(at, left, value.data[0], &detail->alarm)
                                            : left == 0;
}
