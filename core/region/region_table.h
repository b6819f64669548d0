/* How a region table lies in its memory; only core/region*.c look here.
 *
 *   table | nodes | order | slots | text | cells (while building: the build's scratch)
 *
 * A node's text is an encoded row (region.h) without its parent. */
#ifndef CORE_REGION_REGION_TABLE_H
#define CORE_REGION_REGION_TABLE_H

#include "core/region/region.h"

enum {
    REGIONS_CAP = 16000000, /* max of limits.regions */
    CELLS_PER_DEGREE = 20,
    CELL_ROWS = 180 * CELLS_PER_DEGREE + 1, /* the pole has its own */
    CELL_COLUMNS = 360 * CELLS_PER_DEGREE,
};

struct region_node {
    uint32_t text;   /* offset in the table's text */
    uint32_t parent; /* REGION_NONE at a root */
    uint32_t order;  /* position in the numbering, parents before children */
    uint32_t subtree_count;
    uint32_t children_count;
    uint8_t level, depth;
    bool has_position;
    uint8_t unused;
};
_Static_assert(sizeof(struct region_node) == 24, "core/README.md counts on it");

enum { REGION_SLOT_CODE_BYTES = 16 };

/* Hash index of codes: linear probing, at most 3/4 full. A code that fits stands in its slot,
 * filled up with NULs (no code has one), so that finding it takes one cache miss and not three. */
struct region_slot {
    uint32_t tag;
    uint32_t id_plus_one;                 /* 0: free */
    uint8_t code[REGION_SLOT_CODE_BYTES]; /* of a longer code: nothing */
};
_Static_assert(sizeof(struct region_slot) == 24, "core/README.md counts on it");

/* A region without children that has a position; ordered by row, column, id. */
struct region_cell {
    uint32_t column;
    uint32_t id;
    int32_t lat_e7, lon_e7; /* degrees times 1e7, for sorting out what is too far */
};

struct region_table {
    struct region_node *nodes;
    uint32_t *order; /* ids by their place in the numbering */
    struct region_slot *slots;
    uint8_t *text;
    struct region_cell *cells;
    uint32_t count;
    uint32_t slots_mask;
    uint32_t text_bytes;
    uint32_t cells_count;
    uint32_t row_starts[CELL_ROWS + 1]; /* in `cells` */
};

uint32_t region_code_tag(struct slice code);
/* The slot that a code has, or would have, with this id. */
struct region_slot region_slot_of(struct slice code, uint32_t id_plus_one);
/* Level, position and text of a region, its parent left empty. */
void region_read(const struct region_table *table, uint32_t id, struct region_row *ret);

/* Row and column of the cell that a position is in. */
uint32_t region_cell_row(double lat_deg);
uint32_t region_cell_column(double lon_deg);
/* Fills cells and row_starts of a numbered table. `cells` has room for table->count. `ids` has the
 * same number, `column_counts` CELL_COLUMNS; both are scratch. O(n). */
void region_cells_build(struct region_table *table, uint32_t *ids, uint32_t *column_counts);

/* A build under way. The scratch lies where the cells come to lie at the end. */
struct region_build {
    struct region_table *table;
    const struct region_table *before; /* NULL: none */
    const struct limits *limits;
    struct slice rows;
    uint64_t *row_marks; /* by id: 1 + offset of the row that says what it is; 0: as before */
    uint32_t *ends;      /* by parent id, roots at `count`: end of its children in `children` */
    uint32_t *children;  /* ids grouped by parent */
};

/* Groups all regions by parent, siblings in code order, and counts children. O(n log n). */
void region_group_children(struct region_build *build);
/* Numbers what can be reached from the roots, parents first, and returns how many that are; sets
 * order, depth (cut at 255) and subtree_count. The rest lies on cycles or below them. O(n). */
uint32_t region_number(struct region_build *build);

/* The text of a region of the build: from its row or from the table before. */
void region_build_read(const struct region_build *build, uint32_t id, struct region_row *ret);
struct slice region_build_code(const struct region_build *build, uint32_t id);

/* What makes a build fail: INVALID with the row's index and the message. `offset` is the row's. */
enum status region_refuse_limit(const struct region_build *build, uint64_t offset,
                                struct slice code, const char *why, uint64_t limit, size_t *ret_row,
                                struct error *error);
enum status region_refuse_parent(const struct region_build *build, uint64_t offset,
                                 const struct region_row *row, size_t *ret_row,
                                 struct error *error);
/* Each is OK or refuses; they run in this order. `numbered` is region_number's answer. */
enum status region_check_cycles(const struct region_build *build, uint32_t numbered,
                                size_t *ret_row, struct error *error);
enum status region_check_levels(const struct region_build *build, size_t *ret_row,
                                struct error *error);
enum status region_check_depths(const struct region_build *build, size_t *ret_row,
                                struct error *error);

#endif
