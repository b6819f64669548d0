#include "core/incident/incidents_table.h"
#include "tests/unit/support_incident.h"

#include <math.h>

static struct world world;
static uint64_t random_state;

static double random_between(double least, double greatest) {
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return least + (greatest - least) * (double)(random_state >> 11) / 9007199254740992.0;
}

static struct incident *place(uint8_t class_index, struct position position) {
    struct incident *incident = incidents_slot_take(&world.incidents);
    assert_non_null(incident);
    incident->number = world.effects.next_seq++;
    incident->state = INCIDENT_OPEN;
    incident->class_index = class_index;
    incident->class_tag = world.incidents.classes[class_index].tag;
    incident->flags = INCIDENT_HAS_POSITION;
    incident->anchor = position;
    incident->due_ms = incident->armed_ms = INT64_MAX;
    incidents_index(&world.incidents, incident);
    return incident;
}

static size_t found_in_cells(uint8_t class_index, struct position centre, double radius_m,
                             bool *found) {
    struct cell_walk walk;
    size_t count = 0;
    struct cell cell;
    cell_walk_init(&walk, &world.incidents, class_index, false, centre, radius_m);
    while (cell_walk_next(&walk, &cell)) {
        uint64_t number = UINT64_MAX;
        struct place_cursor cursor;
        const struct place *place;
        place_cursor_init(&cursor, &world.incidents, cell);
        while ((place = place_cursor_next(&cursor)) != NULL) {
            uint32_t slot = place->slot;
            const struct incident *incident = &world.incidents.slots[slot];
            assert_true(incident->number < number); /* newest first */
            number = incident->number;
            struct place packed = place_pack(incident->anchor, slot);
            assert_memory_equal(place, &packed, sizeof packed);
            assert_false(found[slot]); /* no cell twice */
            found[slot] = true;
            count++;
        }
    }
    return count;
}

/* Everything within the radius is among what the cells give; checked against looking at all. */
static void check_against_all(uint8_t class_index, struct position centre, double radius_m) {
    static bool found[4096];
    memset(found, 0, sizeof found);
    found_in_cells(class_index, centre, radius_m, found);
    for (uint32_t slot = 0; slot < world.incidents.slots_used; slot++) {
        const struct incident *incident = &world.incidents.slots[slot];
        bool is_near = incident->number != 0 && incident->class_index == class_index &&
                       geo_distance_m(incident->anchor, centre) <= radius_m;
        if (is_near && !found[slot]) {
            fail_msg("%.7f %.7f is %.1f m from %.7f %.7f and was not found",
                     incident->anchor.lat_deg, incident->anchor.lon_deg,
                     geo_distance_m(incident->anchor, centre), centre.lat_deg, centre.lon_deg);
        }
        assert_false(found[slot] && incident->class_index != class_index);
    }
}

static void cells_give_what_is_near_everywhere_on_earth(void **state) {
    (void)state;
    const struct position towns[] = {{34, 108},       {0, 0},      {-33.9, 18.4}, {89.9995, 10},
                                     {-89.999, 0},    {64.7, 180}, {-16.8, -180}, {52.3, 179.9995},
                                     {71.2, -0.0001}, {90, 0},     {-90, 55}};
    for (size_t town = 0; town < ARRAY_COUNT(towns); town++) {
        world_open(&world, 4096);
        random_state = town + 1;
        double lat_span = 0.02;
        double lon_span = fmin(180, 0.02 / fmax(1e-4, cos(towns[town].lat_deg / 57.2957795)));
        struct position at[600];
        for (size_t i = 0; i < ARRAY_COUNT(at); i++) {
            double lon = towns[town].lon_deg + random_between(-lon_span, lon_span);
            at[i].lat_deg =
                fmin(90, fmax(-90, towns[town].lat_deg + random_between(-lat_span, lat_span)));
            at[i].lon_deg = lon > 180 ? lon - 360 : lon < -180 ? lon + 360 : lon;
            place((uint8_t)(i % 3), at[i]);
        }
        for (size_t i = 0; i < 200; i++) {
            check_against_all((uint8_t)(i % 3), at[i * 3], random_between(1, 800));
        }
        world_close(&world);
    }
}

/* Inserting, moving and removing at random leaves each index with exactly what belongs in it. */
static void indexes_hold_what_belongs_into_them(void **state) {
    (void)state;
    world_open(&world, 512);
    random_state = 42;
    static struct incident *alive[512];
    size_t count = 0;
    for (int step = 0; step < 20000; step++) {
        double choice = random_between(0, 1);
        if (choice < 0.5 && count < 512) {
            struct incident *incident =
                place(0, world_place(random_between(0, 900), random_between(0, 900)));
            incident->region = (uint32_t)random_between(0, 5);
            incident->asset = (uint64_t)random_between(0, 40);
            incident->flags |= INCIDENT_IN_GRID;
            incidents_index(&world.incidents, incident);
            alive[count++] = incident;
        } else if (count > 0) {
            size_t which = (size_t)random_between(0, (double)count);
            if (choice < 0.75) {
                alive[which]->anchor = world_place(random_between(0, 900), random_between(0, 900));
                alive[which]->region = (uint32_t)random_between(0, 5);
                incidents_index(&world.incidents, alive[which]);
            } else {
                incidents_unindex(&world.incidents, alive[which]);
                incidents_slot_free(&world.incidents, alive[which]);
                alive[which] = alive[--count];
            }
        }
        if (step % 500 != 0) {
            continue;
        }
        for (uint32_t region = 0; region < 5; region++) {
            size_t listed = 0, expected = 0;
            uint64_t key = incidents_region_key(world.incidents.classes[0].tag, region);
            for (struct incident *incident = incidents_first(&world.incidents, INDEX_REGION, key);
                 incident != NULL;
                 incident = incidents_after(&world.incidents, INDEX_REGION, incident)) {
                assert_int_equal(incident->region, region);
                listed++;
            }
            for (size_t i = 0; i < count; i++) {
                expected += alive[i]->region == region ? 1 : 0;
            }
            assert_int_equal(listed, expected);
        }
        for (size_t i = 0; i < count; i++) {
            assert_ptr_equal(incidents_lookup(&world.incidents, alive[i]->number), alive[i]);
            check_against_all(0, alive[i]->anchor, 10);
        }
    }
    assert_int_equal(world.incidents.count, count);
    world_close(&world);
}

/* Numbers in any order, as a reopened or taken apart incident comes back: blocks are split, emptied
 * and found again, and the cells stay ordered. */
static void blocks_keep_the_order_of_numbers(void **state) {
    (void)state;
    world_open(&world, 512);
    random_state = 9;
    static struct incident *alive[512];
    static bool found[4096];
    size_t count = 0;
    uint64_t next = 1;
    for (int step = 0; step < 20000; step++) {
        if (count < 400 && random_between(0, 1) < 0.52) {
            struct incident *incident = incidents_slot_take(&world.incidents);
            assert_non_null(incident);
            /* 48271 generates all below a prime. */
            incident->number = next = next * 48271 % 2147483647;
            incident->state = INCIDENT_OPEN;
            incident->class_tag = world.incidents.classes[0].tag;
            incident->flags = INCIDENT_HAS_POSITION;
            incident->anchor = world_place(random_between(0, 600), random_between(0, 300));
            incident->due_ms = incident->armed_ms = INT64_MAX;
            incidents_index(&world.incidents, incident);
            alive[count++] = incident;
        } else if (count > 0) {
            size_t which = (size_t)random_between(0, (double)count);
            incidents_unindex(&world.incidents, alive[which]);
            incidents_slot_free(&world.incidents, alive[which]);
            alive[which] = alive[--count];
        }
        if (step % 100 == 0) {
            memset(found, 0, sizeof found);
            assert_int_equal(found_in_cells(0, world_place(300, 150), 2000, found), count);
        }
    }
    while (count > 0) {
        incidents_unindex(&world.incidents, alive[--count]);
    }
    memset(found, 0, sizeof found);
    assert_int_equal(found_in_cells(0, world_place(300, 150), 2000, found), 0);
    world_close(&world);
}

/* What is near comes nearest first, all of it, with a bound that is close and never too much. */
static void near_places_come_nearest_first(void **state) {
    (void)state;
    const struct position towns[] = {{34, 108}, {0, 179.9999}, {-84.99, 12}, {89.99, 10}};
    static struct near near;
    for (size_t town = 0; town < ARRAY_COUNT(towns); town++) {
        world_open(&world, 4096);
        random_state = town + 1;
        for (size_t i = 0; i < 60; i++) {
            double lon = towns[town].lon_deg + random_between(-0.01, 0.01);
            place(0, (struct position){fmin(90, towns[town].lat_deg + random_between(-0.01, 0.01)),
                                       lon > 180 ? lon - 360 : lon});
        }
        for (int i = 0; i < 50; i++) {
            struct position centre = {towns[town].lat_deg, towns[town].lon_deg};
            double reach_m = random_between(1, 250);
            bool is_polar = fabs(centre.lat_deg) > 84;
            size_t expected = 0, given = 0;
            for (uint32_t slot = 0; slot < world.incidents.slots_used; slot++) {
                expected += geo_distance_m(world.incidents.slots[slot].anchor, centre) <= reach_m;
            }
            near_init(&near, &world.incidents, 0, centre, reach_m);
            while (near_fill(&near)) {
                struct near_place at;
                double last_m = 0;
                while (near_next(&near, &at)) {
                    double distance_m =
                        geo_distance_m(world.incidents.slots[at.slot].anchor, centre);
                    assert_true((double)at.least_m >= last_m && (double)at.least_m <= distance_m);
                    assert_true(is_polar || (double)at.least_m >= distance_m * 0.997 - 0.04);
                    last_m = (double)at.least_m;
                    given += distance_m <= reach_m;
                }
            }
            assert_int_equal(given, expected);
        }
        world_close(&world);
    }
}

static void a_report_finds_what_looking_at_all_finds(void **state) {
    (void)state;
    world_open(&world, 4096);
    random_state = 5;
    size_t joined = 0;
    for (int i = 0; i < 2500; i++) {
        struct sighting report =
            world_report(&world, "pothole", random_between(0, 2500), random_between(0, 2500));
        double best_m = INFINITY;
        uint64_t best = 0;
        for (uint32_t slot = 0; slot < world.incidents.slots_used; slot++) {
            const struct incident *incident = &world.incidents.slots[slot];
            double distance_m = geo_distance_m(incident->anchor, report.position);
            if (distance_m <= 50 && distance_m < best_m &&
                incident_spread_with(incident, report.position) <= 100) {
                best_m = distance_m;
                best = incident->number;
            }
        }
        uint64_t number = world_take(&world, report);
        if (best == 0) {
            assert_int_equal(world.taken.outcome, OUTCOME_OPENED);
        } else if (number != best) {
            /* Scores are whole thousandths: only a tie may go the other way. */
            double other_m =
                geo_distance_m(world_incident(&world, number)->anchor, report.position);
            assert_true(world.taken.outcome == OUTCOME_JOINED && other_m - best_m <= 0.1);
        }
        joined += best != 0 ? 1 : 0;
    }
    assert_true(joined > 1000);
    world_close(&world);
}

static void only_so_many_of_a_crowd_are_looked_at(void **state) {
    (void)state;
    world_open(&world, 4096);
    for (uint64_t i = 0; i < CANDIDATES_MAX + 1; i++) {
        struct sighting lamp = world_report(&world, "pothole", 0, 0);
        lamp.observation.asset = 1 + i;
        world_take(&world, lamp);
        assert_int_equal(world.taken.outcome, OUTCOME_OPENED);
    }
    /* The oldest is the best match of all, but one too far down the list. */
    uint64_t oldest = 1001;
    world_take(&world, world_report(&world, "pothole", 0, 0));
    assert_int_equal(world.taken.outcome, OUTCOME_JOINED);
    assert_int_not_equal(world.taken.incident, oldest);
    struct sighting named = world_report(&world, "pothole", 0, 0);
    named.observation.asset = 1;
    assert_int_equal(world_take(&world, named), oldest);
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_give_what_is_near_everywhere_on_earth),
        cmocka_unit_test(indexes_hold_what_belongs_into_them),
        cmocka_unit_test(blocks_keep_the_order_of_numbers),
        cmocka_unit_test(near_places_come_nearest_first),
        cmocka_unit_test(a_report_finds_what_looking_at_all_finds),
        cmocka_unit_test(only_so_many_of_a_crowd_are_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
