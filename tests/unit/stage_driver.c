#include "tests/unit/stage_driver.h"

#include "core/ticket/ticket_explain.h"
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

static void must(enum status status, const struct error *error) {
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
    must(result->status, &result->error);
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
    must(rules_new(&services->rules, "", "", &error), &error);
    const struct db_options options = {.kind = DB_MEM,
                                       .store = {.copy_of = from},
                                       .limits = &stage->config.limits,
                                       .now_ms = stage_now_ms,
                                       .on_sealed = on_sealed};
    must(db_open(&stage->db, &options, &error), &error);
    must(rules_restore(services->rules, stage->db, &error), &error);
    services->loop = &stage->loop;
    services->config = &stage->config;
    services->metrics = &stage->metrics;
    services->time = &stage->time;
    services->db = stage->db;
    services->policy = rules_policy(services->rules);
    services->calendars = rules_calendars(services->rules);
    db_identity(stage->db, &services->identity);
    open_committer(stage);
    must(regions_new(&services->regions, &stage->loop, stage->db, services->committer,
                     &stage->config.limits, &error),
         &error);
    if (from == NULL) {
        import_regions(stage);
    }
    must(driver_new(&stage->driver, services, &error), &error);
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
    must(store_open_mem(&copy, &options, &error), &error);
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
    must(db_walk_deadlines(stage->db, &beginning, INT64_MAX, 1, keep_first, &next, &complete,
                           &error),
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

/* What there is. */

static bool write_entry(void *context, const struct timeline_row *row) {
    struct record record;
    bool sound = record_decode(&record, row->record);
    assert_true(sound);
    buffer_printf(context, "%llu %lld %s %.*s\n", (unsigned long long)row->seq,
                  (long long)row->entry.received_ms, entry_kind_name(row->entry.kind),
                  (int)record.json.bytes, (const char *)record.json.data);
    return true;
}

void stage_write_journal(const struct driver_stage *stage, uint64_t seq, struct buffer *to) {
    uint64_t oldest;
    struct error error = {""};
    must(db_read_journal(stage->db, seq, write_entry, to, &oldest, &error), &error);
}

static const char *after(const char *line, const char *name) {
    const char *found = strstr(line, name);
    return found == NULL ? "" : found + strlen(name);
}

/* Writes a line of stage_write_journal without its number and the "previous" one. */
static void write_story(const char *line, struct buffer *to) {
    static const char previous[] = "\"previous\":";
    const char *text = strchr(line, ' '), *cut = strstr(line, previous);
    if (cut == NULL) {
        buffer_append_text(to, text);
    } else {
        buffer_append(to, text, (size_t)(cut - text));
        buffer_append_text(to, cut + strcspn(cut, ",}"));
    }
    buffer_append_text(to, "\n");
}

static void write_point(const char *line, struct buffer *to) {
    const char *kind = after(line, " ticket."), *at = after(line, "\"point_at\":");
    const char *step = after(line, "\"step\":");
    if (*at != '\0') {
        buffer_printf(to, "%.26s %.*s %.*s\n", at, (int)strcspn(kind, " "), kind,
                      (int)strcspn(step, ",}"), step);
    }
}

static void write_hex(struct buffer *to, struct slice bytes) {
    static const char digits[] = "0123456789abcdef";
    uint8_t *at = buffer_reserve(to, 2 * bytes.bytes + 1);
    for (size_t i = 0; i < bytes.bytes; i++) {
        *at++ = (uint8_t)digits[bytes.data[i] >> 4];
        *at++ = (uint8_t)digits[bytes.data[i] & 15];
    }
    *at = ' ';
    to->bytes += 2 * bytes.bytes + 1;
}

static bool write_row(void *context, struct slice key, struct slice value) {
    write_hex(context, key);
    write_hex(context, value);
    buffer_printf(context, "\n");
    return true;
}

static bool count_row(void *context, struct slice key, struct slice value) {
    (void)key;
    (void)value;
    ++*(size_t *)context;
    return true;
}

static void walk(const struct driver_stage *stage, enum family family, db_row_cb callback,
                 void *context) {
    const struct db_walk rows = {.family = family};
    struct error error = {""};
    must(db_walk_rows(stage->db, &rows, callback, context, &error), &error);
}

struct stories {
    const char *journal, *end; /* lines, each with a NUL behind it */
    bool points_only;
    struct buffer *to;
};

static bool write_stories_of(void *context, struct slice key, struct slice value) {
    (void)value;
    const struct stories *stories = context;
    uint64_t number;
    char name[48];
    bool sound = ticket_key_decode(&number, key);
    assert_true(sound);
    snprintf(name, sizeof name, "{\"ticket\":\"t%llu\"", (unsigned long long)number);
    for (const char *line = stories->journal; line < stories->end; line += strlen(line) + 1) {
        if (strstr(line, name) != NULL) {
            (stories->points_only ? write_point : write_story)(line, stories->to);
        }
    }
    return true;
}

void stage_write_stories(const struct driver_stage *stage, bool points_only, struct buffer *to) {
    struct buffer journal;
    buffer_init(&journal);
    stage_write_journal(stage, 1, &journal);
    for (size_t i = 0; i < journal.bytes; i++) {
        journal.data[i] = journal.data[i] == '\n' ? 0 : journal.data[i];
    }
    const char *lines = (const char *)journal.data;
    struct stories stories = {lines, lines + journal.bytes, points_only, to};
    walk(stage, FAMILY_TICKETS, write_stories_of, &stories);
    buffer_deinit(&journal);
}

void stage_write_rows(const struct driver_stage *stage, struct buffer *to) {
    for (enum family family = FAMILY_INCIDENTS; family <= FAMILY_DEADLINES; family++) {
        if (family != FAMILY_SUSPECTS) {
            buffer_printf(to, "family %d\n", (int)family);
            walk(stage, family, write_row, to);
        }
    }
}

size_t stage_count_rows(const struct driver_stage *stage, enum family family) {
    size_t count = 0;
    walk(stage, family, count_row, &count);
    return count;
}

/* Each stored ticket and incident beside the one in memory. */
struct look {
    const struct driver_stage *stage;
    const struct ticket_context *context;
    struct buffer *to;
    size_t awaited; /* deadlines */
};

static void write_clocks(struct look *look, const struct ticket *ticket) {
    struct ticket_clock_view view;
    for (size_t i = 0; ticket_clock_explain(look->context, ticket, i, &view); i++) {
        buffer_printf(look->to, "  clock %d %u: %lld of %lld, %d, due %lld\n", (int)view.stage,
                      view.unit_tag, (long long)view.consumed_units, (long long)view.limit,
                      (int)view.light, (long long)view.due_ms);
    }
}

static void check_deadline(struct look *look, const struct deadline *deadline) {
    uint8_t key[DEADLINE_KEY_BYTES];
    struct store_value value;
    struct error error = {""};
    deadline_key_encode(key, deadline);
    must(db_get_row(look->stage->db, FAMILY_DEADLINES, (struct slice){key, sizeof key}, &value,
                    &error),
         &error);
    store_value_free(&value);
    look->awaited++;
}

static bool look_at_ticket(void *context, struct slice key, struct slice value) {
    struct look *look = context;
    const struct docket *docket = &driver_world(look->stage->driver)->docket;
    uint64_t number;
    bool sound = ticket_key_decode(&number, key);
    assert_true(sound);
    const struct ticket *ticket = docket_find(docket, number);
    if (ticket == NULL) { /* over */
        buffer_printf(look->to, "ticket %llu on disk\n", (unsigned long long)number);
        return true;
    }
    uint8_t row[TICKET_ROW_BYTES_MAX];
    size_t bytes = ticket_row_encode(row, ticket, joint_of(&docket->joints, ticket->joint));
    assert_int_equal(bytes, value.bytes);
    assert_memory_equal(row, value.data, bytes);
    buffer_printf(look->to, "ticket %llu due %lld %u\n", (unsigned long long)number,
                  (long long)ticket->next_due_ms, ticket->due_key);
    assert_int_equal(ticket->stored_due_ms, ticket->next_due_ms);
    write_clocks(look, ticket);
    if (ticket->next_due_ms != INT64_MAX) {
        const struct deadline deadline =
            ticket_deadline(number, ticket->next_due_ms, ticket->due_key);
        check_deadline(look, &deadline);
    }
    return true;
}

static bool look_at_incident(void *context, struct slice key, struct slice value) {
    struct look *look = context;
    struct incident stored;
    union incident_detail detail;
    bool sound = incident_row_decode(&stored, &detail, key, value);
    assert_true(sound);
    const struct incidents *incidents = &driver_world(look->stage->driver)->incidents;
    const struct incident *incident = incidents_find(incidents, stored.number);
    if (incident == NULL) { /* its window is over */
        buffer_printf(look->to, "incident %llu on disk\n", (unsigned long long)stored.number);
        return true;
    }
    uint8_t row[INCIDENT_ROW_BYTES_MAX];
    size_t bytes = incident_row_encode(row, incident);
    assert_int_equal(bytes, value.bytes);
    assert_memory_equal(row, value.data, bytes);
    buffer_printf(look->to, "incident %llu due %lld\n", (unsigned long long)incident->number,
                  (long long)incident->due_ms);
    if (incident->due_ms != INT64_MAX) {
        const struct deadline deadline = {
            .due_ms = incident->due_ms, .object = incident->number, .stage = DEADLINE_SUMMARY};
        check_deadline(look, &deadline);
    }
    return true;
}

void stage_write_world(const struct driver_stage *stage, struct buffer *to) {
    struct look look = {stage, driver_context(stage->driver), to, 0};
    walk(stage, FAMILY_TICKETS, look_at_ticket, &look);
    walk(stage, FAMILY_INCIDENTS, look_at_incident, &look);
    const struct census_counts *counts = &driver_census(stage->driver)->counts;
    write_hex(to, (struct slice){(const uint8_t *)counts, sizeof *counts});
    buffer_printf(to, "open %llu\n", (unsigned long long)counts->open);
    assert_int_equal(counts->without_timer, 0);
    assert_int_equal(stage_count_rows(stage, FAMILY_DEADLINES), look.awaited);
}

void stage_check(const struct driver_stage *stage) {
    struct buffer ignored;
    buffer_init(&ignored);
    stage_write_world(stage, &ignored);
    buffer_deinit(&ignored);
}

void stage_expect_same(struct buffer *a, struct buffer *b) {
    buffer_append(a, "", 1);
    buffer_append(b, "", 1);
    assert_true(a->bytes > 1);
    const char *left = (const char *)a->data, *right = (const char *)b->data;
    for (size_t line = 1; *left != '\0' || *right != '\0'; line++) {
        size_t bytes = strcspn(left, "\n"), other = strcspn(right, "\n");
        if (bytes != other || memcmp(left, right, bytes) != 0) {
            fprintf(stderr, "line %zu\n%.*s\n%.*s\n", line, (int)bytes, left, (int)other, right);
            fail_msg("the texts differ");
        }
        left += bytes + (left[bytes] != '\0');
        right += other + (right[other] != '\0');
    }
    a->bytes = b->bytes = 0;
}
