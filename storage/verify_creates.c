/* Creates that named a key: each made a ticket or a directive that is there, and no key made two.
 */
#include "core/ticket/create_row.h"
#include "core/ticket/directive.h"
#include "core/ticket/ticket.h"
#include "storage/verify_domain.h"

#include <stdlib.h>

struct create_walk {
    struct domain_check *check;
    struct named_entry *ids; /* `seq` is the id */
    size_t ids_count, ids_max;
};

_Static_assert((int)CREATE_KEY_BYTES == (int)TICKET_KEY_BYTES &&
                   (int)CREATE_KEY_BYTES == (int)DIRECTIVE_KEY_BYTES,
               "the key of a create is that of what it made");

/* NOT_FOUND: there is no such row. */
static enum status look(struct store *store, enum family family, struct slice key,
                        struct error *error) {
    struct store_value value;
    enum status status = store_get(store, family, key, &value, error);
    if (status == STATUS_OK) {
        store_value_free(&value);
    }
    return status;
}

static enum status check_create(void *context, struct slice key, struct slice value,
                                struct error *error) {
    struct create_walk *walk = context;
    struct domain_check *check = walk->check;
    struct create_row row;
    struct entry entry;
    if (!create_row_decode(&row, key, value)) {
        return domain_wrong(error, "create", check->create_rows, " is not readable");
    }
    if (row.number > check->last_seq) {
        (void)domain_wrong(error, "a create made", row.number, ", but the journal ends before it");
        return STATUS_LOST;
    }
    enum status status = domain_entry(check, row.number, &entry, error);
    bool is_ticket = status == STATUS_OK && entry.kind == ENTRY_TICKET_OPENED;
    bool made = is_ticket || (status == STATUS_OK && entry.kind == ENTRY_DIRECTIVE_ISSUED);
    if (status == STATUS_NOT_FOUND ||
        (status == STATUS_OK && (!made || entry.identity.high != row.number))) {
        return domain_wrong(error, "a create names", row.number,
                            ", which is no ticket and no directive");
    }
    if (status == STATUS_OK) {
        status = look(check->store, is_ticket ? FAMILY_TICKETS : FAMILY_DIRECTIVES, key, error);
    }
    if (status == STATUS_NOT_FOUND) {
        return domain_wrong(error, is_ticket ? "a create made ticket" : "a create made directive",
                            row.number, ", which has no row");
    }
    check->create_rows++;
    return status == STATUS_OK
               ? domain_name(&walk->ids, &walk->ids_count, &walk->ids_max, row.id, row.number)
               : status;
}

static int by_id(const void *a, const void *b) {
    const struct named_entry *left = a, *right = b;
    return (left->seq > right->seq) - (left->seq < right->seq);
}

enum status domain_check_creates(struct domain_check *check, struct error *error) {
    struct create_walk walk = {.check = check};
    enum status status = domain_walk(check->store, FAMILY_CREATES, check_create, &walk, error);
    if (walk.ids_count > 0) {
        qsort(walk.ids, walk.ids_count, sizeof *walk.ids, by_id);
    }
    for (size_t i = 1; status == STATUS_OK && i < walk.ids_count; i++) {
        if (walk.ids[i].seq == walk.ids[i - 1].seq) {
            status = domain_wrong(error, "the key that made", walk.ids[i].object,
                                  " made something else too");
        }
    }
    free(walk.ids);
    return status;
}
