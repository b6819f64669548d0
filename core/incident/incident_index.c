#include "core/incident/incidents_table.h"

#include <string.h>

/* A bijection of 64 bits that leaves no bit where it was (the finaliser of splitmix64). */
static uint64_t mix(uint64_t value) {
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

static uint64_t not_zero(uint64_t key) {
    return key == 0 ? 1 : key;
}

uint64_t incidents_region_key(uint32_t class_tag, uint32_t region) {
    return not_zero(mix((uint64_t)class_tag << 32 | region));
}

uint64_t incidents_asset_key(uint32_t class_tag, uint64_t asset) {
    return not_zero(mix(asset ^ mix(class_tag)));
}

uint64_t incidents_survivor_key(uint64_t survivor) {
    return not_zero(~mix(survivor));
}

/* 0: it does not belong into that index. */
static uint64_t key_of(const struct incident *incident, enum incident_index index) {
    switch (index) {
    case INDEX_NUMBER:
        return not_zero(mix(incident->number));
    case INDEX_REGION:
        return incident_has(incident, INCIDENT_IN_GRID)
                   ? incidents_region_key(incident->class_tag, incident->region)
                   : 0;
    case INDEX_KEY:
        return incident->asset == 0 ? 0 : incidents_asset_key(incident->class_tag, incident->asset);
    case INDEX_MERGED:
        return incident->merged_into == 0 ? 0 : incidents_survivor_key(incident->merged_into);
    }
    CHECK(false);
}

static struct incident *at(const struct incidents *incidents, uint32_t slot_plus_one) {
    return slot_plus_one == 0 ? NULL : &incidents->slots[slot_plus_one - 1];
}

struct incident *incidents_first(const struct incidents *incidents, enum incident_index index,
                                 uint64_t key) {
    uint32_t head = incidents->buckets[index][key & incidents->buckets_mask];
    struct incident *incident = at(incidents, head);
    while (incident != NULL && incident_link(incident, index)->key != key) {
        incident = at(incidents, incident_link(incident, index)->chain_next);
    }
    return incident;
}

struct incident *incidents_after(const struct incidents *incidents, enum incident_index index,
                                 struct incident *incident) {
    return at(incidents, incident_link(incident, index)->next);
}

struct incident *incidents_lookup(const struct incidents *incidents, uint64_t number) {
    return incidents_first(incidents, INDEX_NUMBER, not_zero(mix(number)));
}

/* Puts `to` (0: nothing) where `from` stands in its bucket's chain. */
static void chain_replace(struct incidents *incidents, enum incident_index index, uint64_t key,
                          struct incident *from, uint32_t to) {
    const struct incident_link *link = incident_link(from, index);
    uint32_t next = to == 0 ? link->chain_next : to;
    if (link->chain_before == 0) {
        incidents->buckets[index][key & incidents->buckets_mask] = next;
    } else {
        incident_link(at(incidents, link->chain_before), index)->chain_next = next;
    }
    if (to != 0) {
        incident_link(at(incidents, to), index)->chain_before = link->chain_before;
        incident_link(at(incidents, to), index)->chain_next = link->chain_next;
    }
    if (link->chain_next != 0) {
        incident_link(at(incidents, link->chain_next), index)->chain_before =
            to == 0 ? link->chain_before : to;
    }
}

static void chain_push(struct incidents *incidents, enum incident_index index, uint64_t key,
                       struct incident *incident) {
    uint32_t *bucket = &incidents->buckets[index][key & incidents->buckets_mask];
    uint32_t self = incident_slot(incidents, incident) + 1;
    incident_link(incident, index)->chain_next = *bucket;
    if (*bucket != 0) {
        incident_link(at(incidents, *bucket), index)->chain_before = self;
    }
    *bucket = self;
}

/* Lists are ordered by number, so that they do not depend on what happened before a restart. */
static void list_insert(struct incidents *incidents, enum incident_index index, uint64_t key,
                        struct incident *head, struct incident *incident) {
    uint32_t self = incident_slot(incidents, incident) + 1;
    struct incident_link *link = incident_link(incident, index);
    if (incident->number > head->number) {
        chain_replace(incidents, index, key, head, self);
        incident_link(head, index)->chain_next = incident_link(head, index)->chain_before = 0;
        link->next = incident_slot(incidents, head) + 1;
        incident_link(head, index)->before = self;
        return;
    }
    struct incident *before = head;
    struct incident *next = incidents_after(incidents, index, before);
    while (next != NULL && next->number > incident->number) {
        before = next;
        next = incidents_after(incidents, index, before);
    }
    link->before = incident_slot(incidents, before) + 1;
    link->next = incident_link(before, index)->next;
    incident_link(before, index)->next = self;
    if (next != NULL) {
        incident_link(next, index)->before = self;
    }
}

static void insert(struct incidents *incidents, enum incident_index index, uint64_t key,
                   struct incident *incident) {
    *incident_link(incident, index) = (struct incident_link){0};
    struct incident *head = incidents_first(incidents, index, key);
    if (head == NULL) {
        chain_push(incidents, index, key, incident);
    } else {
        list_insert(incidents, index, key, head, incident);
    }
    incident->indexed |= (uint8_t)(1U << index);
    incident_link(incident, index)->key = key;
}

static void withdraw(struct incidents *incidents, enum incident_index index,
                     struct incident *incident) {
    if ((incident->indexed & 1U << index) == 0) {
        return;
    }
    struct incident_link *link = incident_link(incident, index);
    if (link->before == 0) {
        chain_replace(incidents, index, incident_link(incident, index)->key, incident, link->next);
    } else {
        incident_link(at(incidents, link->before), index)->next = link->next;
    }
    if (link->next != 0) {
        incident_link(at(incidents, link->next), index)->before = link->before;
    }
    *link = (struct incident_link){0};
    incident->indexed &= (uint8_t) ~(1U << index);
}

static void index_cell(struct incidents *incidents, struct incident *incident) {
    struct cell cell;
    struct position position;
    if (incidents_cell_of(incidents, incident, &cell, &position)) {
        places_remove(incidents, incident);
        if (cell.key != 0) {
            places_add(incidents, cell, position, incident);
        }
    } else if (cell.key != 0) {
        places_move(incidents, position, incident);
    }
}

void incidents_index(struct incidents *incidents, struct incident *incident) {
    CHECK(!incident->leaving);
    index_cell(incidents, incident);
    for (unsigned index = 0; index < INCIDENT_INDEXES; index++) {
        bool is_in = (incident->indexed & 1U << index) != 0;
        uint64_t key = key_of(incident, (enum incident_index)index);
        if (is_in && incident_link(incident, index)->key == key) {
            continue;
        }
        withdraw(incidents, (enum incident_index)index, incident);
        if (key != 0) {
            insert(incidents, (enum incident_index)index, key, incident);
        }
    }
}

void incidents_unindex(struct incidents *incidents, struct incident *incident) {
    places_remove(incidents, incident);
    for (unsigned index = 0; index < INCIDENT_INDEXES; index++) {
        withdraw(incidents, (enum incident_index)index, incident);
    }
    CHECK(incident->indexed == 0);
}

/* Free slots and details are lists through their first bytes. */
struct incident *incidents_slot_take(struct incidents *incidents) {
    struct incident *incident;
    if (incidents->slots_free != 0) {
        incident = &incidents->slots[incidents->slots_free - 1];
        incidents->slots_free = incident->dirty_next;
    } else if (incidents->slots_used < incidents->limit) {
        incident = &incidents->slots[incidents->slots_used++];
    } else {
        return NULL;
    }
    memset(incident, 0, sizeof *incident);
    incidents->count++;
    return incident;
}

static void detail_free(struct incidents *incidents, struct incident *incident) {
    if (incident->detail != NULL) {
        memcpy(incident->detail, &incidents->details_free, sizeof incidents->details_free);
        incidents->details_free = (uint32_t)(incident->detail - incidents->details) + 1;
        incident->detail = NULL;
    }
}

void incidents_slot_free(struct incidents *incidents, struct incident *incident) {
    CHECK(incident->indexed == 0 && incident->cell_block == 0 && incidents->count > 0);
    detail_free(incidents, incident);
    memset(incident, 0, sizeof *incident);
    incident->dirty_next = incidents->slots_free;
    incidents->slots_free = incident_slot(incidents, incident) + 1;
    incidents->count--;
}

void incidents_detail_take(struct incidents *incidents, struct incident *incident,
                           enum detail_kind kind) {
    CHECK(incident->detail == NULL && kind != DETAIL_NONE);
    if (incidents->details_free != 0) {
        incident->detail = &incidents->details[incidents->details_free - 1];
        memcpy(&incidents->details_free, incident->detail, sizeof incidents->details_free);
    } else {
        CHECK(incidents->details_used < incidents->limit);
        incident->detail = &incidents->details[incidents->details_used++];
    }
    memset(incident->detail, 0, sizeof *incident->detail);
    incident->detail_kind = (uint8_t)kind;
}
