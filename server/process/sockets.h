/* Listening sockets that are not made from HOST:PORT: those that a service manager passes
 * (sd_listen_fds(3)), and unix sockets. */
#ifndef SERVER_PROCESS_SOCKETS_H
#define SERVER_PROCESS_SOCKETS_H

#include "core/base/status.h"

/* Enough for unix: and any path of a socket, and for any address. */
enum { SOCKET_TEXT_BYTES = 128 };

struct passed_sockets {
    int api, admin; /* -1: none was passed; owned by who took them */
};
/* Takes what LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES give to this process out of the environment.
 * A name that begins with "admin" or "gridd-admin" is the admin listener, any other the API's.
 * INVALID: two of one kind, or something that does not listen. */
MUST_USE enum status passed_sockets_take(struct passed_sockets *ret, struct error *error);
/* Listens on a path, mode 0660; a socket that was left there goes away first. */
MUST_USE enum status socket_listen_unix(int *ret_fd, const char *path, struct error *error);
/* HOST:PORT, [V6]:PORT or unix:PATH of a listening socket. */
void socket_text(int fd, char to[SOCKET_TEXT_BYTES]);

#endif
