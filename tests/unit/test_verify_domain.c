/* A small world in a real store, damaged row by row: verify names each damage. */
#include "core/base/bytes.h"
#include "core/incident/incident.h"
#include "core/ticket/create_row.h"
#include "core/world.h"
#include "server/domain/row_set.h"
#include "storage/db.h"
#include "storage/verify.h"
#include "tests/unit/support.h"
#include "tests/unit/support_calendar.h"
#include "tests/unit/support_region.h"

enum { ROW_MAX = TICKET_ROW_BYTES_MAX, REPORTS = 6 };

struct fixture {
    char root[4096], path[4200];
    struct limits limits;
    struct policy policy;
    struct calendar_set calendars;
    struct region_table *regions;
    void *regions_memory, *world_memory, *log_memory;
    struct world world;
    struct event_log log;
    struct db *db;
    struct block *block;
    uint64_t next_seq;
    int64_t now_ms;
    uint64_t members_at;
};
static struct fixture fix;

static void make_rules(void) {
    static struct calendar office;
    static const struct merge_class near = {
        .kind = MERGE_DISTANCE, .gate_m = 50, .spread_m = 100, .reopen_s = 3600};
    struct category_rules rules;
    policy_init(&fix.policy, 1);
    assert_int_equal(policy_add_merge_class(&fix.policy, SLICE_LITERAL("near"), &near, NULL),
                     STATUS_OK);
    assert_int_equal(policy_add_category(&fix.policy, SLICE_LITERAL("hole"), SLICE_LITERAL("hole"),
                                         3, SEVERITY_MODERATE, NULL),
                     STATUS_OK);
    rules = policy_category_rules(&fix.policy, policy_category(&fix.policy, SLICE_LITERAL("hole")));
    rules.merge_class = SLICE_LITERAL("near");
    assert_int_equal(policy_set_category_rules(&fix.policy, SLICE_LITERAL("hole"), &rules, NULL),
                     STATUS_OK);
    support_calendar_office(&office);
    support_calendar_seal(&office);
    calendar_set_init(&fix.calendars, 1);
    assert_int_equal(calendar_set_add(&fix.calendars, &office, NULL), STATUS_OK);
    struct support_upload upload = {0};
    support_upload_add(&upload, "c", "", 0);
    support_upload_add(&upload, "g", "c", 1);
    support_upload_add(&upload, "h", "c", 1);
    fix.regions = support_table(&fix.regions_memory, NULL, &upload);
    support_upload_free(&upload);
}

static void make_world(void) {
    limits_init(&fix.limits);
    fix.limits.open_incidents = fix.limits.open_tickets = 64;
    fix.limits.joint_tickets = fix.limits.open_directives = 4;
    size_t bytes = (world_bytes(&fix.limits) + 63) / 64 * 64;
    fix.world_memory = aligned_alloc(64, bytes);
    fix.log_memory = malloc(event_log_bytes(STEP_ENTRIES_MAX, STEP_EVENTS_BYTES_MAX));
    assert_true(fix.world_memory != NULL && fix.log_memory != NULL);
    memset(fix.world_memory, 0, bytes);
    world_init(&fix.world, fix.world_memory, &fix.limits);
    event_log_init(&fix.log, fix.log_memory, STEP_ENTRIES_MAX, STEP_EVENTS_BYTES_MAX);
    const struct world_view view = {
        .policy = &fix.policy, .calendars = &fix.calendars, .regions = fix.regions};
    world_adopt(&fix.world, &view);
    fix.now_ms = support_ms("2026-11-23T09:00:00");
    fix.next_seq = 1;
}

static struct event_log *begin(uint64_t next_seq) {
    event_log_begin(&fix.log, fix.now_ms, next_seq);
    return &fix.log;
}

static void append_events(void) {
    for (uint32_t i = 0; i < fix.log.events_count; i++) {
        struct entry entry;
        struct record record;
        event_log_entry(&fix.log, i, &entry, &record);
        assert_int_equal(block_append(fix.block, &entry, &record), STATUS_OK);
    }
    fix.next_seq = fix.log.effects.next_seq;
}

static struct world_taken report_at(double north_deg) {
    struct world_taken taken;
    uint64_t seq = fix.next_seq;
    struct report report = {.entry = {.kind = ENTRY_REPORT,
                                      .severity = SEVERITY_MODERATE,
                                      .region = region_find(fix.regions, SLICE_LITERAL("g")),
                                      .category_tag = policy_tag(SLICE_LITERAL("hole")),
                                      .occurred_ms = fix.now_ms,
                                      .received_ms = fix.now_ms,
                                      .identity = {.low = seq * 977, .high = seq}},
                            .record = {.has_position = true,
                                       .position = {34.0 + north_deg, 108.0},
                                       .json = SLICE_LITERAL("{}")},
                            .observation = {.kind = OBSERVER_PERSON, .observer = seq * 31}};
    world_report(&fix.world, &report, seq, begin(seq + 1), &taken);
    report.record.incident = taken.incident;
    report.record.ticket = taken.ticket;
    assert_int_equal(block_append(fix.block, &report.entry, &report.record), STATUS_OK);
    append_events();
    return taken;
}

static void keep_flushed(void *rows, enum row_family family, struct slice key, struct slice value) {
    static const enum family families[] = {
        [ROW_INCIDENT] = FAMILY_INCIDENTS, [ROW_MEMBER] = FAMILY_MEMBERS,
        [ROW_MOVED] = FAMILY_MOVED,        [ROW_TICKET] = FAMILY_TICKETS,
        [ROW_DEADLINE] = FAMILY_DEADLINES, [ROW_DIRECTIVE] = FAMILY_DIRECTIVES};
    row_set_put(rows, families[family], key, value, value.bytes == 0);
}

/* `made`: what a create with a key made; 0: nothing was made so. */
static void commit(uint64_t made) {
    struct row_set rows;
    struct db_row list[256];
    row_set_init(&rows);
    world_flush(&fix.world, fix.next_seq - 1, keep_flushed, &rows);
    if (made != 0) {
        uint8_t key[CREATE_KEY_BYTES], head[CREATE_HEAD_BYTES];
        create_key_encode(key, made);
        create_head_encode(head, made * 7, made * 11);
        row_set_put(&rows, FAMILY_CREATES, (struct slice){key, sizeof key},
                    (struct slice){head, sizeof head}, false);
    }
    assert_true(rows.count <= ARRAY_COUNT(list));
    row_set_list(&rows, list);
    const struct block *blocks[] = {fix.block};
    const struct db_commit commit = {blocks, 1, list, rows.count};
    assert_int_equal(db_commit(fix.db, &commit, NULL), STATUS_OK);
    db_publish(fix.db, fix.block, fix.now_ms);
    block_reset(fix.block, fix.next_seq);
    row_set_deinit(&rows);
}

/* The members of the first incident, as the store has them. */
static bool keep_member(void *context, struct slice key, struct slice value) {
    struct member *list = context;
    assert_true(fix.members_at < REPORTS);
    assert_true(member_row_decode(&list[fix.members_at++], key, value));
    return true;
}

static struct member members[REPORTS];
static size_t members_count;

static void rewind_members(void *context) {
    (void)context;
    fix.members_at = 0;
}

static bool next_member(void *context, struct member *ret) {
    (void)context;
    bool more = fix.members_at < members_count;
    if (more) {
        *ret = members[fix.members_at++];
    }
    return more;
}

static void take_one_apart(uint64_t incident, uint64_t seq) {
    uint8_t prefix[INCIDENT_KEY_BYTES];
    uint64_t apart;
    incident_key(prefix, incident);
    const struct db_walk walk = {.family = FAMILY_MEMBERS,
                                 .from = {prefix, sizeof prefix},
                                 .prefix = {prefix, sizeof prefix}};
    fix.members_at = 0;
    assert_int_equal(db_walk_rows(fix.db, &walk, keep_member, members, NULL), STATUS_OK);
    members_count = fix.members_at;
    fix.members_at = 0;
    const struct incident_members source = {
        .context = NULL, .next = next_member, .rewind = rewind_members};
    assert_int_equal(
        world_unmerge(&fix.world, incident, &seq, 1, &source, begin(fix.next_seq), &apart),
        STATUS_OK);
    append_events();
}

/* Seq 1: incident 2 with three reports, one of which is taken apart again; another incident merged
 * into a third; a directive to two grids. */
static void make_history(void) {
    struct world_taken first = report_at(0);
    (void)report_at(0.0001);
    uint64_t third = fix.next_seq;
    assert_int_equal(report_at(0.0002).incident, first.incident);
    uint64_t b = report_at(0.1).incident, c = report_at(0.2).incident, survivor;
    (void)report_at(0.3);
    commit(first.ticket);
    take_one_apart(first.incident, third);
    assert_int_equal(world_merge(&fix.world, b, c, begin(fix.next_seq), &survivor), STATUS_OK);
    append_events();
    const struct directive_addressee addressees[] = {
        {.region = region_find(fix.regions, SLICE_LITERAL("g"))},
        {.region = region_find(fix.regions, SLICE_LITERAL("h"))}};
    const struct directive_order order = {.issuer = SLICE_LITERAL("boss"),
                                          .note = SLICE_LITERAL("look"),
                                          .region = region_find(fix.regions, SLICE_LITERAL("c")),
                                          .category_tag = policy_tag(SLICE_LITERAL("hole")),
                                          .priority = 3,
                                          .severity = SEVERITY_MODERATE,
                                          .addressees = addressees,
                                          .addressees_count = 2};
    uint64_t directive;
    assert_int_equal(world_issue(&fix.world, &order, begin(fix.next_seq), &directive), STATUS_OK);
    append_events();
    commit(directive);
}

static int setup(void **state) {
    (void)state;
    memset(&fix, 0, sizeof fix);
    snprintf(fix.root, sizeof fix.root, "%s", support_temporary_directory());
    snprintf(fix.path, sizeof fix.path, "%s/data", fix.root);
    make_rules();
    make_world();
    const struct db_options options = {.kind = DB_ROCKS,
                                       .store = {.path = fix.path,
                                                 .create = true,
                                                 .cache_bytes = MIB,
                                                 .memtable_bytes = MIB,
                                                 .background_jobs = 1},
                                       .limits = &fix.limits,
                                       .now_ms = fix.now_ms};
    struct error error = {""};
    if (db_open(&fix.db, &options, &error) != STATUS_OK) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(block_new(&fix.block, &fix.limits), STATUS_OK);
    block_reset(fix.block, 1);
    make_history();
    db_close(fix.db);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    block_free(fix.block);
    free(fix.regions_memory);
    free(fix.world_memory);
    free(fix.log_memory);
    support_remove_tree(fix.root);
    return 0;
}

static void expect(enum status status, const char *words) {
    struct error error = {""};
    struct verify_result result;
    enum status got = verify_directory(fix.path, &result, NULL, NULL, &error);
    if (got != status || strstr(error.message, words) == NULL) {
        fail_msg("%s, not %s \"%s\": %s", status_name(got), status_name(status), words,
                 error.message);
    }
}

static struct store *open_store(void) {
    const struct store_options options = {
        .path = fix.path, .cache_bytes = MIB, .memtable_bytes = MIB, .background_jobs = 1};
    struct store *store;
    assert_int_equal(store_open_rocks(&store, &options, NULL), STATUS_OK);
    return store;
}

struct kept {
    uint8_t key[32], value[ROW_MAX];
    size_t key_bytes, value_bytes;
};

/* The n-th row of a family whose key has so many bytes (0: any). */
static void find_row(struct store *store, enum family family, size_t key_bytes, size_t nth,
                     struct kept *ret) {
    struct store_iter *iter;
    assert_int_equal(store_iter_new(&iter, store, family, NULL, false), STATUS_OK);
    store_iter_seek(iter, (struct slice){(const uint8_t[]){0}, 1});
    while (store_iter_valid(iter) &&
           ((key_bytes != 0 && store_iter_key(iter).bytes != key_bytes) || nth-- > 0)) {
        store_iter_next(iter);
    }
    assert_true(store_iter_valid(iter));
    struct slice key = store_iter_key(iter), value = store_iter_value(iter);
    assert_true(key.bytes <= sizeof ret->key && value.bytes <= sizeof ret->value);
    memcpy(ret->key, key.data, ret->key_bytes = key.bytes);
    memcpy(ret->value, value.data, ret->value_bytes = value.bytes);
    store_iter_free(iter);
}

static void write_row(enum family family, const struct kept *row, bool remove) {
    struct store *store = open_store();
    struct store_batch *batch;
    assert_int_equal(store_batch_new(&batch, store), STATUS_OK);
    if (remove) {
        store_batch_delete(batch, family, (struct slice){row->key, row->key_bytes});
    } else {
        store_batch_put(batch, family, (struct slice){row->key, row->key_bytes},
                        (struct slice){row->value, row->value_bytes});
    }
    assert_int_equal(store_write(store, batch, NULL), STATUS_OK);
    store_batch_free(batch);
    store_close(store);
}

static struct kept row_of(enum family family, size_t key_bytes, size_t nth) {
    static struct kept row;
    struct store *store = open_store();
    find_row(store, family, key_bytes, nth, &row);
    store_close(store);
    return row;
}

static void a_world_of_every_kind_is_right(void **state) {
    (void)state;
    struct error error = {""};
    struct verify_result result;
    if (verify_directory(fix.path, &result, NULL, NULL, &error) != STATUS_OK) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(result.incident_rows, 5);
    assert_int_equal(result.member_rows, REPORTS);
    assert_int_equal(result.moved_rows, 2);
    assert_int_equal(result.ticket_rows, 7);
    assert_int_equal(result.directive_rows, 3);
    assert_int_equal(result.deadline_rows, 6);
    assert_int_equal(result.create_rows, 2);
}

enum { DELETE = -1 };

/* One row goes, or one byte of its value changes; put back, all is right again. */
static void each_damage_is_named(void **state) {
    (void)state;
    const struct {
        enum family family;
        size_t key_bytes, nth;
        int at; /* DELETE, or the byte */
        const char *words;
    } cases[] = {
        {FAMILY_INCIDENTS, 0, 0, DELETE, "has members, but no row"},
        {FAMILY_INCIDENTS, 0, 4, DELETE, "has members, but no row"},
        {FAMILY_INCIDENTS, 0, 0, 0, "the row of incident 2 is not readable"},
        {FAMILY_INCIDENTS, 0, 0, 20, "incident 2 counts 3 reports, but has 2 members"},
        {FAMILY_MEMBERS, 0, 0, DELETE, "incident 2 counts 2 reports, but has 1 members"},
        {FAMILY_MEMBERS, 0, 0, 0, "the member row of report 1 is not readable"},
        {FAMILY_MEMBERS, 0, 0, 40, "the moved row of report 1 is missing"},
        {FAMILY_MOVED, 8, 0, DELETE, "is missing or of another incident"},
        {FAMILY_MOVED, 8, 0, 0, "is not readable"},
        {FAMILY_MOVED, 8, 0, 1, "is missing or of another incident"},
        {FAMILY_MOVED, 16, 0, 0, "the merge row of incident"},
        {FAMILY_TICKETS, 0, 0, DELETE, "object 3, which does not wait for it"},
        {FAMILY_TICKETS, 0, 0, 0, "the row of ticket 3 is not readable"},
        {FAMILY_TICKETS, 0, 6, DELETE, "names a ticket that is not its own"},
        {FAMILY_DEADLINES, 0, 0, DELETE, "waits for has no row"},
        {FAMILY_DEADLINES, 0, 0, 0, "deadline 0 is not readable"},
        {FAMILY_DIRECTIVES, 8, 0, DELETE, "has addressees, but no row"},
        {FAMILY_DIRECTIVES, 8, 0, 0, "the row of directive"},
        {FAMILY_DIRECTIVES, 8, 0, 56, "does not count what its addressees did"},
        {FAMILY_DIRECTIVES, 12, 0, DELETE, "does not have as many addressees"},
        {FAMILY_DIRECTIVES, 12, 1, 0, "an addressee of directive"},
        {FAMILY_CREATES, 0, 0, 0, "create 0 is not readable"},
        {FAMILY_CREATES, 0, 1, 0, "create 1 is not readable"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct kept row = row_of(cases[i].family, cases[i].key_bytes, cases[i].nth), bad = row;
        if (cases[i].at != DELETE) {
            bad.value[cases[i].at] ^= 1;
        }
        write_row(cases[i].family, &bad, cases[i].at == DELETE);
        expect(STATUS_CORRUPT, cases[i].words);
        write_row(cases[i].family, &row, false);
    }
    expect(STATUS_OK, "");
}

/* A ticket's row again, with something else in it. */
static void damage_ticket(uint64_t number, uint64_t last_event_seq, enum status status,
                          const char *words) {
    struct kept row = row_of(FAMILY_TICKETS, 0, 0), bad = row;
    struct ticket ticket;
    struct joint joint;
    bool has_joint;
    assert_int_equal(
        ticket_row_decode(&ticket, &joint, &has_joint, (struct slice){row.value, row.value_bytes}),
        STATUS_OK);
    ticket.number = number != 0 ? number : ticket.number;
    ticket.last_event_seq = last_event_seq != 0 ? last_event_seq : ticket.last_event_seq;
    ticket_key_encode(bad.key, ticket.number);
    bad.value_bytes = ticket_row_encode(bad.value, &ticket, NULL);
    write_row(FAMILY_TICKETS, &bad, false);
    expect(status, words);
    write_row(FAMILY_TICKETS, &bad, true);
    write_row(FAMILY_TICKETS, &row, false);
}

static void rows_that_name_other_entries_are_found(void **state) {
    (void)state;
    damage_ticket(2, 0, STATUS_CORRUPT, "ticket 2 is not the number of what opened it");
    damage_ticket(0, 4, STATUS_CORRUPT, "the last entry of ticket 3 is of something else");
    damage_ticket(0, 1000, STATUS_LOST, "ticket 3 has entries behind the journal's end");
    struct kept row = row_of(FAMILY_INCIDENTS, 0, 0);
    incident_key(row.key, 1);
    write_row(FAMILY_INCIDENTS, &row, false);
    expect(STATUS_CORRUPT, "incident 1 is not the number of what opened it");
    write_row(FAMILY_INCIDENTS, &row, true);
    /* Member and count are gone together: only the report still knows. */
    struct kept member = row_of(FAMILY_MEMBERS, 0, 0), incident = row_of(FAMILY_INCIDENTS, 0, 0);
    write_row(FAMILY_MEMBERS, &member, true);
    incident.value[20]--;
    write_row(FAMILY_INCIDENTS, &incident, false);
    expect(STATUS_CORRUPT, "6 reports were taken into incidents, 5 members");
}

/* A row of a create under another number. */
static void move_create(size_t nth, uint64_t number, enum status status, const char *words) {
    struct kept row = row_of(FAMILY_CREATES, 0, nth), bad = row;
    create_key_encode(bad.key, number);
    write_row(FAMILY_CREATES, &row, true);
    write_row(FAMILY_CREATES, &bad, false);
    expect(status, words);
    write_row(FAMILY_CREATES, &bad, true);
    write_row(FAMILY_CREATES, &row, false);
}

static void a_create_names_what_it_made(void **state) {
    (void)state;
    move_create(0, 1, STATUS_CORRUPT, "a create names 1, which is no ticket and no directive");
    move_create(1, 1000, STATUS_LOST, "a create made 1000, but the journal ends before it");
    struct kept ticket = row_of(FAMILY_CREATES, 0, 0), twice = row_of(FAMILY_CREATES, 0, 1);
    memcpy(twice.value, ticket.value, ticket.value_bytes);
    write_row(FAMILY_CREATES, &twice, false);
    expect(STATUS_CORRUPT, "made something else too");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_world_of_every_kind_is_right),
        TEST(each_damage_is_named),
        TEST(rows_that_name_other_entries_are_found),
        TEST(a_create_names_what_it_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
