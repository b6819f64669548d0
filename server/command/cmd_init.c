#include "server/command/cli.h"
#include "server/process/config.h"
#include "server/process/wall_clock.h"
#include "storage/db.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct cli_option options[] = {{"data", "DIR", "the directory to make"},
                                            {NULL, NULL, NULL}};

/* Does anything stand in the way? A directory that is there must be empty. */
static bool is_taken(const char *path, const char **ret_why) {
    DIR *directory = opendir(path);
    if (directory == NULL) {
        *ret_why = strerror(errno);
        return errno != ENOENT;
    }
    bool taken = false;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        taken = taken || (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0);
    }
    closedir(directory);
    *ret_why = "there is something in it already: name a new directory";
    return taken;
}

static void on_sealed(void *context, enum status failure, const struct error *error) {
    (void)context;
    (void)failure;
    (void)error;
}

static enum status make(const char *path, struct db_identity *ret, struct error *error) {
    struct config config;
    struct db *db;
    config_init(&config);
    struct db_options to_make = {
        .kind = DB_ROCKS,
        .store = {.path = path,
                  .create = true,
                  .cache_bytes = config.cache_bytes,
                  .memtable_bytes = config.memtable_bytes,
                  .background_jobs = 1},
        .limits = &config.limits,
        .now_ms = wall_clock_ms(),
        .on_sealed = on_sealed,
    };
    enum status status = db_open(&db, &to_make, error);
    if (status == STATUS_OK) {
        db_identity(db, ret);
        db_close(db);
    }
    return status;
}

static int run(const struct cli_command *command, int argc, char **argv) {
    const char *path, *why;
    int code = cli_parse_required(command, argc, argv, &path);
    if (code != CLI_GO_ON) {
        return code;
    }
    if (is_taken(path, &why)) {
        return cli_fail(command, CLI_FAILED, path, ": ", why);
    }
    struct db_identity identity;
    struct error error;
    if (make(path, &identity, &error) != STATUS_OK) {
        return cli_fail(command, CLI_FAILED, path, ": ", error.message);
    }
    fprintf(stderr, "gridd init: made %s, epoch %s\n", path, identity.epoch);
    fputs("gridd init: tokens are not there yet, none was made: serve with --no-auth\n", stderr);
    return CLI_DONE;
}

const struct cli_command cmd_init = {
    "init", "makes a data directory; refuses one that holds something", options, run};
