#include "core/world.h"

#include "core/base/bytes.h"
#include "tests/unit/support.h"
#include "tests/unit/support_calendar.h"
#include "tests/unit/support_region.h"

enum { ROWS_MAX = 8192, TOLD_BYTES = 1 << 18 };
#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define METRE_DEG (1.0 / 111195.0)

struct row {
    enum row_family family;
    uint8_t key[20], value[TICKET_ROW_BYTES_MAX];
    size_t key_bytes, value_bytes;
};

/* A world with what drives it: a log, the rows as a store would have them, what was told. */
struct drive {
    struct limits limits;
    struct world world;
    struct event_log log;
    void *memory, *log_memory;
    struct row *rows; /* in key order */
    size_t rows_count;
    char *told; /* every event as a line */
    size_t told_bytes;
    uint64_t next_seq;
    int64_t now_ms;
    uint64_t members_of; /* for reading an incident's members */
    size_t members_at;
};

/* Shared by all of them: what decisions look at. */
static struct policy policy;
static struct calendar_set calendars;
static struct region_table *regions;
static void *regions_memory;
static struct world_view view;

static void add_class(const char *code, enum merge_kind kind, uint32_t gate_m, uint32_t reopen_s) {
    const struct merge_class rules = {.kind = kind,
                                      .gate_m = gate_m,
                                      .spread_m = 2 * gate_m,
                                      .reopen_s = reopen_s,
                                      .stale_s = 900};
    assert_int_equal(policy_add_merge_class(&policy, slice_text(code), &rules, NULL), STATUS_OK);
}

static void add_category(const char *code, unsigned priority, const char *merge_class) {
    struct slice name = slice_text(code);
    assert_int_equal(
        policy_add_category(&policy, name, name, priority, (enum severity)priority, NULL),
        STATUS_OK);
    struct category_rules rules = policy_category_rules(&policy, policy_category(&policy, name));
    rules.merge_class = slice_text(merge_class);
    assert_int_equal(policy_set_category_rules(&policy, name, &rules, NULL), STATUS_OK);
}

static int open_view(void **state) {
    (void)state;
    policy_init(&policy, 1);
    add_class("road", MERGE_DISTANCE, 50, 72 * 3600);
    add_class("alarm", MERGE_ALARM, 0, 600);
    add_class("fire", MERGE_FIRE, 2000, 24 * 3600);
    add_category("pothole", 3, "road");
    add_category("collapse", 1, "road");
    add_category("smoke", 2, "alarm");
    add_category("forest_fire", 1, "fire");
    add_category("sensor_fault", 4, "never");
    assert_int_equal(policy_add_category(&policy, SLICE_LITERAL("patrol"), SLICE_LITERAL("patrol"),
                                         4, SEVERITY_MINOR, NULL),
                     STATUS_OK);
    policy.categories[policy.categories_count - 1].opens_ticket = false;
    assert_int_equal(
        policy_add_channel(&policy, SLICE_LITERAL("handheld"), SLICE_LITERAL("h"), NULL),
        STATUS_OK);
    static struct calendar office;
    support_calendar_office(&office);
    support_calendar_seal(&office);
    calendar_set_init(&calendars, 1);
    assert_int_equal(calendar_set_add(&calendars, &office, NULL), STATUS_OK);
    struct support_upload upload = {0};
    support_upload_add(&upload, "c", "", 0);
    support_upload_add(&upload, "t", "c", 1);
    support_upload_add(&upload, "g", "t", 2);
    regions = support_table(&regions_memory, NULL, &upload);
    support_upload_free(&upload);
    view = (struct world_view){
        .policy = &policy, .calendars = &calendars, .regions = regions, .policies_count = 0};
    return 0;
}

static int close_view(void **state) {
    (void)state;
    free(regions_memory);
    return 0;
}

static void drive_open(struct drive *drive, uint64_t open_tickets) {
    memset(drive, 0, sizeof *drive);
    limits_init(&drive->limits);
    drive->limits.open_incidents = 64;
    drive->limits.open_tickets = open_tickets;
    drive->limits.joint_tickets = 4;
    drive->limits.open_directives = 4;
    size_t bytes = (world_bytes(&drive->limits) + 63) / 64 * 64;
    drive->memory = aligned_alloc(64, bytes);
    drive->log_memory = malloc(event_log_bytes(STEP_ENTRIES_MAX, STEP_EVENTS_BYTES_MAX));
    drive->rows = calloc(ROWS_MAX, sizeof *drive->rows);
    drive->told = calloc(1, TOLD_BYTES);
    assert_true(drive->memory != NULL && drive->log_memory != NULL && drive->rows != NULL &&
                drive->told != NULL);
    memset(drive->memory, 0, bytes);
    world_init(&drive->world, drive->memory, &drive->limits);
    event_log_init(&drive->log, drive->log_memory, STEP_ENTRIES_MAX, STEP_EVENTS_BYTES_MAX);
    world_adopt(&drive->world, &view);
    drive->next_seq = 1;
    drive->now_ms = support_ms("2026-11-23T09:00:00");
}

static void drive_close(struct drive *drive) {
    free(drive->memory);
    free(drive->log_memory);
    free(drive->rows);
    free(drive->told);
}

/* Rows. */

static int row_order(const struct row *row, enum row_family family, struct slice key) {
    if (row->family != family) {
        return row->family < family ? -1 : 1;
    }
    int order = memcmp(row->key, key.data, min_u64(row->key_bytes, key.bytes));
    return order != 0 ? order : (row->key_bytes > key.bytes) - (row->key_bytes < key.bytes);
}

static void keep_row(void *context, enum row_family family, struct slice key, struct slice value) {
    struct drive *drive = context;
    size_t at = 0;
    while (at < drive->rows_count && row_order(&drive->rows[at], family, key) < 0) {
        at++;
    }
    bool is_there = at < drive->rows_count && row_order(&drive->rows[at], family, key) == 0;
    struct row *row = &drive->rows[at];
    if (value.bytes == 0) {
        assert_true(is_there);
        memmove(row, row + 1, (--drive->rows_count - at) * sizeof *row);
        return;
    }
    if (!is_there) {
        assert_true(drive->rows_count < ROWS_MAX && key.bytes <= sizeof row->key);
        memmove(row + 1, row, (drive->rows_count++ - at) * sizeof *row);
    }
    memset(row, 0, sizeof *row);
    row->family = family;
    row->key_bytes = key.bytes;
    row->value_bytes = value.bytes;
    memcpy(row->key, key.data, key.bytes);
    memcpy(row->value, value.data, value.bytes);
}

static void drive_flush(struct drive *drive) {
    world_flush(&drive->world, drive->next_seq - 1, keep_row, drive);
}

/* The same rows in a fresh world, as after a restart. */
static void drive_restart(struct drive *to, struct drive *from) {
    drive_flush(from);
    drive_open(to, from->limits.open_tickets);
    to->next_seq = from->next_seq;
    to->now_ms = from->now_ms;
    memcpy(to->rows, from->rows, ROWS_MAX * sizeof *to->rows);
    to->rows_count = from->rows_count;
    for (size_t i = 0; i < to->rows_count; i++) {
        const struct row *row = &to->rows[i];
        struct slice key = {row->key, row->key_bytes}, value = {row->value, row->value_bytes};
        enum status status = STATUS_OK;
        if (row->family == ROW_INCIDENT) {
            status = world_restore_incident(&to->world, key, value, to->now_ms);
        } else if (row->family == ROW_TICKET) {
            status = world_restore_ticket(&to->world, key, value);
        } else if (row->family == ROW_DIRECTIVE) {
            status = world_restore_directive(&to->world, key, value);
        }
        assert_int_equal(status, STATUS_OK);
    }
}

/* Steps. */

static struct event_log *begin(struct drive *drive, uint64_t next_seq) {
    event_log_begin(&drive->log, drive->now_ms, next_seq);
    return &drive->log;
}

static void end(struct drive *drive) {
    for (uint32_t i = 0; i < drive->log.events_count; i++) {
        const struct event *event = &drive->log.events[i];
        size_t room = TOLD_BYTES - drive->told_bytes;
        int bytes = snprintf(drive->told + drive->told_bytes, room, "%lld %s %.*s\n",
                             (long long)drive->now_ms, entry_kind_name(event->kind),
                             (int)event->json.bytes, (const char *)event->json.data);
        assert_true(bytes > 0 && (size_t)bytes < room);
        drive->told_bytes += (size_t)bytes;
    }
    drive->next_seq = drive->log.effects.next_seq;
}

/* A report of its own observer, so many metres north of the place all are at. */
static struct report a_report(const struct drive *drive, const char *category, double north_m) {
    const struct category *found = policy_category(&policy, slice_text(category));
    struct report report = {
        .entry = {.kind = ENTRY_REPORT,
                  .severity = (uint8_t)found->severity,
                  .region = region_find(regions, SLICE_LITERAL("g")),
                  .category_tag = found->tag,
                  .occurred_ms = drive->now_ms,
                  .received_ms = drive->now_ms},
        .record = {.has_position = true, .position = {34.0 + north_m * METRE_DEG, 108.0}},
        .observation = {.kind = OBSERVER_PERSON,
                        .observer = drive->next_seq * UINT64_C(0x9e3779b97f4a7c15)}};
    return report;
}

static struct world_taken send(struct drive *drive, const struct report *report) {
    struct world_taken taken;
    uint64_t seq = drive->next_seq;
    world_report(&drive->world, report, seq, begin(drive, seq + 1), &taken);
    end(drive);
    return taken;
}

static struct world_taken report_at(struct drive *drive, const char *category, double north_m) {
    const struct report report = a_report(drive, category, north_m);
    return send(drive, &report);
}

static struct ticket_outcome order(struct drive *drive, uint64_t number,
                                   struct ticket_command command) {
    struct ticket *ticket = docket_find(&drive->world.docket, number);
    assert_non_null(ticket);
    command.actor.roles = command.actor.roles == 0 ? ROLE_ANY : command.actor.roles;
    command.actor.region = REGION_NONE;
    struct ticket_outcome outcome =
        world_command(&drive->world, ticket, &command, begin(drive, drive->next_seq));
    end(drive);
    return outcome;
}

static void done(struct drive *drive, uint64_t number, struct ticket_command command) {
    struct ticket_outcome outcome = order(drive, number, command);
    if (outcome.verdict != TICKET_DONE) {
        fail_msg("%s: %s", ticket_verb_name(command.verb), outcome.why);
    }
}

static void close_ticket(struct drive *drive, uint64_t number, enum ticket_closure closure) {
    const struct ticket *ticket = docket_find(&drive->world.docket, number);
    if (ticket->state == TICKET_REPORTED) {
        done(drive, number, (struct ticket_command){.verb = VERB_ACCEPT});
        done(drive, number, (struct ticket_command){.verb = VERB_DISPATCH});
    }
    if (ticket->state == TICKET_DISPATCHED) {
        done(drive, number, (struct ticket_command){.verb = VERB_SIGN});
    }
    done(drive, number,
         (struct ticket_command){
             .verb = VERB_SUBMIT_RESULT, .has_evidence = true, .closure = closure});
    done(drive, number, (struct ticket_command){.verb = VERB_CHECK_PASS});
}

/* Moves time on; everything that comes due fires at its instant, from the rows alone. */
static void pass(struct drive *drive, int64_t ms) {
    int64_t until_ms = drive->now_ms + ms;
    for (;;) {
        struct deadline next = {.due_ms = INT64_MAX};
        drive_flush(drive);
        for (size_t i = 0; i < drive->rows_count; i++) {
            const struct row *row = &drive->rows[i];
            struct deadline deadline;
            if (row->family == ROW_DEADLINE) {
                assert_true(
                    deadline_key_decode(&deadline, (struct slice){row->key, row->key_bytes}));
                next = deadline.due_ms < next.due_ms ? deadline : next;
            }
        }
        if (next.due_ms > until_ms) {
            break;
        }
        drive->now_ms = next.due_ms > drive->now_ms ? next.due_ms : drive->now_ms;
        world_fire(&drive->world, &next, begin(drive, drive->next_seq));
        end(drive);
        drive_flush(drive);
        /* What fired is gone: else it would fire for ever. */
        uint8_t key[DEADLINE_KEY_BYTES];
        deadline_key_encode(key, &next);
        for (size_t i = 0; i < drive->rows_count; i++) {
            assert_int_not_equal(
                row_order(&drive->rows[i], ROW_DEADLINE, (struct slice){key, sizeof key}), 0);
        }
    }
    drive->now_ms = until_ms;
}

static bool was_told(const struct drive *drive, const char *text) {
    return strstr(drive->told, text) != NULL;
}

static const struct incident *incident_of(const struct drive *drive, uint64_t number) {
    const struct incident *incident = incidents_find(&drive->world.incidents, number);
    assert_non_null(incident);
    return incident;
}

static const struct ticket *ticket_in(const struct drive *drive, uint64_t number) {
    const struct ticket *ticket = docket_find(&drive->world.docket, number);
    assert_non_null(ticket);
    return ticket;
}

/* Members of an incident, from the rows. */

static bool next_member(void *context, struct member *ret) {
    struct drive *drive = context;
    while (drive->members_at < drive->rows_count) {
        const struct row *row = &drive->rows[drive->members_at++];
        if (row->family != ROW_MEMBER) {
            continue;
        }
        assert_true(member_row_decode(ret, (struct slice){row->key, row->key_bytes},
                                      (struct slice){row->value, row->value_bytes}));
        const struct incident *in = incidents_resolve(&drive->world.incidents, ret->incident);
        if (in != NULL && in->number == drive->members_of) {
            return true;
        }
    }
    return false;
}

static void rewind_members(void *context) {
    ((struct drive *)context)->members_at = 0;
}

static struct incident_members members(struct drive *drive, uint64_t number) {
    drive_flush(drive);
    drive->members_of = number;
    drive->members_at = 0;
    return (struct incident_members){drive, next_member, rewind_members};
}

/* Tests. */

static void a_report_opens_an_incident_and_its_ticket(void **state) {
    (void)state;
    struct drive drive;
    drive_open(&drive, 16);
    struct world_taken first = report_at(&drive, "pothole", 0);
    assert_false(first.merged);
    assert_int_equal(first.incident, 2);
    assert_int_equal(first.ticket, 3);
    assert_int_equal(ticket_in(&drive, 3)->incident, 2);
    assert_int_equal(incident_of(&drive, 2)->ticket, 3);
    struct world_taken second = report_at(&drive, "pothole", 30);
    assert_true(second.merged);
    assert_int_equal(second.incident, first.incident);
    assert_int_equal(second.ticket, first.ticket);
    struct world_taken third = report_at(&drive, "pothole", 130);
    assert_false(third.merged);
    assert_true(third.ticket != 0 && third.ticket != first.ticket);
    drive_close(&drive);
}

/* Entries are filed by region, so what is nowhere is not begun. */
static void nothing_begins_nowhere(void **state) {
    (void)state;
    struct drive drive;
    drive_open(&drive, 16);
    uint32_t tag = policy_tag(SLICE_LITERAL("pothole"));
    struct ticket_opening opening = {
        .origin = ORIGIN_MANUAL, .category_tag = tag, .region = REGION_NONE};
    struct ticket *ticket;
    struct event_log *log = begin(&drive, drive.next_seq);
    assert_int_equal(world_open_ticket(&drive.world, &opening, log, &ticket), STATUS_INVALID);
    struct directive_addressee addressees[] = {{.region = 0}, {.region = REGION_NONE}};
    struct directive_order orders = {
        .region = 0, .category_tag = tag, .addressees = addressees, .addressees_count = 2};
    uint64_t number;
    assert_int_equal(world_issue(&drive.world, &orders, log, &number), STATUS_INVALID);
    addressees[1].region = 1;
    orders.region = REGION_NONE;
    assert_int_equal(world_issue(&drive.world, &orders, log, &number), STATUS_INVALID);
    assert_int_equal(log->events_count, 0);
    opening.region = 0;
    assert_int_equal(world_open_ticket(&drive.world, &opening, log, &ticket), STATUS_OK);
    assert_true(log->events_count > 0);
    drive_close(&drive);
}

static void a_category_without_tickets_is_not_wanted(void **state) {
    (void)state;
    struct drive drive;
    drive_open(&drive, 16);
    assert_false(world_wants(&drive.world, policy_tag(SLICE_LITERAL("patrol"))));
    assert_false(world_wants(&drive.world, 12345));
    assert_true(world_wants(&drive.world, policy_tag(SLICE_LITERAL("pothole"))));
    drive_close(&drive);
}

static void a_planned_overall_limit_is_for_one_report(void **state) {
    (void)state;
    struct drive drive;
    drive_open(&drive, 16);
    world_plan_overall(&drive.world, (struct stage_limit){METERING_URGENT_HOUR, 90});
    const struct ticket *planned = ticket_in(&drive, report_at(&drive, "pothole", 0).ticket);
    assert_int_equal(planned->own_overall.amount, 90);
    const struct ticket *other = ticket_in(&drive, report_at(&drive, "pothole", 500).ticket);
    assert_int_equal(other->own_overall.amount, 0);
    int64_t due_ms = drive.now_ms + 90 * 1000;
    pass(&drive, 89 * 1000);
    assert_int_equal(planned->overdue & 1u << STAGE_OVERALL, 0);
    pass(&drive, 1000);
    assert_int_equal(drive.now_ms, due_ms);
    assert_int_not_equal(planned->overdue & 1u << STAGE_OVERALL, 0);
    drive_close(&drive);
}

static void a_worse_report_makes_the_ticket_more_urgent(void **state) {
    (void)state;
    struct drive drive;
    drive_open(&drive, 16);
    struct world_taken first = report_at(&drive, "pothole", 0);
    const struct ticket *ticket = ticket_in(&drive, first.ticket);
    struct report worse = a_report(&drive, "pothole", 10);
    worse.entry.severity = SEVERITY_EXTREME;
    drive.now_ms += MINUTE_MS;
    worse.entry.occurred_ms = worse.entry.received_ms = drive.now_ms;
    assert_int_equal(send(&drive, &worse).ticket, first.ticket);
    assert_int_equal(ticket->severity, SEVERITY_EXTREME);
    assert_true(was_told(&drive, "\"reasons\":[\"severity\""));
    assert_true(was_told(&drive, "ticket.paged"));
    drive_close(&drive);
}

static void a_close_shuts_the_incident_and_a_report_reopens_both(void **state) {
    (void)state;
    struct drive drive;
    drive_open(&drive, 16);
    struct world_taken first = report_at(&drive, "pothole", 0);
    close_ticket(&drive, first.ticket, CLOSURE_HANDLED);
    assert_int_equal(incident_of(&drive, first.incident)->state, INCIDENT_HANDLED);
    pass(&drive, HOUR_MS);
    struct world_taken again = report_at(&drive, "pothole", 5);
    assert_int_equal(again.ticket, first.ticket);
    assert_true(again.merged);
    assert_int_equal(incident_of(&drive, first.incident)->state, INCIDENT_OPEN);
    assert_true(ticket_state_is_open((enum ticket_state)ticket_in(&drive, first.ticket)->state));
    assert_int_equal(ticket_in(&drive, first.ticket)->reopen_count, 1);
    drive_close(&drive);
}

static void a_false_alarm_does_not_eat_the_next_report(void **state) {
    (void)state;
    struct drive drive;
    drive_open(&drive, 16);
    struct world_taken first = report_at(&drive, "pothole", 0);
    close_ticket(&drive, first.ticket, CLOSURE_FALSE_ALARM);
    assert_int_equal(incident_of(&drive, first.incident)->state, INCIDENT_FALSE);
    struct world_taken next = report_at(&drive, "pothole", 0);
    assert_false(next.merged);
    assert_int_not_equal(next.incident, first.incident);
    assert_int_not_equal(next.ticket, first.ticket);
    drive_close(&drive);
}

static void a_rejected_or_voided_matter_does_not_eat_it_either(void **state) {
    (void)state;
    const enum ticket_verb verbs[] = {VERB_REJECT, VERB_VOID};
    for (size_t i = 0; i < ARRAY_COUNT(verbs); i++) {
        struct drive drive;
        drive_open(&drive, 16);
        struct world_taken first = report_at(&drive, "pothole", 0);
        done(&drive, first.ticket,
             (struct ticket_command){.verb = verbs[i], .note = SLICE_LITERAL("no")});
        drive_flush(&drive); /* it leaves memory */
        assert_null(docket_find(&drive.world.docket, first.ticket));
        struct world_taken next = report_at(&drive, "pothole", 0);
        assert_int_not_equal(next.incident, first.incident);
        drive_close(&drive);
    }
}

static void merging_and_unmerging_takes_the_tickets_along(void **state) {
    (void)state;
    struct drive drive;
    drive_open(&drive, 16);
    struct world_taken older = report_at(&drive, "pothole", 0);
    drive.now_ms += MINUTE_MS;
    struct world_taken newer = report_at(&drive, "pothole", 300);
    int64_t due_ms = ticket_in(&drive, newer.ticket)->next_due_ms;
    uint64_t survivor = 0;
    assert_int_equal(world_merge(&drive.world, newer.incident, older.incident,
                                 begin(&drive, drive.next_seq), &survivor),
                     STATUS_OK);
    end(&drive);
    assert_int_equal(survivor, older.incident);
    assert_int_equal(ticket_in(&drive, newer.ticket)->state, TICKET_MERGED);
    assert_int_equal(ticket_in(&drive, newer.ticket)->survivor, older.ticket);
    assert_int_equal(incident_of(&drive, older.incident)->reports_count, 2);
    assert_int_equal(incident_of(&drive, newer.incident)->state, INCIDENT_MERGED);

    struct incident_members all = members(&drive, older.incident);
    /* Its ticket left memory as merged: whoever takes it apart brings the row back first. */
    for (size_t i = 0; i < drive.rows_count; i++) {
        const struct row *row = &drive.rows[i];
        if (row->family == ROW_TICKET) {
            assert_int_equal(world_load_ticket(&drive.world,
                                               (struct slice){row->key, row->key_bytes},
                                               (struct slice){row->value, row->value_bytes}),
                             STATUS_OK);
        }
    }
    uint64_t moved = newer.incident - 1, apart = 0;
    assert_int_equal(world_unmerge(&drive.world, older.incident, &moved, 1, &all,
                                   begin(&drive, drive.next_seq), &apart),
                     STATUS_OK);
    end(&drive);
    assert_int_equal(apart, newer.incident);
    assert_int_equal(ticket_in(&drive, newer.ticket)->state, TICKET_REPORTED);
    assert_int_equal(ticket_in(&drive, newer.ticket)->next_due_ms, due_ms);
    assert_int_equal(incident_of(&drive, older.incident)->reports_count, 1);
    drive_flush(&drive);
    bool is_moved = false;
    uint8_t key[WORLD_MOVE_KEY_BYTES];
    world_move_key(key, moved);
    for (size_t i = 0; i < drive.rows_count; i++) {
        uint64_t in = 0;
        const struct row *row = &drive.rows[i];
        if (row->family == ROW_MOVED && row_order(row, ROW_MOVED, (struct slice){key, 8}) == 0) {
            assert_true(world_move_decode(&in, (struct slice){row->value, row->value_bytes}));
            is_moved = in == apart;
        }
    }
    assert_true(is_moved);
    drive_close(&drive);
}

/* The older incident had no room for a ticket at first, so its own is the newer one. */
static void a_merge_keeps_the_older_ticket(void **state) {
    (void)state;
    struct drive drive;
    drive_open(&drive, 16);
    drive.world.docket.count_max = 0;
    struct world_taken older = report_at(&drive, "pothole", 0);
    assert_int_equal(older.ticket, 0);
    drive.world.docket.count_max = 16;
    struct world_taken newer = report_at(&drive, "pothole", 300);
    uint64_t survivor = 0, late = 0;
    struct ticket *ticket = NULL;
    const struct ticket_opening opening = {.origin = ORIGIN_REPORT,
                                           .incident = older.incident,
                                           .category_tag = policy_tag(SLICE_LITERAL("pothole")),
                                           .region = 0};
    assert_int_equal(
        world_open_ticket(&drive.world, &opening, begin(&drive, drive.next_seq), &ticket),
        STATUS_OK);
    end(&drive);
    late = ticket->number;
    assert_int_equal(incidents_set_ticket(&drive.world.incidents, older.incident, late), STATUS_OK);
    assert_true(late > newer.ticket);
    assert_int_equal(world_merge(&drive.world, newer.incident, older.incident,
                                 begin(&drive, drive.next_seq), &survivor),
                     STATUS_OK);
    end(&drive);
    assert_int_equal(survivor, older.incident);
    assert_int_equal(incident_of(&drive, survivor)->ticket, newer.ticket);
    assert_int_equal(ticket_in(&drive, late)->state, TICKET_MERGED);
    assert_int_equal(ticket_in(&drive, late)->survivor, newer.ticket);
    assert_true(ticket_state_is_open(ticket_in(&drive, newer.ticket)->state));
    drive_close(&drive);
}

static void what_cannot_be_unmerged_is_refused(void **state) {
    (void)state;
    struct drive drive;
    drive_open(&drive, 16);
    struct world_taken first = report_at(&drive, "pothole", 0);
    (void)report_at(&drive, "pothole", 10);
    struct incident_members all = members(&drive, first.incident);
    uint64_t seqs[] = {1, 77}, apart = 0;
    struct event_log *log = begin(&drive, drive.next_seq);
    assert_int_equal(world_unmerge(&drive.world, first.incident, seqs, 0, &all, log, &apart),
                     STATUS_CONFLICT);
    assert_int_equal(world_unmerge(&drive.world, first.incident, seqs + 1, 1, &all, log, &apart),
                     STATUS_NOT_FOUND);
    assert_int_equal(world_unmerge(&drive.world, 999, seqs, 1, &all, log, &apart),
                     STATUS_NOT_FOUND);
    assert_int_equal(log->events_count, 0);
    drive_close(&drive);
}

static struct report an_alarm(const struct drive *drive, bool clear) {
    struct report report = a_report(drive, "smoke", 0);
    report.observation.kind = OBSERVER_SENSOR;
    report.observation.observer = 7;
    report.observation.alarm = 8;
    report.observation.flags = clear ? OBSERVATION_ALARM_CLEAR : 0;
    return report;
}

static void a_sampled_alarm_has_no_ticket_until_it_is_believed(void **state) {
    (void)state;
    struct drive drive;
    drive_open(&drive, 16);
    struct report raise = an_alarm(&drive, false);
    struct world_taken first = send(&drive, &raise);
    assert_true(first.incident != 0);
    assert_int_equal(first.ticket, 0);
    pass(&drive, MINUTE_MS);
    uint64_t ticket = incident_of(&drive, first.incident)->ticket;
    assert_int_not_equal(ticket, 0);
    assert_int_equal(ticket_in(&drive, ticket)->incident, first.incident);
    drive_close(&drive);
}

static size_t times_told(const struct drive *drive, const char *text) {
    size_t count = 0;
    for (const char *at = strstr(drive->told, text); at != NULL; at = strstr(at + 1, text)) {
        count++;
    }
    return count;
}

static void a_flapping_sensor_is_a_matter_of_its_own(void **state) {
    (void)state;
    struct drive drive;
    drive_open(&drive, 16);
    for (int i = 0; i < 3600; i++) {
        struct report report = an_alarm(&drive, i % 2 == 1);
        (void)send(&drive, &report);
        pass(&drive, 1000);
    }
    assert_int_equal(times_told(&drive, "ticket.opened"), 2); /* the alarm's and the sensor's */
    assert_true(was_told(&drive, "incident.flapping"));
    /* Of 1800 rises the first ones are told one by one, then they are only counted. */
    assert_in_range(drive.world.incidents.counts.suppressed, 1790, 1798);
    assert_int_equal(times_told(&drive, "\"why\":\"flapping\""), 1); /* the first half hour's */
    /* Calm and at it again: the sensor's ticket is still open, so there is no other one. */
    pass(&drive, 2 * HOUR_MS);
    for (int i = 0; i < 60; i++) {
        struct report report = an_alarm(&drive, i % 2 == 1);
        (void)send(&drive, &report);
        pass(&drive, 1000);
    }
    assert_int_equal(times_told(&drive, "\"flapping\":\"began\""), 2);
    assert_int_equal(times_told(&drive, "ticket.opened"), 2);
    drive_close(&drive);
}

static void a_full_docket_leaves_the_incident(void **state) {
    (void)state;
    struct drive drive;
    drive_open(&drive, 16);
    for (int i = 0; i < 16; i++) {
        assert_int_not_equal(report_at(&drive, "pothole", 1000.0 * i).ticket, 0);
    }
    struct world_taken more = report_at(&drive, "pothole", 17000);
    assert_int_not_equal(more.incident, 0);
    assert_int_equal(more.ticket, 0);
    assert_int_equal(drive.world.tickets_refused_total, 1);
    /* The next report of the same matter gets it one, once there is room. */
    done(&drive, incident_of(&drive, 2)->ticket,
         (struct ticket_command){.verb = VERB_VOID, .note = SLICE_LITERAL("x")});
    drive_flush(&drive);
    assert_int_not_equal(report_at(&drive, "pothole", 17010).ticket, 0);
    drive_close(&drive);
}

/* A day of everything, in steps, so that it can be cut anywhere. */
static void play(struct drive *drive, int step) {
    static const double places[] = {0, 20, 45, 400, 420, 3000};
    switch (step % 8) {
    case 0:
    case 1:
        (void)report_at(drive, step % 3 == 0 ? "collapse" : "pothole", places[step % 6]);
        break;
    case 2: {
        struct report report = an_alarm(drive, step % 16 == 2);
        (void)send(drive, &report);
        break;
    }
    case 3:
        (void)report_at(drive, "forest_fire", 900.0 * (step % 4));
        break;
    case 4:
        pass(drive, 47 * MINUTE_MS);
        break;
    case 5: {
        uint32_t count = drive->world.docket.touched_count;
        for (uint32_t place = 0; place < count; place++) {
            const struct ticket *ticket = docket_at(&drive->world.docket, place);
            /* Places differ after a restart, numbers do not: the oldest of some. */
            if (ticket != NULL && ticket->state == TICKET_REPORTED && ticket->number % 3 == 0) {
                done(drive, ticket->number, (struct ticket_command){.verb = VERB_ACCEPT});
            }
        }
        break;
    }
    case 6: {
        uint64_t oldest = UINT64_MAX;
        for (uint32_t i = 0; i < drive->world.docket.touched_count; i++) {
            const struct ticket *ticket = docket_at(&drive->world.docket, i);
            bool fits = ticket != NULL &&
                        (ticket->state == TICKET_REPORTED || ticket->state == TICKET_DISPATCHED);
            oldest = fits && ticket->number < oldest ? ticket->number : oldest;
        }
        if (oldest != UINT64_MAX) {
            close_ticket(drive, oldest, step % 16 == 6 ? CLOSURE_HANDLED : CLOSURE_FALSE_ALARM);
        }
        break;
    }
    case 7:
        pass(drive, 5 * HOUR_MS);
        break;
    default:
        break;
    }
}

enum { STEPS = 96 };

static void a_restored_world_goes_on_as_the_one_that_wrote_it(void **state) {
    (void)state;
    for (int cut = 1; cut < STEPS; cut += 5) {
        struct drive *whole = malloc(sizeof *whole), *again = malloc(sizeof *again);
        assert_true(whole != NULL && again != NULL);
        drive_open(whole, 64);
        for (int step = 0; step < cut; step++) {
            play(whole, step);
        }
        drive_restart(again, whole);
        whole->told_bytes = 0;
        for (int step = cut; step < STEPS; step++) {
            play(whole, step);
            play(again, step);
            drive_flush(whole);
            drive_flush(again);
            assert_int_equal(whole->next_seq, again->next_seq);
        }
        assert_int_equal(whole->told_bytes, again->told_bytes);
        assert_memory_equal(whole->told, again->told, whole->told_bytes);
        assert_int_equal(whole->rows_count, again->rows_count);
        assert_memory_equal(whole->rows, again->rows, whole->rows_count * sizeof *whole->rows);
        assert_true(cut > STEPS - 8 || whole->told_bytes > 0);
        drive_close(whole);
        drive_close(again);
        free(whole);
        free(again);
    }
}

static void the_same_steps_tell_the_same(void **state) {
    (void)state;
    struct drive *runs[2];
    for (size_t i = 0; i < 2; i++) {
        runs[i] = malloc(sizeof *runs[i]);
        assert_non_null(runs[i]);
        drive_open(runs[i], 64);
        for (int step = 0; step < STEPS; step++) {
            play(runs[i], step);
        }
        drive_flush(runs[i]);
    }
    assert_true(runs[0]->told_bytes > 10000);
    assert_string_equal(runs[0]->told, runs[1]->told);
    assert_memory_equal(runs[0]->rows, runs[1]->rows, ROWS_MAX * sizeof *runs[0]->rows);
    for (size_t i = 0; i < 2; i++) {
        drive_close(runs[i]);
        free(runs[i]);
    }
}

/* Nothing waits unseen: an open ticket has a row among the deadlines. */
static void every_open_ticket_has_a_deadline(void **state) {
    (void)state;
    struct drive *drive = malloc(sizeof *drive);
    assert_non_null(drive);
    drive_open(drive, 64);
    for (int step = 0; step < STEPS; step++) {
        play(drive, step);
        drive_flush(drive);
        for (uint32_t i = 0; i < drive->world.docket.touched_count; i++) {
            const struct ticket *ticket = docket_at(&drive->world.docket, i);
            if (ticket == NULL || ticket_state_is_final((enum ticket_state)ticket->state)) {
                continue;
            }
            size_t found = 0;
            for (size_t k = 0; k < drive->rows_count; k++) {
                struct deadline deadline;
                const struct row *row = &drive->rows[k];
                found += row->family == ROW_DEADLINE &&
                         deadline_key_decode(&deadline, (struct slice){row->key, row->key_bytes}) &&
                         deadline.object == ticket->number;
            }
            assert_int_equal(found, 1);
        }
    }
    drive_close(drive);
    free(drive);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_opens_an_incident_and_its_ticket),
        cmocka_unit_test(nothing_begins_nowhere),
        cmocka_unit_test(a_category_without_tickets_is_not_wanted),
        cmocka_unit_test(a_planned_overall_limit_is_for_one_report),
        cmocka_unit_test(a_worse_report_makes_the_ticket_more_urgent),
        cmocka_unit_test(a_close_shuts_the_incident_and_a_report_reopens_both),
        cmocka_unit_test(a_false_alarm_does_not_eat_the_next_report),
        cmocka_unit_test(a_rejected_or_voided_matter_does_not_eat_it_either),
        cmocka_unit_test(merging_and_unmerging_takes_the_tickets_along),
        cmocka_unit_test(a_merge_keeps_the_older_ticket),
        cmocka_unit_test(what_cannot_be_unmerged_is_refused),
        cmocka_unit_test(a_sampled_alarm_has_no_ticket_until_it_is_believed),
        cmocka_unit_test(a_flapping_sensor_is_a_matter_of_its_own),
        cmocka_unit_test(a_full_docket_leaves_the_incident),
        cmocka_unit_test(a_restored_world_goes_on_as_the_one_that_wrote_it),
        cmocka_unit_test(the_same_steps_tell_the_same),
        cmocka_unit_test(every_open_ticket_has_a_deadline),
    };
    return cmocka_run_group_tests(tests, open_view, close_view);
}
