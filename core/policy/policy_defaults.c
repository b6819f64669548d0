/* What holds when a policy file says nothing. */
#include "core/base/check.h"
#include "core/policy/policy_code.h"
#include "core/time/calendar.h"

#include <string.h>

#define SECONDS(n)                                                                                 \
    { METERING_URGENT_HOUR, (n) }
#define MINUTES(n) SECONDS((n)*60)
#define HOURS(n) SECONDS((n)*3600)
#define DAYS(n) SECONDS((n)*86400)
#define WORK_MINUTES(n)                                                                            \
    { METERING_WORK_HOUR, (n)*60 }
#define WORK_HOURS(n) WORK_MINUTES((n)*60)
#define WORK_DAYS(n)                                                                               \
    { METERING_WORK_DAY, (n) }
#define NONE SECONDS(0)

/* Each priority takes after one row of domain.md 3.7: P1 gas_leak, P2 utility_outage (on the scene
 * within the hour of ponding), P3 road_damage, P4 water_body. Overall is accept + dispatch + handle
 * + check, rounded up to the next whole unit of handle. */
static const struct stage_limit limits_of[5][STAGE_COUNT] = {
    [1] = {[STAGE_ACCEPT] = MINUTES(5),
           [STAGE_VERIFY] = HOURS(1),
           [STAGE_DISPATCH] = MINUTES(5),
           [STAGE_SIGN] = MINUTES(10),
           [STAGE_ON_SCENE] = HOURS(1),
           [STAGE_HANDLE] = HOURS(24),
           [STAGE_CHECK] = HOURS(1),
           [STAGE_FOLLOW_UP] = DAYS(1),
           [STAGE_DECIDE] = NONE,
           [STAGE_REPLY] = NONE,
           [STAGE_OVERALL] = HOURS(26)},
    [2] = {[STAGE_ACCEPT] = MINUTES(30),
           [STAGE_VERIFY] = HOURS(1),
           [STAGE_DISPATCH] = MINUTES(30),
           [STAGE_SIGN] = HOURS(1),
           [STAGE_ON_SCENE] = HOURS(1),
           [STAGE_HANDLE] = HOURS(24),
           [STAGE_CHECK] = HOURS(2),
           [STAGE_FOLLOW_UP] = DAYS(1),
           [STAGE_DECIDE] = NONE,
           [STAGE_REPLY] = NONE,
           [STAGE_OVERALL] = HOURS(27)},
    [3] = {[STAGE_ACCEPT] = WORK_MINUTES(30),
           [STAGE_VERIFY] = WORK_HOURS(2),
           [STAGE_DISPATCH] = WORK_HOURS(1),
           [STAGE_SIGN] = WORK_HOURS(1),
           [STAGE_ON_SCENE] = NONE,
           [STAGE_HANDLE] = WORK_DAYS(5),
           [STAGE_CHECK] = WORK_DAYS(1),
           [STAGE_FOLLOW_UP] = DAYS(7),
           [STAGE_DECIDE] = NONE,
           [STAGE_REPLY] = NONE,
           [STAGE_OVERALL] = WORK_DAYS(7)},
    [4] = {[STAGE_ACCEPT] = WORK_HOURS(2),
           [STAGE_VERIFY] = WORK_HOURS(2),
           [STAGE_DISPATCH] = WORK_DAYS(1),
           [STAGE_SIGN] = WORK_DAYS(1),
           [STAGE_ON_SCENE] = NONE,
           [STAGE_HANDLE] = WORK_DAYS(15),
           [STAGE_CHECK] = WORK_DAYS(1),
           [STAGE_FOLLOW_UP] = NONE,
           [STAGE_DECIDE] = NONE,
           [STAGE_REPLY] = NONE,
           [STAGE_OVERALL] = WORK_DAYS(18)},
};

void policy_default_limits(struct stage_limit limits[STAGE_COUNT], unsigned priority) {
    CHECK(priority >= 1 && priority <= 4);
    memcpy(limits, limits_of[priority], sizeof limits_of[priority]);
}

/* domain.md 3.5; P4's ack is ours. The root of the tree is taken to be a city. */
static const struct ladder ladders[5] = {
    [1] = {.reminder_percent = 50,
           .near_percent = 80,
           .step_s = 600,
           .step_percent = 25,
           .repeat_s = 1800,
           .top_level = 0,
           .ack = MINUTES(15),
           .unacked_s = {300, 600, 900}},
    [2] = {.reminder_percent = 50,
           .near_percent = 80,
           .step_s = 600,
           .step_percent = 25,
           .repeat_s = 14400,
           .top_level = 1,
           .ack = HOURS(1)},
    [3] = {.near_percent = 80,
           .step_s = 600,
           .step_percent = 25,
           .repeat_s = 14400,
           .top_level = 1,
           .ack = WORK_HOURS(4)},
    [4] = {.near_percent = 80,
           .step_s = 600,
           .step_percent = 25,
           .repeat_s = 14400,
           .top_level = 1,
           .ack = WORK_DAYS(1)},
};

/* domain.md 3.6; P4's is ours. */
static const struct stage_limit decide[5] = {
    [1] = MINUTES(10), [2] = MINUTES(30), [3] = WORK_HOURS(4), [4] = WORK_DAYS(1)};

/* domain.md 4.2; the overlap is ours. */
static const struct fire_rules fire = {
    .observers = {[OBSERVER_PERSON] = {3600, 500},
                  [OBSERVER_RANGER] = {3600, 100},
                  [OBSERVER_CAMERA] = {1800, FIRE_SECTOR_M_MAX},
                  [OBSERVER_SENSOR] = {3600, 100},
                  [OBSERVER_VIIRS] = {12 * 3600, 375},
                  [OBSERVER_MODIS] = {12 * 3600, 1000},
                  [OBSERVER_GEOSTATIONARY] = {3600, FIRE_DISC_M_MAX},
                  [OBSERVER_SYSTEM] = {3600, 500}},
    .rekindle_m = 500,
    .overlap_percent = 10,
    .sequence_gap_s = 7200,
    .confirm_frames = 3,
    .confirm_within_s = 300,
};

/* domain.md 4.2, sensor alarm. */
static const struct alarm_rules alarm = {.raise_samples = 2, .raise_for_s = 30, .clear_for_s = 120};

/* domain.md 3.3, 23 asks for a limit and names none: as long as an ack holds (3.5), since what a
 * supervisor asks about is due no later than what a unit's own word would have put off. */
static const struct stage_limit reply[5] = {
    [1] = MINUTES(15), [2] = HOURS(1), [3] = WORK_HOURS(4), [4] = WORK_DAYS(1)};

void policy_default_rules(struct policy *policy) {
    memcpy(policy->ladders, ladders, sizeof ladders);
    memcpy(policy->decide, decide, sizeof decide);
    policy->fire = fire;
    policy->alarm = alarm;
    memcpy(policy->reply, reply, sizeof reply);
    policy->ladder_pause_s = LADDER_PAUSE_S_DEFAULT;
    policy->archive_s = 7 * 86400;   /* domain.md 3.3, 25 */
    policy->reopen_s = 30 * 86400;   /* domain.md 3.3, 22 */
    policy->return_s = 4 * 3600;     /* ours: half a working day */
    policy->self_check_percent = 10; /* domain.md 3.3, 6 */
    CHECK(policy->merge_classes_count == 0);
    policy->merge_classes[policy->merge_classes_count++] =
        (struct merge_class){.code = "never", .kind = MERGE_NEVER};
}
