/* An HTTP/1.1 client for load: some keep-alive connections, one request of each under way, one
 * thread, epoll. Bodies are handed to the kernel from where they lie.
 *
 * Where the variable GRIDD_TOKEN is set, its token goes with every request (for a server that was
 * started without --no-auth, named by --url).
 *
 * It knows just enough HTTP for gridd's whole answers (Content-Length); anything else ends the
 * program with a sentence. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include "core/base/base.h"

struct target {
    char host[64]; /* a numeric address or a name */
    char port[8];
};

/* Prints one line on stderr and ends the program with 1. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* http://HOST:PORT[/]; false otherwise. */
MUST_USE bool target_parse(struct target *ret, const char *url);
/* A connected blocking socket without delay; dies when it cannot. */
int target_connect(const struct target *target);

struct client_request {
    const char *method, *path, *content_type; /* content_type NULL: no body */
    struct slice body;
    uint64_t tag; /* given back with the answer */
};

struct client_answer {
    unsigned status;
    struct slice body; /* good until the callback returns */
    uint64_t tag;
    uint64_t started_ns; /* closed loop: first byte sent; open loop: planned time */
    uint64_t done_ns;
};

struct client_options {
    const struct target *target;
    uint32_t connections;
    /* Requests a second, planned evenly from the start; 0: a closed loop. */
    double rate;
    void *context;
    /* The next request, or false when there are no more: asked again after each answer. `path` and
     * `body` stay until its answer.
     */
    bool (*next)(void *context, uint32_t connection, struct client_request *ret);
    void (*answered)(void *context, const struct client_answer *answer);
};

/* Runs until every request is answered; returns the nanoseconds from the first send to the last
 * answer. */
uint64_t client_run(const struct client_options *options);

/* One request on a connection of its own; the body of the answer is NUL-terminated malloc'd memory.
 * Returns the status. */
unsigned client_call(const struct target *target, const struct client_request *request,
                     char **ret_body);
/* The number behind `"name":` in a JSON text, 0 when it is not there. */
uint64_t answer_number(struct slice json, const char *name);

#endif
