/* Preloaded into gridd by test_disk_faults.py: the n-th write, sync, change of names or read below
 * $FAIL_ROOT fails once with the given errno. Of a write that fails for want of space one half is
 * on the disk before. Calls that libc makes inside itself (stdio) are not seen: RocksDB's LOG and
 * its readers of logs at recovery. */
#include "tests/faults/fail_nth.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITES, SYNCS, NAMES, READS };

static struct fail_plan plan;
static const char *root;
static size_t root_bytes;

__attribute__((constructor)) static void start(void) {
    root = getenv("FAIL_ROOT");
    root_bytes = root == NULL ? 0 : strlen(root);
    if (root_bytes > 0) {
        fail_plan_read(&plan, "wsnr");
    }
}

static bool is_below(const char *path, size_t bytes) {
    return root_bytes > 0 && bytes >= root_bytes && memcmp(path, root, root_bytes) == 0 &&
           (bytes == root_bytes || path[root_bytes] == '/');
}

static bool path_fails(const char *path) {
    return is_below(path, strlen(path)) && fail_plan_reached(&plan, NAMES, path);
}

static bool fd_fails(unsigned kind, int fd) {
    int before = errno;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t bytes = plan.note == NULL ? 0 : readlink(link, path, sizeof path - 1);
    path[bytes > 0 ? bytes : 0] = '\0';
    bool failing =
        bytes > 0 && is_below(path, (size_t)bytes) && fail_plan_reached(&plan, kind, path);
    errno = failing ? plan.error : before;
    return failing;
}

static void *next(const char *name) {
    void *function = dlsym(RTLD_NEXT, name);
    if (function == NULL) {
        abort();
    }
    return function;
}

/* `half` is done before a failure for want of space. */
#define FORWARD(type, name, fails, half, parameters, arguments)                                    \
    type name parameters;                                                                          \
    type name parameters {                                                                         \
        static type(*real) parameters;                                                             \
        if (real == NULL) {                                                                        \
            *(void **)&real = next(#name);                                                         \
        }                                                                                          \
        if (!(fails)) {                                                                            \
            return real arguments;                                                                 \
        }                                                                                          \
        if (plan.error == ENOSPC) {                                                                \
            half;                                                                                  \
        }                                                                                          \
        errno = plan.error;                                                                        \
        return -1;                                                                                 \
    }

#define HALF_OF(call)                                                                              \
    do {                                                                                           \
        ssize_t ignored = call;                                                                    \
        (void)ignored;                                                                             \
    } while (0)

FORWARD(ssize_t, write, fd_fails(WRITES, fd), HALF_OF(real(fd, data, bytes / 2)),
        (int fd, const void *data, size_t bytes), (fd, data, bytes))
FORWARD(ssize_t, pwrite, fd_fails(WRITES, fd), HALF_OF(real(fd, data, bytes / 2, at)),
        (int fd, const void *data, size_t bytes, off_t at), (fd, data, bytes, at))
FORWARD(ssize_t, pwrite64, fd_fails(WRITES, fd), HALF_OF(real(fd, data, bytes / 2, at)),
        (int fd, const void *data, size_t bytes, off_t at), (fd, data, bytes, at))
FORWARD(ssize_t, writev, fd_fails(WRITES, fd), HALF_OF(real(fd, parts, count / 2)),
        (int fd, const struct iovec *parts, int count), (fd, parts, count))
FORWARD(int, ftruncate, fd_fails(WRITES, fd), (void)0, (int fd, off_t bytes), (fd, bytes))
FORWARD(int, ftruncate64, fd_fails(WRITES, fd), (void)0, (int fd, off_t bytes), (fd, bytes))
FORWARD(int, fallocate, fd_fails(WRITES, fd), (void)0, (int fd, int mode, off_t at, off_t bytes),
        (fd, mode, at, bytes))
FORWARD(int, fallocate64, fd_fails(WRITES, fd), (void)0, (int fd, int mode, off_t at, off_t bytes),
        (fd, mode, at, bytes))

FORWARD(int, fsync, fd_fails(SYNCS, fd), (void)0, (int fd), (fd))
FORWARD(int, fdatasync, fd_fails(SYNCS, fd), (void)0, (int fd), (fd))
FORWARD(int, sync_file_range, fd_fails(SYNCS, fd), (void)0,
        (int fd, off_t at, off_t bytes, unsigned flags), (fd, at, bytes, flags))

FORWARD(int, rename, path_fails(to), (void)0, (const char *from, const char *to), (from, to))
FORWARD(int, link, path_fails(to), (void)0, (const char *from, const char *to), (from, to))
FORWARD(int, unlink, path_fails(path), (void)0, (const char *path), (path))
FORWARD(int, mkdir, path_fails(path), (void)0, (const char *path, mode_t mode), (path, mode))

FORWARD(ssize_t, read, fd_fails(READS, fd), (void)0, (int fd, void *to, size_t bytes),
        (fd, to, bytes))
FORWARD(ssize_t, pread, fd_fails(READS, fd), (void)0, (int fd, void *to, size_t bytes, off_t at),
        (fd, to, bytes, at))
FORWARD(ssize_t, pread64, fd_fails(READS, fd), (void)0, (int fd, void *to, size_t bytes, off_t at),
        (fd, to, bytes, at))

#define FORWARD_OPEN(name)                                                                         \
    int name(const char *path, int flags, ...);                                                    \
    int name(const char *path, int flags, ...) {                                                   \
        static int (*real)(const char *, int, ...);                                                \
        if (real == NULL) {                                                                        \
            *(void **)&real = next(#name);                                                         \
        }                                                                                          \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        unsigned mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, unsigned) : 0;         \
        va_end(more);                                                                              \
        if ((flags & O_CREAT) != 0 && path_fails(path)) {                                          \
            errno = plan.error;                                                                    \
            return -1;                                                                             \
        }                                                                                          \
        return real(path, flags, mode);                                                            \
    }

FORWARD_OPEN(open)
FORWARD_OPEN(open64)
