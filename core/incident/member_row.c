#include "core/incident/incident.h"

#include "core/incident/row_bytes.h"

enum {
    MEMBER_HAS_POSITION = 1,
    MEMBER_IN_GRID = 2,
    MEMBER_LATE = 4,
    MEMBER_FRAME = 8,
    MEMBER_FLAGS_1 = 7, /* all those of version 1 */
    MEMBER_FLAGS = 15,
};

void member_key(uint8_t to[MEMBER_KEY_BYTES], uint64_t incident, uint64_t seq) {
    store_u64_be(to, incident);
    store_u64_be(to + 8, seq);
}

static uint8_t member_flags(const struct member *member) {
    return (uint8_t)((member->sighting.has_position ? MEMBER_HAS_POSITION : 0) |
                     (member->sighting.in_grid ? MEMBER_IN_GRID : 0) |
                     (member->late ? MEMBER_LATE : 0) |
                     (member->sighting.observation.view != 0 ? MEMBER_FRAME : 0));
}

static void put_frame(uint8_t **at, const struct observation *observation) {
    put_u64(at, observation->view);
    for (size_t i = 0; i < ARRAY_COUNT(observation->box); i++) {
        put_u16(at, observation->box[i]);
    }
}

size_t member_row_encode(uint8_t *to, const struct member *member) {
    const struct sighting *sighting = &member->sighting;
    const struct observation *observation = &sighting->observation;
    const struct match *match = &member->match;
    CHECK(match->alternatives_count <= MATCH_ALTERNATIVES_MAX);
    uint8_t *at = to;
    put_u8(&at, MEMBER_ROW_VERSION);
    put_u8(&at, sighting->severity);
    put_u8(&at, member_flags(member));
    put_u8(&at, observation->kind);
    put_u8(&at, observation->flags);
    put_u8(&at, match->rule);
    put_u16(&at, match->score);
    put_u32(&at, match->alternatives_count);
    put_u32(&at, sighting->region);
    put_u32(&at, sighting->category_tag);
    put_u32(&at, observation->channel_tag);
    put_i64(&at, sighting->occurred_ms);
    put_i64(&at, sighting->received_ms);
    put_u64(&at, member->origin);
    put_u64(&at, observation->observer);
    put_u64(&at, observation->asset);
    put_u64(&at, observation->alarm);
    put_f32(&at, observation->accuracy_m);
    put_f32(&at, observation->azimuth_deg);
    put_f32(&at, observation->cone_deg);
    put_f32(&at, observation->range_km);
    put_f32(&at, match->distance_m);
    put_f32(&at, match->dt_s);
    put_position(&at, sighting->has_position ? sighting->position : (struct position){0, 0});
    CHECK(at == to + MEMBER_ROW_HEAD_BYTES);
    if (observation->view != 0) {
        put_frame(&at, observation);
    }
    for (unsigned i = 0; i < match->alternatives_count; i++) {
        put_u64(&at, match->alternatives[i].incident);
        put_u16(&at, match->alternatives[i].score);
    }
    return (size_t)(at - to);
}

static void get_observation(const uint8_t **at, struct observation *observation) {
    observation->observer = get_u64(at);
    observation->asset = get_u64(at);
    observation->alarm = get_u64(at);
    observation->accuracy_m = get_f32(at);
    observation->azimuth_deg = get_f32(at);
    observation->cone_deg = get_f32(at);
    observation->range_km = get_f32(at);
}

static bool get_frame(const uint8_t **at, struct observation *observation) {
    observation->view = get_u64(at);
    for (size_t i = 0; i < ARRAY_COUNT(observation->box); i++) {
        observation->box[i] = get_u16(at);
    }
    return observation->view != 0 && observation->box[0] < observation->box[2] &&
           observation->box[1] < observation->box[3];
}

static bool member_is_valid(const struct member *member, unsigned version, uint8_t flags) {
    const struct sighting *sighting = &member->sighting;
    return flags <= (version == 1 ? MEMBER_FLAGS_1 : MEMBER_FLAGS) &&
           sighting->severity >= SEVERITY_EXTREME && sighting->severity <= SEVERITY_MINOR &&
           sighting->observation.kind < OBSERVER_COUNT &&
           match_rule_name((enum match_rule)member->match.rule) != NULL &&
           member->match.alternatives_count <= MATCH_ALTERNATIVES_MAX &&
           position_is_valid(sighting->position);
}

bool member_row_decode(struct member *ret, struct slice key, struct slice value) {
    if (key.bytes != MEMBER_KEY_BYTES || value.bytes < MEMBER_ROW_HEAD_BYTES ||
        value.data[0] == 0 || value.data[0] > MEMBER_ROW_VERSION) {
        return false;
    }
    memset(ret, 0, sizeof *ret);
    struct sighting *sighting = &ret->sighting;
    const uint8_t *at = value.data + 1;
    ret->incident = load_u64_be(key.data);
    sighting->seq = load_u64_be(key.data + 8);
    sighting->severity = get_u8(&at);
    uint8_t flags = get_u8(&at);
    sighting->has_position = (flags & MEMBER_HAS_POSITION) != 0;
    sighting->in_grid = (flags & MEMBER_IN_GRID) != 0;
    ret->late = (flags & MEMBER_LATE) != 0;
    sighting->observation.kind = get_u8(&at);
    sighting->observation.flags = get_u8(&at);
    ret->match.rule = get_u8(&at);
    ret->match.score = get_u16(&at);
    ret->match.alternatives_count = get_u8(&at);
    at += 3;
    sighting->region = get_u32(&at);
    sighting->category_tag = get_u32(&at);
    sighting->observation.channel_tag = get_u32(&at);
    sighting->occurred_ms = get_i64(&at);
    sighting->received_ms = get_i64(&at);
    ret->origin = get_u64(&at);
    get_observation(&at, &sighting->observation);
    ret->match.distance_m = get_f32(&at);
    ret->match.dt_s = get_f32(&at);
    sighting->position = get_position(&at);
    bool is_frame = (flags & MEMBER_FRAME) != 0;
    if (!member_is_valid(ret, value.data[0], flags) ||
        value.bytes != MEMBER_ROW_HEAD_BYTES + (size_t)(is_frame ? MEMBER_FRAME_BYTES : 0) +
                           (size_t)ret->match.alternatives_count * 10 ||
        (is_frame && !get_frame(&at, &sighting->observation))) {
        return false;
    }
    for (unsigned i = 0; i < ret->match.alternatives_count; i++) {
        ret->match.alternatives[i].incident = get_u64(&at);
        ret->match.alternatives[i].score = get_u16(&at);
    }
    return true;
}
