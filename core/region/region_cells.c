#include "core/region/region_table.h"

#include "core/base/check.h"

#include <string.h>

uint32_t region_cell_row(double lat_deg) {
    CHECK(lat_deg >= -90 && lat_deg <= 90);
    return (uint32_t)((lat_deg + 90) * CELLS_PER_DEGREE);
}

/* 180 degrees east is 180 degrees west. */
uint32_t region_cell_column(double lon_deg) {
    CHECK(lon_deg >= -180 && lon_deg <= 180);
    return (uint32_t)((lon_deg + 180) * CELLS_PER_DEGREE) % CELL_COLUMNS;
}

static bool is_located(const struct region_table *table, uint32_t id, struct position *ret) {
    if (table->nodes[id].children_count > 0 || !table->nodes[id].has_position) {
        return false;
    }
    struct region_row row;
    region_read(table, id, &row);
    CHECK(row.has_position);
    *ret = row.position;
    return true;
}

static int32_t e7(double deg) {
    return (int32_t)(deg * 1e7);
}

static void starts_from_counts(uint32_t *counts, size_t count) {
    uint32_t start = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t here = counts[i];
        counts[i] = start;
        start += here;
    }
}

/* Radix sort, stable: by column into `ids`, then by row into `cells`. */
void region_cells_build(struct region_table *table, uint32_t *ids, uint32_t *column_counts) {
    uint32_t *row_starts = table->row_starts;
    memset(row_starts, 0, sizeof table->row_starts);
    memset(column_counts, 0, CELL_COLUMNS * sizeof *column_counts);
    struct position position;
    uint32_t count = 0;
    for (uint32_t id = 0; id < table->count; id++) {
        if (is_located(table, id, &position)) {
            row_starts[region_cell_row(position.lat_deg)]++;
            column_counts[region_cell_column(position.lon_deg)]++;
            count++;
        }
    }
    table->cells_count = count;
    starts_from_counts(row_starts, CELL_ROWS + 1);
    starts_from_counts(column_counts, CELL_COLUMNS);
    for (uint32_t id = 0; count > 0 && id < table->count; id++) {
        if (is_located(table, id, &position)) {
            ids[column_counts[region_cell_column(position.lon_deg)]++] = id;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        CHECK(is_located(table, ids[i], &position));
        table->cells[row_starts[region_cell_row(position.lat_deg)]++] =
            (struct region_cell){region_cell_column(position.lon_deg), ids[i], e7(position.lat_deg),
                                 e7(position.lon_deg)};
    }
    /* Each start has moved to its row's end, which is the next row's start. */
    memmove(row_starts + 1, row_starts, CELL_ROWS * sizeof *row_starts);
    row_starts[0] = 0;
    CHECK(row_starts[CELL_ROWS] == count);
}
