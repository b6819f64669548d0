#include "server/auth/auth.h"
#include "server/command/cli.h"
#include "server/process/config.h"
#include "server/process/wall_clock.h"
#include "storage/db.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/crypto.h>
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

/* The first token's row is the directory's first commit. */
static enum status store_token(struct db *db, const struct auth_keys *keys,
                               char ret_token[TOKEN_TEXT_BYTES_MAX], struct error *error) {
    struct token_row row;
    uint8_t key[TOKEN_ROW_KEY_BYTES_MAX], value[TOKEN_ROW_BYTES_MAX];
    enum status status = auth_first_token(keys, wall_clock_ms(), &row, ret_token, error);
    if (status != STATUS_OK) {
        return status;
    }
    const struct db_row stored = {
        .family = FAMILY_TOKENS,
        .key = {key, token_row_key(key, TOKEN_ROW_TOKEN, slice_text(row.id))},
        .value = {value, token_row_encode(value, &row)},
    };
    return db_commit(db, &(struct db_commit){.rows = &stored, .rows_count = 1}, error);
}

static enum status make_token(struct db *db, const char *path, char ret_token[TOKEN_TEXT_BYTES_MAX],
                              struct error *error) {
    char keys_path[4200];
    struct auth_keys keys;
    if (!auth_keys_path(keys_path, sizeof keys_path, "", path)) {
        return error_set(error, STATUS_INVALID, "the path is too long", NULL, NULL);
    }
    enum status status = auth_keys_load(&keys, keys_path, error);
    if (status == STATUS_NOT_FOUND) {
        status = auth_keys_create(keys_path, error);
        status = status == STATUS_OK ? auth_keys_load(&keys, keys_path, error) : status;
    }
    if (status == STATUS_OK) {
        status = store_token(db, &keys, ret_token, error);
        auth_keys_wipe(&keys);
    }
    return status;
}

static enum status make(const char *path, struct db_identity *ret,
                        char ret_token[TOKEN_TEXT_BYTES_MAX], struct error *error) {
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
        status = make_token(db, path, ret_token, error);
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
    char token[TOKEN_TEXT_BYTES_MAX];
    if (make(path, &identity, token, &error) != STATUS_OK) {
        return cli_fail(command, CLI_FAILED, path, ": ", error.message);
    }
    fprintf(stderr, "gridd init: made %s, epoch %s; the admin's token follows, this once\n", path,
            identity.epoch);
    bool told = puts(token) >= 0 && fflush(stdout) == 0;
    OPENSSL_cleanse(token, sizeof token);
    return told ? CLI_DONE : CLI_FAILED;
}

const struct cli_command cmd_init = {
    "init", "makes a data directory and prints the admin's token; refuses one that holds something",
    options, run};
