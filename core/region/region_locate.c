#include "core/region/region_table.h"

#include "core/base/check.h"

#include <math.h>

enum { LOCATE_M_MAX = 100000 };

static const double earth_radius_m = 6371008.8;
static const double degrees_per_radian = 57.295779513082320877;
/* Positions in cells are cut to 1e-7 degrees; this covers that and rounding in the bounds. */
static const double slack_deg = 1e-6;

/* A box around the circle: how far from its centre, in degrees, a point within it can be. */
struct bounds {
    double lat_deg, lon_deg;
};

/* Along a parallel the circle reaches asin(sin(d) / cos(lat)), all around when it has a pole in it.
 */
static struct bounds bounds_of(struct position centre, double within_m) {
    double angle = within_m / earth_radius_m;
    double lat_cos = cos(centre.lat_deg / degrees_per_radian);
    struct bounds bounds = {angle * degrees_per_radian + slack_deg, 180};
    if (fabs(centre.lat_deg) + bounds.lat_deg < 90 && sin(angle) < lat_cos) {
        bounds.lon_deg = asin(sin(angle) / lat_cos) * degrees_per_radian + slack_deg;
        /* Near a pole a small error in latitude is a large one in longitude. */
        bounds.lon_deg += slack_deg / lat_cos;
    }
    bounds.lon_deg = fmin(bounds.lon_deg, 180);
    return bounds;
}

struct search {
    const struct region_table *table;
    struct position centre;
    struct bounds bounds;
    uint32_t best;
    double best_m; /* what is farther is not wanted */
};

static void visit(struct search *search, const struct region_cell *cell) {
    double lat_apart = fabs(cell->lat_e7 / 1e7 - search->centre.lat_deg);
    double lon_apart = fabs(cell->lon_e7 / 1e7 - search->centre.lon_deg);
    lon_apart = lon_apart > 180 ? 360 - lon_apart : lon_apart;
    if (lat_apart > search->bounds.lat_deg || lon_apart > search->bounds.lon_deg) {
        return;
    }
    struct region_row row;
    region_read(search->table, cell->id, &row);
    double distance_m = geo_distance_m(search->centre, row.position);
    if (distance_m < search->best_m ||
        (distance_m == search->best_m && cell->id < search->best)) { /* REGION_NONE is above all */
        search->best = cell->id;
        search->best_m = distance_m;
        search->bounds = bounds_of(search->centre, distance_m);
    }
}

/* First cell of the row at or after the column. */
static uint32_t lower_bound(const struct region_table *table, uint32_t row, uint32_t column) {
    uint32_t low = table->row_starts[row];
    uint32_t high = table->row_starts[row + 1];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (table->cells[middle].column < column) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void visit_columns(struct search *search, uint32_t row, uint32_t first, uint32_t last) {
    const struct region_table *table = search->table;
    CHECK(first <= last && last < CELL_COLUMNS);
    uint32_t end = table->row_starts[row + 1];
    for (uint32_t i = lower_bound(table, row, first); i < end && table->cells[i].column <= last;
         i++) {
        visit(search, &table->cells[i]);
    }
}

static void visit_row(struct search *search, uint32_t row, struct bounds bounds) {
    double west = search->centre.lon_deg - bounds.lon_deg;
    double east = search->centre.lon_deg + bounds.lon_deg;
    if (search->table->row_starts[row] == search->table->row_starts[row + 1]) {
        return;
    }
    if (east - west >= 360) {
        visit_columns(search, row, 0, CELL_COLUMNS - 1);
    } else if (west < -180) {
        visit_columns(search, row, region_cell_column(west + 360), CELL_COLUMNS - 1);
        visit_columns(search, row, 0, region_cell_column(east));
    } else if (east >= 180) {
        visit_columns(search, row, region_cell_column(west), CELL_COLUMNS - 1);
        visit_columns(search, row, 0, region_cell_column(east - 360));
    } else {
        visit_columns(search, row, region_cell_column(west), region_cell_column(east));
    }
}

uint32_t region_locate(const struct region_table *table, struct position position,
                       double within_m) {
    CHECK(within_m >= 0 && within_m <= LOCATE_M_MAX);
    CHECK(position.lat_deg >= -90 && position.lat_deg <= 90);
    CHECK(position.lon_deg >= -180 && position.lon_deg <= 180);
    const struct bounds bounds = bounds_of(position, within_m);
    struct search search = {table, position, bounds, REGION_NONE, within_m};
    uint32_t first = region_cell_row(fmax(position.lat_deg - bounds.lat_deg, -90));
    uint32_t last = region_cell_row(fmin(position.lat_deg + bounds.lat_deg, 90));
    for (uint32_t row = first; row <= last && table->cells_count > 0; row++) {
        visit_row(&search, row, bounds);
    }
    return search.best;
}
