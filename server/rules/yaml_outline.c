#include "server/rules/yaml_outline.h"

#include "core/base/check.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>
#include <yaml.h>

static_assert(YAML_PATH_BYTES_MAX > YAML_DEPTH_MAX * (YAML_KEY_BYTES_MAX + 1) + 16,
              "the longest path fits");

/* One open mapping or sequence. */
struct level {
    bool is_mapping;
    bool has_key;      /* of a mapping: the next node is its value */
    uint32_t items;    /* of a sequence, so far */
    size_t path_bytes; /* of the container itself */
};

struct walk {
    struct yaml_outline *outline;
    const char *name;
    struct error *error;
    yaml_parser_t parser;
    uint32_t depth, documents;
    struct level levels[YAML_DEPTH_MAX];
    char path[YAML_PATH_BYTES_MAX];
    size_t path_bytes;
};

static enum status refuse(const struct walk *walk, size_t line, const char *why) {
    char place[32];
    snprintf(place, sizeof place, ":%zu: ", line);
    return error_set(walk->error, STATUS_INVALID, walk->name, place, why);
}

static size_t line_of(const yaml_event_t *event) {
    return event->start_mark.line + 1;
}

static uint64_t path_hash(const char *path, size_t bytes) {
    return XXH3_64bits(path, bytes);
}

const struct yaml_node *yaml_outline_find(const struct yaml_outline *outline, const char *path) {
    CHECK(outline->nodes_count <= YAML_NODES_MAX);
    uint64_t hash = path_hash(path, strlen(path));
    for (uint32_t i = 0; i < outline->nodes_count; i++) {
        if (outline->nodes[i].path_hash == hash) {
            return &outline->nodes[i];
        }
    }
    return NULL;
}

/* Notes the path as it stands now. */
static enum status add_node(struct walk *walk, size_t line) {
    struct yaml_outline *outline = walk->outline;
    if (outline->nodes_count == YAML_NODES_MAX) {
        return refuse(walk, line, "the file has more than 16384 keys and items");
    }
    walk->path[walk->path_bytes] = '\0';
    if (yaml_outline_find(outline, walk->path) != NULL) {
        char why[YAML_PATH_BYTES_MAX + 32];
        snprintf(why, sizeof why, "the key %s stands twice", walk->path);
        return refuse(walk, line, why);
    }
    outline->nodes[outline->nodes_count++] =
        (struct yaml_node){path_hash(walk->path, walk->path_bytes), (uint32_t)line, false};
    return STATUS_OK;
}

static enum status on_key(struct walk *walk, const yaml_event_t *event) {
    struct level *level = &walk->levels[walk->depth - 1];
    const char *key = (const char *)event->data.scalar.value;
    size_t bytes = event->data.scalar.length;
    if (event->type != YAML_SCALAR_EVENT) {
        return refuse(walk, line_of(event), "a key must be a plain word");
    }
    if (bytes == 0 || bytes > YAML_KEY_BYTES_MAX || strlen(key) != bytes) {
        return refuse(walk, line_of(event), "a key must be 1 to 64 bytes of text");
    }
    walk->path_bytes = level->path_bytes;
    if (walk->path_bytes > 0) {
        walk->path[walk->path_bytes++] = '.';
    }
    memcpy(walk->path + walk->path_bytes, key, bytes);
    walk->path_bytes += bytes;
    level->has_key = true;
    return add_node(walk, line_of(event));
}

static enum status on_item(struct walk *walk, const yaml_event_t *event) {
    struct level *level = &walk->levels[walk->depth - 1];
    walk->path_bytes = level->path_bytes;
    int bytes = snprintf(walk->path + walk->path_bytes, sizeof walk->path - walk->path_bytes,
                         "[%u]", level->items++);
    walk->path_bytes += (size_t)bytes;
    return add_node(walk, line_of(event));
}

static enum status on_scalar(struct walk *walk, const yaml_event_t *event) {
    const char *value = (const char *)event->data.scalar.value;
    if (event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL) {
        return refuse(walk, line_of(event), "anchors and tags are not allowed");
    }
    if (strlen(value) != event->data.scalar.length) {
        return refuse(walk, line_of(event), "a value holds a NUL byte");
    }
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
        (strcmp(value, "~") == 0 || strcmp(value, "null") == 0)) {
        return refuse(walk, line_of(event), "null is no value here: leave the key out");
    }
    if (walk->outline->nodes_count > 0) {
        walk->outline->nodes[walk->outline->nodes_count - 1].is_scalar = true;
    }
    return STATUS_OK;
}

static enum status on_begin(struct walk *walk, const yaml_event_t *event) {
    bool is_mapping = event->type == YAML_MAPPING_START_EVENT;
    const yaml_char_t *anchor =
        is_mapping ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
    const yaml_char_t *tag =
        is_mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag;
    if (anchor != NULL || tag != NULL) {
        return refuse(walk, line_of(event), "anchors and tags are not allowed");
    }
    if (walk->depth == YAML_DEPTH_MAX) {
        return refuse(walk, line_of(event), "nested more than 8 deep");
    }
    walk->levels[walk->depth++] = (struct level){is_mapping, false, 0, walk->path_bytes};
    return STATUS_OK;
}

/* A scalar, mapping or sequence, wherever it stands. */
static enum status on_node(struct walk *walk, const yaml_event_t *event) {
    if (walk->depth > 0) {
        struct level *level = &walk->levels[walk->depth - 1];
        if (level->is_mapping && !level->has_key) {
            return on_key(walk, event);
        }
        enum status status = level->is_mapping ? STATUS_OK : on_item(walk, event);
        level->has_key = false;
        if (status != STATUS_OK) {
            return status;
        }
    }
    return event->type == YAML_SCALAR_EVENT ? on_scalar(walk, event) : on_begin(walk, event);
}

static enum status on_event(struct walk *walk, const yaml_event_t *event) {
    switch (event->type) {
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return STATUS_OK;
    case YAML_DOCUMENT_START_EVENT:
        if (walk->documents++ > 0) {
            return refuse(walk, line_of(event), "a second document in one file");
        }
        return STATUS_OK;
    case YAML_ALIAS_EVENT:
        return refuse(walk, line_of(event), "aliases are not allowed");
    case YAML_SCALAR_EVENT:
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return on_node(walk, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        CHECK(walk->depth > 0);
        walk->depth--;
        walk->path_bytes = walk->levels[walk->depth].path_bytes;
        return STATUS_OK;
    }
    return STATUS_OK;
}

/* Where libyaml stopped; a reader's problem (bad UTF-8) comes as an offset without a mark. */
static enum status syntax_error(const struct walk *walk, struct slice text) {
    const yaml_parser_t *parser = &walk->parser;
    const char *problem = parser->problem != NULL ? parser->problem : "not readable as YAML";
    size_t line = parser->problem_mark.line + 1;
    if (parser->error == YAML_READER_ERROR) {
        line = 1;
        for (size_t i = 0; i < parser->problem_offset && i < text.bytes; i++) {
            line += text.data[i] == '\n';
        }
    }
    return refuse(walk, line, problem);
}

static enum status walk_events(struct walk *walk, struct slice text) {
    for (bool done = false; !done;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&walk->parser, &event)) {
            return syntax_error(walk, text);
        }
        done = event.type == YAML_STREAM_END_EVENT;
        enum status status = on_event(walk, &event);
        yaml_event_delete(&event);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* libyaml's own nesting is not bounded: its scanner needs time quadratic in the depth of flow
 * brackets. Counting brackets would need to know quotes, so the depth is checked event by event
 * and the walk stops at the first one too deep. */
enum status yaml_outline_read(struct yaml_outline *ret, const char *name, struct slice text,
                              struct error *error) {
    struct walk walk = {.outline = ret, .name = name, .error = error};
    ret->nodes_count = 0;
    if (text.bytes > YAML_BYTES_MAX) {
        return refuse(&walk, 1, "the file is larger than 1 MiB");
    }
    if (!yaml_parser_initialize(&walk.parser)) {
        return error_set(error, STATUS_NO_MEMORY, name, ": out of memory", NULL);
    }
    /* Otherwise a byte order mark could switch to UTF-16. */
    yaml_parser_set_encoding(&walk.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&walk.parser, text.data == NULL ? (const uint8_t *)"" : text.data,
                                 text.bytes);
    enum status status = walk_events(&walk, text);
    yaml_parser_delete(&walk.parser);
    return status;
}
