/* Desks: people who accept, dispatch, sign, return, merge, take apart and issue, mostly at random,
 * and who send a command again when they do not know what became of it. */
#include "core/base/check.h"
#include "server/domain/incident_rows.h"
#include "tests/sim/sim_loop.h"
#include "tests/sim/sim_outside.h"
#include "tests/sim/sim_random.h"
#include "tests/sim/sim_trace.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NS_PER_MS = 1000000, ORDERS_MAX = 64, MEMBERS_MAX = 512 };

/* A command and what its desk knows of it. */
struct order {
    uint64_t ticket;
    enum ticket_verb verb;
    uint32_t number; /* of its command id */
    uint32_t unit;
    bool acked;
    uint32_t version;
    uint64_t acked_start, seq;
};

struct desk {
    struct desks *desks;
    uint32_t number, orders_made;
    bool scheduled, busy;
    struct order orders[ORDERS_MAX]; /* a ring: the newest */
    struct order *order;             /* under way */
    enum ticket_verdict verdict;
    uint32_t verdict_version;
    struct ticket_load *load;
    struct commit_waiter waiter;
    bool waiting;
};

struct desks {
    struct sim_outside outside;
    struct desk *all;
    bool settling;
};

static void act(void *context);

static void schedule(struct desk *desk, uint64_t delay_ns) {
    CHECK(!desk->scheduled);
    desk->scheduled = true;
    sim_later(delay_ns, act, desk);
}

static void done(struct desk *desk) {
    uint64_t pause_ms = 2000 / desk->desks->outside.swarm->commands_per_s;
    desk->busy = false;
    schedule(desk, sim_between(STREAM_WORK, 1, pause_ms) * NS_PER_MS);
}

static uint32_t unit_tag(uint32_t unit) {
    static const char *const codes[] = {"brigade", "works", "center"};
    return policy_tag(slice_text(codes[unit % 3]));
}

/* Commands of a ticket since the order: a ticket remembers the newest ids only. */
static size_t changes_since(const struct desk *desk, const struct order *order) {
    const struct model *model = desk->desks->outside.model;
    size_t count = 0;
    for (size_t i = order->seq; i < model->log_count; i++) {
        count +=
            model->log[i].kind == ENTRY_TICKET_COMMAND && model->log[i].object == order->ticket;
    }
    return count;
}

static void check_replay(const struct desk *desk, const struct order *order) {
    if (!order->acked || changes_since(desk, order) + 2 >= TICKET_REPLAYS_MAX) {
        return;
    }
    INVARIANT("I4", desk->verdict == TICKET_REPLAYED && desk->verdict_version <= order->version,
              "command %u of desk %u to ticket %" PRIu64
              " was done as version %u, now: %d, version %u",
              order->number, desk->number, order->ticket, order->version, (int)desk->verdict,
              desk->verdict_version);
    bool is_old = order->acked_start < desk->desks->outside.server->starts;
    sim_happened(is_old ? SITE_COMMAND_REPLAYED_OLD : SITE_COMMAND_REPLAYED);
}

/* What it says is durable. */
static void on_durable(struct commit_waiter *waiter, enum status status) {
    struct desk *desk = (struct desk *)(void *)((char *)waiter - offsetof(struct desk, waiter));
    desk->waiting = false;
    struct order *order = desk->order;
    sim_event();
    if (status == STATUS_OK && order != NULL) {
        check_replay(desk, order);
        if (desk->verdict == TICKET_DONE || desk->verdict == TICKET_REPLAYED) {
            order->acked = true;
            order->version = desk->verdict_version;
            order->acked_start = desk->desks->outside.server->starts;
            order->seq = waiter->seq;
            sim_trace_u64(order->version);
        }
    }
    desk->order = NULL;
    done(desk);
}

static void wait_for(struct desk *desk, uint64_t seq) {
    desk->waiter = (struct commit_waiter){.seq = seq, .call = on_durable};
    desk->waiting = true;
    committer_wait(desk->desks->outside.server->services.committer, &desk->waiter);
}

static void fill_command(struct ticket_command *command, const struct order *order, char id[24],
                         uint32_t desk) {
    snprintf(id, 24, "c%u-%u", desk, order->number);
    *command = (struct ticket_command){
        .verb = order->verb,
        .actor = {.roles = ROLE_ANY, .region = REGION_NONE},
        .command_id = slice_text(id),
        .note = SLICE_LITERAL("n"),
        .reason_text = SLICE_LITERAL("because"),
        .reason = REASON_ENGINEERING,
        .has_evidence = true,
        .on_scene = order->number % 2 == 0,
        .unit_tag = unit_tag(order->unit),
        .closure = order->number % 5 == 0 ? CLOSURE_FALSE_ALARM : CLOSURE_HANDLED,
        .confirmed = order->number % 7 == 0 ? TRI_NO : TRI_YES,
        .contacted = TRI_YES,
        .solved = order->number % 3 == 0 ? TRI_NO : TRI_YES,
        .satisfied = TRI_YES,
        .limit = {.unit = 0, .amount = 5},
    };
    if (order->verb == VERB_REQUEST_SUSPENSION) {
        command->until_ms = sim_wall_ms() + 5000;
    }
    if (order->verb != VERB_DISPATCH && order->verb != VERB_REQUEST_EXTENSION) {
        command->limit = (struct stage_limit){0};
    }
}

/* The ticket is in memory. */
static void do_command(struct desk *desk) {
    struct services *services = &desk->desks->outside.server->services;
    struct order *order = desk->order;
    struct ticket_command command;
    char id[24];
    fill_command(&command, order, id, desk->number);
    struct driver_step step = {0};
    struct ticket_outcome outcome =
        driver_command(services->driver, order->ticket, &command, &step);
    desk->verdict = outcome.verdict;
    desk->verdict_version = outcome.version;
    sim_say("desk %u: %s to ticket %" PRIu64 ": %d %s", desk->number, ticket_verb_name(order->verb),
            order->ticket, (int)outcome.verdict, outcome.why != NULL ? outcome.why : "");
    if (outcome.verdict == TICKET_DONE) {
        INVARIANT("I4", !order->acked, "command %u of desk %u is done twice", order->number,
                  desk->number);
        sim_happened(SITE_COMMAND_DONE);
    } else if (outcome.verdict != TICKET_REPLAYED) {
        sim_happened(outcome.verdict == TICKET_FULL ? SITE_TABLE_FULL : SITE_COMMAND_REFUSED);
    }
    wait_for(desk, step.seq);
}

static void on_loaded(void *context, enum status status) {
    struct desk *desk = context;
    desk->load = NULL;
    if (status == STATUS_OK) {
        sim_happened(SITE_COMMAND_LOADED);
        do_command(desk);
        return;
    }
    INVARIANT("I1", status != STATUS_NOT_FOUND, "ticket %" PRIu64 " is gone", desk->order->ticket);
    desk->order = NULL;
    done(desk);
}

static void give_command(struct desk *desk) {
    struct services *services = &desk->desks->outside.server->services;
    if (docket_find(&driver_world(services->driver)->docket, desk->order->ticket) != NULL) {
        do_command(desk);
    } else {
        desk->load =
            ticket_load_start(services->ticket_loader, desk->order->ticket, on_loaded, desk);
    }
}

/* What is likely to be taken in the state a ticket is in, or anything. */
static enum ticket_verb choose_verb(const struct ticket *ticket) {
    static const enum ticket_verb usual[][4] = {
        {VERB_ACCEPT, VERB_REQUEST_VERIFY, VERB_REJECT, VERB_SELF_HANDLE},
        {VERB_VERIFY_RESULT, VERB_VERIFY_RESULT, VERB_ACK, VERB_REMIND},
        {VERB_DISPATCH, VERB_DISPATCH, VERB_WHISTLE, VERB_UPGRADE},
        {VERB_SIGN, VERB_RETURN, VERB_REMIND, VERB_ACK},
        {VERB_SUBMIT_RESULT, VERB_PROGRESS, VERB_REQUEST_SUSPENSION, VERB_REQUEST_EXTENSION},
        {VERB_CHECK_PASS, VERB_CHECK_FAIL, VERB_CHECK_PASS, VERB_ACK},
        {VERB_FOLLOW_UP, VERB_REOPEN, VERB_ARCHIVE, VERB_SUPERVISE},
    };
    if (ticket == NULL || ticket->state >= ARRAY_COUNT(usual) || sim_chance(STREAM_WORK, 250)) {
        return (enum ticket_verb)sim_between(STREAM_WORK, VERB_REQUEST_VERIFY, VERB_ACK);
    }
    return usual[ticket->state][sim_below(STREAM_WORK, 4)];
}

static bool choose_order(struct desk *desk) {
    const struct sim_outside *outside = &desk->desks->outside;
    const struct model *model = outside->model;
    if (desk->orders_made > 0 && sim_chance(STREAM_WORK, outside->swarm->command_repeats)) {
        uint64_t back = sim_below(STREAM_WORK, min_u64(desk->orders_made, ORDERS_MAX));
        desk->order = &desk->orders[(desk->orders_made - 1 - back) % ORDERS_MAX];
        return true;
    }
    if (model->tickets_count == 0) {
        return false;
    }
    uint64_t newest = min_u64(model->tickets_count, 24);
    bool any = sim_chance(STREAM_WORK, 150);
    size_t index = any ? sim_below(STREAM_WORK, model->tickets_count)
                       : model->tickets_count - 1 - sim_below(STREAM_WORK, newest);
    uint64_t number = model->tickets[index].number;
    const struct docket *docket = &driver_world(outside->server->services.driver)->docket;
    enum ticket_verb verb = choose_verb(docket_find(docket, number));
    if (verb == VERB_MERGE || verb == VERB_UNMERGE) {
        verb = VERB_REMIND;
    }
    desk->order = &desk->orders[desk->orders_made % ORDERS_MAX];
    *desk->order = (struct order){.ticket = number,
                                  .verb = verb,
                                  .number = desk->orders_made,
                                  .unit = (uint32_t)sim_below(STREAM_WORK, 3)};
    desk->orders_made++;
    return true;
}

/* Of the newest entries of that kind. */
static uint64_t find_object(const struct model *model, enum entry_kind kind) {
    uint64_t back = sim_below(STREAM_WORK, 8);
    for (size_t i = model->log_count; i > 0 && i + 400 > model->log_count; i--) {
        if (model->log[i - 1].kind == kind && back-- == 0) {
            return model->log[i - 1].object;
        }
    }
    return 0;
}

static bool merge_incidents(struct desk *desk) {
    struct services *services = &desk->desks->outside.server->services;
    const struct model *model = desk->desks->outside.model;
    uint64_t a = find_object(model, ENTRY_INCIDENT_OPENED);
    uint64_t b = find_object(model, ENTRY_INCIDENT_OPENED);
    if (a == 0 || b == 0 || a == b) {
        return false;
    }
    uint64_t survivor = 0;
    struct driver_step step = {0};
    enum status status =
        driver_merge(services->driver, a, b, &(struct driver_asked){0}, &survivor, &step);
    INVARIANT("I3", status == STATUS_OK || status == STATUS_NOT_FOUND || status == STATUS_CONFLICT,
              "merging %" PRIu64 " and %" PRIu64 ": %s", a, b, status_name(status));
    if (status == STATUS_OK) {
        sim_happened(SITE_INCIDENTS_MERGED);
        INVARIANT("I3", survivor == a || survivor == b, "%" PRIu64 " survives", survivor);
    }
    wait_for(desk, step.seq);
    return true;
}

struct member_list {
    struct member members[MEMBERS_MAX];
    size_t count, next;
};

static bool keep_member(void *context, const struct member *member) {
    struct member_list *list = context;
    if (list->count == MEMBERS_MAX) {
        return false;
    }
    list->members[list->count++] = *member;
    return true;
}

static int compare_members(const void *a, const void *b) {
    uint64_t left = ((const struct member *)a)->sighting.seq;
    uint64_t right = ((const struct member *)b)->sighting.seq;
    return (left > right) - (left < right);
}

static bool next_member(void *context, struct member *ret) {
    struct member_list *list = context;
    if (list->next == list->count) {
        return false;
    }
    *ret = list->members[list->next++];
    return true;
}

static void rewind_members(void *context) {
    ((struct member_list *)context)->next = 0;
}

static enum status read_members(struct member_list *list, struct db *db, uint64_t incident) {
    struct buffer numbers;
    buffer_init(&numbers);
    enum status status = incident_rows_under(&numbers, db, incident, NULL);
    if (status == STATUS_OK) {
        status = incident_rows_walk(db, buffer_slice(&numbers), (struct member_position){0, 0},
                                    keep_member, list, NULL);
    }
    buffer_deinit(&numbers);
    qsort(list->members, list->count, sizeof list->members[0], compare_members);
    return status;
}

/* Only when all that was decided is on disk: then the rows are how things stand. */
static bool take_apart(struct desk *desk) {
    struct services *services = &desk->desks->outside.server->services;
    uint64_t incident = find_object(desk->desks->outside.model, ENTRY_INCIDENT_MERGED);
    if (incident == 0) {
        incident = find_object(desk->desks->outside.model, ENTRY_INCIDENT_OPENED);
    }
    if (incident == 0 ||
        committer_durable_seq(services->committer) + 1 != committer_next_seq(services->committer)) {
        return false;
    }
    struct member_list *list = calloc(1, sizeof *list);
    CHECK(list != NULL);
    bool is_read = read_members(list, services->db, incident) == STATUS_OK;
    bool gave = is_read && list->count >= 2 && list->count < MEMBERS_MAX;
    if (gave) {
        uint64_t seqs[MEMBERS_MAX];
        size_t count = sim_between(STREAM_WORK, 1, min_u64(list->count - 1, UNMERGE_SEQS_MAX));
        for (size_t i = 0; i < count; i++) {
            seqs[i] = list->members[list->count - count + i].sighting.seq;
        }
        const struct incident_members members = {list, next_member, rewind_members};
        uint64_t apart = 0;
        struct driver_step step = {0};
        enum status status = driver_unmerge(services->driver, incident, seqs, count, &members,
                                            &(struct driver_asked){0}, &apart, &step);
        INVARIANT("I3", status != STATUS_CORRUPT, "taking %" PRIu64 " apart: %s", incident,
                  status_name(status));
        if (status == STATUS_OK) {
            sim_happened(SITE_INCIDENT_UNMERGED);
        }
        wait_for(desk, step.seq);
    }
    free(list);
    return gave;
}

static bool open_by_hand(struct desk *desk) {
    struct services *services = &desk->desks->outside.server->services;
    uint64_t ticket = 0;
    struct driver_step step = {0};
    const struct ticket_opening opening = {
        .origin = ORIGIN_MANUAL,
        .category_tag = policy_tag(SLICE_LITERAL("fault")),
        .region = (uint32_t)sim_below(STREAM_WORK, MODEL_REGIONS),
        .note = SLICE_LITERAL("by hand"),
    };
    enum status status = driver_open_ticket(services->driver, &opening, &ticket, &step);
    INVARIANT("I13", status == STATUS_OK || status == STATUS_FULL, "a ticket by hand: %s",
              status_name(status));
    sim_happened(status == STATUS_OK ? SITE_TICKET_BY_HAND : SITE_TABLE_FULL);
    wait_for(desk, step.seq);
    return true;
}

static bool issue(struct desk *desk) {
    struct services *services = &desk->desks->outside.server->services;
    struct directive_addressee addressees[3];
    uint64_t directive = 0, tickets[3];
    struct driver_step step = {0};
    size_t count = sim_between(STREAM_WORK, 1, 3);
    for (size_t i = 0; i < count; i++) {
        addressees[i] = (struct directive_addressee){.region = (uint32_t)(1 + i),
                                                     .unit_tag = unit_tag((uint32_t)i)};
    }
    const struct directive_order order = {
        .issuer = SLICE_LITERAL("center"),
        .note = SLICE_LITERAL("see to it"),
        .region = 0,
        .category_tag = policy_tag(SLICE_LITERAL("directive")),
        .addressees = addressees,
        .addressees_count = count,
    };
    enum status status = driver_issue(services->driver, &order, &directive, tickets, &step);
    INVARIANT("I13", status == STATUS_OK || status == STATUS_FULL, "a directive: %s",
              status_name(status));
    sim_happened(status == STATUS_OK ? SITE_DIRECTIVE_ISSUED : SITE_TABLE_FULL);
    wait_for(desk, step.seq);
    return true;
}

static bool work(struct desk *desk) {
    switch (sim_below(STREAM_WORK, 20)) {
    case 0:
    case 1:
        return merge_incidents(desk);
    case 2:
    case 3:
        return take_apart(desk);
    case 4:
        return open_by_hand(desk);
    case 5:
        return issue(desk);
    default:
        if (!choose_order(desk)) {
            return false;
        }
        give_command(desk);
        return true;
    }
}

static void act(void *context) {
    struct desk *desk = context;
    const struct sim_server *server = desk->desks->outside.server;
    desk->scheduled = false;
    desk->order = NULL;
    bool ready = server->up && server->services.not_ready == NULL && !server->paused &&
                 region_count(regions_current(server->services.regions)->table) > 0;
    if (desk->desks->settling) {
        return;
    }
    desk->busy = true;
    if (!ready || !work(desk)) {
        desk->busy = false;
        schedule(desk, sim_between(STREAM_NET, 50, 300) * NS_PER_MS);
    }
}

struct desks *desks_new(const struct sim_outside *outside) {
    struct desks *desks = calloc(1, sizeof *desks);
    CHECK(desks != NULL);
    desks->outside = *outside;
    desks->all = calloc(outside->swarm->desks + 1, sizeof *desks->all);
    CHECK(desks->all != NULL);
    for (uint32_t i = 0; i < outside->swarm->desks; i++) {
        desks->all[i].desks = desks;
        desks->all[i].number = i;
        schedule(&desks->all[i], sim_between(STREAM_NET, 1, 1000) * NS_PER_MS);
    }
    return desks;
}

void desks_free(struct desks *desks) {
    free(desks->all);
    free(desks);
}

void desks_drop(struct desks *desks) {
    struct services *services = &desks->outside.server->services;
    for (uint32_t i = 0; i < desks->outside.swarm->desks; i++) {
        struct desk *desk = &desks->all[i];
        if (!desk->busy) {
            continue;
        }
        if (desk->load != NULL) {
            ticket_load_abandon(desk->load);
            desk->load = NULL;
        }
        if (desk->waiting) {
            committer_unwait(services->committer, &desk->waiter);
            desk->waiting = false;
        }
        desk->order = NULL;
        done(desk);
    }
}

void desks_settle(struct desks *desks) {
    desks->settling = true;
}

bool desks_are_settled(const struct desks *desks) {
    for (uint32_t i = 0; i < desks->outside.swarm->desks; i++) {
        if (desks->all[i].busy) {
            return false;
        }
    }
    return true;
}
