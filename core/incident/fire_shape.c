#include "core/incident/fire_shape.h"

#include <math.h>

#define PI 3.14159265358979323846
#define DEG_TO_RAD (PI / 180.0)
#define EARTH_RADIUS_M 6371008.8

#define RANGE_M_MIN (FIRE_SECTOR_M_MIN / 2.0) /* nearer than that a camera does not tell */
/* A camera that does not say its cone has a narrow one. */
#define HALF_CONE_DEG_DEFAULT 1.0
#define HALF_CONE_DEG_MIN 0.25
#define HALF_CONE_DEG_MAX 60.0

enum {
    ARC_POINTS = 9, /* 15 degrees apart at most */
    CORNERS_MAX = ARC_POINTS + 2,
    CLIPPED_MAX = 4 * CORNERS_MAX, /* each edge adds one corner, and rounding seldom another */
};

struct point {
    double x_m, y_m; /* east, north */
};

struct polygon {
    struct point points[CLIPPED_MAX];
    int count;
};

static double clamp(double value, double least, double greatest) {
    return fmin(fmax(value, least), greatest);
}

/* Metres around the position that somebody of this kind gives; 0: it says nothing. */
static double disc_radius_m(const struct observation *observation, const struct fire_rules *rules) {
    double accuracy_m = (double)observation->accuracy_m;
    double radius_m = (double)rules->observers[observation->kind].radius_m;
    switch ((enum observer_kind)observation->kind) {
    case OBSERVER_RANGER:
    case OBSERVER_SENSOR:
    case OBSERVER_PERSON:
    case OBSERVER_SYSTEM:
        return clamp(accuracy_m, radius_m, FIRE_DISC_M_MAX);
    case OBSERVER_VIIRS:
    case OBSERVER_MODIS:
        return radius_m;
    case OBSERVER_GEOSTATIONARY:
        return accuracy_m > 0 ? clamp(accuracy_m, radius_m / 2.0, FIRE_DISC_M_MAX) : radius_m;
    case OBSERVER_CAMERA:
    case OBSERVER_COUNT:
        return 0;
    }
    CHECK(false);
}

bool sight_of(struct sight *ret, const struct sighting *sighting, const struct fire_rules *rules) {
    const struct observation *observation = &sighting->observation;
    if (!sighting->has_position) {
        return false;
    }
    *ret = (struct sight){.position = sighting->position, .kind = observation->kind};
    if ((observation->flags & OBSERVATION_BEARING) == 0) {
        ret->range_m = (float)disc_radius_m(observation, rules);
        return ret->range_m > 0;
    }
    double half_deg =
        observation->cone_deg > 0 ? (double)observation->cone_deg / 2.0 : HALF_CONE_DEG_DEFAULT;
    double range_m = observation->range_km > 0 ? (double)observation->range_km * 1000.0
                                               : (double)rules->observers[OBSERVER_CAMERA].radius_m;
    double azimuth_deg = fmod((double)observation->azimuth_deg, 360.0);
    ret->azimuth_deg = (float)(azimuth_deg < 0 ? azimuth_deg + 360.0 : azimuth_deg);
    ret->half_cone_deg = (float)clamp(half_deg, HALF_CONE_DEG_MIN, HALF_CONE_DEG_MAX);
    ret->range_m = (float)clamp(range_m, FIRE_SECTOR_M_MIN, FIRE_SECTOR_M_MAX);
    return true;
}

bool sights_share_mast(const struct sight *a, const struct sight *b) {
    return sight_is_sector(a) && sight_is_sector(b) &&
           geo_distance_m(a->position, b->position) < MAST_M;
}

double azimuth_difference_deg(double a_deg, double b_deg) {
    double difference = fmod(fabs(a_deg - b_deg), 360.0);
    return difference > 180.0 ? 360.0 - difference : difference;
}

double bearing_deg(struct position a, struct position b) {
    double a_lat = a.lat_deg * DEG_TO_RAD;
    double b_lat = b.lat_deg * DEG_TO_RAD;
    double lon = (b.lon_deg - a.lon_deg) * DEG_TO_RAD;
    double east = sin(lon) * cos(b_lat);
    double north = cos(a_lat) * sin(b_lat) - sin(a_lat) * cos(b_lat) * cos(lon);
    double degrees = atan2(east, north) / DEG_TO_RAD;
    return degrees < 0 ? degrees + 360.0 : degrees;
}

/* The point so many metres from `from` in a direction, on the sphere. */
static struct position destination(struct position from, double azimuth_deg, double distance_m) {
    double lat = from.lat_deg * DEG_TO_RAD;
    double azimuth = azimuth_deg * DEG_TO_RAD;
    double arc = distance_m / EARTH_RADIUS_M;
    double sine = clamp(sin(lat) * cos(arc) + cos(lat) * sin(arc) * cos(azimuth), -1.0, 1.0);
    double lon = atan2(sin(azimuth) * sin(arc) * cos(lat), cos(arc) - sin(lat) * sine);
    double lon_deg = from.lon_deg + lon / DEG_TO_RAD;
    lon_deg += lon_deg > 180.0 ? -360.0 : lon_deg < -180.0 ? 360.0 : 0.0;
    return (struct position){asin(sine) / DEG_TO_RAD, lon_deg};
}

static struct point project(struct position centre, struct position position) {
    double distance_m = geo_distance_m(centre, position);
    double azimuth = bearing_deg(centre, position) * DEG_TO_RAD;
    double east_m = distance_m * sin(azimuth), north_m = distance_m * cos(azimuth);
    return (struct point){east_m, north_m};
}

/* Clockwise; the outer arc is drawn around, not through, so that nothing is lost. */
static void sector_polygon(struct polygon *polygon, struct position centre,
                           const struct sight *sight) {
    double first_deg = (double)sight->azimuth_deg - (double)sight->half_cone_deg;
    double step_deg = 2.0 * (double)sight->half_cone_deg / (ARC_POINTS - 1);
    double range_m = (double)sight->range_m / cos(step_deg / 2.0 * DEG_TO_RAD);
    polygon->count = 0;
    polygon->points[polygon->count++] =
        project(centre, destination(sight->position, first_deg, RANGE_M_MIN));
    for (int i = 0; i < ARC_POINTS; i++) {
        polygon->points[polygon->count++] =
            project(centre, destination(sight->position, first_deg + i * step_deg, range_m));
    }
    polygon->points[polygon->count++] = project(
        centre, destination(sight->position, first_deg + (ARC_POINTS - 1) * step_deg, RANGE_M_MIN));
}

/* Twice the area of a-b-c, positive when c is to the right of a-b: inside, clockwise. */
static double right_of(struct point a, struct point b, struct point c) {
    return (b.y_m - a.y_m) * (c.x_m - a.x_m) - (b.x_m - a.x_m) * (c.y_m - a.y_m);
}

static double segment_distance_m(struct point a, struct point b, struct point p) {
    double dx = b.x_m - a.x_m;
    double dy = b.y_m - a.y_m;
    double square = dx * dx + dy * dy;
    double share = square > 0 ? ((p.x_m - a.x_m) * dx + (p.y_m - a.y_m) * dy) / square : 0.0;
    share = clamp(share, 0.0, 1.0);
    return hypot(a.x_m + share * dx - p.x_m, a.y_m + share * dy - p.y_m);
}

double sight_distance_m(const struct sight *sight, struct position point) {
    if (!sight_is_sector(sight)) {
        return fmax(0.0, geo_distance_m(sight->position, point) - (double)sight->range_m);
    }
    struct polygon polygon;
    sector_polygon(&polygon, sight->position, sight);
    struct point at = project(sight->position, point);
    double nearest_m = INFINITY;
    bool is_inside = true;
    for (int i = 0; i < polygon.count; i++) {
        struct point a = polygon.points[i];
        struct point b = polygon.points[(i + 1) % polygon.count];
        is_inside = is_inside && right_of(a, b, at) >= 0;
        nearest_m = fmin(nearest_m, segment_distance_m(a, b, at));
    }
    return is_inside ? 0.0 : nearest_m;
}

/* Keeps what is to the right of the line a-b (Sutherland and Hodgman's clipping by one edge). */
static void clip(struct polygon *polygon, struct point a, struct point b) {
    struct polygon kept = {.count = 0};
    for (int i = 0; i < polygon->count && kept.count + 2 <= CLIPPED_MAX; i++) {
        struct point from = polygon->points[i];
        struct point to = polygon->points[(i + 1) % polygon->count];
        double from_side = right_of(a, b, from);
        double to_side = right_of(a, b, to);
        if (from_side >= 0) {
            kept.points[kept.count++] = from;
        }
        if ((from_side >= 0) != (to_side >= 0)) {
            double share = from_side / (from_side - to_side);
            kept.points[kept.count++] = (struct point){from.x_m + share * (to.x_m - from.x_m),
                                                       from.y_m + share * (to.y_m - from.y_m)};
        }
    }
    *polygon = kept;
}

/* The mean of the corners: within the overlap, and good enough for where to look. */
static struct point middle_of(const struct polygon *polygon) {
    struct point sum = {0, 0};
    for (int i = 0; i < polygon->count; i++) {
        sum.x_m += polygon->points[i].x_m;
        sum.y_m += polygon->points[i].y_m;
    }
    return (struct point){sum.x_m / polygon->count, sum.y_m / polygon->count};
}

bool sectors_meet(const struct sight *a, const struct sight *b, struct position *ret_centre,
                  double *ret_radius_m) {
    struct position centre = a->position;
    if (geo_distance_m(centre, b->position) > 2.2 * FIRE_SECTOR_M_MAX) {
        return false;
    }
    struct polygon overlap;
    struct polygon other;
    sector_polygon(&overlap, centre, a);
    sector_polygon(&other, centre, b);
    for (int i = 0; i < other.count && overlap.count > 0; i++) {
        clip(&overlap, other.points[i], other.points[(i + 1) % other.count]);
    }
    if (overlap.count == 0) {
        return false;
    }
    struct point middle = middle_of(&overlap);
    double radius_m = 0;
    for (int i = 0; i < overlap.count; i++) {
        radius_m = fmax(radius_m, hypot(overlap.points[i].x_m - middle.x_m,
                                        overlap.points[i].y_m - middle.y_m));
    }
    double azimuth_deg = atan2(middle.x_m, middle.y_m) / DEG_TO_RAD;
    *ret_centre = destination(centre, azimuth_deg, hypot(middle.x_m, middle.y_m));
    *ret_radius_m = radius_m;
    return true;
}
