/* Chunked framing (RFC 9112 section 7.1) without extensions and trailers. Decides byte by byte, so
 * that a verdict does not depend on the cuts; data runs are given without a copy. */
#ifndef SERVER_HTTP_CHUNKS_H
#define SERVER_HTTP_CHUNKS_H

#include "core/limits.h"
#include "server/http/http_refusal.h"

enum http_chunk_stage {
    HTTP_CHUNK_FIRST_DIGIT,
    HTTP_CHUNK_SIZE,
    HTTP_CHUNK_SIZE_LF,
    HTTP_CHUNK_DATA,
    HTTP_CHUNK_DATA_CR,
    HTTP_CHUNK_DATA_LF,
    HTTP_CHUNK_LAST_CR,
    HTTP_CHUNK_LAST_LF,
    HTTP_CHUNK_END,
};

struct http_chunks {
    enum http_chunk_stage stage;
    uint64_t left_bytes;     /* of the chunk at hand; while its size is read, that size */
    uint64_t body_bytes;     /* data given out so far */
    uint64_t overhead_bytes; /* framing so far */
};

void http_chunks_init(struct http_chunks *chunks);
/* Takes framing up to the next run of data out of `in`; an empty run means that `in` is used up or
 * the stage is HTTP_CHUNK_END. */
enum http_refusal http_chunks_next(struct http_chunks *chunks, const struct limits *limits,
                                   struct slice *in, struct slice *ret_run);

#endif
