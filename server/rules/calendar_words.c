#include "server/rules/calendar_words.h"

#include <stdio.h>
#include <string.h>

static bool refuse(const char **ret_why, const char *why) {
    *ret_why = why;
    return false;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* HH:MM as seconds, up to 24:00. Looks no further than a NUL. */
static bool parse_time(uint32_t *ret_s, const char *at) {
    if (!is_digit(at[0]) || !is_digit(at[1]) || at[2] != ':' || !is_digit(at[3]) ||
        !is_digit(at[4])) {
        return false;
    }
    uint32_t hours = (uint32_t)((at[0] - '0') * 10 + at[1] - '0');
    uint32_t minutes = (uint32_t)((at[3] - '0') * 10 + at[4] - '0');
    *ret_s = hours * 3600 + minutes * 60;
    return minutes < 60 && *ret_s <= CALENDAR_DAY_S;
}

bool calendar_date_parse(int32_t *ret_day, const char *text, const char **ret_why) {
    char midnight[sizeof "2026-11-24T00:00:00Z"];
    int64_t ms;
    if (strlen(text) != sizeof "2026-11-24" - 1) {
        return refuse(ret_why, "the date is not written YYYY-MM-DD");
    }
    snprintf(midnight, sizeof midnight, "%sT00:00:00Z", text);
    if (!instant_parse(&ms, slice_text(midnight), ret_why)) {
        return false;
    }
    *ret_day = (int32_t)instant_day(ms);
    return true;
}

bool calendar_interval_parse(struct calendar_interval *ret, const char *text,
                             const char **ret_why) {
    struct calendar_interval interval;
    if (!parse_time(&interval.from_s, text) || text[5] != '-' ||
        !parse_time(&interval.to_s, text + 6) || text[11] != '\0') {
        return refuse(ret_why, "is not written HH:MM-HH:MM, like 08:30-12:00");
    }
    if (interval.from_s >= interval.to_s) {
        return refuse(ret_why, "ends before it begins; split what goes over midnight");
    }
    *ret = interval;
    return true;
}

bool calendar_offset_parse(int32_t *ret_s, const char *text, const char **ret_why) {
    uint32_t offset_s;
    if ((text[0] != '+' && text[0] != '-') || !parse_time(&offset_s, text + 1) || text[6] != '\0') {
        return refuse(ret_why, "is not written like +08:00");
    }
    if (offset_s > CALENDAR_OFFSET_S_MAX) {
        return refuse(ret_why, "is more than 14 hours from UTC");
    }
    *ret_s = text[0] == '-' ? -(int32_t)offset_s : (int32_t)offset_s;
    return true;
}
