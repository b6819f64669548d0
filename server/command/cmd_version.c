#include "server/command/cli.h"
#include "server/process/process.h"

#include <stdio.h>

static const struct cli_option options[] = {{NULL, NULL, NULL}};

static enum status take_none(void *context, const char *name, const char *value,
                             struct error *error) {
    (void)context;
    (void)value;
    return error_set(error, STATUS_INVALID, name, ": there are no options", NULL);
}

static int run(const struct cli_command *command, int argc, char **argv) {
    int code = cli_parse(command, argc, argv, take_none, NULL);
    if (code != CLI_GO_ON) {
        return code;
    }
    struct process_versions versions;
    process_versions(&versions);
    printf("gridd %s\nrocksdb %s\njemalloc %s\nlibuv %s\nopenssl %s\n", versions.gridd,
           versions.rocksdb, versions.jemalloc[0] == '\0' ? "not linked" : versions.jemalloc,
           versions.libuv, versions.openssl);
    return CLI_DONE;
}

const struct cli_command cmd_version = {
    "version", "prints the versions of gridd and of what it is built from", options, run};
