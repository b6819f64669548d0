#include "core/region/region_table.h"

#include "core/base/check.h"

#include <string.h>

static int compare_codes(const struct region_table *table, uint32_t a, uint32_t b) {
    struct region_row left, right;
    region_read(table, a, &left);
    region_read(table, b, &right);
    size_t bytes = (size_t)min_u64(left.code.bytes, right.code.bytes);
    int order = memcmp(left.code.data, right.code.data, bytes);
    return order != 0 ? order
                      : (left.code.bytes > right.code.bytes) - (left.code.bytes < right.code.bytes);
}

static bool is_sorted(const struct region_table *table, const uint32_t *ids, size_t count) {
    for (size_t i = 1; i < count; i++) {
        if (compare_codes(table, ids[i - 1], ids[i]) > 0) {
            return false;
        }
    }
    return true;
}

static void merge(const struct region_table *table, uint32_t *to, const uint32_t *left,
                  size_t left_count, const uint32_t *right, size_t right_count) {
    while (left_count > 0 && right_count > 0) {
        if (compare_codes(table, *left, *right) <= 0) {
            *to++ = *left++;
            left_count--;
        } else {
            *to++ = *right++;
            right_count--;
        }
    }
    memcpy(to, left, left_count * sizeof *to);
    memcpy(to + left_count, right, right_count * sizeof *to);
}

/* Bottom-up merge sort; `room` has space for `count`. Uploads mostly come in order already. */
static void sort_siblings(const struct region_table *table, uint32_t *ids, size_t count,
                          uint32_t *room) {
    if (is_sorted(table, ids, count)) {
        return;
    }
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t at = 0; at < count; at += 2 * width) {
            size_t left = (size_t)min_u64(width, count - at);
            size_t right = (size_t)min_u64(width, count - at - left);
            merge(table, room + at, ids + at, left, ids + at + left, right);
        }
        memcpy(ids, room, count * sizeof *ids);
    }
    CHECK_SLOW(is_sorted(table, ids, count));
}

/* Where the children of a region are counted; roots are the children of `count`. */
static uint32_t bucket_of(const struct region_table *table, uint32_t id) {
    uint32_t parent = table->nodes[id].parent;
    return parent == REGION_NONE ? table->count : parent;
}

void region_group_children(struct region_build *build) {
    struct region_table *table = build->table;
    uint32_t *ends = build->ends;
    memset(ends, 0, ((size_t)table->count + 1) * sizeof *ends);
    for (uint32_t id = 0; id < table->count; id++) {
        ends[bucket_of(table, id)]++;
    }
    uint32_t start = 0;
    for (uint32_t bucket = 0; bucket <= table->count; bucket++) {
        uint32_t count = ends[bucket];
        if (bucket < table->count) {
            table->nodes[bucket].children_count = count;
        }
        ends[bucket] = start;
        start += count;
    }
    CHECK(start == table->count);
    for (uint32_t id = 0; id < table->count; id++) {
        build->children[ends[bucket_of(table, id)]++] = id;
    }
    start = 0;
    for (uint32_t bucket = 0; bucket <= table->count; bucket++) {
        sort_siblings(table, build->children + start, ends[bucket] - start, table->order);
        start = ends[bucket];
    }
}

/* Until a region is left, its subtree_count counts the children that were entered. */
static uint32_t next_child(const struct region_build *build, uint32_t id) {
    struct region_node *node = &build->table->nodes[id];
    if (node->subtree_count == node->children_count) {
        return REGION_NONE;
    }
    return build->children[build->ends[id] - node->children_count + node->subtree_count++];
}

uint32_t region_number(struct region_build *build) {
    struct region_table *table = build->table;
    uint32_t roots_end = build->ends[table->count];
    uint32_t roots_at = table->count == 0 ? 0 : build->ends[table->count - 1];
    uint32_t numbered = 0;
    for (; roots_at < roots_end; roots_at++) {
        uint32_t depth = 0;
        uint32_t at = build->children[roots_at];
        while (at != REGION_NONE) {
            struct region_node *node = &table->nodes[at];
            if (node->subtree_count == 0) {
                node->order = numbered;
                node->depth = (uint8_t)min_u64(depth, UINT8_MAX);
                table->order[numbered++] = at;
            }
            uint32_t child = next_child(build, at);
            if (child != REGION_NONE) {
                at = child;
                depth++;
            } else {
                node->subtree_count = numbered - node->order;
                at = node->parent;
                depth--;
            }
        }
    }
    CHECK(numbered <= table->count);
    return numbered;
}
