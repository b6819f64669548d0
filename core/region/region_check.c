#include "core/region/region_table.h"

#include "core/base/check.h"

#include <string.h>

/* A sentence in the making; what does not fit is cut. */
struct sentence {
    char text[512];
    size_t bytes;
};

static void add_bytes(struct sentence *to, const void *data, size_t bytes) {
    size_t room = sizeof to->text - 1 - to->bytes;
    bytes = bytes < room ? bytes : room;
    memcpy(to->text + to->bytes, data, bytes);
    to->bytes += bytes;
    to->text[to->bytes] = '\0';
}

static void add(struct sentence *to, const char *text) {
    add_bytes(to, text, strlen(text));
}

static void add_code(struct sentence *to, const char *before, struct slice code) {
    add(to, before);
    add_bytes(to, code.data, code.bytes);
}

static void add_number(struct sentence *to, const char *before, uint64_t number) {
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    add(to, before);
    add_bytes(to, digits + at, sizeof digits - at);
}

static size_t row_index(const struct region_build *build, uint64_t offset) {
    size_t index = 0;
    for (size_t at = 0; at < offset; index++) {
        struct region_row row;
        struct slice rest = {build->rows.data + at, build->rows.bytes - at};
        size_t bytes = region_row_decode(&row, rest);
        CHECK(bytes > 0);
        at += bytes;
    }
    return index;
}

static enum status refuse(const struct region_build *build, uint64_t offset,
                          const struct sentence *sentence, size_t *ret_row, struct error *error) {
    *ret_row = row_index(build, offset);
    return error_set(error, STATUS_INVALID, sentence->text, NULL, NULL);
}

enum status region_refuse_limit(const struct region_build *build, uint64_t offset,
                                struct slice code, const char *why, uint64_t limit, size_t *ret_row,
                                struct error *error) {
    struct sentence sentence = {.bytes = 0};
    add_code(&sentence, "region ", code);
    add_number(&sentence, why, limit);
    return refuse(build, offset, &sentence, ret_row, error);
}

enum status region_refuse_parent(const struct region_build *build, uint64_t offset,
                                 const struct region_row *row, size_t *ret_row,
                                 struct error *error) {
    struct sentence sentence = {.bytes = 0};
    add_code(&sentence, "region ", row->code);
    add_code(&sentence, ": its parent ", row->parent);
    add(&sentence, " is neither known nor in this upload");
    return refuse(build, offset, &sentence, ret_row, error);
}

/* Offset of the row to blame for a region: its own, or that of its nearest ancestor that has one.
 * Without any (limits were lowered since) the first row stands for the upload. */
static uint64_t blamed_offset(const struct region_build *build, uint32_t id) {
    for (uint32_t steps = 0; id != REGION_NONE && steps < build->table->count; steps++) {
        if (build->row_marks[id] > 0) {
            return build->row_marks[id] - 1;
        }
        id = build->table->nodes[id].parent;
    }
    return 0;
}

/* The region that fails with the first row to blame, REGION_NONE when none fails. */
static uint32_t first_failing(const struct region_build *build,
                              bool (*fails)(const struct region_build *build, uint32_t id)) {
    uint32_t first = REGION_NONE;
    uint64_t first_offset = UINT64_MAX;
    for (uint32_t id = 0; id < build->table->count; id++) {
        if (fails(build, id)) {
            uint64_t offset = blamed_offset(build, id);
            if (offset < first_offset) {
                first = id;
                first_offset = offset;
            }
        }
    }
    return first;
}

/* Walking up as often as there are regions ends on the cycle; once around it finds the first row
 * that closes it. A table before has no cycle, so one of them was uploaded. */
enum status region_check_cycles(const struct region_build *build, uint32_t numbered,
                                size_t *ret_row, struct error *error) {
    const struct region_node *nodes = build->table->nodes;
    uint32_t count = build->table->count;
    if (numbered == count) {
        return STATUS_OK;
    }
    uint32_t on_cycle = 0;
    while (nodes[on_cycle].subtree_count > 0) { /* it was numbered */
        on_cycle++;
    }
    for (uint32_t i = 0; i < count; i++) {
        on_cycle = nodes[on_cycle].parent;
        CHECK(on_cycle < count);
    }
    uint32_t first = REGION_NONE;
    uint32_t at = on_cycle;
    do {
        if (build->row_marks[at] > 0 &&
            (first == REGION_NONE || build->row_marks[at] < build->row_marks[first])) {
            first = at;
        }
        at = nodes[at].parent;
    } while (at != on_cycle);
    CHECK(first != REGION_NONE);
    struct sentence sentence = {.bytes = 0};
    add_code(&sentence, "region ", region_build_code(build, first));
    add_code(&sentence, ": a cycle, it would lie below itself through its parent ",
             region_build_code(build, nodes[first].parent));
    return refuse(build, build->row_marks[first] - 1, &sentence, ret_row, error);
}

static bool level_fails(const struct region_build *build, uint32_t id) {
    const struct region_node *node = &build->table->nodes[id];
    return node->parent != REGION_NONE && node->level <= build->table->nodes[node->parent].level;
}

enum status region_check_levels(const struct region_build *build, size_t *ret_row,
                                struct error *error) {
    uint32_t id = first_failing(build, level_fails);
    if (id == REGION_NONE) {
        return STATUS_OK;
    }
    const struct region_node *node = &build->table->nodes[id];
    const struct region_node *parent = &build->table->nodes[node->parent];
    struct sentence sentence = {.bytes = 0};
    add_code(&sentence, "region ", region_build_code(build, id));
    add_number(&sentence, ": its level ", node->level);
    add_code(&sentence, " is not below its parent ", region_build_code(build, node->parent));
    add_number(&sentence, "'s level ", parent->level);
    return refuse(build, blamed_offset(build, id), &sentence, ret_row, error);
}

static bool depth_fails(const struct region_build *build, uint32_t id) {
    uint64_t depth = build->table->nodes[id].depth;
    return depth > build->limits->region_depth || depth >= REGION_DEPTH_CAP;
}

enum status region_check_depths(const struct region_build *build, size_t *ret_row,
                                struct error *error) {
    uint32_t id = first_failing(build, depth_fails);
    if (id == REGION_NONE) {
        return STATUS_OK;
    }
    struct sentence sentence = {.bytes = 0};
    add_code(&sentence, "region ", region_build_code(build, id));
    add_number(&sentence, ": it is ", build->table->nodes[id].depth);
    add_number(&sentence, " steps below its root, more than ", build->limits->region_depth);
    return refuse(build, blamed_offset(build, id), &sentence, ret_row, error);
}
