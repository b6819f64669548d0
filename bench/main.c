#include "bench/workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *help;
    int (*run)(const struct options *options);
    struct options defaults;
} workloads[] = {
    {"ingest",
     "uploads reports and counts those that were acknowledged",
     ingest_main,
     {.connections = 8, .bulk = 1000, .events = 1000000, .repeated_pct = 10, .settle_s = 60}},
    {"feed",
     "opens feeds, posts reports, measures when each reader has each event",
     feed_main,
     {.connections = 1, .bulk = 1, .events = 1, .readers = 1000, .rate = 100, .seconds = 10}},
    {"timeline",
     "reads the newest rows of random grids",
     timeline_main,
     {.connections = 8, .bulk = 1000, .events = 500000, .seconds = 10, .settle_s = 60}},
    {"mixed",
     "plain intake and intake with tickets in turns; how late deadlines are under half of that",
     mixed_main,
     {.connections = 8,
      .bulk = 1000,
      .events = 500000,
      .repeated_pct = 10,
      .tickets_pct = 20,
      .seconds = 10,
      .settle_s = 20}},
    {"timers",
     "arms, cancels and fires timers in the wheel, beside libuv's own",
     timers_main,
     {.connections = 1, .bulk = 1, .events = 10000000}},
    {"incidents",
     "matches reports against 1,000 to 1,000,000 open incidents, without a server",
     incidents_main,
     {.connections = 1, .bulk = 1, .events = 300000}},
    {"limits",
     "measures this machine: fdatasync, and HTTP with nothing behind it",
     limits_main,
     {.connections = 8, .bulk = 1000, .events = 1000000, .seconds = 5}},
    {"calendar",
     "measures the working calendar's arithmetic alone; --events calls of each kind",
     calendar_main,
     {.connections = 1, .bulk = 1, .events = 4000000}},
};

static void help(void) {
    puts("usage: gridd-bench WORKLOAD [OPTIONS] [-- SERVER ARGUMENTS]\n");
    for (size_t i = 0; i < ARRAY_COUNT(workloads); i++) {
        printf("  %-9s %s\n", workloads[i].name, workloads[i].help);
    }
    puts("");
    options_help();
    puts("\nWithout --url it starts the gridd that lies beside it on a fresh data directory.");
}

static int run(size_t index, int count, char **arguments) {
    struct options options = workloads[index].defaults;
    const char *directory = getenv("TMPDIR");
    options.directory = directory != NULL ? directory : "/var/tmp";
    options.seed = 1;
    options.grids = 45326; /* of the district in design.md section 7 */
    if (count > 0 && strcmp(arguments[0], "--help") == 0) {
        printf("usage: gridd-bench %s [OPTIONS] [-- SERVER ARGUMENTS]\n%s\n\n",
               workloads[index].name, workloads[index].help);
        options_help();
        return 0;
    }
    return options_parse(&options, count, arguments) ? workloads[index].run(&options) : 2;
}

int main(int count, char **arguments) {
    if (count < 2) {
        fputs("gridd-bench: which workload? see --help\n", stderr);
        return 2;
    }
    if (strcmp(arguments[1], "--help") == 0) {
        help();
        return 0;
    }
    for (size_t i = 0; i < ARRAY_COUNT(workloads); i++) {
        if (strcmp(arguments[1], workloads[i].name) == 0) {
            return run(i, count - 2, arguments + 2);
        }
    }
    fprintf(stderr, "gridd-bench: unknown workload %s; see --help\n", arguments[1]);
    return 2;
}
