/* Server-sent events as bytes (WHATWG HTML, "Server-sent events"). Any thread. */
#ifndef SERVER_FEED_FEED_FRAME_H
#define SERVER_FEED_FEED_FRAME_H

#include "core/policy/policy.h"
#include "core/region/region.h"
#include "server/buffer.h"
#include "storage/timeline.h"

/* Why a reader cannot be given what follows its id. */
#define FEED_RESET_TABLE(X)                                                                        \
    X(TOO_OLD, "too_old")         /* the journal begins later */                                   \
    X(AHEAD, "ahead")             /* the id was never given out: this store has lost something */  \
    X(OTHER_EPOCH, "other_epoch") /* another store, or this one before a restore */

enum feed_reset {
    FEED_RESET_NONE,
#define FEED_RESET_ENUM(name, text) FEED_RESET_##name,
    FEED_RESET_TABLE(FEED_RESET_ENUM)
#undef FEED_RESET_ENUM
};

/* Each appends one whole frame. */
void feed_frame_event(struct buffer *to, const char *epoch, const struct timeline_row *row,
                      const struct region_table *regions, const struct policy *policy);
/* An id and empty data: the reader's id moves on over events that its filter left out. */
void feed_frame_checkpoint(struct buffer *to, const char *epoch, uint64_t seq);
/* Its own id is the one before `oldest_seq`, so that a client that reconnects at once still gets
 * everything from the oldest event on. */
void feed_frame_reset(struct buffer *to, const char *epoch, enum feed_reset reset,
                      uint64_t oldest_seq, uint64_t newest_seq);

#endif
