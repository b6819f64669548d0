#include "server/http/http_chunks.h"

void http_chunks_init(struct http_chunks *chunks) {
    *chunks = (struct http_chunks){.stage = HTTP_CHUNK_FIRST_DIGIT};
}

static int hex_value(uint8_t byte) {
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static enum http_refusal size_byte(struct http_chunks *chunks, const struct limits *limits,
                                   uint8_t byte) {
    int digit = hex_value(byte);
    if (digit >= 0) {
        chunks->stage = HTTP_CHUNK_SIZE;
        /* left_bytes never passes the limit, which is far below 2^60: no overflow. */
        chunks->left_bytes = chunks->left_bytes * 16 + (uint64_t)digit;
        bool fits = chunks->left_bytes <= limits->body_wire_bytes - chunks->body_bytes;
        return fits ? HTTP_REFUSAL_NONE : HTTP_REFUSAL_BODY_TOO_LARGE;
    }
    if (chunks->stage == HTTP_CHUNK_FIRST_DIGIT) {
        return HTTP_REFUSAL_CHUNK;
    }
    if (byte == '\r') {
        chunks->stage = HTTP_CHUNK_SIZE_LF;
        return HTTP_REFUSAL_NONE;
    }
    bool extension = byte == ';' || byte == ' ' || byte == '\t';
    return extension ? HTTP_REFUSAL_CHUNK_EXTENSION : HTTP_REFUSAL_CHUNK;
}

/* One byte that must be `expected`. */
static enum http_refusal fixed_byte(struct http_chunks *chunks, uint8_t byte, char expected,
                                    enum http_chunk_stage next) {
    if (byte == (uint8_t)expected) {
        chunks->stage = next;
        return HTTP_REFUSAL_NONE;
    }
    return chunks->stage == HTTP_CHUNK_LAST_CR ? HTTP_REFUSAL_TRAILER : HTTP_REFUSAL_CHUNK;
}

static enum http_refusal framing_byte(struct http_chunks *chunks, const struct limits *limits,
                                      uint8_t byte) {
    chunks->overhead_bytes++;
    if (chunks->overhead_bytes > limits->chunk_overhead_bytes + chunks->body_bytes) {
        return HTTP_REFUSAL_CHUNK_OVERHEAD;
    }
    switch (chunks->stage) {
    case HTTP_CHUNK_FIRST_DIGIT:
    case HTTP_CHUNK_SIZE:
        return size_byte(chunks, limits, byte);
    case HTTP_CHUNK_SIZE_LF:
        return fixed_byte(chunks, byte, '\n',
                          chunks->left_bytes > 0 ? HTTP_CHUNK_DATA : HTTP_CHUNK_LAST_CR);
    case HTTP_CHUNK_DATA_CR:
        return fixed_byte(chunks, byte, '\r', HTTP_CHUNK_DATA_LF);
    case HTTP_CHUNK_DATA_LF:
        return fixed_byte(chunks, byte, '\n', HTTP_CHUNK_FIRST_DIGIT);
    case HTTP_CHUNK_LAST_CR:
        return fixed_byte(chunks, byte, '\r', HTTP_CHUNK_LAST_LF);
    case HTTP_CHUNK_LAST_LF:
        return fixed_byte(chunks, byte, '\n', HTTP_CHUNK_END);
    case HTTP_CHUNK_DATA:
    case HTTP_CHUNK_END:
        break;
    }
    return HTTP_REFUSAL_CHUNK;
}

enum http_refusal http_chunks_next(struct http_chunks *chunks, const struct limits *limits,
                                   struct slice *in, struct slice *ret_run) {
    *ret_run = (struct slice){in->data, 0};
    while (in->bytes > 0 && chunks->stage != HTTP_CHUNK_DATA && chunks->stage != HTTP_CHUNK_END) {
        uint8_t byte = *in->data++;
        in->bytes--;
        enum http_refusal refusal = framing_byte(chunks, limits, byte);
        if (refusal != HTTP_REFUSAL_NONE) {
            return refusal;
        }
    }
    if (chunks->stage == HTTP_CHUNK_DATA && in->bytes > 0) {
        size_t bytes = (size_t)min_u64(in->bytes, chunks->left_bytes);
        *ret_run = (struct slice){in->data, bytes};
        in->data += bytes;
        in->bytes -= bytes;
        chunks->body_bytes += bytes;
        chunks->left_bytes -= bytes;
        if (chunks->left_bytes == 0) {
            chunks->stage = HTTP_CHUNK_DATA_CR;
        }
    }
    return HTTP_REFUSAL_NONE;
}
