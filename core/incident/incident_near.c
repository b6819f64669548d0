#include "core/incident/incidents_table.h"

#include <math.h>

#define DEG_TO_RAD (3.14159265358979323846 / 180.0)
#define METRES_PER_DEGREE (6371008.8 * DEG_TO_RAD)
#define POLAR_DEG 85.0

/* What is within reach_m, at most 100 km, and not nearer to a pole than POLAR_DEG differs by at
 * most 0.1 rad of longitude half: there sin x is at least 0.998 x. Below that the distance over the
 * sphere is at least the one in the plane, with the parallel's scale at the circle's poleward edge.
 */
#define PLANE_LEAST 0.998

enum { CELLS_BATCH = 12, FIRST_ASKED_FOR = 6, CACHE_LINE = 64 };

void near_init(struct near *near, const struct incidents *incidents, unsigned class_index,
               struct position centre, double reach_m) {
    near->incidents = incidents;
    near->centre = place_pack(centre, 0);
    near->reach_m = reach_m;
    near->order = near->count = 0;
    double edge_deg = fabs(centre.lat_deg) + reach_m / METRES_PER_DEGREE * 1.01;
    near->metres_per_lat = METRES_PER_DEGREE / PLACE_UNITS_PER_DEG * PLANE_LEAST;
    near->metres_per_lon =
        edge_deg < POLAR_DEG ? near->metres_per_lat * cos(edge_deg * DEG_TO_RAD) : 0.0;
    cell_walk_init(&near->walk, incidents, class_index, false, centre, reach_m);
}

/* Each may be rounded by almost a unit, so a difference by almost one more. */
static double units_between(int64_t a, int64_t b, int64_t around) {
    int64_t units = a > b ? a - b : b - a;
    units = units > around / 2 ? around - units : units;
    return (double)(units > 0 ? units - 1 : 0);
}

static double least_m(const struct near *near, const struct place *place) {
    const int64_t around = (int64_t)(360 * PLACE_UNITS_PER_DEG);
    double north_m = units_between(place->lat, near->centre.lat, around) * near->metres_per_lat;
    double east_m = units_between(place->lon, near->centre.lon, around) * near->metres_per_lon;
    return sqrt(north_m * north_m + east_m * east_m);
}

static void sift_down(struct near *near, uint32_t from) {
    struct near_place moving = near->heap[from];
    for (;;) {
        uint32_t child = 2 * from + 1;
        if (child >= near->count) {
            break;
        }
        if (child + 1 < near->count && near->heap[child + 1].least_m < near->heap[child].least_m) {
            child++;
        }
        if (moving.least_m <= near->heap[child].least_m) {
            break;
        }
        near->heap[from] = near->heap[child];
        from = child;
    }
    near->heap[from] = moving;
}

static void take_cell(struct near *near, struct cell cell) {
    struct place_cursor cursor;
    const struct place *place;
    place_cursor_init(&cursor, near->incidents, cell);
    for (int n = 0; n < CANDIDATES_MAX && (place = place_cursor_next(&cursor)) != NULL; n++) {
        double distance_m = least_m(near, place);
        uint32_t order = near->order++;
        if (distance_m <= near->reach_m) {
            near->heap[near->count++] = (struct near_place){(float)distance_m, order, place->slot};
        }
    }
}

/* Cells are scattered over memory: those of a batch are on their way before the first is looked
 * at. */
static int take_batch(struct near *near) {
    UNINITIALIZED struct cell cells[CELLS_BATCH];
    int count = 0;
    while (count < CELLS_BATCH && cell_walk_next(&near->walk, &cells[count])) {
        places_prefetch_bucket(near->incidents, cells[count++]);
    }
    for (int i = 0; i < count; i++) {
        places_prefetch(near->incidents, cells[i]);
    }
    for (int i = 0; i < count; i++) {
        take_cell(near, cells[i]);
    }
    return count;
}

/* The nearest is most likely the one that will be joined, and then all of it is needed. */
static void ask_for_first(const struct near *near) {
    uint32_t count = near->count < FIRST_ASKED_FOR ? near->count : FIRST_ASKED_FOR;
    for (uint32_t i = 0; i < count; i++) {
        __builtin_prefetch(&near->incidents->slots[near->heap[i].slot]);
    }
    if (count > 0) {
        const uint8_t *nearest = (const uint8_t *)&near->incidents->slots[near->heap[0].slot];
        for (size_t line = 1; line < sizeof(struct incident) / CACHE_LINE; line++) {
            __builtin_prefetch(nearest + line * CACHE_LINE);
        }
    }
}

bool near_fill(struct near *near) {
    int cells = 0, batch;
    near->count = 0;
    do {
        batch = take_batch(near);
        cells += batch;
    } while (batch == CELLS_BATCH && near->count <= NEAR_MAX - CELLS_BATCH * CANDIDATES_MAX);
    for (uint32_t i = near->count / 2; i-- > 0;) {
        sift_down(near, i);
    }
    ask_for_first(near);
    return cells > 0;
}

bool near_next(struct near *near, struct near_place *ret) {
    if (near->count == 0) {
        return false;
    }
    *ret = near->heap[0];
    near->heap[0] = near->heap[--near->count];
    sift_down(near, 0);
    return true;
}
