/* The order of long chains of a recent run, made by those who read it.
 *
 * A page of one region wants its newest rows, but a chain is in order of arrival, so a reader had
 * to look at all of it: half a million entries where one region has a burst. So a reader that meets
 * more than a few thousand entries of a chain that nobody has put in order sorts a part of them and
 * leaves it for all that follow: pieces of indexes, in order of position, each more than twice as
 * long as the next. Appending does nothing for it, and a chain that nobody reads costs nothing.
 *
 * Any number of readers at the same time; one lock, which the appending thread never takes. Pieces
 * do not change; those that were merged into longer ones stay until the run is reset, since others
 * may be reading them: at most 4 bytes an entry for each doubling beyond RECENT_TAIL_MAX. Without
 * memory there are fewer pieces, which only costs time. */
#ifndef STORAGE_RECENT_ORDER_H
#define STORAGE_RECENT_ORDER_H

#include "storage/recent_run.h"

enum {
    RECENT_PIECES_MAX = 16,
    RECENT_TAIL_MAX = 1024,   /* entries that a reader may meet outside of pieces, in the end */
    RECENT_BUILD_MAX = 32768, /* and what one reader sorts at most */
};

struct recent_piece {
    const uint32_t *indexes; /* ascending by (occurred_ms, identity.low) */
    uint32_t count;
};
struct recent_pieces {
    struct recent_piece pieces[RECENT_PIECES_MAX];
    size_t count;
    uint32_t covered; /* entries of the chain below this index are all in the pieces */
};

struct recent_order; /* opaque; one a run */
MUST_USE enum status recent_order_new(struct recent_order **ret);
/* NULL is allowed. */
void recent_order_free(struct recent_order *order);
/* Nobody may be reading. */
void recent_order_reset(struct recent_order *order);

/* The pieces of the chain as it was begun for (day, region). They may hold entries past the
 * chain's count, which the caller leaves out, and are good until the run is reset.
 * O(1) for chains that are short or in order, else O(entries of the chain) and a sort. */
void recent_order_pieces(struct recent_order *order, const struct recent_chain *chain, uint32_t day,
                         uint32_t region, struct recent_pieces *ret);

#endif
