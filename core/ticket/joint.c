#include "core/ticket/joint.h"

#include "core/base/bytes.h"
#include "core/ticket/clock_row.h"

static const char *const names[] = {
#define JOINT_STATUS_NAME(number, name, text) [JOINT_##name] = (text),
    JOINT_STATUS_TABLE(JOINT_STATUS_NAME)
#undef JOINT_STATUS_NAME
};

const char *joint_status_name(enum joint_status status) {
    CHECK((size_t)status < ARRAY_COUNT(names) && names[status] != NULL);
    return names[status];
}

size_t joint_pool_bytes(uint32_t count_max) {
    return count_max * sizeof(struct joint);
}

void joint_pool_init(struct joint_pool *pool, void *memory, uint32_t count_max) {
    CHECK(count_max < UINT32_MAX && ((uintptr_t)memory & 7) == 0);
    *pool = (struct joint_pool){.joints = memory, .count_max = count_max};
}

uint32_t joint_take(struct joint_pool *pool, uint64_t ticket) {
    CHECK(ticket != 0);
    uint32_t joint = pool->first_free;
    if (joint != 0) {
        pool->first_free = pool->joints[joint - 1].next_free;
    } else if (pool->touched_count < pool->count_max) {
        joint = ++pool->touched_count;
    } else {
        return 0;
    }
    pool->used_count++;
    pool->joints[joint - 1] = (struct joint){.ticket = ticket};
    return joint;
}

void joint_give_back(struct joint_pool *pool, uint32_t joint) {
    CHECK(joint_of(pool, joint) != NULL);
    pool->joints[joint - 1] = (struct joint){.next_free = pool->first_free};
    pool->first_free = joint;
    pool->used_count--;
}

struct joint *joint_of(const struct joint_pool *pool, uint32_t joint) {
    if (joint == 0) {
        return NULL;
    }
    CHECK(joint <= pool->touched_count && pool->joints[joint - 1].ticket != 0);
    return &pool->joints[joint - 1];
}

struct joint_part *joint_part_of(struct joint *joint, uint32_t unit_tag) {
    for (uint32_t i = 0; i < joint->parts_count; i++) {
        struct joint_part *part = &joint->parts[i];
        bool is_assigned = part->status != JOINT_PROPOSED && part->status != JOINT_RETURNED;
        if (part->unit_tag == unit_tag && is_assigned) {
            return part;
        }
    }
    return NULL;
}

bool joint_is_complete(const struct joint *joint) {
    for (uint32_t i = 0; i < joint->parts_count; i++) {
        const struct joint_part *part = &joint->parts[i];
        if (part->is_mandatory && part->status != JOINT_DONE && part->status != JOINT_RETURNED) {
            return false;
        }
    }
    return true;
}

/* A part: u32 unit_tag | u8 status | u8 bits (1 mandatory, 2 late check-in, 4 late) |
 * u8 handle unit | u8 0 | u32 handle amount | i64 checked_in_ms | i64 ended_ms | sign clock |
 * handle clock (clock_row.h). */
enum { PART_BYTES = 28 };
_Static_assert(8 + JOINT_PARTS_MAX * (PART_BYTES + 2 * TICKET_CLOCK_ROW_BYTES) <=
                   JOINT_ROW_BYTES_MAX,
               "a row has room for all parts");

static size_t part_encode(uint8_t *to, const struct joint_part *part) {
    store_u32_le(to, part->unit_tag);
    to[4] = part->status;
    to[5] = (uint8_t)(part->is_mandatory | part->is_late_check_in << 1 | part->is_late << 2);
    to[6] = part->handle_limit.unit;
    to[7] = 0;
    store_u32_le(to + 8, part->handle_limit.amount);
    store_u64_le(to + 12, (uint64_t)part->checked_in_ms);
    store_u64_le(to + 20, (uint64_t)part->ended_ms);
    size_t bytes = PART_BYTES + ticket_clock_encode(to + PART_BYTES, &part->sign);
    return bytes + ticket_clock_encode(to + bytes, &part->handle);
}

size_t joint_encode(uint8_t *to, const struct joint *joint) {
    size_t bytes = 1;
    CHECK(joint->parts_count <= JOINT_PARTS_MAX);
    to[0] = (uint8_t)joint->parts_count;
    for (uint32_t i = 0; i < joint->parts_count; i++) {
        bytes += part_encode(to + bytes, &joint->parts[i]);
    }
    return bytes;
}

static enum status part_decode(struct joint_part *ret, struct slice *from) {
    if (from->bytes < PART_BYTES) {
        return STATUS_CORRUPT;
    }
    const uint8_t *at = from->data;
    struct joint_part part = {.unit_tag = load_u32_le(at),
                              .status = at[4],
                              .is_mandatory = at[5] & 1,
                              .is_late_check_in = at[5] >> 1 & 1,
                              .is_late = at[5] >> 2 & 1,
                              .handle_limit = {at[6], load_u32_le(at + 8)},
                              .checked_in_ms = (int64_t)load_u64_le(at + 12),
                              .ended_ms = (int64_t)load_u64_le(at + 20)};
    bool is_sound = part.unit_tag != 0 && part.status >= JOINT_PROPOSED &&
                    part.status <= JOINT_RETURNED && at[5] <= 7 && at[7] == 0 &&
                    (part.handle_limit.amount == 0 || stage_limit_is_valid(part.handle_limit));
    from->data += PART_BYTES;
    from->bytes -= PART_BYTES;
    enum status status = is_sound ? ticket_clock_decode(&part.sign, from) : STATUS_CORRUPT;
    status = status == STATUS_OK ? ticket_clock_decode(&part.handle, from) : status;
    if (status == STATUS_OK) {
        *ret = part;
    }
    return status;
}

enum status joint_decode(struct joint *ret, struct slice *from) {
    if (from->bytes < 1 || from->data[0] > JOINT_PARTS_MAX) {
        return STATUS_CORRUPT;
    }
    *ret = (struct joint){.parts_count = from->data[0]};
    from->data++;
    from->bytes--;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < ret->parts_count; i++) {
        status = part_decode(&ret->parts[i], from);
    }
    return status;
}
