#include "core/text/instant.h"

#include "core/base/check.h"

#include <string.h>

enum {
    MINUTE_MS = 60000,
    DAYS_PER_ERA = 146097,  /* 400 Gregorian years */
    DAYS_TO_EPOCH = 719468, /* 0000-03-01 to 1970-01-01 */
    FIRST_DAY = -719528,    /* 0000-01-01 */
    LAST_DAY = 2932896,     /* 9999-12-31 */
    LENGTH_MIN = sizeof "2026-11-22T08:30:00Z" - 1,
};

struct civil {
    int year, month, day;
};

/* Years are counted from March, so that the leap day is the last one of its year; then a month's
 * first day within the year is (153 * month + 2) / 5. */
static int64_t day_from_civil(struct civil civil) {
    CHECK(civil.year >= 0 && civil.month >= 1 && civil.month <= 12 && civil.day >= 1);
    int64_t year = civil.year + 400 - (civil.month <= 2);
    int64_t era = year / 400 - 1;
    int64_t year_of_era = year % 400;
    int64_t month = (civil.month + 9) % 12;
    int64_t day_of_year = (153 * month + 2) / 5 + civil.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH;
}

static struct civil civil_from_day(int64_t day) {
    CHECK(day >= FIRST_DAY && day <= LAST_DAY);
    int64_t shifted = day + DAYS_TO_EPOCH + DAYS_PER_ERA;
    int64_t era = shifted / DAYS_PER_ERA - 1;
    int64_t day_of_era = shifted % DAYS_PER_ERA;
    /* 1,460 / 36,524 / 146,096: the last day of a 4-, 100- and 400-year cycle must not count as a
     * year of its own. */
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    return (struct civil){.year = (int)(year_of_era + era * 400 + (month >= 10)),
                          .month = (int)(month < 10 ? month + 3 : month - 9),
                          .day = (int)(day_of_year - (153 * month + 2) / 5 + 1)};
}

static int days_in_month(int year, int month) {
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    CHECK(month >= 1 && month <= 12);
    return days[month - 1] + (month == 2 && leap);
}

/* Two digits as a number, or -1. */
static int two_digits(const uint8_t *at) {
    unsigned tens = at[0] - (unsigned)'0';
    unsigned ones = at[1] - (unsigned)'0';
    return tens > 9 || ones > 9 ? -1 : (int)(tens * 10 + ones);
}

static bool refuse(const char **ret_why, const char *why) {
    *ret_why = why;
    return false;
}

/* YYYY-MM-DD; the caller guarantees ten bytes. */
static bool parse_date(int64_t *ret_day, const uint8_t *at, const char **ret_why) {
    int century = two_digits(at);
    int years = two_digits(at + 2);
    int month = two_digits(at + 5);
    int day = two_digits(at + 8);
    if (century < 0 || years < 0 || month < 0 || day < 0 || at[4] != '-' || at[7] != '-') {
        return refuse(ret_why, "the date is not written YYYY-MM-DD");
    }
    int year = century * 100 + years;
    if (month < 1 || month > 12) {
        return refuse(ret_why, "the month is not 01 to 12");
    }
    if (day < 1 || day > days_in_month(year, month)) {
        return refuse(ret_why, "the month has no such day");
    }
    *ret_day = day_from_civil((struct civil){year, month, day});
    return true;
}

struct clock_time {
    int64_t ms;        /* since midnight; of second 59 when `leap` */
    bool leap;         /* the second is written 60 */
    const uint8_t *at; /* behind it */
};

/* HH:MM:SS with an optional fraction; the caller guarantees eight bytes and one more. */
static bool parse_clock(struct clock_time *ret, const uint8_t *at, const uint8_t *end,
                        const char **ret_why) {
    int hour = two_digits(at);
    int minute = two_digits(at + 3);
    int second = two_digits(at + 6);
    if (hour < 0 || minute < 0 || second < 0 || at[2] != ':' || at[5] != ':') {
        return refuse(ret_why, "the time is not written HH:MM:SS");
    }
    if (hour > 23 || minute > 59 || second > 60) {
        return refuse(ret_why, "the hour, the minute or the second is out of range");
    }
    struct clock_time clock = {.leap = second == 60, .at = at + 8};
    clock.ms = (hour * 60 + minute) * INT64_C(60000) + (clock.leap ? 59 : second) * INT64_C(1000);
    if (clock.at < end && *clock.at == '.') {
        const uint8_t *first = ++clock.at;
        int64_t unit_ms = 100;
        for (; clock.at < end && *clock.at >= '0' && *clock.at <= '9'; clock.at++) {
            clock.ms += clock.leap ? 0 : (*clock.at - '0') * unit_ms;
            unit_ms /= 10;
        }
        if (clock.at == first) {
            return refuse(ret_why, "the fraction of the second has no digit");
        }
    }
    *ret = clock;
    return true;
}

/* Z or +HH:MM or -HH:MM up to the end. */
static bool parse_zone(int64_t *ret_offset_ms, const uint8_t *at, const uint8_t *end,
                       const char **ret_why) {
    if (at == end) {
        return refuse(ret_why, "the time has no zone: end it with Z or an offset like +08:00");
    }
    if (*at == 'Z' || *at == 'z') {
        *ret_offset_ms = 0;
        return at + 1 == end || refuse(ret_why, "something follows the zone");
    }
    if (*at != '+' && *at != '-') {
        return refuse(ret_why, "the zone is neither Z nor an offset like +08:00");
    }
    if (end - at < 6 || at[3] != ':') {
        return refuse(ret_why, "the zone offset is not written like +08:00");
    }
    int hours = two_digits(at + 1);
    int minutes = two_digits(at + 4);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) {
        return refuse(ret_why, "the zone offset is not 00:00 to 23:59");
    }
    int64_t offset_ms = (hours * 60 + minutes) * INT64_C(60000);
    *ret_offset_ms = *at == '-' ? -offset_ms : offset_ms;
    return at + 6 == end || refuse(ret_why, "something follows the zone");
}

bool instant_parse(int64_t *ret_ms, struct slice text, const char **ret_why) {
    CHECK(text.data != NULL || text.bytes == 0);
    if (text.bytes < LENGTH_MIN) {
        return refuse(ret_why, text.bytes == LENGTH_MIN - 1
                                   ? "the time has no zone: end it with Z or an offset like +08:00"
                                   : "the time is too short: write it like 2026-11-22T08:30:00Z");
    }
    const uint8_t *end = text.data + text.bytes;
    int64_t day;
    struct clock_time clock;
    int64_t offset_ms;
    if (!parse_date(&day, text.data, ret_why)) {
        return false;
    }
    if ((text.data[10] | 0x20) != 't') {
        return refuse(ret_why, "the date and the time are not separated by T");
    }
    if (!parse_clock(&clock, text.data + 11, end, ret_why) ||
        !parse_zone(&offset_ms, clock.at, end, ret_why)) {
        return false;
    }
    int64_t ms = day * DAY_MS + clock.ms - offset_ms;
    if (clock.leap) {
        ms += 1000;
        if (ms % DAY_MS != 0) {
            return refuse(ret_why, "a leap second is only at 23:59:60 UTC");
        }
    }
    if (ms < (int64_t)FIRST_DAY * DAY_MS || ms >= (LAST_DAY + INT64_C(1)) * DAY_MS) {
        return refuse(ret_why, "in UTC the time is outside the years 0000 to 9999");
    }
    *ret_ms = ms;
    return true;
}

static void put_digits(char *to, int64_t value, int digits) {
    CHECK(value >= 0);
    for (int i = digits - 1; i >= 0; i--) {
        to[i] = (char)('0' + value % 10);
        value /= 10;
    }
}

void instant_format(char *to, int64_t ms) {
    int64_t day = instant_day(ms);
    struct civil civil = civil_from_day(day);
    int64_t of_day = ms - day * DAY_MS;
    CHECK(of_day >= 0 && of_day < DAY_MS);
    memcpy(to, "0000-00-00T00:00:00.000Z", INSTANT_TEXT_BYTES);
    put_digits(to, civil.year, 4);
    put_digits(to + 5, civil.month, 2);
    put_digits(to + 8, civil.day, 2);
    put_digits(to + 11, of_day / MINUTE_MS / 60, 2);
    put_digits(to + 14, of_day / MINUTE_MS % 60, 2);
    put_digits(to + 17, of_day / 1000 % 60, 2);
    put_digits(to + 20, of_day % 1000, 3);
}
