/* One request that changes something, from its headers until its answer: the body is gathered, a
 * step is taken on the loop, and the answer goes out once what it tells is on disk.
 *
 * A handler embeds a change as the first member of its own struct. It may work on the pool
 * (change_run) and wait for the commit (change_wait) any number of times, one at a time; the
 * callbacks come on the loop and only while the request is still there. What is a step is done even
 * when the client has gone: its answer is then lost, and a command_id finds out. */
#ifndef SERVER_API_CHANGE_H
#define SERVER_API_CHANGE_H

#include "server/json_out.h"
#include "server/services.h"

struct change {
    struct services *services;
    struct http_request *request; /* NULL once it is done */
    struct buffer body;
    struct buffer answer; /* JSON; of a problem: an object whose members it gets */
    /* The whole body has come. */
    void (*take)(struct change *change);
    /* Frees the struct the change is embedded in. */
    void (*release)(struct change *change);
    /* the rest is change.c's own */
    uv_work_t work;
    struct commit_waiter waiter;
    void (*run)(struct change *change); /* pool thread: must not touch `request` */
    void (*then)(struct change *change);
    bool running, waiting, refused; /* refused: the body is not wanted any more */
    uint32_t calling; /* answering may end the request under a callback */
};

/* Why nothing is changed now (507, 503); true when it was answered. */
MUST_USE bool change_is_refused(struct http_request *request);
/* Becomes the request's state. A body of more than `body_bytes_max` is 413. */
void change_begin(struct change *change, struct http_request *request, size_t body_bytes_max,
                  void (*take)(struct change *change), void (*release)(struct change *change));
/* The callbacks of such a route. */
void change_on_body(struct http_request *request, struct slice bytes);
void change_on_body_end(struct http_request *request);
void change_on_done(struct http_request *request);

void change_run(struct change *change, void (*run)(struct change *change),
                void (*then)(struct change *change));
/* `then` once everything up to `seq` is on disk; perhaps at once. A failed commit answers 503. */
void change_wait(struct change *change, uint64_t seq, void (*then)(struct change *change));

/* Answers with change->answer. */
void change_answer(struct change *change, unsigned status);
/* Answers with a problem; members of the object in change->answer go into it, when there is one. */
void change_problem(struct change *change, unsigned status, const char *title, const char *detail);
/* 422 with one entry of errors[]. */
void change_invalid(struct change *change, const char *pointer, const char *detail);

#endif
