#include "bench/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option_type { OPTION_TEXT, OPTION_NUMBER, OPTION_DECIMAL, OPTION_FLAG };

static const struct {
    const char *name;
    enum option_type type;
    size_t offset;
    const char *help;
} rows[] = {
    {"--url", OPTION_TEXT, offsetof(struct options, url), "http://HOST:PORT of a running server"},
    {"--server-pid", OPTION_NUMBER, offsetof(struct options, server_pid),
     "its process, for CPU and memory"},
    {"--dir", OPTION_TEXT, offsetof(struct options, directory),
     "where our own server's data goes (default $TMPDIR or /var/tmp; a real disk)"},
    {"--keep", OPTION_FLAG, offsetof(struct options, keep), "do not remove that data afterwards"},
    {"--json", OPTION_TEXT, offsetof(struct options, json_path), "FILE for one JSON object"},
    {"--seed", OPTION_NUMBER, offsetof(struct options, seed), "same seed, same load (default 1)"},
    {"--events", OPTION_NUMBER, offsetof(struct options, events), "reports sent in all"},
    {"--bulk", OPTION_NUMBER, offsetof(struct options, bulk),
     "reports of one upload; 1: single POSTs"},
    {"--connections", OPTION_NUMBER, offsetof(struct options, connections),
     "keep-alive connections"},
    {"--duplicates", OPTION_DECIMAL, offsetof(struct options, repeated_pct),
     "percent of the reports that repeat an earlier one"},
    {"--tickets", OPTION_DECIMAL, offsetof(struct options, tickets_pct),
     "percent of the reports that open or join tickets"},
    {"--rate", OPTION_DECIMAL, offsetof(struct options, rate),
     "reports a second, open loop; 0: as fast as answers come"},
    {"--grids", OPTION_NUMBER, offsetof(struct options, grids), "grids of the synthetic tree"},
    {"--regions", OPTION_TEXT, offsetof(struct options, regions_path),
     "CSV of code,parent,level,name instead of it"},
    {"--readers", OPTION_NUMBER, offsetof(struct options, readers), "open feeds"},
    {"--seconds", OPTION_NUMBER, offsetof(struct options, seconds), "how long to measure"},
    {"--settle", OPTION_NUMBER, offsetof(struct options, settle_s),
     "seconds to wait at most for sealing to settle after the load; 0: do not"},
};

void options_help(void) {
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        printf("  %-14s %s\n", rows[i].name, rows[i].help);
    }
    puts("  -- ARGUMENTS   go to our own server, e.g. -- --limit run_entries=100000");
}

static bool take_value(struct options *options, size_t row, const char *text) {
    void *field = (char *)options + rows[row].offset;
    char *end = NULL;
    errno = 0;
    switch (rows[row].type) {
    case OPTION_TEXT:
        *(const char **)field = text;
        return text[0] != '\0';
    case OPTION_NUMBER:
        *(uint64_t *)field = strtoull(text, &end, 10);
        return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
    case OPTION_DECIMAL:
        *(double *)field = strtod(text, &end);
        return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
    case OPTION_FLAG:
        *(bool *)field = true;
        return true;
    }
    return false;
}

static size_t find_row(const char *argument, size_t name_bytes) {
    size_t row = 0;
    while (row < ARRAY_COUNT(rows) && (strlen(rows[row].name) != name_bytes ||
                                       strncmp(rows[row].name, argument, name_bytes) != 0)) {
        row++;
    }
    return row;
}

static bool in_range(const struct options *options) {
    const char *wrong = NULL;
    if (options->connections < 1 || options->connections > 10000) {
        wrong = "--connections must be 1 to 10000";
    } else if (options->bulk < 1 || options->bulk > 1000000) {
        wrong = "--bulk must be 1 to 1000000";
    } else if (options->events < 1 || options->events > 200000000) {
        wrong = "--events must be 1 to 200000000";
    } else if (options->repeated_pct > 100) {
        wrong = "--duplicates must be 0 to 100";
    } else if (options->tickets_pct > 100) {
        wrong = "--tickets must be 0 to 100";
    } else if (options->grids < 1 || options->grids > 2000000) {
        wrong = "--grids must be 1 to 2000000";
    } else if (options->readers > 100000) {
        wrong = "--readers must be at most 100000";
    }
    if (wrong != NULL) {
        fprintf(stderr, "gridd-bench: %s\n", wrong);
    }
    return wrong == NULL;
}

bool options_parse(struct options *options, int count, char **arguments) {
    for (int i = 0; i < count; i++) {
        const char *argument = arguments[i];
        if (strcmp(argument, "--") == 0) {
            for (size_t to = 0; ++i < count && to + 1 < SERVER_ARGUMENTS_MAX; to++) {
                options->server_arguments[to] = arguments[i];
            }
            break;
        }
        size_t name_bytes = strcspn(argument, "=");
        size_t row = find_row(argument, name_bytes);
        if (row == ARRAY_COUNT(rows)) {
            fprintf(stderr, "gridd-bench: unknown option %s; see --help\n", argument);
            return false;
        }
        const char *value = "";
        if (argument[name_bytes] == '=') {
            value = argument + name_bytes + 1;
        } else if (rows[row].type != OPTION_FLAG && i + 1 < count) {
            value = arguments[++i];
        }
        if (!take_value(options, row, value)) {
            fprintf(stderr, "gridd-bench: %s has no good value\n", rows[row].name);
            return false;
        }
    }
    return in_range(options);
}
