#include "core/region/region.h"

#include "core/base/check.h"
#include "core/base/mutant.h"
#include "core/region/region_table.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

uint32_t region_code_tag(struct slice code) {
    return (uint32_t)XXH3_64bits(code.data, code.bytes);
}

struct region_slot region_slot_of(struct slice code, uint32_t id_plus_one) {
    CHECK(code.bytes > 0);
    struct region_slot slot = {.tag = region_code_tag(code), .id_plus_one = id_plus_one};
    if (code.bytes <= sizeof slot.code) {
        memcpy(slot.code, code.data, code.bytes);
    }
    return slot;
}

size_t region_count(const struct region_table *table) {
    return table->count;
}

static const struct region_node *node_of(const struct region_table *table, uint32_t id) {
    CHECK(id < table->count);
    return &table->nodes[id];
}

void region_read(const struct region_table *table, uint32_t id, struct region_row *ret) {
    uint32_t text = node_of(table, id)->text;
    size_t bytes =
        region_row_decode(ret, (struct slice){table->text + text, table->text_bytes - text});
    CHECK(bytes > 0);
}

struct slice region_code(const struct region_table *table, uint32_t id) {
    uint32_t text = node_of(table, id)->text;
    struct slice code =
        region_row_code((struct slice){table->text + text, table->text_bytes - text});
    CHECK(code.bytes > 0);
    return code;
}

uint8_t region_level(const struct region_table *table, uint32_t id) {
    return node_of(table, id)->level;
}

bool region_has_leader(const struct region_table *table, uint32_t id) {
    uint32_t text = node_of(table, id)->text;
    return region_row_has_leader((struct slice){table->text + text, table->text_bytes - text});
}

bool region_has_children(const struct region_table *table, uint32_t id) {
    return node_of(table, id)->children_count > 0;
}

static bool has_code(const struct region_table *table, uint32_t id, struct slice code) {
    struct region_row row;
    region_read(table, id, &row);
    return slice_equal(row.code, code);
}

uint32_t region_find(const struct region_table *table, struct slice code) {
    if (code.bytes == 0) {
        return REGION_NONE;
    }
    struct region_slot wanted = region_slot_of(code, 0);
    uint32_t at = wanted.tag & table->slots_mask;
    for (uint32_t tried = 0; tried <= table->slots_mask; tried++) {
        const struct region_slot *slot = &table->slots[at];
        if (slot->id_plus_one == 0) {
            return REGION_NONE;
        }
        if (slot->tag == wanted.tag && memcmp(slot->code, wanted.code, sizeof wanted.code) == 0 &&
            (code.bytes <= sizeof wanted.code || has_code(table, slot->id_plus_one - 1, code))) {
            return slot->id_plus_one - 1;
        }
        at = (at + 1) & table->slots_mask;
    }
    CHECK(false); /* at most 3/4 of the slots are used */
    return REGION_NONE;
}

void region_prefetch(const struct region_table *table, struct slice code) {
    if (code.bytes != 0) {
        __builtin_prefetch(&table->slots[region_code_tag(code) & table->slots_mask]);
    }
}

/* The region right behind the subtree, when it has the same parent. */
static uint32_t next_sibling(const struct region_table *table, const struct region_node *node) {
    uint32_t behind = node->order + node->subtree_count;
    if (behind == table->count) {
        return REGION_NONE;
    }
    uint32_t id = table->order[behind];
    return node_of(table, id)->parent == node->parent ? id : REGION_NONE;
}

struct region region_get(const struct region_table *table, uint32_t id) {
    const struct region_node *node = node_of(table, id);
    struct region_row row;
    region_read(table, id, &row);
    return (struct region){
        .code = row.code,
        .name = row.name,
        .kind = row.kind,
        .leader = row.leader,
        .parent = node->parent,
        .first_child = node->children_count > 0 ? table->order[node->order + 1] : REGION_NONE,
        .next_sibling = next_sibling(table, node),
        .children_count = node->children_count,
        .level = node->level,
        .depth = node->depth,
        .has_position = row.has_position,
        .position = row.position,
    };
}

uint32_t region_first_root(const struct region_table *table) {
    return table->count > 0 ? table->order[0] : REGION_NONE;
}

#ifdef GRIDD_CHECK_SLOW
static bool is_within_by_parents(const struct region_table *table, uint32_t id, uint32_t root) {
    while (id != REGION_NONE && id != root) {
        id = node_of(table, id)->parent;
    }
    return id == root;
}
#endif

bool region_is_within(const struct region_table *table, uint32_t id, uint32_t root) {
    if (MUTANT(REGION_BY_PREFIX)) {
        struct slice code = region_get(table, id).code, prefix = region_get(table, root).code;
        return code.bytes >= prefix.bytes &&
               slice_equal((struct slice){code.data, prefix.bytes}, prefix);
    }
    const struct region_node *top = node_of(table, root);
    bool within = node_of(table, id)->order - top->order < top->subtree_count;
#ifdef GRIDD_CHECK_SLOW
    CHECK_SLOW(within == is_within_by_parents(table, id, root));
#endif
    return within;
}

size_t region_path(const struct region_table *table, uint32_t id, uint32_t ids[REGION_DEPTH_CAP]) {
    size_t count = (size_t)node_of(table, id)->depth + 1;
    CHECK(count <= REGION_DEPTH_CAP);
    for (size_t i = count; i-- > 0; id = table->nodes[id].parent) {
        CHECK(id < table->count);
        ids[i] = id;
    }
    CHECK(id == REGION_NONE);
    return count;
}

size_t region_subtree_count(const struct region_table *table, uint32_t root) {
    return node_of(table, root)->subtree_count;
}

void region_subtree(const struct region_table *table, uint32_t root, uint32_t *ids) {
    const struct region_node *top = node_of(table, root);
    CHECK(top->subtree_count <= table->count - top->order);
    memcpy(ids, table->order + top->order, top->subtree_count * sizeof *ids);
}

void region_to_row(const struct region_table *table, uint32_t id, struct region_row *ret) {
    uint32_t parent = node_of(table, id)->parent;
    region_read(table, id, ret);
    if (parent != REGION_NONE) {
        struct region_row above;
        region_read(table, parent, &above);
        ret->parent = above.code;
    }
}
