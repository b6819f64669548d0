#include "core/time/wheel.h"

enum { LEVEL_MASK = WHEEL_LEVEL_SLOTS - 1, NO_SLOT = WHEEL_SLOTS };

#define SIGN_BIT (UINT64_C(1) << 63)
/* An entry index with this bit is the end of a slot's list and names the slot. */
#define END (UINT32_C(1) << 31)
#define NONE UINT32_MAX

_Static_assert(WHEEL_ENTRIES_MAX < END, "an index is no end");

static uint64_t tick_of(int64_t ms) {
    return (uint64_t)ms ^ SIGN_BIT;
}

static int64_t ms_of(uint64_t tick) {
    return (int64_t)(tick ^ SIGN_BIT);
}

size_t wheel_bytes(uint32_t capacity) {
    CHECK(capacity >= 1 && capacity <= WHEEL_ENTRIES_MAX);
    return (size_t)capacity * sizeof(struct wheel_entry);
}

void wheel_init(struct wheel *wheel, void *memory, uint32_t capacity, int64_t now_ms) {
    CHECK(capacity >= 1 && capacity <= WHEEL_ENTRIES_MAX);
    CHECK(memory != NULL && (uintptr_t)memory % sizeof(struct wheel_entry) == 0);
    *wheel = (struct wheel){.entries = memory,
                            .capacity = capacity,
                            .free = NONE,
                            .moving = NO_SLOT,
                            .tick = tick_of(now_ms)};
    for (uint32_t slot = 0; slot < WHEEL_SLOTS; slot++) {
        wheel->slots[slot] = (struct wheel_slot){END | slot, END | slot};
    }
}

int64_t wheel_now_ms(const struct wheel *wheel) {
    return ms_of(wheel->tick);
}

static void set_filled(struct wheel *wheel, uint32_t slot, bool filled) {
    uint32_t level = slot / WHEEL_LEVEL_SLOTS, word = slot % WHEEL_LEVEL_SLOTS / 64;
    uint64_t slot_bit = UINT64_C(1) << slot % 64, word_bit = UINT64_C(1) << word;
    if (filled) {
        wheel->filled[level][word] |= slot_bit;
        wheel->filled_words[level] |= word_bit;
    } else if ((wheel->filled[level][word] &= ~slot_bit) == 0) {
        wheel->filled_words[level] &= ~word_bit;
    }
}

static uint32_t level_shift(uint32_t slot) {
    return slot / WHEEL_LEVEL_SLOTS * WHEEL_LEVEL_BITS;
}

static void append(struct wheel *wheel, uint32_t slot, uint32_t index) {
    struct wheel_entry *entry = &wheel->entries[index];
    uint32_t tail = wheel->slots[slot].tail;
    entry->prev = tail;
    entry->next = END | slot;
    if ((tail & END) != 0) {
        wheel->slots[slot].head = index;
        set_filled(wheel, slot, true);
    } else {
        wheel->entries[tail].next = index;
    }
    wheel->slots[slot].tail = index;
}

static void detach(struct wheel *wheel, const struct wheel_entry *entry) {
    uint32_t prev = entry->prev, next = entry->next;
    if ((prev & END) != 0) {
        wheel->slots[prev & ~END].head = next;
    } else {
        wheel->entries[prev].next = next;
    }
    if ((next & END) != 0) {
        wheel->slots[next & ~END].tail = prev;
    } else {
        wheel->entries[next].prev = prev;
    }
    if ((prev & next & END) != 0) {
        CHECK(prev == next);
        set_filled(wheel, prev & ~END, false);
    }
}

/* The slot of an instant: in the level of the highest byte that differs from the wheel's time. What
 * belongs to a slot that is being moved down goes to its end, so that arm order is kept. */
static uint32_t slot_for(const struct wheel *wheel, uint64_t tick) {
    tick = tick > wheel->tick ? tick : wheel->tick;
    uint64_t differs = tick ^ wheel->tick;
    uint32_t level =
        differs == 0 ? 0 : (uint32_t)(63 - __builtin_clzll(differs)) / WHEEL_LEVEL_BITS;
    if (wheel->moving != NO_SLOT && level < wheel->moving / WHEEL_LEVEL_SLOTS) {
        return wheel->moving;
    }
    return level * WHEEL_LEVEL_SLOTS + (uint32_t)(tick >> level * WHEEL_LEVEL_BITS & LEVEL_MASK);
}

/* Free entries list others, four each, so that taking the next one rarely has to wait for the
 * memory of the one before. */
static uint32_t take_free(struct wheel *wheel) {
    uint32_t index = wheel->free;
    struct wheel_entry *list = &wheel->entries[index];
    if (list->prev == 0) {
        wheel->free = list->next;
        return index;
    }
    index = list->free[--list->prev];
    __builtin_prefetch(list->prev > 0 ? &wheel->entries[list->free[list->prev - 1]] : list, 1);
    return index;
}

static uint32_t take_entry(struct wheel *wheel) {
    uint32_t index;
    if (wheel->free != NONE) {
        index = take_free(wheel);
    } else {
        index = wheel->used++;
        wheel->entries[index].generation = 0;
    }
    struct wheel_entry *entry = &wheel->entries[index];
    CHECK(index < wheel->used && wheel->used <= wheel->capacity && entry->generation % 2 == 0);
    entry->generation++;
    wheel->count++;
    return index;
}

static void give_entry(struct wheel *wheel, uint32_t index) {
    struct wheel_entry *entry = &wheel->entries[index];
    CHECK(entry->generation % 2 == 1 && wheel->count > 0);
    entry->generation++;
    wheel->count--;
    struct wheel_entry *list = wheel->free == NONE ? NULL : &wheel->entries[wheel->free];
    if (list != NULL && list->prev < WHEEL_FREE_MAX) {
        list->free[list->prev++] = index;
        return;
    }
    entry->next = wheel->free;
    entry->prev = 0;
    wheel->free = index;
}

enum status wheel_arm(struct wheel *wheel, const struct deadline *deadline,
                      wheel_handle *ret_handle) {
    CHECK(deadline_is_sound(deadline));
    if (wheel->count == wheel->capacity) {
        return STATUS_FULL;
    }
    uint32_t index = take_entry(wheel);
    struct wheel_entry *entry = &wheel->entries[index];
    entry->due_ms = deadline->due_ms;
    entry->object = deadline->object;
    entry->kind =
        (uint32_t)deadline->stage << 24 | (uint32_t)deadline->point << 16 | deadline->part;
    append(wheel, slot_for(wheel, tick_of(deadline->due_ms)), index);
    if (ret_handle != NULL) {
        *ret_handle = (uint64_t)entry->generation << 32 | index;
    }
    return STATUS_OK;
}

enum status wheel_cancel(struct wheel *wheel, wheel_handle handle) {
    uint32_t index = (uint32_t)handle, generation = (uint32_t)(handle >> 32);
    CHECK(generation % 2 == 1 && index < wheel->used);
    struct wheel_entry *entry = &wheel->entries[index];
    if (entry->generation != generation) {
        return STATUS_NOT_FOUND;
    }
    detach(wheel, entry);
    give_entry(wheel, index);
    return STATUS_OK;
}

static bool first_slot(const struct wheel *wheel, uint32_t *ret) {
    for (uint32_t level = 0; level < WHEEL_LEVELS; level++) {
        if (wheel->filled_words[level] != 0) {
            uint32_t word = (uint32_t)__builtin_ctzll(wheel->filled_words[level]);
            uint32_t bit = (uint32_t)__builtin_ctzll(wheel->filled[level][word]);
            *ret = level * WHEEL_LEVEL_SLOTS + word * 64 + bit;
            return true;
        }
    }
    return false;
}

static bool last_slot(const struct wheel *wheel, uint32_t *ret) {
    for (uint32_t level = WHEEL_LEVELS; level-- > 0;) {
        if (wheel->filled_words[level] != 0) {
            uint32_t word = 63 - (uint32_t)__builtin_clzll(wheel->filled_words[level]);
            uint32_t bit = 63 - (uint32_t)__builtin_clzll(wheel->filled[level][word]);
            *ret = level * WHEEL_LEVEL_SLOTS + word * 64 + bit;
            return true;
        }
    }
    return false;
}

/* The first instant of a slot: the wheel's time with the slot's byte in it and zeros below. */
static uint64_t slot_tick(const struct wheel *wheel, uint32_t slot) {
    uint32_t shift = level_shift(slot);
    uint64_t above = wheel->tick >> shift & ~(uint64_t)LEVEL_MASK;
    return (above | slot % WHEEL_LEVEL_SLOTS) << shift;
}

/* Begins with the next slot at or before `until`; false when there is none. From here on the
 * wheel's time is the slot's start. Only when nothing is being moved: every filled slot is then the
 * current one of level 0 or a later one, and lower levels are earlier. */
static bool enter_slot(struct wheel *wheel, uint64_t until, uint32_t *ret) {
    uint32_t slot;
    if (!first_slot(wheel, &slot)) {
        return false;
    }
    uint64_t start = slot_tick(wheel, slot);
    CHECK(start >= wheel->tick);
    if (start > until) {
        return false;
    }
    wheel->tick = start;
    if (level_shift(slot) > 0) {
        wheel->moving = slot;
    }
    *ret = slot;
    return true;
}

/* Moves deadlines down from the slot that is being moved, first ones first. */
static uint32_t move_down(struct wheel *wheel, uint32_t steps_max) {
    uint32_t slot = wheel->moving, steps = 0;
    wheel->moving = NO_SLOT; /* or they would go to its end again */
    uint32_t head = wheel->slots[slot].head;
    while (steps < steps_max && (head & END) == 0) {
        const struct wheel_entry *entry = &wheel->entries[head];
        uint32_t next = entry->next;
        if ((next & END) == 0) {
            __builtin_prefetch(&wheel->entries[next], 1);
        }
        detach(wheel, entry);
        uint32_t to = slot_for(wheel, tick_of(entry->due_ms));
        CHECK(level_shift(to) < level_shift(slot));
        append(wheel, to, head);
        head = next;
        steps++;
    }
    if ((head & END) == 0) {
        wheel->moving = slot;
    }
    return steps;
}

static struct deadline deadline_of(const struct wheel_entry *entry) {
    return (struct deadline){.due_ms = entry->due_ms,
                             .object = entry->object,
                             .stage = (uint8_t)(entry->kind >> 24),
                             .point = (uint8_t)(entry->kind >> 16),
                             .part = (uint16_t)entry->kind};
}

/* Takes deadlines out of the slot of the wheel's time. */
static uint32_t take_out(struct wheel *wheel, uint32_t slot, uint32_t max,
                         struct deadline *ret_due) {
    uint32_t taken = 0;
    for (uint32_t head; taken < max && ((head = wheel->slots[slot].head) & END) == 0; taken++) {
        const struct wheel_entry *entry = &wheel->entries[head];
        if ((entry->next & END) == 0) {
            __builtin_prefetch(&wheel->entries[entry->next], 1);
        }
        ret_due[taken] = deadline_of(entry);
        CHECK(tick_of(entry->due_ms) <= wheel->tick);
        detach(wheel, entry);
        give_entry(wheel, head);
    }
    return taken;
}

size_t wheel_advance(struct wheel *wheel, int64_t now_ms, uint32_t steps_max,
                     struct deadline *ret_due, size_t due_max, bool *ret_more) {
    CHECK(steps_max > 0 && due_max > 0);
    uint64_t until = tick_of(now_ms);
    size_t due_count = 0;
    *ret_more = false;
    if (until < wheel->tick) {
        return 0;
    }
    for (uint32_t steps = 0; steps < steps_max && due_count < due_max; steps++) {
        uint32_t slot = wheel->moving;
        if (slot == NO_SLOT && !enter_slot(wheel, until, &slot)) {
            wheel->tick = until;
            return due_count;
        }
        if (wheel->moving != NO_SLOT) {
            steps += move_down(wheel, steps_max - steps);
        } else {
            uint64_t max = min_u64(steps_max - steps, due_max - due_count);
            uint32_t taken = take_out(wheel, slot, (uint32_t)max, ret_due + due_count);
            due_count += taken;
            steps += taken;
        }
    }
    *ret_more = true;
    return due_count;
}

int64_t wheel_next_ms(const struct wheel *wheel) {
    uint32_t slot;
    if (wheel->moving != NO_SLOT) {
        return ms_of(wheel->tick);
    }
    return first_slot(wheel, &slot) ? ms_of(slot_tick(wheel, slot)) : INT64_MAX;
}

/* The farthest filled slot, when it lies wholly after the wheel's time. */
static bool last_future_slot(const struct wheel *wheel, uint32_t *ret_slot, uint64_t *ret_start) {
    uint32_t slot;
    if (!last_slot(wheel, &slot) || slot_tick(wheel, slot) <= wheel->tick) {
        return false;
    }
    *ret_slot = slot;
    *ret_start = slot_tick(wheel, slot);
    return true;
}

bool wheel_last_slot_ms(const struct wheel *wheel, int64_t *ret_ms) {
    uint32_t slot;
    uint64_t start;
    if (!last_future_slot(wheel, &slot, &start)) {
        return false;
    }
    *ret_ms = ms_of(start);
    return true;
}

bool wheel_drop_from(struct wheel *wheel, int64_t from_ms, uint32_t steps_max) {
    uint32_t slot;
    uint64_t start;
    CHECK(tick_of(from_ms) > wheel->tick);
    for (uint32_t steps = 0; last_future_slot(wheel, &slot, &start) && start >= tick_of(from_ms);
         steps++) {
        if (steps == steps_max) {
            return false;
        }
        uint32_t index = wheel->slots[slot].tail;
        CHECK((index & END) == 0 && wheel->entries[index].due_ms >= from_ms);
        detach(wheel, &wheel->entries[index]);
        give_entry(wheel, index);
    }
    return true;
}
