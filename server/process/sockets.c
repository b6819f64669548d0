#include "server/process/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST_PASSED_FD = 3, PASSED_MAX = 16, BACKLOG = 4096 };

static int option_of(int fd, int option) {
    int value = -1;
    socklen_t bytes = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &bytes) == 0 ? value : -1;
}

static bool is_admin(const char *name) {
    return strncmp(name, "admin", 5) == 0 || strncmp(name, "gridd-admin", 11) == 0;
}

static enum status take_one(struct passed_sockets *to, int fd, const char *name,
                            struct error *error) {
    int *place = is_admin(name) ? &to->admin : &to->api;
    if (option_of(fd, SO_ACCEPTCONN) != 1 || option_of(fd, SO_TYPE) != SOCK_STREAM) {
        return error_set(error, STATUS_INVALID, "the passed socket ", name,
                         " does not listen for connections");
    }
    if (*place >= 0) {
        return error_set(error, STATUS_INVALID,
                         "a second socket was passed for the same use: ", name, NULL);
    }
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        return error_set(error, STATUS_IO, "the passed socket ", name, " cannot be used");
    }
    *place = fd;
    return STATUS_OK;
}

/* The names are parted by colons, in the order of the descriptors. */
static enum status take_all(struct passed_sockets *to, unsigned long count, const char *names,
                            struct error *error) {
    if (count > PASSED_MAX) {
        return error_set(error, STATUS_INVALID, "more than 16 sockets were passed", NULL, NULL);
    }
    enum status status = STATUS_OK;
    for (unsigned long i = 0; status == STATUS_OK && i < count; i++) {
        char name[64];
        size_t bytes = strcspn(names, ":");
        snprintf(name, sizeof name, "%.*s", (int)(bytes < sizeof name ? bytes : sizeof name - 1),
                 names);
        names += bytes + (names[bytes] == ':' ? 1 : 0);
        status = take_one(to, FIRST_PASSED_FD + (int)i, name, error);
    }
    return status;
}

enum status passed_sockets_take(struct passed_sockets *ret, struct error *error) {
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    const char *names = getenv("LISTEN_FDNAMES");
    *ret = (struct passed_sockets){-1, -1};
    enum status status = STATUS_OK;
    if (pid != NULL && count != NULL && strtoull(pid, NULL, 10) == (unsigned long long)getpid()) {
        status = take_all(ret, strtoul(count, NULL, 10), names == NULL ? "" : names, error);
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return status;
}

enum status socket_listen_unix(int *ret_fd, const char *path, struct error *error) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat there;
    size_t bytes = strlen(path);
    if (bytes == 0 || bytes >= sizeof address.sun_path) {
        return error_set(error, STATUS_INVALID, path, ": a socket's path has 1 to 107 bytes", NULL);
    }
    memcpy(address.sun_path, path, bytes);
    if (lstat(path, &there) == 0 && S_ISSOCK(there.st_mode)) {
        unlink(path);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        chmod(path, 0660) != 0 || listen(fd, BACKLOG) != 0) {
        error_set_message(error, path, ": ", strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return STATUS_IO;
    }
    *ret_fd = fd;
    return STATUS_OK;
}

void socket_text(int fd, char to[SOCKET_TEXT_BYTES]) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    } address = {.any = {.sa_family = AF_UNSPEC}};
    socklen_t bytes = sizeof address;
    char host[INET6_ADDRSTRLEN] = "";
    if (getsockname(fd, &address.any, &bytes) != 0) {
        address.any.sa_family = AF_UNSPEC;
    }
    if (address.any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &address.v4.sin_addr, host, sizeof host);
        snprintf(to, SOCKET_TEXT_BYTES, "%s:%u", host, (unsigned)ntohs(address.v4.sin_port));
    } else if (address.any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &address.v6.sin6_addr, host, sizeof host);
        snprintf(to, SOCKET_TEXT_BYTES, "[%s]:%u", host, (unsigned)ntohs(address.v6.sin6_port));
    } else {
        snprintf(to, SOCKET_TEXT_BYTES, "unix:%.107s",
                 address.any.sa_family == AF_UNIX ? address.local.sun_path : "");
    }
}
