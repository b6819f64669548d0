#include "server/intake.h"

#include "core/base/check.h"
#include "core/base/mutant.h"
#include "server/domain/driver.h"
#include "storage/pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_LINES = 64 };

struct parsed {
    enum status status;
    struct report report;
    struct report_problem problem;
};

struct intake {
    struct services *services;
    struct engine engine;
    void *engine_memory;
    size_t engine_bytes;
    int64_t newest_ms; /* newest received_ms of the journal, INT64_MIN: it is empty */
    struct json_reader reader;
    struct arena arena;
    struct parsed *batch; /* BATCH_LINES of them */
};

/* Lines that wait for stored rows, with all they need copied. Owned by the pool job until it ends.
 */
struct intake_wait {
    uv_work_t work;
    struct intake *intake;
    struct intake_client *client; /* NULL: abandoned */
    size_t lines_count, stepped;
    struct intake_line *lines;
    struct parsed *parsed;
    struct db_lookup *lookups; /* one a line; only those asked for are filled */
    uint32_t *asked;           /* line indexes of `queue` */
    struct db_lookup *queue;   /* dense, as db_lookup wants them */
    size_t asked_count;
    void *arena_memory;
    uint8_t *text;
    enum status status;
    struct error error;
};

static void restore_entry(void *context, uint64_t seq, const struct entry *entry) {
    struct intake *intake = context;
    intake->newest_ms =
        entry->received_ms > intake->newest_ms ? entry->received_ms : intake->newest_ms;
    if (entry->kind != ENTRY_REPORT || MUTANT(DEDUPE_FORGETS_ON_RESTART)) {
        return;
    }
    engine_restore(&intake->engine, entry->identity, entry->content_tag, seq, entry->received_ms);
}

static void restore_suspect(void *context, struct identity identity) {
    engine_restore_suspect(&((struct intake *)context)->engine, identity);
}

/* Whether the table can hold the whole journal is said before the first identity goes in: what the
 * table does not know it then looks up in the store. */
static enum status restore_identities(struct intake *intake, struct error *error) {
    uint64_t entries_max = intake->services->config->limits.identities;
    struct db_stats stats;
    db_stats(intake->services->db, &stats);
    bool whole = intake->services->identity.next_seq - stats.oldest_seq <= entries_max;
    if (!whole) {
        identities_mark_incomplete(&intake->engine.identities);
    }
    bool complete = false;
    enum status status =
        db_walk_newest(intake->services->db, entries_max, restore_entry, intake, &complete, error);
    CHECK(status != STATUS_OK || complete || !whole);
    return status == STATUS_OK
               ? db_walk_suspects(intake->services->db, restore_suspect, intake, error)
               : status;
}

enum status intake_new(struct intake **ret, struct services *services, struct error *error) {
    const struct limits *limits = &services->config->limits;
    struct intake *intake = calloc(1, sizeof *intake);
    CHECK(intake != NULL);
    intake->services = services;
    intake->newest_ms = INT64_MIN;
    intake->engine_bytes = engine_bytes(limits);
    intake->engine_memory = pages_new(intake->engine_bytes);
    if (intake->engine_memory == NULL) {
        free(intake);
        return error_set(error, STATUS_NO_MEMORY,
                         "no memory for the table of recent identities: "
                         "lower limits.identities",
                         NULL, NULL);
    }
    size_t arena_bytes = limits->report_body_bytes + BATCH_LINES * limits->line_bytes;
    void *arena_memory = malloc(arena_bytes);
    intake->batch = calloc(BATCH_LINES, sizeof *intake->batch);
    CHECK(arena_memory != NULL && intake->batch != NULL);
    arena_init(&intake->arena, arena_memory, arena_bytes);
    engine_init(&intake->engine, limits, intake->engine_memory, services->identity.next_seq);
    enum status status = restore_identities(intake, error);
    if (status != STATUS_OK) {
        intake_free(intake);
        return status;
    }
    service_time_start(services->time, intake->newest_ms);
    *ret = intake;
    return STATUS_OK;
}

void intake_free(struct intake *intake) {
    if (intake == NULL) {
        return;
    }
    pages_free(intake->engine_memory, intake->engine_bytes);
    free(intake->arena.memory);
    free(intake->batch);
    free(intake);
}

static void parse(struct intake *intake, const struct report_context *context,
                  const struct intake_line *line, struct arena *arena, struct parsed *ret) {
    if (line->too_long) {
        ret->status = STATUS_INVALID;
        ret->problem = (struct report_problem){.title = "line too long"};
        snprintf(ret->problem.detail, sizeof ret->problem.detail,
                 "a line may have at most %llu bytes",
                 (unsigned long long)context->limits->line_bytes);
        return;
    }
    ret->status =
        report_parse(&ret->report, &ret->problem, context, line->text, arena, &intake->reader);
    CHECK(ret->status == STATUS_OK || ret->status == STATUS_INVALID);
}

static struct report_context context_of(const struct intake *intake,
                                        const struct intake_source *source) {
    const struct services *services = intake->services;
    return (struct report_context){
        .limits = &services->config->limits,
        .policy = services->policy,
        .regions = regions_current(services->regions)->table,
        .default_source = source->name.bytes > 0 ? source->name : SLICE_LITERAL("anonymous"),
        .only_source = source->is_only ? source->name : (struct slice){NULL, 0},
        .is_scoped = source->is_scoped,
        .scope = source->region,
        .identity_seed = services->identity.identity_seed,
        .now_ms = services_now_ms(services),
    };
}

static void give_result(struct intake *intake, struct intake_client *client,
                        const struct parsed *parsed, uint64_t line, struct decision decision,
                        const struct world_taken *taken) {
    struct intake_result result = {
        .line = line,
        .verdict = decision.verdict,
        .seq = decision.seq,
        .incident = taken->incident,
        .ticket = taken->ticket,
        .report = parsed->status == STATUS_OK ? &parsed->report : NULL,
        .problem = parsed->status == STATUS_OK ? NULL : &parsed->problem,
    };
    intake->services->metrics->reports_total[decision.verdict]++;
    client->on_result(client->context, &result);
}

/* Decides a line whose plan is satisfied, and appends what the decision asks for. */
static void step(struct intake *intake, struct intake_client *client, const struct parsed *parsed,
                 uint64_t line, const struct db_lookup *lookup) {
    struct decision decision = {.verdict = VERDICT_INVALID};
    struct world_taken taken = {.merged = false};
    if (parsed->status == STATUS_OK) {
        struct engine_input input = {.report = &parsed->report};
        if (lookup != NULL) {
            input.lookup = lookup->state;
            input.stored = lookup->stored;
        }
        engine_continue(&intake->engine, committer_next_seq(intake->services->committer));
        decision = engine_step(&intake->engine, &input);
        if (decision.append) {
            driver_report(intake->services->driver, &parsed->report, decision.seq, &taken);
            decision.verdict = taken.merged ? VERDICT_MERGED : decision.verdict;
        }
    }
    give_result(intake, client, parsed, line, decision, &taken);
}

static bool must_look_up(const struct intake *intake, const struct parsed *parsed) {
    return parsed->status == STATUS_OK &&
           engine_plan(&intake->engine, &parsed->report) == PLAN_LOOKUP;
}

static void free_wait(struct intake_wait *wait) {
    free(wait->lines);
    free(wait->parsed);
    free(wait->lookups);
    free(wait->asked);
    free(wait->queue);
    free(wait->arena_memory);
    free(wait->text);
    free(wait);
}

static void look_up(uv_work_t *work) {
    struct intake_wait *wait = work->data;
    wait->status =
        db_lookup(wait->intake->services->db, wait->queue, wait->asked_count, &wait->error);
}

static void on_looked_up(uv_work_t *work, int uv_status);

/* A report that is clock-suspect now may have been stored when our clock was right: it is asked for
 * where it then would stand. */
static struct db_lookup lookup_of(const struct intake *intake, const struct report *report) {
    struct identity identity = report->entry.identity;
    return (struct db_lookup){
        .position = {report->occurred_given_ms, report->entry.region, identity.low},
        .identity = identity,
        .by_identity = engine_may_be_suspect(&intake->engine, identity),
    };
}

/* Asks for every row still needed from `stepped` on; false when none is. */
static bool ask(struct intake_wait *wait) {
    wait->asked_count = 0;
    for (size_t i = wait->stepped; i < wait->lines_count; i++) {
        if (wait->lookups[i].state == LOOKUP_NOT_ASKED &&
            must_look_up(wait->intake, &wait->parsed[i])) {
            wait->asked[wait->asked_count] = (uint32_t)i;
            wait->queue[wait->asked_count++] = lookup_of(wait->intake, &wait->parsed[i].report);
        }
    }
    if (wait->asked_count == 0) {
        return false;
    }
    wait->intake->services->metrics->lookups_total += wait->asked_count;
    wait->work.data = wait;
    CHECK(uv_queue_work(wait->intake->services->loop, &wait->work, look_up, on_looked_up) == 0);
    return true;
}

/* Steps lines until one needs a row that was not asked for: the horizon may have moved on while the
 * others were looked up. */
static void step_waiting(struct intake_wait *wait) {
    while (wait->stepped < wait->lines_count) {
        size_t i = wait->stepped;
        if (wait->lookups[i].state == LOOKUP_NOT_ASKED &&
            must_look_up(wait->intake, &wait->parsed[i])) {
            return;
        }
        step(wait->intake, wait->client, &wait->parsed[i], wait->lines[i].number,
             &wait->lookups[i]);
        wait->stepped++;
    }
}

static void on_looked_up(uv_work_t *work, int uv_status) {
    (void)uv_status;
    struct intake_wait *wait = work->data;
    struct intake_client *client = wait->client;
    if (client != NULL && wait->status == STATUS_OK) {
        for (size_t i = 0; i < wait->asked_count; i++) {
            CHECK(wait->queue[i].state != LOOKUP_NOT_ASKED);
            wait->lookups[wait->asked[i]] = wait->queue[i];
        }
        step_waiting(wait);
        if (wait->stepped < wait->lines_count && ask(wait)) {
            return;
        }
    }
    enum status status = wait->status;
    free_wait(wait);
    if (client != NULL) {
        client->waiting = NULL;
        client->on_ready(client->context, status);
    }
}

/* Copies lines and parses the copies, so that nothing points into the connection's buffer. */
static struct intake_wait *copy_lines(struct intake *intake, const struct intake_source *source,
                                      const struct intake_line *lines, size_t lines_count) {
    struct intake_wait *wait = calloc(1, sizeof *wait);
    size_t text_bytes = 0;
    for (size_t i = 0; i < lines_count; i++) {
        text_bytes += lines[i].text.bytes;
    }
    size_t arena_bytes = 2 * text_bytes + 256 * lines_count;
    CHECK(wait != NULL);
    wait->lines = calloc(lines_count, sizeof *wait->lines);
    wait->parsed = calloc(lines_count, sizeof *wait->parsed);
    wait->lookups = calloc(lines_count, sizeof *wait->lookups);
    wait->asked = calloc(lines_count, sizeof *wait->asked);
    wait->queue = calloc(lines_count, sizeof *wait->queue);
    wait->arena_memory = malloc(arena_bytes);
    wait->text = malloc(text_bytes + 1);
    CHECK(wait->lines != NULL && wait->parsed != NULL && wait->lookups != NULL &&
          wait->asked != NULL && wait->queue != NULL && wait->arena_memory != NULL &&
          wait->text != NULL);
    struct arena arena;
    arena_init(&arena, wait->arena_memory, arena_bytes);
    struct report_context context = context_of(intake, source);
    uint8_t *to = wait->text;
    for (size_t i = 0; i < lines_count; i++) {
        struct slice text = {to, lines[i].text.bytes};
        memcpy(to, lines[i].text.data, lines[i].text.bytes);
        to += lines[i].text.bytes;
        wait->lines[i] = (struct intake_line){text, lines[i].number, lines[i].too_long};
        parse(intake, &context, &wait->lines[i], &arena, &wait->parsed[i]);
    }
    wait->intake = intake;
    wait->lines_count = lines_count;
    return wait;
}

static void wait_for_rows(struct intake *intake, struct intake_client *client,
                          const struct intake_line *lines, size_t lines_count) {
    struct intake_wait *wait = copy_lines(intake, &client->source, lines, lines_count);
    wait->client = client;
    client->waiting = wait;
    CHECK(ask(wait)); /* the first line is here because it needs a row */
}

enum intake_progress intake_take(struct intake *intake, struct intake_client *client,
                                 const struct intake_line *lines, size_t lines_count) {
    CHECK(client->waiting == NULL);
    struct report_context context = context_of(intake, &client->source);
    for (size_t start = 0; start < lines_count; start += BATCH_LINES) {
        size_t count = min_u64(BATCH_LINES, lines_count - start);
        arena_reset(&intake->arena);
        for (size_t i = 0; i < count; i++) {
            struct parsed *parsed = &intake->batch[i];
            parse(intake, &context, &lines[start + i], &intake->arena, parsed);
            if (parsed->status == STATUS_OK) {
                identities_prefetch(&intake->engine.identities, parsed->report.entry.identity);
            }
        }
        for (size_t i = 0; i < count; i++) {
            if (must_look_up(intake, &intake->batch[i])) {
                wait_for_rows(intake, client, lines + start + i, lines_count - start - i);
                return INTAKE_WAITING;
            }
            step(intake, client, &intake->batch[i], lines[start + i].number, NULL);
        }
    }
    return INTAKE_DONE;
}

void intake_abandon(struct intake_client *client) {
    if (client->waiting != NULL) {
        client->waiting->client = NULL;
        client->waiting = NULL;
    }
}
