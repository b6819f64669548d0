#include "core/base/key_count.h"

#include "core/base/check.h"

static uint64_t places_for(uint64_t things_max) {
    uint64_t places = 2;
    CHECK(things_max <= UINT64_C(1) << 40);
    while (places < 2 * things_max) {
        places *= 2;
    }
    return places;
}

size_t key_count_bytes(uint64_t things_max) {
    return (size_t)places_for(things_max) * sizeof(struct key_count_place);
}

void key_count_init(struct key_count *counts, void *memory, uint64_t things_max) {
    *counts = (struct key_count){
        .places = memory, .mask = places_for(things_max) - 1, .things_max = things_max};
}

/* Where the key is, or the free place where it would be. */
static uint64_t place_of(const struct key_count *counts, uint64_t key) {
    uint64_t at = key & counts->mask;
    while (counts->places[at].count > 0 && counts->places[at].key != key) {
        at = (at + 1) & counts->mask;
    }
    return at;
}

bool key_count_add(struct key_count *counts, uint64_t key, uint64_t most) {
    struct key_count_place *place = &counts->places[place_of(counts, key)];
    if (place->count >= most) {
        return false;
    }
    CHECK(counts->things_count < counts->things_max);
    counts->things_count++;
    place->key = key;
    place->count++;
    return true;
}

/* Moves back what stands behind the free place and could not be found across it. */
static void close_gap(struct key_count *counts, uint64_t gap) {
    uint64_t at = gap;
    for (;;) {
        at = (at + 1) & counts->mask;
        if (counts->places[at].count == 0) {
            return;
        }
        uint64_t home = counts->places[at].key & counts->mask;
        if (((at - home) & counts->mask) >= ((at - gap) & counts->mask)) {
            counts->places[gap] = counts->places[at];
            counts->places[at].count = 0;
            gap = at;
        }
    }
}

void key_count_remove(struct key_count *counts, uint64_t key) {
    uint64_t at = place_of(counts, key);
    CHECK(counts->places[at].count > 0 && counts->things_count > 0);
    counts->things_count--;
    if (--counts->places[at].count == 0) {
        close_gap(counts, at);
    }
}

uint64_t key_count_of(const struct key_count *counts, uint64_t key) {
    return counts->places[place_of(counts, key)].count;
}
