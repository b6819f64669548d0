#include "server/auth/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *credentials_directory(void) {
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    return directory == NULL || directory[0] == '\0' ? NULL : directory;
}

bool key_file_credential(char *to, size_t room, const char *name) {
    const char *directory = credentials_directory();
    if (directory == NULL) {
        return false;
    }
    int bytes = snprintf(to, room, "%s/%s", directory, name);
    return bytes > 0 && (size_t)bytes < room && access(to, F_OK) == 0;
}

/* systemd gives a credential to the service alone, on file systems that know it with a group. */
static bool is_private(const struct stat *file, const char *path) {
    const char *directory = credentials_directory();
    size_t bytes = directory == NULL ? 0 : strlen(directory);
    bool is_credential = bytes > 0 && strncmp(path, directory, bytes) == 0 && path[bytes] == '/';
    return (file->st_mode & (is_credential ? 0007u : 0077u)) == 0;
}

static enum status read_whole(int fd, uint8_t *to, size_t room, size_t *ret_bytes) {
    size_t bytes = 0;
    for (;;) {
        ssize_t got = read(fd, to + bytes, room - bytes);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 || bytes == room) {
            return got < 0 ? STATUS_IO : STATUS_TOO_LARGE;
        }
        if (got == 0) {
            *ret_bytes = bytes;
            return STATUS_OK;
        }
        bytes += (size_t)got;
    }
}

enum status key_file_read(uint8_t *to, size_t room, size_t *ret_bytes, const char *path,
                          enum key_file_kind kind, struct error *error) {
    struct stat file;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        enum status status = errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO;
        return error_set(error, status, path, ": ", strerror(errno));
    }
    enum status status = fstat(fd, &file) == 0 ? STATUS_OK : STATUS_IO;
    if (status == STATUS_OK && kind == KEY_FILE_SECRET && !is_private(&file, path)) {
        (void)close(fd);
        return error_set(error, STATUS_IO, path, ": others may read it: chmod 600 ", path);
    }
    status = status == STATUS_OK ? read_whole(fd, to, room, ret_bytes) : status;
    (void)close(fd);
    return status == STATUS_OK ? status : error_set(error, status, path, ": ", status_text(status));
}
