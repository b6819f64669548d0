#include "server/rules/yaml_file.h"

#include "core/base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What libcyaml says about a failure: the reason first, then where, innermost first. */
struct complaint {
    char reason[256];
    char path[YAML_PATH_BYTES_MAX];
    bool skip_field; /* a key is missing: the field named next is only the one read last */
};

static void *memory_of_cyaml(void *context, void *memory, size_t bytes) {
    (void)context;
    if (bytes == 0) {
        free(memory);
        return NULL;
    }
    return realloc(memory, bytes);
}

static void prepend(struct complaint *complaint, const char *part) {
    char joined[YAML_PATH_BYTES_MAX];
    const char *dot = complaint->path[0] == '\0' || complaint->path[0] == '[' ? "" : ".";
    int bytes = snprintf(joined, sizeof joined, "%s%s%s", part, dot, complaint->path);
    if (bytes > 0 && (size_t)bytes < sizeof joined) {
        memcpy(complaint->path, joined, (size_t)bytes + 1);
    }
}

/* The reason, in our words where libcyaml's would puzzle. */
static void on_reason(struct complaint *complaint, const char *reason) {
    char name[YAML_KEY_BYTES_MAX + 1];
    if (complaint->reason[0] != '\0' || strcmp(reason, "Backtrace:") == 0) {
        return;
    }
    if (sscanf(reason, "Unexpected key: %64s", name) == 1) {
        snprintf(complaint->path, sizeof complaint->path, "%s", name);
        snprintf(complaint->reason, sizeof complaint->reason, "there is no such key");
    } else if (sscanf(reason, "Missing required mapping field: %64s", name) == 1) {
        complaint->skip_field = true;
        snprintf(complaint->reason, sizeof complaint->reason, "the key %s is missing", name);
    } else {
        snprintf(complaint->reason, sizeof complaint->reason, "%.*s",
                 (int)sizeof complaint->reason - 1, reason);
    }
}

/* libcyaml reports a failure only as log lines: the reason, then the way to it, innermost first,
 * sequence entries counted from 1. A line of another shape would cost the position, not the
 * message; tests/unit/test_config.c and test_policy_file.c pin the shapes. */
__attribute__((format(printf, 3, 0))) static void on_log(cyaml_log_t level, void *context,
                                                         const char *format, va_list values) {
    struct complaint *complaint = context;
    char line[YAML_PATH_BYTES_MAX], name[YAML_KEY_BYTES_MAX + 1];
    if (level < CYAML_LOG_ERROR) {
        return;
    }
    vsnprintf(line, sizeof line, format, values);
    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "Load: ", 6) == 0) {
        on_reason(complaint, line + 6);
        return;
    }
    static const char in_entry[] = "  in sequence entry '";
    unsigned long entry = strncmp(line, in_entry, sizeof in_entry - 1) == 0
                              ? strtoul(line + sizeof in_entry - 1, NULL, 10)
                              : 0;
    if (entry > 0) {
        snprintf(name, sizeof name, "[%lu]", entry - 1);
        prepend(complaint, name);
    } else if (!complaint->skip_field && sscanf(line, "  in mapping field '%64[^']'", name) == 1) {
        prepend(complaint, name);
    }
    complaint->skip_field = false;
}

static cyaml_config_t cyaml_settings(struct complaint *complaint) {
    return (cyaml_config_t){.log_fn = on_log,
                            .log_ctx = complaint,
                            .log_level = CYAML_LOG_ERROR,
                            .mem_fn = memory_of_cyaml,
                            .flags = CYAML_CFG_NO_ALIAS};
}

enum status yaml_file_load(const struct yaml_file *file, const cyaml_schema_value_t *schema,
                           void **ret, struct error *error) {
    struct complaint complaint = {{0}, {0}, false};
    cyaml_config_t settings = cyaml_settings(&complaint);
    cyaml_data_t *loaded = NULL;
    cyaml_err_t failure =
        cyaml_load_data(file->text.data, file->text.bytes, &settings, schema, &loaded, NULL);
    if (failure == CYAML_OK) {
        *ret = loaded;
        return STATUS_OK;
    }
    if (failure == CYAML_ERR_OOM) {
        return error_set(error, STATUS_NO_MEMORY, file->name, ": out of memory", NULL);
    }
    const char *reason = complaint.reason[0] != '\0' ? complaint.reason : cyaml_strerror(failure);
    return yaml_file_fault(file, complaint.path, reason, error);
}

void yaml_file_unload(const cyaml_schema_value_t *schema, void *loaded) {
    struct complaint complaint = {{0}, {0}, false};
    cyaml_config_t settings = cyaml_settings(&complaint);
    cyaml_err_t failure = cyaml_free(&settings, schema, loaded, 0);
    CHECK(failure == CYAML_OK);
}

enum status yaml_file_fault(const struct yaml_file *file, const char *path, const char *why,
                            struct error *error) {
    char where[YAML_PATH_BYTES_MAX + 64], shorter[YAML_PATH_BYTES_MAX];
    uint32_t line = 1;
    snprintf(shorter, sizeof shorter, "%s", path);
    while (shorter[0] != '\0') {
        const struct yaml_node *node = yaml_outline_find(&file->outline, shorter);
        if (node != NULL) {
            line = node->line;
            break;
        }
        char *dot = strrchr(shorter, '.');
        char *bracket = strrchr(shorter, '[');
        char *end = dot > bracket ? dot : bracket;
        *(end == NULL ? shorter : end) = '\0';
    }
    snprintf(where, sizeof where, ":%u: %s%s", line, path, path[0] == '\0' ? "" : ": ");
    return error_set(error, STATUS_INVALID, file->name, where, why);
}

enum status yaml_file_from(struct yaml_file **ret, const char *name, struct slice text,
                           struct error *error) {
    if (text.bytes > YAML_BYTES_MAX) {
        return error_set(error, STATUS_INVALID, name, ": the file is larger than 1 MiB", NULL);
    }
    struct yaml_file *file = malloc(sizeof *file + text.bytes + 1);
    if (file == NULL) {
        return error_set(error, STATUS_NO_MEMORY, name, ": out of memory", NULL);
    }
    uint8_t *copy = (uint8_t *)(file + 1);
    if (text.bytes > 0) {
        memcpy(copy, text.data, text.bytes);
    }
    file->name = name;
    file->text = (struct slice){copy, text.bytes};
    enum status status = yaml_outline_read(&file->outline, name, file->text, error);
    if (status != STATUS_OK) {
        free(file);
        return status;
    }
    *ret = file;
    return STATUS_OK;
}

/* Reads one byte more than is allowed, to tell a full file from one too large. */
static enum status read_all(int fd, uint8_t *to, size_t *ret_bytes) {
    size_t bytes = 0;
    while (bytes <= YAML_BYTES_MAX) {
        ssize_t got = read(fd, to + bytes, YAML_BYTES_MAX + 1 - bytes);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return STATUS_IO;
        }
        if (got == 0) {
            break;
        }
        bytes += (size_t)got;
    }
    *ret_bytes = bytes;
    return STATUS_OK;
}

enum status yaml_file_read(struct yaml_file **ret, const char *path, struct error *error) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        enum status status = errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO;
        return error_set(error, status, path, ": ", strerror(errno));
    }
    uint8_t *bytes = malloc(YAML_BYTES_MAX + 1);
    if (bytes == NULL) {
        close(fd);
        return error_set(error, STATUS_NO_MEMORY, path, ": out of memory", NULL);
    }
    size_t bytes_count = 0;
    enum status status = read_all(fd, bytes, &bytes_count);
    if (status != STATUS_OK) {
        status = error_set(error, status, path, ": ", strerror(errno));
    } else {
        status = yaml_file_from(ret, path, (struct slice){bytes, bytes_count}, error);
    }
    free(bytes);
    close(fd);
    return status;
}

void yaml_file_free(struct yaml_file *file) {
    free(file);
}
