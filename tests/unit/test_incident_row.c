#include "core/base/bytes.h"
#include "core/incident/incident.h"
#include "tests/unit/support.h"

static uint64_t random_state = 9;

static uint64_t random_u64(void) {
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return random_state ^ random_state >> 29;
}

static void fill_fire(struct fire *fire) {
    fire->estimate = (struct position){34.5, 108.25};
    fire->radius_m = 375.0F;
    fire->sights_count = (uint8_t)(random_u64() % (FIRE_SIGHTS_MAX + 1));
    for (unsigned i = 0; i < fire->sights_count; i++) {
        fire->sights[i] = (struct sight){.position = {34.0 + i, 108.0},
                                         .azimuth_deg = (float)(random_u64() % 360),
                                         .half_cone_deg = (float)(i % 2),
                                         .range_m = 35000,
                                         .kind = (uint8_t)(i % OBSERVER_COUNT)};
    }
    fire->sequences_count = (uint8_t)(random_u64() % (FIRE_SEQUENCES_MAX + 1));
    for (unsigned i = 0; i < fire->sequences_count; i++) {
        fire->sequences[i] = (struct sequence){.view = random_u64() | 1,
                                               .box = {1, 2, 3, (uint16_t)(4 + i)},
                                               .last_ms = (int64_t)random_u64(),
                                               .before_ms = {i, 1000, SEQUENCE_NO_FRAME},
                                               .frames_count = (uint32_t)random_u64()};
    }
}

static void fill_alarm(struct alarm *alarm) {
    alarm->state = ALARM_CLEARING;
    alarm->samples = (uint32_t)random_u64() >> (32 - ALARM_SAMPLES);
    alarm->sampled_ms = (int64_t)random_u64();
    alarm->fault_ticket = random_u64();
    alarm->flapping = true;
    alarm->occurrences = 7;
    alarm->suppressed_total = 6;
    alarm->suppressed_told = 5;
    alarm->raised_ms = (int64_t)random_u64();
    alarm->cleared_ms = INT64_MIN;
    alarm->summary_ms = INT64_MAX;
    for (int i = 0; i < ALARM_TRANSITIONS; i++) {
        alarm->transitions_ms[i] = (int64_t)random_u64();
    }
}

static void fill(struct incident *incident, union incident_detail *detail, enum detail_kind kind) {
    memset(incident, 0, sizeof *incident);
    memset(detail, 0, sizeof *detail);
    incident->number = random_u64() | 1;
    incident->class_tag = (uint32_t)random_u64();
    incident->category_tag = (uint32_t)random_u64();
    incident->region = (uint32_t)random_u64();
    incident->reports_count = (uint32_t)random_u64();
    incident->opened_ms = (int64_t)random_u64();
    incident->first_seen_ms = (int64_t)random_u64();
    incident->last_seen_ms = (int64_t)random_u64();
    incident->last_activity_ms = (int64_t)random_u64();
    incident->closed_ms = (int64_t)random_u64();
    incident->due_ms = (int64_t)random_u64();
    incident->asset = random_u64();
    incident->ticket = random_u64();
    incident->anchor = (struct position){-33.25, 151.5};
    incident->accuracy_m = 12.5F;
    for (int i = 0; i < INCIDENT_DIRECTIONS; i++) {
        incident->extents_m[i][0] = -10.5F - (float)i;
        incident->extents_m[i][1] = 20.25F + (float)i;
    }
    incident->observers_count = (uint8_t)(random_u64() % (INCIDENT_OBSERVERS_MAX + 1));
    for (unsigned i = 0; i < incident->observers_count; i++) {
        incident->observers[i] = random_u64();
    }
    incident->state = (uint8_t)(INCIDENT_OPEN + random_u64() % 4);
    incident->merged_into = incident->state == INCIDENT_MERGED ? random_u64() | 1 : 0;
    incident->severity = SEVERITY_SEVERE;
    incident->priority = 2;
    incident->flags = 0xff;
    incident->observer_kinds = 0xff;
    incident->detail_kind = (uint8_t)kind;
    incident->detail = kind == DETAIL_NONE ? NULL : detail;
    if (kind == DETAIL_FIRE) {
        fill_fire(&detail->fire);
    } else if (kind == DETAIL_ALARM) {
        fill_alarm(&detail->alarm);
    }
}

static void incidents_come_back_as_they_were(void **state) {
    (void)state;
    for (int i = 0; i < 300; i++) {
        struct incident incident, again;
        union incident_detail detail, detail_again;
        fill(&incident, &detail, (enum detail_kind)(i % 3));
        uint8_t key[INCIDENT_KEY_BYTES], value[INCIDENT_ROW_BYTES_MAX];
        uint8_t value_again[INCIDENT_ROW_BYTES_MAX];
        incident_key(key, incident.number);
        size_t bytes = incident_row_encode(value, &incident);
        struct slice key_slice = {key, sizeof key};
        assert_true(
            incident_row_decode(&again, &detail_again, key_slice, (struct slice){value, bytes}));
        assert_int_equal(again.number, incident.number);
        assert_ptr_equal(again.detail, i % 3 == 0 ? NULL : &detail_again);
        if (i % 3 != 0) {
            assert_memory_equal(&detail_again, &detail,
                                i % 3 == 1 ? sizeof detail.fire : sizeof detail.alarm);
            again.detail = incident.detail;
        }
        assert_memory_equal(&again, &incident, sizeof incident);
        assert_int_equal(incident_row_encode(value_again, &again), bytes);
        /* Every other length is refused. */
        for (size_t shorter = 0; shorter < bytes; shorter++) {
            assert_false(incident_row_decode(&again, &detail_again, key_slice,
                                             (struct slice){value, shorter}));
        }
        assert_false(incident_row_decode(&again, &detail_again, key_slice,
                                         (struct slice){value, bytes + 1}));
    }
}

/* Bytes of version 1, as they are on disk: this must be read for ever. */
static void an_incident_of_version_1_is_read(void **state) {
    (void)state;
    uint8_t value[INCIDENT_ROW_HEAD_BYTES + 8] = {1, 2, 3, 4, 0x41, 0, 5};
    store_u32_le(value + 8, 11);
    store_u32_le(value + 12, 12);
    store_u32_le(value + 16, 13);
    store_u32_le(value + 20, 14);
    for (unsigned i = 0; i < 9; i++) {
        store_u64_le(value + 24 + (size_t)8 * i, 1000 + (i == 8 ? -1000U : i));
    }
    store_f64_le(value + 96, 34.5);
    store_f64_le(value + 104, -108.5);
    value[148] = 1;
    store_u64_le(value + INCIDENT_ROW_HEAD_BYTES, 77);
    const uint8_t key[] = {0, 0, 0, 0, 0, 0, 1, 2};
    struct incident incident;
    union incident_detail detail;
    assert_true(incident_row_decode(&incident, &detail, (struct slice){key, sizeof key},
                                    (struct slice){value, sizeof value}));
    assert_int_equal(incident.number, 258);
    assert_int_equal(incident.state, INCIDENT_HANDLED);
    assert_int_equal(incident.severity, 3);
    assert_int_equal(incident.priority, 4);
    assert_int_equal(incident.flags, INCIDENT_HAS_POSITION | INCIDENT_IN_GRID);
    assert_int_equal(incident.observer_kinds, 5);
    assert_int_equal(incident.class_tag, 11);
    assert_int_equal(incident.category_tag, 12);
    assert_int_equal(incident.region, 13);
    assert_int_equal(incident.reports_count, 14);
    assert_int_equal(incident.opened_ms, 1000);
    assert_int_equal(incident.first_seen_ms, 1001);
    assert_int_equal(incident.last_seen_ms, 1002);
    assert_int_equal(incident.last_activity_ms, 1003);
    assert_int_equal(incident.closed_ms, 1004);
    assert_int_equal(incident.due_ms, 1005);
    assert_int_equal(incident.asset, 1006);
    assert_int_equal(incident.ticket, 1007);
    assert_int_equal(incident.merged_into, 0);
    assert_true(incident.anchor.lat_deg == 34.5 && incident.anchor.lon_deg == -108.5);
    assert_int_equal(incident.observers[0], 77);
    for (unsigned version = 0; version < 256; version++) {
        value[0] = (uint8_t)version;
        assert_int_equal(incident_row_decode(&incident, &detail, (struct slice){key, sizeof key},
                                             (struct slice){value, sizeof value}),
                         version == 1 || version == INCIDENT_ROW_VERSION);
    }
}

static void an_alarm_of_version_1_is_read(void **state) {
    (void)state;
    uint8_t value[INCIDENT_ROW_HEAD_BYTES + ALARM_BYTES_1] = {1, 1, 3, 4};
    uint8_t *alarm = value + INCIDENT_ROW_HEAD_BYTES;
    value[149] = DETAIL_ALARM;
    const uint8_t head[] = {ALARM_CLEARING, 5, 1, 0, 7, 0, 0, 0, 6, 0, 0, 0, 4, 0, 0, 0};
    memcpy(alarm, head, sizeof head);
    for (unsigned i = 0; i < 8; i++) {
        store_u64_le(alarm + sizeof head + (size_t)8 * i, 1000 + i);
    }
    const uint8_t key[] = {0, 0, 0, 0, 0, 0, 1, 2};
    const struct slice key_slice = {key, sizeof key};
    struct incident incident;
    union incident_detail detail;
    assert_true(
        incident_row_decode(&incident, &detail, key_slice, (struct slice){value, sizeof value}));
    const struct alarm expected = {.state = ALARM_CLEARING,
                                   .flapping = true,
                                   .samples = 5,
                                   .occurrences = 7,
                                   .suppressed_total = 6,
                                   .suppressed_told = 4,
                                   .raised_ms = 1000,
                                   .cleared_ms = 1001,
                                   .summary_ms = 1002,
                                   .sampled_ms = 1001,
                                   .transitions_ms = {1003, 1004, 1005, 1006, 1007}};
    assert_memory_equal(&detail.alarm, &expected, sizeof expected);
    alarm[2] = 2;
    assert_false(
        incident_row_decode(&incident, &detail, key_slice, (struct slice){value, sizeof value}));
}

static void damaged_incidents_are_refused_or_sane(void **state) {
    (void)state;
    int refused = 0;
    for (int i = 0; i < 6000; i++) {
        struct incident incident;
        union incident_detail detail;
        fill(&incident, &detail, (enum detail_kind)(i % 3));
        uint8_t key[INCIDENT_KEY_BYTES], value[INCIDENT_ROW_BYTES_MAX];
        incident_key(key, incident.number);
        size_t bytes = incident_row_encode(value, &incident);
        value[random_u64() % bytes] ^= (uint8_t)(1U << random_u64() % 8);
        if (!incident_row_decode(&incident, &detail, (struct slice){key, sizeof key},
                                 (struct slice){value, bytes})) {
            refused++;
            continue;
        }
        assert_true(incident.observers_count <= INCIDENT_OBSERVERS_MAX);
        assert_true(incident.state >= INCIDENT_OPEN && incident.state <= INCIDENT_MERGED);
        assert_true(incident.anchor.lat_deg >= -90 && incident.anchor.lat_deg <= 90);
        assert_true(incident_spread_m(&incident) >= 0);
        assert_true(incident.detail_kind != DETAIL_FIRE ||
                    (detail.fire.sights_count <= FIRE_SIGHTS_MAX &&
                     detail.fire.sequences_count <= FIRE_SEQUENCES_MAX));
    }
    assert_true(refused > 100);
}

/* Bytes of version 1: no sequences. */
static void a_fire_of_version_1_is_read(void **state) {
    (void)state;
    struct incident incident, again;
    union incident_detail detail, detail_again;
    fill(&incident, &detail, DETAIL_FIRE);
    detail.fire.sequences_count = 0;
    memset(detail.fire.sequences, 0, sizeof detail.fire.sequences);
    uint8_t key[INCIDENT_KEY_BYTES], value[INCIDENT_ROW_BYTES_MAX];
    incident_key(key, incident.number);
    size_t bytes = incident_row_encode(value, &incident);
    value[0] = 1;
    const struct slice key_slice = {key, sizeof key}, row = {value, bytes};
    assert_true(incident_row_decode(&again, &detail_again, key_slice, row));
    assert_memory_equal(&detail_again.fire, &detail.fire, sizeof detail.fire);
    size_t sequences_at = INCIDENT_ROW_HEAD_BYTES + (size_t)8 * incident.observers_count + 21;
    assert_int_equal(value[sequences_at], 0);
    value[sequences_at] = 1;
    memset(value + bytes, 1, SEQUENCE_BYTES);
    assert_false(incident_row_decode(&again, &detail_again, key_slice,
                                     (struct slice){value, bytes + SEQUENCE_BYTES}));
}

static struct member member_fill(void) {
    struct member member = {
        .incident = random_u64(),
        .origin = random_u64(),
        .late = random_u64() % 2 == 0,
        .sighting = {.seq = random_u64(),
                     .region = (uint32_t)random_u64(),
                     .category_tag = (uint32_t)random_u64(),
                     .occurred_ms = (int64_t)random_u64(),
                     .received_ms = (int64_t)random_u64(),
                     .position = {12.5, -45.25},
                     .has_position = true,
                     .in_grid = random_u64() % 2 == 0,
                     .severity = SEVERITY_MINOR,
                     .observation = {.kind = OBSERVER_MODIS,
                                     .flags = 31,
                                     .channel_tag = (uint32_t)random_u64(),
                                     .observer = random_u64(),
                                     .asset = random_u64(),
                                     .alarm = random_u64(),
                                     .accuracy_m = 1.5F,
                                     .azimuth_deg = 2.5F,
                                     .cone_deg = 3.5F,
                                     .range_km = 4.5F}},
        .match = {.rule = MATCH_SEQUENCE,
                  .score = 777,
                  .alternatives_count = (uint8_t)(random_u64() % (MATCH_ALTERNATIVES_MAX + 1)),
                  .distance_m = 31.5F,
                  .dt_s = 60.25F},
    };
    if (random_u64() % 2 == 0) {
        member.sighting.observation.view = random_u64() | 1;
        member.sighting.observation.box[2] = 7;
        member.sighting.observation.box[3] = 65535;
    }
    for (unsigned i = 0; i < member.match.alternatives_count; i++) {
        member.match.alternatives[i] =
            (struct match_alternative){.incident = random_u64(), .score = (uint16_t)(i + 500)};
    }
    return member;
}

/* Member by member: what lies between them is nobody's. */
static void assert_same_observation(const struct observation *a, const struct observation *b) {
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(a->channel_tag, b->channel_tag);
    assert_int_equal(a->observer, b->observer);
    assert_int_equal(a->asset, b->asset);
    assert_int_equal(a->alarm, b->alarm);
    assert_true(a->accuracy_m == b->accuracy_m && a->azimuth_deg == b->azimuth_deg);
    assert_true(a->cone_deg == b->cone_deg && a->range_km == b->range_km);
    assert_int_equal(a->view, b->view);
    assert_memory_equal(a->box, b->box, sizeof a->box);
}

static void members_come_back_as_they_were(void **state) {
    (void)state;
    for (int i = 0; i < 300; i++) {
        struct member member = member_fill(), again;
        uint8_t key[MEMBER_KEY_BYTES], value[MEMBER_ROW_BYTES_MAX], once_more[MEMBER_ROW_BYTES_MAX];
        member_key(key, member.incident, member.sighting.seq);
        size_t bytes = member_row_encode(value, &member);
        struct slice key_slice = {key, sizeof key};
        assert_true(member_row_decode(&again, key_slice, (struct slice){value, bytes}));
        assert_int_equal(again.incident, member.incident);
        assert_int_equal(again.origin, member.origin);
        assert_int_equal(again.late, member.late);
        assert_int_equal(again.sighting.seq, member.sighting.seq);
        assert_int_equal(again.sighting.occurred_ms, member.sighting.occurred_ms);
        assert_int_equal(again.sighting.in_grid, member.sighting.in_grid);
        assert_same_observation(&again.sighting.observation, &member.sighting.observation);
        assert_int_equal(again.match.alternatives_count, member.match.alternatives_count);
        assert_int_equal(member_row_encode(once_more, &again), bytes);
        assert_memory_equal(once_more, value, bytes);
        for (size_t shorter = 0; shorter < bytes; shorter++) {
            assert_false(member_row_decode(&again, key_slice, (struct slice){value, shorter}));
        }
        assert_false(member_row_decode(&again, key_slice, (struct slice){value, bytes + 1}));
    }
}

static void a_member_of_version_1_is_read(void **state) {
    (void)state;
    struct member member = member_fill(), again;
    uint8_t key[MEMBER_KEY_BYTES], value[MEMBER_ROW_BYTES_MAX];
    member_key(key, member.incident, member.sighting.seq);
    for (int is_frame = 0; is_frame < 2; is_frame++) {
        member.sighting.observation.view = is_frame != 0 ? 9 : 0;
        member.sighting.observation.box[2] = member.sighting.observation.box[3] = 8;
        size_t bytes = member_row_encode(value, &member);
        for (unsigned version = 0; version < 256; version++) {
            value[0] = (uint8_t)version;
            assert_int_equal(member_row_decode(&again, (struct slice){key, sizeof key},
                                               (struct slice){value, bytes}),
                             version == MEMBER_ROW_VERSION || (version == 1 && is_frame == 0));
        }
    }
}

static void names_are_the_api_s(void **state) {
    (void)state;
    assert_string_equal(match_rule_name(MATCH_SAME_MAST), "same_mast");
    assert_null(match_rule_name((enum match_rule)0));
    assert_null(match_rule_name(MATCH_RULE_LIMIT));
    assert_string_equal(incident_state_name(INCIDENT_FALSE), "false");
    assert_string_equal(alarm_state_name(ALARM_CLEARING), "clearing");
    assert_string_equal(confidence_name(CONFIDENCE_LIKELY), "likely");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(incidents_come_back_as_they_were),
        cmocka_unit_test(an_incident_of_version_1_is_read),
        cmocka_unit_test(an_alarm_of_version_1_is_read),
        cmocka_unit_test(a_fire_of_version_1_is_read),
        cmocka_unit_test(damaged_incidents_are_refused_or_sane),
        cmocka_unit_test(members_come_back_as_they_were),
        cmocka_unit_test(a_member_of_version_1_is_read),
        cmocka_unit_test(names_are_the_api_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
