#include "core/incident/fire_shape.h"
#include "tests/unit/support_incident.h"

#include <math.h>

static struct world world;

static int setup(void **state) {
    (void)state;
    world_open(&world, 1000);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    world_close(&world);
    return 0;
}

struct spot {
    double north_m, east_m;
};

/* A camera at `mast` that looks at `at`. Each has a name of its own. */
static struct sighting camera(struct spot mast, struct spot at, double cone_deg) {
    struct sighting sighting = world_report(&world, "forest_fire", mast.north_m, mast.east_m);
    sighting.in_grid = false;
    sighting.observation.kind = OBSERVER_CAMERA;
    sighting.observation.flags = OBSERVATION_BEARING;
    sighting.observation.azimuth_deg =
        (float)bearing_deg(sighting.position, world_place(at.north_m, at.east_m));
    sighting.observation.cone_deg = (float)cone_deg;
    return sighting;
}

static struct sighting pixel(enum observer_kind kind, struct spot at) {
    struct sighting sighting = world_report(&world, "forest_fire", at.north_m, at.east_m);
    sighting.in_grid = false;
    sighting.observation.kind = (uint8_t)kind;
    return sighting;
}

static double estimate_error_m(uint64_t number, struct spot at) {
    const struct incident *incident = world_incident(&world, number);
    assert_true((incident->flags & INCIDENT_LOCALISED) != 0);
    return geo_distance_m(incident->detail->fire.estimate, world_place(at.north_m, at.east_m));
}

static void three_masts_see_one_fire(void **state) {
    (void)state;
    const struct spot fire = {10000, 10000};
    uint64_t number = world_take(&world, camera((struct spot){0, 0}, fire, 4));
    assert_int_equal(world_incident(&world, number)->flags & INCIDENT_LOCALISED, 0);
    world.effects.now_ms += 5 * MINUTE_MS;
    assert_int_equal(world_take(&world, camera((struct spot){0, 20000}, fire, 4)), number);
    assert_int_equal(world.taken.match.rule, MATCH_SECTOR);
    assert_int_equal(world_events(&world, ENTRY_INCIDENT_LOCALISED, number), 1);
    assert_true(estimate_error_m(number, fire) < 300);
    world.effects.now_ms += 5 * MINUTE_MS;
    assert_int_equal(world_take(&world, camera((struct spot){22000, 9000}, fire, 4)), number);
    assert_int_equal(world.incidents.open_count, 1);
    assert_int_equal(world_incident(&world, number)->observers_count, 3);
    assert_int_equal(incident_confidence(world_incident(&world, number)), CONFIDENCE_LIKELY);
    assert_int_equal(world_events(&world, ENTRY_INCIDENT_LOCALISED, number), 1);
}

static void one_mast_is_one_observer_and_is_never_triangulated(void **state) {
    (void)state;
    const struct spot fire = {12000, 0};
    uint64_t number = world_take(&world, camera((struct spot){0, 0}, fire, 4));
    assert_int_equal(world_take(&world, camera((struct spot){0, 60}, (struct spot){12000, 500}, 4)),
                     number);
    assert_int_equal(world.taken.match.rule, MATCH_SAME_MAST);
    assert_int_equal(world_incident(&world, number)->observers_count, 1);
    assert_int_equal(world_incident(&world, number)->flags & INCIDENT_LOCALISED, 0);
    /* Sectors of the same mast that meet near it are two fires all the same. */
    assert_int_not_equal(
        world_take(&world, camera((struct spot){0, 60}, (struct spot){12000, -3000}, 4)), number);
}

static void two_masts_on_one_hill_two_fires_and_a_bearing_between(void **state) {
    (void)state;
    const struct spot west = {15000, -1500}, east = {15000, 1500};
    uint64_t first = world_take(&world, camera((struct spot){0, 0}, west, 5));
    uint64_t second = world_take(&world, camera((struct spot){0, 50}, east, 5));
    assert_int_not_equal(first, second);
    uint64_t bridged =
        world_take(&world, camera((struct spot){0, 20}, (struct spot){15000, -100}, 8));
    assert_true(bridged == first || bridged == second);
    assert_int_equal(world_events(&world, ENTRY_INCIDENT_SUGGESTED_MERGE, bridged), 1);
    assert_int_equal(world_events(&world, ENTRY_INCIDENT_MERGED, 0), 0);
    assert_int_equal(world.incidents.open_count, 2);
}

static void a_bearing_through_two_located_fires_merges_neither(void **state) {
    (void)state;
    const struct spot near = {15000, 0}, far = {18000, 0};
    const struct spot left = {15000, -12000}, right = {18000, 12000};
    uint64_t first = world_take(&world, pixel(OBSERVER_VIIRS, near));
    world_take(&world, camera(left, near, 3));
    uint64_t second = world_take(&world, pixel(OBSERVER_VIIRS, far));
    world_take(&world, camera(right, far, 3));
    assert_int_not_equal(first, second);
    assert_int_equal(world_incident(&world, first)->reports_count, 2);
    assert_int_equal(world_incident(&world, second)->reports_count, 2);
    assert_int_equal(world_take(&world, camera((struct spot){0, 0}, far, 3)), first);
    assert_int_equal(world.taken.match.alternatives[0].incident, second);
    assert_int_equal(world_events(&world, ENTRY_INCIDENT_SUGGESTED_MERGE, first), 1);
    assert_int_equal(world.incidents.open_count, 2);
}

static void a_satellite_pixel_ten_hours_late_joins_and_pages_nobody(void **state) {
    (void)state;
    const struct spot fire = {0, 0};
    uint64_t number = world_take(&world, camera((struct spot){-9000, 0}, fire, 3));
    world.effects.now_ms += 10 * MINUTE_MS;
    assert_int_equal(world_take(&world, camera((struct spot){0, -9000}, fire, 3)), number);
    int64_t seen_ms = world.effects.now_ms;
    world.effects.now_ms += 10 * HOUR_MS;
    struct sighting late = pixel(OBSERVER_VIIRS, (struct spot){300, 0});
    late.occurred_ms = seen_ms - 5 * MINUTE_MS;
    late.severity = SEVERITY_EXTREME;
    assert_int_equal(world_take(&world, late), number);
    assert_int_equal(world.taken.match.rule, MATCH_DISC);
    assert_true(world.taken.late);
    assert_int_equal(world.taken.repage, 0);
    assert_int_equal(world_incident(&world, number)->last_seen_ms, seen_ms);
    /* Polar orbits: 12 hours apart is the same fire, more is another one. */
    struct sighting pass = pixel(OBSERVER_VIIRS, (struct spot){0, 300});
    assert_int_equal(world_take(&world, pass), number);
    world.effects.now_ms += 13 * HOUR_MS;
    assert_int_not_equal(world_take(&world, pixel(OBSERVER_VIIRS, fire)), number);
}

static void windows_are_by_kind(void **state) {
    (void)state;
    const struct {
        enum observer_kind kind;
        int64_t window_ms;
    } kinds[] = {{OBSERVER_CAMERA, 30 * MINUTE_MS},
                 {OBSERVER_PERSON, 60 * MINUTE_MS},
                 {OBSERVER_GEOSTATIONARY, 60 * MINUTE_MS},
                 {OBSERVER_MODIS, 12 * HOUR_MS}};
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        struct spot at = {60000.0 * (double)i, 0};
        bool is_camera = kinds[i].kind == OBSERVER_CAMERA;
        struct sighting sighting =
            is_camera ? camera(at, (struct spot){at.north_m, 9000}, 3) : pixel(kinds[i].kind, at);
        uint64_t number = world_take(&world, sighting);
        sighting.occurred_ms = sighting.received_ms = world.effects.now_ms += kinds[i].window_ms;
        assert_int_equal(world_take(&world, sighting), number);
        sighting.occurred_ms = sighting.received_ms = world.effects.now_ms +=
            kinds[i].window_ms + 1000;
        assert_int_not_equal(world_take(&world, sighting), number);
    }
}

static void discs_reach_as_far_as_their_kind_sees(void **state) {
    (void)state;
    const struct {
        enum observer_kind kind;
        float accuracy_m;
        double joins_m, opens_m;
    } discs[] = {
        {OBSERVER_VIIRS, 0, 450, 500},
        {OBSERVER_MODIS, 0, 1050, 1150},
        {OBSERVER_RANGER, 0, 180, 220},
        {OBSERVER_PERSON, 0, 580, 620},
        {OBSERVER_PERSON, 1500, 1580, 1650},
        {OBSERVER_GEOSTATIONARY, 0, 3900, 4200},
        {OBSERVER_GEOSTATIONARY, 2500, 2400, 2700},
    };
    for (size_t i = 0; i < ARRAY_COUNT(discs); i++) {
        double north_m = 60000.0 * (double)i;
        uint64_t number = world_take(&world, pixel(OBSERVER_RANGER, (struct spot){north_m, 0}));
        struct sighting seen = pixel(discs[i].kind, (struct spot){north_m, discs[i].opens_m});
        seen.observation.accuracy_m = discs[i].accuracy_m;
        assert_int_not_equal(world_take(&world, seen), number);
        seen = pixel(discs[i].kind, (struct spot){north_m, -discs[i].joins_m});
        seen.observation.accuracy_m = discs[i].accuracy_m;
        assert_int_equal(world_take(&world, seen), number);
        assert_true(estimate_error_m(number, (struct spot){north_m, 0}) < 1);
    }
}

static void figures_are_the_policys_in_force(void **state) {
    (void)state;
    static struct policy other;
    const struct spot fire = {0, 0};
    other = world.policy;
    other.fire.observers[OBSERVER_VIIRS].window_s = 3600;
    other.fire.observers[OBSERVER_VIIRS].radius_m = 1500;
    other.fire.rekindle_m = 100;
    uint64_t number = world_take(&world, pixel(OBSERVER_VIIRS, fire));
    uint64_t apart = world_take(&world, pixel(OBSERVER_VIIRS, (struct spot){1000, 0}));
    assert_int_not_equal(apart, number);
    assert_int_equal(incidents_close(&world.incidents, apart, INCIDENT_FALSE, &world.effects),
                     STATUS_OK);
    incidents_adopt(&world.incidents, &other);
    assert_int_equal(world_take(&world, pixel(OBSERVER_VIIRS, (struct spot){1000, 0})), number);
    world.effects.now_ms += HOUR_MS;
    assert_int_equal(world_take(&world, pixel(OBSERVER_VIIRS, fire)), number);
    world.effects.now_ms += HOUR_MS + 1000;
    uint64_t next = world_take(&world, pixel(OBSERVER_VIIRS, fire));
    assert_int_not_equal(next, number);
    const struct spot elsewhere = {50000, 0};
    number = world_take(&world, pixel(OBSERVER_RANGER, elsewhere));
    assert_int_equal(incidents_close(&world.incidents, number, INCIDENT_HANDLED, &world.effects),
                     STATUS_OK);
    world.effects.now_ms += 2 * HOUR_MS;
    assert_int_not_equal(world_take(&world, pixel(OBSERVER_RANGER, (struct spot){50400, 0})),
                         number);
    incidents_adopt(&world.incidents, &world.policy);
    assert_int_equal(world_take(&world, pixel(OBSERVER_RANGER, (struct spot){49600, 0})), number);
    assert_int_equal(world.taken.match.rule, MATCH_REKINDLE);
}

static void a_fire_that_was_out_rekindles_within_a_day_and_500_m(void **state) {
    (void)state;
    const struct spot fire = {0, 0};
    uint64_t number = world_take(&world, pixel(OBSERVER_RANGER, fire));
    world.policy.categories[3].priority = 2;
    uint64_t other = world_take(&world, pixel(OBSERVER_RANGER, (struct spot){50000, 0}));
    assert_int_equal(incidents_close(&world.incidents, number, INCIDENT_HANDLED, &world.effects),
                     STATUS_OK);
    assert_int_equal(incidents_close(&world.incidents, other, INCIDENT_HANDLED, &world.effects),
                     STATUS_OK);
    world.effects.now_ms += 23 * HOUR_MS;
    assert_int_not_equal(world_take(&world, pixel(OBSERVER_RANGER, (struct spot){560, 0})), number);
    assert_int_equal(world_take(&world, pixel(OBSERVER_RANGER, (struct spot){0, 480})), number);
    assert_int_equal(world.taken.outcome, OUTCOME_REOPENED);
    assert_int_equal(world.taken.match.rule, MATCH_REKINDLE);
    assert_int_equal(
        world_take(&world, camera((struct spot){50000, 8000}, (struct spot){50000, 0}, 2)), other);
    assert_int_equal(world.taken.match.rule, MATCH_REKINDLE);
    const struct incident *incident = world_incident(&world, other);
    assert_int_equal(incident->priority, 1);
    assert_true((incident->flags & INCIDENT_REKINDLED) != 0);
    assert_int_equal(incidents_close(&world.incidents, number, INCIDENT_HANDLED, &world.effects),
                     STATUS_OK);
    world.effects.now_ms += 24 * HOUR_MS + 1000;
    assert_int_not_equal(world_take(&world, pixel(OBSERVER_RANGER, fire)), number);
}

static void a_village_name_must_do_where_there_is_no_place(void **state) {
    (void)state;
    struct sighting call = pixel(OBSERVER_PERSON, (struct spot){0, 0});
    call.in_grid = true;
    call.has_position = false;
    uint64_t number = world_take(&world, call);
    assert_int_equal(world_incident(&world, number)->flags & INCIDENT_LOCALISED, 0);
    struct sighting seen = pixel(OBSERVER_RANGER, (struct spot){700, 0});
    seen.in_grid = true;
    assert_int_equal(world_take(&world, seen), number);
    assert_int_equal(world_events(&world, ENTRY_INCIDENT_LOCALISED, number), 1);
    assert_true(estimate_error_m(number, (struct spot){700, 0}) < 1);
    assert_int_equal(incident_confidence(world_incident(&world, number)), CONFIDENCE_OBSERVED);
    call.region = 8;
    assert_int_not_equal(world_take(&world, call), number);
}

static void two_located_fires_merge_by_rule_only_with_two_observers_each(void **state) {
    (void)state;
    const struct spot a = {0, 0}, b = {0, 1200};
    uint64_t first = world_take(&world, pixel(OBSERVER_RANGER, a));
    uint64_t second = world_take(&world, pixel(OBSERVER_RANGER, b));
    assert_int_not_equal(first, second);
    assert_int_equal(world_take(&world, pixel(OBSERVER_RANGER, (struct spot){0, -100})), first);
    assert_int_equal(world_events(&world, ENTRY_INCIDENT_MERGED, 0), 0);
    assert_int_equal(world_take(&world, pixel(OBSERVER_RANGER, (struct spot){0, 1300})), second);
    assert_int_equal(world.taken.merged, second);
    assert_int_equal(world.taken.merged_survivor, first);
    assert_non_null(strstr(world_last(&world, ENTRY_INCIDENT_MERGED)->json, "\"by\":\"rule\""));
    assert_int_equal(incidents_resolve(&world.incidents, second)->number, first);
    assert_int_equal(world_incident(&world, first)->reports_count, 4);
    /* Beyond the gate they stay two. */
    uint64_t third = world_take(&world, pixel(OBSERVER_RANGER, (struct spot){0, 3500}));
    assert_int_equal(world_take(&world, pixel(OBSERVER_RANGER, (struct spot){0, 3600})), third);
    assert_int_equal(world.taken.merged, 0);
}

/* Whether two sectors meet, by trying points all over the first one. */
static bool meet_by_points(const struct sight *a, const struct sight *b, double slack_m) {
    for (double share = 0.0; share <= 1.0; share += 0.004) {
        double distance_m = 500 + share * ((double)a->range_m - 500);
        for (double side = -1.0; side <= 1.0; side += 0.1) {
            double azimuth =
                ((double)a->azimuth_deg + side * (double)a->half_cone_deg) / 57.29577951308232;
            double lat_deg = a->position.lat_deg + distance_m * cos(azimuth) / 111194.93;
            struct position at = {lat_deg, a->position.lon_deg +
                                               distance_m * sin(azimuth) /
                                                   (111194.93 * cos(34.0 / 57.29577951308232))};
            if (sight_distance_m(b, at) <= slack_m) {
                return true;
            }
        }
    }
    return false;
}

static void sectors_meet_where_points_say_so(void **state) {
    (void)state;
    uint64_t random = 3;
    int met = 0;
    int missed = 0;
    for (int i = 0; i < 400; i++) {
        struct sight sights[2];
        for (int j = 0; j < 2; j++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            sights[j] = (struct sight){.position = world_place((double)(random >> 40 & 0x3fff),
                                                               (double)(random >> 20 & 0x3fff)),
                                       .azimuth_deg = (float)(random >> 54) * 360.0F / 1024.0F,
                                       .half_cone_deg = 2.0F + (float)(random >> 60),
                                       .range_m = 8000,
                                       .kind = OBSERVER_CAMERA};
        }
        struct position centre;
        double radius_m;
        bool meets = sectors_meet(&sights[0], &sights[1], &centre, &radius_m);
        if (meets) {
            met++;
            assert_true(meet_by_points(&sights[0], &sights[1], 150));
            assert_true(sight_distance_m(&sights[0], centre) < 60);
            assert_true(sight_distance_m(&sights[1], centre) < 60);
        } else {
            missed++;
            assert_false(meet_by_points(&sights[0], &sights[1], 0) &&
                         meet_by_points(&sights[1], &sights[0], 0));
        }
    }
    assert_true(met > 50 && missed > 50);
}

static void directions(void **state) {
    (void)state;
    struct position here = world_place(0, 0);
    assert_true(azimuth_difference_deg(bearing_deg(here, world_place(1000, 0)), 0) < 0.01);
    assert_true(azimuth_difference_deg(bearing_deg(here, world_place(0, 1000)), 90) < 0.01);
    assert_true(azimuth_difference_deg(bearing_deg(here, world_place(-1000, -1000)), 225) < 0.1);
    assert_true(fabs(azimuth_difference_deg(350, 10) - 20) < 1e-9);
    assert_true(fabs(azimuth_difference_deg(-90, 270)) < 1e-9);
}

static void sights_from_hostile_numbers_stay_in_bounds(void **state) {
    (void)state;
    const float values[] = {0, -5, 1e30F, 359.999F, 720, -1e30F};
    for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
        for (size_t j = 0; j < ARRAY_COUNT(values); j++) {
            for (unsigned kind = 0; kind < OBSERVER_COUNT; kind++) {
                struct sighting sighting = pixel((enum observer_kind)kind, (struct spot){0, 0});
                sighting.observation.flags = (uint8_t)(i % 2 == 0 ? OBSERVATION_BEARING : 0);
                sighting.observation.azimuth_deg = values[i];
                sighting.observation.cone_deg = values[j];
                sighting.observation.range_km = values[j];
                sighting.observation.accuracy_m = values[j];
                struct sight sight;
                if (sight_of(&sight, &sighting, &world.policy.fire)) {
                    assert_true(sight.azimuth_deg >= 0 && sight.azimuth_deg <= 360);
                    assert_true(sight.half_cone_deg >= 0 && sight.half_cone_deg <= 60);
                    assert_true(sight.range_m >= 100 && sight.range_m <= FIRE_SECTOR_M_MAX);
                }
                world_take(&world, sighting);
            }
        }
    }
    world_restart(&world);
    assert_true(world.incidents.count > 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(three_masts_see_one_fire),
        TEST(one_mast_is_one_observer_and_is_never_triangulated),
        TEST(two_masts_on_one_hill_two_fires_and_a_bearing_between),
        TEST(a_bearing_through_two_located_fires_merges_neither),
        TEST(a_satellite_pixel_ten_hours_late_joins_and_pages_nobody),
        TEST(windows_are_by_kind),
        TEST(discs_reach_as_far_as_their_kind_sees),
        TEST(figures_are_the_policys_in_force),
        TEST(a_fire_that_was_out_rekindles_within_a_day_and_500_m),
        TEST(a_village_name_must_do_where_there_is_no_place),
        TEST(two_located_fires_merge_by_rule_only_with_two_observers_each),
        TEST(sectors_meet_where_points_say_so),
        TEST(directions),
        TEST(sights_from_hostile_numbers_stay_in_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
