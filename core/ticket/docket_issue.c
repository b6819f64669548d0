#include "core/ticket/docket.h"
#include "core/ticket/ticket_inside.h"

static void tell(const struct ticket_context *context, struct directive *directive,
                 const struct directive_order *order) {
    struct ticket_event UNINITIALIZED event;
    directive_event_begin(&event, directive);
    json_write_key(&event.writer, "addressees");
    json_write_u64(&event.writer, directive->addressees_count);
    json_write_key(&event.writer, "priority");
    json_write_u64(&event.writer, directive->priority);
    ticket_event_text(&event, "issuer", order->issuer);
    ticket_event_text(&event, "note", order->note);
    directive_event_append(context, &event, directive,
                           (struct event){.kind = ENTRY_DIRECTIVE_ISSUED,
                                          .severity = directive->severity,
                                          .region = directive->region,
                                          .category_tag = directive->category_tag});
    CHECK(directive->last_event_seq == directive->number);
}

static struct directive *begin(struct docket *docket, const struct ticket_context *context,
                               const struct directive_order *order) {
    const struct category *category = policy_category_by_tag(context->policy, order->category_tag);
    uint64_t number = context->effects->next_seq;
    CHECK(category != NULL && order->issuer.bytes <= TICKET_NAME_BYTES_MAX &&
          order->note.bytes <= TICKET_NOTE_BYTES_MAX);
    struct directive *directive = directives_add(&docket->directives, number);
    directive->issuer = ticket_hash(order->issuer);
    directive->issued_ms = context->now_ms;
    directive->category_tag = order->category_tag;
    directive->region = order->region;
    directive->addressees_count = (uint32_t)order->addressees_count;
    directive->priority = order->priority != 0 ? order->priority : category->priority;
    directive->severity = order->severity != 0 ? order->severity : (uint8_t)category->severity;
    directive_mark(&docket->directives, directive);
    return directive;
}

enum status docket_issue(struct docket *docket, const struct ticket_context *context,
                         const struct directive_order *order, uint64_t *ret_number) {
    size_t count = order->addressees_count;
    if (count == 0 || count > docket->directives.addressees_max) {
        return STATUS_TOO_LARGE;
    }
    if (count > docket_room(docket) || directives_are_full(&docket->directives)) {
        return STATUS_FULL;
    }
    struct directive *directive = begin(docket, context, order);
    tell(context, directive, order);
    for (size_t i = 0; i < count; i++) {
        struct ticket_opening opening = {.origin = ORIGIN_DIRECTIVE,
                                         .directive = directive->number,
                                         .addressee = (uint32_t)i,
                                         .category_tag = order->category_tag,
                                         .region = order->addressees[i].region,
                                         .unit_tag = order->addressees[i].unit_tag,
                                         .priority = directive->priority,
                                         .severity = directive->severity,
                                         .sign = order->receipt,
                                         .handle = order->execution,
                                         .actor = order->issuer};
        struct ticket *ticket;
        enum status status = docket_open(docket, context, &opening, &ticket);
        CHECK(status == STATUS_OK); /* room was made sure of */
    }
    *ret_number = directive->number;
    return STATUS_OK;
}

enum status docket_restore_directive(struct docket *docket, struct slice row) {
    struct directive directive;
    enum status status = directive_row_decode(&directive, row);
    if (status != STATUS_OK) {
        return status;
    }
    if (directives_are_full(&docket->directives)) {
        return STATUS_FULL;
    }
    struct directive *back = directives_add(&docket->directives, directive.number);
    *back = directive;
    if (directive_is_done(back)) { /* leaves again with the next flush */
        directive_mark(&docket->directives, back);
    }
    return STATUS_OK;
}
