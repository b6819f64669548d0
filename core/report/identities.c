#include "core/report/identities.h"

#include "core/base/check.h"

enum {
    TURN_SHIFT = 62,
    WIPE_SLOTS = 2, /* each insert; WIPE_SLOTS * capacity >= slots, so a turn wipes all */
};

static uint64_t slots_for(uint64_t count) {
    CHECK(count > 0 && count <= UINT64_C(1) << 40);
    uint64_t kept = (count + 1) / 2;
    uint64_t slots = 4;
    while (slots / 4 * 3 < kept) {
        slots *= 2;
    }
    return slots;
}

size_t identities_bytes(uint64_t count) {
    return (size_t)(2 * slots_for(count) * sizeof(struct identity_slot));
}

void identities_init(struct identities *table, void *memory, uint64_t count) {
    CHECK(memory != NULL && (uintptr_t)memory % 64 == 0);
    uint64_t slots = slots_for(count);
    *table = (struct identities){
        .young = {.slots = memory, .turn = 1, .wiped = slots, .last_ms = INT64_MIN},
        .old = {.slots = (struct identity_slot *)memory + slots,
                .turn = 1,
                .wiped = slots,
                .last_ms = INT64_MIN},
        .slots = slots,
        .capacity = slots / 4 * 3,
        .horizon_ms = INT64_MIN,
    };
    CHECK(WIPE_SLOTS * table->capacity >= slots);
}

/* The slot that holds the identity, or the free one where it would go. Linear probing without
 * removals: every slot between an entry's first and its own is used and stays so for the turn. */
static struct identity_slot *probe(const struct identities *table,
                                   const struct identity_generation *generation,
                                   struct identity identity) {
    uint64_t mask = table->slots - 1;
    for (uint64_t at = identity.low & mask, tried = 0; tried < table->slots;
         at = (at + 1) & mask, tried++) {
        struct identity_slot *slot = &generation->slots[at];
        if (slot->turn_and_seq >> TURN_SHIFT != generation->turn ||
            (slot->identity.low == identity.low && slot->identity.high == identity.high)) {
            return slot;
        }
    }
    CHECK(false);
}

const struct identity_slot *identities_find(const struct identities *table,
                                            struct identity identity) {
    const struct identity_generation *generations[] = {&table->young, &table->old};
    for (size_t i = 0; i < ARRAY_COUNT(generations); i++) {
        if (generations[i]->count == 0) {
            continue;
        }
        const struct identity_slot *slot = probe(table, generations[i], identity);
        if (slot->turn_and_seq >> TURN_SHIFT == generations[i]->turn) {
            return slot;
        }
    }
    return NULL;
}

void identities_prefetch(const struct identities *table, struct identity identity) {
    uint64_t at = identity.low & (table->slots - 1);
    __builtin_prefetch(&table->young.slots[at]);
    __builtin_prefetch(&table->old.slots[at]);
}

static void turn_over(struct identities *table) {
    struct identity_generation forgotten = table->old;
    CHECK(table->young.wiped == table->slots);
    if (forgotten.count > 0 && forgotten.last_ms >= table->horizon_ms) {
        table->horizon_ms = forgotten.last_ms + 1;
    }
    table->old = table->young;
    table->young = (struct identity_generation){
        .slots = forgotten.slots,
        .turn = forgotten.count > 0 ? 3 - forgotten.turn : forgotten.turn,
        .wiped = forgotten.count > 0 ? 0 : table->slots,
        .last_ms = INT64_MIN,
    };
}

static void wipe_some(struct identities *table) {
    struct identity_generation *young = &table->young;
    for (int i = 0; i < WIPE_SLOTS && young->wiped < table->slots; i++, young->wiped++) {
        struct identity_slot *slot = &young->slots[young->wiped];
        if (slot->turn_and_seq >> TURN_SHIFT != young->turn) {
            slot->turn_and_seq = 0;
        }
    }
}

void identities_insert(struct identities *table, struct identity identity, uint64_t content_tag,
                       uint64_t seq, int64_t received_ms) {
    CHECK(seq > 0 && seq <= IDENTITY_SEQ_MAX);
    CHECK(received_ms < INT64_MAX);
    CHECK_SLOW(identities_find(table, identity) == NULL);
    if (table->young.count == table->capacity) {
        turn_over(table);
    }
    if (table->incomplete) {
        table->incomplete = false;
        table->horizon_ms = received_ms + 1;
    }
    struct identity_generation *young = &table->young;
    *probe(table, young, identity) =
        (struct identity_slot){identity, content_tag, young->turn << TURN_SHIFT | seq};
    young->count++;
    young->last_ms = received_ms > young->last_ms ? received_ms : young->last_ms;
    wipe_some(table);
}

int64_t identities_horizon_ms(const struct identities *table) {
    return table->horizon_ms;
}

void identities_mark_incomplete(struct identities *table) {
    CHECK(table->young.count == 0 && table->old.count == 0);
    table->incomplete = true;
    table->horizon_ms = INT64_MAX;
}
