#include "server/buffer.h"

#include "core/base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_FIRST_BYTES = 64 };

void buffer_init(struct buffer *buffer) {
    *buffer = (struct buffer){NULL, 0, 0};
}

void buffer_deinit(struct buffer *buffer) {
    free(buffer->data);
    buffer_init(buffer);
}

void buffer_reset(struct buffer *buffer) {
    buffer->bytes = 0;
}

void buffer_grow(struct buffer *buffer, size_t bytes) {
    CHECK(bytes <= SIZE_MAX / 2 - buffer->bytes);
    size_t needed = buffer->bytes + bytes;
    size_t room = buffer->room < BUFFER_FIRST_BYTES ? BUFFER_FIRST_BYTES : buffer->room * 2;
    room = room < needed ? needed : room;
    uint8_t *data = realloc(buffer->data, room);
    CHECK(data != NULL);
    buffer->data = data;
    buffer->room = room;
}

void buffer_append_text(struct buffer *buffer, const char *text) {
    buffer_append(buffer, text, strlen(text));
}

void buffer_append_u64(struct buffer *buffer, uint64_t value) {
    char digits[20]; /* UINT64_MAX has 20 */
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    buffer_append(buffer, digits + at, sizeof digits - at);
}

void buffer_printf(struct buffer *buffer, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int bytes = vsnprintf(NULL, 0, format, args);
    va_end(args);
    CHECK(bytes >= 0);
    uint8_t *to = buffer_reserve(buffer, (size_t)bytes + 1);
    va_start(args, format);
    CHECK(vsnprintf((char *)to, (size_t)bytes + 1, format, args) == bytes);
    va_end(args);
    buffer->bytes += (size_t)bytes;
}

struct slice buffer_slice(const struct buffer *buffer) {
    return (struct slice){buffer->data, buffer->bytes};
}
