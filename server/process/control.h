/* The control socket of a data directory: how a command asks the server that has the directory
 * open. One line each way: "backup PATH\n" -> "ok\n" or "error MESSAGE\n".
 *
 * Who may open the socket (mode 0600: the server's user and root) may ask. PATH is absolute. */
#ifndef SERVER_PROCESS_CONTROL_H
#define SERVER_PROCESS_CONTROL_H

#include "core/base/status.h"

#include <uv.h>

enum { CONTROL_LINE_BYTES_MAX = 4200, CONTROL_CONNECTIONS_MAX = 4 };

struct control_server; /* opaque: loop thread only */

/* Runs on the thread pool. Sets `*ret_status`, and `*ret_error` on failure. */
typedef void (*control_backup_cb)(void *context, const char *to, enum status *ret_status,
                                  struct error *ret_error);

/* Listens at `path`; a socket left there by a server that died is replaced (the caller holds the
 * directory's lock). INVALID: the path is too long for a socket. IO: the system refused. */
MUST_USE enum status control_server_new(struct control_server **ret, uv_loop_t *loop,
                                        const char *path, control_backup_cb backup, void *context,
                                        struct error *error);
/* Closes its handles; its memory goes once the loop has run their callbacks and the backup under
 * way, if any, has ended. NULL is allowed. */
void control_server_free(struct control_server *server);

/* The asking side; waits for the answer as long as it takes. NOT_FOUND: nobody listens at `path`.
 * INVALID: `to` has a line break or is too long. IO: the connection broke, or the server's own
 * message. */
MUST_USE enum status control_ask_backup(const char *path, const char *to, struct error *error);

#endif
