/* A feed with nothing around it: requests, the journal and the writer of events are stand-ins that
 * a test can look into. */
#ifndef TESTS_UNIT_STAGE_FEED_H
#define TESTS_UNIT_STAGE_FEED_H

#include "server/services.h"
#include "tests/unit/support.h"

struct http_request {
    struct services *services;
    void *state;
    enum http_method method;
    const char *query[4][2];
    const char *last_event_id;
    unsigned status;
    struct buffer out;   /* everything written */
    size_t taken, low;   /* of `out` by the socket */
    size_t queued_most;  /* the longest queue there ever was */
    size_t written_most; /* the longest single write */
    void (*on_drain)(struct http_request *request);
    bool stream, ended, aborted;
};

struct feed_stage {
    uv_loop_t loop;
    uv_async_t alive;
    struct limits limits;
    struct metrics metrics;
    struct services services;
    struct policy policy;
    const struct policy *policy_now;
    struct feed *feed;
    uint64_t last_seq; /* published */
};

/* The journal: sequence numbers [oldest, last], severity of each 1 + seq % 4, region seq % 3. */
extern struct stage_journal {
    uint64_t oldest_seq, last_seq;
    bool broken;
    uint32_t readers_now, readers_most; /* atomic: calls at the same time */
    uint64_t calls;                     /* atomic */
} stage_journal;
/* Pool threads count while the test looks. */
#define STAGE_COUNT(field) __atomic_load_n(&stage_journal.field, __ATOMIC_SEQ_CST)
/* Events that were turned to text by the loop thread. */
extern uint64_t stage_encoded;

/* limits are the defaults, to be changed before stage_open. */
void stage_init(struct feed_stage *stage);
void stage_open(struct feed_stage *stage, uint64_t oldest_seq, uint64_t durable_seq);
void stage_close(struct feed_stage *stage);
void stage_publish(struct feed_stage *stage, uint32_t count);
/* Turns the loop until nothing is under way. */
void stage_run(struct feed_stage *stage);
/* Asks GET /v1/feed; `since` may be NULL. */
void stage_get(struct feed_stage *stage, struct http_request *request, const char *since);
/* The client goes away. */
void stage_leave(struct http_request *request);
/* The socket takes that many bytes, or all there is. */
void stage_take(struct http_request *request, size_t bytes);
/* Turns the loop and takes all there is, until there is nothing more. */
void stage_take_all(struct feed_stage *stage, struct http_request *request);
/* Text written so far. */
const char *stage_text(struct http_request *request);
/* Checks that the events written are exactly `from`..`to`, each passing `severity` (0: any). */
void stage_expect(struct http_request *request, uint64_t from, uint64_t to, unsigned severity);

#endif
