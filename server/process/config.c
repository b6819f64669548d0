#include "server/process/config.h"

#include "core/base/check.h"
#include "server/rules/yaml_file.h"

#include <stdio.h>
#include <string.h>

/* The file as libcyaml fills it: a string where the key stands, NULL where it does not. */
struct limits_yaml {
#define LIMITS_YAML(name, preset, min, max, text) char *name;
    LIMITS_TABLE(LIMITS_YAML)
#undef LIMITS_YAML
};

struct config_yaml {
#define CONFIG_YAML(key, field, kind, min, max) char *key;
    CONFIG_TABLE(CONFIG_YAML)
#undef CONFIG_YAML
    struct limits_yaml *limits;
};

enum { SCALAR_FLAGS = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, NUMBER_BYTES_MAX = 32 };

static const cyaml_schema_field_t limits_fields[] = {
#define LIMITS_FIELD(name, preset, min, max, text)                                                 \
    CYAML_FIELD_STRING_PTR(#name, SCALAR_FLAGS, struct limits_yaml, name, 0, NUMBER_BYTES_MAX),
    LIMITS_TABLE(LIMITS_FIELD)
#undef LIMITS_FIELD
        CYAML_FIELD_END};

static const cyaml_schema_field_t config_fields[] = {
#define CONFIG_FIELD(key, field, kind, min, max)                                                   \
    CYAML_FIELD_STRING_PTR(#key, SCALAR_FLAGS, struct config_yaml, key, 0, CYAML_UNLIMITED),
    CONFIG_TABLE(CONFIG_FIELD)
#undef CONFIG_FIELD
        CYAML_FIELD_MAPPING_PTR("limits", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                                struct config_yaml, limits, limits_fields),
    CYAML_FIELD_END};

static const cyaml_schema_value_t config_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct config_yaml, config_fields)};

void config_init(struct config *config) {
    memset(config, 0, sizeof *config);
    snprintf(config->listen, sizeof config->listen, "127.0.0.1:8080");
    config->log_level = LOG_LEVEL_INFO;
    config->cache_bytes = 64 * MIB;
    config->memtable_bytes = 32 * MIB;
    config->pool_threads = 4;
    limits_init(&config->limits);
}

static enum status apply_key(const struct yaml_file *file, struct config *config, const char *key,
                             const char *value, struct error *error) {
    struct error why;
    if (value == NULL || config_set(config, key, value, &why) == STATUS_OK) {
        return STATUS_OK;
    }
    return yaml_file_fault(file, key, why.message, error);
}

static enum status apply_limits(const struct yaml_file *file, struct config *config,
                                const struct limits_yaml *loaded, struct error *error) {
    const char *const values[] = {
#define LIMITS_VALUE(name, preset, min, max, text) loaded->name,
        LIMITS_TABLE(LIMITS_VALUE)
#undef LIMITS_VALUE
    };
    for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
        const struct limit_row *row = limits_row(i);
        struct error why;
        CHECK(row != NULL);
        if (values[i] != NULL &&
            config_set_limit(config, row->name, values[i], &why) != STATUS_OK) {
            char path[YAML_PATH_BYTES_MAX];
            snprintf(path, sizeof path, "limits.%s", row->name);
            return yaml_file_fault(file, path, why.message, error);
        }
    }
    return STATUS_OK;
}

static enum status apply(const struct yaml_file *file, struct config *config,
                         const struct config_yaml *loaded, struct error *error) {
    const struct {
        const char *key, *value;
    } pairs[] = {
#define CONFIG_PAIR(key, field, kind, min, max) {#key, loaded->key},
        CONFIG_TABLE(CONFIG_PAIR)
#undef CONFIG_PAIR
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < ARRAY_COUNT(pairs); i++) {
        status = apply_key(file, config, pairs[i].key, pairs[i].value, error);
    }
    if (status == STATUS_OK && loaded->limits != NULL) {
        status = apply_limits(file, config, loaded->limits, error);
    }
    struct error why;
    if (status == STATUS_OK && config_check(config, &why) != STATUS_OK) {
        status = yaml_file_fault(file, "limits", why.message, error);
    }
    return status;
}

enum status config_load(struct config *config, const char *path, struct error *error) {
    struct yaml_file *file;
    enum status status = yaml_file_read(&file, path, error);
    if (status != STATUS_OK) {
        return status;
    }
    void *loaded = NULL;
    struct config changed = *config;
    status = yaml_file_load(file, &config_schema, &loaded, error);
    if (status == STATUS_OK && loaded != NULL) {
        status = apply(file, &changed, loaded, error);
        yaml_file_unload(&config_schema, loaded);
    }
    if (status == STATUS_OK) {
        *config = changed;
    }
    yaml_file_free(file);
    return status;
}
