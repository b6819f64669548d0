/* Values of the configuration: from text, to text. */
#include "server/process/config.h"

#include "core/base/check.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum config_kind { CONFIG_TEXT, CONFIG_TILES, CONFIG_BOOL, CONFIG_LEVEL, CONFIG_NUMBER };

struct config_key {
    const char *key;
    enum config_kind kind;
    uint64_t min, max;
    size_t offset; /* in struct config */
};

static const struct config_key keys[] = {
#define CONFIG_KEY(key, field, kind, min, max)                                                     \
    {#key, CONFIG_##kind, (min), (max), offsetof(struct config, field)},
    CONFIG_TABLE(CONFIG_KEY)
#undef CONFIG_KEY
};

static void *field_of(struct config *config, size_t offset) {
    CHECK(offset < sizeof *config);
    return (uint8_t *)config + offset;
}

static const void *field_of_const(const struct config *config, size_t offset) {
    CHECK(offset < sizeof *config);
    return (const uint8_t *)config + offset;
}

bool config_number_parse(uint64_t *ret_value, const char *text) {
    uint64_t value = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value)) {
            return false;
        }
    }
    if (at == text) {
        return false;
    }
    at += *at == ' ' && at[1] != '\0';
    const struct {
        const char *suffix;
        uint64_t factor;
    } units[] = {{"", 1}, {"KiB", KIB}, {"MiB", MIB}, {"GiB", GIB}};
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        if (strcmp(at, units[i].suffix) == 0) {
            return !__builtin_mul_overflow(value, units[i].factor, ret_value);
        }
    }
    return false;
}

static enum status refuse(struct error *error, const char *value, const char *why) {
    char quoted[80];
    snprintf(quoted, sizeof quoted, "\"%.60s\" ", value);
    return error_set(error, STATUS_INVALID, quoted, why, NULL);
}

static enum status set_number(uint64_t *field, const char *value, uint64_t min, uint64_t max,
                              struct error *error) {
    uint64_t number;
    if (!config_number_parse(&number, value)) {
        return refuse(error, value, "is no whole number (digits, then KiB, MiB or GiB if wanted)");
    }
    if (number < min || number > max) {
        char why[96];
        snprintf(why, sizeof why, "is out of range: %" PRIu64 " to %" PRIu64, min, max);
        return refuse(error, value, why);
    }
    *field = number;
    return STATUS_OK;
}

static enum status set_text(char *field, const char *value, uint64_t min, uint64_t max,
                            struct error *error) {
    size_t bytes = strlen(value);
    if (bytes < min || bytes > max) {
        return refuse(error, value, bytes < min ? "is too short" : "is too long");
    }
    for (size_t i = 0; i < bytes; i++) {
        if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f) {
            return error_set(error, STATUS_INVALID, "the value holds a control byte", NULL, NULL);
        }
    }
    memcpy(field, value, bytes + 1);
    return STATUS_OK;
}

/* It becomes part of a Content-Security-Policy: nothing in it may end a source or a directive. */
static enum status set_tiles(char *field, const char *value, uint64_t max, struct error *error) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "-._~:/?&=%{}@+";
    if (*value == '\0') {
        return set_text(field, value, 0, max, error);
    }
    bool is_web = strncmp(value, "https://", 8) == 0 || strncmp(value, "http://", 7) == 0;
    if (!is_web || value[strspn(value, allowed)] != '\0' || strstr(value, "{z}") == NULL ||
        strstr(value, "{x}") == NULL || strstr(value, "{y}") == NULL) {
        return refuse(error, value, "is no http(s) address of tiles with {z}, {x} and {y}");
    }
    const char *host = strstr(value, "://") + 3;
    if (strcspn(host, "{}@?") < strcspn(host, "/")) {
        return refuse(error, value, "names no plain host");
    }
    return set_text(field, value, 0, max, error);
}

static enum status set_bool(bool *field, const char *value, struct error *error) {
    if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0) {
        return refuse(error, value, "is neither true nor false");
    }
    *field = value[0] == 't';
    return STATUS_OK;
}

enum status config_set(struct config *config, const char *key, const char *value,
                       struct error *error) {
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        const struct config_key *row = &keys[i];
        if (strcmp(row->key, key) != 0) {
            continue;
        }
        void *field = field_of(config, row->offset);
        switch (row->kind) {
        case CONFIG_TEXT:
            return set_text(field, value, row->min, row->max, error);
        case CONFIG_TILES:
            return set_tiles(field, value, row->max, error);
        case CONFIG_BOOL:
            return set_bool(field, value, error);
        case CONFIG_LEVEL:
            return log_level_parse(field, slice_text(value))
                       ? STATUS_OK
                       : refuse(error, value, "is none of debug, info, warn, error");
        case CONFIG_NUMBER:
            return set_number(field, value, row->min, row->max, error);
        }
    }
    return error_set(error, STATUS_NOT_FOUND, "there is no such key", NULL, NULL);
}

enum status config_set_limit(struct config *config, const char *name, const char *value,
                             struct error *error) {
    const struct limit_row *row;
    for (size_t i = 0; (row = limits_row(i)) != NULL; i++) {
        if (strcmp(row->name, name) == 0) {
            uint64_t *field = field_of(config, offsetof(struct config, limits) + row->offset);
            return set_number(field, value, row->min, row->max, error);
        }
    }
    return error_set(error, STATUS_NOT_FOUND, "there is no such limit", NULL, NULL);
}

enum status config_check(const struct config *config, struct error *error) {
    const char *why;
    if (!limits_are_consistent(&config->limits, &why)) {
        return error_set(error, STATUS_INVALID, "the limits contradict each other: ", why, NULL);
    }
    return STATUS_OK;
}

/* Single quotes need no escape but their own doubling; control bytes never get in (set_text). */
static void write_text(struct buffer *to, const char *value) {
    buffer_append_text(to, "'");
    for (; *value != '\0'; value++) {
        buffer_append(to, value, 1);
        if (*value == '\'') {
            buffer_append(to, value, 1);
        }
    }
    buffer_append_text(to, "'");
}

static void write_value(struct buffer *to, const struct config_key *row, const void *field) {
    switch (row->kind) {
    case CONFIG_TEXT:
    case CONFIG_TILES:
        write_text(to, field);
        break;
    case CONFIG_BOOL:
        buffer_append_text(to, *(const bool *)field ? "true" : "false");
        break;
    case CONFIG_LEVEL:
        buffer_append_text(to, log_level_name(*(const enum log_level *)field));
        break;
    case CONFIG_NUMBER:
        buffer_append_u64(to, *(const uint64_t *)field);
        break;
    }
}

void config_write(const struct config *config, struct buffer *to) {
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        buffer_append_text(to, keys[i].key);
        buffer_append_text(to, ": ");
        write_value(to, &keys[i], field_of_const(config, keys[i].offset));
        buffer_append_text(to, "\n");
    }
    buffer_append_text(to, "limits:\n");
    const struct limit_row *row;
    for (size_t i = 0; (row = limits_row(i)) != NULL; i++) {
        const uint64_t *field =
            field_of_const(config, offsetof(struct config, limits) + row->offset);
        buffer_printf(to, "  %s: %" PRIu64 "\n", row->name, *field);
    }
}

bool config_is_loopback(const char *host_port) {
    if (strncmp(host_port, "unix:", 5) == 0) {
        return true;
    }
    char host[256];
    const char *colon = strrchr(host_port, ':');
    size_t bytes = colon == NULL ? strlen(host_port) : (size_t)(colon - host_port);
    if (bytes >= 2 && host_port[0] == '[' && host_port[bytes - 1] == ']') {
        host_port++;
        bytes -= 2;
    }
    if (bytes >= sizeof host) {
        return false;
    }
    memcpy(host, host_port, bytes);
    host[bytes] = '\0';
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, host, &v4) == 1) {
        return ntohl(v4.s_addr) >> 24 == 127;
    }
    if (inet_pton(AF_INET6, host, &v6) == 1) {
        return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
    }
    return strcmp(host, "localhost") == 0;
}
