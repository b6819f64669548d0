#include "server/rules/policy_file.h"

#include "server/rules/policy_default.h"
#include "server/rules/policy_yaml.h"

#include <stdlib.h>

static enum status read_version(uint32_t *ret, const struct yaml_file *file, const char *text,
                                struct error *error) {
    const struct policy_item file_itself = {file, error, ""};
    uint32_t version = 0;
    if (policy_word_number(&file_itself, "version", text, &version) != STATUS_OK || version == 0) {
        return yaml_file_fault(file, "version", "is no whole number from 1 to 4294967295", error);
    }
    *ret = version;
    return STATUS_OK;
}

/* Merge classes before categories, these before units, which have assignments: each may be named
 * only by what comes later. */
static enum status fill(const struct yaml_file *file, struct policy *policy,
                        const struct policy_yaml *loaded, struct error *error) {
    static enum status (*const sections[])(struct policy *, const struct yaml_file *,
                                           const struct policy_yaml *, struct error *) = {
        policy_read_merge_classes, policy_read_categories, policy_read_channels, policy_read_units,
        policy_read_ladders,       policy_read_fire,       policy_read_alarm,    policy_read_times,
    };
    uint32_t version = 0;
    enum status status = read_version(&version, file, loaded->version, error);
    if (status != STATUS_OK) {
        return status;
    }
    policy_init(policy, version);
    for (size_t i = 0; status == STATUS_OK && i < ARRAY_COUNT(sections); i++) {
        status = sections[i](policy, file, loaded, error);
    }
    /* A report that names no channel came from a handheld (api.md, Reports). */
    if (status == STATUS_OK && policy_default_channel(policy) == NULL) {
        status = yaml_file_fault(file, "channels", "the channel handheld is missing", error);
    }
    return status;
}

/* Filled aside: a policy is 270 KiB, too much for a stack and not to be left half changed. */
static enum status policy_from(const struct yaml_file *file, struct policy *ret,
                               struct error *error) {
    void *loaded = NULL;
    enum status status = yaml_file_load(file, &policy_yaml_schema, &loaded, error);
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
    yaml_file_unload(&policy_yaml_schema, loaded);
    return status;
}

enum status policy_load_text(struct policy *ret, struct buffer *ret_text, const char *path,
                             struct error *error) {
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
    if (status == STATUS_OK && ret_text != NULL) {
        buffer_append_slice(ret_text, file->text);
    }
    yaml_file_free(file);
    return status;
}

enum status policy_load(struct policy *ret, const char *path, struct error *error) {
    return policy_load_text(ret, NULL, path, error);
}

enum status policy_from_text(struct policy *ret, const char *name, struct slice text,
                             struct error *error) {
    struct yaml_file *file;
    enum status status = yaml_file_from(&file, name, text, error);
    if (status == STATUS_OK) {
        status = policy_from(file, ret, error);
        yaml_file_free(file);
    }
    return status;
}
