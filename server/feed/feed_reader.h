/* The feed's own state, shared by the files of server/feed and by nobody else: readers, how they
 * are served, and the jobs that read the journal for those that are behind. Loop thread only. */
#ifndef SERVER_FEED_FEED_READER_H
#define SERVER_FEED_FEED_READER_H

#include "server/auth/auth.h"
#include "server/feed/feed.h"
#include "server/feed/feed_frame.h"
#include "server/feed/feed_request.h"
#include "server/feed/ring.h"
#include "server/feed/ticket.h"
#include "server/personal.h"

struct catchup; /* feed_catchup.c */

/* One open stream. It is a cursor: nothing is queued for it beyond what its socket has not yet
 * taken, and that is bounded by feed_buffer_bytes plus one frame. */
struct reader {
    struct feed *feed;
    struct http_request
        *request; /* NULL: the request is done, memory is kept for `busy` or `job` */
    struct reader *next, *previous;
    struct bearer *bearer; /* who opened it; NULL: without tokens */
    struct feed_filter filter;
    bool filter_open;      /* takes everything */
    uint64_t cursor_seq;   /* everything up to here was written or left out by the filter */
    uint64_t id_seq;       /* last id the client was told */
    uint64_t id_ms;        /* when that was, loop time */
    uint64_t wrote_ms;     /* last byte written, loop time */
    uint64_t ends_ms;      /* feed_age_ms, with jitter */
    enum feed_reset reset; /* to be told before the next event */
    struct catchup *job;   /* reading the journal, or waiting to */
    bool blocked;          /* the queue is full enough: wait for it to drain */
    bool stuck;            /* and was so at a tick: the ring is not filled for it */
    bool unsent;           /* its socket had not taken everything at the last tick */
    bool ending;           /* the last byte was written */
    uint32_t busy;         /* calls on the stack that use this memory */
};

struct feed {
    struct feed_options options;
    struct ring ring; /* filled only while a reader could take something */
    struct tickets tickets;
    uint64_t durable_seq;
    struct reader *readers;
    uint64_t readers_count, stuck_count;
    struct buffer scratch;
    struct personal personal;
    uv_prepare_t deliver; /* runs once a turn while there is something new */
    uv_timer_t tick;
    uint64_t tick_ms;
    uint32_t handles_open;
    uint64_t random;
    bool draining, closing;
    struct catchup *waiting_first, *waiting_last;
    uint32_t jobs_running;
};

static inline uint64_t feed_now_ms(const struct feed *feed) {
    return uv_now(feed->options.loop);
}
/* Uniform in [0, below). */
uint64_t feed_random(struct feed *feed, uint64_t below);
/* The row as feeds show it: without personal data, when they are masked. */
const struct timeline_row *feed_shown_row(struct personal *personal, const struct timeline_row *row,
                                          const struct policy *policy);
/* Frees the feed when it is closing and nothing of it is in use any more. */
void feed_free_when_unused(struct feed *feed);

/* feed_reader.c */
/* Takes the request over: begins the stream, writes its first line and serves it from `position` on
 * (NULL: from now). */
void reader_open(struct feed *feed, struct http_request *request, const struct feed_filter *filter,
                 const struct feed_position *position);
/* The request is done. */
void reader_close(struct reader *reader);
/* Writes what there is for the reader and its queue has room for. */
void reader_pump(struct reader *reader);
void reader_write(struct reader *reader, struct slice bytes);
/* Ends the stream when its token was revoked or ran out; true when it did. */
bool reader_end_if_gone(struct reader *reader);
/* Heartbeat, checkpoint, end of life. */
void reader_tick(struct reader *reader, uint64_t now_ms);
/* Ends the stream cleanly after `last`. */
void reader_end(struct reader *reader, struct slice last);
/* Between these two the reader's memory stays, whatever happens to its request. */
void reader_enter(struct reader *reader);
void reader_leave(struct reader *reader);
/* Bytes of frames that may be written now; 0 sets reader->blocked. */
size_t reader_room_bytes(struct reader *reader);

/* feed_catchup.c */
/* Reads the journal behind the cursor on the pool, then pumps the reader again. */
void catchup_start(struct reader *reader);

#endif
