#include "bench/feed_reader.h"

#include <string.h>

void feed_reader_init(struct feed_reader *reader, void *context, feed_event_cb *on_event) {
    *reader = (struct feed_reader){.context = context, .on_event = on_event, .in_size = true};
}

static bool line_begins(const struct feed_reader *reader, const char *with) {
    size_t bytes = strlen(with);
    return reader->line_bytes >= bytes && memcmp(reader->line, with, bytes) == 0;
}

/* The digits behind the last dash of an id. */
static uint64_t sequence_of(const char *line, size_t bytes) {
    size_t at = bytes;
    uint64_t seq = 0;
    while (at > 0 && line[at - 1] != '-') {
        at--;
    }
    for (; at < bytes && line[at] >= '0' && line[at] <= '9'; at++) {
        seq = seq * 10 + (uint64_t)(line[at] - '0');
    }
    return seq;
}

static void dispatch(struct feed_reader *reader) {
    if (reader->has_data) {
        if (reader->last_seq > 0 && reader->id_seq != reader->last_seq + 1) {
            reader->missed++;
        }
        reader->last_seq = reader->id_seq;
        reader->events++;
        const struct feed_event event = {reader->id_seq,
                                         {(const uint8_t *)reader->data, reader->data_bytes}};
        reader->on_event(reader->context, &event);
    }
    reader->has_data = false;
}

static void end_line(struct feed_reader *reader) {
    if (reader->line_bytes == 0) {
        dispatch(reader);
    } else if (line_begins(reader, "id: ")) {
        reader->id_seq = sequence_of(reader->line, reader->line_bytes);
    } else if (line_begins(reader, "data: ")) {
        reader->has_data = true;
        reader->data_bytes = reader->line_bytes - 6;
        memcpy(reader->data, reader->line + 6, reader->data_bytes);
    } else if (line_begins(reader, "event: reset")) {
        reader->resets++;
    }
    reader->line_bytes = 0;
}

static void take_text(struct feed_reader *reader, const uint8_t *data, size_t bytes) {
    while (bytes > 0) {
        const uint8_t *end = memchr(data, '\n', bytes);
        size_t piece = end != NULL ? (size_t)(end - data) : bytes;
        size_t room = FEED_LINE_KEPT_BYTES - reader->line_bytes;
        memcpy(reader->line + reader->line_bytes, data, piece < room ? piece : room);
        reader->line_bytes += piece < room ? piece : room;
        if (end != NULL) {
            end_line(reader);
            piece++;
        }
        data += piece;
        bytes -= piece;
    }
}

static void take_size_byte(struct feed_reader *reader, uint8_t byte) {
    if (byte == '\n') {
        reader->in_size = false;
        reader->size_ext = false;
        reader->skip = 2;
    } else if (byte == '\r' || byte == ';') {
        reader->size_ext = true;
    } else if (!reader->size_ext) {
        uint64_t digit = byte <= '9' ? (uint64_t)byte - '0' : (uint64_t)(byte | 32) - 'a' + 10;
        reader->chunk_bytes = reader->chunk_bytes * 16 + digit;
    }
}

static size_t take_head(struct feed_reader *reader, struct slice bytes) {
    size_t at = 0;
    while (at < bytes.bytes && !reader->head_done) {
        uint8_t byte = bytes.data[at++];
        uint8_t wanted = reader->head_match % 2 == 0 ? '\r' : '\n';
        reader->head_match = byte == wanted ? reader->head_match + 1 : byte == '\r';
        reader->head_done = reader->head_match == 4;
    }
    return at;
}

void feed_reader_take(struct feed_reader *reader, struct slice bytes) {
    size_t at = take_head(reader, bytes);
    while (at < bytes.bytes) {
        if (reader->in_size) {
            take_size_byte(reader, bytes.data[at++]);
        } else if (reader->chunk_bytes > 0) {
            size_t piece = (size_t)min_u64(reader->chunk_bytes, bytes.bytes - at);
            take_text(reader, bytes.data + at, piece);
            reader->chunk_bytes -= piece;
            at += piece;
        } else {
            at++;
            reader->skip--;
            reader->in_size = reader->skip == 0;
        }
    }
}
