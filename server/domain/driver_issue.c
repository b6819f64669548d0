/* Directives: a step that appends far more than others, with a log of its own. */
#include "core/base/check.h"
#include "core/text/json_writer.h"
#include "server/domain/driver_inside.h"

#include <stdlib.h>

enum {
    TICKET_ENTRIES = 3,         /* opened, accepted, dispatched */
    TICKET_ENTRY_BYTES = 512,   /* of one of them, the issuer's name aside */
    DIRECTIVE_BYTES = 16 << 10, /* directive.issued with its text and issuer, all escaped */
    NAME_BYTES = 6 * TICKET_NAME_BYTES_MAX + 2,
};
_Static_assert(6 * (TICKET_NOTE_BYTES_MAX + TICKET_NAME_BYTES_MAX) + 512 <= DIRECTIVE_BYTES,
               "a directive's own entry fits");

static size_t written_bytes(struct slice name) {
    uint8_t to[NAME_BYTES];
    struct json_writer writer;
    struct slice text;
    json_writer_init(&writer, to, sizeof to);
    json_write_string(&writer, name);
    enum status status = json_writer_finish(&writer, &text);
    CHECK(status == STATUS_OK);
    return text.bytes;
}

static size_t ticket_bytes(struct slice issuer) {
    return (size_t)TICKET_ENTRIES * TICKET_ENTRY_BYTES + written_bytes(issuer);
}

size_t driver_addressees_max(const struct driver *driver, struct slice issuer) {
    const struct limits *limits = &driver->services->config->limits;
    uint64_t by_entries = (limits->block_entries - 1) / TICKET_ENTRIES;
    uint64_t by_bytes = (limits->block_bytes - DIRECTIVE_BYTES) / ticket_bytes(issuer);
    return min_u64(limits->directive_addressees, min_u64(by_entries, by_bytes));
}

static void list_tickets(const struct event_log *log, uint64_t *ret_tickets, size_t count) {
    size_t found = 0;
    for (uint32_t i = 0; i < log->events_count; i++) {
        if (log->events[i].kind == ENTRY_TICKET_OPENED) {
            CHECK(found < count);
            ret_tickets[found++] = log->events[i].object;
        }
    }
    CHECK(found == count);
}

enum status driver_issue(struct driver *driver, const struct directive_order *order,
                         uint64_t *ret_directive, uint64_t *ret_tickets,
                         struct driver_step *ret_step) {
    size_t count = order->addressees_count;
    if (count == 0 || count > driver_addressees_max(driver, order->issuer)) {
        return STATUS_TOO_LARGE;
    }
    uint32_t entries = 1 + TICKET_ENTRIES * (uint32_t)count;
    size_t text = DIRECTIVE_BYTES + count * ticket_bytes(order->issuer);
    struct event_log log;
    void *memory = malloc(event_log_bytes(entries, text));
    CHECK(memory != NULL);
    event_log_init(&log, memory, entries, text);
    driver_begin_step(driver, &log, entries, text);
    enum status status = world_issue(&driver->world, order, &log, ret_directive);
    if (status == STATUS_OK) {
        list_tickets(&log, ret_tickets, count);
    }
    driver_end_step(driver, &log, ret_step);
    free(memory);
    return status;
}
