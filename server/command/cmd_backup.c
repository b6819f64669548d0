#include "server/command/cli.h"
#include "server/process/control.h"
#include "storage/backup.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct cli_option options[] = {
    {"data", "DIR", "the data directory; a server may have it open"},
    {"to", "DIR2", "the backup to make; must not exist"},
    {NULL, NULL, NULL}};

/* The server has its own working directory, so it is asked with a whole path. */
static bool whole_path(char *to, size_t room, const char *path) {
    char here[4096] = "";
    if (path[0] != '/' && getcwd(here, sizeof here) == NULL) {
        return false;
    }
    int bytes = snprintf(to, room, "%s%s%s", here, path[0] == '/' ? "" : "/", path);
    return bytes > 0 && (size_t)bytes < room;
}

static enum status ask_server(const char *from, const char *to, struct error *error) {
    char path[CONTROL_LINE_BYTES_MAX], socket_path[4200];
    int bytes = snprintf(socket_path, sizeof socket_path, "%s/control.sock", from);
    if (bytes < 0 || (size_t)bytes >= sizeof socket_path || !whole_path(path, sizeof path, to)) {
        return error_set(error, STATUS_INVALID, "the path is too long", NULL, NULL);
    }
    enum status status = control_ask_backup(socket_path, path, error);
    if (status == STATUS_NOT_FOUND) {
        error_set(error, status,
                  "a process has it open and does not answer at control.sock: ", "stop it first",
                  NULL);
    }
    return status;
}

static int run(const struct cli_command *command, int argc, char **argv) {
    const char *paths[2];
    int code = cli_parse_required(command, argc, argv, paths);
    if (code != CLI_GO_ON) {
        return code;
    }
    struct error error;
    enum status status = backup_directory(paths[0], paths[1], &error);
    if (status == STATUS_BUSY) {
        status = ask_server(paths[0], paths[1], &error);
    }
    if (status != STATUS_OK) {
        return cli_fail(command, CLI_FAILED, paths[0], ": ", error.message);
    }
    fprintf(stderr, "gridd backup: made %s\n", paths[1]);
    return CLI_DONE;
}

const struct cli_command cmd_backup = {
    "backup", "copies a data directory, also while a server has it open", options, run};
