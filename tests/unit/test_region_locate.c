#include "core/region/region.h"
#include "tests/unit/support.h"
#include "tests/unit/support_region.h"

static struct support_upload upload;
static uint64_t random_state = 11;

static double random_between(double low, double high) {
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return low + (high - low) * (double)(random_state >> 11) * 0x1p-53;
}

static uint32_t locate_by_looking_at_all(const struct region_table *table, struct position position,
                                         double within_m) {
    uint32_t best = REGION_NONE;
    double best_m = within_m;
    for (uint32_t id = 0; id < region_count(table); id++) {
        struct region region = region_get(table, id);
        if (region.children_count > 0 || !region.has_position) {
            continue;
        }
        double distance_m = geo_distance_m(position, region.position);
        if (distance_m < best_m || (distance_m == best_m && best == REGION_NONE)) {
            best = id;
            best_m = distance_m;
        }
    }
    return best;
}

/* Places where cells are hard: their borders, narrow ones, the antimeridian, the poles. */
static const struct area {
    double lat_low, lat_high, lon_low, lon_high;
} areas[] = {
    {35.0, 35.3, 107.6, 107.9}, {-0.1, 0.1, -0.1, 0.1},   {70, 70.3, 179.5, 180},
    {70, 70.3, -180, -179.5},   {-17, -16.7, 179.8, 180}, {-17, -16.7, -180, -179.8},
    {89.5, 90, -180, 180},      {-90, -89.7, -180, 180},  {84.9, 85.1, -1, 1},
};

static struct position random_position(void) {
    const struct area *area = &areas[(size_t)random_between(0, ARRAY_COUNT(areas))];
    struct position position = {random_between(area->lat_low, area->lat_high),
                                random_between(area->lon_low, area->lon_high)};
    if (random_between(0, 4) < 1) { /* exactly on a cell's corner */
        position.lat_deg = (double)(int)(position.lat_deg * 20) / 20;
        position.lon_deg = (double)(int)(position.lon_deg * 20) / 20;
    }
    return position;
}

static struct region_table *random_table(void **ret_memory, int count) {
    char code[16];
    support_upload_add_at(&upload, "root", "", 0, (struct position){35.1, 107.7});
    for (int i = 0; i < count; i++) {
        snprintf(code, sizeof code, "g%d", i);
        if (i % 10 == 0) {
            support_upload_add(&upload, code, "root", 1);
        } else {
            support_upload_add_at(&upload, code, "root", 1, random_position());
        }
    }
    return support_table(ret_memory, NULL, &upload);
}

static void the_nearest_is_found_everywhere(void **state) {
    (void)state;
    void *memory;
    struct region_table *table = random_table(&memory, 1500);
    const double withins_m[] = {0, 50, 500, 3000, 30000, 100000};
    size_t hits = 0, misses = 0;
    for (int i = 0; i < 3000; i++) {
        struct position position = random_position();
        double within_m = withins_m[i % (int)ARRAY_COUNT(withins_m)];
        uint32_t expected = locate_by_looking_at_all(table, position, within_m);
        uint32_t found = region_locate(table, position, within_m);
        if (found != expected) {
            fail_msg("%.9f,%.9f within %.0f: %u, not %u", position.lat_deg, position.lon_deg,
                     within_m, found, expected);
        }
        hits += found != REGION_NONE;
        misses += found == REGION_NONE;
    }
    assert_true(hits > 500 && misses > 100);
    free(memory);
}

static void the_radius_is_kept(void **state) {
    (void)state;
    void *memory;
    struct position grid = {35.2, 107.8}, near = {35.21, 107.81};
    support_upload_add_at(&upload, "a", "", 0, grid);
    struct region_table *table = support_table(&memory, NULL, &upload);
    double distance_m = geo_distance_m(grid, near);
    assert_int_equal(region_locate(table, near, distance_m), 0);
    assert_int_equal(region_locate(table, near, distance_m - 0.001), REGION_NONE);
    assert_int_equal(region_locate(table, grid, 0), 0);
    free(memory);
}

static void ties_go_to_the_lower_id(void **state) {
    (void)state;
    void *memory;
    support_upload_add_at(&upload, "z", "", 0, (struct position){10.5, 20.5});
    support_upload_add_at(&upload, "a", "", 0, (struct position){10.5, 20.5});
    support_upload_add_at(&upload, "b", "", 0, (struct position){10, 180});
    struct region_table *table = support_table(&memory, NULL, &upload);
    assert_int_equal(region_locate(table, (struct position){10.5001, 20.5001}, 3000), 0);
    assert_int_equal(region_locate(table, (struct position){10, -180}, 3000), 2);
    assert_int_equal(region_locate(table, (struct position){10, 180}, 3000), 2);
    free(memory);
}

static void only_leaves_with_a_position_count(void **state) {
    (void)state;
    void *memory;
    struct position here = {30, 100};
    support_upload_add_at(&upload, "p", "", 0, here);
    support_upload_add(&upload, "q", "p", 1);
    struct region_table *table = support_table(&memory, NULL, &upload);
    assert_int_equal(region_locate(table, here, 100000), REGION_NONE);
    free(memory);
}

static int upload_drop(void **state) {
    (void)state;
    support_upload_free(&upload);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearest_is_found_everywhere),
        cmocka_unit_test(the_radius_is_kept),
        cmocka_unit_test(ties_go_to_the_lower_id),
        cmocka_unit_test(only_leaves_with_a_position_count),
    };
    return cmocka_run_group_tests(tests, NULL, upload_drop);
}
