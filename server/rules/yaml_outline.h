/* The first look at a YAML file: is it bounded and plain, and on which line does each key stand.
 *
 * libcyaml fills structures but takes anchors, many documents and any depth, and its positions are
 * those of the event before. This pass over libyaml's events refuses what a settings file has no
 * use for and remembers a line for each path: "limits.block_bytes", "categories[3].priority". */
#ifndef SERVER_RULES_YAML_OUTLINE_H
#define SERVER_RULES_YAML_OUTLINE_H

#include "core/base/status.h"

enum {
    YAML_BYTES_MAX = 1 << 20,
    YAML_DEPTH_MAX = 8,     /* nested mappings and sequences */
    YAML_NODES_MAX = 16384, /* keys and sequence items together */
    YAML_KEY_BYTES_MAX = 64,
    YAML_PATH_BYTES_MAX = 576, /* > YAML_DEPTH_MAX * (YAML_KEY_BYTES_MAX + 1) + one index */
};

struct yaml_outline {
    uint32_t nodes_count;
    struct yaml_node {
        uint64_t path_hash;
        uint32_t line;  /* 1-based */
        bool is_scalar; /* the value, not the key */
    } nodes[YAML_NODES_MAX];
};

/* INVALID: the message is "NAME:LINE: what is wrong". Refused: more than YAML_BYTES_MAX bytes, a
 * second document, anchors, aliases, tags, `~` and `null`, a key that stands twice, deeper or
 * larger than the bounds above, bytes that are no UTF-8, control bytes. O(n + nodes^2). */
MUST_USE enum status yaml_outline_read(struct yaml_outline *ret, const char *name,
                                       struct slice text, struct error *error);
/* NULL when the file has no such key or item. O(nodes). */
const struct yaml_node *yaml_outline_find(const struct yaml_outline *outline, const char *path);

#endif
