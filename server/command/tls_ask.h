/* The client side of TLS for commands: over a connected, blocking socket. */
#ifndef SERVER_COMMAND_TLS_ASK_H
#define SERVER_COMMAND_TLS_ASK_H

#include "core/base/status.h"

#include <sys/types.h>

struct tls_ask; /* opaque */

/* Shakes hands on `fd`, which stays the caller's. The certificate must be good for `host` (a name
 * or an address) and signed by one in `ca` (PEM; NULL: the system's). IO with the reason. */
MUST_USE enum status tls_ask_open(struct tls_ask **ret, int fd, const char *host, const char *ca,
                                  struct error *error);
/* NULL is allowed. */
void tls_ask_close(struct tls_ask *tls);
/* As send and recv: -1 when it failed; 0 when the server said that nothing more comes (an end
 * without that is a failure). */
ssize_t tls_ask_send(struct tls_ask *tls, const void *bytes, size_t count);
ssize_t tls_ask_receive(struct tls_ask *tls, void *to, size_t room);

#endif
