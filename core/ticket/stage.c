#include "core/ticket/stage.h"

#include "core/base/check.h"
#include "core/time/calendar.h"

static const char *const names[] = {
#define NAME(name, text) [STAGE_##name] = (text),
    STAGE_TABLE(NAME)
#undef NAME
};

const char *stage_name(enum stage stage) {
    CHECK((size_t)stage < ARRAY_COUNT(names));
    return names[stage];
}

bool stage_parse(enum stage *ret, struct slice text) {
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (slice_is(text, names[i])) {
            *ret = (enum stage)i;
            return true;
        }
    }
    return false;
}

enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S };

static const struct limit_word {
    const char *suffix;
    enum metering metering;
    uint32_t factor, amount_max; /* the amount of one, and the largest amount */
} words[] = {
    {"s", METERING_URGENT_HOUR, 1, LIMIT_DAYS_MAX *DAY_S},
    {"m", METERING_URGENT_HOUR, 60, LIMIT_DAYS_MAX *DAY_S},
    {"h", METERING_URGENT_HOUR, HOUR_S, LIMIT_DAYS_MAX *DAY_S},
    {"d", METERING_URGENT_HOUR, DAY_S, LIMIT_DAYS_MAX *DAY_S},
    {"wm", METERING_WORK_HOUR, 60, LIMIT_DAYS_MAX *LIMIT_DAY_WORK_HOURS *HOUR_S},
    {"wh", METERING_WORK_HOUR, HOUR_S, LIMIT_DAYS_MAX *LIMIT_DAY_WORK_HOURS *HOUR_S},
    {"wd", METERING_WORK_DAY, 1, LIMIT_DAYS_MAX},
};

/* The number in front; its digits are taken off the text. 0: there is none. */
static uint32_t take_number(struct slice *text) {
    uint64_t value = 0;
    while (text->bytes > 0 && text->data[0] >= '0' && text->data[0] <= '9') {
        value = value * 10 + (uint64_t)(text->data[0] - '0');
        if (value == 0 || value > UINT32_MAX) {
            return 0;
        }
        text->data++;
        text->bytes--;
    }
    return (uint32_t)value;
}

bool stage_limit_parse(struct stage_limit *ret, struct slice text) {
    if (slice_is(text, "none")) {
        *ret = (struct stage_limit){METERING_URGENT_HOUR, 0};
        return true;
    }
    uint64_t number = take_number(&text);
    for (size_t i = 0; number > 0 && i < ARRAY_COUNT(words); i++) {
        if (slice_is(text, words[i].suffix)) {
            uint64_t amount = number * words[i].factor;
            if (amount > words[i].amount_max) {
                return false;
            }
            *ret = (struct stage_limit){(uint8_t)words[i].metering, (uint32_t)amount};
            return true;
        }
    }
    return false;
}

bool stage_limit_is_valid(struct stage_limit limit) {
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (words[i].metering == limit.unit) {
            return limit.amount <= words[i].amount_max;
        }
    }
    return false;
}
