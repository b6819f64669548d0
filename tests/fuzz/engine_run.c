#include "tests/fuzz/engine_run.h"

#include "core/base/bytes.h"
#include "core/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xxhash.h>

#define START_MS                                                                                   \
    INT64_C(1795136400000) /* 2026-11-20T01:00:00Z: a Friday, office hours at UTC+8                \
                            */

/* Memory that is zero again after engine_run_reset, and costs only what was touched. */
static void *pages(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(memory != MAP_FAILED);
    return memory;
}

static void wipe(void *memory, size_t bytes) {
    CHECK(madvise(memory, bytes, MADV_DONTNEED) == 0);
}

void engine_run_new(struct engine_run *run) {
    memset(run, 0, sizeof *run);
    limits_init(&run->limits);
    run->limits.open_incidents = 24;
    run->limits.open_tickets = 24;
    run->limits.joint_tickets = 4;
    run->limits.open_directives = 4;
    run->limits.directive_addressees = RUN_ADDRESSEES_MAX;
    run->limits.identities = 1024;
    run->world_memory = pages(world_bytes(&run->limits));
    run->engine_memory = pages(engine_bytes(&run->limits));
    run->log_memory = malloc(event_log_bytes(STEP_ENTRIES_MAX, STEP_EVENTS_BYTES_MAX));
    run->rows = calloc(RUN_ROWS_MAX, sizeof *run->rows);
    run->values = malloc(RUN_VALUES_BYTES);
    CHECK(run->log_memory != NULL && run->rows != NULL && run->values != NULL);
}

static void begin_at(struct engine_run *run, const struct world_view *view, uint64_t next_seq,
                     int64_t now_ms) {
    wipe(run->world_memory, world_bytes(&run->limits));
    wipe(run->engine_memory, engine_bytes(&run->limits));
    engine_init(&run->engine, &run->limits, run->engine_memory, next_seq);
    world_init(&run->world, run->world_memory, &run->limits);
    event_log_init(&run->log, run->log_memory, STEP_ENTRIES_MAX, STEP_EVENTS_BYTES_MAX);
    world_adopt(&run->world, view);
    run->next_seq = next_seq;
    run->now_ms = now_ms;
    run->told = 0;
    run->is_full = false;
}

void engine_run_reset(struct engine_run *run, const struct world_view *view) {
    begin_at(run, view, 1, START_MS);
    run->rows_count = run->values_bytes = run->reports_count = 0;
}

/* The journal's newest half; what is older is only known to the store. */
static void restore_engine(struct engine_run *run) {
    size_t first = run->reports_count / 2;
    if (first > 0) {
        identities_mark_incomplete(&run->engine.identities);
    }
    for (size_t i = 0; i < run->reports_count; i++) {
        const struct run_report *kept = &run->reports[i];
        const struct entry *entry = &kept->report.entry;
        if ((entry->flags & ENTRY_CLOCK_SUSPECT) != 0) {
            engine_restore_suspect(&run->engine, entry->identity);
        }
        if (i >= first) {
            engine_restore(&run->engine, entry->identity, entry->content_tag, kept->seq,
                           entry->received_ms);
        }
    }
}

static void restore_row(struct engine_run *run, const struct run_row *row) {
    struct slice key = {row->key, row->key_bytes};
    enum status status = STATUS_OK;
    if (row->family == ROW_INCIDENT) {
        status = world_restore_incident(&run->world, key, row->value, run->now_ms);
    } else if (row->family == ROW_TICKET) {
        status = world_restore_ticket(&run->world, key, row->value);
    } else if (row->family == ROW_DIRECTIVE) {
        status = world_restore_directive(&run->world, key, row->value);
    }
    CHECK(status == STATUS_OK);
}

void engine_run_restore(struct engine_run *run, const struct engine_run *from,
                        const struct world_view *view) {
    begin_at(run, view, from->next_seq, from->now_ms);
    memcpy(run->values, from->values, from->values_bytes);
    run->values_bytes = from->values_bytes;
    memcpy(run->rows, from->rows, from->rows_count * sizeof *run->rows);
    run->rows_count = from->rows_count;
    memcpy(run->reports, from->reports, from->reports_count * sizeof *run->reports);
    run->reports_count = from->reports_count;
    run->told = from->told;
    restore_engine(run);
    for (size_t i = 0; i < run->rows_count; i++) {
        run->rows[i].value.data = run->values + (from->rows[i].value.data - from->values);
        restore_row(run, &run->rows[i]);
    }
}

/* For who looks at a failing input. */
static bool tells(void) {
    static int asked = -1;
    asked = asked < 0 ? getenv("GRIDD_FUZZ_TELL") != NULL : asked;
    return asked != 0;
}

static void tell_row(const char *what, const struct run_row *row) {
    (void)fprintf(stderr, "%s: family %d, ", what, (int)row->family);
    for (size_t i = 0; i < row->key_bytes + row->value.bytes; i++) {
        (void)fprintf(stderr, "%s%02x", i == row->key_bytes ? " = " : "",
                      i < row->key_bytes ? row->key[i] : row->value.data[i - row->key_bytes]);
    }
    (void)fprintf(stderr, "\n");
}

static bool is_same_row(const struct run_row *a, const struct run_row *b) {
    return a->family == b->family && a->key_bytes == b->key_bytes &&
           memcmp(a->key, b->key, a->key_bytes) == 0 && slice_equal(a->value, b->value);
}

void engine_run_compare(const struct engine_run *a, const struct engine_run *b) {
    CHECK(a->told == b->told && a->next_seq == b->next_seq && a->now_ms == b->now_ms);
    for (size_t i = 0; i < a->rows_count && i < b->rows_count; i++) {
        bool is_same = is_same_row(&a->rows[i], &b->rows[i]);
        if (!is_same && tells()) {
            tell_row("kept", &a->rows[i]);
            tell_row("restored", &b->rows[i]);
        }
        CHECK(is_same);
    }
    CHECK(a->rows_count == b->rows_count);
}

/* Steps. */

struct event_log *engine_run_begin(struct engine_run *run, uint64_t next_seq) {
    event_log_begin(&run->log, run->now_ms, next_seq);
    return &run->log;
}

void engine_run_note(struct engine_run *run, uint64_t answer) {
    run->told = XXH3_64bits_withSeed(&answer, sizeof answer, run->told);
}

void engine_run_end(struct engine_run *run) {
    for (uint32_t i = 0; i < run->log.events_count; i++) {
        const struct event *event = &run->log.events[i];
        engine_check_event(event);
        engine_run_note(run, event->object ^ (uint64_t)event->kind << 56 ^
                                 (uint64_t)event->region << 24 ^ event->severity);
        run->told = XXH3_64bits_withSeed(event->json.data, event->json.bytes, run->told);
        if (tells()) {
            (void)fprintf(stderr, "%lld %s %.*s\n", (long long)run->now_ms,
                          entry_kind_name(event->kind), (int)event->json.bytes,
                          (const char *)event->json.data);
        }
    }
    run->next_seq = run->log.effects.next_seq;
    engine_continue(&run->engine, run->next_seq);
}

/* Rows. */

static int row_order(const struct run_row *row, enum row_family family, struct slice key) {
    if (row->family != family) {
        return row->family < family ? -1 : 1;
    }
    int order = memcmp(row->key, key.data, min_u64(row->key_bytes, key.bytes));
    return order != 0 ? order : (row->key_bytes > key.bytes) - (row->key_bytes < key.bytes);
}

/* The first row that is not before the key. */
static size_t place_of(const struct engine_run *run, enum row_family family, struct slice key) {
    size_t low = 0, high = run->rows_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (row_order(&run->rows[middle], family, key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct run_row *engine_run_row(const struct engine_run *run, enum row_family family,
                                     struct slice key) {
    size_t at = place_of(run, family, key);
    bool is_there = at < run->rows_count && row_order(&run->rows[at], family, key) == 0;
    return is_there ? &run->rows[at] : NULL;
}

static void keep_row(void *context, enum row_family family, struct slice key, struct slice value) {
    struct engine_run *run = context;
    size_t at = place_of(run, family, key);
    bool is_there = at < run->rows_count && row_order(&run->rows[at], family, key) == 0;
    struct run_row *row = &run->rows[at];
    if (run->rows_count == RUN_ROWS_MAX || RUN_VALUES_BYTES - run->values_bytes < value.bytes) {
        run->is_full = true;
        return;
    }
    if (value.bytes == 0) {
        CHECK(is_there || family == ROW_MEMBER); /* a member may come and go within a block */
        if (is_there) {
            memmove(row, row + 1, (--run->rows_count - at) * sizeof *row);
        }
        return;
    }
    engine_check_row(family, key, value);
    if (!is_there) {
        CHECK(key.bytes <= sizeof row->key);
        memmove(row + 1, row, (run->rows_count++ - at) * sizeof *row);
    }
    *row = (struct run_row){.family = family, .key_bytes = key.bytes};
    memcpy(row->key, key.data, key.bytes);
    row->value = (struct slice){run->values + run->values_bytes, value.bytes};
    memcpy(run->values + run->values_bytes, value.data, value.bytes);
    run->values_bytes += value.bytes;
}

void engine_run_flush(struct engine_run *run) {
    world_flush(&run->world, run->next_seq - 1, keep_row, run);
}

static bool first_deadline(const struct engine_run *run, struct deadline *ret) {
    size_t at = place_of(run, ROW_DEADLINE, SLICE_LITERAL(""));
    if (at == run->rows_count || run->rows[at].family != ROW_DEADLINE) {
        return false;
    }
    return deadline_key_decode(ret, (struct slice){run->rows[at].key, run->rows[at].key_bytes});
}

bool engine_run_pass(struct engine_run *run, int64_t ms) {
    int64_t until_ms = run->now_ms + ms;
    struct deadline deadline;
    engine_run_flush(run);
    for (int i = 0; i < RUN_FIRED_MAX && !run->is_full; i++) {
        if (!first_deadline(run, &deadline) || deadline.due_ms > until_ms) {
            run->now_ms = until_ms;
            return true;
        }
        run->now_ms = deadline.due_ms > run->now_ms ? deadline.due_ms : run->now_ms;
        world_fire(&run->world, &deadline, engine_run_begin(run, run->next_seq));
        engine_run_end(run);
        engine_run_flush(run);
        uint8_t key[DEADLINE_KEY_BYTES];
        deadline_key_encode(key, &deadline);
        /* What fired is gone, or told something: else it would fire for ever. */
        CHECK(run->is_full || run->log.events_count > 0 ||
              engine_run_row(run, ROW_DEADLINE, (struct slice){key, sizeof key}) == NULL);
    }
    return false;
}

/* Reading back. */

static bool next_member(void *context, struct member *ret) {
    struct engine_run *run = context;
    bool found = false;
    /* By rising seq whatever incident they stand under: the smallest one not given yet. */
    for (size_t at = place_of(run, ROW_MEMBER, SLICE_LITERAL(""));
         at < run->rows_count && run->rows[at].family == ROW_MEMBER; at++) {
        const struct run_row *row = &run->rows[at];
        uint64_t seq = load_u64_be(row->key + 8);
        const struct incident *in = incidents_resolve(&run->world.incidents, load_u64_be(row->key));
        bool is_next = in != NULL && in->number == run->members_of && seq > run->members_after &&
                       (!found || seq < ret->sighting.seq);
        if (is_next) {
            found = member_row_decode(ret, (struct slice){row->key, row->key_bytes}, row->value);
            CHECK(found);
        }
    }
    run->members_after = found ? ret->sighting.seq : run->members_after;
    return found;
}

static void rewind_members(void *context) {
    ((struct engine_run *)context)->members_after = 0;
}

struct incident_members engine_run_members(struct engine_run *run, uint64_t incident) {
    run->members_of = incident;
    run->members_after = 0;
    return (struct incident_members){run, next_member, rewind_members};
}

static bool load_directive(struct engine_run *run, uint64_t number) {
    uint8_t key[DIRECTIVE_KEY_BYTES];
    if (number == 0 || directives_find(&run->world.docket.directives, number) != NULL) {
        return true;
    }
    directive_key_encode(key, number);
    const struct run_row *row = engine_run_row(run, ROW_DIRECTIVE, (struct slice){key, sizeof key});
    CHECK(row != NULL);
    enum status status = world_load_directive(&run->world, row->value);
    CHECK(status == STATUS_OK || status == STATUS_FULL);
    return status == STATUS_OK;
}

bool engine_run_load(struct engine_run *run, uint64_t ticket) {
    uint8_t key[TICKET_KEY_BYTES];
    const struct ticket *there = docket_find(&run->world.docket, ticket);
    if (there != NULL) {
        return load_directive(run, there->directive);
    }
    ticket_key_encode(key, ticket);
    const struct run_row *row = engine_run_row(run, ROW_TICKET, (struct slice){key, sizeof key});
    struct ticket stored;
    struct joint joint;
    bool has_joint;
    if (row == NULL) {
        return false;
    }
    enum status status = ticket_row_decode(&stored, &joint, &has_joint, row->value);
    CHECK(status == STATUS_OK);
    if (!load_directive(run, stored.directive)) {
        return false;
    }
    status = world_load_ticket(&run->world, (struct slice){key, sizeof key}, row->value);
    CHECK(status == STATUS_OK || status == STATUS_FULL);
    return status == STATUS_OK;
}
