#include "core/time/calendar_walk.h"

enum { WALK_DAYS_MAX = 10 * CALENDAR_AHEAD_DAYS_MAX };

/* A stretch of one kind within one day. */
struct stretch {
    enum calendar_piece_kind kind;
    int64_t to_ms;
};

void calendar_walk_init(struct calendar_walk *walk, const struct calendar *calendar,
                        enum metering metering, int64_t start_ms, int64_t from_ms, int64_t to_ms) {
    CHECK(calendar->sealed);
    CHECK(from_ms >= to_ms || to_ms - from_ms <= WALK_DAYS_MAX * (int64_t)DAY_MS);
    *walk = (struct calendar_walk){.calendar = calendar,
                                   .metering = metering,
                                   .at_ms = from_ms,
                                   .count_from_ms =
                                       calendar_count_from_ms(calendar, metering, start_ms),
                                   .to_ms = to_ms};
}

/* The stretch of a working day around `of_day_ms`; `to_ms` of the result counts from midnight. */
static struct stretch stretch_of_day(const struct calendar_day *day, int64_t of_day_ms) {
    for (uint32_t i = 0; i < day->intervals_count; i++) {
        int64_t from_ms = day->intervals[i].from_s * INT64_C(1000);
        int64_t to_ms = day->intervals[i].to_s * INT64_C(1000);
        if (of_day_ms < from_ms) {
            return (struct stretch){i == 0 ? CALENDAR_NIGHT : CALENDAR_LUNCH, from_ms};
        }
        if (of_day_ms < to_ms) {
            return (struct stretch){CALENDAR_COUNTED, to_ms};
        }
    }
    return (struct stretch){CALENDAR_NIGHT, DAY_MS};
}

static struct stretch stretch_at(const struct calendar_walk *walk, int64_t ms) {
    const struct calendar *calendar = walk->calendar;
    if (ms < walk->count_from_ms && walk->metering == METERING_WORK_DAY) {
        return (struct stretch){CALENDAR_STARTING_DAY, walk->count_from_ms};
    }
    if (walk->metering == METERING_URGENT_HOUR) {
        return (struct stretch){CALENDAR_COUNTED, walk->to_ms};
    }
    int64_t day = calendar_day_at(calendar, ms);
    int64_t midnight_ms = calendar_midnight_ms(calendar, day);
    enum calendar_pattern pattern = calendar_pattern_of(calendar, day);
    const struct calendar_day *attendance = &calendar->patterns[pattern];
    struct stretch stretch = {pattern == CALENDAR_HOLIDAY ? CALENDAR_DAY_OFF : CALENDAR_WEEKEND,
                              DAY_MS};
    if (attendance->intervals_count > 0) {
        stretch = stretch_of_day(attendance, ms - midnight_ms);
    }
    stretch.to_ms += midnight_ms;
    CHECK(stretch.to_ms > ms);
    return stretch;
}

bool calendar_walk_next(struct calendar_walk *walk, struct calendar_piece *ret_piece) {
    if (walk->at_ms >= walk->to_ms) {
        return false;
    }
    struct stretch stretch = stretch_at(walk, walk->at_ms);
    struct calendar_piece piece = {.kind = stretch.kind, .from_ms = walk->at_ms};
    while (stretch.to_ms < walk->to_ms) {
        struct stretch next = stretch_at(walk, stretch.to_ms);
        if (next.kind != piece.kind) {
            break;
        }
        stretch = next;
    }
    piece.to_ms = stretch.to_ms < walk->to_ms ? stretch.to_ms : walk->to_ms;
    if (piece.kind == CALENDAR_COUNTED) {
        piece.units = calendar_metered(walk->calendar, walk->metering, piece.from_ms, piece.to_ms);
    }
    walk->at_ms = piece.to_ms;
    *ret_piece = piece;
    return true;
}

const char *calendar_piece_name(enum calendar_piece_kind kind) {
    static const char *const names[] = {
        [CALENDAR_COUNTED] = "counted", [CALENDAR_NIGHT] = "night",
        [CALENDAR_LUNCH] = "lunch",     [CALENDAR_WEEKEND] = "weekend",
        [CALENDAR_DAY_OFF] = "holiday", [CALENDAR_STARTING_DAY] = "starting_day"};
    CHECK(kind >= CALENDAR_COUNTED && kind <= CALENDAR_STARTING_DAY);
    return names[kind];
}
