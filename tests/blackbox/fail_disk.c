/* Preloaded into gridd by test_failing_disk.py: while $FAIL_DISK/sync exists, syncing a write-ahead
 * log fails with EIO, while $FAIL_DISK/stall exists it does not come back, and while
 * $FAIL_DISK/write exists, writing to one fails with ENOSPC. */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static bool is_on(const char *what) {
    const char *directory = getenv("FAIL_DISK");
    char path[4096];
    if (directory == NULL ||
        snprintf(path, sizeof path, "%s/%s", directory, what) >= (int)sizeof path) {
        return false;
    }
    return access(path, F_OK) == 0;
}

static bool is_log(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t bytes = readlink(link, path, sizeof path);
    return bytes > 4 && memcmp(path + bytes - 4, ".log", 4) == 0 &&
           memmem(path, (size_t)bytes, "/data/", 6) != NULL;
}

static bool fails(int fd, const char *what, int error) {
    int before = errno;
    while (what[0] == 's' && is_on("stall") && is_log(fd)) {
        usleep(10000);
    }
    bool failing = is_on(what) && is_log(fd);
    errno = failing ? error : before;
    return failing;
}

static void *next(const char *name) {
    void *function = dlsym(RTLD_NEXT, name);
    if (function == NULL) {
        abort();
    }
    return function;
}

#define FORWARD(type, name, what, error, parameters, arguments)                                    \
    type name parameters;                                                                          \
    type name parameters {                                                                         \
        static type(*real) parameters;                                                             \
        if (real == NULL) {                                                                        \
            *(void **)&real = next(#name);                                                         \
        }                                                                                          \
        return fails(fd, what, error) ? -1 : real arguments;                                       \
    }

FORWARD(int, fsync, "sync", EIO, (int fd), (fd))
FORWARD(int, fdatasync, "sync", EIO, (int fd), (fd))
FORWARD(ssize_t, write, "write", ENOSPC, (int fd, const void *data, size_t bytes),
        (fd, data, bytes))
FORWARD(ssize_t, pwrite, "write", ENOSPC, (int fd, const void *data, size_t bytes, off_t at),
        (fd, data, bytes, at))
FORWARD(ssize_t, pwrite64, "write", ENOSPC, (int fd, const void *data, size_t bytes, off_t at),
        (fd, data, bytes, at))
FORWARD(ssize_t, writev, "write", ENOSPC, (int fd, const struct iovec *parts, int count),
        (fd, parts, count))
