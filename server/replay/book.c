#include "server/replay/book.h"

#include "core/base/check.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_FIRST = 1024 };

void book_init(struct book *book) {
    *book = (struct book){0};
    buffer_init(&book->reports);
    buffer_init(&book->incidents);
    buffer_init(&book->tickets);
}

void book_deinit(struct book *book) {
    buffer_deinit(&book->reports);
    buffer_deinit(&book->incidents);
    buffer_deinit(&book->tickets);
    free(book->incidents_index.slots);
    free(book->tickets_index.slots);
    book->incidents_index = book->tickets_index = (struct book_index){0};
}

static uint64_t number_at(const struct buffer *records, size_t at, size_t record_bytes) {
    uint64_t number;
    memcpy(&number, records->data + at * record_bytes, sizeof number);
    return number;
}

/* The slot of the number, or the free one where it would go. */
static uint32_t *slot_of(const struct book_index *index, const struct buffer *records,
                         size_t record_bytes, uint64_t number) {
    uint64_t line = ((number >> 4) * UINT64_C(0x9E3779B97F4A7C15)) >> 24 << 4;
    uint64_t slot = (line | (number & 15)) & index->slots_mask; /* neighbours stay together */
    while (index->slots[slot] != 0 &&
           number_at(records, index->slots[slot] - 1, record_bytes) != number) {
        slot = (slot + 1) & index->slots_mask;
    }
    return &index->slots[slot];
}

static void *find(const struct book_index *index, const struct buffer *records, size_t record_bytes,
                  uint64_t number) {
    uint32_t place = index->slots == NULL ? 0 : *slot_of(index, records, record_bytes, number);
    return place == 0 ? NULL : records->data + (place - 1) * record_bytes;
}

static void grow(struct book_index *index, const struct buffer *records, size_t record_bytes,
                 size_t count) {
    uint64_t slots = index->slots == NULL ? SLOTS_FIRST : 2 * (index->slots_mask + 1);
    free(index->slots);
    index->slots = calloc(slots, sizeof *index->slots);
    CHECK(index->slots != NULL);
    index->slots_mask = slots - 1;
    for (size_t at = 0; at < count; at++) {
        *slot_of(index, records, record_bytes, number_at(records, at, record_bytes)) =
            (uint32_t)at + 1;
    }
}

static void *add(struct buffer *records, const void *record, size_t record_bytes) {
    size_t count = records->bytes / record_bytes;
    buffer_append(records, record, record_bytes);
    CHECK(count == 0 ||
          number_at(records, count - 1, record_bytes) < number_at(records, count, record_bytes));
    return records->data + count * record_bytes;
}

static void *add_indexed(struct book_index *index, struct buffer *records, const void *record,
                         size_t record_bytes) {
    void *added = add(records, record, record_bytes);
    size_t count = records->bytes / record_bytes;
    CHECK(count < UINT32_MAX);
    if (index->slots == NULL || 2 * count > index->slots_mask) {
        grow(index, records, record_bytes, count);
    } else {
        *slot_of(index, records, record_bytes, number_at(records, count - 1, record_bytes)) =
            (uint32_t)count;
    }
    return added;
}

void book_add_report(struct book *book, const struct book_report *report) {
    (void)add(&book->reports, report, sizeof *report);
}

struct book_incident *book_add_incident(struct book *book, uint64_t number, uint32_t line) {
    const struct book_incident incident = {.number = number, .line = line};
    return add_indexed(&book->incidents_index, &book->incidents, &incident, sizeof incident);
}

struct book_ticket *book_add_ticket(struct book *book, uint64_t number, uint32_t line) {
    const struct book_ticket ticket = {.number = number, .line = line};
    return add_indexed(&book->tickets_index, &book->tickets, &ticket, sizeof ticket);
}

const struct book_report *book_report(const struct book *book, uint64_t seq) {
    size_t low = 0, count = book_reports_count(book), high = count;
    const struct book_report *reports = book_reports(book);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (reports[middle].seq < seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < count && reports[low].seq == seq ? &reports[low] : NULL;
}

struct book_incident *book_incident(const struct book *book, uint64_t number) {
    return find(&book->incidents_index, &book->incidents, sizeof(struct book_incident), number);
}

struct book_ticket *book_ticket(const struct book *book, uint64_t number) {
    return find(&book->tickets_index, &book->tickets, sizeof(struct book_ticket), number);
}

size_t book_reports_count(const struct book *book) {
    return book->reports.bytes / sizeof(struct book_report);
}

size_t book_incidents_count(const struct book *book) {
    return book->incidents.bytes / sizeof(struct book_incident);
}

size_t book_tickets_count(const struct book *book) {
    return book->tickets.bytes / sizeof(struct book_ticket);
}

const struct book_report *book_reports(const struct book *book) {
    return (const struct book_report *)(const void *)book->reports.data;
}

const struct book_incident *book_incidents(const struct book *book) {
    return (const struct book_incident *)(const void *)book->incidents.data;
}

const struct book_ticket *book_tickets(const struct book *book) {
    return (const struct book_ticket *)(const void *)book->tickets.data;
}

void book_note_incident(struct book_incident *to, const struct incident *incident) {
    bool is_estimated = incident->detail_kind == DETAIL_FIRE && incident->detail != NULL &&
                        (incident->flags & INCIDENT_LOCALISED) != 0;
    to->merged_into = incident->merged_into;
    to->first_seen_ms = incident->first_seen_ms;
    to->last_seen_ms = incident->last_seen_ms;
    to->position = is_estimated ? incident->detail->fire.estimate : incident->anchor;
    to->has_position = is_estimated || (incident->flags & INCIDENT_HAS_POSITION) != 0;
    to->category_tag = incident->category_tag;
    to->region = incident->region;
    to->reports_count = incident->reports_count;
    to->spread_m = (float)incident_spread_m(incident);
    to->state = incident->state;
}

void book_note_ticket(struct book_ticket *to, const struct ticket *ticket) {
    to->incident = ticket->incident;
    to->category_tag = ticket->category_tag;
    to->facts = ticket->facts;
    to->stages_ended = ticket->stages_ended;
    to->stages_late = ticket->stages_late;
    to->overdue = ticket->overdue;
    to->reopen_count = ticket->reopen_count;
    to->rework_count = ticket->rework_count;
    to->state = ticket->state;
    to->priority = ticket->priority;
}

uint64_t book_incident_of(const struct book *book, const struct book_report *report) {
    const struct book_incident *incident = book_incident(book, report->incident);
    return incident != NULL && incident->merged_into != 0 ? incident->merged_into
                                                          : report->incident;
}
