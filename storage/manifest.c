#include "storage/manifest.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "storage/log_fragment.h"
#include "storage/manifest_edit.h"
#include "storage/store_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TORN_PREFIX "torn-"
#define UNFINISHED_PREFIX "unfinished-"

static enum status damaged(struct error *error, const char *what, const char *directory) {
    return error_set(error, STATUS_CORRUPT, what, ": restore a backup, in place of ", directory);
}

/* The name in CURRENT: MANIFEST-, digits, a line feed. */
static enum status read_current(char ret[64], int directory, const char *path,
                                struct error *error) {
    int fd = openat(directory, "CURRENT", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return errno == ENOENT
                   ? error_set(error, STATUS_NOT_FOUND, "there is no file CURRENT in ", path, NULL)
                   : store_dir_error(error, "opening CURRENT failed", path);
    }
    ssize_t got = read(fd, ret, 63);
    close(fd);
    static const char prefix[] = "MANIFEST-";
    size_t prefix_bytes = sizeof prefix - 1;
    if (got < (ssize_t)prefix_bytes + 2 || memcmp(ret, prefix, prefix_bytes) != 0) {
        return damaged(error, "CURRENT names no MANIFEST", path);
    }
    ret[got] = '\0';
    size_t digits = strspn(ret + prefix_bytes, "0123456789");
    if (strcmp(ret + prefix_bytes + digits, "\n") != 0) {
        return damaged(error, "CURRENT names no MANIFEST", path);
    }
    ret[prefix_bytes + digits] = '\0';
    return STATUS_OK;
}

/* Counts whole records from the beginning; the offset of the first that is not. */
static void find_whole(struct manifest_repair *ret, struct slice log) {
    size_t at = 0;
    uint64_t hashed_bytes = 0;
    bool in_record = false;
    struct log_fragment fragment;
    while ((at = log_skip_trailer(log, at)) < log.bytes &&
           log_fragment_read(&fragment, log, at, 0, &hashed_bytes) == LOG_VERDICT_OK &&
           log_begins_record(&fragment) != in_record) {
        at += fragment.bytes;
        in_record = !log_ends_record(&fragment);
        if (!in_record) {
            ret->records++;
            ret->whole_bytes = at;
        }
    }
    if (at >= log.bytes && !in_record) {
        ret->whole_bytes = log.bytes; /* with the last block's trailer */
    }
}

/* Does any record begin behind the damage? A torn tail has none; middles and ends may be its own.
 */
static bool record_follows(struct slice log, size_t from) {
    uint64_t hashed_bytes = 0;
    struct log_fragment fragment;
    for (size_t at = from + 1; at < log.bytes; at++) {
        if (log_fragment_read(&fragment, log, at, 0, &hashed_bytes) == LOG_VERDICT_OK &&
            log_begins_record(&fragment) && fragment.payload.bytes > 0) {
            return true;
        }
    }
    return false;
}

static enum status write_copy(int directory, const char *name, struct slice log,
                              struct error *error) {
    int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return store_dir_error(error, "making a copy failed", name);
    }
    enum status status = STATUS_OK;
    for (size_t done = 0; done < log.bytes && status == STATUS_OK;) {
        ssize_t put = write(fd, log.data + done, log.bytes - done);
        if (put <= 0) {
            status = store_dir_error(error, "writing a copy failed", name);
        } else {
            done += (size_t)put;
        }
    }
    if (status == STATUS_OK && fdatasync(fd) != 0) {
        status = store_dir_error(error, "syncing a copy failed", name);
    }
    close(fd);
    return status;
}

/* PREFIX-MANIFEST-NUMBER, with a letter behind it when earlier repairs kept theirs. */
static enum status choose_copy(char ret[80], int directory, const char *prefix, const char *name,
                               struct error *error) {
    for (char letter = 'a'; letter <= 'z'; letter++) {
        const char suffix[] = {'.', letter, '\0'};
        (void)snprintf(ret, 80, "%s%.48s%s", prefix, name, letter == 'a' ? "" : suffix);
        if (faccessat(directory, ret, F_OK, AT_SYMLINK_NOFOLLOW) != 0) {
            return STATUS_OK;
        }
    }
    return error_set(error, STATUS_FULL, "there are 26 copies already, the last ", ret, NULL);
}

static enum status cut(int directory, const char *path, const struct manifest_repair *repair,
                       struct error *error) {
    int fd = openat(directory, repair->name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return store_dir_error(error, "opening failed", repair->name);
    }
    enum status status = STATUS_OK;
    if (ftruncate(fd, (off_t)repair->whole_bytes) != 0 || fsync(fd) != 0) {
        status = store_dir_error(error, "cutting failed", repair->name);
    }
    close(fd);
    return status == STATUS_OK ? store_dir_sync(path, error) : status;
}

static enum status keep_and_cut(struct manifest_repair *ret, struct slice log, int directory,
                                const char *path, const char *prefix, struct error *error) {
    enum status status = choose_copy(ret->copy, directory, prefix, ret->name, error);
    if (status == STATUS_OK) {
        status = write_copy(directory, ret->copy, log, error);
    }
    if (status == STATUS_OK) {
        status = store_dir_sync(path, error);
    }
    return status == STATUS_OK ? cut(directory, path, ret, error) : status;
}

static enum status repair_log(struct manifest_repair *ret, struct slice log, int directory,
                              const char *path, struct error *error) {
    ret->bytes = log.bytes;
    find_whole(ret, log);
    ret->was_torn = ret->whole_bytes < log.bytes;
    if (!ret->was_torn) {
        return STATUS_OK;
    }
    if (ret->records == 0 || record_follows(log, ret->whole_bytes)) {
        return damaged(error, "the MANIFEST is damaged, and not only at its end", path);
    }
    return keep_and_cut(ret, log, directory, path, TORN_PREFIX, error);
}

/* The last record and where it begins; NULL when it lies in several fragments or is not whole. */
static struct slice last_record(struct slice log, uint64_t *ret_at) {
    struct slice record = {NULL, 0};
    uint64_t hashed_bytes = 0;
    struct log_fragment fragment;
    for (size_t at = 0; (at = log_skip_trailer(log, at)) < log.bytes; at += fragment.bytes) {
        if (log_fragment_read(&fragment, log, at, 0, &hashed_bytes) != LOG_VERDICT_OK) {
            return (struct slice){NULL, 0};
        }
        record = fragment.type == LOG_FULL ? fragment.payload : (struct slice){NULL, 0};
        *ret_at = at;
    }
    return record;
}

static enum status drop_unfinished(struct manifest_repair *ret, struct slice log, int directory,
                                   const char *path, struct error *error) {
    ret->bytes = log.bytes;
    struct slice record = last_record(log, &ret->whole_bytes);
    uint64_t number;
    if (record.data == NULL || ret->whole_bytes == 0 || !manifest_edit_adds_one(&number, record)) {
        return STATUS_OK;
    }
    char name[32];
    (void)snprintf(name, sizeof name, "%06" PRIu64 ".sst", number);
    if (faccessat(directory, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT) {
        return STATUS_OK;
    }
    return keep_and_cut(ret, log, directory, path, UNFINISHED_PREFIX, error);
}

/* Hands the MANIFEST's bytes to `change`. */
static enum status with_log(struct manifest_repair *ret, int directory, const char *path,
                            enum status (*change)(struct manifest_repair *ret, struct slice log,
                                                  int directory, const char *path,
                                                  struct error *error),
                            struct error *error) {
    int fd = openat(directory, ret->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        enum status status =
            errno == ENOENT ? damaged(error, "CURRENT names a MANIFEST that is not there", path)
                            : store_dir_error(error, "opening failed", ret->name);
        if (fd >= 0) {
            close(fd);
        }
        return status;
    }
    size_t bytes = (size_t)st.st_size;
    void *content = bytes == 0 ? NULL : mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (content == NULL) {
        return damaged(error, "the MANIFEST is empty", path);
    }
    if (content == MAP_FAILED) {
        return store_dir_error(error, "reading failed", ret->name);
    }
    enum status status = change(ret, (struct slice){content, bytes}, directory, path, error);
    munmap(content, bytes);
    return status;
}

enum status manifest_repair_tail(struct manifest_repair *ret, const char *directory,
                                 struct error *error) {
    *ret = (struct manifest_repair){.was_torn = false};
    int lock_fd = -1;
    enum status status = store_dir_open(&lock_fd, directory, false, false, error);
    if (status != STATUS_OK) {
        return status;
    }
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    status = fd < 0 ? store_dir_error(error, "opening a directory failed", directory)
                    : read_current(ret->name, fd, directory, error);
    if (status == STATUS_OK) {
        status = with_log(ret, fd, directory, repair_log, error);
    }
    if (fd >= 0) {
        close(fd);
    }
    close(lock_fd);
    return status;
}

enum status manifest_drop_unfinished(const char *directory, struct error *error) {
    struct manifest_repair repair = {.was_torn = false};
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return store_dir_error(error, "opening a directory failed", directory);
    }
    enum status status = read_current(repair.name, fd, directory, NULL);
    if (status == STATUS_OK) {
        status = with_log(&repair, fd, directory, drop_unfinished, error);
    }
    close(fd);
    /* Nothing there yet, or damage that RocksDB names. */
    return status == STATUS_NOT_FOUND || status == STATUS_CORRUPT ? STATUS_OK : status;
}
