#include "server/domain/incident_rows.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/world.h"

#include <string.h>

enum status incident_row_read(struct incident_row *ret, struct db *db, uint64_t number,
                              struct error *error) {
    uint8_t bytes[INCIDENT_KEY_BYTES];
    struct store_value value;
    incident_key(bytes, number);
    const struct slice key = {bytes, sizeof bytes};
    enum status status = db_get_row(db, FAMILY_INCIDENTS, key, &value, error);
    if (status == STATUS_OK) {
        if (!incident_row_decode(&ret->incident, &ret->detail, key, value.bytes)) {
            status = error_set(error, STATUS_CORRUPT, "a stored incident is damaged", NULL, NULL);
        }
        store_value_free(&value);
    }
    return status;
}

static bool take_merged(void *context, struct slice key, struct slice value) {
    struct buffer *numbers = context;
    (void)value;
    if (key.bytes == MEMBER_KEY_BYTES) { /* shorter ones are of reports that were moved */
        uint64_t merged = load_u64_be(key.data + 8);
        buffer_append(numbers, &merged, sizeof merged);
    }
    return true;
}

enum status incident_rows_under(struct buffer *ret, struct db *db, uint64_t number,
                                struct error *error) {
    uint8_t prefix[8];
    store_u64_be(prefix, number);
    const struct slice from = {prefix, sizeof prefix};
    const struct db_walk walk = {.family = FAMILY_MOVED, .from = from, .prefix = from};
    buffer_append(ret, &number, sizeof number);
    return db_walk_rows(db, &walk, take_merged, ret, error);
}

struct member_walk {
    incident_member_cb *callback;
    void *context;
    bool stopped, damaged;
};

static bool take_member(void *context, struct slice key, struct slice value) {
    struct member_walk *walk = context;
    struct member member;
    walk->damaged = !member_row_decode(&member, key, value);
    walk->stopped = walk->damaged || !walk->callback(walk->context, &member);
    return !walk->stopped;
}

enum status incident_rows_walk(struct db *db, struct slice numbers, struct member_position after,
                               incident_member_cb *callback, void *context, struct error *error) {
    struct member_walk walk = {.callback = callback, .context = context};
    enum status status = STATUS_OK;
    for (size_t at = 0; status == STATUS_OK && !walk.stopped && at < numbers.bytes; at += 8) {
        uint64_t number;
        uint8_t from[MEMBER_KEY_BYTES];
        memcpy(&number, numbers.data + at, sizeof number);
        if (number < after.under) {
            continue;
        }
        member_key(from, number, number == after.under ? after.seq + 1 : 0);
        const struct db_walk rows = {
            .family = FAMILY_MEMBERS, .from = {from, sizeof from}, .prefix = {from, 8}};
        status = db_walk_rows(db, &rows, take_member, &walk, error);
    }
    return status == STATUS_OK && walk.damaged
               ? error_set(error, STATUS_CORRUPT, "a stored member is damaged", NULL, NULL)
               : status;
}

/* The incident that the report's member row stands under. */
static enum status read_move(uint64_t *incident, struct db *db, uint64_t seq, struct error *error) {
    uint8_t key[WORLD_MOVE_KEY_BYTES];
    struct store_value value;
    world_move_key(key, seq);
    enum status status =
        db_get_row(db, FAMILY_MOVED, (struct slice){key, sizeof key}, &value, error);
    if (status == STATUS_OK) {
        if (!world_move_decode(incident, value.bytes)) {
            status = error_set(error, STATUS_CORRUPT, "a stored move is damaged", NULL, NULL);
        }
        store_value_free(&value);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status read_match(struct report_whereabouts *ret, struct db *db, uint64_t under,
                              uint64_t seq, struct error *error) {
    uint8_t bytes[MEMBER_KEY_BYTES];
    struct store_value value;
    struct member member;
    member_key(bytes, under, seq);
    const struct slice key = {bytes, sizeof bytes};
    enum status status = db_get_row(db, FAMILY_MEMBERS, key, &value, error);
    if (status == STATUS_OK) {
        ret->has_match = member_row_decode(&member, key, value.bytes);
        ret->match = member.match;
        store_value_free(&value);
        if (!ret->has_match) {
            return error_set(error, STATUS_CORRUPT, "a stored member is damaged", NULL, NULL);
        }
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status report_whereabouts_read(struct report_whereabouts *ret, struct db *db, uint64_t seq,
                                    uint64_t taken_into, struct error *error) {
    struct incident_row row;
    uint64_t under = taken_into;
    memset(ret, 0, sizeof *ret);
    enum status status = read_move(&under, db, seq, error);
    if (status != STATUS_OK || under == 0) {
        return status;
    }
    status = read_match(ret, db, under, seq, error);
    if (status == STATUS_OK) {
        status = incident_row_read(&row, db, under, error);
    }
    if (status == STATUS_OK && row.incident.merged_into != 0) {
        status = incident_row_read(&row, db, row.incident.merged_into, error);
    }
    if (status == STATUS_OK) {
        ret->incident = row.incident.number;
        ret->ticket = row.incident.ticket;
    } else if (status == STATUS_NOT_FOUND) {
        ret->incident = under;
        status = STATUS_OK;
    }
    return status;
}
