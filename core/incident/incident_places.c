#include "core/incident/incidents_table.h"

static struct place_block *at(const struct incidents *incidents, uint32_t block_plus_one) {
    return block_plus_one == 0 ? NULL : &incidents->blocks[block_plus_one - 1];
}

static uint32_t id_of(const struct incidents *incidents, const struct place_block *block) {
    return (uint32_t)(block - incidents->blocks) + 1;
}

static uint32_t *bucket_of(const struct incidents *incidents, uint32_t bucket) {
    return &incidents->cell_buckets[bucket & incidents->buckets_mask];
}

/* Free blocks are a list through `older`. */
static struct place_block *block_take(struct incidents *incidents, struct cell cell) {
    struct place_block *block = at(incidents, incidents->blocks_free);
    if (block != NULL) {
        incidents->blocks_free = block->older;
    } else {
        CHECK(incidents->blocks_used < incidents->limit); /* none is empty */
        block = &incidents->blocks[incidents->blocks_used++];
    }
    *block = (struct place_block){.key = cell.key, .bucket = cell.bucket};
    return block;
}

static struct place_block *places_of(const struct incidents *incidents, struct cell cell) {
    struct place_block *block = at(incidents, *bucket_of(incidents, cell.bucket));
    while (block != NULL && block->key != cell.key) {
        block = at(incidents, block->chain_next);
    }
    return block;
}

void places_prefetch_bucket(const struct incidents *incidents, struct cell cell) {
    __builtin_prefetch(bucket_of(incidents, cell.bucket));
}

void places_prefetch(const struct incidents *incidents, struct cell cell) {
    const struct place_block *block = at(incidents, *bucket_of(incidents, cell.bucket));
    if (block != NULL) {
        __builtin_prefetch(block);
        __builtin_prefetch((const uint8_t *)block + sizeof *block / 2);
    }
}

/* What in the bucket's chain points to a cell's newest block. */
static uint32_t *link_to(const struct incidents *incidents, const struct place_block *newest) {
    uint32_t self = id_of(incidents, newest);
    uint32_t *link = bucket_of(incidents, newest->bucket);
    while (*link != self) {
        CHECK(*link != 0);
        link = &at(incidents, *link)->chain_next;
    }
    return link;
}

/* Puts an empty block on the newer side of another one. */
static struct place_block *block_after(struct incidents *incidents, struct place_block *block) {
    struct cell cell = {.key = block->key, .bucket = block->bucket};
    struct place_block *newer = block_take(incidents, cell);
    uint32_t self = id_of(incidents, newer);
    newer->older = id_of(incidents, block);
    newer->newer = block->newer;
    if (block->newer != 0) {
        at(incidents, block->newer)->older = self;
    } else {
        *link_to(incidents, block) = self;
        newer->chain_next = block->chain_next;
        block->chain_next = 0;
    }
    block->newer = self;
    return newer;
}

static void block_leave(struct incidents *incidents, struct place_block *block) {
    if (block->newer != 0) {
        at(incidents, block->newer)->older = block->older;
    } else {
        uint32_t *link = link_to(incidents, block);
        *link = block->older != 0 ? block->older : block->chain_next;
    }
    if (block->older != 0) {
        struct place_block *older = at(incidents, block->older);
        older->newer = block->newer;
        older->chain_next = block->newer == 0 ? block->chain_next : 0;
    }
    block->older = incidents->blocks_free;
    incidents->blocks_free = id_of(incidents, block);
}

static struct incident *incident_at(const struct incidents *incidents,
                                    const struct place_block *block, uint32_t index) {
    return &incidents->slots[block->places[index].slot];
}

/* A full block gives its newer half away; the new block has it. */
static struct place_block *split(struct incidents *incidents, struct place_block *block) {
    struct place_block *newer = block_after(incidents, block);
    uint32_t kept = block->count / 2;
    for (uint32_t i = kept; i < block->count; i++) {
        newer->places[newer->count++] = block->places[i];
        incident_at(incidents, block, i)->cell_block = id_of(incidents, newer);
    }
    block->count = kept;
    return newer;
}

/* Where a number belongs: behind all that are older. */
static uint32_t index_for(const struct incidents *incidents, const struct place_block *block,
                          uint64_t number) {
    uint32_t index = block->count;
    while (index > 0 && incident_at(incidents, block, index - 1)->number > number) {
        index--;
    }
    return index;
}

static struct place_block *room_for(struct incidents *incidents, struct place_block *newest,
                                    uint64_t number) {
    struct place_block *block = newest;
    uint32_t index = index_for(incidents, block, number);
    while (index == 0 && block->older != 0) {
        block = at(incidents, block->older);
        index = index_for(incidents, block, number);
    }
    if (block->count < PLACES_PER_BLOCK) {
        return block;
    }
    if (index == block->count && block->newer == 0) {
        return block_after(incidents, block); /* the usual one: the newest of all */
    }
    struct place_block *newer = split(incidents, block);
    return index > block->count ? newer : block;
}

struct place place_pack(struct position position, uint32_t slot) {
    return (struct place){.slot = slot,
                          .lat = (int32_t)(position.lat_deg * PLACE_UNITS_PER_DEG),
                          .lon = (int32_t)(position.lon_deg * PLACE_UNITS_PER_DEG)};
}

void places_add(struct incidents *incidents, struct cell cell, struct position position,
                struct incident *incident) {
    CHECK(incident->cell_block == 0 && cell.key != 0);
    struct place_block *block = places_of(incidents, cell);
    if (block == NULL) {
        block = block_take(incidents, cell);
        uint32_t *bucket = bucket_of(incidents, cell.bucket);
        block->chain_next = *bucket;
        *bucket = id_of(incidents, block);
    } else {
        block = room_for(incidents, block, incident->number);
    }
    uint32_t index = index_for(incidents, block, incident->number);
    for (uint32_t i = block->count; i > index; i--) {
        block->places[i] = block->places[i - 1];
    }
    block->places[index] = place_pack(position, incident_slot(incidents, incident));
    block->count++;
    incident->cell_key = cell.key;
    incident->cell_block = id_of(incidents, block);
}

static uint32_t index_of(const struct incidents *incidents, const struct place_block *block,
                         const struct incident *incident) {
    uint32_t slot = incident_slot(incidents, incident);
    uint32_t index = 0;
    while (index < block->count && block->places[index].slot != slot) {
        index++;
    }
    CHECK(index < block->count);
    return index;
}

void places_move(struct incidents *incidents, struct position position,
                 const struct incident *incident) {
    struct place_block *block = at(incidents, incident->cell_block);
    uint32_t index = index_of(incidents, block, incident);
    block->places[index] = place_pack(position, block->places[index].slot);
}

void places_remove(struct incidents *incidents, struct incident *incident) {
    struct place_block *block = at(incidents, incident->cell_block);
    if (block == NULL) {
        return;
    }
    uint32_t index = index_of(incidents, block, incident);
    block->count--;
    for (uint32_t i = index; i < block->count; i++) {
        block->places[i] = block->places[i + 1];
    }
    if (block->count == 0) {
        block_leave(incidents, block);
    }
    incident->cell_key = 0;
    incident->cell_block = 0;
}

void place_cursor_init(struct place_cursor *cursor, const struct incidents *incidents,
                       struct cell cell) {
    cursor->incidents = incidents;
    cursor->block = places_of(incidents, cell);
    cursor->left = cursor->block != NULL ? cursor->block->count : 0;
}

const struct place *place_cursor_next(struct place_cursor *cursor) {
    if (cursor->left == 0) {
        const struct place_block *block = cursor->block;
        if (block == NULL || block->older == 0) {
            return NULL;
        }
        cursor->block = at(cursor->incidents, block->older);
        cursor->left = cursor->block->count;
    }
    return &cursor->block->places[--cursor->left];
}
