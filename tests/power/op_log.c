#include "tests/power/op_log.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FDS_MAX = 65536, FILES_MAX = 1 << 20, PATH_BYTES = 4096 };

/* The lock orders each call with its record: the log is the order in which things happened. Syncs
 * are made without it; what was written before their beginning is what they cover. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1;
static char root[PATH_BYTES];
static size_t root_bytes;
static struct {
    uint32_t file; /* 0: not below the root */
    bool directory;
} fds[FDS_MAX];
static ino_t inodes[FILES_MAX]; /* of file number i; 0: gone */
static uint32_t files_count;

static void give_up(const char *what) {
    (void)!write(STDERR_FILENO, "op_log: ", 8);
    (void)!write(STDERR_FILENO, what, strlen(what));
    (void)!write(STDERR_FILENO, "\n", 1);
    abort();
}

static void *next(const char *name) {
    void *function = dlsym(RTLD_NEXT, name);
    if (function == NULL) {
        give_up(name);
    }
    return function;
}

/* The function behind ours, looked up once. */
#define real(name)                                                                                 \
    ({                                                                                             \
        static void *found;                                                                        \
        if (found == NULL) {                                                                       \
            found = next(#name);                                                                   \
        }                                                                                          \
        (__typeof__(&name))found;                                                                  \
    })

static void record(enum op_kind kind, uint32_t file, uint64_t at, const struct iovec *data,
                   int count) {
    struct iovec all[18];
    struct op_head head = {.kind = (uint8_t)kind, .file = file, .at = at};
    if (count > 16) {
        give_up("a vector of more than 16 parts");
    }
    all[0] = (struct iovec){&head, sizeof head};
    for (int i = 0; i < count; i++) {
        all[i + 1] = data[i];
        head.bytes += data[i].iov_len;
    }
    if (real(writev)(log_fd, all, count + 1) != (ssize_t)(sizeof head + head.bytes)) {
        give_up("the log cannot be written");
    }
}

static void record_text(enum op_kind kind, uint32_t file, const char *text, size_t bytes) {
    struct iovec part = {(void *)(uintptr_t)text, bytes};
    record(kind, file, 0, &part, 1);
}

/* The name below the root, or NULL. */
static const char *name_of(const char *path) {
    if (log_fd < 0 || strncmp(path, root, root_bytes) != 0 || path[root_bytes] != '/') {
        return NULL;
    }
    return path + root_bytes + 1;
}

/* Where a path given to an ...at call leads; the last part need not exist. */
static bool resolve(char to[PATH_BYTES], int directory, const char *path) {
    if (path[0] == '/') {
        return snprintf(to, PATH_BYTES, "%s", path) < PATH_BYTES;
    }
    char base[PATH_BYTES] = "", link[64];
    if (directory == AT_FDCWD) {
        if (getcwd(base, sizeof base) == NULL) {
            return false;
        }
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
        ssize_t bytes = readlink(link, base, sizeof base - 1);
        if (bytes < 0) {
            return false;
        }
        base[bytes] = '\0';
    }
    return snprintf(to, PATH_BYTES, "%s/%s", base, path) < PATH_BYTES;
}

static uint32_t new_file(ino_t inode) {
    if (files_count + 1 >= FILES_MAX) {
        give_up("too many files");
    }
    for (uint32_t i = 1; i <= files_count; i++) {
        if (inodes[i] == inode) {
            inodes[i] = 0;
        }
    }
    inodes[++files_count] = inode;
    return files_count;
}

static uint32_t file_of(ino_t inode) {
    for (uint32_t i = files_count; i > 0; i--) {
        if (inodes[i] == inode) {
            return i;
        }
    }
    return 0;
}

static void opened(int fd, const char *name, bool was_there, int flags) {
    struct stat st;
    if (fd >= FDS_MAX || fstat(fd, &st) != 0) {
        give_up("a file descriptor past the table");
    }
    fds[fd].directory = S_ISDIR(st.st_mode);
    if (fds[fd].directory) {
        fds[fd].file = 1; /* only that it is below the root matters */
        return;
    }
    if (!S_ISREG(st.st_mode)) {
        return;
    }
    fds[fd].file = was_there ? file_of(st.st_ino) : new_file(st.st_ino);
    if (fds[fd].file == 0) {
        give_up("a file that nobody made");
    }
    if (!was_there) {
        record_text(OP_CREATE, fds[fd].file, name, strlen(name));
    } else if ((flags & O_TRUNC) != 0) {
        record(OP_TRUNCATE, fds[fd].file, 0, NULL, 0);
    }
}

static int open_recorded(int directory, const char *path, int flags, mode_t mode) {
    char whole[PATH_BYTES];
    const char *name = log_fd >= 0 && resolve(whole, directory, path) ? name_of(whole) : NULL;
    bool is_root = name == NULL && log_fd >= 0 && strcmp(whole, root) == 0;
    if (name == NULL && !is_root) {
        return real(openat)(directory, path, flags, mode);
    }
    pthread_mutex_lock(&lock);
    struct stat st;
    bool was_there = stat(whole, &st) == 0;
    int fd = real(openat)(directory, path, flags, mode);
    int error = errno;
    if (fd >= 0) {
        opened(fd, name, was_there, flags);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}

#define OPEN_MODE                                                                                  \
    mode_t mode = 0;                                                                               \
    if ((flags & (O_CREAT | __O_TMPFILE)) != 0) {                                                  \
        va_list arguments;                                                                         \
        va_start(arguments, flags);                                                                \
        mode = va_arg(arguments, mode_t);                                                          \
        va_end(arguments);                                                                         \
    }

int open(const char *path, int flags, ...) {
    OPEN_MODE
    return open_recorded(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    OPEN_MODE
    return open_recorded(AT_FDCWD, path, flags, mode);
}

int openat(int directory, const char *path, int flags, ...) {
    OPEN_MODE
    return open_recorded(directory, path, flags, mode);
}

int openat64(int directory, const char *path, int flags, ...) {
    OPEN_MODE
    return open_recorded(directory, path, flags, mode);
}

static uint32_t file_of_fd(int fd) {
    return log_fd >= 0 && fd >= 0 && fd < FDS_MAX && fd != log_fd && !fds[fd].directory
               ? fds[fd].file
               : 0;
}

int close(int fd) {
    if (log_fd >= 0 && fd >= 0 && fd < FDS_MAX && fds[fd].file != 0) {
        pthread_mutex_lock(&lock);
        fds[fd].file = 0;
        fds[fd].directory = false;
        pthread_mutex_unlock(&lock);
    }
    return real(close)(fd);
}

/* Where the next write goes to. */
static uint64_t place(int fd) {
    struct stat st;
    int flags = fcntl(fd, F_GETFL);
    off_t at = lseek(fd, 0, SEEK_CUR);
    if (flags < 0 || at < 0 || fstat(fd, &st) != 0) {
        give_up("a file that cannot be asked");
    }
    return (uint64_t)((flags & O_APPEND) != 0 ? st.st_size : at);
}

static void wrote(uint32_t file, uint64_t at, const struct iovec *parts, int count, ssize_t bytes) {
    struct iovec kept[16];
    size_t left = bytes > 0 ? (size_t)bytes : 0;
    int used = 0;
    for (int i = 0; i < count && left > 0; i++) {
        if (used == 16) {
            give_up("a vector of more than 16 parts");
        }
        kept[used] = parts[i];
        kept[used].iov_len = parts[i].iov_len < left ? parts[i].iov_len : left;
        left -= kept[used++].iov_len;
    }
    if (bytes > 0) {
        record(OP_WRITE, file, at, kept, used);
    }
}

#define RECORD_WRITE(call, at, parts, count)                                                       \
    pthread_mutex_lock(&lock);                                                                     \
    uint64_t begins = (uint64_t)(at);                                                              \
    ssize_t bytes = (call);                                                                        \
    int error = errno;                                                                             \
    wrote(file, begins, parts, count, bytes);                                                      \
    pthread_mutex_unlock(&lock);                                                                   \
    errno = error;                                                                                 \
    return bytes;

ssize_t write(int fd, const void *data, size_t size) {
    uint32_t file = file_of_fd(fd);
    if (file == 0) {
        return real(write)(fd, data, size);
    }
    struct iovec part = {(void *)(uintptr_t)data, size};
    RECORD_WRITE(real(write)(fd, data, size), place(fd), &part, 1)
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    uint32_t file = file_of_fd(fd);
    if (file == 0) {
        return real(writev)(fd, parts, count);
    }
    RECORD_WRITE(real(writev)(fd, parts, count), place(fd), parts, count)
}

#define PWRITE(name)                                                                               \
    ssize_t name(int fd, const void *data, size_t size, off_t at) {                                \
        uint32_t file = file_of_fd(fd);                                                            \
        if (file == 0) {                                                                           \
            return real(name)(fd, data, size, at);                                                 \
        }                                                                                          \
        struct iovec part = {(void *)(uintptr_t)data, size};                                       \
        RECORD_WRITE(real(name)(fd, data, size, at), at, &part, 1)                                 \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

#define PWRITEV(name)                                                                              \
    ssize_t name(int fd, const struct iovec *parts, int count, off_t at) {                         \
        uint32_t file = file_of_fd(fd);                                                            \
        if (file == 0) {                                                                           \
            return real(name)(fd, parts, count, at);                                               \
        }                                                                                          \
        RECORD_WRITE(real(name)(fd, parts, count, at), at, parts, count)                           \
    }
PWRITEV(pwritev)
PWRITEV(pwritev64)

/* A change of size; fallocate that keeps the size changes nothing that can be read. */
#define RESIZE(call, kind, size, changes)                                                          \
    uint32_t file = file_of_fd(fd);                                                                \
    if (file == 0) {                                                                               \
        return call;                                                                               \
    }                                                                                              \
    pthread_mutex_lock(&lock);                                                                     \
    int result = call;                                                                             \
    int error = errno;                                                                             \
    if (result == 0 && (changes)) {                                                                \
        record(kind, file, (uint64_t)(size), NULL, 0);                                             \
    }                                                                                              \
    pthread_mutex_unlock(&lock);                                                                   \
    errno = error;                                                                                 \
    return result;

static bool changes_size(int mode) {
    if ((mode & ~FALLOC_FL_KEEP_SIZE) != 0) {
        give_up("fallocate with a mode that moves or clears data");
    }
    return mode == 0;
}

int ftruncate(int fd, off_t size) {
    RESIZE(real(ftruncate)(fd, size), OP_TRUNCATE, size, true)
}

int ftruncate64(int fd, off_t size) {
    RESIZE(real(ftruncate64)(fd, size), OP_TRUNCATE, size, true)
}

int fallocate(int fd, int mode, off_t at, off_t size) {
    RESIZE(real(fallocate)(fd, mode, at, size), OP_EXTEND, at + size, changes_size(mode))
}

int fallocate64(int fd, int mode, off_t at, off_t size) {
    RESIZE(real(fallocate64)(fd, mode, at, size), OP_EXTEND, at + size, changes_size(mode))
}

int posix_fallocate(int fd, off_t at, off_t size) {
    RESIZE(real(posix_fallocate)(fd, at, size), OP_EXTEND, at + size, true)
}

static int sync_recorded(int fd, int (*sync_file)(int)) {
    uint32_t file = log_fd >= 0 && fd >= 0 && fd < FDS_MAX ? fds[fd].file : 0;
    if (file == 0) {
        return sync_file(fd);
    }
    bool directory = fds[fd].directory;
    pthread_mutex_lock(&lock);
    record(directory ? OP_DIRECTORY_BEGIN : OP_SYNC_BEGIN, file, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    int result = sync_file(fd);
    int error = errno;
    pthread_mutex_lock(&lock);
    if (result == 0) {
        record(directory ? OP_DIRECTORY_END : OP_SYNC_END, file, 0, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int fsync(int fd) {
    return sync_recorded(fd, real(fsync));
}

int fdatasync(int fd) {
    return sync_recorded(fd, real(fdatasync));
}

/* Two names, one call: rename and link. */
static int names_recorded(enum op_kind kind, int from_directory, const char *from, int to_directory,
                          const char *to, int (*change)(int, const char *, int, const char *)) {
    char from_path[PATH_BYTES], to_path[PATH_BYTES];
    if (log_fd < 0 || !resolve(from_path, from_directory, from) ||
        !resolve(to_path, to_directory, to) ||
        (name_of(from_path) == NULL && name_of(to_path) == NULL)) {
        return change(from_directory, from, to_directory, to);
    }
    const char *old_name = name_of(from_path), *new_name = name_of(to_path);
    if (old_name == NULL || new_name == NULL) {
        give_up("a file that comes from outside, or leaves");
    }
    pthread_mutex_lock(&lock);
    int result = change(from_directory, from, to_directory, to);
    int error = errno;
    if (result == 0) {
        struct iovec parts[] = {{(void *)(uintptr_t)old_name, strlen(old_name) + 1},
                                {(void *)(uintptr_t)new_name, strlen(new_name)}};
        record(kind, 0, 0, parts, 2);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

static int link_plainly(int from_directory, const char *from, int to_directory, const char *to) {
    (void)from_directory, (void)to_directory;
    return real(link)(from, to);
}

static int rename_plainly(int from_directory, const char *from, int to_directory, const char *to) {
    (void)from_directory, (void)to_directory;
    return real(rename)(from, to);
}

int rename(const char *from, const char *to) {
    return names_recorded(OP_RENAME, AT_FDCWD, from, AT_FDCWD, to, rename_plainly);
}

int renameat(int from_directory, const char *from, int to_directory, const char *to) {
    return names_recorded(OP_RENAME, from_directory, from, to_directory, to, real(renameat));
}

int link(const char *from, const char *to) {
    return names_recorded(OP_LINK, AT_FDCWD, from, AT_FDCWD, to, link_plainly);
}

int unlinkat(int directory, const char *path, int flags) {
    char whole[PATH_BYTES];
    const char *name = log_fd >= 0 && resolve(whole, directory, path) ? name_of(whole) : NULL;
    if (name == NULL) {
        return real(unlinkat)(directory, path, flags);
    }
    pthread_mutex_lock(&lock);
    int result = real(unlinkat)(directory, path, flags);
    int error = errno;
    if (result == 0 && (flags & AT_REMOVEDIR) == 0) {
        record_text(OP_UNLINK, 0, name, strlen(name));
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int unlink(const char *path) {
    return unlinkat(AT_FDCWD, path, 0);
}

/* What the log could not follow. */
static void refuse(bool recorded, const char *what) {
    if (recorded) {
        give_up(what);
    }
}

static bool writes_file(int fd, int protection, int flags) {
    return (flags & MAP_ANONYMOUS) == 0 && (flags & MAP_TYPE) != MAP_PRIVATE &&
           (protection & PROT_WRITE) != 0 && file_of_fd(fd) != 0;
}

void *mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset) {
    refuse(writes_file(fd, protection, flags), "a shared writable mapping");
    return real(mmap)(at, bytes, protection, flags, fd, offset);
}

void *mmap64(void *at, size_t bytes, int protection, int flags, int fd, off_t offset) {
    refuse(writes_file(fd, protection, flags), "a shared writable mapping");
    return real(mmap64)(at, bytes, protection, flags, fd, offset);
}

ssize_t sendfile(int to, int from, off_t *at, size_t bytes) {
    refuse(file_of_fd(to) != 0, "sendfile");
    return real(sendfile)(to, from, at, bytes);
}

ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t bytes,
                        unsigned flags) {
    refuse(file_of_fd(to) != 0, "copy_file_range");
    return real(copy_file_range)(from, from_at, to, to_at, bytes, flags);
}

/* A file that is there already: on the disk, whatever happens from now on. */
static bool record_there(const char *path) {
    int fd = real(open)(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    char *content = NULL;
    bool done = fd >= 0 && fstat(fd, &st) == 0 &&
                (content = malloc((size_t)st.st_size + 1)) != NULL &&
                read(fd, content, (size_t)st.st_size) == st.st_size;
    if (done) {
        const char *name = name_of(path);
        struct iovec parts[] = {{(void *)(uintptr_t)name, strlen(name) + 1},
                                {content, (size_t)st.st_size}};
        record(OP_THERE, new_file(st.st_ino), 0, parts, 2);
    }
    free(content);
    if (fd >= 0) {
        real(close)(fd);
    }
    return done;
}

static bool record_directory(const char *path, unsigned depth) {
    DIR *entries = opendir(path);
    if (entries == NULL) {
        return depth == 0 && errno == ENOENT;
    }
    bool done = depth < 4;
    for (struct dirent *entry; done && (entry = readdir(entries)) != NULL;) {
        char below[PATH_BYTES];
        done = snprintf(below, sizeof below, "%s/%s", path, entry->d_name) < PATH_BYTES;
        if (done && entry->d_type == DT_REG) {
            done = record_there(below);
        } else if (done && entry->d_type == DT_DIR && entry->d_name[0] != '.') {
            done = record_directory(below, depth + 1);
        }
    }
    closedir(entries);
    return done;
}

bool op_log_begin(const char *new_root, const char *log) {
    root_bytes = (size_t)snprintf(root, sizeof root, "%s", new_root);
    if (root_bytes >= sizeof root || root[0] != '/') {
        return false;
    }
    memset(fds, 0, sizeof fds);
    files_count = 0;
    log_fd = real(open)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return log_fd >= 0 && record_directory(root, 0);
}

void op_log_end(void) {
    pthread_mutex_lock(&lock);
    int fd = log_fd;
    log_fd = -1;
    pthread_mutex_unlock(&lock);
    real(close)(fd);
}

__attribute__((constructor)) static void begin_with_process(void) {
    const char *of = getenv("OP_LOG_ROOT"), *log = getenv("OP_LOG");
    if (of != NULL && log != NULL && !op_log_begin(of, log)) {
        give_up("OP_LOG cannot be made or OP_LOG_ROOT cannot be read");
    }
}
