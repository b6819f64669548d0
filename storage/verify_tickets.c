/* Tickets, directives and their addressees, and what is due. */
#include "core/base/bytes.h"
#include "core/ticket/directive.h"
#include "core/ticket/joint.h"
#include "core/ticket/ticket_fire.h"
#include "storage/verify_domain.h"

#include <stdlib.h>
#include <string.h>

static enum status expect_due(struct domain_check *check, const struct ticket *ticket,
                              struct error *error) {
    bool final = ticket_state_is_final((enum ticket_state)ticket->state);
    if (final != (ticket->next_due_ms == INT64_MAX)) {
        return domain_wrong(error, "ticket", ticket->number,
                            final ? " is over, but waits for a deadline"
                                  : " is not over, but waits for nothing");
    }
    if (final) {
        return STATUS_OK;
    }
    const struct expected_deadline expected = {
        .deadline = ticket_deadline(ticket->number, ticket->next_due_ms, ticket->due_key)};
    return deadline_is_sound(&expected.deadline)
               ? domain_expect(check, &expected)
               : domain_wrong(error, "ticket", ticket->number, " waits for what is no deadline");
}

static enum status check_ticket(void *context, struct slice key, struct slice value,
                                struct error *error) {
    struct domain_check *check = context;
    struct ticket ticket;
    struct joint joint;
    struct entry entry;
    bool has_joint;
    uint64_t number = 0;
    if (!ticket_key_decode(&number, key) ||
        ticket_row_decode(&ticket, &joint, &has_joint, value) != STATUS_OK ||
        ticket.number != number) {
        return domain_wrong(error, "the row of ticket", number, " is not readable");
    }
    enum status status = domain_entry(check, number, &entry, error);
    bool opened =
        status == STATUS_OK && entry.kind == ENTRY_TICKET_OPENED && entry.identity.high == number;
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && !opened)) {
        return domain_wrong(error, "ticket", number, " is not the number of what opened it");
    }
    if (status == STATUS_OK && ticket.last_event_seq > check->last_seq) {
        (void)domain_wrong(error, "ticket", number, " has entries behind the journal's end");
        return STATUS_LOST;
    }
    if (status == STATUS_OK) {
        status = domain_name(&check->named, &check->named_count, &check->named_max,
                             ticket.last_event_seq, number);
    }
    check->ticket_rows++;
    return status == STATUS_OK ? expect_due(check, &ticket, error) : status;
}

enum status domain_check_tickets(struct domain_check *check, struct error *error) {
    return domain_walk(check->store, FAMILY_TICKETS, check_ticket, check, error);
}

/* Directives, each followed by its addressees. */
struct directive_walk {
    struct domain_check *check;
    struct directive directive; /* number 0: none yet */
    struct directive_share share;
    uint64_t addressees;
};

static void add_share(struct directive_share *to, const struct directive_share *more) {
    to->receipted += more->receipted;
    to->receipted_late += more->receipted_late;
    to->done += more->done;
    to->done_late += more->done_late;
    to->returned += more->returned;
    to->voided += more->voided;
}

static bool is_same_share(const struct directive_share *a, const struct directive_share *b) {
    return a->receipted == b->receipted && a->receipted_late == b->receipted_late &&
           a->done == b->done && a->done_late == b->done_late && a->returned == b->returned &&
           a->voided == b->voided;
}

static enum status end_directive(const struct directive_walk *walk, struct error *error) {
    const struct directive *directive = &walk->directive;
    if (directive->number == 0) {
        return STATUS_OK;
    }
    if (walk->addressees != directive->addressees_count) {
        return domain_wrong(error, "directive", directive->number,
                            " does not have as many addressees as it counts");
    }
    return is_same_share(&walk->share, &directive->share)
               ? STATUS_OK
               : domain_wrong(error, "directive", directive->number,
                              " does not count what its addressees did");
}

static enum status begin_directive(struct directive_walk *walk, struct slice key,
                                   struct slice value, struct error *error) {
    uint64_t number = load_u64_be(key.data);
    struct entry entry;
    enum status status = end_directive(walk, error);
    if (status != STATUS_OK) {
        return status;
    }
    *walk = (struct directive_walk){.check = walk->check};
    if (directive_row_decode(&walk->directive, value) != STATUS_OK ||
        walk->directive.number != number) {
        return domain_wrong(error, "the row of directive", number, " is not readable");
    }
    status = domain_entry(walk->check, number, &entry, error);
    bool issued = status == STATUS_OK && entry.kind == ENTRY_DIRECTIVE_ISSUED &&
                  entry.identity.high == number;
    return issued || (status != STATUS_OK && status != STATUS_NOT_FOUND)
               ? status
               : domain_wrong(error, "directive", number, " is not the number of what issued it");
}

static enum status check_addressee(struct directive_walk *walk, struct slice key,
                                   struct slice value, struct error *error) {
    uint64_t number = load_u64_be(key.data);
    struct addressee addressee;
    if (addressee_row_decode(&addressee, key, value) != STATUS_OK) {
        return domain_wrong(error, "an addressee of directive", number, " is not readable");
    }
    if (walk->directive.number != number) {
        return domain_wrong(error, "directive", number, " has addressees, but no row");
    }
    uint8_t ticket_key[TICKET_KEY_BYTES];
    struct store_value row;
    ticket_key_encode(ticket_key, addressee.ticket);
    enum status status = store_get(walk->check->store, FAMILY_TICKETS,
                                   (struct slice){ticket_key, sizeof ticket_key}, &row, error);
    bool right = false;
    if (status == STATUS_OK) {
        struct ticket ticket;
        struct joint joint;
        bool has_joint;
        right = ticket_row_decode(&ticket, &joint, &has_joint, row.bytes) == STATUS_OK &&
                ticket.directive == number && ticket.addressee == addressee.index;
        store_value_free(&row);
    }
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && !right)) {
        return domain_wrong(error, "an addressee of directive", number,
                            " names a ticket that is not its own");
    }
    walk->addressees++;
    add_share(&walk->share, &addressee.share);
    return status;
}

static enum status check_directive(void *context, struct slice key, struct slice value,
                                   struct error *error) {
    struct directive_walk *walk = context;
    walk->check->directive_rows++;
    if (key.bytes == DIRECTIVE_KEY_BYTES) {
        return begin_directive(walk, key, value, error);
    }
    return key.bytes == ADDRESSEE_KEY_BYTES ? check_addressee(walk, key, value, error)
                                            : domain_wrong(error, "the key of directive row",
                                                           walk->check->directive_rows, " is none");
}

enum status domain_check_directives(struct domain_check *check, struct error *error) {
    struct directive_walk walk = {.check = check};
    enum status status =
        domain_walk(check->store, FAMILY_DIRECTIVES, check_directive, &walk, error);
    return status == STATUS_OK ? end_directive(&walk, error) : status;
}

/* Deadlines: those that are waited for, sorted, and the rows, in the same order. */
struct deadline_walk {
    struct domain_check *check;
    size_t next;
};

static int by_deadline(const void *a, const void *b) {
    const struct expected_deadline *left = a, *right = b;
    return deadline_compare(&left->deadline, &right->deadline);
}

/* Those before `until` (NULL: all) have no row. */
static enum status skip_missing(struct deadline_walk *walk, const struct deadline *until,
                                struct error *error) {
    const struct domain_check *check = walk->check;
    while (walk->next < check->expected_count) {
        const struct expected_deadline *expected = &check->expected[walk->next];
        if (until != NULL && deadline_compare(&expected->deadline, until) >= 0) {
            break;
        }
        if (!expected->may_miss) {
            return domain_wrong(error, "the deadline that object", expected->deadline.object,
                                " waits for has no row");
        }
        walk->next++;
    }
    return STATUS_OK;
}

static enum status check_deadline(void *context, struct slice key, struct slice value,
                                  struct error *error) {
    struct deadline_walk *walk = context;
    struct domain_check *check = walk->check;
    struct deadline deadline;
    uint64_t armed_seq;
    if (!deadline_key_decode(&deadline, key)) {
        return domain_wrong(error, "the key of deadline", check->deadline_rows, " is none");
    }
    if (!deadline_value_decode(&armed_seq, value)) {
        return domain_wrong(error, "deadline", check->deadline_rows, " is not readable");
    }
    if (armed_seq > check->last_seq) {
        (void)domain_wrong(error, "a deadline was set by entry", armed_seq,
                           ", but the journal ends before it");
        return STATUS_LOST;
    }
    enum status status = skip_missing(walk, &deadline, error);
    if (status != STATUS_OK) {
        return status;
    }
    bool waited_for = walk->next < check->expected_count &&
                      deadline_compare(&check->expected[walk->next].deadline, &deadline) == 0;
    if (!waited_for) {
        return domain_wrong(error, "there is a deadline for object", deadline.object,
                            ", which does not wait for it");
    }
    walk->next++;
    check->deadline_rows++;
    return STATUS_OK;
}

enum status domain_check_deadlines(struct domain_check *check, struct error *error) {
    struct deadline_walk walk = {.check = check};
    if (check->expected_count > 0) {
        qsort(check->expected, check->expected_count, sizeof *check->expected, by_deadline);
    }
    enum status status = domain_walk(check->store, FAMILY_DEADLINES, check_deadline, &walk, error);
    return status == STATUS_OK ? skip_missing(&walk, NULL, error) : status;
}
