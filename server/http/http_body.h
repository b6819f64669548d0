/* Undoes a body's Content-Encoding while it streams in: one gzip member or one zstd frame, nothing
 * after it. Bombs are stopped by the limit on decoded bytes, by the ratio to the compressed bytes,
 * by the zstd window, and by the memory that a decoder may take. Identity passes through. */
#ifndef SERVER_HTTP_BODY_H
#define SERVER_HTTP_BODY_H

#include "core/limits.h"
#include "server/http/http_headers.h"
#include "server/http/http_refusal.h"

enum { HTTP_DECODE_PIECE_BYTES = 65536 };

struct http_decoder; /* opaque */

/* Decoders that were used are kept for the next body, up to a few of each kind; `piece` is the
 * output of all of them (HTTP_DECODE_PIECE_BYTES), since each piece is used up before the next. */
struct http_decoders {
    struct http_decoder *spare[3]; /* by enum http_coding */
    size_t spare_count[3];
    uint8_t *piece;
};
void http_decoders_init(struct http_decoders *pool);
void http_decoders_deinit(struct http_decoders *pool);

struct http_decoder *http_decoder_new(struct http_decoders *pool, enum http_coding coding,
                                      const struct limits *limits);
void http_decoder_free(struct http_decoders *pool, struct http_decoder *decoder);
/* Takes bytes from the front of `in` and gives at most one piece of output, good until the next
 * call on any decoder. Call again while `in` has bytes or http_decoder_has_more. `limit_bytes`
 * bounds what is decoded in all. */
enum http_refusal http_decoder_next(struct http_decoder *decoder, struct slice *in,
                                    uint64_t limit_bytes, struct slice *ret_piece);
/* There is output that no room was left for. */
bool http_decoder_has_more(const struct http_decoder *decoder);
/* The body is over: was it whole? */
enum http_refusal http_decoder_end(const struct http_decoder *decoder);
/* Memory the decoder holds now. */
uint64_t http_decoder_memory(const struct http_decoder *decoder);

#endif
