#include "tests/sim/sim_model.h"

#include "core/base/check.h"
#include "core/report/record.h"
#include "core/text/instant.h"
#include "storage/timeline.h"
#include "tests/sim/sim_trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

const struct model_region model_regions[MODEL_REGIONS] = {
    {"r", -1, 0},   {"r1", 0, 1},   {"r10", 0, 1},  {"r11", 0, 1},  {"r1a", 1, 2},  {"r1b", 1, 2},
    {"r10a", 2, 2}, {"r10b", 2, 2}, {"r11a", 3, 2}, {"r1a1", 4, 3}, {"r1a2", 4, 3}, {"r1b1", 5, 3},
    {"q", -1, 0},   {"q1", 12, 1},  {"q1a", 13, 2}, {"q10", 12, 1},
};

static const char *const categories[] = {"leak", "fault", "smoke", "rubble", "patrol"};

bool model_is_within(uint32_t region, uint32_t root) {
    if (root == REGION_NONE) {
        return true;
    }
    for (int at = region < MODEL_REGIONS ? (int)region : -1; at >= 0;
         at = model_regions[at].parent) {
        if ((uint32_t)at == root) {
            return true;
        }
    }
    return false;
}

void model_init(struct model *model, struct sim_disk *disk, size_t devices, size_t ids) {
    *model = (struct model){.disk = disk, .reports_count = devices * ids, .ids = ids};
    model->reports = calloc(model->reports_count, sizeof *model->reports);
    CHECK(model->reports != NULL);
}

void model_deinit(struct model *model) {
    free(model->reports);
    free(model->log);
    free(model->tickets);
}

/* Reports of one place are some metres apart, so that they merge now and then. */
size_t model_line(char *to, size_t bytes, const struct model_report *report, uint32_t variant) {
    char when[INSTANT_TEXT_BYTES + 1] = "";
    instant_format(when, report->occurred_ms);
    int count = snprintf(
        to, bytes,
        "{\"id\":\"e%u\",\"source\":\"d%u\",\"category\":\"%s\",\"occurred_at\":\"%s\",\"grid\":"
        "\"%s\",\"location\":{\"lat\":%.5f,\"lon\":%.5f},\"channel\":\"%s\",\"text\":\"v%u\"}",
        report->id, report->device, categories[report->category], when,
        model_regions[report->region].code, 30 + 0.01 * report->region + 0.0002 * (report->id % 4),
        120 + 0.01 * report->region, report->id % 3 == 0 ? "app" : "handheld", variant);
    CHECK(count > 0 && (size_t)count < bytes);
    return (size_t)count;
}

static int find_report(const struct model *model, struct slice json, uint32_t *ret_variant) {
    char text[512];
    unsigned id, device, variant;
    size_t bytes = min_u64(json.bytes, sizeof text - 1);
    memcpy(text, json.data, bytes);
    text[bytes] = '\0';
    const char *tail = strstr(text, "\"text\":\"v");
    if (sscanf(text, "{\"id\":\"e%u\",\"source\":\"d%u\"", &id, &device) != 2 || tail == NULL ||
        sscanf(tail, "\"text\":\"v%u\"", &variant) != 1) {
        return MODEL_NO_REPORT;
    }
    *ret_variant = variant;
    size_t index = device * model->ids + id;
    return id < model->ids && index < model->reports_count ? (int)index : MODEL_NO_REPORT;
}

static struct model_entry entry_of(const struct entry *entry, struct slice record) {
    struct entry kept = *entry;
    kept.record_offset = 0;
    XXH64_hash_t hash = XXH3_64bits(&kept, sizeof kept);
    return (struct model_entry){
        .kind = entry->kind,
        .severity = entry->severity,
        .region = entry->region,
        .category_tag = entry->category_tag,
        .object = entry->kind == ENTRY_REPORT ? 0 : entry->identity.high,
        .occurred_ms = entry->occurred_ms,
        .received_ms = entry->received_ms,
        .hash = XXH3_64bits_withSeed(record.data, record.bytes, hash),
        .report = MODEL_NO_REPORT,
    };
}

static bool says(struct slice json, const char *text) {
    return memmem(json.data, json.bytes, text, strlen(text)) != NULL;
}

struct model_ticket *model_ticket(struct model *model, uint64_t number) {
    for (size_t i = model->tickets_count; i > 0; i--) {
        if (model->tickets[i - 1].number == number) {
            return &model->tickets[i - 1];
        }
    }
    return NULL;
}

static void open_ticket(struct model *model, const struct model_entry *entry, struct slice json) {
    if (model->tickets_count == model->tickets_max) {
        model->tickets_max = 2 * model->tickets_max + 64;
        model->tickets = realloc(model->tickets, model->tickets_max * sizeof *model->tickets);
        CHECK(model->tickets != NULL);
    }
    INVARIANT("I4", model_ticket(model, entry->object) == NULL, "ticket %" PRIu64 " opened twice",
              entry->object);
    model->tickets[model->tickets_count++] =
        (struct model_ticket){.number = entry->object,
                              .opened_ms = entry->received_ms,
                              .category_tag = entry->category_tag,
                              .was_reported = says(json, "\"state\":\"reported\"")};
}

/* Limits of acceptance, as tests/sim/policy.yaml has them. */
static int64_t accept_limit_ms(uint32_t category_tag) {
    static const struct {
        const char *code;
        int64_t ms;
    } limits[] = {{"leak", 6000}, {"fault", 5000}};
    for (size_t i = 0; i < ARRAY_COUNT(limits); i++) {
        if (policy_tag(slice_text(limits[i].code)) == category_tag) {
            return limits[i].ms;
        }
    }
    return 0;
}

static void follow_ticket(struct model *model, const struct model_entry *entry, struct slice json) {
    struct model_ticket *ticket = model_ticket(model, entry->object);
    INVARIANT("I3", ticket != NULL, "an event of ticket %" PRIu64 ", which was never opened",
              entry->object);
    if (entry->kind == ENTRY_TICKET_OVERDUE) {
        sim_happened(SITE_OVERDUE);
        if (says(json, "\"stage\":\"accept\"")) {
            int64_t limit_ms = accept_limit_ms(ticket->category_tag);
            INVARIANT("I8", ticket->touched || ++ticket->accept_overdue == 1,
                      "ticket %" PRIu64 " is told twice to be overdue", entry->object);
            INVARIANT("I8",
                      ticket->touched || limit_ms == 0 ||
                          entry->received_ms >= ticket->opened_ms + limit_ms,
                      "ticket %" PRIu64 " is overdue %" PRId64 " ms before its limit",
                      entry->object, ticket->opened_ms + limit_ms - entry->received_ms);
        }
    } else if (entry->kind == ENTRY_TICKET_ESCALATED) {
        sim_happened(SITE_ESCALATED);
    } else if (entry->kind == ENTRY_TICKET_COMMAND) {
        ticket->touched = true;
    }
}

static void take_report(struct model *model, struct model_entry *entry, uint64_t seq,
                        struct slice json) {
    uint32_t variant = 0;
    entry->report = find_report(model, json, &variant);
    INVARIANT("I4", entry->report != MODEL_NO_REPORT, "entry %" PRIu64 " is no report of anybody's",
              seq);
    struct model_report *report = &model->reports[entry->report];
    INVARIANT("I4", report->log_seq == 0,
              "report e%u of d%u is in the journal twice: %" PRIu64 " and %" PRIu64, report->id,
              report->device, report->log_seq, seq);
    INVARIANT("I4", report->sent, "report e%u of d%u was never sent", report->id, report->device);
    report->log_seq = seq;
    report->log_variant = variant;
}

/* What a device sent is what was stored: every byte of its line. */
static void check_line(const struct model *model, const struct model_entry *entry,
                       struct slice json) {
    char line[512];
    const struct model_report *report = &model->reports[entry->report];
    size_t bytes = model_line(line, sizeof line, report, report->log_variant);
    INVARIANT("I16", slice_equal(json, (struct slice){(const uint8_t *)line, bytes}),
              "report e%u of d%u was stored as something else", report->id, report->device);
    INVARIANT("I16", entry->region == report->region, "report e%u of d%u is in region %u",
              report->id, report->device, entry->region);
}

static void append(struct model *model, uint64_t seq, const struct entry *entry,
                   struct slice bytes) {
    INVARIANT("I5", seq == model->log_count + 1, "entry %" PRIu64 " follows %zu", seq,
              model->log_count);
    INVARIANT("I6", seq <= sim_disk_seq(model->disk),
              "entry %" PRIu64 " is told, the disk has %" PRIu64, seq, sim_disk_seq(model->disk));
    struct record record;
    INVARIANT("I3", record_decode(&record, bytes), "the record of entry %" PRIu64, seq);
    struct model_entry kept = entry_of(entry, bytes);
    if (kept.kind == ENTRY_REPORT) {
        take_report(model, &kept, seq, record.json);
        check_line(model, &kept, record.json);
    } else if (kept.kind == ENTRY_TICKET_OPENED) {
        open_ticket(model, &kept, record.json);
    } else if (kept.kind >= ENTRY_TICKET_COMMAND && kept.kind <= ENTRY_TICKET_RECOMPUTED) {
        follow_ticket(model, &kept, record.json);
    }
    if (model->log_count == model->log_max) {
        model->log_max = 2 * model->log_max + 256;
        model->log = realloc(model->log, model->log_max * sizeof *model->log);
        CHECK(model->log != NULL);
    }
    model->log[model->log_count++] = kept;
    sim_trace_u64(kept.hash);
    sim_say("log %" PRIu64 ": %s of %" PRIu64 " in %s", seq, entry_kind_name(kept.kind),
            kept.object, kept.region < MODEL_REGIONS ? model_regions[kept.region].code : "-");
}

void model_published(struct model *model, const struct block *block) {
    for (uint32_t i = 0; i < block->entries_count; i++) {
        const struct entry *entry = &block->entries[i];
        append(model, block->first_seq + i, entry,
               (struct slice){block->payload + entry->record_offset, entry->record_bytes});
        sim_event();
    }
}

/* Comparing a journal. */

struct journal_walk {
    struct model *model;
    uint64_t next_seq;
    bool extend; /* entries that nobody was told of are taken over */
};

static bool compare_row(void *context, const struct timeline_row *row) {
    struct journal_walk *walk = context;
    struct model *model = walk->model;
    INVARIANT("I5", row->seq == walk->next_seq,
              "the journal has %" PRIu64 " where %" PRIu64 " is due", row->seq, walk->next_seq);
    walk->next_seq++;
    if (row->seq <= model->log_count) {
        INVARIANT("I1", entry_of(&row->entry, row->record).hash == model->log[row->seq - 1].hash,
                  "entry %" PRIu64 " is another one than before", row->seq);
    } else {
        INVARIANT("I1", walk->extend, "entry %" PRIu64 " came from nowhere", row->seq);
        append(model, row->seq, &row->entry, row->record);
    }
    return true;
}

static uint64_t walk_journal(struct model *model, struct db *db, bool extend) {
    struct journal_walk walk = {model, 1, extend};
    uint64_t oldest = 0;
    struct error error = {""};
    enum status status = db_read_journal(db, 1, compare_row, &walk, &oldest, &error);
    INVARIANT("I1", status == STATUS_OK || (status == STATUS_NOT_FOUND && model->log_count == 0),
              "the journal cannot be read: %s: %s", status_name(status), error.message);
    return walk.next_seq - 1;
}

void model_recovered(struct model *model, struct db *db) {
    struct db_identity identity;
    db_identity(db, &identity);
    uint64_t before = model->log_count, last_seq = identity.next_seq - 1;
    INVARIANT("I1", last_seq >= before, "%" PRIu64 " entries were told of, %" PRIu64 " recovered",
              before, last_seq);
    INVARIANT("I2", last_seq == before || last_seq - before <= sim_disk_group_last(model->disk),
              "%" PRIu64 " entries more than were told of, the last commit had %" PRIu64,
              last_seq - before, sim_disk_group_last(model->disk));
    INVARIANT("I1", walk_journal(model, db, true) == last_seq, "the journal is shorter than said");
    for (size_t i = 0; i < model->reports_count; i++) {
        const struct model_report *report = &model->reports[i];
        INVARIANT("I1", report->acked_seq == 0 || report->acked_seq == report->log_seq,
                  "report e%u of d%u was acknowledged as %" PRIu64 " and stands at %" PRIu64,
                  report->id, report->device, report->acked_seq, report->log_seq);
    }
}

struct timeline_compare {
    const struct model *model;
    uint64_t count, sum; /* of hashes, in no order */
    int64_t before_ms;
};

static bool compare_position(void *context, const struct timeline_row *row) {
    struct timeline_compare *compare = context;
    INVARIANT("I16", row->seq >= 1 && row->seq <= compare->model->log_count,
              "the timeline has an entry %" PRIu64, row->seq);
    INVARIANT("I16", row->entry.occurred_ms >= compare->before_ms,
              "the timeline goes back at entry %" PRIu64, row->seq);
    uint64_t hash = entry_of(&row->entry, row->record).hash;
    INVARIANT("I16", hash == compare->model->log[row->seq - 1].hash,
              "entry %" PRIu64 " is another one in the timeline", row->seq);
    compare->before_ms = row->entry.occurred_ms;
    compare->count++;
    compare->sum += hash * (row->seq | 1);
    return true;
}

/* The timeline of a subtree has just what the list has there. */
static void compare_timeline(const struct model *model, struct db *db, uint32_t root) {
    uint32_t regions[MODEL_REGIONS];
    struct timeline_query query = {
        .regions = regions, .from_ms = 0, .to_ms = INT64_MAX, .ascending = true};
    for (uint32_t i = 0; i < MODEL_REGIONS; i++) {
        if (model_is_within(i, root)) {
            regions[query.regions_count++] = i;
        }
    }
    struct timeline_compare compare = {.model = model};
    struct error error = {""};
    enum status status = timeline_walk(db, &query, compare_position, &compare, &error);
    INVARIANT("I16", status == STATUS_OK, "the timeline cannot be read: %s", error.message);
    uint64_t count = 0, sum = 0;
    for (size_t i = 0; i < model->log_count; i++) {
        if (model_is_within(model->log[i].region, root)) {
            count++;
            sum += model->log[i].hash * ((i + 1) | 1);
        }
    }
    INVARIANT("I16", count == compare.count && sum == compare.sum,
              "the timeline of %s has %" PRIu64 " rows, the journal %" PRIu64,
              root == REGION_NONE ? "everything" : model_regions[root].code, compare.count, count);
}

static bool keep_hash(void *context, const struct timeline_row *row) {
    *(uint64_t *)context = entry_of(&row->entry, row->record).hash;
    return true;
}

static void compare_single(const struct model *model, struct db *db, uint64_t seq) {
    uint64_t hash = 0;
    enum status status = db_read_seq(db, seq, keep_hash, &hash, NULL);
    INVARIANT("I16", status == STATUS_OK && hash == model->log[seq - 1].hash,
              "entry %" PRIu64 " read alone: %s", seq, status_name(status));
}

void model_compare(struct model *model, struct db *db) {
    INVARIANT("I1", walk_journal(model, db, false) == model->log_count,
              "the journal is shorter than what was told");
    compare_timeline(model, db, REGION_NONE);
    compare_timeline(model, db, 1);
    compare_timeline(model, db, 12);
    for (size_t i = 0; i < model->log_count; i += 1 + model->log_count / 8) {
        compare_single(model, db, i + 1);
    }
    sim_happened(SITE_COMPARED);
}

static void check_stored(const struct model *model, const struct model_report *report,
                         uint64_t seq) {
    INVARIANT("I6", seq >= 1 && seq <= model->log_count,
              "entry %" PRIu64 " is acknowledged, %zu are durable", seq, model->log_count);
    INVARIANT("I4", report->log_seq == seq,
              "report e%u of d%u is acknowledged as %" PRIu64 " and stands at %" PRIu64, report->id,
              report->device, seq, report->log_seq);
    INVARIANT("I4", report->acked_seq == 0 || report->acked_seq == seq,
              "report e%u of d%u was acknowledged as %" PRIu64 " and as %" PRIu64, report->id,
              report->device, report->acked_seq, seq);
}

void model_acked(struct model *model, size_t index, uint32_t variant, enum verdict verdict,
                 uint64_t seq, uint64_t start) {
    struct model_report *report = &model->reports[index];
    sim_event();
    sim_trace_u64(seq ^ (uint64_t)verdict << 56);
    check_stored(model, report, seq);
    bool is_same = report->log_variant == variant;
    INVARIANT("I4", is_same == (verdict != VERDICT_CONFLICT),
              "report e%u of d%u with content %u is %s, content %u is stored", report->id,
              report->device, variant, verdict_name(verdict), report->log_variant);
    if (verdict == VERDICT_CREATED || verdict == VERDICT_MERGED) {
        INVARIANT("I4", report->acked_seq == 0, "report e%u of d%u is new twice", report->id,
                  report->device);
        sim_happened(verdict == VERDICT_MERGED ? SITE_MERGED : SITE_CREATED);
    } else if (verdict == VERDICT_REPLAYED) {
        sim_happened(report->acked_seq != 0 && report->acked_start < start ? SITE_REPLAYED_OLD
                                                                           : SITE_REPLAYED);
    } else {
        sim_happened(SITE_CONFLICT);
    }
    if (report->acked_seq == 0) {
        report->acked_seq = seq;
        report->acked_start = start;
        report->acked_variant = report->log_variant;
    }
}

void model_check_tickets(const struct model *model, int64_t now_ms, int64_t slack_ms) {
    for (size_t i = 0; i < model->tickets_count; i++) {
        const struct model_ticket *ticket = &model->tickets[i];
        int64_t limit_ms = accept_limit_ms(ticket->category_tag);
        if (ticket->touched || !ticket->was_reported || limit_ms == 0 ||
            ticket->opened_ms + limit_ms + slack_ms > now_ms) {
            continue;
        }
        sim_happened(SITE_OVERDUE_UNTOUCHED);
        INVARIANT("I9", ticket->accept_overdue == 1,
                  "ticket %" PRIu64 " was due %" PRId64 " ms ago and is told overdue %u times",
                  ticket->number, now_ms - ticket->opened_ms - limit_ms, ticket->accept_overdue);
    }
}
