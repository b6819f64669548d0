#include "storage/store_dir.h"

#include "core/base/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum status store_dir_error(struct error *error, const char *what, const char *path) {
    int code = errno;
    char text[256];
    (void)snprintf(text, sizeof text, "%s: %s: ", what, strerrordesc_np(code));
    enum status status = code == ENOSPC || code == EDQUOT ? STATUS_NO_SPACE : STATUS_IO;
    return error_set(error, status, text, path, NULL);
}

enum status store_dir_sync(const char *path, struct error *error) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return store_dir_error(error, "opening a directory failed", path);
    }
    enum status status = STATUS_OK;
    if (fsync(fd) != 0) {
        status = store_dir_error(error, "syncing a directory failed", path);
    }
    close(fd);
    return status;
}

static enum status make_directory(const char *path, struct error *error) {
    if (mkdir(path, 0700) != 0) {
        return errno == EEXIST ? STATUS_OK
                               : store_dir_error(error, "making a directory failed", path);
    }
    char parent[4096];
    (void)snprintf(parent, sizeof parent, "%s/..", path);
    return store_dir_sync(parent, error);
}

static enum status take_lock(int *ret_fd, int directory, const char *path, bool read_only,
                             struct error *error) {
    int flags = read_only ? O_RDONLY : O_RDWR | O_CREAT;
    int fd = openat(directory, STORE_DIR_LOCK_FILE, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        if (read_only && errno == ENOENT) {
            *ret_fd = -1;
            return STATUS_OK;
        }
        return store_dir_error(error, "opening the lock file failed", path);
    }
    if (flock(fd, (read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
        enum status status = errno == EWOULDBLOCK
                                 ? error_set(error, STATUS_BUSY,
                                             "another process has the directory open: ", path, NULL)
                                 : store_dir_error(error, "locking failed", path);
        close(fd);
        return status;
    }
    *ret_fd = fd;
    return STATUS_OK;
}

static bool ends_with(const char *name, const char *suffix) {
    size_t name_bytes = strlen(name), suffix_bytes = strlen(suffix);
    return name_bytes >= suffix_bytes && strcmp(name + name_bytes - suffix_bytes, suffix) == 0;
}

/* Removes the directory's files that end in `suffix`. */
static enum status sweep(int directory, const char *name, const char *suffix, struct error *error) {
    int fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    if (entries == NULL) {
        enum status status = store_dir_error(error, "listing a directory failed", name);
        if (fd >= 0) {
            close(fd);
        }
        return status;
    }
    enum status status = STATUS_OK;
    for (struct dirent *entry; status == STATUS_OK && (entry = readdir(entries)) != NULL;) {
        if (ends_with(entry->d_name, suffix) && unlinkat(fd, entry->d_name, 0) != 0) {
            status = store_dir_error(error, "removing a leftover failed", entry->d_name);
        }
    }
    closedir(entries);
    return status;
}

static enum status prepare(int directory, struct error *error) {
    if (mkdirat(directory, STORE_DIR_RUNS, 0700) != 0 && errno != EEXIST) {
        return store_dir_error(error, "making a directory failed", STORE_DIR_RUNS);
    }
    enum status status = sweep(directory, ".", ".dbtmp", error);
    if (status == STATUS_OK) {
        status = sweep(directory, STORE_DIR_RUNS, ".sst", error);
    }
    return status;
}

enum status store_dir_open(int *ret_lock_fd, const char *path, bool create, bool read_only,
                           struct error *error) {
    CHECK(!(create && read_only));
    enum status status = create ? make_directory(path, error) : STATUS_OK;
    if (status != STATUS_OK) {
        return status;
    }
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        return errno == ENOENT
                   ? error_set(error, STATUS_NOT_FOUND, "there is no directory ", path, NULL)
                   : store_dir_error(error, "opening the directory failed", path);
    }
    int lock_fd = -1;
    status = take_lock(&lock_fd, directory, path, read_only, error);
    if (status == STATUS_OK && !read_only) {
        status = prepare(directory, error);
    }
    close(directory);
    if (status != STATUS_OK) {
        if (lock_fd >= 0) {
            close(lock_fd);
        }
        return status;
    }
    *ret_lock_fd = lock_fd;
    return STATUS_OK;
}
