/* One open feed as a client sees it: chunked transfer undone, events counted by their ids. */
#ifndef BENCH_FEED_READER_H
#define BENCH_FEED_READER_H

#include "core/base/base.h"

/* Room for an event of a deadline; of a longer line the end is lost. */
enum { FEED_LINE_KEPT_BYTES = 1024 };

struct feed_event {
    uint64_t seq;
    struct slice data; /* good until the callback returns */
};
typedef void feed_event_cb(void *context, const struct feed_event *event);

struct feed_reader {
    /* HTTP */
    bool head_done;
    uint32_t head_match;    /* bytes of CRLF CRLF seen in a row */
    uint64_t chunk_bytes;   /* left of the current chunk */
    bool in_size, size_ext; /* in a chunk's size line; past its digits */
    uint8_t skip;           /* line end bytes behind a chunk */
    /* SSE: each event has one line of data */
    char line[FEED_LINE_KEPT_BYTES];
    char data[FEED_LINE_KEPT_BYTES];
    size_t line_bytes, data_bytes;
    bool has_data;
    uint64_t id_seq;
    /* What was found */
    uint64_t last_seq, events, missed, resets;
    void *context;
    feed_event_cb *on_event;
};

void feed_reader_init(struct feed_reader *reader, void *context, feed_event_cb *on_event);
/* Takes bytes as they come off the socket. */
void feed_reader_take(struct feed_reader *reader, struct slice bytes);

#endif
