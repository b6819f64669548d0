#include "core/ticket/clock_row.h"

#include "core/base/mutant.h"
#include "core/ticket/joint.h"

#include "core/base/bytes.h"

#include <string.h>

/* A row: u8 version = 2 | u8 1: joint | u64 bits and u32 more bits, one a field of the table below,
 * set where the field is not 0 | those fields, little-endian, in the table's order | u32 ids of the
 * path above the region, as many as path.levels says | u8 clocks_count and the clocks (clock_row.h)
 * | holds_count times i64 from_ms, i64 to_ms | u8 replays_count and for each u64 id, u32 version
 * and command | the joint (joint.c). Fields are added at the end.
 *
 * Version 1, which is still read, has neither the more bits nor the path: the first 64 fields. */
enum {
    ROW_VERSION = 2,
    ROW_VERSION_NARROW = 1,
    BITS_AT = 2,
    MORE_BITS_AT = 10,
    NARROW_HEAD_BYTES = 10,
    HEAD_BYTES = 14,
    NARROW_FIELDS = 64,
    FIELDS_MAX = 96,
    HOLD_BYTES = 16,
    REPLAY_BYTES = 12,
};

#define FIELD(name)                                                                                \
    { (uint16_t) offsetof(struct ticket, name), (uint16_t)sizeof(((struct ticket *)NULL)->name) }
static const struct {
    uint16_t offset, bytes;
} fields[] = {
    FIELD(number),
    FIELD(incident),
    FIELD(directive),
    FIELD(survivor),
    FIELD(last_event_seq),
    FIELD(events_count),
    FIELD(version),
    FIELD(policy_version),
    FIELD(category_tag),
    FIELD(region),
    FIELD(unit_tag),
    FIELD(first_unit_tag),
    FIELD(returned_unit_tag),
    FIELD(addressee),
    FIELD(extension),
    FIELD(facts),
    FIELD(stages_ended),
    FIELD(stages_late),
    FIELD(overdue),
    FIELD(rework_count),
    FIELD(return_count),
    FIELD(reopen_count),
    FIELD(priority),
    FIELD(severity),
    FIELD(state),
    FIELD(merged_from),
    FIELD(origin),
    FIELD(closure),
    FIELD(closed_level),
    FIELD(unacked_step),
    FIELD(holds_count),
    FIELD(suspension),
    FIELD(supervised),
    FIELD(is_rework),
    FIELD(occurred_ms),
    FIELD(received_ms),
    FIELD(opened_ms),
    FIELD(state_since_ms),
    FIELD(last_activity_ms),
    FIELD(closed_ms),
    FIELD(paged_from_ms),
    FIELD(acked_until_ms),
    FIELD(resume_ms),
    FIELD(reviewed_ms),
    FIELD(handler),
    FIELD(requester),
    FIELD(supervisor),
    FIELD(own_sign.unit),
    FIELD(own_sign.amount),
    FIELD(own_handle.unit),
    FIELD(own_handle.amount),
    FIELD(own_overall.unit),
    FIELD(own_overall.amount),
    FIELD(request.kind),
    FIELD(request.reason),
    FIELD(request.amount),
    FIELD(request.unit_tag),
    FIELD(request.proposed_unit_tag),
    FIELD(request.requester),
    FIELD(request.until_ms),
    FIELD(replay_next),
    FIELD(due_key),
    FIELD(next_due_ms),
    FIELD(channel_tag),
    FIELD(path.levels), /* the first beyond version 1 */
};
#undef FIELD
_Static_assert(ARRAY_COUNT(fields) > NARROW_FIELDS && ARRAY_COUNT(fields) <= FIELDS_MAX,
               "one bit a field");
_Static_assert(HEAD_BYTES + 8 * ARRAY_COUNT(fields) + 2 + 4 * (size_t)LADDER_ABOVE_MAX +
                       (size_t)TICKET_CLOCKS_MAX * TICKET_CLOCK_ROW_BYTES +
                       (size_t)TICKET_HOLDS_MAX * HOLD_BYTES +
                       (size_t)TICKET_REPLAYS_MAX * REPLAY_BYTES + JOINT_ROW_BYTES_MAX <=
                   TICKET_ROW_BYTES_MAX,
               "a row has room for the largest ticket");

static uint64_t field_get(const struct ticket *ticket, size_t i) {
    const uint8_t *at = (const uint8_t *)ticket + fields[i].offset;
    uint64_t value = 0;
    switch (fields[i].bytes) {
    case 1:
        return *at;
    case 2: {
        uint16_t narrow;
        memcpy(&narrow, at, sizeof narrow);
        return narrow;
    }
    case 4: {
        uint32_t narrow;
        memcpy(&narrow, at, sizeof narrow);
        return narrow;
    }
    default:
        memcpy(&value, at, sizeof value);
        return value;
    }
}

static void field_set(struct ticket *ticket, size_t i, uint64_t value) {
    uint8_t *at = (uint8_t *)ticket + fields[i].offset;
    switch (fields[i].bytes) {
    case 1:
        *at = (uint8_t)value;
        break;
    case 2: {
        uint16_t narrow = (uint16_t)value;
        memcpy(at, &narrow, sizeof narrow);
        break;
    }
    case 4: {
        uint32_t narrow = (uint32_t)value;
        memcpy(at, &narrow, sizeof narrow);
        break;
    }
    default:
        memcpy(at, &value, sizeof value);
    }
}

static size_t fields_encode(uint8_t *to, const struct ticket *ticket) {
    size_t bytes = HEAD_BYTES;
    uint64_t bits[2] = {0};
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        uint64_t value = field_get(ticket, i);
        for (size_t k = 0; value != 0 && k < fields[i].bytes; k++) {
            to[bytes++] = (uint8_t)(value >> 8 * k);
        }
        bits[i / 64] |= (uint64_t)(value != 0) << i % 64;
    }
    store_u64_le(to + BITS_AT, bits[0]);
    store_u32_le(to + MORE_BITS_AT, (uint32_t)bits[1]);
    return bytes;
}

static size_t path_encode(uint8_t *to, const struct ladder_path *path) {
    size_t count = ladder_above_count(path);
    for (size_t i = 0; i < count; i++) {
        store_u32_le(to + 4 * i, path->above[i]);
    }
    return 4 * count;
}

size_t ticket_row_encode(uint8_t *to, const struct ticket *ticket, const struct joint *joint) {
    to[0] = ROW_VERSION;
    to[1] = joint != NULL;
    size_t bytes = fields_encode(to, ticket);
    bytes += path_encode(to + bytes, &ticket->path);
    uint8_t *count = &to[bytes++];
    *count = 0;
    for (size_t i = 0; i < TICKET_CLOCKS_MAX; i++) {
        if (ticket->clocks[i].is_used) {
            bytes += ticket_clock_encode(to + bytes, &ticket->clocks[i]);
            ++*count;
        }
    }
    for (size_t i = 0; i < ticket->holds_count; i++, bytes += HOLD_BYTES) {
        store_u64_le(to + bytes, (uint64_t)ticket->holds[i].from_ms);
        store_u64_le(to + bytes + 8, (uint64_t)ticket->holds[i].to_ms);
    }
    count = &to[bytes++];
    uint32_t max = MUTANT(COMMAND_FORGOTTEN_ON_RESTART) ? 0 : TICKET_REPLAYS_MAX;
    for (*count = 0; *count < max && ticket->replay_ids[*count] != 0; ++*count) {
        store_u64_le(to + bytes, ticket->replay_ids[*count]);
        store_u32_le(to + bytes + 8, ticket->replay_versions[*count]);
        bytes += REPLAY_BYTES;
    }
    bytes += joint == NULL ? 0 : joint_encode(to + bytes, joint);
    CHECK(bytes <= TICKET_ROW_BYTES_MAX);
    return bytes;
}

static bool take(struct slice *from, size_t bytes, const uint8_t **ret) {
    if (from->bytes < bytes) {
        return false;
    }
    *ret = from->data;
    from->data += bytes;
    from->bytes -= bytes;
    return true;
}

static bool fields_decode(struct ticket *ticket, struct slice *from, const uint64_t bits[2]) {
    if (bits[1] >> (ARRAY_COUNT(fields) - NARROW_FIELDS) != 0) {
        return false; /* a field that this version does not know */
    }
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        const uint8_t *at;
        uint64_t value = 0;
        if ((bits[i / 64] >> i % 64 & 1) == 0) {
            continue;
        }
        if (!take(from, fields[i].bytes, &at)) {
            return false;
        }
        for (size_t k = 0; k < fields[i].bytes; k++) {
            value |= (uint64_t)at[k] << 8 * k;
        }
        if (value == 0) {
            return false; /* one row has one encoding */
        }
        field_set(ticket, i, value);
    }
    return true;
}

/* Ids are not looked up here; a path is of a ticket that is somewhere. */
static bool path_decode(struct ticket *ticket, struct slice *from) {
    struct ladder_path *path = &ticket->path;
    size_t count = ladder_above_count(path);
    const uint8_t *at;
    if ((path->levels != 0 && ticket->region == REGION_NONE) || !take(from, 4 * count, &at)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        path->above[i] = load_u32_le(at + 4 * i);
    }
    return true;
}

static enum status clocks_decode(struct ticket *ticket, struct slice *from) {
    const uint8_t *count;
    uint32_t stages = 0;
    if (!take(from, 1, &count) || *count > TICKET_CLOCKS_MAX) {
        return STATUS_CORRUPT;
    }
    for (size_t i = 0; i < *count; i++) {
        struct ticket_clock *clock = &ticket->clocks[i];
        enum status status = ticket_clock_decode(clock, from);
        if (status != STATUS_OK) {
            return status;
        }
        if (!clock->is_used || (stages & 1u << clock->stage) != 0 ||
            clock->clock.runs_count > ticket->holds_count) {
            return STATUS_CORRUPT;
        }
        stages |= 1u << clock->stage;
    }
    return STATUS_OK;
}

static bool holds_decode(struct ticket *ticket, struct slice *from) {
    int64_t after_ms = INT64_MIN;
    for (size_t i = 0; i < ticket->holds_count; i++) {
        const uint8_t *at;
        if (!take(from, HOLD_BYTES, &at)) {
            return false;
        }
        struct ticket_hold hold = {(int64_t)load_u64_le(at), (int64_t)load_u64_le(at + 8)};
        bool is_open = hold.to_ms == 0 && i + 1 == ticket->holds_count;
        if (hold.from_ms < after_ms || (!is_open && hold.to_ms < hold.from_ms)) {
            return false;
        }
        after_ms = hold.to_ms;
        ticket->holds[i] = hold;
    }
    return true;
}

static bool replays_decode(struct ticket *ticket, struct slice *from) {
    const uint8_t *at;
    if (!take(from, 1, &at) || *at > TICKET_REPLAYS_MAX) {
        return false;
    }
    size_t count = *at;
    for (size_t i = 0; i < count; i++) {
        if (!take(from, REPLAY_BYTES, &at) || load_u64_le(at) == 0) {
            return false;
        }
        ticket->replay_ids[i] = load_u64_le(at);
        ticket->replay_versions[i] = load_u32_le(at + 8);
    }
    return true;
}

static bool limit_is_sound(struct stage_limit limit) {
    return limit.amount == 0 || stage_limit_is_valid(limit);
}

static bool is_held(const struct ticket *ticket) {
    return ticket->holds_count > 0 && ticket->holds[ticket->holds_count - 1].to_ms == 0;
}

/* What the steps rely on. */
static bool is_sound(const struct ticket *ticket) {
    if (ticket->state >= TICKET_STATES || ticket->merged_from >= TICKET_STATES) {
        return false;
    }
    enum ticket_state state =
        (enum ticket_state)(ticket->state == TICKET_MERGED ? ticket->merged_from : ticket->state);
    bool enums = ticket->priority >= 1 && ticket->priority <= 4 &&
                 ticket->origin >= ORIGIN_REPORT && ticket->origin <= ORIGIN_INSPECTION &&
                 ticket->closure < CLOSURES && ticket->suspension <= REASON_FUNDING &&
                 ticket->request.kind <= REQUEST_WHISTLE &&
                 ticket->request.reason <= REASON_FUNDING && ticket->supervised <= 1 &&
                 ticket->is_rework <= 1;
    bool counts = ticket->number != 0 && ticket->replay_next < TICKET_REPLAYS_MAX &&
                  ticket->unacked_step <= LADDER_UNACKED_MAX &&
                  (ticket->state != TICKET_MERGED || ticket_state_is_open(state));
    bool holds =
        is_held(ticket) == (ticket->suspension != REASON_NONE || state == TICKET_VERIFYING);
    bool limits = limit_is_sound(ticket->own_sign) && limit_is_sound(ticket->own_handle) &&
                  limit_is_sound(ticket->own_overall);
    bool due = ticket_state_is_final((enum ticket_state)ticket->state) ==
               (ticket->next_due_ms == INT64_MAX);
    return enums && counts && holds && limits && due;
}

enum status ticket_row_decode(struct ticket *ret, struct joint *ret_joint, bool *ret_has_joint,
                              struct slice from) {
    const uint8_t *head, *more;
    if (!take(&from, NARROW_HEAD_BYTES, &head)) {
        return STATUS_CORRUPT;
    }
    if (head[0] != ROW_VERSION && head[0] != ROW_VERSION_NARROW) {
        return STATUS_VERSION;
    }
    uint64_t bits[2] = {load_u64_le(head + BITS_AT), 0};
    if (head[0] != ROW_VERSION_NARROW) {
        if (!take(&from, HEAD_BYTES - NARROW_HEAD_BYTES, &more)) {
            return STATUS_CORRUPT;
        }
        bits[1] = load_u32_le(more);
    }
    struct ticket ticket = {0};
    bool has_joint = head[1] == 1;
    if (head[1] > 1 || !fields_decode(&ticket, &from, bits) || !path_decode(&ticket, &from) ||
        ticket.holds_count > TICKET_HOLDS_MAX) {
        return STATUS_CORRUPT;
    }
    enum status status = clocks_decode(&ticket, &from);
    if (status != STATUS_OK) {
        return status;
    }
    if (!holds_decode(&ticket, &from) || !replays_decode(&ticket, &from) || !is_sound(&ticket)) {
        return STATUS_CORRUPT;
    }
    status = has_joint ? joint_decode(ret_joint, &from) : STATUS_OK;
    if (status == STATUS_OK && from.bytes != 0) {
        status = STATUS_CORRUPT;
    }
    if (status == STATUS_OK) {
        *ret = ticket;
        *ret_has_joint = has_joint;
    }
    return status;
}
