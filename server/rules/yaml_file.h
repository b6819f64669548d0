/* A YAML settings file: bounded, outlined, then filled into structures by libcyaml.
 *
 * Schemas give every scalar as a string pointer: the readers of configuration and policy convert
 * the words themselves, because libcyaml takes "maybe" for true and 010 for eight. All messages
 * read "NAME:LINE: PATH: what is wrong". */
#ifndef SERVER_RULES_YAML_FILE_H
#define SERVER_RULES_YAML_FILE_H

#include "server/rules/yaml_outline.h"

#include <cyaml/cyaml.h>

struct yaml_file {
    const char *name; /* as messages call it; borrowed */
    struct slice text;
    struct yaml_outline outline;
};

/* Reads the file at `path`, which is also its name. NOT_FOUND, IO, or as yaml_file_from. `*ret` is
 * for yaml_file_free. */
MUST_USE enum status yaml_file_read(struct yaml_file **ret, const char *path, struct error *error);
/* The same with text that is in memory already (copied). */
MUST_USE enum status yaml_file_from(struct yaml_file **ret, const char *name, struct slice text,
                                    struct error *error);
void yaml_file_free(struct yaml_file *file);

/* Fills what `schema` describes; `*ret` is NULL when the file holds nothing. Unknown keys, wrong
 * kinds and lengths are INVALID. yaml_file_unload frees it. */
MUST_USE enum status yaml_file_load(const struct yaml_file *file,
                                    const cyaml_schema_value_t *schema, void **ret,
                                    struct error *error);
void yaml_file_unload(const cyaml_schema_value_t *schema, void *loaded);

/* Sets "NAME:LINE: PATH: why" and returns INVALID. A path the file does not have is looked for
 * from its end towards its root, so that a missing member names the item it is missing from. */
enum status yaml_file_fault(const struct yaml_file *file, const char *path, const char *why,
                            struct error *error);

#endif
