#include "server/process/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static enum status connect_to(int *ret_fd, const char *path, struct error *error) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        return error_set(error, STATUS_NOT_FOUND, path, ": too long for a socket's path", NULL);
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return error_set(error, STATUS_IO, "socket: ", strerror(errno), NULL);
    }
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        enum status status =
            errno == ENOENT || errno == ECONNREFUSED ? STATUS_NOT_FOUND : STATUS_IO;
        error_set(error, status, path, ": ", strerror(errno));
        close(fd);
        return status;
    }
    *ret_fd = fd;
    return STATUS_OK;
}

static bool send_all(int fd, const char *text, size_t bytes) {
    while (bytes > 0) {
        ssize_t sent = send(fd, text, bytes, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            return false;
        }
        text += sent;
        bytes -= (size_t)sent;
    }
    return true;
}

/* One line without its end; false when the peer closed before it was whole. */
static bool receive_line(int fd, char *to, size_t room) {
    size_t bytes = 0;
    while (bytes < room) {
        ssize_t got = recv(fd, to + bytes, room - bytes, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        char *end = memchr(to + bytes, '\n', (size_t)got);
        if (end != NULL) {
            *end = '\0';
            return true;
        }
        bytes += (size_t)got;
    }
    return false;
}

static enum status ask(int fd, const char *line, size_t line_bytes, struct error *error) {
    char answer[sizeof(struct error) + 16];
    if (!send_all(fd, line, line_bytes) || !receive_line(fd, answer, sizeof answer)) {
        return error_set(error, STATUS_IO, "the server ended the connection without an answer",
                         NULL, NULL);
    }
    if (strcmp(answer, "ok") == 0) {
        return STATUS_OK;
    }
    const char *message = strncmp(answer, "error ", 6) == 0 ? answer + 6 : answer;
    return error_set(error, STATUS_IO, message, NULL, NULL);
}

enum status control_ask_backup(const char *path, const char *to, struct error *error) {
    char line[CONTROL_LINE_BYTES_MAX];
    int bytes = snprintf(line, sizeof line, "backup %s\n", to);
    if (strchr(to, '\n') != NULL || bytes < 0 || (size_t)bytes >= sizeof line) {
        return error_set(error, STATUS_INVALID, to, ": too long, or holds a line break", NULL);
    }
    int fd = -1;
    enum status status = connect_to(&fd, path, error);
    if (status == STATUS_OK) {
        status = ask(fd, line, (size_t)bytes, error);
        close(fd);
    }
    return status;
}
