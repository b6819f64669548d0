/* The horizon beside a model of the rest of the server: a disk with rows in key order, reads that
 * take a while, and owners who take what fires only when its row is still there. */
#include "core/time/horizon.h"
#include "tests/unit/support.h"

enum { DISK_MAX = 4000, FIRE_MAX = 16, SPINS_MAX = 20000 };

struct row {
    struct deadline deadline;
    bool was_due; /* already when it was armed: it may come after later ones */
};

struct world {
    struct limits limits;
    void *memory;
    struct horizon horizon;
    struct row disk[DISK_MAX]; /* sorted */
    size_t disk_count;
    uint64_t objects, random;
    int64_t now_ms, started_ms;
    bool reading, taken;
    struct horizon_load load;
    struct deadline rows[DEADLINE_LOAD_ROWS];
    size_t rows_count;
    bool complete;
    size_t fired, hints, reads, put_off;
};

static struct world world;

static uint64_t below(uint64_t limit) {
    world.random ^= world.random << 13;
    world.random ^= world.random >> 7;
    world.random ^= world.random << 17;
    return (world.random >> 11) % limit;
}

static void start(void) {
    world.started_ms = world.now_ms;
    world.reading = false;
    horizon_init(&world.horizon, world.memory, &world.limits, world.now_ms);
}

static void world_open(uint64_t in_memory, int64_t horizon_ms, int64_t now_ms, uint64_t seed) {
    memset(&world, 0, sizeof world);
    limits_init(&world.limits);
    world.limits.deadlines_in_memory = in_memory;
    world.limits.deadline_horizon_ms = (uint64_t)horizon_ms;
    world.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    world.now_ms = now_ms;
    world.memory = aligned_alloc(32, horizon_bytes(&world.limits));
    assert_non_null(world.memory);
    start();
}

static void world_close(void) {
    free(world.memory);
}

/* Where the deadline is, or would be. */
static size_t disk_find(const struct deadline *deadline) {
    size_t low = 0, high = world.disk_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (deadline_compare(&world.disk[middle].deadline, deadline) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool disk_has(const struct deadline *deadline) {
    size_t at = disk_find(deadline);
    return at < world.disk_count && deadline_compare(&world.disk[at].deadline, deadline) == 0;
}

static void disk_put(const struct deadline *deadline) {
    size_t at = disk_find(deadline);
    assert_true(world.disk_count < DISK_MAX && !disk_has(deadline));
    memmove(&world.disk[at + 1], &world.disk[at], (world.disk_count - at) * sizeof world.disk[0]);
    world.disk[at] = (struct row){*deadline, deadline->due_ms <= world.now_ms};
    world.disk_count++;
}

static void disk_remove(size_t at) {
    world.disk_count--;
    memmove(&world.disk[at], &world.disk[at + 1], (world.disk_count - at) * sizeof world.disk[0]);
}

static void tell(const struct deadline *deadline) {
    world.put_off += horizon_arm(&world.horizon, deadline) == HORIZON_LATER;
}

static struct deadline next_deadline(int64_t due_ms) {
    return (struct deadline){
        .due_ms = due_ms, .object = ++world.objects, .stage = DEADLINE_HANDLE, .point = POINT_NEAR};
}

static void commit(int64_t due_ms) {
    if (world.disk_count < DISK_MAX) {
        struct deadline deadline = next_deadline(due_ms);
        disk_put(&deadline);
        tell(&deadline);
    }
}

static void take_rows(void) {
    world.rows_count = 0;
    world.complete = true;
    for (size_t i = 0; i < world.disk_count; i++) {
        const struct deadline *deadline = &world.disk[i].deadline;
        if (deadline_compare(deadline, &world.load.after) > 0 &&
            deadline->due_ms < world.load.until_ms) {
            if (world.rows_count == world.load.rows_max) {
                world.complete = false;
                break;
            }
            world.rows[world.rows_count++] = *deadline;
        }
    }
    world.taken = true;
}

/* The read looks at the disk some time after it was asked for, and answers some time after that. */
static void go_on_reading(void) {
    if (!world.reading) {
        if (horizon_next_load(&world.horizon, world.now_ms, &world.load)) {
            assert_true(world.load.rows_max >= 1 && world.load.rows_max <= DEADLINE_LOAD_ROWS);
            world.reading = true;
            world.taken = false;
            world.reads++;
        }
    } else if (below(3) == 0) {
        if (!world.taken) {
            take_rows();
        } else {
            world.reading = false;
            if (below(20) == 0) {
                horizon_load_failed(&world.horizon);
            } else {
                horizon_loaded(&world.horizon, world.rows, world.rows_count, world.complete);
            }
        }
    }
}

/* An owner takes what it waits for, once; nothing that was in time is passed over for it. */
static void take_fired(const struct deadline *deadline) {
    assert_true(deadline->due_ms <= world.now_ms);
    if (!disk_has(deadline)) {
        world.hints++;
        return;
    }
    size_t at = disk_find(deadline);
    for (size_t i = 0; i < at; i++) {
        assert_true(world.disk[i].was_due || world.disk[i].deadline.due_ms == deadline->due_ms);
    }
    assert_int_equal(horizon_is_late(&world.horizon, deadline),
                     deadline->due_ms < world.started_ms);
    disk_remove(at);
    world.fired++;
}

static bool turn(void) {
    struct deadline due[FIRE_MAX];
    bool more;
    size_t max = 1 + below(FIRE_MAX);
    size_t count = horizon_fire(&world.horizon, world.now_ms, due, max, &more);
    assert_true(count <= max);
    for (size_t i = 0; i < count; i++) {
        take_fired(&due[i]);
    }
    bool was_reading = world.reading;
    go_on_reading();
    assert_true(wheel_count(&world.horizon.wheel) <= world.limits.deadlines_in_memory);
    return count > 0 || more || was_reading || world.reading;
}

/* Until nothing is left to do at this instant: all that is due has fired, the next wake-up comes in
 * time for the next deadline, and not before there is something to do. */
static void settle(void (*meanwhile)(void)) {
    for (int spins = 0; turn(); spins++) {
        if (spins > SPINS_MAX) {
            fail_msg("it never comes to rest");
        }
        if (meanwhile != NULL && spins < 200) {
            meanwhile();
        }
    }
    int64_t wake_ms = horizon_wake_ms(&world.horizon);
    if (world.disk_count > 0) {
        assert_true(world.disk[0].deadline.due_ms > world.now_ms);
        assert_true(wake_ms <= world.disk[0].deadline.due_ms);
    }
    assert_true(wake_ms > world.now_ms);
}

static int64_t random_due_ms(void) {
    int64_t horizon_ms = (int64_t)world.limits.deadline_horizon_ms;
    switch (below(6)) {
    case 0:
        return world.now_ms - (int64_t)below(2000);
    case 1:
        return world.now_ms + (int64_t)below(10);
    case 2:
        return world.now_ms + (int64_t)below(20 * (uint64_t)horizon_ms);
    default:
        return world.now_ms + (int64_t)below(2 * (uint64_t)horizon_ms);
    }
}

static void act(void) {
    switch (below(12)) {
    case 0: { /* many at one instant */
        int64_t due_ms = below(2) == 0 ? world.now_ms : random_due_ms();
        for (uint64_t i = below(120); i > 0 && world.disk_count < DISK_MAX / 2; i--) {
            commit(due_ms);
        }
        break;
    }
    case 1:
    case 2:
        if (world.disk_count > 0) {
            disk_remove(below(world.disk_count));
        }
        break;
    case 3: /* cancelled and set again, the very same */
        if (world.disk_count > 0) {
            const struct deadline deadline = world.disk[below(world.disk_count)].deadline;
            tell(&deadline);
        }
        break;
    default:
        commit(random_due_ms());
    }
}

static void act_rarely(void) {
    if (below(8) == 0) {
        act();
    }
}

static void run(uint64_t in_memory, int64_t horizon_ms, uint64_t seed) {
    world_open(in_memory, horizon_ms, INT64_C(1780000000000), seed);
    for (int turns = 0; turns < 120; turns++) {
        for (uint64_t acts = below(30); acts > 0 && world.disk_count < DISK_MAX / 4; acts--) {
            act();
            if (below(4) == 0) {
                turn();
            }
        }
        settle(world.disk_count < DISK_MAX / 4 ? act_rarely : NULL);
        world.now_ms += below(5) == 0 ? (int64_t)below(3 * (uint64_t)horizon_ms)
                                      : (int64_t)below((uint64_t)horizon_ms / 10 + 1);
        if (below(30) == 0) {
            start(); /* a restart: memory is lost, the disk is not */
        }
        settle(NULL);
    }
    world.now_ms += 100 * horizon_ms;
    settle(NULL);
    assert_int_equal(world.disk_count, 0);
    assert_true(world.fired > 500 && world.reads > 20);
}

static void every_deadline_fires_once_in_order(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 15; seed++) {
        run(10000, 7200000, seed);
        assert_int_equal(world.horizon.dropped_total, 0);
        world_close();
    }
}

/* Far less memory than deadlines: the horizon shrinks, and nothing is lost, early or out of order.
 */
static void a_full_memory_shrinks_the_horizon(void **state) {
    (void)state;
    size_t dropped = 0, rewound = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        run(64 + seed % 3 * 20, seed % 2 == 0 ? 7200000 : 60000, seed);
        dropped += world.horizon.dropped_total;
        rewound += world.horizon.rewound_total;
        world_close();
    }
    assert_true(dropped > 1000);
    assert_true(rewound > 10); /* each way of being full was gone */
}

/* At the limit, below and above it. */
static void one_deadline_more_than_fits_is_put_off(void **state) {
    (void)state;
    world_open(64, 7200000, 0, 1);
    settle(NULL);
    for (int i = 0; i < 64; i++) {
        commit(3600000 + i);
    }
    assert_int_equal(wheel_count(&world.horizon.wheel), 64);
    assert_int_equal(world.put_off, 0);
    assert_int_equal(world.horizon.dropped_total, 0);
    commit(3700000); /* farther than all others: they are dropped with its slot, it waits */
    assert_int_equal(world.put_off, 1);
    commit(60000); /* nearer: it has room now */
    assert_int_equal(world.put_off, 1);
    world.now_ms = 60000;
    settle(NULL);
    assert_int_equal(world.fired, 1);
    world.now_ms = 3700000;
    settle(NULL);
    assert_int_equal(world.fired, 66);
    world_close();
}

/* A slot with more in it than one turn may touch is dropped over several, while reads wait. */
static void a_big_slot_is_dropped_in_pieces(void **state) {
    (void)state;
    enum { MANY = 3 * HORIZON_STEPS };
    world_open(MANY, 7200000, 0, 1);
    settle(NULL);
    struct deadline deadline;
    for (int i = 0; i < MANY; i++) { /* owners need not be told of: they are cancelled already */
        deadline = next_deadline(5000 + i % 100);
        assert_int_equal(horizon_arm(&world.horizon, &deadline), HORIZON_ARMED);
    }
    commit(4999);
    assert_int_equal(world.put_off, 1);
    assert_int_equal(wheel_count(&world.horizon.wheel), MANY - HORIZON_STEPS);
    assert_true(horizon_wake_ms(&world.horizon) == INT64_MIN);
    commit(6000);
    assert_int_equal(world.put_off, 2);
    assert_false(horizon_next_load(&world.horizon, 0, &world.load));
    assert_int_equal(wheel_count(&world.horizon.wheel), MANY - 2 * HORIZON_STEPS);
    world.now_ms = 6000;
    settle(NULL);
    assert_int_equal(world.fired, 2);
    assert_int_equal(world.hints, 0);
    world_close();
}

/* What is beyond the horizon takes no memory until its time is near. */
static void far_deadlines_are_on_disk_only(void **state) {
    (void)state;
    world_open(10000, 7200000, 0, 1);
    settle(NULL);
    for (int i = 0; i < 1000; i++) {
        commit(7200000 + i * INT64_C(3600000));
    }
    assert_int_equal(world.put_off, 1000);
    assert_int_equal(wheel_count(&world.horizon.wheel), 0);
    assert_int_equal(horizon_wake_ms(&world.horizon), 3600000);
    for (int hours = 1; hours <= 500; hours++) {
        world.now_ms = hours * INT64_C(3600000);
        settle(NULL);
        assert_int_equal(world.fired, hours < 2 ? 0 : hours - 1);
        assert_true(wheel_count(&world.horizon.wheel) <= 2);
    }
    world_close();
}

/* More overdue than memory holds, at the start: all fire once, in due order, marked late. */
static void what_is_overdue_at_the_start_fires_first(void **state) {
    (void)state;
    world_open(64, 7200000, INT64_C(1780000000000), 3);
    for (int i = 0; i < 3000; i++) {
        struct deadline deadline =
            next_deadline(world.now_ms - 10000000 + (i * 7919 % 3000) * 1000);
        disk_put(&deadline);
    }
    for (size_t i = 0; i < world.disk_count; i++) {
        world.disk[i].was_due = false; /* so each must come before all later ones */
    }
    world.now_ms += 50;
    start();
    settle(NULL);
    assert_int_equal(world.fired, 3000);
    assert_int_equal(world.hints, 0);
    world_close();
}

static void nothing_fires_before_the_first_read(void **state) {
    (void)state;
    world_open(64, 7200000, 1000, 1);
    const struct deadline deadline = next_deadline(500);
    assert_int_equal(horizon_arm(&world.horizon, &deadline), HORIZON_LATER);
    struct deadline due;
    bool more = true;
    assert_int_equal(horizon_fire(&world.horizon, 5000, &due, 1, &more), 0);
    assert_false(more);
    assert_true(horizon_wake_ms(&world.horizon) == INT64_MIN);
    world_close();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_deadline_fires_once_in_order),
        cmocka_unit_test(a_full_memory_shrinks_the_horizon),
        cmocka_unit_test(one_deadline_more_than_fits_is_put_off),
        cmocka_unit_test(a_big_slot_is_dropped_in_pieces),
        cmocka_unit_test(far_deadlines_are_on_disk_only),
        cmocka_unit_test(what_is_overdue_at_the_start_fires_first),
        cmocka_unit_test(nothing_fires_before_the_first_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
