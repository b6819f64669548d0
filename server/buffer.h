/* Bytes that grow. Owned by whoever embeds it; buffer_deinit frees. Running out of memory ends the
 * process with a CHECK (bounded inputs keep every buffer bounded). Append is amortised O(bytes). */
#ifndef SERVER_BUFFER_H
#define SERVER_BUFFER_H

#include "core/base/base.h"

struct buffer {
    uint8_t *data;
    size_t bytes, room;
};

void buffer_init(struct buffer *buffer);
void buffer_deinit(struct buffer *buffer);
void buffer_reset(struct buffer *buffer);
/* Makes room for `bytes` more and returns where they go; buffer->bytes is the caller's to raise. */
uint8_t *buffer_reserve(struct buffer *buffer, size_t bytes);
void buffer_append(struct buffer *buffer, const void *data, size_t bytes);
void buffer_append_slice(struct buffer *buffer, struct slice slice);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_append_u64(struct buffer *buffer, uint64_t value);
void buffer_printf(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct slice buffer_slice(const struct buffer *buffer);

#endif
