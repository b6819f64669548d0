#include "server/replay/run.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "storage/pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FLUSH_STEPS = 4096, /* between lines; with those of a line under INCIDENTS_PENDING_MAX / 2 */
    WHEEL_STEPS = 1 << 20,
    ARENA_BYTES = 1 << 20,
};
#define REPLAY_SEED UINT64_C(0x6772696464)

/* Memory. */

static bool make_memory(struct replay_run *run) {
    run->engine_bytes = engine_bytes(&run->engine_limits);
    run->world_bytes = world_bytes(run->rules.limits);
    run->wheel_bytes = wheel_bytes(REPLAY_DEADLINES_MAX);
    run->engine_memory = pages_new(run->engine_bytes);
    run->world_memory = pages_new(run->world_bytes);
    run->wheel_memory = pages_new(run->wheel_bytes);
    run->wheel = malloc(sizeof *run->wheel);
    run->log_memory = malloc(event_log_bytes(STEP_ENTRIES_MAX, STEP_EVENTS_BYTES_MAX));
    run->arena_memory = malloc(ARENA_BYTES);
    return run->engine_memory != NULL && run->world_memory != NULL && run->wheel_memory != NULL &&
           run->wheel != NULL && run->log_memory != NULL && run->arena_memory != NULL &&
           archive_init(&run->archive, REPLAY_ARCHIVE_BYTES) == STATUS_OK;
}

void replay_run_shrink(struct replay_run *run) {
    pages_free(run->engine_memory, run->engine_bytes);
    pages_free(run->world_memory, run->world_bytes);
    pages_free(run->wheel_memory, run->wheel_bytes);
    free(run->wheel);
    free(run->log_memory);
    free(run->arena_memory);
    run->engine_memory = run->world_memory = run->wheel_memory = NULL;
    run->log_memory = run->arena_memory = NULL;
    run->wheel = NULL;
    archive_deinit(&run->archive);
}

void replay_run_deinit(struct replay_run *run) {
    replay_run_shrink(run);
    book_deinit(&run->book);
}

enum status replay_run_init(struct replay_run *run, const struct replay_rules *rules,
                            const struct replay_listener *listener, uint64_t lines,
                            struct error *error) {
    CHECK(lines <= REPLAY_LINES_MAX);
    memset(run, 0, sizeof *run);
    run->rules = *rules;
    run->listener = *listener;
    run->identity_seed = REPLAY_SEED;
    run->engine_limits = *rules->limits;
    run->engine_limits.identities = 2 * (lines + 1); /* half of them are always there */
    book_init(&run->book);
    if (!make_memory(run)) {
        return error_set(error, STATUS_NO_MEMORY, "out of memory: replay a part of the input", NULL,
                         NULL);
    }
    engine_init(&run->engine, &run->engine_limits, run->engine_memory, 1);
    world_init(&run->world, run->world_memory, rules->limits);
    event_log_init(&run->log, run->log_memory, STEP_ENTRIES_MAX, STEP_EVENTS_BYTES_MAX);
    arena_init(&run->arena, run->arena_memory, ARENA_BYTES);
    uint32_t unknown;
    (void)calendar_map_build(&run->calendar_map, rules->calendars, rules->regions, &unknown);
    run->view = (struct world_view){.policy = rules->policy,
                                    .policies = &run->view.policy,
                                    .policies_count = 0,
                                    .calendars = rules->calendars,
                                    .calendar_map = &run->calendar_map,
                                    .regions = rules->regions};
    world_adopt(&run->world, &run->view);
    return STATUS_OK;
}

/* Rows: to the wheel, the archive and the book. */

/* One that is of no interest any more is in no index, but its row still tells. */
static void note_leaving(struct replay_run *run, struct slice key, struct slice value) {
    struct incident incident;
    union incident_detail detail;
    bool sound = incident_row_decode(&incident, &detail, key, value);
    CHECK(sound);
    struct book_incident *noted = book_incident(&run->book, incident.number);
    CHECK(noted != NULL);
    book_note_incident(noted, &incident);
}

static void on_incident_row(struct replay_run *run, struct slice key, struct slice value) {
    CHECK(key.bytes == INCIDENT_KEY_BYTES);
    uint64_t number = load_u64_be(key.data);
    const struct incident *incident = incidents_find(&run->world.incidents, number);
    struct book_incident *noted = book_incident(&run->book, number);
    if (incident == NULL) {
        note_leaving(run, key, value);
    } else {
        CHECK(noted != NULL);
        book_note_incident(noted, incident);
    }
}

static void on_ticket_row(struct replay_run *run, struct slice key, struct slice value) {
    uint64_t number;
    bool sound = ticket_key_decode(&number, key);
    const struct ticket *ticket = docket_find(&run->world.docket, number);
    struct book_ticket *noted = book_ticket(&run->book, number);
    CHECK(sound && ticket != NULL && noted != NULL);
    book_note_ticket(noted, ticket);
    if (ticket_state_is_final((enum ticket_state)ticket->state)) {
        archive_keep(&run->archive, number, value);
    }
}

static void on_row(void *context, enum row_family family, struct slice key, struct slice value) {
    struct replay_run *run = context;
    struct deadline deadline;
    switch (family) {
    case ROW_INCIDENT:
        on_incident_row(run, key, value);
        break;
    case ROW_TICKET:
        on_ticket_row(run, key, value);
        break;
    case ROW_DEADLINE: /* a removed one stays in the wheel until its time, and then is stale */
        if (value.bytes > 0) {
            bool sound = deadline_key_decode(&deadline, key);
            CHECK(sound);
            run->is_full = wheel_arm(run->wheel, &deadline, NULL) != STATUS_OK || run->is_full;
        }
        break;
    case ROW_MEMBER:
    case ROW_MOVED:
    case ROW_DIRECTIVE:
        break;
    }
}

static void flush(struct replay_run *run) {
    if (run->is_dirty) {
        world_flush(&run->world, run->engine.next_seq - 1, on_row, run);
        run->is_dirty = false;
        run->steps = 0;
    }
}

/* Steps. */

struct event_log *replay_step_begin(struct replay_run *run, uint64_t next_seq) {
    run->steps++;
    run->is_dirty = true;
    event_log_begin(&run->log, run->now_ms, next_seq);
    return &run->log;
}

/* A ticket that a deadline opens is about the report that opened its incident. */
static void note_opened_ticket(struct replay_run *run, uint64_t number, bool is_fired) {
    const struct ticket *ticket = docket_find(&run->world.docket, number);
    CHECK(ticket != NULL);
    const struct book_incident *incident = book_incident(&run->book, ticket->incident);
    uint32_t line = is_fired && incident != NULL ? incident->line : run->line;
    (void)book_add_ticket(&run->book, number, line);
}

static void end_step(struct replay_run *run, bool is_fired) {
    const struct event_log *log = &run->log;
    for (uint32_t i = 0; i < log->events_count; i++) {
        const struct event *event = &log->events[i];
        run->counts.events[event->kind]++;
        if (event->kind == ENTRY_INCIDENT_OPENED) {
            (void)book_add_incident(&run->book, event->object, run->line);
        } else if (event->kind == ENTRY_TICKET_OPENED) {
            note_opened_ticket(run, event->object, is_fired);
        }
        if (run->listener.event != NULL) {
            struct entry entry;
            struct record record;
            event_log_entry(log, i, &entry, &record);
            run->listener.event(run->listener.context, run, &entry, &record,
                                log->effects.next_seq - log->events_count + i);
        }
    }
    engine_continue(&run->engine, log->effects.next_seq);
}

void replay_step_end(struct replay_run *run) {
    end_step(run, false);
}

void replay_note(struct replay_run *run, const char *subject, const char *pointer,
                 const char *why) {
    if (run->counts.problems < REPLAY_PROBLEMS_MAX) {
        struct replay_problem *problem = &run->problems[run->counts.problems];
        problem->line = run->line;
        snprintf(problem->subject, sizeof problem->subject, "%s%s", subject, pointer);
        snprintf(problem->why, sizeof problem->why, "%s", why);
    }
    run->counts.problems++;
}

/* Time. */

static void fire(struct replay_run *run, const struct deadline *deadline) {
    run->now_ms = deadline->due_ms > run->now_ms ? deadline->due_ms : run->now_ms;
    struct event_log *log = replay_step_begin(run, run->engine.next_seq);
    world_fire(&run->world, deadline, log);
    if (log->events_count > 0) {
        run->counts.fired++;
    } else {
        run->counts.stale++;
    }
    end_step(run, true);
    flush(run); /* what it armed may be due before the next one */
}

/* Everything that is due until then, that instant included. */
static void fire_until(struct replay_run *run, int64_t until_ms) {
    struct deadline due;
    bool more = true;
    flush(run);
    while (more) {
        if (wheel_advance(run->wheel, until_ms, WHEEL_STEPS, &due, 1, &more) > 0) {
            fire(run, &due);
        }
    }
}

/* To the instant of a line, which is not earlier than the line before it. */
static void move_time(struct replay_run *run, int64_t at_ms) {
    CHECK(at_ms >= run->now_ms);
    if (!run->has_begun) {
        run->has_begun = true;
        run->from_ms = at_ms;
        wheel_init(run->wheel, run->wheel_memory, REPLAY_DEADLINES_MAX, at_ms);
    } else if (at_ms > run->now_ms) {
        fire_until(run, at_ms - 1);
    }
    run->now_ms = at_ms;
}

/* Reports. */

static struct report_context report_context_of(const struct replay_run *run, int64_t now_ms) {
    return (struct report_context){.limits = run->rules.limits,
                                   .policy = run->rules.policy,
                                   .regions = run->rules.regions,
                                   .default_source = SLICE_LITERAL("anonymous"),
                                   .identity_seed = run->identity_seed,
                                   .now_ms = now_ms};
}

/* The overall limit that was planned for the ticket elsewhere, as elapsed seconds from receipt. */
static struct stage_limit planned(struct replay_run *run, const struct replay_line *line) {
    const int64_t most_s = (int64_t)LIMIT_DAYS_MAX * (DAY_MS / 1000);
    if (line->overall_due_ms == INT64_MIN) {
        return (struct stage_limit){0};
    }
    int64_t seconds = (line->overall_due_ms - run->now_ms) / 1000;
    if (seconds < 1) {
        replay_note(run, "ticket", "/overall_due",
                    "it is not after the report: taken as 1 s later");
        seconds = 1;
    } else if (seconds > most_s) {
        replay_note(run, "ticket", "/overall_due", "it is over 366 days ahead: taken as 366 days");
        seconds = most_s;
    }
    return (struct stage_limit){METERING_URGENT_HOUR, (uint32_t)seconds};
}

static void take_new(struct replay_run *run, const struct replay_line *line,
                     const struct report *report, uint64_t seq) {
    struct world_taken taken = {.merged = false};
    if (!world_wants(&run->world, report->entry.category_tag)) {
        run->counts.verdicts[VERDICT_CREATED]++;
        return;
    }
    struct event_log *log = replay_step_begin(run, seq + 1);
    world_plan_overall(&run->world, planned(run, line));
    world_report(&run->world, report, seq, log, &taken);
    run->counts.verdicts[taken.merged ? VERDICT_MERGED : VERDICT_CREATED]++;
    if (taken.incident != 0) {
        const struct book_report noted = {seq, taken.incident, taken.ticket, run->line};
        book_add_report(&run->book, &noted);
        if (run->listener.report != NULL) {
            run->listener.report(run->listener.context, run, report, seq, &taken);
        }
    }
    end_step(run, false);
}

static void take_report(struct replay_run *run, const struct replay_line *line,
                        const struct report *report) {
    const struct engine_input input = {.report = report, .lookup = LOOKUP_NOT_ASKED};
    CHECK(engine_plan(&run->engine, report) == PLAN_STEP);
    struct decision decision = engine_step(&run->engine, &input);
    if (decision.append) {
        take_new(run, line, report, decision.seq);
    } else {
        run->counts.verdicts[decision.verdict]++;
    }
}

/* Lines. */

static enum status refuse(const struct replay_run *run, const char *path, const char *why,
                          struct error *error) {
    char place[24];
    snprintf(place, sizeof place, ":%u: ", run->line);
    return error_set(error, STATUS_INVALID, path, place, why);
}

/* A report that was read as part of a whole line. */
static void take_written(struct replay_run *run, const struct replay_line *line,
                         struct report_problem *problem) {
    const struct report_context context = report_context_of(run, line->at_ms);
    struct report report;
    if (report_parse(&report, problem, &context, line->report, &run->arena, &run->reader) ==
        STATUS_OK) {
        take_report(run, line, &report);
        return;
    }
    run->counts.verdicts[VERDICT_INVALID]++;
    replay_note(run, "report", problem->pointer, problem->detail);
}

/* A line that is not of the usual shape, or whose report is not valid. */
static const char *take_any(struct replay_run *run, struct slice text,
                            struct report_problem *problem) {
    struct replay_line line;
    const char *why;
    arena_reset(&run->arena);
    if (!replay_line_read(&line, text, run->rules.limits, &run->arena, &run->reader, &why)) {
        return why;
    }
    if (line.at_ms < run->now_ms) {
        return run->has_begun ? "at goes back: the input must be in time order"
                              : "at lies before 1970";
    }
    move_time(run, line.at_ms);
    run->counts.lines[line.kind]++;
    if (line.kind == REPLAY_COMMAND) {
        replay_take_command(run, &line);
    } else if (line.kind == REPLAY_ADVANCE) {
        fire_until(run, line.at_ms);
    } else {
        take_written(run, &line, problem);
    }
    return NULL;
}

static const char *take_line(struct replay_run *run, struct slice text,
                             struct report_problem *problem) {
    struct replay_line line;
    struct report report;
    if (text.bytes > run->rules.limits->line_bytes) {
        return "the line is too long (limits.line_bytes)";
    }
    if (run->steps >= FLUSH_STEPS) {
        flush(run);
    }
    if (replay_line_guess(&line, text) && line.at_ms >= run->now_ms) {
        const struct report_context context = report_context_of(run, line.at_ms);
        arena_reset(&run->arena);
        if (report_parse(&report, problem, &context, line.report, &run->arena, &run->reader) ==
            STATUS_OK) {
            move_time(run, line.at_ms);
            run->counts.lines[REPLAY_REPORT]++;
            take_report(run, &line, &report);
            return NULL;
        }
    }
    return take_any(run, text, problem);
}

enum status replay_run_all(struct replay_run *run, struct replay_input *input, const char *path,
                           struct error *error) {
    struct report_problem problem;
    struct slice text;
    const char *why = NULL;
    while (why == NULL && !run->is_full && replay_input_next(input, &text)) {
        run->line = input->line;
        why = take_line(run, text, &problem);
    }
    if (why != NULL) {
        return refuse(run, path, why, error);
    }
    if (run->has_begun) {
        fire_until(run, run->now_ms);
    }
    if (run->is_full) {
        return error_set(error, STATUS_FULL, path, ": too many deadlines at once", NULL);
    }
    return STATUS_OK;
}
