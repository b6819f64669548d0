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

static uint64_t cell_key(uint64_t salt, uint32_t row, uint32_t column) {
    uint64_t value = salt ^ ((uint64_t)row << 32 | column);
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    value ^= value >> 31;
    return value == 0 ? 1 : value;
}

static uint64_t salt_of(uint32_t class_tag, bool of_sectors) {
    return ((uint64_t)class_tag << 1 | (of_sectors ? 1 : 0)) * UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t cell_at(struct position position, double row_deg, uint64_t salt) {
    uint32_t row = row_of(position.lat_deg, row_deg);
    uint32_t columns = columns_of(row, row_deg);
    double share = (position.lon_deg + 180.0) / 360.0;
    uint32_t column = (uint32_t)(share * (double)columns);
    return cell_key(salt, row, column < columns ? column : columns - 1);
}

uint64_t incidents_cell_of(const struct incidents *incidents, const struct incident *incident) {
    if (incident->class_index == CLASS_NONE || !incident_has(incident, INCIDENT_HAS_POSITION)) {
        return 0;
    }
    const struct class_grid *grid = &incidents->classes[incident->class_index];
    enum merge_kind kind = incident_class(incidents, incident)->kind;
    if (kind == MERGE_NEVER || kind == MERGE_ALARM) {
        return 0;
    }
    if (kind != MERGE_FIRE || incident->detail_kind != DETAIL_FIRE) {
        return cell_at(incident->anchor, grid->row_deg, salt_of(grid->tag, false));
    }
    if (incident_has(incident, INCIDENT_LOCALISED)) {
        return cell_at(incident->detail->fire.estimate, grid->row_deg, salt_of(grid->tag, false));
    }
    return cell_at(incident->anchor, grid->sector_row_deg, salt_of(grid->tag, true));
}

/* Sets the columns of the walk's row that the circle touches. */
static void enter_row(struct cell_walk *walk) {
    walk->columns = columns_of(walk->row, walk->row_deg);
    double top_deg = fabs(walk->lat_deg) + walk->radius_deg;
    double ratio = 2.0;
    if (top_deg < 90.0) {
        ratio = sin(walk->radius_deg * DEG_TO_RAD) / cos(walk->lat_deg * DEG_TO_RAD);
    }
    double reach_deg = ratio < 1.0 ? asin(ratio) / DEG_TO_RAD * RADIUS_SLACK : 180.0;
    double scale = (double)walk->columns / 360.0;
    double first = floor((walk->lon_deg + 180.0 - reach_deg) * scale);
    double last = floor((walk->lon_deg + 180.0 + reach_deg) * scale);
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
        .lat_deg = centre.lat_deg,
        .lon_deg = centre.lon_deg,
        .radius_deg = radius_deg,
        .row_deg = row_deg,
        .salt = salt_of(grid->tag, of_sectors),
        .row = row_of(centre.lat_deg - radius_deg, row_deg),
        .row_last = row_of(centre.lat_deg + radius_deg, row_deg),
    };
    enter_row(walk);
}

bool cell_walk_next(struct cell_walk *walk, uint64_t *ret_key) {
    while (walk->columns_left == 0) {
        if (walk->row >= walk->row_last) {
            return false;
        }
        walk->row++;
        enter_row(walk);
    }
    *ret_key = cell_key(walk->salt, walk->row, walk->column);
    walk->column = walk->column + 1 == walk->columns ? 0 : walk->column + 1;
    walk->columns_left--;
    return true;
}
