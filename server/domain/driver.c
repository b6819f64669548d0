#include "server/domain/driver_inside.h"

#include "core/base/check.h"
#include "core/base/mutant.h"
#include "server/domain/creates.h"
#include "server/process/log.h"
#include "server/rules/rules.h"
#include "storage/pages.h"

#include <stdlib.h>
#include <string.h>

enum {
    RECOMPUTE_MS = 2,
    RECOMPUTE_TICKETS = 16, /* of one step: each may have an event */
    RECOMPUTE_STEPS = 64,   /* of one turn */
};

static int64_t now_ms(const struct driver *driver) {
    return service_time_ms(driver->services->time);
}

static bool may_fire(void *context) {
    const struct driver *driver = context;
    return committer_pressure(driver->services->committer) == PRESSURE_NONE;
}

static void on_recompute(uv_timer_t *timer);

/* Policy, calendars and regions are replaced by their owners; the world is told before its next
 * step. The old region table is held until then. */
static void refresh_view(struct driver *driver) {
    struct services *services = driver->services;
    struct region_ref *regions = regions_current(services->regions);
    if (driver->regions == regions && driver->view.policy == services->policy &&
        driver->view.calendars == services->calendars) {
        return;
    }
    region_ref_release(driver->regions);
    driver->regions = region_ref_acquire(regions);
    uint32_t unknown = 0;
    (void)calendar_map_build(&driver->calendar_map, services->calendars, regions->table, &unknown);
    size_t policies_count = 0;
    driver->view = (struct world_view){
        .policy = services->policy,
        .policies = rules_policies(services->rules, &policies_count),
        .policies_count = policies_count,
        .calendars = services->calendars,
        .calendar_map = &driver->calendar_map,
        .regions = regions->table,
    };
    bool first = driver->world.context.policy == NULL;
    world_adopt(&driver->world, &driver->view);
    if (!first && !driver->stopped) {
        driver->recompute_place = 0;
        CHECK(uv_timer_start(&driver->recompute, on_recompute, RECOMPUTE_MS, RECOMPUTE_MS) == 0);
    }
}

/* A step is about to happen: room for all it may append, and the numbers it will get. */
static struct event_log *begin_step(struct driver *driver, size_t report_bytes) {
    struct committer *committer = driver->services->committer;
    committer_reserve(committer, STEP_ENTRIES_MAX, report_bytes + STEP_EVENTS_BYTES_MAX);
    refresh_view(driver);
    uint64_t next_seq = committer_next_seq(committer) + (report_bytes != 0 ? 1 : 0);
    event_log_begin(&driver->log, now_ms(driver), next_seq);
    return &driver->log;
}

static void append_log(struct driver *driver, const struct event_log *log) {
    struct committer *committer = driver->services->committer;
    for (uint32_t i = 0; i < log->events_count; i++) {
        struct entry entry;
        struct record record;
        event_log_entry(log, i, &entry, &record);
        committer_append(committer, &entry, &record);
    }
    CHECK(committer_next_seq(committer) == log->effects.next_seq);
}

static void append_events(struct driver *driver) {
    append_log(driver, &driver->log);
}

void driver_begin_step(struct driver *driver, struct event_log *log, uint32_t entries,
                       size_t text_bytes) {
    struct committer *committer = driver->services->committer;
    committer_reserve(committer, entries, text_bytes);
    refresh_view(driver);
    event_log_begin(log, now_ms(driver), committer_next_seq(committer));
}

void driver_end_step(struct driver *driver, const struct event_log *log,
                     struct driver_step *ret_step) {
    append_log(driver, log);
    ret_step->seq = committer_next_seq(driver->services->committer) - 1;
}

static void end_step(struct driver *driver, struct driver_step *ret_step) {
    driver_end_step(driver, &driver->log, ret_step);
}

const struct world *driver_world(const struct driver *driver) {
    return &driver->world;
}

const struct census *driver_census(struct driver *driver) {
    census_refresh(&driver->census, &driver->world.docket, now_ms(driver));
    return &driver->census;
}

void driver_tick(struct driver *driver) {
    census_tick(&driver->census, &driver->world.docket, now_ms(driver));
}

void driver_deadlines(const struct driver *driver, struct deadlines_stats *ret) {
    deadlines_stats(driver->deadlines, ret);
}

const struct ticket_context *driver_context(struct driver *driver) {
    refresh_view(driver);
    driver->world.context.now_ms = now_ms(driver);
    return &driver->world.context;
}

void driver_report(struct driver *driver, const struct report *report, uint64_t seq,
                   struct world_taken *ret) {
    struct committer *committer = driver->services->committer;
    CHECK(seq == committer_next_seq(committer));
    *ret = (struct world_taken){.merged = false};
    if (!world_wants(&driver->world, report->entry.category_tag)) {
        committer_append(committer, &report->entry, &report->record);
        return;
    }
    struct record record = report->record;
    struct event_log *log =
        begin_step(driver, record_encoded_bytes(&record) + RECORD_HEADER_BYTES_MAX);
    world_report(&driver->world, report, seq, log, ret);
    record.incident = ret->incident;
    record.ticket = ret->ticket;
    committer_append(committer, &report->entry, &record);
    append_events(driver);
}

/* Making room may close the open block, and a ticket that this block ended leaves memory with it:
 * the row that is on its way brings it back, into the place it left. */
static struct event_log *begin_command(struct driver *driver, uint64_t number) {
    const struct docket *docket = &driver->world.docket;
    const struct ticket *ticket = docket_find(docket, number);
    CHECK(ticket != NULL);
    if (!ticket_state_is_final((enum ticket_state)ticket->state) ||
        MUTANT(FLUSHED_TICKET_IS_GONE)) {
        return begin_step(driver, 0);
    }
    uint8_t key[TICKET_KEY_BYTES], row[TICKET_ROW_BYTES_MAX];
    ticket_key_encode(key, number);
    size_t bytes = ticket_row_encode(row, ticket, joint_of(&docket->joints, ticket->joint));
    struct event_log *log = begin_step(driver, 0);
    enum status status = world_load_ticket(&driver->world, (struct slice){key, sizeof key},
                                           (struct slice){row, bytes});
    CHECK(status == STATUS_OK);
    return log;
}

struct ticket_outcome driver_command(struct driver *driver, uint64_t number,
                                     const struct ticket_command *command,
                                     struct driver_step *ret_step) {
    struct event_log *log = begin_command(driver, number);
    struct ticket *ticket = docket_find(&driver->world.docket, number);
    CHECK(ticket != NULL);
    struct ticket_outcome outcome = world_command(&driver->world, ticket, command, log);
    end_step(driver, ret_step);
    return outcome;
}

enum status driver_open_ticket(struct driver *driver, const struct ticket_opening *opening,
                               uint64_t *ret_ticket, struct driver_step *ret_step) {
    struct event_log *log = begin_step(driver, 0);
    struct ticket *ticket = NULL;
    enum status status = world_open_ticket(&driver->world, opening, log, &ticket);
    end_step(driver, ret_step);
    if (status == STATUS_OK) {
        *ret_ticket = ticket->number;
    }
    return status;
}

static struct event_log *begin_asked(struct driver *driver, const struct driver_asked *asked) {
    struct event_log *log = begin_step(driver, 0);
    log->effects.actor = asked->actor;
    log->effects.note = asked->note;
    return log;
}

enum status driver_merge(struct driver *driver, uint64_t a, uint64_t b,
                         const struct driver_asked *asked, uint64_t *ret_survivor,
                         struct driver_step *ret_step) {
    struct event_log *log = begin_asked(driver, asked);
    enum status status = world_merge(&driver->world, a, b, log, ret_survivor);
    end_step(driver, ret_step);
    return status;
}

enum status driver_unmerge(struct driver *driver, uint64_t incident, const uint64_t *seqs,
                           size_t seqs_count, const struct incident_members *members,
                           const struct driver_asked *asked, uint64_t *ret_incident,
                           struct driver_step *ret_step) {
    struct event_log *log = begin_asked(driver, asked);
    enum status status =
        world_unmerge(&driver->world, incident, seqs, seqs_count, members, log, ret_incident);
    end_step(driver, ret_step);
    return status;
}

uint64_t driver_unmerge_ticket(struct driver *driver, uint64_t incident, const uint64_t *seqs,
                               size_t seqs_count, const struct incident_members *members) {
    return world_unmerge_ticket(&driver->world, incident, seqs, seqs_count, members);
}

/* A new calendar moves what is due: open clocks are computed anew, some tickets at a time, and each
 * whose due instant changed tells it. Whatever touches a ticket before its turn does the same. */
static void on_recompute(uv_timer_t *timer) {
    struct driver *driver = timer->data;
    bool more = true;
    for (int i = 0; more && i < RECOMPUTE_STEPS && may_fire(driver); i++) {
        struct event_log *log = begin_step(driver, 0);
        more = world_recompute(&driver->world, &driver->recompute_place, RECOMPUTE_TICKETS, log);
        driver->recomputed_events += log->events_count;
        append_events(driver);
    }
    if (!more) {
        CHECK(uv_timer_stop(timer) == 0);
        if (driver->recomputed_events > 0) {
            log_line(LOG_LEVEL_INFO, LOG_RELOAD, "open clocks go by the new rules", "tickets_moved",
                     LOG_U64, driver->recomputed_events, NULL);
        }
        driver->recomputed_events = 0;
    }
}

static void on_fire(void *context, const struct deadline *deadline, bool is_late) {
    (void)is_late; /* the ticket sees by itself how late it is */
    struct driver *driver = context;
    struct event_log *log = begin_step(driver, 0);
    world_fire(&driver->world, deadline, log);
    append_events(driver);
}

/* A row that its object will remove with its next flush is no stray. */
static bool is_awaited(void *context, const struct deadline *deadline) {
    const struct driver *driver = context;
    const struct ticket *ticket = docket_find(&driver->world.docket, deadline->object);
    if (ticket != NULL) {
        uint32_t key =
            deadline->stage | (uint32_t)deadline->point << 8 | (uint32_t)deadline->part << 16;
        return (deadline->due_ms == ticket->next_due_ms && key == ticket->due_key) ||
               (deadline->due_ms == ticket->stored_due_ms && key == ticket->stored_due_key);
    }
    const struct incident *incident = incidents_find(&driver->world.incidents, deadline->object);
    return incident != NULL && deadline->stage == DEADLINE_SUMMARY &&
           (deadline->due_ms == incident->due_ms || deadline->due_ms == incident->armed_ms);
}

static void on_deadlines_read(void *context, const struct deadline *rows, size_t rows_count) {
    struct driver *driver = context;
    const struct committer *committer = driver->services->committer;
    for (size_t i = 0; i < rows_count; i++) {
        strays_look(driver->strays, &rows[i], committer_next_seq(committer));
    }
    strays_durable(driver->strays, committer_durable_seq(committer));
}

static void on_deadlines_failed(void *context, const struct error *error) {
    (void)context;
    log_line(LOG_LEVEL_ERROR, LOG_WARNING, "deadlines cannot be read: trying again", "error",
             LOG_TEXT, error->message, NULL);
}

static enum family family_of(enum row_family family) {
    switch (family) {
    case ROW_INCIDENT:
        return FAMILY_INCIDENTS;
    case ROW_MEMBER:
        return FAMILY_MEMBERS;
    case ROW_MOVED:
        return FAMILY_MOVED;
    case ROW_TICKET:
        return FAMILY_TICKETS;
    case ROW_DEADLINE:
        return FAMILY_DEADLINES;
    case ROW_DIRECTIVE:
        return FAMILY_DIRECTIVES;
    }
    CHECK(false);
}

struct closing {
    struct driver *driver;
    struct row_set *rows;
    uint64_t seq;
};

static void put_row(void *context, enum row_family family, struct slice key, struct slice value) {
    struct closing *closing = context;
    bool remove = value.bytes == 0;
    bool is_lost = (family == ROW_DEADLINE && remove && MUTANT(TIMER_ROW_STAYS)) ||
                   (family == ROW_DEADLINE && !remove && MUTANT(TIMER_ROW_NOT_WRITTEN)) ||
                   (family == ROW_MEMBER && MUTANT(MEMBER_ROW_NOT_WRITTEN)) ||
                   (family == ROW_MOVED && MUTANT(MOVED_ROW_NOT_WRITTEN));
    if (!is_lost) {
        row_set_put(closing->rows, family_of(family), key, value, remove);
    }
    if (family == ROW_DEADLINE && !remove && !MUTANT(TIMER_NOT_ARMED)) {
        struct deadline deadline;
        bool sound = deadline_key_decode(&deadline, key);
        CHECK(sound);
        deadlines_put(closing->driver->deadlines, closing->seq, &deadline);
    }
}

void driver_on_closing(struct driver *driver, struct row_set *rows) {
    uint64_t seq = committer_next_seq(driver->services->committer) - 1;
    struct closing closing = {driver, rows, seq};
    strays_flush(driver->strays, rows);
    world_flush(&driver->world, seq, put_row, &closing);
    rules_flush(driver->services->rules, rows);
    creates_flush(driver->services->creates, rows);
}

void driver_on_published(struct driver *driver, uint64_t seq) {
    deadlines_durable(driver->deadlines, seq);
    strays_durable(driver->strays, seq);
}

enum status driver_load_ticket(struct driver *driver, struct slice key, struct slice value) {
    return world_load_ticket(&driver->world, key, value);
}

enum status driver_load_directive(struct driver *driver, struct slice value) {
    return world_load_directive(&driver->world, value);
}

void driver_adopt(struct driver *driver) {
    refresh_view(driver);
}

void driver_start(struct driver *driver) {
    deadlines_start(driver->deadlines);
    /* The rules may have changed while nobody was running. */
    CHECK(uv_timer_start(&driver->recompute, on_recompute, RECOMPUTE_MS, RECOMPUTE_MS) == 0);
}

void driver_stop(struct driver *driver) {
    CHECK(uv_timer_stop(&driver->recompute) == 0);
    driver->stopped = true;
    deadlines_stop(driver->deadlines);
}

/* Start-up: the rows that are still of interest. */

struct restore {
    struct driver *driver;
    enum status (*take)(struct driver *driver, struct slice key, struct slice value);
    enum status status;
    uint64_t rows;
};

static enum status take_incident(struct driver *driver, struct slice key, struct slice value) {
    return world_restore_incident(&driver->world, key, value, now_ms(driver));
}

static enum status take_ticket(struct driver *driver, struct slice key, struct slice value) {
    return world_restore_ticket(&driver->world, key, value);
}

static enum status take_directive(struct driver *driver, struct slice key, struct slice value) {
    return world_restore_directive(&driver->world, key, value);
}

static bool take_row(void *context, struct slice key, struct slice value) {
    struct restore *restore = context;
    restore->status = restore->take(restore->driver, key, value);
    restore->rows++;
    return restore->status == STATUS_OK;
}

static enum status restore_family(struct driver *driver, enum family family, const char *what,
                                  enum status (*take)(struct driver *, struct slice, struct slice),
                                  struct error *error) {
    struct restore restore = {.driver = driver, .take = take};
    const struct db_walk walk = {.family = family};
    enum status status = db_walk_rows(driver->services->db, &walk, take_row, &restore, error);
    if (status == STATUS_OK && restore.status != STATUS_OK) {
        status =
            error_set(error, restore.status, "a stored row cannot be taken into memory: ", what,
                      restore.status == STATUS_FULL ? ": raise the limit" : NULL);
    }
    return status;
}

static enum status restore_all(struct driver *driver, struct error *error) {
    enum status status =
        restore_family(driver, FAMILY_INCIDENTS, "an incident", take_incident, error);
    if (status == STATUS_OK) {
        status = restore_family(driver, FAMILY_TICKETS, "a ticket", take_ticket, error);
    }
    if (status == STATUS_OK) {
        status = restore_family(driver, FAMILY_DIRECTIVES, "a directive", take_directive, error);
    }
    return status;
}

static enum status make_memory(struct driver *driver, struct error *error) {
    const struct limits *limits = &driver->services->config->limits;
    driver->world_bytes = world_bytes(limits);
    driver->world_memory = pages_new(driver->world_bytes);
    if (driver->world_memory == NULL) {
        return error_set(error, STATUS_NO_MEMORY,
                         "no memory for incidents and tickets: lower limits.open_incidents or "
                         "limits.open_tickets",
                         NULL, NULL);
    }
    driver->log_memory = malloc(event_log_bytes(STEP_ENTRIES_MAX, STEP_EVENTS_BYTES_MAX));
    CHECK(driver->log_memory != NULL);
    event_log_init(&driver->log, driver->log_memory, STEP_ENTRIES_MAX, STEP_EVENTS_BYTES_MAX);
    return STATUS_OK;
}

static enum status make_deadlines(struct driver *driver) {
    struct services *services = driver->services;
    const struct deadlines_options options = {
        .loop = services->loop,
        .db = services->db,
        .time = services->time,
        .limits = &services->config->limits,
        .metrics = services->metrics,
        .context = driver,
        .fire = on_fire,
        .on_read = on_deadlines_read,
        .may_fire = may_fire,
        .on_failed = on_deadlines_failed,
    };
    return deadlines_new(&driver->deadlines, &options);
}

enum status driver_new(struct driver **ret, struct services *services, struct error *error) {
    struct driver *driver = calloc(1, sizeof *driver);
    CHECK(driver != NULL);
    driver->services = services;
    CHECK(uv_timer_init(services->loop, &driver->recompute) == 0);
    driver->recompute.data = driver;
    driver->strays = strays_new(&(struct strays_options){.loop = services->loop,
                                                         .db = services->db,
                                                         .metrics = services->metrics,
                                                         .context = driver,
                                                         .is_awaited = is_awaited});
    enum status status = make_memory(driver, error);
    if (status == STATUS_OK) {
        world_init(&driver->world, driver->world_memory, &services->config->limits);
        refresh_view(driver);
        status = make_deadlines(driver);
    }
    if (status == STATUS_OK) {
        status = restore_all(driver, error);
    }
    if (status != STATUS_OK) {
        driver_free(driver);
        return status;
    }
    *ret = driver;
    return STATUS_OK;
}

static void on_closed(uv_handle_t *handle) {
    free(handle->data);
}

void driver_free(struct driver *driver) {
    if (driver == NULL) {
        return;
    }
    deadlines_free(driver->deadlines);
    strays_free(driver->strays);
    region_ref_release(driver->regions);
    pages_free(driver->world_memory, driver->world_bytes);
    free(driver->log_memory);
    uv_close((uv_handle_t *)&driver->recompute, on_closed);
}
