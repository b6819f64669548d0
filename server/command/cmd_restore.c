#include "server/command/cli.h"
#include "storage/backup.h"

#include <stdio.h>

static const struct cli_option options[] = {
    {"from", "DIR2", "a backup"}, {"to", "DIR", "the data directory to make"}, {NULL, NULL, NULL}};

static int run(const struct cli_command *command, int argc, char **argv) {
    const char *paths[2];
    int code = cli_parse_required(command, argc, argv, paths);
    if (code != CLI_GO_ON) {
        return code;
    }
    struct error error;
    if (restore_directory(paths[0], paths[1], &error) != STATUS_OK) {
        return cli_fail(command, CLI_FAILED, paths[0], ": ", error.message);
    }
    fprintf(stderr, "gridd restore: made %s, with a new epoch\n", paths[1]);
    return CLI_DONE;
}

const struct cli_command cmd_restore = {
    "restore", "makes a data directory from a backup, verified, with a new epoch", options, run};
