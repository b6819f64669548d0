/* Rows of the world: back into memory, and out with each flush. */
#include "core/world_inside.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/mutant.h"

enum status world_restore_incident(struct world *world, struct slice key, struct slice value,
                                   int64_t now_ms) {
    const struct incident *incident;
    return incidents_restore(&world->incidents, key, value, now_ms, &incident);
}

static enum status take_ticket(struct world *world, struct slice key, struct slice value,
                               bool also_final) {
    uint64_t number;
    struct ticket *ticket, UNINITIALIZED stored;
    struct joint UNINITIALIZED joint;
    bool has_joint;
    if (!ticket_key_decode(&number, key)) {
        return STATUS_CORRUPT;
    }
    if (docket_find(&world->docket, number) != NULL) {
        return STATUS_OK;
    }
    enum status status = ticket_row_decode(&stored, &joint, &has_joint, value);
    if (status == STATUS_OK && stored.number != number) {
        return STATUS_CORRUPT;
    }
    if (status != STATUS_OK ||
        (!also_final && ticket_state_is_final((enum ticket_state)stored.state))) {
        return status;
    }
    return docket_restore(&world->docket, value, &ticket);
}

/* What is over left memory when it was flushed, and must not come back to fill it. */
enum status world_restore_ticket(struct world *world, struct slice key, struct slice value) {
    return take_ticket(world, key, value, MUTANT(FINAL_TICKETS_RESTORED));
}

enum status world_load_ticket(struct world *world, struct slice key, struct slice value) {
    return take_ticket(world, key, value, true);
}

enum status world_restore_directive(struct world *world, struct slice key, struct slice value) {
    struct directive directive;
    /* Addressees stand beside their directive, under longer keys; they are for reading only. */
    if (key.bytes != DIRECTIVE_KEY_BYTES) {
        return STATUS_OK;
    }
    enum status status = directive_row_decode(&directive, value);
    return status != STATUS_OK || directive_is_done(&directive)
               ? status
               : docket_restore_directive(&world->docket, value);
}

enum status world_load_directive(struct world *world, struct slice value) {
    return docket_restore_directive(&world->docket, value);
}

void world_move_key(uint8_t to[WORLD_MOVE_KEY_BYTES], uint64_t seq) {
    store_u64_be(to, seq);
}

bool world_move_decode(uint64_t *ret_incident, struct slice value) {
    if (value.bytes != WORLD_MOVE_BYTES || value.data[0] != 1) {
        return false;
    }
    *ret_incident = load_u64_le(value.data + 1);
    return *ret_incident != 0;
}

struct flush {
    const struct world *world;
    uint64_t seq;
    row_cb *row;
    void *context;
};

static void pass_row(void *context, enum row_family family, struct slice key, struct slice value) {
    const struct flush *flush = context;
    flush->row(flush->context, family, key, value);
}

/* An incident waits for one thing at a time. */
static struct deadline incident_deadline(uint64_t number, int64_t due_ms) {
    return (struct deadline){.due_ms = due_ms, .object = number, .stage = DEADLINE_SUMMARY};
}

static void pass_due(void *context, uint64_t number, int64_t before_ms, int64_t due_ms) {
    const struct flush *flush = context;
    uint8_t key[DEADLINE_KEY_BYTES], value[DEADLINE_VALUE_BYTES];
    if (before_ms != INT64_MAX) {
        const struct deadline before = incident_deadline(number, before_ms);
        deadline_key_encode(key, &before);
        flush->row(flush->context, ROW_DEADLINE, (struct slice){key, sizeof key},
                   (struct slice){NULL, 0});
    }
    if (due_ms != INT64_MAX) {
        const struct deadline due = incident_deadline(number, due_ms);
        deadline_key_encode(key, &due);
        deadline_value_encode(value, flush->seq);
        flush->row(flush->context, ROW_DEADLINE, (struct slice){key, sizeof key},
                   (struct slice){value, sizeof value});
    }
}

void world_flush(struct world *world, uint64_t seq, row_cb *row, void *context) {
    struct flush flush = {world, seq, row, context};
    incidents_flush(&world->incidents, pass_row, pass_due, &flush);
    docket_flush(&world->docket, row, context);
    for (size_t i = 0; i < world->moves_count; i++) {
        uint8_t key[WORLD_MOVE_KEY_BYTES], value[WORLD_MOVE_BYTES] = {1};
        world_move_key(key, world->moves[i].seq);
        store_u64_le(value + 1, world->moves[i].incident);
        row(context, ROW_MOVED, (struct slice){key, sizeof key},
            (struct slice){value, sizeof value});
    }
    world->moves_count = 0;
}
