#include "server/domain/service_time.h"

#include "server/process/log.h"
#include "server/process/wall_clock.h"

#include <time.h>

/* Counts suspended time too. */
static int64_t monotonic_ms(void) {
    struct timespec now;
    int failure = clock_gettime(CLOCK_BOOTTIME, &now);
    CHECK(failure == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void tell(const struct service_time *time, const struct time_reading *reading) {
    static const char *const texts[] = {
        [TIME_SUSPECT] = "the wall clock is older than the newest report or not set: deadlines are "
                         "held for 60 s",
        [TIME_STEPPED_BACK] =
            "the wall clock was set back: service time goes on slowly until it is "
            "reached again",
        [TIME_STEPPED_FORWARD] = "the wall clock was set forward: deadlines that only this makes "
                                 "due are held for 60 s",
        [TIME_CONFIRMED] = "the wall clock is believed again",
        [TIME_WITHDRAWN] = "the wall clock came back: the step never happened",
    };
    if (reading->event == TIME_STEADY) {
        return;
    }
    time->metrics->clock_steps_total++;
    log_line(LOG_LEVEL_WARN, LOG_CLOCK, texts[reading->event], "step_ms", LOG_I64, reading->step_ms,
             "service_ms", LOG_I64, reading->service_ms, NULL);
}

static void take(struct service_time *time, const struct time_reading *reading) {
    tell(time, reading);
    time->now_ms = reading->service_ms;
    time->fire_ms = reading->fire_ms;
    time->read_loop_ms = uv_now(time->loop);
    time->metrics->clock_suspect = time->guard.holding || time->guard.suspect;
}

void service_time_init(struct service_time *time, const uv_loop_t *loop, struct metrics *metrics) {
    *time = (struct service_time){.loop = loop, .metrics = metrics};
    const struct time_reading reading =
        time_guard_init(&time->guard, monotonic_ms(), wall_clock_ms(), INT64_MIN);
    /* Whether the clock is suspect is said once the journal is open. */
    time->now_ms = reading.service_ms;
    time->fire_ms = INT64_MIN;
    time->read_loop_ms = uv_now(loop);
}

void service_time_start(struct service_time *time, int64_t newest_commit_ms) {
    const struct time_reading reading =
        time_guard_init(&time->guard, monotonic_ms(), wall_clock_ms(), newest_commit_ms);
    take(time, &reading);
}

/* uv_now changes only when the loop turns. */
static void look(struct service_time *time) {
    if (uv_now(time->loop) != time->read_loop_ms) {
        const struct time_reading reading =
            time_guard_read(&time->guard, monotonic_ms(), wall_clock_ms());
        take(time, &reading);
    }
}

int64_t service_time_ms(struct service_time *time) {
    look(time);
    return time->now_ms;
}

int64_t service_time_fire_ms(struct service_time *time) {
    look(time);
    return time->fire_ms;
}
