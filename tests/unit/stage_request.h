/* A request without a connection: what a handler's shared parts ask of one and tell it. Stands in
 * the place of server/http; to be compiled into a test, as stage_request.c is. */
#ifndef TESTS_UNIT_STAGE_REQUEST_H
#define TESTS_UNIT_STAGE_REQUEST_H

#include "server/services.h"
#include "tests/unit/support.h"

struct http_request {
    struct services *services;
    void *state;
    const char *query[2][2]; /* name and value */
    const char *content_type;
    uint64_t body_bytes_max; /* as http_body_limit set it */
    int64_t body_memory;     /* held now */
    bool memory_is_full;
    /* The answer. */
    unsigned status;
    char retry_after[16];
    char detail[160], more[256];
    struct buffer body;
    void (*on_answer)(struct http_request *request); /* NULL: nothing more happens */
};

void stage_request_init(struct http_request *request, struct services *services);
void stage_request_deinit(struct http_request *request);

#endif
