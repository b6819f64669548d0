#include "tests/sim/sim_swarm.h"

#include "core/base/check.h"
#include "tests/sim/sim_random.h"

/* On in every other seed, then somewhere up to `most`. */
static uint32_t maybe(uint64_t most) {
    uint64_t value = sim_between(STREAM_SWARM, 1, most);
    return sim_chance(STREAM_SWARM, 500) ? (uint32_t)value : 0;
}

static uint64_t one_of(const uint64_t *values, size_t count) {
    return values[sim_below(STREAM_SWARM, count)];
}

#define ONE_OF(...)                                                                                \
    one_of((const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / 8)

/* Small enough that tables fill, runs are sealed, identities are forgotten and readers fall out of
 * the ring within a few hundred reports. */
static void draw_limits(struct limits *limits) {
    limits_init(limits);
    limits->block_entries = ONE_OF(STEP_ENTRIES_MAX, 64, 128);
    limits->block_bytes = 128 * KIB;
    limits->run_entries = ONE_OF(128, 192, 256);
    limits->run_bytes = 256 * KIB;
    limits->run_age_ms = ONE_OF(2000, 20000, 600000);
    limits->identities = 1024;
    limits->commit_pause_bytes = 64 * KIB;
    limits->commit_queue_bytes = 128 * KIB;
    limits->ring_bytes = 64 * KIB;
    limits->feed_heartbeat_ms = ONE_OF(5000, 15000);
    limits->feed_buffer_bytes = ONE_OF(4 * KIB, 16 * KIB, 256 * KIB);
    limits->feed_age_ms = ONE_OF(20000, 3600000);
    limits->regions = 64;
    limits->open_incidents = ONE_OF(32, 512, 2048);
    limits->open_tickets = ONE_OF(48, 512, 2048);
    limits->joint_tickets = 16;
    limits->open_directives = ONE_OF(4, 64);
    limits->directive_addressees = 8;
    limits->deadline_horizon_ms = ONE_OF(1000, 10000, 7200000);
    limits->deadlines_in_memory = ONE_OF(64, 4096);
    limits->clock_skew_ms = 300000;
    const char *why = NULL;
    CHECK(limits_are_consistent(limits, &why));
}

static void draw_faults(struct sim_swarm *swarm) {
    swarm->crashes = maybe(4);
    swarm->write_fails = maybe(8);
    swarm->seal_fails = maybe(60);
    swarm->read_fails = maybe(20);
    swarm->iter_fails = maybe(80);
    swarm->disk_stalls = maybe(10);
    swarm->recovery_crashes = maybe(300);
    swarm->clock_steps = maybe(60);
    swarm->clock_1970 = maybe(300);
    swarm->pauses = maybe(20);
    swarm->slow_disk = sim_chance(STREAM_SWARM, 300);
}

void sim_swarm_draw(struct sim_swarm *swarm, uint64_t safety_ms) {
    *swarm = (struct sim_swarm){.safety_ms = safety_ms};
    draw_faults(swarm);
    swarm->repeats = 100 + maybe(400);
    swarm->lies = maybe(80);
    swarm->invalids = maybe(50);
    swarm->forgets = maybe(300);
    swarm->abandons = maybe(60);
    swarm->twice = maybe(100);
    swarm->suspects = maybe(60);
    swarm->stale_cursors = maybe(300);
    swarm->forged_cursors = maybe(100);
    swarm->slow_readers = maybe(300);
    swarm->disconnects = maybe(60);
    swarm->command_repeats = 50 + maybe(300);
    swarm->devices = (uint32_t)sim_between(STREAM_SWARM, 1, 8);
    swarm->centres = (uint32_t)sim_between(STREAM_SWARM, 1, 5);
    swarm->desks = (uint32_t)sim_between(STREAM_SWARM, 0, 2);
    swarm->ids = (uint32_t)sim_between(STREAM_SWARM, 20, 400);
    swarm->uploads_per_s = (uint32_t)sim_between(STREAM_SWARM, 1, 6);
    swarm->commands_per_s = (uint32_t)sim_between(STREAM_SWARM, 1, 6);
    swarm->safety_ms = safety_ms != 0 ? safety_ms : sim_between(STREAM_SWARM, 5000, 30000);
    swarm->liveness_ms = 60000;
    draw_limits(&swarm->limits);
}

void sim_swarm_calm(struct sim_swarm *swarm) {
    swarm->crashes = 0;
    swarm->write_fails = swarm->seal_fails = swarm->read_fails = swarm->iter_fails = 0;
    swarm->disk_stalls = swarm->recovery_crashes = 0;
    swarm->clock_steps = swarm->clock_1970 = swarm->pauses = 0;
    swarm->slow_disk = false;
    swarm->abandons = swarm->stale_cursors = swarm->forged_cursors = 0;
    swarm->slow_readers = swarm->disconnects = 0;
}
