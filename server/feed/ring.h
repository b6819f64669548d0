/* The newest feed events, each encoded once and shared by every reader.
 *
 * Frames lie one after the other in one piece of memory and never wrap in the middle, so that a
 * reader that wants all of them can be given many frames as one slice. Sequence numbers are dense:
 * finding an event is arithmetic. When room is needed the oldest events go. All calls O(1) but
 * ring_span, which is O(frames it gives) when not everything fits. */
#ifndef SERVER_FEED_RING_H
#define SERVER_FEED_RING_H

#include "core/base/status.h"

struct ring_event {
    uint64_t at; /* position of the frame; its place in memory is at % bytes */
    uint32_t bytes;
    uint32_t region;
    uint8_t kind, severity;
};

struct ring {
    uint8_t *memory;
    size_t bytes;
    struct ring_event *events; /* event `seq` is in slot seq & events_mask */
    uint64_t events_mask;
    uint64_t oldest_seq, next_seq; /* oldest == next: empty */
    uint64_t next_at;
};

/* Room for `bytes` of frames and for bytes / RING_BYTES_PER_EVENT events, at least 64 of them. */
enum { RING_BYTES_PER_EVENT = 256 };
MUST_USE enum status ring_init(struct ring *ring, size_t bytes);
void ring_deinit(struct ring *ring);
/* Forgets everything; the next event to be put is `next_seq`. */
void ring_reset(struct ring *ring, uint64_t next_seq);
/* Puts event ring->next_seq. A frame that is larger than the whole ring leaves it empty behind that
 * event. `event->at` and `event->bytes` are set by the ring. */
void ring_put(struct ring *ring, const struct ring_event *event, struct slice frame);
bool ring_has(const struct ring *ring, uint64_t seq);
/* CHECKs ring_has. */
const struct ring_event *ring_event(const struct ring *ring, uint64_t seq);
struct slice ring_frame(const struct ring *ring, uint64_t seq);
/* The longest slice of whole frames from `seq` on with at most `bytes_max` bytes, but always at
 * least one frame. Sets the sequence number behind its last frame. CHECKs ring_has(seq). */
struct slice ring_span(const struct ring *ring, uint64_t seq, size_t bytes_max,
                       uint64_t *ret_next_seq);

#endif
