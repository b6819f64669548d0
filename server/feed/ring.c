#include "server/feed/ring.h"

#include "core/base/check.h"
#include "core/base/mutant.h"

#include <stdlib.h>
#include <string.h>

enum { RING_EVENTS_MIN = 64 };

enum status ring_init(struct ring *ring, size_t bytes) {
    CHECK(bytes > 0);
    uint64_t slots = RING_EVENTS_MIN;
    while (slots * RING_BYTES_PER_EVENT < bytes) {
        slots *= 2;
    }
    uint8_t *memory = malloc(bytes);
    struct ring_event *events = calloc(slots, sizeof *events);
    if (memory == NULL || events == NULL) {
        free(memory);
        free(events);
        return STATUS_NO_MEMORY;
    }
    *ring =
        (struct ring){.memory = memory, .bytes = bytes, .events = events, .events_mask = slots - 1};
    ring_reset(ring, 1);
    return STATUS_OK;
}

void ring_deinit(struct ring *ring) {
    free(ring->memory);
    free(ring->events);
    *ring = (struct ring){0};
}

void ring_reset(struct ring *ring, uint64_t next_seq) {
    ring->oldest_seq = next_seq;
    ring->next_seq = next_seq;
    ring->next_at = 0;
}

bool ring_has(const struct ring *ring, uint64_t seq) {
    return seq >= ring->oldest_seq && seq < ring->next_seq;
}

const struct ring_event *ring_event(const struct ring *ring, uint64_t seq) {
    CHECK(ring_has(ring, seq));
    return &ring->events[seq & ring->events_mask];
}

/* Where a frame of that size may start: not across the end of the memory. */
static uint64_t frame_position(const struct ring *ring, size_t bytes) {
    size_t place = (size_t)(ring->next_at % ring->bytes);
    return place + bytes <= ring->bytes ? ring->next_at : ring->next_at + (ring->bytes - place);
}

void ring_put(struct ring *ring, const struct ring_event *event, struct slice frame) {
    CHECK(frame.bytes > 0 && frame.bytes <= UINT32_MAX);
    if (frame.bytes > ring->bytes) {
        ring_reset(ring, ring->next_seq + 1);
        return;
    }
    uint64_t at = frame_position(ring, frame.bytes);
    uint64_t end = at + frame.bytes;
    while (ring->oldest_seq < ring->next_seq &&
           (ring->next_seq - ring->oldest_seq > ring->events_mask ||
            (end - ring_event(ring, ring->oldest_seq)->at > ring->bytes &&
             !MUTANT(RING_OVERWRITES)))) {
        ring->oldest_seq++;
    }
    memcpy(ring->memory + at % ring->bytes, frame.data, frame.bytes);
    struct ring_event *slot = &ring->events[ring->next_seq & ring->events_mask];
    *slot = *event;
    slot->at = at;
    slot->bytes = (uint32_t)frame.bytes;
    ring->next_seq++;
    ring->next_at = end;
}

struct slice ring_frame(const struct ring *ring, uint64_t seq) {
    const struct ring_event *event = ring_event(ring, seq);
    return (struct slice){ring->memory + event->at % ring->bytes, event->bytes};
}

struct slice ring_span(const struct ring *ring, uint64_t seq, size_t bytes_max,
                       uint64_t *ret_next_seq) {
    const struct ring_event *first = ring_event(ring, seq);
    size_t place = (size_t)(first->at % ring->bytes);
    uint64_t all = ring->next_at - first->at;
    if (all <= bytes_max && place + all <= ring->bytes) {
        *ret_next_seq = ring->next_seq;
        return (struct slice){ring->memory + place, (size_t)all};
    }
    size_t bytes = first->bytes;
    uint64_t next = seq + 1;
    for (; next < ring->next_seq; next++) {
        const struct ring_event *event = ring_event(ring, next);
        if (event->at != first->at + bytes || (event->at % ring->bytes) == 0 ||
            bytes + event->bytes > bytes_max) {
            break;
        }
        bytes += event->bytes;
    }
    *ret_next_seq = next;
    return (struct slice){ring->memory + place, bytes};
}
