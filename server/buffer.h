/* Bytes that grow. Owned by whoever embeds it; buffer_deinit frees. Running out of memory ends the
 * process with a CHECK (bounded inputs keep every buffer bounded). Append is amortised O(bytes). */
#ifndef SERVER_BUFFER_H
#define SERVER_BUFFER_H

#include "core/base/base.h"

#include <string.h>

struct buffer {
    uint8_t *data;
    size_t bytes, room;
};

void buffer_init(struct buffer *buffer);
void buffer_deinit(struct buffer *buffer);
void buffer_reset(struct buffer *buffer);
/* For buffer_reserve alone: moves the bytes to where there is room for `bytes` more. */
void buffer_grow(struct buffer *buffer, size_t bytes);

/* Makes room for `bytes` more and returns where they go; buffer->bytes is the caller's to raise. */
static inline uint8_t *buffer_reserve(struct buffer *buffer, size_t bytes) {
    if (bytes > buffer->room - buffer->bytes || buffer->data == NULL) {
        buffer_grow(buffer, bytes);
    }
    return buffer->data + buffer->bytes;
}

static inline void buffer_append(struct buffer *buffer, const void *data, size_t bytes) {
    if (bytes > 0) {
        memcpy(buffer_reserve(buffer, bytes), data, bytes);
        buffer->bytes += bytes;
    }
}

static inline void buffer_append_slice(struct buffer *buffer, struct slice slice) {
    buffer_append(buffer, slice.data, slice.bytes);
}

void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_append_u64(struct buffer *buffer, uint64_t value);
void buffer_printf(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct slice buffer_slice(const struct buffer *buffer);

#endif
