/* The command line of gridd-bench. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include "core/base/base.h"

enum { SERVER_ARGUMENTS_MAX = 32 };

struct options {
    const char *url;          /* NULL: start our own server */
    uint64_t server_pid;      /* 0: unknown */
    const char *json_path;    /* NULL: none */
    const char *regions_path; /* NULL: a synthetic tree */
    const char *directory;    /* where our own server's data goes */
    uint64_t seed, connections, bulk, events, grids, readers, seconds, settle_s, due;
    double repeated_pct, tickets_pct, rate;
    bool keep;
    const char *server_arguments[SERVER_ARGUMENTS_MAX]; /* what stands behind "--" */
};

/* Defaults differ between workloads and are set before. False: usage error, already told. */
MUST_USE bool options_parse(struct options *options, int count, char **arguments);
void options_help(void);

#endif
