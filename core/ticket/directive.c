#include "core/ticket/directive.h"

#include "core/ticket/ticket_inside.h"

#include <string.h>

static uint32_t slots_for(uint64_t count) {
    uint32_t slots = 8;
    while (slots < 2 * count) {
        slots *= 2;
    }
    return slots;
}

size_t directives_bytes(const struct limits *limits) {
    return limits->open_directives * sizeof(struct directive) +
           slots_for(limits->open_directives) * sizeof(uint32_t);
}

void directives_init(struct directives *directives, const struct limits *limits, void *memory) {
    CHECK(((uintptr_t)memory & 7) == 0);
    *directives = (struct directives){.directives = memory,
                                      .slots_mask = slots_for(limits->open_directives) - 1,
                                      .count_max = (uint32_t)limits->open_directives,
                                      .addressees_max = (uint32_t)limits->directive_addressees};
    directives->slots = (uint32_t *)(void *)(directives->directives + directives->count_max);
    memset(directives->slots, 0, ((size_t)directives->slots_mask + 1) * sizeof(uint32_t));
}

static uint32_t home_of(const struct directives *directives, uint64_t number) {
    return (uint32_t)((number * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & directives->slots_mask;
}

/* The slot of the number, or the free one where it would go: at most half of them are used. */
static uint32_t slot_of(const struct directives *directives, uint64_t number) {
    uint32_t slot = home_of(directives, number);
    while (directives->slots[slot] != 0 &&
           directives->directives[directives->slots[slot] - 1].number != number) {
        slot = (slot + 1) & directives->slots_mask;
    }
    return slot;
}

struct directive *directives_find(const struct directives *directives, uint64_t number) {
    uint32_t at = directives->slots[slot_of(directives, number)];
    return at == 0 ? NULL : &directives->directives[at - 1];
}

bool directives_are_full(const struct directives *directives) {
    return directives->used_count == directives->count_max;
}

struct directive *directives_add(struct directives *directives, uint64_t number) {
    uint32_t slot = slot_of(directives, number);
    CHECK(number != 0 && directives->slots[slot] == 0);
    uint32_t at = directives->first_free;
    if (at != 0) {
        directives->first_free = directives->directives[at - 1].next_dirty;
    } else {
        CHECK(directives->touched_count < directives->count_max);
        at = ++directives->touched_count;
    }
    directives->slots[slot] = at;
    directives->used_count++;
    directives->directives[at - 1] = (struct directive){.number = number};
    return &directives->directives[at - 1];
}

/* Linear probing: what follows moves up, so that no chain is cut. */
static void free_slot(struct directives *directives, uint32_t hole) {
    uint32_t mask = directives->slots_mask;
    for (uint32_t slot = (hole + 1) & mask; directives->slots[slot] != 0;
         slot = (slot + 1) & mask) {
        uint64_t number = directives->directives[directives->slots[slot] - 1].number;
        uint32_t distance = (slot - home_of(directives, number)) & mask;
        if (distance >= ((slot - hole) & mask)) {
            directives->slots[hole] = directives->slots[slot];
            hole = slot;
        }
    }
    directives->slots[hole] = 0;
}

void directives_remove(struct directives *directives, uint64_t number) {
    uint32_t slot = slot_of(directives, number), at = directives->slots[slot];
    CHECK(at != 0);
    free_slot(directives, slot);
    directives->directives[at - 1] = (struct directive){.next_dirty = directives->first_free};
    directives->first_free = at;
    directives->used_count--;
    directives->removed_count++;
}

struct directive_share directive_share_of(const struct ticket *ticket) {
    bool is_done = ticket->state == TICKET_CLOSED || ticket->state == TICKET_ARCHIVED;
    bool is_voided = ticket->state == TICKET_VOIDED || ticket->state == TICKET_REJECTED ||
                     ticket->state == TICKET_MERGED;
    bool is_receipted = ticket_has(ticket, FACT_RECEIPTED);
    bool sign_late = (ticket->stages_late & 1u << STAGE_SIGN) != 0;
    bool handle_late = (ticket->stages_late & 1u << STAGE_HANDLE) != 0;
    return (struct directive_share){.receipted = is_receipted,
                                    .receipted_late = is_receipted && sign_late,
                                    .done = is_done,
                                    .done_late = is_done && handle_late,
                                    .returned = ticket_has(ticket, FACT_RETURNED),
                                    .voided = is_voided};
}

bool directive_is_done(const struct directive *directive) {
    return directive->share.done + directive->share.voided >= directive->addressees_count;
}

void directive_mark(struct directives *directives, struct directive *directive) {
    if (!directive->is_dirty) {
        directive->is_dirty = true;
        directive->next_dirty = directives->first_dirty;
        directives->first_dirty = (uint32_t)(directive - directives->directives) + 1;
    }
}

/* `sum` plus `after` minus `before`: what is undone (a reopening) is taken back. */
static void shift(uint32_t *sum, uint32_t before, uint32_t after) {
    CHECK(*sum + after >= before);
    *sum = *sum + after - before;
}

static void number(struct ticket_event *event, const char *key, uint64_t value) {
    json_write_key(&event->writer, key);
    json_write_u64(&event->writer, value);
}

void directive_event_begin(struct ticket_event *event, const struct directive *directive) {
    json_writer_init(&event->writer, event->bytes, sizeof event->bytes);
    json_write_object_begin(&event->writer);
    json_write_key(&event->writer, "directive");
    json_write_name(&event->writer, 'd', directive->number);
}

void directive_event_append(const struct ticket_context *context, struct ticket_event *event,
                            struct directive *directive, struct event appended) {
    struct effects *effects = context->effects;
    json_write_object_end(&event->writer);
    enum status status = json_writer_finish(&event->writer, &appended.json);
    CHECK(status == STATUS_OK);
    appended.object = directive->number;
    directive->last_event_seq = effects->next_seq;
    effects->append(effects->context, &appended);
}

static void tell(const struct ticket_context *context, struct directive *directive,
                 const struct ticket *ticket, enum entry_kind kind) {
    struct ticket_event UNINITIALIZED event;
    uint64_t previous = directive->last_event_seq;
    directive_event_begin(&event, directive);
    json_write_key(&event.writer, "ticket");
    json_write_name(&event.writer, 't', ticket->number);
    number(&event, "addressee", ticket->addressee);
    number(&event, "addressees", directive->addressees_count);
    number(&event, "receipted", directive->share.receipted);
    number(&event, "receipted_late", directive->share.receipted_late);
    number(&event, "done", directive->share.done);
    number(&event, "done_late", directive->share.done_late);
    number(&event, "voided", directive->share.voided);
    json_write_key(&event.writer, "complete");
    json_write_bool(&event.writer, directive_is_done(directive));
    number(&event, "previous", previous);
    directive_event_append(context, &event, directive,
                           (struct event){.kind = kind,
                                          .severity = ticket->severity,
                                          .region = ticket->region,
                                          .category_tag = ticket->category_tag});
}

void directive_note(const struct ticket_context *context, const struct ticket *ticket,
                    const struct directive_share *before) {
    struct directive_share after = directive_share_of(ticket);
    struct directive *directive = ticket->directive == 0 || context->directives == NULL
                                      ? NULL
                                      : directives_find(context->directives, ticket->directive);
    if (directive == NULL || memcmp(before, &after, sizeof after) == 0) {
        return;
    }
    shift(&directive->share.receipted, before->receipted, after.receipted);
    shift(&directive->share.receipted_late, before->receipted_late, after.receipted_late);
    shift(&directive->share.done, before->done, after.done);
    shift(&directive->share.done_late, before->done_late, after.done_late);
    shift(&directive->share.returned, before->returned, after.returned);
    shift(&directive->share.voided, before->voided, after.voided);
    directive_mark(context->directives, directive);
    directive->done_ms = directive_is_done(directive) ? context->now_ms : 0;
    if (after.receipted > before->receipted) {
        tell(context, directive, ticket, ENTRY_DIRECTIVE_RECEIPT);
    }
    if (after.done + after.voided > before->done + before->voided) {
        tell(context, directive, ticket, ENTRY_DIRECTIVE_DONE);
    }
    if (after.done + after.voided < before->done + before->voided) {
        tell(context, directive, ticket, ENTRY_DIRECTIVE_REOPENED);
    }
}
