#include "server/policy_file.h"

#include "core/check.h"
#include "server/config.h"
#include "server/policy_default.h"
#include "server/yaml_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct category_yaml {
    char *code, *name, *priority;
    char *severity; /* NULL: by priority */
};

struct channel_yaml {
    char *code, *name;
};

struct policy_yaml {
    char *version;
    struct category_yaml *categories;
    uint32_t categories_count;
    struct channel_yaml *channels;
    uint32_t channels_count;
};

enum { REQUIRED = CYAML_FLAG_POINTER, OPTIONAL = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL };

static const cyaml_schema_field_t category_fields[] = {
    CYAML_FIELD_STRING_PTR("code", REQUIRED, struct category_yaml, code, 0, CYAML_UNLIMITED),
    CYAML_FIELD_STRING_PTR("name", REQUIRED, struct category_yaml, name, 0, CYAML_UNLIMITED),
    CYAML_FIELD_STRING_PTR("priority", REQUIRED, struct category_yaml, priority, 0,
                           CYAML_UNLIMITED),
    CYAML_FIELD_STRING_PTR("severity", OPTIONAL, struct category_yaml, severity, 0,
                           CYAML_UNLIMITED),
    CYAML_FIELD_END};
static const cyaml_schema_value_t category_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct category_yaml, category_fields)};

static const cyaml_schema_field_t channel_fields[] = {
    CYAML_FIELD_STRING_PTR("code", REQUIRED, struct channel_yaml, code, 0, CYAML_UNLIMITED),
    CYAML_FIELD_STRING_PTR("name", REQUIRED, struct channel_yaml, name, 0, CYAML_UNLIMITED),
    CYAML_FIELD_END};
static const cyaml_schema_value_t channel_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct channel_yaml, channel_fields)};

static const cyaml_schema_field_t policy_fields[] = {
    CYAML_FIELD_STRING_PTR("version", REQUIRED, struct policy_yaml, version, 0, CYAML_UNLIMITED),
    CYAML_FIELD_SEQUENCE("categories", REQUIRED, struct policy_yaml, categories, &category_schema,
                         1, CATEGORIES_MAX),
    CYAML_FIELD_SEQUENCE("channels", REQUIRED, struct policy_yaml, channels, &channel_schema, 1,
                         CHANNELS_MAX),
    CYAML_FIELD_END};
static const cyaml_schema_value_t policy_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct policy_yaml, policy_fields)};

/* `member` is ".name" of the member that is to blame, or "" for the item as a whole. */
static enum status blame(const struct yaml_file *file, const char *list, uint32_t index,
                         const char *member, const char *why, struct error *error) {
    char path[YAML_PATH_BYTES_MAX];
    snprintf(path, sizeof path, "%s[%u]%s", list, index, member);
    return yaml_file_fault(file, path, why, error);
}

/* Domain.md 3.7 ranks categories by priority only; CAP's four severities follow it one to one. */
static enum severity severity_of_priority(unsigned priority) {
    static const enum severity severities[] = {SEVERITY_EXTREME, SEVERITY_SEVERE, SEVERITY_MODERATE,
                                               SEVERITY_MINOR};
    CHECK(priority >= 1 && priority <= ARRAY_COUNT(severities));
    return severities[priority - 1];
}

static enum status add_category(const struct yaml_file *file, struct policy *policy,
                                const struct category_yaml *category, uint32_t index,
                                struct error *error) {
    const char *digit = category->priority;
    if (digit[0] != 'P' || digit[1] < '1' || digit[1] > '4' || digit[2] != '\0') {
        return blame(file, "categories", index, ".priority", "is none of P1, P2, P3, P4", error);
    }
    unsigned priority = (unsigned)(digit[1] - '0');
    enum severity severity = severity_of_priority(priority);
    if (category->severity != NULL && !severity_parse(&severity, slice_text(category->severity))) {
        return blame(file, "categories", index, ".severity",
                     "is none of extreme, severe, moderate, minor", error);
    }
    struct error why;
    if (policy_add_category(policy, slice_text(category->code), slice_text(category->name),
                            priority, severity, &why) != STATUS_OK) {
        return blame(file, "categories", index, "", why.message, error);
    }
    return STATUS_OK;
}

static enum status add_channel(const struct yaml_file *file, struct policy *policy,
                               const struct channel_yaml *channel, uint32_t index,
                               struct error *error) {
    struct error why;
    if (policy_add_channel(policy, slice_text(channel->code), slice_text(channel->name), &why) !=
        STATUS_OK) {
        return blame(file, "channels", index, "", why.message, error);
    }
    return STATUS_OK;
}

static enum status fill(const struct yaml_file *file, struct policy *policy,
                        const struct policy_yaml *loaded, struct error *error) {
    uint64_t version;
    if (!config_number_parse(&version, loaded->version) || version == 0 || version > UINT32_MAX) {
        return yaml_file_fault(file, "version", "is no whole number from 1 to 4294967295", error);
    }
    policy_init(policy, (uint32_t)version);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < loaded->categories_count; i++) {
        status = add_category(file, policy, &loaded->categories[i], i, error);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < loaded->channels_count; i++) {
        status = add_channel(file, policy, &loaded->channels[i], i, error);
    }
    /* A report that names no channel came from a handheld (api.md, Reports). */
    if (status == STATUS_OK && policy_channel(policy, SLICE_LITERAL("handheld")) == NULL) {
        status = yaml_file_fault(file, "channels", "the channel handheld is missing", error);
    }
    return status;
}

/* Filled aside: a policy is 150 KiB, too much for a stack and not to be left half changed. */
static enum status policy_from(const struct yaml_file *file, struct policy *ret,
                               struct error *error) {
    void *loaded = NULL;
    enum status status = yaml_file_load(file, &policy_schema, &loaded, error);
    if (status != STATUS_OK) {
        return status;
    }
    if (loaded == NULL) {
        return yaml_file_fault(file, "",
                               "the file is empty: a policy needs version, categories "
                               "and channels",
                               error);
    }
    struct policy *policy = malloc(sizeof *policy);
    if (policy == NULL) {
        status = error_set(error, STATUS_NO_MEMORY, file->name, ": out of memory", NULL);
        goto out;
    }
    status = fill(file, policy, loaded, error);
    if (status == STATUS_OK) {
        *ret = *policy;
    }
    free(policy);
out:
    yaml_file_unload(&policy_schema, loaded);
    return status;
}

enum status policy_load(struct policy *ret, const char *path, struct error *error) {
    struct yaml_file *file;
    enum status status =
        path[0] == '\0'
            ? yaml_file_from(&file, "the built-in policy",
                             (struct slice){policy_default_text, policy_default_bytes}, error)
            : yaml_file_read(&file, path, error);
    if (status != STATUS_OK) {
        return status;
    }
    status = policy_from(file, ret, error);
    yaml_file_free(file);
    return status;
}
