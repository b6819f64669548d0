#include "core/incident/incidents_table.h"

#include <math.h>

#define PI 3.14159265358979323846
#define DEG_TO_RAD (PI / 180.0)
/* Of the mean earth radius that geo_distance_m uses. */
#define METRES_PER_DEGREE (6371008.8 * DEG_TO_RAD)
#define FIRE_CELL_M 4000.0
#define SECTOR_CELL_M 25000.0

/* Rounding of a radius must not leave out a cell that the circle just touches. */
#define RADIUS_SLACK 1.000001

void incidents_set_grids(struct incidents *incidents) {
    incidents->classes_count = incidents->policy->merge_classes_count;
    for (uint32_t i = 0; i < incidents->classes_count; i++) {
        const struct merge_class *class = &incidents->policy->merge_classes[i];
        double cell_m = fmax(1.0, fmax((double)class->gate_m, (double)class->suggest_m));
        incidents->classes[i] = (struct class_grid){
            .tag = policy_tag(slice_text(class->code)),
            .row_deg =
                (class->kind == MERGE_FIRE ? FIRE_CELL_M : fmin(cell_m, 1e6)) / METRES_PER_DEGREE,
            .sector_row_deg = SECTOR_CELL_M / METRES_PER_DEGREE,
        };
    }
}

static uint32_t row_of(double lat_deg, double row_deg) {
    return (uint32_t)((fmin(fmax(lat_deg, -90.0), 90.0) + 90.0) / row_deg);
}

/* Columns of a row, about as wide as the row is high; a cell's key depends on nothing else. */
static uint32_t columns_of(uint32_t row, double row_deg) {
    double middle_deg = fmin(90.0, -90.0 + ((double)row + 0.5) * row_deg);
    double columns = 360.0 * cos(middle_deg * DEG_TO_RAD) / row_deg;
    return columns < 1.0 ? 1 : (uint32_t)columns;
}

static uint64_t mix(uint64_t value) {
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

static uint64_t key_of(uint64_t salt, uint32_t row, uint32_t column) {
    uint64_t key = mix(salt ^ ((uint64_t)row << 32 | column));
    return key == 0 ? 1 : key;
}

/* Groups of four rows by about four columns have sixteen buckets side by side. They are counted in
 * columns of the group's middle row: what lies side by side on the map is in one group, whichever
 * of its rows it is in. */
enum { GROUP_SIDE = 4 };

static uint32_t group_columns_of(uint32_t row, double row_deg) {
    return columns_of(row / GROUP_SIDE * GROUP_SIDE + GROUP_SIDE / 2, row_deg);
}

static double group_scale_of(uint32_t group_columns, uint32_t columns) {
    return (double)group_columns / (GROUP_SIDE * (double)columns);
}

static uint32_t bucket_of(uint64_t salt, uint32_t row, uint32_t column, double group_scale) {
    uint32_t group = (uint32_t)(((double)column + 0.5) * group_scale);
    uint64_t hash = mix(salt ^ ((uint64_t)(row / GROUP_SIDE) << 32 | group));
    return (uint32_t)hash ^ (row % GROUP_SIDE * GROUP_SIDE + column % GROUP_SIDE);
}

static uint64_t salt_of(uint32_t class_tag, bool of_sectors) {
    return ((uint64_t)class_tag << 1 | (of_sectors ? 1 : 0)) * UINT64_C(0x9e3779b97f4a7c15);
}

/* What decides about an incident's cell. */
struct spot {
    struct position position;
    double row_deg; /* 0: no cell */
    uint64_t salt;
};

static struct spot spot_of(const struct incidents *incidents, const struct incident *incident) {
    if (incident->class_index == CLASS_NONE || !incident_has(incident, INCIDENT_HAS_POSITION)) {
        return (struct spot){.row_deg = 0};
    }
    const struct class_grid *grid = &incidents->classes[incident->class_index];
    enum merge_kind kind = incident_class(incidents, incident)->kind;
    if (kind == MERGE_NEVER || kind == MERGE_ALARM) {
        return (struct spot){.row_deg = 0};
    }
    bool is_fire = kind == MERGE_FIRE && incident->detail_kind == DETAIL_FIRE;
    if (is_fire && incident_has(incident, INCIDENT_LOCALISED)) {
        return (struct spot){incident->detail->fire.estimate, grid->row_deg,
                             salt_of(grid->tag, false)};
    }
    return (struct spot){incident->anchor, is_fire ? grid->sector_row_deg : grid->row_deg,
                         salt_of(grid->tag, is_fire)};
}

static uint32_t column_at(double lon_deg, uint32_t columns) {
    uint32_t column = (uint32_t)((lon_deg + 180.0) / 360.0 * (double)columns);
    return column < columns ? column : columns - 1;
}

/* Most calls find the incident where it was: only then is there no bucket to be computed. */
bool incidents_cell_of(const struct incidents *incidents, const struct incident *incident,
                       struct cell *ret, struct position *ret_position) {
    struct spot spot = spot_of(incidents, incident);
    *ret = (struct cell){.key = 0};
    if (spot.row_deg > 0) {
        uint32_t row = row_of(spot.position.lat_deg, spot.row_deg);
        uint32_t columns = columns_of(row, spot.row_deg);
        uint32_t column = column_at(spot.position.lon_deg, columns);
        ret->key = key_of(spot.salt, row, column);
        *ret_position = spot.position;
        if (ret->key != incident->cell_key) {
            double scale = group_scale_of(group_columns_of(row, spot.row_deg), columns);
            ret->bucket = bucket_of(spot.salt, row, column, scale);
        }
    }
    return ret->key != incident->cell_key;
}

/* How far east and west of its centre the circle goes, wherever it is widest. */
static double reach_deg_of(double lat_deg, double radius_deg) {
    if (fabs(lat_deg) + radius_deg >= 90.0) {
        return 180.0;
    }
    double ratio = sin(radius_deg * DEG_TO_RAD) / cos(lat_deg * DEG_TO_RAD);
    return ratio < 1.0 ? asin(ratio) / DEG_TO_RAD * RADIUS_SLACK : 180.0;
}

/* Sets the columns of the walk's row that the circle touches. */
static void enter_row(struct cell_walk *walk) {
    walk->columns = columns_of(walk->row, walk->row_deg);
    if (walk->row % GROUP_SIDE == 0 || walk->group_columns == 0) {
        walk->group_columns = group_columns_of(walk->row, walk->row_deg);
    }
    walk->group_scale = group_scale_of(walk->group_columns, walk->columns);
    double scale = (double)walk->columns / 360.0;
    double first = floor((walk->lon_deg + 180.0 - walk->reach_deg) * scale);
    double last = floor((walk->lon_deg + 180.0 + walk->reach_deg) * scale);
    double count = last - first + 1.0;
    if (count >= (double)walk->columns) {
        walk->column = 0;
        walk->columns_left = walk->columns;
        return;
    }
    double wrapped = first < 0 ? first + (double)walk->columns : first;
    walk->column = (uint32_t)wrapped % walk->columns;
    walk->columns_left = (uint32_t)count;
}

void cell_walk_init(struct cell_walk *walk, const struct incidents *incidents, unsigned class_index,
                    bool of_sectors, struct position centre, double radius_m) {
    CHECK(class_index < incidents->classes_count);
    const struct class_grid *grid = &incidents->classes[class_index];
    double row_deg = of_sectors ? grid->sector_row_deg : grid->row_deg;
    double radius_deg = radius_m / METRES_PER_DEGREE * RADIUS_SLACK;
    *walk = (struct cell_walk){
        .lon_deg = centre.lon_deg,
        .reach_deg = reach_deg_of(centre.lat_deg, radius_deg),
        .row_deg = row_deg,
        .salt = salt_of(grid->tag, of_sectors),
        .row = row_of(centre.lat_deg - radius_deg, row_deg),
        .row_last = row_of(centre.lat_deg + radius_deg, row_deg),
    };
    enter_row(walk);
}

bool cell_walk_next(struct cell_walk *walk, struct cell *ret) {
    while (walk->columns_left == 0) {
        if (walk->row >= walk->row_last) {
            return false;
        }
        walk->row++;
        enter_row(walk);
    }
    ret->key = key_of(walk->salt, walk->row, walk->column);
    ret->bucket = bucket_of(walk->salt, walk->row, walk->column, walk->group_scale);
    walk->column = walk->column + 1 == walk->columns ? 0 : walk->column + 1;
    walk->columns_left--;
    return true;
}
