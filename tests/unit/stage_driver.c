#include "tests/unit/stage_driver.h"

#include "server/domain/creates.h"
#include "server/rules/rules.h"
#include "storage/db_internal.h"
#include "tests/unit/support_region.h"

#include <unistd.h>

#define METRE_DEG (1.0 / 111195.0)

int64_t stage_now_ms = INT64_C(1795402800000); /* Monday 2026-11-23 11:00 at UTC+8 */

/* In the place of server/domain/service_time.c. */

void service_time_init(struct service_time *time, const uv_loop_t *loop, struct metrics *metrics) {
    *time = (struct service_time){.loop = loop, .metrics = metrics};
}

void service_time_start(struct service_time *time, int64_t newest_commit_ms) {
    (void)time;
    assert_true(newest_commit_ms <= stage_now_ms);
}

int64_t service_time_ms(struct service_time *time) {
    (void)time;
    return stage_now_ms;
}

int64_t service_time_fire_ms(struct service_time *time) {
    (void)time;
    return stage_now_ms;
}

void stage_expect_ok(enum status status, const struct error *error) {
    if (status != STATUS_OK) {
        fail_msg("%s: %s", status_name(status), error->message);
    }
}

static void on_sealed(void *context, enum status failure, const struct error *error) {
    (void)context;
    if (failure != STATUS_OK) {
        fprintf(stderr, "%s\n", error->message);
        abort();
    }
}

static void on_closing(void *context, struct row_set *rows) {
    struct driver_stage *stage = context;
    if (stage->driver != NULL) {
        driver_on_closing(stage->driver, rows);
    }
}

static void on_published(void *context, const struct block *block) {
    struct driver_stage *stage = context;
    driver_on_published(stage->driver, block->first_seq + block->entries_count - 1);
    stage->blocks_count++;
    if (stage->on_block != NULL) {
        stage->on_block(stage);
    }
}

static void on_pressure(void *context) {
    (void)context;
}

static void on_failed(void *context, const struct error *error) {
    (void)context;
    fail_msg("%s", error->message);
}

static void open_committer(struct driver_stage *stage) {
    struct services *services = &stage->services;
    const struct committer_options options = {
        .loop = &stage->loop,
        .db = stage->db,
        .limits = &stage->config.limits,
        .metrics = &stage->metrics,
        .next_seq = services->identity.next_seq,
        .context = stage,
        .on_closing = on_closing,
        .on_published = on_published,
        .on_pressure = on_pressure,
        .on_failed = on_failed,
    };
    assert_int_equal(committer_new(&services->committer, &options), STATUS_OK);
}

static void on_imported(void *context, const struct region_import_result *result) {
    stage_expect_ok(result->status, &result->error);
    *(bool *)context = true;
}

static void import_regions(struct driver_stage *stage) {
    static const char *const tree[][3] = {{"city", "", "Mayor"},
                                          {"county", "city", "Head of county"},
                                          {"town", "county", "Head of town"},
                                          {"village", "town", ""},
                                          {"grid", "village", "Grid worker"}};
    struct support_upload upload = {0};
    for (uint8_t i = 0; i < ARRAY_COUNT(tree); i++) {
        support_upload_row(&upload, &(struct region_row){.code = slice_text(tree[i][0]),
                                                         .parent = slice_text(tree[i][1]),
                                                         .name = slice_text(tree[i][0]),
                                                         .leader = slice_text(tree[i][2]),
                                                         .level = i});
    }
    bool done = false;
    regions_import(stage->services.regions, upload.rows, upload.bytes, upload.count, on_imported,
                   &done);
    while (!done) {
        uv_run(&stage->loop, UV_RUN_ONCE);
    }
}

static void open_services(struct driver_stage *stage, struct store *from) {
    struct services *services = &stage->services;
    struct error error = {""};
    stage_expect_ok(rules_new(&services->rules, "", "", &error), &error);
    const struct db_options options = {.kind = DB_MEM,
                                       .store = {.copy_of = from},
                                       .limits = &stage->config.limits,
                                       .now_ms = stage_now_ms,
                                       .on_sealed = on_sealed};
    stage_expect_ok(db_open(&stage->db, &options, &error), &error);
    stage_expect_ok(rules_restore(services->rules, stage->db, &error), &error);
    services->loop = &stage->loop;
    services->config = &stage->config;
    services->metrics = &stage->metrics;
    services->time = &stage->time;
    services->db = stage->db;
    services->policy = rules_policy(services->rules);
    services->calendars = rules_calendars(services->rules);
    db_identity(stage->db, &services->identity);
    open_committer(stage);
    stage_expect_ok(regions_new(&services->regions, &stage->loop, stage->db, services->committer,
                                &stage->config.limits, &error),
                    &error);
    if (from == NULL) {
        import_regions(stage);
    }
    stage_expect_ok(
        creates_new(&services->creates, stage->db, stage->config.limits.create_keys, &error),
        &error);
    stage_expect_ok(driver_new(&stage->driver, services, &error), &error);
    services->driver = stage->driver;
}

void stage_open(struct driver_stage *stage, struct store *from) {
    memset(stage, 0, sizeof *stage);
    config_init(&stage->config);
    struct limits *limits = &stage->config.limits;
    limits->open_incidents = 4096;
    limits->open_tickets = 4096;
    limits->joint_tickets = 16;
    limits->open_directives = 16;
    limits->deadlines_in_memory = 8192;
    metrics_init(&stage->metrics);
    assert_int_equal(uv_loop_init(&stage->loop), 0);
    assert_int_equal(uv_async_init(&stage->loop, &stage->alive, NULL), 0);
    open_services(stage, from);
    driver_start(stage->driver);
}

void stage_close(struct driver_stage *stage) {
    struct services *services = &stage->services;
    driver_stop(stage->driver);
    driver_free(stage->driver);
    creates_free(services->creates);
    committer_free(services->committer);
    regions_stop(services->regions);
    uv_close((uv_handle_t *)&stage->alive, NULL);
    uv_run(&stage->loop, UV_RUN_DEFAULT);
    regions_free(services->regions);
    rules_free(services->rules);
    db_close(stage->db);
    assert_int_equal(uv_loop_close(&stage->loop), 0);
}

struct store *stage_copy(const struct driver_stage *stage) {
    const struct store_options options = {.copy_of = stage->db->store};
    struct store *copy;
    struct error error = {""};
    stage_expect_ok(store_open_mem(&copy, &options, &error), &error);
    return copy;
}

void stage_restart(struct driver_stage *to, struct driver_stage *from) {
    struct store *store = stage_copy(from);
    stage_open(to, store);
    store_close(store);
    to->reports_count = from->reports_count;
    stage_settle(to);
}

/* Time. */

/* Timers are set by the time that the test does not have. */
static void wake_timer(uv_handle_t *handle, void *context) {
    (void)context;
    if (handle->type == UV_TIMER && uv_is_active(handle)) {
        uv_timer_t *timer = (uv_timer_t *)handle;
        assert_int_equal(uv_timer_start(timer, timer->timer_cb, 0, uv_timer_get_repeat(timer)), 0);
    }
}

static bool is_quiet(struct driver_stage *stage) {
    const struct committer *committer = stage->services.committer;
    int sleep_ms = uv_backend_timeout(&stage->loop);
    return committer_durable_seq(committer) + 1 == committer_next_seq(committer) &&
           committer_queued_bytes(committer) == 0 && stage->loop.active_reqs.count == 0 &&
           (sleep_ms < 0 || sleep_ms > 5);
}

void stage_settle(struct driver_stage *stage) {
    uv_walk(&stage->loop, wake_timer, NULL);
    do {
        uv_run(&stage->loop, UV_RUN_NOWAIT);
        usleep(50);
    } while (!is_quiet(stage));
}

static bool keep_first(void *context, const struct deadline *deadline, uint64_t armed_seq) {
    (void)armed_seq;
    *(struct deadline *)context = *deadline;
    return false;
}

static int64_t next_due_ms(const struct driver_stage *stage) {
    struct deadline next = {.due_ms = INT64_MAX};
    const struct deadline beginning = {.due_ms = INT64_MIN};
    bool complete;
    struct error error = {""};
    stage_expect_ok(db_walk_deadlines(stage->db, &beginning, INT64_MAX, 1, keep_first, &next,
                                      &complete, &error),
                    &error);
    return next.due_ms;
}

void stage_pass(struct driver_stage *stage, int64_t until_ms) {
    stage_settle(stage);
    for (int64_t due_ms; (due_ms = next_due_ms(stage)) <= until_ms;) {
        stage_now_ms = due_ms > stage_now_ms ? due_ms : stage_now_ms;
        stage_settle(stage);
        assert_true(next_due_ms(stage) > stage_now_ms); /* what fired is gone */
    }
    stage_now_ms = until_ms;
    stage_settle(stage);
}

/* Steps. */

struct world_taken stage_report(struct driver_stage *stage, const char *category, double north_m) {
    struct services *services = &stage->services;
    const struct category *found = policy_category(services->policy, slice_text(category));
    assert_non_null(found);
    char json[128];
    uint64_t number = ++stage->reports_count;
    int bytes = snprintf(json, sizeof json, "{\"id\":\"r%llu\",\"category\":\"%s\"}",
                         (unsigned long long)number, category);
    struct report report = {.entry = {.kind = ENTRY_REPORT,
                                      .severity = (uint8_t)found->severity,
                                      .flags = ENTRY_HAS_POSITION,
                                      .region = stage_region(stage, "grid"),
                                      .category_tag = found->tag,
                                      .occurred_ms = stage_now_ms,
                                      .received_ms = stage_now_ms,
                                      .identity = {number * UINT64_C(0x9e3779b97f4a7c15), number}},
                            .record = {.has_position = true,
                                       .position = {34.0 + north_m * METRE_DEG, 108.0},
                                       .source = SLICE_LITERAL("stage"),
                                       .json = {(const uint8_t *)json, (size_t)bytes}},
                            .observation = {.kind = OBSERVER_PERSON, .observer = number * 31}};
    struct world_taken taken;
    driver_report(stage->driver, &report, committer_next_seq(services->committer), &taken);
    return taken;
}

void stage_must(struct driver_stage *stage, uint64_t ticket, struct ticket_command command) {
    struct driver_step step;
    command.actor.roles = ROLE_ANY;
    command.actor.region = REGION_NONE;
    command.has_evidence = true;
    struct ticket_outcome outcome = driver_command(stage->driver, ticket, &command, &step);
    if (outcome.verdict != TICKET_DONE) {
        fail_msg("%s: %s", ticket_verb_name(command.verb), outcome.why);
    }
}

uint32_t stage_region(const struct driver_stage *stage, const char *code) {
    uint32_t id = region_find(regions_current(stage->services.regions)->table, slice_text(code));
    assert_int_not_equal(id, REGION_NONE);
    return id;
}

uint32_t stage_unit(const struct driver_stage *stage, const char *code) {
    const struct unit *unit = policy_unit(stage->services.policy, slice_text(code));
    assert_non_null(unit);
    return unit->tag;
}
