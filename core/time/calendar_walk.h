/* Why time was counted or not: cuts a stretch of time into pieces, for the clock explanation.
 *
 * The pieces follow each other without gaps, cover the stretch exactly, and neighbours differ in
 * kind. A free day is one piece with the free days beside it; Friday's evening is `night`, then
 * comes `weekend`, then Monday's early morning as `night` again. */
#ifndef CORE_TIME_CALENDAR_WALK_H
#define CORE_TIME_CALENDAR_WALK_H

#include "core/time/calendar.h"

enum calendar_piece_kind {
    CALENDAR_COUNTED = 1,
    CALENDAR_NIGHT,       /* of a working day, before its first and after its last attendance */
    CALENDAR_LUNCH,       /* between two attendance intervals */
    CALENDAR_WEEKEND,     /* a day without attendance by the week */
    CALENDAR_DAY_OFF,     /* a holiday, also one that falls on a weekend */
    CALENDAR_STARTING_DAY /* what calendar_count_from_ms leaves out */
};

struct calendar_piece {
    enum calendar_piece_kind kind;
    int64_t from_ms, to_ms; /* [from_ms, to_ms) */
    int64_t units;          /* metered in it; 0 unless COUNTED */
};

struct calendar_walk {
    const struct calendar *calendar;
    enum metering metering;
    int64_t at_ms, count_from_ms, to_ms;
};

/* Walks [from_ms, to_ms) of a clock that was started at `start_ms`. Nothing to walk when to_ms is
 * not after from_ms. CHECKs that it is at most ten times CALENDAR_AHEAD_DAYS_MAX days long. */
void calendar_walk_init(struct calendar_walk *walk, const struct calendar *calendar,
                        enum metering metering, int64_t start_ms, int64_t from_ms, int64_t to_ms);
/* False at the end. O(log exceptions) for each day that the piece touches. */
MUST_USE bool calendar_walk_next(struct calendar_walk *walk, struct calendar_piece *ret_piece);

/* "counted", "night", "lunch", "weekend", "holiday", "starting_day". */
const char *calendar_piece_name(enum calendar_piece_kind kind);

#endif
