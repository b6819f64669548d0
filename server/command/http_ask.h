/* One request to a gridd over HTTP or HTTPS, waiting for the answer: the client side of commands.
 */
#ifndef SERVER_COMMAND_HTTP_ASK_H
#define SERVER_COMMAND_HTTP_ASK_H

#include "core/base/status.h"
#include "server/buffer.h"

enum { HTTP_ASK_ANSWER_BYTES_MAX = 16 << 20, HTTP_ASK_TIMEOUT_S = 60 };

struct http_ask {
    const char *url;    /* http://HOST:PORT or https://HOST:PORT, nothing behind it */
    const char *ca;     /* PEM, who signed the server's certificate; NULL: the system's */
    const char *token;  /* "": none is sent */
    const char *method; /* "GET" */
    const char *path;   /* with its query, encoded */
    struct slice body;  /* JSON; empty: none */
};

/* Appends the answer's body to `ret_body`. INVALID: the URL. IO: no answer, a certificate that is
 * not good for HOST, or an answer that is no HTTP or longer than HTTP_ASK_ANSWER_BYTES_MAX. */
MUST_USE enum status http_ask(const struct http_ask *ask, unsigned *ret_status,
                              struct buffer *ret_body, struct error *error);

#endif
