#include "server/domain/creates.h"

#include "core/base/check.h"
#include "core/ticket/create_row.h"

#include <stdlib.h>

struct create {
    uint64_t id, content, number;
};

struct creates {
    struct create *ring; /* in the order they were made */
    uint32_t *slots;     /* hash index of ids: 1 + place in the ring; 0: free */
    uint32_t slots_mask, count_max, count, oldest;
    struct row_set pending;
};

static uint32_t home_of(const struct creates *creates, uint64_t id) {
    return (uint32_t)((id * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & creates->slots_mask;
}

/* The slot of the id, or the free one where it would go: at most half of them are used. */
static uint32_t slot_of(const struct creates *creates, uint64_t id) {
    uint32_t slot = home_of(creates, id);
    while (creates->slots[slot] != 0 && creates->ring[creates->slots[slot] - 1].id != id) {
        slot = (slot + 1) & creates->slots_mask;
    }
    return slot;
}

/* Linear probing: what follows moves up, so that no chain is cut. */
static void free_slot(struct creates *creates, uint32_t hole) {
    uint32_t mask = creates->slots_mask;
    for (uint32_t slot = (hole + 1) & mask; creates->slots[slot] != 0; slot = (slot + 1) & mask) {
        uint64_t id = creates->ring[creates->slots[slot] - 1].id;
        if (((slot - home_of(creates, id)) & mask) >= ((slot - hole) & mask)) {
            creates->slots[hole] = creates->slots[slot];
            hole = slot;
        }
    }
    creates->slots[hole] = 0;
}

static void forget_oldest(struct creates *creates) {
    uint8_t key[CREATE_KEY_BYTES];
    create_key_encode(key, creates->ring[creates->oldest].number);
    row_set_put(&creates->pending, FAMILY_CREATES, (struct slice){key, sizeof key},
                (struct slice){0}, true);
    free_slot(creates, slot_of(creates, creates->ring[creates->oldest].id));
    creates->oldest = (creates->oldest + 1) % creates->count_max;
    creates->count--;
}

static void keep(struct creates *creates, const struct create *create) {
    if (creates->count == creates->count_max) {
        forget_oldest(creates);
    }
    uint32_t slot = slot_of(creates, create->id);
    uint32_t place = (creates->oldest + creates->count) % creates->count_max;
    CHECK(creates->slots[slot] == 0);
    creates->ring[place] = *create;
    creates->slots[slot] = place + 1;
    creates->count++;
}

struct restore {
    struct creates *creates;
    bool is_damaged;
};

static bool restore_row(void *context, struct slice key, struct slice value) {
    struct restore *restore = context;
    struct creates *creates = restore->creates;
    struct create_row row;
    if (!create_row_decode(&row, key, value)) {
        restore->is_damaged = true;
        return false;
    }
    const struct create create = {row.id, row.content, row.number};
    restore->is_damaged = creates->slots[slot_of(creates, create.id)] != 0;
    if (!restore->is_damaged) {
        keep(creates, &create);
    }
    return !restore->is_damaged;
}

enum status creates_new(struct creates **ret, struct db *db, uint64_t keys_max,
                        struct error *error) {
    struct creates *creates = calloc(1, sizeof *creates);
    uint32_t slots = 8;
    CHECK(creates != NULL && keys_max > 0 && keys_max < UINT32_MAX / 4);
    while (slots < 2 * keys_max) {
        slots *= 2;
    }
    creates->count_max = (uint32_t)keys_max;
    creates->slots_mask = slots - 1;
    creates->ring = calloc(keys_max, sizeof *creates->ring);
    creates->slots = calloc(slots, sizeof *creates->slots);
    CHECK(creates->ring != NULL && creates->slots != NULL);
    row_set_init(&creates->pending);
    struct restore restore = {.creates = creates};
    const struct db_walk walk = {.family = FAMILY_CREATES};
    enum status status = db_walk_rows(db, &walk, restore_row, &restore, error);
    if (status == STATUS_OK && restore.is_damaged) {
        status = error_set(error, STATUS_CORRUPT,
                           "a stored row cannot be taken into memory: ", "a create", NULL);
    }
    if (status != STATUS_OK) {
        creates_free(creates);
        return status;
    }
    *ret = creates;
    return STATUS_OK;
}

void creates_free(struct creates *creates) {
    if (creates != NULL) {
        row_set_deinit(&creates->pending);
        free(creates->slots);
        free(creates->ring);
        free(creates);
    }
}

enum create_found creates_find(const struct creates *creates, uint64_t id, uint64_t content,
                               uint64_t *ret_number) {
    uint32_t at = creates->slots[slot_of(creates, id)];
    if (at == 0) {
        return CREATE_NEW;
    }
    const struct create *create = &creates->ring[at - 1];
    if (create->content != content) {
        return CREATE_CONFLICT;
    }
    *ret_number = create->number;
    return CREATE_REPLAYED;
}

void creates_put(struct creates *creates, uint64_t id, uint64_t content, uint64_t number,
                 struct slice answer) {
    const struct create create = {id, content, number};
    uint8_t key[CREATE_KEY_BYTES];
    struct buffer value;
    keep(creates, &create);
    create_key_encode(key, number);
    buffer_init(&value);
    create_head_encode(buffer_reserve(&value, CREATE_HEAD_BYTES + answer.bytes), id, content);
    value.bytes += CREATE_HEAD_BYTES;
    buffer_append_slice(&value, answer);
    row_set_put(&creates->pending, FAMILY_CREATES, (struct slice){key, sizeof key},
                buffer_slice(&value), false);
    buffer_deinit(&value);
}

void creates_flush(struct creates *creates, struct row_set *rows) {
    row_set_append(rows, &creates->pending);
    row_set_reset(&creates->pending);
}

enum status creates_answer(struct db *db, uint64_t number, struct buffer *ret,
                           struct error *error) {
    uint8_t key[CREATE_KEY_BYTES];
    struct store_value value;
    struct create_row row;
    create_key_encode(key, number);
    const struct slice name = {key, sizeof key};
    enum status status = db_get_row(db, FAMILY_CREATES, name, &value, error);
    if (status != STATUS_OK) {
        return status;
    }
    if (create_row_decode(&row, name, value.bytes)) {
        buffer_append_slice(ret, row.answer);
    } else {
        status = error_set(error, STATUS_CORRUPT, "a stored create has another form", NULL, NULL);
    }
    store_value_free(&value);
    return status;
}
