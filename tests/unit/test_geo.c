#include "core/region/geo.h"

#include <math.h>

#include "tests/unit/support.h"

static double apart_deg(struct position a, struct position b) {
    return fmax(fabs(a.lat_deg - b.lat_deg), fabs(a.lon_deg - b.lon_deg));
}

static void systems_have_codes(void **state) {
    (void)state;
    const struct {
        const char *code;
        enum crs crs;
    } codes[] = {
        {"wgs84", CRS_WGS84}, {"gcj02", CRS_GCJ02}, {"bd09", CRS_BD09}, {"cgcs2000", CRS_CGCS2000}};
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        enum crs crs = codes[(i + 1) % ARRAY_COUNT(codes)].crs;
        assert_true(crs_parse(&crs, slice_text(codes[i].code)));
        assert_int_equal(crs, codes[i].crs);
    }
    enum crs untouched = CRS_BD09;
    assert_false(crs_parse(&untouched, SLICE_LITERAL("WGS84")));
    assert_false(crs_parse(&untouched, SLICE_LITERAL("")));
    assert_int_equal(untouched, CRS_BD09);
}

/* Points that googollee/eviltransform publishes in its tests. */
static void gcj02_meets_the_published_points(void **state) {
    (void)state;
    const struct {
        struct position wgs84, gcj02;
    } points[] = {
        {{31.1774276, 121.5272106}, {31.17530398364597, 121.531541859215}},
        {{22.543847, 113.912316}, {22.540796131694766, 113.9171764808363}},
        {{39.911954, 116.377817}, {39.91334545536069, 116.38404722455657}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(points); i++) {
        assert_true(apart_deg(geo_from_wgs84(points[i].wgs84, CRS_GCJ02), points[i].gcj02) < 1e-9);
        assert_true(apart_deg(geo_to_wgs84(points[i].gcj02, CRS_GCJ02), points[i].wgs84) < 1e-9);
    }
}

/* wandergis/coordtransform's example both ways; its one-step inverse is good to about a metre. */
static void bd09_meets_the_published_points(void **state) {
    (void)state;
    struct position wgs84 = geo_to_wgs84((struct position){39.915, 116.404}, CRS_GCJ02);
    struct position bd09 = {39.92133699351022, 116.41036949371029};
    assert_true(apart_deg(geo_from_wgs84(wgs84, CRS_BD09), bd09) < 1e-9);
    struct position gcj02 =
        geo_from_wgs84(geo_to_wgs84((struct position){39.915, 116.404}, CRS_BD09), CRS_GCJ02);
    struct position published = {39.90865673957631, 116.39762729119315};
    assert_true(apart_deg(gcj02, published) < 1e-5);
}

static void round_trips_are_exact(void **state) {
    (void)state;
    for (double lat = 1.0; lat <= 55.0; lat += 0.77) {
        for (double lon = 73.0; lon <= 137.0; lon += 0.83) {
            struct position at = {lat, lon};
            struct position gcj02 = geo_from_wgs84(at, CRS_GCJ02);
            assert_true(apart_deg(geo_to_wgs84(gcj02, CRS_GCJ02), at) < 1e-8);
            struct position bd09 = geo_from_wgs84(at, CRS_BD09);
            assert_true(apart_deg(geo_to_wgs84(bd09, CRS_BD09), at) < 1e-8);
            double offset_m = geo_distance_m(at, gcj02);
            assert_true(offset_m > 1.0 && offset_m < 2000.0);
        }
    }
}

static void outside_china_nothing_moves(void **state) {
    (void)state;
    const struct position points[] = {{39.7392, -104.9903}, {-33.86, 151.21}, {60.0, 100.0},
                                      {0.0, 0.0},           {90.0, 180.0},    {20.0, 72.0039}};
    for (size_t i = 0; i < ARRAY_COUNT(points); i++) {
        assert_true(apart_deg(geo_from_wgs84(points[i], CRS_GCJ02), points[i]) == 0.0);
        assert_true(apart_deg(geo_to_wgs84(points[i], CRS_GCJ02), points[i]) == 0.0);
        assert_true(apart_deg(geo_to_wgs84(points[i], CRS_CGCS2000), points[i]) == 0.0);
        assert_true(apart_deg(geo_from_wgs84(points[i], CRS_WGS84), points[i]) == 0.0);
    }
}

static void positions_stay_on_the_globe(void **state) {
    (void)state;
    for (double lat = -90.0; lat <= 90.0; lat += 7.5) {
        for (double lon = -180.0; lon <= 180.0; lon += 7.5) {
            struct position to = geo_to_wgs84((struct position){lat, lon}, CRS_BD09);
            assert_true(fabs(to.lat_deg) <= 90.0 && fabs(to.lon_deg) <= 180.0);
            to = geo_from_wgs84((struct position){lat, lon}, CRS_BD09);
            assert_true(fabs(to.lat_deg) <= 90.0 && fabs(to.lon_deg) <= 180.0);
        }
    }
}

static void distances_are_on_the_sphere(void **state) {
    (void)state;
    const double half_turn_m = 3.14159265358979323846 * 6371008.8;
    struct position pole = {90.0, 0.0};
    struct position other_pole = {-90.0, 77.0};
    assert_true(fabs(geo_distance_m(pole, other_pole) - half_turn_m) < 0.001);
    struct position west = {0.0, -179.5};
    struct position east = {0.0, 179.5};
    assert_true(fabs(geo_distance_m(west, east) - half_turn_m / 180.0) < 0.001);
    assert_true(geo_distance_m(east, east) == 0.0);
    /* eviltransform: 1,078,164 m from Shanghai to Beijing on a sphere of 6,378,137 m. */
    struct position shanghai = {31.17530398364597, 121.531541859215};
    struct position beijing = {39.91334545536069, 116.38404722455657};
    double scaled_m = geo_distance_m(shanghai, beijing) * 6378137.0 / 6371008.8;
    assert_true(fabs(scaled_m - 1078164.0) < 1.0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(systems_have_codes),
        cmocka_unit_test(gcj02_meets_the_published_points),
        cmocka_unit_test(bd09_meets_the_published_points),
        cmocka_unit_test(round_trips_are_exact),
        cmocka_unit_test(outside_china_nothing_moves),
        cmocka_unit_test(positions_stay_on_the_globe),
        cmocka_unit_test(distances_are_on_the_sphere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
