/* The gcj02 series is that of the public project googollee/eviltransform, which names
 * on4wp7.codeplex.com and emq.googlecode.com as where it was first published; the bounding box is
 * its too. The bd09 offset, with its waves of pi * 3000 / 180, is wandergis/coordtransform's. The
 * ellipsoid is Krasovsky 1940. */
#include "core/region/geo.h"

#include "core/base/check.h"

#include <math.h>

#define PI 3.14159265358979323846
#define DEG_TO_RAD (PI / 180.0)
#define KRASOVSKY_AXIS_M 6378245.0
#define KRASOVSKY_ECCENTRICITY_SQUARED 0.00669342162296594323
#define BD09_WAVE (PI * 3000.0 / 180.0)
#define EARTH_RADIUS_M 6371008.8

/* The offsets change by less than 4 % of a step, so each step wins more than a digit. */
enum { INVERSE_STEPS_MAX = 16 };
#define INVERSE_DONE_DEG 1e-11

static const char *const crs_names[] = {
    [CRS_WGS84] = "wgs84", [CRS_GCJ02] = "gcj02", [CRS_BD09] = "bd09", [CRS_CGCS2000] = "cgcs2000"};

bool crs_parse(enum crs *ret_crs, struct slice text) {
    for (size_t i = 0; i < ARRAY_COUNT(crs_names); i++) {
        if (slice_is(text, crs_names[i])) {
            *ret_crs = (enum crs)i;
            return true;
        }
    }
    return false;
}

static bool in_china_box(struct position at) {
    return at.lon_deg >= 72.004 && at.lon_deg <= 137.8347 && at.lat_deg >= 0.8293 &&
           at.lat_deg <= 55.8271;
}

/* 20 sin(pi v) + 40 sin(pi v / 3), a pair that the series has in both directions. */
static double short_waves(double v) {
    return 20.0 * sin(v * PI) + 40.0 * sin(v / 3.0 * PI);
}

/* The published series, in metres along the meridian and the parallel, turned into degrees. */
static struct position gcj02_offset(struct position at) {
    double x = at.lon_deg - 105.0;
    double y = at.lat_deg - 35.0;
    double common = 20.0 * sin(6.0 * x * PI) + 20.0 * sin(2.0 * x * PI);
    double root = sqrt(fabs(x));
    double north_waves =
        common + short_waves(y) + 160.0 * sin(y / 12.0 * PI) + 320.0 * sin(y / 30.0 * PI);
    double east_waves =
        common + short_waves(x) + 150.0 * sin(x / 12.0 * PI) + 300.0 * sin(x / 30.0 * PI);
    double north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root +
                     north_waves * 2.0 / 3.0;
    double east_m =
        300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + east_waves * 2.0 / 3.0;
    double lat_rad = at.lat_deg * DEG_TO_RAD;
    double flat = 1.0 - KRASOVSKY_ECCENTRICITY_SQUARED * sin(lat_rad) * sin(lat_rad);
    double meridian_m =
        KRASOVSKY_AXIS_M * (1.0 - KRASOVSKY_ECCENTRICITY_SQUARED) / (flat * sqrt(flat));
    double parallel_m = KRASOVSKY_AXIS_M / sqrt(flat) * cos(lat_rad);
    return (struct position){north_m / (meridian_m * DEG_TO_RAD),
                             east_m / (parallel_m * DEG_TO_RAD)};
}

static struct position gcj02_from_wgs84(struct position at) {
    if (!in_china_box(at)) {
        return at;
    }
    struct position offset = gcj02_offset(at);
    return (struct position){at.lat_deg + offset.lat_deg, at.lon_deg + offset.lon_deg};
}

static struct position wgs84_from_gcj02(struct position at) {
    if (!in_china_box(at)) {
        return at;
    }
    struct position guess = at;
    for (int step = 0; step < INVERSE_STEPS_MAX; step++) {
        struct position offset = gcj02_offset(guess);
        double lat_error = at.lat_deg - guess.lat_deg - offset.lat_deg;
        double lon_error = at.lon_deg - guess.lon_deg - offset.lon_deg;
        guess.lat_deg += lat_error;
        guess.lon_deg += lon_error;
        if (fabs(lat_error) + fabs(lon_error) < INVERSE_DONE_DEG) {
            break;
        }
    }
    return guess;
}

static struct position bd09_from_gcj02(struct position at) {
    double x = at.lon_deg;
    double y = at.lat_deg;
    double radius = sqrt(x * x + y * y) + 0.00002 * sin(y * BD09_WAVE);
    double angle = atan2(y, x) + 0.000003 * cos(x * BD09_WAVE);
    return (struct position){radius * sin(angle) + 0.006, radius * cos(angle) + 0.0065};
}

static struct position gcj02_from_bd09(struct position at) {
    struct position guess = {at.lat_deg - 0.006, at.lon_deg - 0.0065};
    for (int step = 0; step < INVERSE_STEPS_MAX; step++) {
        struct position there = bd09_from_gcj02(guess);
        double lat_error = at.lat_deg - there.lat_deg;
        double lon_error = at.lon_deg - there.lon_deg;
        guess.lat_deg += lat_error;
        guess.lon_deg += lon_error;
        if (fabs(lat_error) + fabs(lon_error) < INVERSE_DONE_DEG) {
            break;
        }
    }
    return guess;
}

/* An offset must not push a position over a pole or past the date line. */
static struct position on_the_globe(struct position at) {
    at.lat_deg = fmin(fmax(at.lat_deg, -90.0), 90.0);
    if (at.lon_deg < -180.0) {
        at.lon_deg += 360.0;
    } else if (at.lon_deg > 180.0) {
        at.lon_deg -= 360.0;
    }
    return at;
}

struct position geo_to_wgs84(struct position from, enum crs crs) {
    CHECK(fabs(from.lat_deg) <= 90.0 && fabs(from.lon_deg) <= 180.0);
    switch (crs) {
    case CRS_WGS84:
    case CRS_CGCS2000:
        return from;
    case CRS_GCJ02:
        return wgs84_from_gcj02(from);
    case CRS_BD09:
        return on_the_globe(wgs84_from_gcj02(gcj02_from_bd09(from)));
    }
    CHECK(false);
}

struct position geo_from_wgs84(struct position from, enum crs crs) {
    CHECK(fabs(from.lat_deg) <= 90.0 && fabs(from.lon_deg) <= 180.0);
    switch (crs) {
    case CRS_WGS84:
    case CRS_CGCS2000:
        return from;
    case CRS_GCJ02:
        return gcj02_from_wgs84(from);
    case CRS_BD09:
        return on_the_globe(bd09_from_gcj02(gcj02_from_wgs84(from)));
    }
    CHECK(false);
}

double geo_distance_m(struct position a, struct position b) {
    CHECK(fabs(a.lat_deg) <= 90.0 && fabs(b.lat_deg) <= 90.0);
    double lat = sin((b.lat_deg - a.lat_deg) * DEG_TO_RAD / 2.0);
    double lon = sin((b.lon_deg - a.lon_deg) * DEG_TO_RAD / 2.0);
    double cosines = cos(a.lat_deg * DEG_TO_RAD) * cos(b.lat_deg * DEG_TO_RAD);
    /* Rounding can carry the half chord of antipodes just past 1. */
    double half_chord = fmin(1.0, sqrt(lat * lat + cosines * lon * lon));
    return 2.0 * EARTH_RADIUS_M * asin(half_chord);
}
