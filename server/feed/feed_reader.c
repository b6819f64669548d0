#include "server/feed/feed_reader.h"

#include "core/base/check.h"
#include "core/base/mutant.h"
#include "server/api/caller.h"
#include "server/process/log.h"

#include <stdlib.h>
#include <string.h>

static const char heartbeat[] = ": hb\n\n";

void reader_enter(struct reader *reader) {
    reader->busy++;
}

void reader_leave(struct reader *reader) {
    CHECK(reader->busy > 0);
    reader->busy--;
    if (reader->busy == 0 && reader->request == NULL && reader->job == NULL) {
        bearer_unref(reader->bearer);
        free(reader);
    }
}

enum { REFILL_BYTES = 16 * 1024 };

/* Little: what a socket has not taken is copied out of the ring for that reader alone. It does not
 * run dry meanwhile, since the system holds more than this for it (http_server.c). */
static size_t low_bytes(const struct feed *feed) {
    return (size_t)min_u64(feed->options.limits->feed_buffer_bytes / 2, REFILL_BYTES);
}

static void set_stuck(struct reader *reader, bool stuck) {
    struct feed *feed = reader->feed;
    feed->stuck_count = feed->stuck_count + stuck - reader->stuck;
    CHECK(feed->stuck_count <= feed->readers_count);
    reader->stuck = stuck;
}

size_t reader_room_bytes(struct reader *reader) {
    size_t queued = http_stream_queued(reader->request);
    /* Only above the low mark does draining call back, so only above it may we wait for that. */
    if (queued > low_bytes(reader->feed)) {
        reader->blocked = true;
        return 0;
    }
    return (size_t)reader->feed->options.limits->feed_buffer_bytes - queued;
}

static bool is_open(const struct reader *reader) {
    return reader->request != NULL && !reader->ending && !http_aborted(reader->request);
}

void reader_write(struct reader *reader, struct slice bytes) {
    if (is_open(reader) && bytes.bytes > 0) {
        reader->wrote_ms = feed_now_ms(reader->feed);
        http_stream_write(reader->request, bytes);
    }
}

static void told_id(struct reader *reader, uint64_t seq) {
    CHECK(seq >= reader->id_seq);
    reader->id_seq = seq;
    reader->id_ms = feed_now_ms(reader->feed);
}

/* All frames fit for everybody: a piece of the ring goes out as it lies there. */
static void pump_open(struct reader *reader, size_t room_bytes) {
    struct feed *feed = reader->feed;
    uint64_t first_seq = reader->cursor_seq + 1, next_seq = 0;
    struct slice span = ring_span(&feed->ring, first_seq, room_bytes, &next_seq);
    reader->cursor_seq = next_seq - 1;
    told_id(reader, reader->cursor_seq);
    feed->options.metrics->feed_events_total += next_seq - first_seq;
    reader_write(reader, span);
}

static void pump_filtered(struct reader *reader, size_t room_bytes) {
    struct feed *feed = reader->feed;
    const struct region_table *regions = regions_current(feed->options.regions)->table;
    buffer_reset(&feed->scratch);
    uint64_t seq = reader->cursor_seq + 1, last_seq = 0;
    for (; ring_has(&feed->ring, seq); seq++) {
        const struct ring_event *event = ring_event(&feed->ring, seq);
        if (!feed_filter_takes(&reader->filter, regions, event->kind, event->severity,
                               event->region)) {
            continue;
        }
        if (feed->scratch.bytes > 0 && feed->scratch.bytes + event->bytes > room_bytes) {
            break;
        }
        buffer_append_slice(&feed->scratch, ring_frame(&feed->ring, seq));
        last_seq = seq;
        feed->options.metrics->feed_events_total++;
    }
    reader->cursor_seq = seq - 1;
    if (last_seq > 0) {
        told_id(reader, last_seq);
        reader_write(reader, buffer_slice(&feed->scratch));
    }
}

void reader_pump(struct reader *reader) {
    struct feed *feed = reader->feed;
    if (reader->busy > 0) {
        return; /* a drain reported from inside a write below: its loop goes on by itself */
    }
    reader_enter(reader);
    while (is_open(reader) && !reader->blocked && reader->job == NULL &&
           (reader->cursor_seq < feed->durable_seq || reader->reset != FEED_RESET_NONE)) {
        size_t room_bytes = reader_room_bytes(reader);
        if (room_bytes == 0) {
            break;
        }
        if (reader->reset != FEED_RESET_NONE || !ring_has(&feed->ring, reader->cursor_seq + 1)) {
            catchup_start(reader);
        } else if (reader->filter_open) {
            pump_open(reader, room_bytes);
        } else {
            pump_filtered(reader, room_bytes);
        }
    }
    reader_leave(reader);
}

static void on_drain(struct http_request *request) {
    struct reader *reader = http_state(request);
    if (reader != NULL) {
        reader->blocked = false;
        set_stuck(reader, false);
        reader_pump(reader);
    }
}

static void start_position(struct reader *reader, const struct feed_position *position) {
    struct feed *feed = reader->feed;
    reader->cursor_seq = feed->durable_seq;
    if (position == NULL) {
        return;
    }
    feed->options.metrics->feed_resumes_total++;
    if (strcmp(position->epoch, feed->options.epoch) != 0) {
        reader->reset = FEED_RESET_OTHER_EPOCH;
    } else if (position->seq > feed->durable_seq && MUTANT(RESET_NOT_TOLD)) {
        reader->cursor_seq = feed->durable_seq;
    } else if (position->seq > feed->durable_seq) {
        reader->reset = FEED_RESET_AHEAD;
        log_line(LOG_LEVEL_ERROR, LOG_FEED, "a reader holds an id that this store never reached",
                 "id_seq", LOG_U64, position->seq, "durable_seq", LOG_U64, feed->durable_seq, NULL);
    } else {
        reader->cursor_seq =
            position->seq + (MUTANT(CURSOR_OFF_BY_ONE) && position->seq < feed->durable_seq);
    }
    if (reader->reset != FEED_RESET_NONE) {
        reader->cursor_seq = 0;
    }
    reader->id_seq = reader->cursor_seq;
}

/* A reader that starts at now is told that id at once: if it is cut before its first event it can
 * still resume without a gap. */
static void write_first_lines(struct reader *reader, bool from_now) {
    struct buffer *scratch = &reader->feed->scratch;
    buffer_reset(scratch);
    buffer_append_text(scratch, "retry: 3000\n");
    if (from_now) {
        char id[FEED_ID_BYTES_MAX + 1];
        feed_id_format(id, reader->feed->options.epoch, reader->cursor_seq);
        buffer_printf(scratch, "id: %s\n", id);
        told_id(reader, reader->cursor_seq);
    }
    buffer_append_text(scratch, "\n");
    reader_write(reader, buffer_slice(scratch));
}

static void link_reader(struct feed *feed, struct reader *reader) {
    reader->next = feed->readers;
    if (feed->readers != NULL) {
        feed->readers->previous = reader;
    }
    feed->readers = reader;
    feed->readers_count++;
}

static void unlink_reader(struct feed *feed, struct reader *reader) {
    CHECK(feed->readers_count > 0);
    if (reader->previous != NULL) {
        reader->previous->next = reader->next;
    } else {
        feed->readers = reader->next;
    }
    if (reader->next != NULL) {
        reader->next->previous = reader->previous;
    }
    feed->readers_count--;
}

void reader_open(struct feed *feed, struct http_request *request, const struct feed_filter *filter,
                 const struct feed_position *position) {
    struct reader *reader = calloc(1, sizeof *reader);
    CHECK(reader != NULL);
    const struct limits *limits = feed->options.limits;
    uint64_t now_ms = feed_now_ms(feed), tenth_ms = limits->feed_age_ms / 10;
    *reader = (struct reader){.feed = feed,
                              .request = request,
                              .bearer = caller_bearer(request),
                              .filter = *filter,
                              .filter_open = feed_filter_is_open(filter),
                              .id_ms = now_ms,
                              .wrote_ms = now_ms};
    if (reader->bearer != NULL) {
        (void)bearer_ref(reader->bearer);
    }
    reader->ends_ms = now_ms + limits->feed_age_ms - tenth_ms + feed_random(feed, 2 * tenth_ms + 1);
    link_reader(feed, reader);
    http_set_state(request, reader);
    reader_enter(reader);
    http_add_header(request, "X-Accel-Buffering", "no");
    http_stream_begin(request, 200, "text/event-stream");
    http_stream_stall_limit(request, limits->feed_stall_ms);
    http_stream_on_drain(request, low_bytes(feed), on_drain);
    start_position(reader, position);
    write_first_lines(reader, position == NULL);
    reader->busy--;
    reader_pump(reader);
}

void reader_close(struct reader *reader) {
    struct feed *feed = reader->feed;
    CHECK(reader->request != NULL);
    if (http_aborted(reader->request) && (reader->blocked || reader->unsent)) {
        feed->options.metrics->feed_cut_total++;
    }
    set_stuck(reader, false);
    unlink_reader(feed, reader);
    reader->request = NULL;
    reader_enter(reader);
    reader_leave(reader);
    feed_free_when_unused(feed);
}

void reader_end(struct reader *reader, struct slice last) {
    if (!is_open(reader)) {
        return;
    }
    reader_enter(reader);
    reader_write(reader, last);
    reader->ending = true;
    if (reader->request != NULL) {
        http_stream_end(reader->request);
    }
    reader_leave(reader);
}

/* A last word so that a page asks for a token instead of coming back at once. */
bool reader_end_if_gone(struct reader *reader) {
    static const char last[] = ": the token is not valid any more\n\n";
    if (reader->bearer == NULL || !is_open(reader) || !caller_is_gone(reader->request)) {
        return false;
    }
    reader_end(reader, SLICE_LITERAL(last));
    return true;
}

static void write_checkpoint(struct reader *reader) {
    struct buffer *scratch = &reader->feed->scratch;
    buffer_reset(scratch);
    feed_frame_checkpoint(scratch, reader->feed->options.epoch, reader->cursor_seq);
    told_id(reader, reader->cursor_seq);
    reader_write(reader, buffer_slice(scratch));
}

void reader_tick(struct reader *reader, uint64_t now_ms) {
    struct feed *feed = reader->feed;
    if (!is_open(reader)) {
        return;
    }
    if (reader_end_if_gone(reader)) {
        return;
    }
    reader->unsent = http_stream_queued(reader->request) > 0;
    if (now_ms >= reader->ends_ms) {
        reader_end(reader, (struct slice){NULL, 0});
        return;
    }
    if (reader->blocked) {
        set_stuck(reader, true);
        return; /* there is something under way to it already */
    }
    /* The next tick would be too late. */
    uint64_t due_ms = feed->options.limits->feed_heartbeat_ms - feed->tick_ms;
    reader_enter(reader);
    if (reader->cursor_seq > reader->id_seq && reader->reset == FEED_RESET_NONE &&
        now_ms - reader->id_ms >= due_ms) {
        write_checkpoint(reader);
    } else if (now_ms - reader->wrote_ms >= due_ms) {
        reader_write(reader, SLICE_LITERAL(heartbeat));
    }
    reader_leave(reader);
}
