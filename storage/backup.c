#include "storage/backup.h"

#include "core/base/check.h"
#include "storage/schema.h"
#include "storage/store_dir.h"
#include "storage/verify.h"
#include "storage/watermark.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_BYTES = 1 << 20, PATH_BYTES = 4096 };

/* Locks, logs for people, unfinished files and the socket of a server that was killed are no part
 * of the data; the key file is no part of a backup: who has that must not have the secrets too. */
static bool is_data(const char *name) {
    const char *suffix = strrchr(name, '.');
    return name[0] != '.' && strncmp(name, "LOG", 3) != 0 && strncmp(name, "LOCK", 4) != 0 &&
           (suffix == NULL || strcmp(suffix, ".dbtmp") != 0) && strcmp(name, "keys") != 0 &&
           strcmp(name, "control.sock") != 0;
}

static enum status copy_bytes(int from, int to, const char *name, struct error *error) {
    uint8_t *buffer = malloc(COPY_BYTES);
    if (buffer == NULL) {
        return STATUS_NO_MEMORY;
    }
    enum status status = STATUS_OK;
    ssize_t got;
    while (status == STATUS_OK && (got = read(from, buffer, COPY_BYTES)) != 0) {
        if (got < 0) {
            status = store_dir_error(error, "reading failed", name);
        }
        for (ssize_t done = 0; status == STATUS_OK && done < got;) {
            ssize_t put = write(to, buffer + done, (size_t)(got - done));
            if (put <= 0) {
                status = store_dir_error(error, "writing failed", name);
            } else {
                done += put;
            }
        }
    }
    if (status == STATUS_OK && fdatasync(to) != 0) {
        status = store_dir_error(error, "syncing failed", name);
    }
    free(buffer);
    return status;
}

/* Only regular files: runs/ holds nothing that was taken in. */
static enum status copy_file(int from_directory, int to_directory, const char *name,
                             struct error *error) {
    int from = openat(from_directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    if (from < 0 || fstat(from, &st) != 0) {
        enum status status = store_dir_error(error, "opening failed", name);
        if (from >= 0) {
            close(from);
        }
        return status;
    }
    enum status status = STATUS_OK;
    if (S_ISREG(st.st_mode)) {
        int to = openat(to_directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        status = to < 0 ? store_dir_error(error, "making a file failed", name)
                        : copy_bytes(from, to, name, error);
        if (to >= 0) {
            close(to);
        }
    }
    close(from);
    return status;
}

static enum status copy_files(const char *from, const char *to, struct error *error) {
    DIR *entries = opendir(from);
    if (entries == NULL) {
        return store_dir_error(error, "listing a directory failed", from);
    }
    int to_directory = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status status =
        to_directory < 0 ? store_dir_error(error, "opening a directory failed", to) : STATUS_OK;
    for (struct dirent *entry; status == STATUS_OK && (entry = readdir(entries)) != NULL;) {
        if (is_data(entry->d_name)) {
            status = copy_file(dirfd(entries), to_directory, entry->d_name, error);
        }
    }
    if (to_directory >= 0) {
        close(to_directory);
    }
    closedir(entries);
    return status == STATUS_OK ? store_dir_sync(to, error) : status;
}

/* What a failed copy left behind: a flat directory, and what an opened store adds to it. */
static void remove_partial(const char *path) {
    char runs[PATH_BYTES];
    (void)snprintf(runs, sizeof runs, "%s/" STORE_DIR_RUNS, path);
    (void)rmdir(runs);
    DIR *entries = opendir(path);
    if (entries != NULL) {
        for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
            (void)unlinkat(dirfd(entries), entry->d_name, 0);
        }
        closedir(entries);
    }
    (void)rmdir(path);
}

static enum status give_new_epoch(const char *path, struct error *error) {
    char watermark[PATH_BYTES];
    (void)snprintf(watermark, sizeof watermark, "%s/" WATERMARK_FILE, path);
    if (unlink(watermark) != 0 && errno != ENOENT) {
        return store_dir_error(error, "removing the watermark failed", watermark);
    }
    const struct store_options options = {
        .path = path, .cache_bytes = 8 * MIB, .memtable_bytes = 64 * MIB, .background_jobs = 1};
    struct store *store;
    enum status status = store_open_rocks(&store, &options, error);
    if (status != STATUS_OK) {
        return status;
    }
    uint64_t epoch = 0;
    struct store_batch *batch = NULL;
    status = schema_random(&epoch, error);
    if (status == STATUS_OK) {
        status = store_batch_new(&batch, store);
    }
    if (status == STATUS_OK) {
        schema_put_epoch(batch, epoch);
        status = store_write(store, batch, error);
    }
    store_batch_free(batch);
    store_close(store);
    return status;
}

static enum status copy_and_verify(const char *from, const char *partial, bool new_epoch,
                                   struct error *error) {
    enum status status = copy_files(from, partial, error);
    struct verify_result result;
    if (status == STATUS_OK) {
        status = verify_directory(partial, &result, NULL, NULL, error);
    }
    if (status == STATUS_OK && new_epoch) {
        status = give_new_epoch(partial, error);
    }
    return status;
}

/* The new directory has its name only once it is whole and right. */
static enum status copy_directory(const char *from, const char *to, bool new_epoch,
                                  struct error *error) {
    char partial[PATH_BYTES], parent[PATH_BYTES];
    int bytes = snprintf(partial, sizeof partial, "%s.partial", to);
    CHECK(snprintf(parent, sizeof parent, "%s/..", to) > 0);
    if (bytes < 0 || (size_t)bytes >= sizeof partial - sizeof "/" STORE_DIR_RUNS) {
        return error_set(error, STATUS_INVALID, "the path is too long", NULL, NULL);
    }
    if (access(to, F_OK) == 0) {
        return error_set(error, STATUS_CONFLICT, "there is something already: ", to, NULL);
    }
    int lock_fd = -1;
    enum status status = store_dir_open(&lock_fd, from, false, true, error);
    if (status != STATUS_OK) {
        return status;
    }
    if (mkdir(partial, 0700) != 0) {
        status = store_dir_error(error, "making a directory failed", partial);
    } else {
        status = copy_and_verify(from, partial, new_epoch, error);
        if (status == STATUS_OK && rename(partial, to) != 0) {
            status = store_dir_error(error, "renaming failed", partial);
        }
        if (status == STATUS_OK) {
            status = store_dir_sync(parent, error);
        } else {
            remove_partial(partial);
        }
    }
    if (lock_fd >= 0) {
        close(lock_fd);
    }
    return status;
}

enum status backup_directory(const char *from, const char *to, struct error *error) {
    return copy_directory(from, to, false, error);
}

enum status restore_directory(const char *from, const char *to, struct error *error) {
    return copy_directory(from, to, true, error);
}
