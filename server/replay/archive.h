/* Tickets that are over and have left memory, as rows, for the commands that come late. A ring:
 * when its memory is used up, the oldest rows are forgotten. */
#ifndef SERVER_REPLAY_ARCHIVE_H
#define SERVER_REPLAY_ARCHIVE_H

#include "core/base/status.h"

struct archive {
    uint8_t *ring;
    size_t ring_bytes;
    uint64_t head, tail; /* bytes ever written, ever forgotten */
    uint64_t *slots;     /* hash index: 1 + where the row of a ticket begins; 0: free */
    uint64_t slots_mask, count;
    uint64_t forgotten_total;
};

/* `ring_bytes` a multiple of 16 and room for a row or two; touched only where rows go. NO_MEMORY.
 */
MUST_USE enum status archive_init(struct archive *archive, size_t ring_bytes);
void archive_deinit(struct archive *archive);
/* Keeps a row; the one there was of the same ticket is worth nothing any more. Amortised O(row). */
void archive_keep(struct archive *archive, uint64_t number, struct slice row);
/* The newest row of a ticket; empty: none, or forgotten. Good until the next archive_keep. O(1). */
struct slice archive_find(const struct archive *archive, uint64_t number);

#endif
