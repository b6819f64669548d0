/* The stages of a ticket's life that have limits (domain.md 3.4), and the limit as the policy gives
 * it. Numbers are on disk: never reused. */
#ifndef CORE_TICKET_STAGE_H
#define CORE_TICKET_STAGE_H

#include "core/limits.h"

#define STAGE_TABLE(X)                                                                             \
    X(ACCEPT, "accept")       /* reported until accepted or rejected */                            \
    X(VERIFY, "verify")       /* a worker looks whether it is so */                                \
    X(DISPATCH, "dispatch")   /* accepted until a unit has it */                                   \
    X(SIGN, "sign")           /* dispatched until the unit has signed (deemed signed then) */      \
    X(ON_SCENE, "on_scene")   /* dispatched until somebody is there */                             \
    X(HANDLE, "handle")       /* dispatched until the result is in */                              \
    X(CHECK, "check")         /* result until it was checked */                                    \
    X(FOLLOW_UP, "follow_up") /* closed until the reporter was asked */                            \
    X(DECIDE, "decide")       /* a request until somebody decides on it */                         \
    X(OVERALL, "overall")     /* received until closed */                                          \
    X(REPLY, "reply")         /* supervised until who has it answers */

enum stage {
#define STAGE_ENUM(name, text) STAGE_##name,
    STAGE_TABLE(STAGE_ENUM)
#undef STAGE_ENUM
        STAGE_COUNT
};
const char *stage_name(enum stage stage);
MUST_USE bool stage_parse(enum stage *ret, struct slice text);

struct stage_limit {
    uint8_t unit;    /* enum metering (core/time/calendar.h) */
    uint32_t amount; /* seconds of urgent_hour and work_hour, days of work_day; 0: no limit */
};

/* "90s", "30m", "24h", "7d" elapsed (urgent_hour); "30wm", "4wh" (work_hour); "5wd" (work_day);
 * "none". A number is 1 or more, without sign or leading zeros; false also above
 * LIMIT_DAYS_MAX days. */
MUST_USE bool stage_limit_parse(struct stage_limit *ret, struct slice text);
/* No limit, or a known unit and an amount that stage_limit_parse could have given. */
MUST_USE bool stage_limit_is_valid(struct stage_limit limit);

#endif
