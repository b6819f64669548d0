#include "server/api/stats_read.h"

#include "core/base/check.h"
#include "server/report_view.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum {
    ROWS_BETWEEN_LOOKS = 256,
    KEY_BYTES = 8,
    CHANNEL_TEXT_BYTES = 6 * POLICY_CODE_BYTES_MAX + 2, /* every byte escaped, and the quotes */
};
_Static_assert((int)KEY_BYTES == (int)TICKET_KEY_BYTES, "one walk for both");
_Static_assert((int)KEY_BYTES == (int)INCIDENT_KEY_BYTES, "one walk for both");

struct walk {
    const struct stats_source *source;
    const struct stats_scope *scope;
    void *context;
    uint64_t rows_count;
    bool out_of_time;
    enum status status;
    stats_ticket_cb *ticket;
    stats_incident_cb *incident;
    stats_report_cb *report;
};

/* Looks at the clock now and then; false: stop. */
static bool may_go_on(struct walk *walk) {
    const struct stats_source *source = walk->source;
    if (walk->rows_count++ % ROWS_BETWEEN_LOOKS != 0) {
        return true;
    }
    bool cancelled = source->cancelled != NULL && source->cancelled(source->cancelled_context);
    walk->out_of_time = cancelled || uv_hrtime() >= source->give_up_ns;
    return !walk->out_of_time;
}

static enum status status_of(const struct walk *walk, enum status status, struct error *error) {
    if (status == STATUS_OK && walk->out_of_time) {
        return error_set(error, STATUS_BUSY,
                         "there is more to count than stats_ms allows: ask for a shorter or a "
                         "later window",
                         NULL, NULL);
    }
    if (status == STATUS_OK && walk->status != STATUS_OK) {
        return error_set(error, walk->status, "a stored row cannot be read", NULL, NULL);
    }
    return status;
}

static bool in_window(const struct stats_scope *scope, int64_t at_ms) {
    return at_ms >= scope->from_ms && at_ms < scope->to_ms;
}

/* Of what was opened at that instant: can anything older still be in the window? */
static bool is_past(const struct stats_scope *scope, int64_t opened_ms) {
    return opened_ms < scope->from_ms - STATS_MARGIN_MS;
}

static bool has_key(const struct stats_scope *scope, uint64_t key) {
    return !scope->has_key || scope->key == key;
}

static uint64_t ticket_key(const struct walk *walk, const struct ticket *ticket) {
    const struct stats_scope *scope = walk->scope;
    switch (scope->by) {
    case STATS_BY_CATEGORY:
        return ticket->category_tag;
    case STATS_BY_REGION:
        return stats_region_key(walk->source->names.regions, scope->root, ticket->region);
    case STATS_BY_CHANNEL:
        return ticket->channel_tag;
    case STATS_BY_UNIT:
        return ticket->unit_tag;
    case STATS_BY_DAY:
        return stats_day_key(ticket->received_ms);
    case STATS_BY_NOTHING:
        break;
    }
    return 0;
}

/* A ticket may name a region that came after the table was taken: it is nowhere then. */
static enum light light_of(const struct stats_source *source, struct ticket *ticket) {
    if (!ticket_state_is_open((enum ticket_state)ticket->state)) {
        return LIGHT_GREEN;
    }
    uint32_t region = ticket->region;
    ticket->region = region < region_count(source->names.regions) ? region : REGION_NONE;
    enum light light = ticket_light(&source->context, ticket);
    ticket->region = region;
    return light;
}

static bool take_ticket(void *context, struct slice key, struct slice value) {
    struct walk *walk = context;
    const struct stats_scope *scope = walk->scope;
    struct ticket ticket;
    struct joint joint;
    bool is_joint;
    (void)key;
    if (!may_go_on(walk)) {
        return false;
    }
    walk->status = ticket_row_decode(&ticket, &joint, &is_joint, value);
    if (walk->status != STATUS_OK || is_past(scope, ticket.opened_ms)) {
        return false;
    }
    if (!in_window(scope, ticket.received_ms) ||
        !stats_region_is_in(walk->source->names.regions, scope->root, ticket.region)) {
        return true;
    }
    uint64_t group = ticket_key(walk, &ticket);
    if (!has_key(scope, group)) {
        return true;
    }
    const struct stats_subject subject = {&ticket, is_joint ? &joint : NULL,
                                          light_of(walk->source, &ticket)};
    return walk->ticket(walk->context, &subject, group);
}

static uint64_t incident_group(const struct walk *walk, const struct incident *incident) {
    const struct stats_scope *scope = walk->scope;
    switch (scope->by) {
    case STATS_BY_CATEGORY:
        return incident->category_tag;
    case STATS_BY_REGION:
        return stats_region_key(walk->source->names.regions, scope->root, incident->region);
    case STATS_BY_DAY:
        return stats_day_key(incident->opened_ms);
    case STATS_BY_CHANNEL:
    case STATS_BY_UNIT:
    case STATS_BY_NOTHING:
        break;
    }
    return 0;
}

static bool take_incident(void *context, struct slice key, struct slice value) {
    struct walk *walk = context;
    const struct stats_scope *scope = walk->scope;
    struct incident incident;
    union incident_detail detail;
    if (!may_go_on(walk)) {
        return false;
    }
    if (!incident_row_decode(&incident, &detail, key, value)) {
        walk->status = STATUS_CORRUPT;
        return false;
    }
    if (is_past(scope, incident.opened_ms)) {
        return false;
    }
    if (incident.state == INCIDENT_MERGED || !in_window(scope, incident.opened_ms) ||
        !stats_region_is_in(walk->source->names.regions, scope->root, incident.region)) {
        return true;
    }
    uint64_t group = incident_group(walk, &incident);
    return !has_key(scope, group) || walk->incident(walk->context, &incident, group);
}

static enum status walk_family(struct walk *walk, enum family family, db_row_cb take,
                               struct error *error) {
    uint8_t last[KEY_BYTES];
    memset(last, UINT8_MAX, sizeof last);
    const struct db_walk rows = {.family = family, .from = {last, sizeof last}, .backward = true};
    enum status status = db_walk_rows(walk->source->db, &rows, take, walk, error);
    return status_of(walk, status, error);
}

enum status stats_walk_tickets(const struct stats_source *source, const struct stats_scope *scope,
                               stats_ticket_cb *callback, void *context, struct error *error) {
    struct walk walk = {.source = source, .scope = scope, .context = context, .ticket = callback};
    return walk_family(&walk, FAMILY_TICKETS, take_ticket, error);
}

enum status stats_walk_incidents(const struct stats_source *source, const struct stats_scope *scope,
                                 stats_incident_cb *callback, void *context, struct error *error) {
    struct walk walk = {.source = source, .scope = scope, .context = context, .incident = callback};
    return walk_family(&walk, FAMILY_INCIDENTS, take_incident, error);
}

static uint64_t channel_of(const struct policy *policy, const struct timeline_row *row) {
    uint8_t text[CHANNEL_TEXT_BYTES];
    const struct report_view *view = report_view_of(row);
    struct slice given = view->given[REPORT_MEMBER_CHANNEL];
    if (given.bytes == 0 || given.bytes > sizeof text) {
        const struct channel *channel = policy_default_channel(policy);
        return given.bytes == 0 && channel != NULL ? channel->tag : 0;
    }
    return policy_tag(report_view_text(given, text));
}

static uint64_t report_key(const struct walk *walk, const struct timeline_row *row) {
    const struct stats_scope *scope = walk->scope;
    switch (scope->by) {
    case STATS_BY_CATEGORY:
        return row->entry.category_tag;
    case STATS_BY_REGION:
        return stats_region_key(walk->source->names.regions, scope->root, row->entry.region);
    case STATS_BY_CHANNEL:
        return channel_of(walk->source->names.policy, row);
    case STATS_BY_DAY:
        return stats_day_key(row->entry.occurred_ms);
    case STATS_BY_UNIT:
    case STATS_BY_NOTHING:
        break;
    }
    return 0;
}

static bool take_report(void *context, const struct timeline_row *row) {
    struct walk *walk = context;
    struct record record;
    if (!may_go_on(walk)) {
        return false;
    }
    if (!record_decode(&record, row->record)) {
        walk->status = STATUS_CORRUPT;
        return false;
    }
    uint64_t group = report_key(walk, row);
    return !has_key(walk->scope, group) || walk->report(walk->context, row, record.incident, group);
}

/* The ids of the subtree, or of all regions. NULL: no memory. */
static uint32_t *regions_of(const struct stats_source *source, uint32_t root, size_t *ret_count) {
    const struct region_table *regions = source->names.regions;
    size_t count =
        root == REGION_NONE ? region_count(regions) : region_subtree_count(regions, root);
    uint32_t *ids = malloc((count + 1) * sizeof ids[0]);
    *ret_count = count;
    if (ids != NULL && root != REGION_NONE) {
        region_subtree(regions, root, ids);
    }
    for (size_t i = 0; ids != NULL && root == REGION_NONE && i < count; i++) {
        ids[i] = (uint32_t)i;
    }
    return ids;
}

enum status stats_walk_reports(const struct stats_source *source, const struct stats_scope *scope,
                               stats_report_cb *callback, void *context, struct error *error) {
    struct walk walk = {.source = source, .scope = scope, .context = context, .report = callback};
    struct timeline_query query = {
        .from_ms = scope->from_ms, .to_ms = scope->to_ms, .kinds = UINT64_C(1) << ENTRY_REPORT};
    uint32_t *ids = regions_of(source, scope->root, &query.regions_count);
    if (ids == NULL) {
        return error_set(error, STATUS_NO_MEMORY, "no memory for the regions of a subtree", NULL,
                         NULL);
    }
    query.regions = ids;
    enum status status = STATUS_OK;
    if (query.regions_count > 0) {
        status = timeline_walk(source->db, &query, take_report, &walk, error);
    }
    free(ids);
    return status_of(&walk, status, error);
}
