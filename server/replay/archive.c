#include "server/replay/archive.h"

#include "core/base/check.h"
#include "storage/pages.h"

#include <stdlib.h>
#include <string.h>

/* A row in the ring. It never wraps around: what is left of the ring before it is passed over. */
struct kept {
    uint64_t number; /* 0: passed over */
    uint64_t bytes;  /* of the row, without what makes it a multiple of 16 */
};

_Static_assert(sizeof(struct kept) == 16, "rounded() keeps places multiples of it");

enum { SLOTS_FIRST = 1024 };

static size_t rounded(size_t bytes) {
    return (bytes + 15) & ~(size_t)15;
}

enum status archive_init(struct archive *archive, size_t ring_bytes) {
    CHECK(ring_bytes % 16 == 0 && ring_bytes >= sizeof(struct kept));
    *archive = (struct archive){.ring_bytes = ring_bytes, .slots_mask = SLOTS_FIRST - 1};
    void *ring = pages_new(ring_bytes);
    archive->slots = calloc(SLOTS_FIRST, sizeof *archive->slots);
    if (ring == NULL || archive->slots == NULL) {
        free(archive->slots);
        archive->slots = NULL;
        return STATUS_NO_MEMORY;
    }
    archive->ring = ring;
    return STATUS_OK;
}

void archive_deinit(struct archive *archive) {
    pages_free(archive->ring, archive->ring_bytes);
    free(archive->slots);
    *archive = (struct archive){0};
}

static struct kept *at(const struct archive *archive, uint64_t place) {
    return (struct kept *)(void *)(archive->ring + place % archive->ring_bytes);
}

static uint64_t home_of(const struct archive *archive, uint64_t number) {
    return (number * UINT64_C(0x9E3779B97F4A7C15)) >> 20 & archive->slots_mask;
}

static uint64_t number_in(const struct archive *archive, uint64_t slot) {
    return at(archive, archive->slots[slot] - 1)->number;
}

/* The slot of the ticket, or the free one where it would go: at most half of them are used. */
static uint64_t slot_of(const struct archive *archive, uint64_t number) {
    uint64_t slot = home_of(archive, number);
    while (archive->slots[slot] != 0 && number_in(archive, slot) != number) {
        slot = (slot + 1) & archive->slots_mask;
    }
    return slot;
}

/* Linear probing: what follows moves up, so that no chain is cut. */
static void unlist(struct archive *archive, uint64_t hole) {
    uint64_t mask = archive->slots_mask;
    for (uint64_t slot = (hole + 1) & mask; archive->slots[slot] != 0; slot = (slot + 1) & mask) {
        uint64_t home = home_of(archive, number_in(archive, slot));
        if (((slot - home) & mask) >= ((slot - hole) & mask)) {
            archive->slots[hole] = archive->slots[slot];
            hole = slot;
        }
    }
    archive->slots[hole] = 0;
    archive->count--;
}

static void grow(struct archive *archive) {
    uint64_t *before = archive->slots, before_count = archive->slots_mask + 1;
    archive->slots = calloc(2 * before_count, sizeof *archive->slots);
    CHECK(archive->slots != NULL);
    archive->slots_mask = 2 * before_count - 1;
    for (uint64_t i = 0; i < before_count; i++) {
        if (before[i] != 0) {
            archive->slots[slot_of(archive, at(archive, before[i] - 1)->number)] = before[i];
        }
    }
    free(before);
}

static void forget_oldest(struct archive *archive) {
    const struct kept *kept = at(archive, archive->tail);
    if (kept->number != 0) {
        uint64_t slot = slot_of(archive, kept->number);
        if (archive->slots[slot] == archive->tail + 1) {
            unlist(archive, slot);
            archive->forgotten_total++;
        }
    }
    archive->tail += sizeof *kept + rounded(kept->bytes);
}

/* `bytes` in one piece at the head. */
static void make_room(struct archive *archive, size_t bytes) {
    CHECK(bytes <= archive->ring_bytes);
    size_t left = archive->ring_bytes - archive->head % archive->ring_bytes;
    size_t passed = left < bytes ? left : 0;
    while (archive->head + passed + bytes - archive->tail > archive->ring_bytes) {
        if (archive->tail == archive->head) { /* empty: begin anew behind what is passed over */
            archive->head += passed;
            archive->tail = archive->head;
            return;
        }
        forget_oldest(archive);
    }
    if (passed >= sizeof(struct kept)) {
        *at(archive, archive->head) = (struct kept){0, passed - sizeof(struct kept)};
    } else {
        CHECK(passed == 0); /* all that is written is a multiple of 16, the size of a head */
    }
    archive->head += passed;
}

void archive_keep(struct archive *archive, uint64_t number, struct slice row) {
    CHECK(number != 0 && row.bytes > 0);
    size_t bytes = sizeof(struct kept) + rounded(row.bytes);
    make_room(archive, bytes);
    struct kept *kept = at(archive, archive->head);
    if (2 * (archive->count + 1) > archive->slots_mask) {
        grow(archive);
    }
    uint64_t slot = slot_of(archive, number);
    archive->count += archive->slots[slot] == 0 ? 1 : 0;
    *kept = (struct kept){number, row.bytes};
    memcpy(kept + 1, row.data, row.bytes);
    archive->slots[slot] = archive->head + 1;
    archive->head += bytes;
}

struct slice archive_find(const struct archive *archive, uint64_t number) {
    uint64_t place = archive->slots[slot_of(archive, number)];
    if (place == 0) {
        return (struct slice){NULL, 0};
    }
    const struct kept *kept = at(archive, place - 1);
    return (struct slice){(const uint8_t *)(kept + 1), kept->bytes};
}
