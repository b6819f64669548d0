/* Drill-down: the tickets, incidents or reports that a number of the statistics counts. Every page
 * counts the whole list, so that its count can be compared with the number. */
#include "core/base/check.h"
#include "server/api/cursor.h"
#include "server/api/stats_read.h"
#include "server/json_out.h"
#include "server/personal.h"
#include "server/report_json.h"

struct page {
    const struct stats_source *source;
    const struct stats_query *query;
    struct json_out out;
    uint64_t count; /* of the whole list */
    uint64_t items;
    bool begun; /* the place that the cursor names has been passed */
    bool more;
    uint64_t last_number;
    struct timeline_position last_place;
};

/* Is the next of the list on this page? */
static bool has_room(struct page *page) {
    if (page->items == page->query->limit) {
        page->more = true;
        return false;
    }
    page->items++;
    return true;
}

static bool takes_number(struct page *page, uint64_t number) {
    page->count++;
    if ((page->query->has_after && number >= page->query->after) || !has_room(page)) {
        return false;
    }
    page->last_number = number;
    return true;
}

static void write_key(struct page *page, const char *name, enum stats_by by, uint64_t key) {
    char text[STATS_KEY_BYTES];
    struct slice own_name;
    struct slice code = stats_key_text(text, &page->source->names, by, key, &own_name);
    json_out_key(&page->out, name);
    if (code.bytes == 0) {
        json_out_null(&page->out);
    } else {
        json_out_string(&page->out, code);
    }
}

static void write_word(struct page *page, const char *name, const char *word) {
    json_out_key(&page->out, name);
    json_out_text(&page->out, word);
}

static void write_instant(struct page *page, const char *name, int64_t ms) {
    json_out_key(&page->out, name);
    if (ms == 0) {
        json_out_null(&page->out);
    } else {
        json_out_instant(&page->out, ms);
    }
}

static void write_number(struct page *page, const char *name, uint64_t number) {
    json_out_key(&page->out, name);
    json_out_u64(&page->out, number);
}

static void write_ticket(struct page *page, const struct stats_subject *subject) {
    const struct ticket *ticket = subject->ticket;
    struct json_out *out = &page->out;
    bool is_open = ticket_state_is_open((enum ticket_state)ticket->state);
    json_out_object_begin(out);
    json_out_name(out, "ticket", 't', ticket->number);
    json_out_name(out, "incident", 'i', ticket->incident);
    write_key(page, "category", STATS_BY_CATEGORY, ticket->category_tag);
    write_key(page, "grid", STATS_BY_REGION, ticket->region);
    write_key(page, "channel", STATS_BY_CHANNEL, ticket->channel_tag);
    write_key(page, "unit", STATS_BY_UNIT, ticket->unit_tag);
    write_word(page, "state", ticket_state_name((enum ticket_state)ticket->state));
    write_word(page, "severity", severity_name((enum severity)ticket->severity));
    write_word(page, "light", is_open ? light_name(subject->light) : NULL);
    write_number(page, "priority", ticket->priority);
    write_number(page, "version", ticket->version);
    write_instant(page, "received_at", ticket->received_ms);
    write_instant(page, "opened_at", ticket->opened_ms);
    write_instant(page, "due_at", ticket_due_ms(ticket));
    write_instant(page, "closed_at", ticket->closed_ms);
    json_out_object_end(out);
}

static bool add_ticket(void *context, const struct stats_subject *subject, uint64_t key) {
    struct page *page = context;
    (void)key;
    if (stats_takes(&page->query->choice, subject) && takes_number(page, subject->ticket->number)) {
        write_ticket(page, subject);
    }
    return true;
}

static bool add_incident(void *context, const struct incident *incident, uint64_t key) {
    struct page *page = context;
    struct json_out *out = &page->out;
    (void)key;
    if (!takes_number(page, incident->number)) {
        return true;
    }
    json_out_object_begin(out);
    json_out_name(out, "incident", 'i', incident->number);
    json_out_name(out, "ticket", 't', incident->ticket);
    write_key(page, "category", STATS_BY_CATEGORY, incident->category_tag);
    write_key(page, "grid", STATS_BY_REGION, incident->region);
    write_word(page, "state", incident_state_name((enum incident_state)incident->state));
    write_word(page, "severity", severity_name((enum severity)incident->severity));
    write_number(page, "priority", incident->priority);
    write_number(page, "reports", incident->reports_count);
    write_instant(page, "opened_at", incident->opened_ms);
    write_instant(page, "closed_at", incident->closed_ms);
    json_out_object_end(out);
    return true;
}

static bool takes_report(const struct page *page, uint64_t seq, uint64_t incident) {
    switch (page->query->reports) {
    case STATS_REPORTS_ALL:
        return true;
    case STATS_REPORTS_PLACED:
        return incident != 0;
    case STATS_REPORTS_JOINED:
        return stats_report_joined(seq, incident);
    }
    CHECK(false);
}

static bool add_report(void *context, const struct timeline_row *row, uint64_t incident,
                       uint64_t key) {
    struct page *page = context;
    (void)key;
    if (!takes_report(page, row->seq, incident)) {
        return true;
    }
    page->count++;
    const struct timeline_position place = {.occurred_ms = row->entry.occurred_ms,
                                            .region = row->entry.region,
                                            .identity_low = row->entry.identity.low};
    if (!page->begun) {
        page->begun = timeline_position_compare(&place, &page->query->place) == 0;
        return true;
    }
    if (has_room(page)) {
        page->last_place = place;
        const struct stats_names *names = &page->source->names;
        const struct timeline_row *shown =
            page->source->personal == NULL
                ? row
                : personal_row(page->source->personal, row, names->policy);
        report_json_write(&page->out, shown, names->regions, names->policy);
    }
    return true;
}

static enum status walk(struct page *page, struct error *error) {
    const struct stats_scope *scope = &page->query->scope;
    switch (page->query->list) {
    case STATS_LIST_TICKETS:
        return stats_walk_tickets(page->source, scope, add_ticket, page, error);
    case STATS_LIST_INCIDENTS:
        return stats_walk_incidents(page->source, scope, add_incident, page, error);
    case STATS_LIST_REPORTS:
        return stats_walk_reports(page->source, scope, add_report, page, error);
    case STATS_LIST_NONE:
        break;
    }
    CHECK(false);
}

static void write_cursor(struct page *page) {
    json_out_key(&page->out, "next_cursor");
    if (!page->more) {
        json_out_null(&page->out);
    } else if (page->query->list == STATS_LIST_REPORTS) {
        char text[CURSOR_TEXT_BYTES_MAX];
        (void)cursor_from_timeline(text, page->query->binding, &page->last_place);
        json_out_text(&page->out, text);
    } else {
        char text[STATS_CURSOR_BYTES];
        stats_cursor_write(text, page->query->binding, page->last_number);
        json_out_text(&page->out, text);
    }
}

enum status stats_list_page(const struct stats_source *source, const struct stats_query *query,
                            struct buffer *to, struct error *error) {
    struct page page = {.source = source, .query = query, .begun = !query->has_after};
    json_out_init(&page.out, to);
    json_out_object_begin(&page.out);
    json_out_key(&page.out, "items");
    json_out_array_begin(&page.out);
    enum status status = walk(&page, error);
    if (status != STATUS_OK) {
        return status;
    }
    json_out_array_end(&page.out);
    write_number(&page, "count", page.count);
    write_number(&page, "as_of", source->as_of);
    write_cursor(&page);
    json_out_object_end(&page.out);
    buffer_append_text(to, "\n");
    return STATUS_OK;
}
