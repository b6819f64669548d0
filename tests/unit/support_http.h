/* A real server in this process and a client on plain sockets; the loop is turned by hand until
 * what a test waits for is there. */
#ifndef TESTS_UNIT_SUPPORT_HTTP_H
#define TESTS_UNIT_SUPPORT_HTTP_H

#include "server/http/http.h"
#include "tests/unit/support.h"

struct http_fixture {
    uv_loop_t loop;
    struct limits limits;
    struct http_server *server;
    char address[64];
    uint16_t port;
    unsigned done, aborted, finished, rejected;
    char reason[64];    /* last one rejected */
    struct buffer body; /* last one echoed */
    struct http_request *parked;
    bool pause_on_body, drained;
};
extern struct http_fixture fix;
/* NULL: the fixture starts a plain server. */
extern const struct tls_context *http_fixture_tls;

/* Routes: GET / /hello /names/{name}?q&r /stream /parked; POST /echo /small (8 bytes) /asked (8
 * bytes, adds counts) /refused (401). */
int http_fixture_start(void **state);
/* The same, and connections are strangers' until a request's header `owner: X` claims them for X.
 */
int http_owners_fixture_start(void **state);
/* Fails the test when a connection or body memory was left. */
int http_fixture_stop(void **state);
void http_turn(void);
int http_dial(void);
void send_all(int fd, const void *data, size_t bytes);
void send_text(int fd, const char *text);
/* Reads what is there; false at the end of the stream. */
bool receive(int fd, struct buffer *to);
const char *text_of(struct buffer *buffer);
/* Until the server closes. */
void read_to_end(int fd, struct buffer *to);
/* Until `text` was received `count` times. */
void read_until(int fd, struct buffer *to, const char *text, size_t count);
/* Sends, closes for writing, and reads to the end. */
void exchange(const char *text, struct buffer *answer);
void assert_status(struct buffer *answer, unsigned status);
void assert_contains(struct buffer *answer, const char *text);

#endif
