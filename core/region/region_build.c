#include "core/region/region_table.h"

#include "core/base/check.h"

#include <string.h>

struct layout {
    size_t count;                           /* regions at most */
    size_t nodes, order, slots, text, tail; /* offsets */
    size_t bytes;
    uint32_t slots_count;
};

static size_t aligned(size_t bytes) {
    return (bytes + 15) & ~(size_t)15;
}

static struct layout layout_of(const struct region_table *before, size_t rows_count,
                               size_t rows_bytes) {
    size_t known = before == NULL ? 0 : before->count;
    size_t count = known + (size_t)min_u64(rows_count, REGIONS_CAP - known);
    struct layout layout = {.count = count, .slots_count = 4};
    while ((size_t)layout.slots_count / 4 * 3 < count) {
        layout.slots_count *= 2;
    }
    /* A text is never longer than the row it is made from. */
    size_t text = (before == NULL ? 0 : before->text_bytes) + rows_bytes;
    size_t scratch = count * sizeof(uint64_t) + (2 * count + 1) * sizeof(uint32_t);
    size_t cells =
        count * (sizeof(struct region_cell) + sizeof(uint32_t)) + CELL_COLUMNS * sizeof(uint32_t);
    layout.nodes = aligned(sizeof(struct region_table));
    layout.order = layout.nodes + aligned(count * sizeof(struct region_node));
    layout.slots = layout.order + aligned(count * sizeof(uint32_t));
    layout.text = layout.slots + layout.slots_count * sizeof(struct region_slot);
    layout.tail = layout.text + aligned(text);
    layout.bytes = layout.tail + aligned((size_t)max_u64(scratch, cells));
    return layout;
}

size_t region_table_bytes(const struct region_table *before, size_t rows_count, size_t rows_bytes) {
    return layout_of(before, rows_count, rows_bytes).bytes;
}

void region_build_read(const struct region_build *build, uint32_t id, struct region_row *ret) {
    uint64_t mark = build->row_marks[id];
    if (mark == 0) {
        CHECK(build->before != NULL);
        region_read(build->before, id, ret);
        return;
    }
    CHECK(mark <= build->rows.bytes);
    struct slice from = {build->rows.data + mark - 1, build->rows.bytes - (size_t)(mark - 1)};
    CHECK(region_row_decode(ret, from) > 0);
}

struct slice region_build_code(const struct region_build *build, uint32_t id) {
    struct region_row row;
    region_build_read(build, id, &row);
    return row.code;
}

/* The code's slot, or the free one where it would go. */
static struct region_slot *find_slot(const struct region_build *build, struct slice code,
                                     uint32_t tag) {
    const struct region_table *table = build->table;
    uint32_t at = tag & table->slots_mask;
    for (uint32_t tried = 0; tried <= table->slots_mask; tried++) {
        struct region_slot *slot = &table->slots[at];
        if (slot->id_plus_one == 0 ||
            (slot->tag == tag &&
             slice_equal(region_build_code(build, slot->id_plus_one - 1), code))) {
            return slot;
        }
        at = (at + 1) & table->slots_mask;
    }
    CHECK(false);
}

/* Codes are unique, so tags are enough to put them in again. */
static void index_before(struct region_build *build) {
    struct region_table *table = build->table;
    if (build->before == NULL) {
        return;
    }
    for (uint32_t i = 0; i <= build->before->slots_mask; i++) {
        struct region_slot slot = build->before->slots[i];
        if (slot.id_plus_one == 0) {
            continue;
        }
        uint32_t at = slot.tag & table->slots_mask;
        while (table->slots[at].id_plus_one != 0) {
            at = (at + 1) & table->slots_mask;
        }
        table->slots[at] = slot;
    }
    table->count = build->before->count;
    memset(build->row_marks, 0, table->count * sizeof *build->row_marks);
}

/* Gives each row its region, new ones the next ids; the last row of a code stands. */
static enum status take_rows(struct region_build *build, size_t rows_count, size_t *ret_row,
                             struct error *error) {
    struct region_table *table = build->table;
    size_t offset = 0;
    for (size_t i = 0; i < rows_count; i++) {
        struct region_row row;
        struct slice rest = {build->rows.data + offset, build->rows.bytes - offset};
        size_t bytes = region_row_decode(&row, rest);
        if (bytes == 0) {
            *ret_row = i;
            return error_set(error, STATUS_INVALID, "the row's bytes are damaged", NULL, NULL);
        }
        uint32_t tag = region_code_tag(row.code);
        struct region_slot *slot = find_slot(build, row.code, tag);
        if (slot->id_plus_one == 0) {
            if (table->count == build->limits->regions) {
                return region_refuse_limit(build, offset, row.code,
                                           ": there would be more regions than ",
                                           build->limits->regions, ret_row, error);
            }
            *slot = region_slot_of(row.code, ++table->count);
        }
        build->row_marks[slot->id_plus_one - 1] = offset + 1;
        offset += bytes;
    }
    CHECK(offset == build->rows.bytes);
    return STATUS_OK;
}

/* REGION_NONE for a root; false when the parent is unknown. Rows of siblings mostly follow each
 * other, so the parent found last is tried first. */
static bool find_parent(const struct region_build *build, const struct region_row *row,
                        struct slice *last_code, uint32_t *last_id, uint32_t *ret_parent) {
    if (row->parent.bytes == 0 || slice_equal(row->parent, row->code)) {
        *ret_parent = REGION_NONE;
        return true;
    }
    if (!slice_equal(row->parent, *last_code)) {
        struct region_slot *slot = find_slot(build, row->parent, region_code_tag(row->parent));
        if (slot->id_plus_one == 0) {
            return false;
        }
        *last_code = row->parent;
        *last_id = slot->id_plus_one - 1;
    }
    *ret_parent = *last_id;
    return true;
}

static void write_text(struct region_table *table, struct region_node *node,
                       struct region_row *row) {
    row->parent = (struct slice){NULL, 0};
    node->text = table->text_bytes;
    node->level = row->level;
    node->has_position = row->has_position;
    table->text_bytes += (uint32_t)region_row_encode(table->text + node->text, row);
}

/* Writes every node and its text in id order. Of several rows with unknown parents the first one in
 * the upload is named. */
static enum status write_nodes(struct region_build *build, size_t *ret_row, struct error *error) {
    struct region_table *table = build->table;
    struct slice last_code = {NULL, 0};
    uint32_t last_id = REGION_NONE;
    struct region_row lost = {0};
    uint64_t lost_mark = UINT64_MAX;
    for (uint32_t id = 0; id < table->count; id++) {
        struct region_row row;
        uint64_t mark = build->row_marks[id];
        struct region_node *node = &table->nodes[id];
        *node = (struct region_node){.parent = REGION_NONE};
        region_build_read(build, id, &row);
        if (mark == 0) {
            node->parent = build->before->nodes[id].parent;
        } else if (!find_parent(build, &row, &last_code, &last_id, &node->parent) &&
                   mark < lost_mark) {
            lost = row;
            lost_mark = mark;
        }
        if (UINT32_MAX - table->text_bytes < REGION_ROW_BYTES_MAX) {
            return region_refuse_limit(build, mark > 0 ? mark - 1 : 0, row.code,
                                       ": all texts together would take more bytes than ",
                                       UINT32_MAX, ret_row, error);
        }
        write_text(table, node, &row);
    }
    if (lost_mark == UINT64_MAX) {
        return STATUS_OK;
    }
    return region_refuse_parent(build, lost_mark - 1, &lost, ret_row, error);
}

static enum status build_tree(struct region_build *build, size_t rows_count, size_t *ret_row,
                              struct error *error) {
    index_before(build);
    enum status status = take_rows(build, rows_count, ret_row, error);
    if (status == STATUS_OK) {
        status = write_nodes(build, ret_row, error);
    }
    if (status != STATUS_OK) {
        return status;
    }
    region_group_children(build);
    uint32_t numbered = region_number(build);
    status = region_check_cycles(build, numbered, ret_row, error);
    if (status == STATUS_OK) {
        status = region_check_levels(build, ret_row, error);
    }
    return status == STATUS_OK ? region_check_depths(build, ret_row, error) : status;
}

enum status region_table_build(struct region_table **ret, void *memory, size_t memory_bytes,
                               const struct region_table *before, struct slice rows,
                               size_t rows_count, const struct limits *limits, size_t *ret_row,
                               struct error *error) {
    struct layout layout = layout_of(before, rows_count, rows.bytes);
    CHECK(memory != NULL && (uintptr_t)memory % 16 == 0 && memory_bytes >= layout.bytes);
    CHECK(limits->regions <= REGIONS_CAP && limits->region_depth <= REGION_DEPTH_CAP);
    uint8_t *base = memory;
    struct region_table *table = memory;
    *table = (struct region_table){
        .nodes = (struct region_node *)(base + layout.nodes),
        .order = (uint32_t *)(base + layout.order),
        .slots = (struct region_slot *)(base + layout.slots),
        .text = base + layout.text,
        .cells = (struct region_cell *)(base + layout.tail),
        .slots_mask = layout.slots_count - 1,
    };
    memset(table->slots, 0, layout.slots_count * sizeof *table->slots);
    uint8_t *tail = base + layout.tail;
    struct region_build build = {
        .table = table,
        .before = before,
        .limits = limits,
        .rows = rows,
        .row_marks = (uint64_t *)tail,
        .ends = (uint32_t *)(tail + layout.count * sizeof(uint64_t)),
        .children = (uint32_t *)(tail + layout.count * sizeof(uint64_t)) + layout.count + 1,
    };
    enum status status = build_tree(&build, rows_count, ret_row, error);
    if (status != STATUS_OK) {
        return status;
    }
    uint32_t *ids = (uint32_t *)(tail + table->count * sizeof(struct region_cell));
    region_cells_build(table, ids, ids + table->count);
    *ret = table;
    return STATUS_OK;
}
