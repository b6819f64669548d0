/* The region tree: immutable once built, shared by reference, ragged.
 *
 * A table is built from the table before it plus uploaded rows (upsert), all or nothing. Region ids
 * are dense, given once and never reused, so they can stand in journal entries and timeline keys.
 * Ancestry is decided by parents, never by comparing codes: the build numbers the tree parents
 * before children, so that a subtree is one range of numbers. The table lives in one piece of
 * memory that the caller gives; it can be read from any thread. */
#ifndef CORE_REGION_REGION_H
#define CORE_REGION_REGION_H

#include "core/base/status.h"
#include "core/limits.h"
#include "core/region/geo.h"

#define REGION_NONE UINT32_MAX
enum { REGION_LEVEL_MAX = 15, REGION_KIND_BYTES_MAX = 64 };

/* One row as uploaded and as stored; slices are borrowed. */
struct region_row {
    struct slice code;
    struct slice parent; /* empty or equal to `code`: a root */
    struct slice name, kind, leader;
    uint8_t level; /* 0 the highest, at most REGION_LEVEL_MAX */
    bool has_position;
    struct position position; /* WGS 84 */
};

/* What region_get gives; the table itself keeps it packed (core/README.md). */
struct region {
    struct slice code, name, kind, leader; /* point into the table's memory */
    uint32_t parent;                       /* REGION_NONE at a root */
    uint32_t first_child, next_sibling;    /* REGION_NONE at the end; siblings in code order */
    uint32_t children_count;
    uint8_t level, depth; /* depth 0 at a root */
    bool has_position;
    struct position position;
};

struct region_table; /* opaque */

/* Reading a row. `why` is a static sentence naming the column. */
/* The CSV header line: learns the column order. Columns code,parent,level,name and optional
 * lat,lon,kind,leader, any order; an unknown or repeated column is refused. */
struct region_columns {
    int8_t of[16]; /* position in the line -> enum column, -1 unknown */
    uint8_t count;
};
MUST_USE bool region_columns_parse(struct region_columns *ret, struct slice line,
                                   const char **ret_why);
/* One CSV record (RFC 4180 quoting, no line end). `scratch` holds unquoted fields. */
MUST_USE bool region_row_from_csv(struct region_row *ret, const struct region_columns *columns,
                                  struct slice record, uint8_t *scratch, size_t scratch_bytes,
                                  const struct limits *limits, const char **ret_why);
/* One JSON object with the same names; null or "" means absent. */
MUST_USE bool region_row_from_json(struct region_row *ret, struct slice text, uint8_t *scratch,
                                   size_t scratch_bytes, const struct limits *limits,
                                   const char **ret_why);

/* Encoded rows: the form of an upload in memory and of the stored region rows:
 *
 *   u8 level | u8 flags (1: position) | u8 code_bytes | u8 parent_bytes | u8 kind_bytes |
 *   u16 name_bytes LE | u16 leader_bytes LE | [f64 lat LE, f64 lon LE] | code parent kind name
 * leader
 *
 * Decoding refuses what no row can be: unknown flags, a level, a length or a position out of range.
 * Encoding CHECKs the same. */
enum {
    REGION_ROW_HEADER_BYTES = 9,
    REGION_CODE_BYTES_CAP = 64,   /* >= max of region_code_bytes */
    REGION_NAME_BYTES_CAP = 1024, /* >= max of region_name_bytes */
    REGION_ROW_BYTES_MAX = REGION_ROW_HEADER_BYTES + 16 + 2 * REGION_CODE_BYTES_CAP +
                           REGION_KIND_BYTES_MAX + 2 * REGION_NAME_BYTES_CAP,
};
size_t region_row_encoded_bytes(const struct region_row *row);
size_t region_row_encode(uint8_t *to, const struct region_row *row);
/* Bytes consumed, 0 when the bytes are damaged. */
size_t region_row_decode(struct region_row *ret, struct slice from);
/* Parts of a row that region_row_decode has found sound before. */
struct slice region_row_code(struct slice from);
bool region_row_has_leader(struct slice from);

/* Memory a table needs for `before` (NULL: none) plus `rows_count` encoded rows of `rows_bytes`,
 * the build's scratch included. An upper bound: what is not needed is not touched. */
size_t region_table_bytes(const struct region_table *before, size_t rows_count, size_t rows_bytes);
/* Builds a table in `memory` (region_table_bytes of it, 16-byte aligned; the caller keeps and frees
 * it). `rows` are encoded rows one after the other. New codes get the next ids in row order; a
 * later row of the same upload wins over an earlier one. `before` stays as it is.
 *
 * INVALID sets `*ret_row` (0-based) and the error's text, which says what is wrong with which
 * region. Looked for in this order, the first row with the first kind is named: a damaged row, too
 * many regions; a parent that is neither in the table nor in the upload; a cycle; a level not below
 * the parent's; too many steps below the root. When a region that was not uploaded becomes wrong,
 * the row is that of its nearest ancestor that was. O(n log n). */
MUST_USE enum status region_table_build(struct region_table **ret, void *memory,
                                        size_t memory_bytes, const struct region_table *before,
                                        struct slice rows, size_t rows_count,
                                        const struct limits *limits, size_t *ret_row,
                                        struct error *error);

size_t region_count(const struct region_table *table);
/* REGION_NONE when unknown. O(1). */
uint32_t region_find(const struct region_table *table, struct slice code);
/* Brings what region_find reads first into the cache ahead of it. */
void region_prefetch(const struct region_table *table, struct slice code);
/* CHECKs id < region_count. O(1). */
struct region region_get(const struct region_table *table, uint32_t id);
/* Parts of it that are asked for often, without reading the rest. CHECK as region_get. O(1). */
struct slice region_code(const struct region_table *table, uint32_t id);
uint8_t region_level(const struct region_table *table, uint32_t id);
bool region_has_leader(const struct region_table *table, uint32_t id);
bool region_has_children(const struct region_table *table, uint32_t id);
/* The root with the lowest code, REGION_NONE in an empty table; the others are its siblings. O(1).
 */
uint32_t region_first_root(const struct region_table *table);
/* Is `id` the region `root` or below it? O(1), by the build's numbering. */
bool region_is_within(const struct region_table *table, uint32_t id, uint32_t root);
/* Ids from the root down to `id`, itself included; returns how many (<= REGION_DEPTH_CAP). */
size_t region_path(const struct region_table *table, uint32_t id, uint32_t ids[REGION_DEPTH_CAP]);
/* Number of regions in the subtree of `root`, itself included. O(1) (counted at build). */
size_t region_subtree_count(const struct region_table *table, uint32_t root);
/* Writes the ids of the subtree (region_subtree_count of them), parents before children,
 * siblings in code order. O(subtree). */
void region_subtree(const struct region_table *table, uint32_t root, uint32_t *ids);
/* The nearest region without children that has a position within `within_m` (at most 100 km) of
 * `position`; ties go to the lower id. REGION_NONE when there is none. Looks only into the cells of
 * 0.05 degrees that the circle touches, also over the antimeridian and a pole. */
uint32_t region_locate(const struct region_table *table, struct position position, double within_m);
/* The region as a row again, for storing. Slices point into the table. */
void region_to_row(const struct region_table *table, uint32_t id, struct region_row *ret);

#endif
