#include "tests/unit/stage_look.h"

#include "core/ticket/ticket_explain.h"

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
    stage_expect_ok(db_read_journal(stage->db, seq, write_entry, to, &oldest, &error), &error);
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
    stage_expect_ok(db_walk_rows(stage->db, &rows, callback, context, &error), &error);
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
    stage_expect_ok(db_get_row(look->stage->db, FAMILY_DEADLINES, (struct slice){key, sizeof key},
                               &value, &error),
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
