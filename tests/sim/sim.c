#include "tests/sim/sim.h"

#include "core/base/check.h"
#include "storage/verify.h"
#include "tests/sim/sim_loop.h"
#include "tests/sim/sim_outside.h"
#include "tests/sim/sim_random.h"
#include "tests/sim/sim_trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { NS_PER_MS = 1000000, PATIENCE_MS = 4000, SLACK_MS = 5000, LOOK_MS = 500, HELD_MS = 600000 };

/* 2026-03-02, a Monday, 01:00 UTC: attendance has begun at UTC+8. */
static const int64_t BEGIN_MS = INT64_C(1772413200000);

struct sim {
    struct sim_swarm swarm;
    struct sim_disk *disk;
    struct sim_server server;
    struct model model;
    struct devices *devices;
    struct centres *centres;
    struct desks *desks;
    uint32_t crashes_left;
    uint64_t crash_ns;          /* when the next one is due, */
    enum sim_boundary boundary; /* and where; past the patience it is anywhere */
    bool settled;
};

static struct model *published_model;

static void on_published(const struct block *block) {
    model_published(published_model, block);
}

/* Regions. */

static void on_imported(void *context, const struct region_import_result *result) {
    const struct sim_server *server = context;
    if (result->status != STATUS_OK) {
        return;
    }
    const struct region_table *table = regions_current(server->services.regions)->table;
    for (uint32_t i = 0; i < MODEL_REGIONS; i++) {
        INVARIANT("I16", region_find(table, slice_text(model_regions[i].code)) == i,
                  "region %s has another id", model_regions[i].code);
    }
    sim_happened(SITE_REGIONS_IMPORTED);
}

static void import_regions(void *context) {
    struct sim *sim = context;
    struct sim_server *server = &sim->server;
    if (!server->up || server->failed || regions_import_busy(server->services.regions) ||
        region_count(regions_current(server->services.regions)->table) > 0) {
        return;
    }
    uint8_t *rows = malloc(MODEL_REGIONS * (size_t)REGION_ROW_BYTES_MAX);
    CHECK(rows != NULL);
    size_t bytes = 0;
    for (size_t i = 0; i < MODEL_REGIONS; i++) {
        const struct model_region *region = &model_regions[i];
        const struct region_row row = {
            .code = slice_text(region->code),
            .name = slice_text(region->code),
            .parent = slice_text(region->parent < 0 ? "" : model_regions[region->parent].code),
            .leader = slice_text(i % 3 == 0 ? "" : "Leader"),
            .level = region->level,
        };
        bytes += region_row_encode(rows + bytes, &row);
    }
    regions_import(server->services.regions, rows, bytes, MODEL_REGIONS, on_imported, server);
}

/* Starts and ends of the server. */

static void drop_outside(struct sim *sim) {
    devices_drop(sim->devices);
    centres_drop(sim->centres);
    desks_drop(sim->desks);
}

static void verify(struct sim *sim) {
    struct verify_result result = {0};
    struct error error = {""};
    enum status status = sim_disk_seq(sim->disk) == 0
                             ? STATUS_OK
                             : verify_store(sim_disk_store(sim->disk), 7, &result, &error);
    INVARIANT("I3", status == STATUS_OK, "the store does not verify: %s: %s", status_name(status),
              error.message);
}

static void start(void *context) {
    struct sim *sim = context;
    if (sim_chance(STREAM_CLOCK, sim->swarm.clock_1970)) {
        sim_happened(SITE_CLOCK_1970);
        sim_wall_step(-sim_wall_ms());
    }
    if (sim_chance(STREAM_CRASH, sim->swarm.recovery_crashes)) {
        sim_disk_die_after(sim->disk, sim_between(STREAM_CRASH, 1, 3));
    }
    bool is_open = sim_server_start(&sim->server);
    sim_disk_die_after(sim->disk, 0);
    if (!is_open) {
        sim_later(sim_between(STREAM_NET, 10, 500) * NS_PER_MS, start, sim);
        return;
    }
    /* What it has recovered is looked at by somebody whose reads do not fail. */
    struct sim_swarm kept = sim->swarm;
    sim->swarm.read_fails = sim->swarm.iter_fails = 0;
    model_recovered(&sim->model, sim->server.services.db);
    if (sim->server.starts % 4 == 2) {
        model_compare(&sim->model, sim->server.services.db);
    }
    sim->swarm = kept;
    sim_later(NS_PER_MS, import_regions, sim);
}

static void crash(struct sim *sim) {
    sim_say("crash");
    drop_outside(sim);
    sim_server_crash(&sim->server);
    if (sim->server.starts % 2 == 1) {
        verify(sim);
    }
    sim_later(sim_between(STREAM_NET, 1, 1000) * NS_PER_MS, start, sim);
}

static bool is_crash_due(const struct sim *sim) {
    uint64_t now_ns = sim_now_ns();
    return now_ns >= sim->crash_ns && (sim_disk_is_at(sim->disk, sim->boundary) ||
                                       now_ns - sim->crash_ns >= PATIENCE_MS * (uint64_t)NS_PER_MS);
}

static void plan_crash(struct sim *sim) {
    sim->boundary = (enum sim_boundary)sim_below(STREAM_CRASH, BOUNDARY_COUNT);
    uint64_t left_ns = sim->swarm.safety_ms * NS_PER_MS / (sim->crashes_left + 1);
    sim->crash_ns = sim->crashes_left == 0 ? UINT64_MAX
                                           : sim_now_ns() + sim_between(STREAM_CRASH, NS_PER_MS,
                                                                        left_ns + 2 * NS_PER_MS);
}

/* Clocks. */

static void clock_faults(void *context) {
    struct sim *sim = context;
    static const int64_t most_ms[] = {1500, 30000, 400000, 3600000, 86400000, 2592000000};
    if (sim_chance(STREAM_CLOCK, sim->swarm.clock_steps)) {
        bool back = sim_chance(STREAM_CLOCK, 500);
        int64_t ms = (int64_t)sim_between(
            STREAM_CLOCK, 1, (uint64_t)most_ms[sim_below(STREAM_CLOCK, ARRAY_COUNT(most_ms))]);
        ms = back && ms > sim_wall_ms() ? sim_wall_ms() : ms;
        sim_wall_step(back ? -ms : ms);
        sim_happened(back ? SITE_CLOCK_BACK : SITE_CLOCK_FORWARD);
        sim_say("the wall clock is set by %" PRId64 " ms", back ? -ms : ms);
    }
    if (sim_chance(STREAM_CLOCK, sim->swarm.pauses)) {
        sim_happened(SITE_PAUSE);
        sim_pause(sim_between(STREAM_CLOCK, 1, 600) * 1000 * NS_PER_MS);
    }
    if (!sim->settled) {
        sim_later(NS_PER_MS * 1000, clock_faults, sim);
    }
}

/* Phases. */

static void safety(struct sim *sim) {
    uint64_t end_ns = sim_now_ns() + sim->swarm.safety_ms * NS_PER_MS;
    plan_crash(sim);
    while (sim_now_ns() < end_ns && sim_step()) {
        if (sim->server.up && sim->server.failed) {
            crash(sim);
        } else if (sim->server.up && is_crash_due(sim)) {
            sim->crashes_left--;
            crash(sim);
            plan_crash(sim);
        }
    }
}

struct overdue {
    const struct incidents *incidents;
    struct model *model;
    int64_t fire_ms;
    uint64_t count;
};

static bool count_overdue(void *context, const struct deadline *deadline, uint64_t armed_seq) {
    struct overdue *overdue = context;
    if (incidents_find(overdue->incidents, deadline->object) == NULL &&
        model_ticket(overdue->model, deadline->object) == NULL) {
        return true; /* of an incident that was over before the server started: verify lets it be */
    }
    sim_say("overdue: object %" PRIu64 " stage %u point %u by %" PRId64 " ms, armed at %" PRIu64,
            deadline->object, deadline->stage, deadline->point, overdue->fire_ms - deadline->due_ms,
            armed_seq);
    overdue->count++;
    return false;
}

/* Rows that were due some seconds ago. */
static bool has_overdue(struct sim *sim) {
    int64_t fire_ms = service_time_fire_ms(&sim->server.time);
    if (fire_ms == INT64_MIN) {
        return true;
    }
    const struct deadline first = {.due_ms = INT64_MIN};
    struct overdue overdue = {&driver_world(sim->server.services.driver)->incidents, &sim->model,
                              fire_ms, 0};
    bool complete = false;
    enum status status = db_walk_deadlines(sim->server.services.db, &first, fire_ms - SLACK_MS,
                                           4096, count_overdue, &overdue, &complete, NULL);
    CHECK(status == STATUS_OK);
    return overdue.count > 0;
}

static bool is_settled(struct sim *sim) {
    const struct sim_server *server = &sim->server;
    if (!server->up || server->failed) {
        return false;
    }
    const struct committer *committer = server->services.committer;
    return committer_durable_seq(committer) + 1 == committer_next_seq(committer) &&
           committer_queued_bytes(committer) == 0 && devices_are_settled(sim->devices) &&
           desks_are_settled(sim->desks) && centres_are_settled(sim->centres) && !has_overdue(sim);
}

/* Everything drains within minutes of virtual time, held clocks included. */
static void liveness(struct sim *sim) {
    sim_swarm_calm(&sim->swarm);
    devices_settle(sim->devices);
    desks_settle(sim->desks);
    uint64_t calm_ns = sim_now_ns();
    uint64_t last_ns = sim_now_ns() + HELD_MS * (uint64_t)NS_PER_MS;
    uint64_t look_ns = sim_now_ns() + 70000 * (uint64_t)NS_PER_MS;
    while (sim_step()) {
        if (sim->server.up && sim->server.failed) {
            /* The news of one that failed before may be on its way. */
            INVARIANT("I9", sim_now_ns() < calm_ns + 1000 * (uint64_t)NS_PER_MS,
                      "a write failed without a fault");
            crash(sim);
        }
        if (sim_now_ns() < look_ns) {
            continue;
        }
        if (is_settled(sim)) {
            break;
        }
        INVARIANT("I9", sim_now_ns() < last_ns,
                  "it does not settle: devices %d, desks %d, centres %d, overdue %d",
                  devices_are_settled(sim->devices), desks_are_settled(sim->desks),
                  centres_are_settled(sim->centres), has_overdue(sim));
        look_ns = sim_now_ns() + LOOK_MS * (uint64_t)NS_PER_MS;
    }
    INVARIANT("I9", is_settled(sim), "nothing is left to happen, and it has not settled");
    model_check_tickets(&sim->model, service_time_fire_ms(&sim->server.time), SLACK_MS);
    model_compare(&sim->model, sim->server.services.db);
}

static void finish(struct sim *sim) {
    sim->settled = true;
    drop_outside(sim);
    INVARIANT("I14", feed_readers(sim->server.services.feed) == 0, "readers are left over");
    if (!sim_server_stop(&sim->server)) {
        sim_server_crash(&sim->server);
    }
    verify(sim);
}

uint64_t sim_run(uint64_t seed, const struct sim_options *options) {
    struct sim *sim = calloc(1, sizeof *sim);
    CHECK(sim != NULL);
    sim_random_begin(seed);
    sim_trace_begin(options->replay, options->verbose);
    sim_loop_begin(BEGIN_MS);
    sim_swarm_draw(&sim->swarm, options->safety_ms);
    sim->disk = sim_disk_new(&sim->swarm);
    sim_server_init(&sim->server, sim->disk, &sim->swarm.limits);
    model_init(&sim->model, sim->disk, sim->swarm.devices, sim->swarm.ids);
    published_model = &sim->model;
    sim_server_on_published = on_published;
    const struct sim_outside outside = {&sim->swarm, &sim->server, &sim->model};
    sim->devices = devices_new(&outside);
    sim->centres = centres_new(&outside);
    sim->desks = desks_new(&outside);
    sim->crashes_left = sim->swarm.crashes;
    sim_later(0, start, sim);
    sim_later(NS_PER_MS * 1000, clock_faults, sim);
    safety(sim);
    liveness(sim);
    finish(sim);
    sim_loop_end();
    desks_free(sim->desks);
    centres_free(sim->centres);
    devices_free(sim->devices);
    model_deinit(&sim->model);
    sim_disk_free(sim->disk);
    free(sim);
    return sim_trace_hash();
}
