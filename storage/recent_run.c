#include "storage/recent_run.h"

#include "core/base/check.h"
#include "core/region/region.h"
#include "core/text/instant.h"
#include "storage/day_index.h"
#include "storage/pages.h"
#include "storage/recent_order.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { LINK_BATCH = 32 };

/* One (day, region), or with region REGION_NONE one day. */
struct group {
    uint32_t day, region;
    uint32_t previous;       /* of a region: the group before it of the same day, index + 1 */
    _Atomic uint32_t newest; /* of a region: entry index + 1; of a day: group index + 1 */
    _Atomic uint32_t count;  /* of a region: its entries; of a day: its regions */
    _Atomic int64_t oldest_ms, newest_ms; /* of a region: written before `newest` */
};

struct recent_run {
    uint64_t entries_max, payload_max, slots_count; /* slots: a power of two */
    uint64_t hash_seed;
    void *memory;
    size_t memory_bytes;
    struct entry *entries;
    uint32_t *links; /* of each entry: the one before it in its chain, index + 1 */
    struct group *groups;
    _Atomic uint32_t *slots; /* group index + 1; 0: free */
    uint8_t *payload;
    struct recent_order *order; /* the readers' */

    uint64_t first_seq; /* written before the first release of `count` */
    uint64_t payload_bytes;
    uint32_t groups_count;
    _Atomic uint32_t count;
};

static size_t round_to_line(size_t bytes) {
    return (bytes + 63) & ~(size_t)63;
}

static void lay_out(struct recent_run *run) {
    size_t at[6] = {0};
    at[1] = at[0] + round_to_line(run->entries_max * sizeof *run->entries);
    at[2] = at[1] + round_to_line(run->entries_max * sizeof *run->links);
    at[3] = at[2] + round_to_line(run->entries_max * 2 * sizeof *run->groups);
    at[4] = at[3] + round_to_line(run->slots_count * sizeof *run->slots);
    at[5] = at[4] + round_to_line(run->payload_max);
    uint8_t *memory = run->memory;
    run->memory_bytes = at[5];
    if (memory != NULL) {
        run->entries = (struct entry *)(void *)memory;
        run->links = (uint32_t *)(void *)(memory + at[1]);
        run->groups = (struct group *)(void *)(memory + at[2]);
        run->slots = (_Atomic uint32_t *)(void *)(memory + at[3]);
        run->payload = memory + at[4];
    }
}

enum status recent_run_new(struct recent_run **ret, const struct limits *limits,
                           uint64_t hash_seed) {
    struct recent_run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        return STATUS_NO_MEMORY;
    }
    run->entries_max = limits->run_entries;
    run->payload_max = limits->run_bytes;
    run->hash_seed = hash_seed;
    CHECK(run->entries_max > 0 && run->entries_max < UINT32_MAX / 4);
    /* At most two groups an entry; a third of the slots stays free at the very worst. */
    for (run->slots_count = 64; run->slots_count < run->entries_max * 3; run->slots_count *= 2) {
    }
    lay_out(run);
    run->memory = pages_new(run->memory_bytes);
    if (run->memory == NULL || recent_order_new(&run->order) != STATUS_OK) {
        recent_run_free(run);
        return STATUS_NO_MEMORY;
    }
    lay_out(run);
    *ret = run;
    return STATUS_OK;
}

void recent_run_free(struct recent_run *run) {
    if (run != NULL) {
        recent_order_free(run->order);
        if (run->memory != NULL) {
            pages_free(run->memory, run->memory_bytes);
        }
        free(run);
    }
}

/* More than half of what fits: it was filled by a burst and not sealed for its age. */
static bool is_well_filled(const struct recent_run *run) {
    uint32_t count = atomic_load_explicit(&run->count, memory_order_relaxed);
    return count > run->entries_max / 2 || run->payload_bytes > run->payload_max / 2;
}

void recent_run_reset(struct recent_run *run) {
    if (is_well_filled(run)) {
        /* Only the slots must be zero; the rest is written before an index leads to it. */
        memset((void *)run->slots, 0, run->slots_count * sizeof *run->slots);
    } else {
        pages_reset(run->memory, run->memory_bytes);
    }
    recent_order_reset(run->order);
    run->first_seq = 0;
    run->payload_bytes = 0;
    run->groups_count = 0;
    atomic_store_explicit(&run->count, 0, memory_order_relaxed);
}

bool recent_run_fits(const struct recent_run *run, uint64_t entries_count, uint64_t payload_bytes) {
    uint32_t count = atomic_load_explicit(&run->count, memory_order_relaxed);
    CHECK(count <= run->entries_max && run->payload_bytes <= run->payload_max);
    return entries_count <= run->entries_max - count &&
           payload_bytes <= run->payload_max - run->payload_bytes;
}

static uint64_t slot_of(const struct recent_run *run, uint32_t day, uint32_t region) {
    uint64_t key = (uint64_t)day << 32 | region;
    return XXH3_64bits_withSeed(&key, sizeof key, run->hash_seed) & (run->slots_count - 1);
}

/* The group's slot, or the free slot where it would go; `slot` is slot_of the two. */
static _Atomic uint32_t *find_slot(const struct recent_run *run, uint64_t slot, uint32_t day,
                                   uint32_t region) {
    for (;; slot = (slot + 1) & (run->slots_count - 1)) {
        uint32_t index = atomic_load_explicit(&run->slots[slot], memory_order_acquire);
        if (index == 0) {
            return &run->slots[slot];
        }
        const struct group *group = &run->groups[index - 1];
        if (group->region == region && group->day == day) {
            return &run->slots[slot];
        }
    }
}

static struct group *find_group(const struct recent_run *run, uint32_t day, uint32_t region) {
    const _Atomic uint32_t *slot = find_slot(run, slot_of(run, day, region), day, region);
    uint32_t index = atomic_load_explicit(slot, memory_order_acquire);
    return index == 0 ? NULL : &run->groups[index - 1];
}

static struct group *find_or_add_group(struct recent_run *run, uint64_t first_slot, uint32_t day,
                                       uint32_t region) {
    _Atomic uint32_t *slot = find_slot(run, first_slot, day, region);
    uint32_t index = atomic_load_explicit(slot, memory_order_relaxed);
    if (index != 0) {
        return &run->groups[index - 1];
    }
    CHECK(run->groups_count < run->entries_max * 2);
    struct group *group = &run->groups[run->groups_count];
    index = ++run->groups_count;
    *group = (struct group){.day = day, .region = region};
    if (region != REGION_NONE) {
        struct group *whole_day =
            find_or_add_group(run, slot_of(run, day, REGION_NONE), day, REGION_NONE);
        group->previous = atomic_load_explicit(&whole_day->newest, memory_order_relaxed);
        atomic_store_explicit(&whole_day->newest, index, memory_order_release);
        atomic_fetch_add_explicit(&whole_day->count, 1, memory_order_relaxed);
        /* Adding the day may have taken the slot. */
        slot = find_slot(run, first_slot, day, region);
    }
    atomic_store_explicit(slot, index, memory_order_release);
    return group;
}

/* Brings the slots of some entries, and the groups they lead to, into the cache together. */
static void prefetch_groups(const struct recent_run *run, const struct entry *entries,
                            uint32_t count, uint64_t slots[LINK_BATCH]) {
    for (uint32_t i = 0; i < count; i++) {
        int64_t day = entries[i].occurred_ms / DAY_MS;
        CHECK(entries[i].occurred_ms >= 0 && day < DAY_INDEX_DAYS);
        CHECK(entries[i].region != REGION_NONE);
        slots[i] = slot_of(run, (uint32_t)day, entries[i].region);
        __builtin_prefetch((const void *)&run->slots[slots[i]]);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = atomic_load_explicit(&run->slots[slots[i]], memory_order_relaxed);
        __builtin_prefetch(&run->groups[index == 0 ? 0 : index - 1], 1);
    }
}

/* Bounds of what the chain holds; wide for a moment is right, narrow never. */
static void widen(struct group *group, int64_t occurred_ms) {
    bool first = atomic_load_explicit(&group->newest, memory_order_relaxed) == 0;
    if (first || occurred_ms < atomic_load_explicit(&group->oldest_ms, memory_order_relaxed)) {
        atomic_store_explicit(&group->oldest_ms, occurred_ms, memory_order_relaxed);
    }
    if (first || occurred_ms > atomic_load_explicit(&group->newest_ms, memory_order_relaxed)) {
        atomic_store_explicit(&group->newest_ms, occurred_ms, memory_order_relaxed);
    }
}

/* Puts the entries from `first` on at the head of their chains. */
static void link_entries(struct recent_run *run, uint32_t first, uint32_t count) {
    uint64_t slots[LINK_BATCH];
    CHECK(count <= LINK_BATCH);
    prefetch_groups(run, &run->entries[first], count, slots);
    for (uint32_t i = 0; i < count; i++) {
        const struct entry *entry = &run->entries[first + i];
        uint32_t day = (uint32_t)(entry->occurred_ms / DAY_MS);
        struct group *group = find_or_add_group(run, slots[i], day, entry->region);
        widen(group, entry->occurred_ms);
        run->links[first + i] = atomic_load_explicit(&group->newest, memory_order_relaxed);
        atomic_store_explicit(&group->newest, first + i + 1, memory_order_release);
        atomic_fetch_add_explicit(&group->count, 1, memory_order_relaxed);
    }
}

void recent_run_append(struct recent_run *run, const struct block *block) {
    CHECK(block->entries_count > 0);
    CHECK(recent_run_fits(run, block->entries_count, block->payload_bytes));
    uint32_t count = atomic_load_explicit(&run->count, memory_order_relaxed);
    if (count == 0) {
        run->first_seq = block->first_seq;
    }
    CHECK(block->first_seq == run->first_seq + count && block->first_seq > 0);

    memcpy(run->payload + run->payload_bytes, block->payload, block->payload_bytes);
    for (uint32_t i = 0; i < block->entries_count; i++) {
        struct entry *entry = &run->entries[count + i];
        *entry = block->entries[i];
        CHECK(entry->record_offset + entry->record_bytes <= block->payload_bytes);
        entry->record_offset += run->payload_bytes;
    }
    for (uint32_t i = 0; i < block->entries_count; i += LINK_BATCH) {
        link_entries(run, count + i, (uint32_t)min_u64(LINK_BATCH, block->entries_count - i));
    }
    run->payload_bytes += block->payload_bytes;
    atomic_store_explicit(&run->count, count + block->entries_count, memory_order_release);
}

uint32_t recent_run_count(const struct recent_run *run) {
    return atomic_load_explicit(&run->count, memory_order_acquire);
}

uint64_t recent_run_first_seq(const struct recent_run *run) {
    CHECK(run->first_seq != 0);
    return run->first_seq;
}

uint64_t recent_run_payload_bytes(const struct recent_run *run) {
    return run->payload_bytes;
}

uint64_t recent_run_memory_bytes(const struct recent_run *run) {
    uint64_t count = recent_run_count(run);
    return run->payload_bytes + count * (sizeof *run->entries + sizeof *run->links) +
           run->groups_count * sizeof *run->groups +
           (count == 0 ? 0 : run->slots_count * sizeof *run->slots);
}

const struct entry *recent_run_entry(const struct recent_run *run, uint32_t index) {
    CHECK(index < recent_run_count(run));
    return &run->entries[index];
}

void recent_run_row(const struct recent_run *run, uint32_t index, struct timeline_row *ret) {
    const struct entry *entry = recent_run_entry(run, index);
    ret->seq = run->first_seq + index;
    ret->entry = *entry;
    ret->record = (struct slice){run->payload + entry->record_offset, entry->record_bytes};
}

void recent_chain_begin(struct recent_chain *chain, const struct recent_run *run, uint32_t count,
                        uint32_t day, uint32_t region) {
    CHECK(region != REGION_NONE && count <= run->entries_max);
    const struct group *group = count == 0 ? NULL : find_group(run, day, region);
    *chain = (struct recent_chain){.run = run, .count = count};
    if (group != NULL) {
        chain->next = atomic_load_explicit(&group->newest, memory_order_acquire);
        chain->entries_count = atomic_load_explicit(&group->count, memory_order_relaxed);
        chain->oldest_ms = atomic_load_explicit(&group->oldest_ms, memory_order_relaxed);
        chain->newest_ms = atomic_load_explicit(&group->newest_ms, memory_order_relaxed);
    }
}

void recent_group_begin(struct recent_chain *chain, const struct recent_run *run,
                        const struct recent_group *group) {
    CHECK(group->newest > 0 && group->newest <= recent_run_count(run));
    *chain =
        (struct recent_chain){.run = run, .count = recent_run_count(run), .next = group->newest};
}

struct recent_order *recent_run_order(const struct recent_run *run) {
    return run->order;
}

bool recent_chain_next(struct recent_chain *chain, uint32_t *ret_index) {
    while (chain->next != 0) {
        uint32_t index = chain->next - 1;
        chain->next = chain->run->links[index];
        CHECK(chain->next <= index);
        if (index < chain->count) {
            *ret_index = index;
            return true;
        }
    }
    return false;
}

void recent_regions_begin(struct recent_regions *regions, const struct recent_run *run,
                          uint32_t day) {
    const struct group *group = find_group(run, day, REGION_NONE);
    *regions = (struct recent_regions){run, 0, 0};
    if (group != NULL) {
        regions->regions_count = atomic_load_explicit(&group->count, memory_order_relaxed);
        regions->next = atomic_load_explicit(&group->newest, memory_order_acquire);
    }
}

bool recent_regions_next(struct recent_regions *regions, uint32_t *ret_region) {
    if (regions->next == 0) {
        return false;
    }
    const struct group *group = &regions->run->groups[regions->next - 1];
    CHECK(group->region != REGION_NONE);
    regions->next = group->previous;
    *ret_region = group->region;
    return true;
}

size_t recent_run_groups_max(const struct recent_run *run) {
    return run->groups_count;
}

size_t recent_run_groups(const struct recent_run *run, struct recent_group *to) {
    size_t count = 0;
    for (uint32_t i = 0; i < run->groups_count; i++) {
        const struct group *group = &run->groups[i];
        if (group->region != REGION_NONE) {
            uint32_t newest = atomic_load_explicit(&group->newest, memory_order_acquire);
            uint32_t entries = atomic_load_explicit(&group->count, memory_order_relaxed);
            to[count++] = (struct recent_group){group->day, group->region, newest, entries};
        }
    }
    return count;
}
