#include "core/ticket/clock_row.h"

#include "core/base/bytes.h"

enum { HEAD_BYTES = 16, POINTS_ALL = TOLD_REMINDER | TOLD_NEAR | TOLD_OVERDUE };

size_t ticket_clock_encode(uint8_t *to, const struct ticket_clock *clock) {
    to[0] = clock->is_used;
    if (!clock->is_used) {
        return 1;
    }
    CHECK(clock->stage < STAGE_COUNT && clock->told.points <= POINTS_ALL);
    to[1] = clock->stage;
    to[2] = clock->told.points;
    to[3] = clock->told.rank;
    store_u16_le(to + 4, clock->told.step);
    store_u16_le(to + 6, clock->told.top_step);
    store_u64_le(to + 8, (uint64_t)clock->due_ms);
    clock_encode(to + HEAD_BYTES, &clock->clock);
    return TICKET_CLOCK_ROW_BYTES;
}

static bool is_sound(const struct ticket_clock *clock) {
    return clock->stage < STAGE_COUNT && clock->told.points <= POINTS_ALL &&
           clock->told.top_step <= clock->told.step &&
           (clock->told.step == 0 || (clock->told.points & TOLD_OVERDUE) != 0);
}

enum status ticket_clock_decode(struct ticket_clock *ret, struct slice *from) {
    const uint8_t *at = from->data;
    if (from->bytes < 1 || at[0] > 1 || (at[0] == 1 && from->bytes < TICKET_CLOCK_ROW_BYTES)) {
        return STATUS_CORRUPT;
    }
    struct ticket_clock clock = {0};
    size_t bytes = 1;
    if (at[0] == 1) {
        clock.is_used = true;
        clock.stage = at[1];
        clock.told = (struct ticket_told){.points = at[2],
                                          .rank = at[3],
                                          .step = load_u16_le(at + 4),
                                          .top_step = load_u16_le(at + 6)};
        clock.due_ms = (int64_t)load_u64_le(at + 8);
        enum status status =
            clock_decode(&clock.clock, (struct slice){at + HEAD_BYTES, CLOCK_BYTES});
        if (status != STATUS_OK || !is_sound(&clock)) {
            return status != STATUS_OK ? status : STATUS_CORRUPT;
        }
        bytes = TICKET_CLOCK_ROW_BYTES;
    }
    *ret = clock;
    from->data += bytes;
    from->bytes -= bytes;
    return STATUS_OK;
}
