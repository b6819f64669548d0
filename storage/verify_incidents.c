/* Incidents, their members, and what was moved. */
#include "core/base/bytes.h"
#include "core/incident/incident.h"
#include "core/world.h"
#include "storage/verify_domain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct walk {
    struct domain_check *check;
    struct store_iter *members; /* at the first one of an incident that was not reached yet */
};

static enum status get(const struct domain_check *check, enum family family, const uint8_t *key,
                       size_t key_bytes, struct store_value *ret, struct error *error) {
    return store_get(check->store, family, (struct slice){key, key_bytes}, ret, error);
}

/* The incident that a moved row puts the report into; 0: there is none. */
static enum status moved_to(const struct domain_check *check, uint64_t seq, uint64_t *ret,
                            struct error *error) {
    uint8_t key[WORLD_MOVE_KEY_BYTES];
    struct store_value value;
    world_move_key(key, seq);
    enum status status = get(check, FAMILY_MOVED, key, sizeof key, &value, error);
    *ret = 0;
    if (status == STATUS_OK) {
        bool sound = world_move_decode(ret, value.bytes);
        store_value_free(&value);
        status = sound ? STATUS_OK
                       : domain_wrong(error, "the moved row of report", seq, " is not readable");
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status check_member(struct domain_check *check, struct slice key, struct slice value,
                                struct error *error) {
    struct member member;
    struct entry entry;
    uint64_t seq = key.bytes == MEMBER_KEY_BYTES ? load_u64_be(key.data + 8) : 0;
    if (!member_row_decode(&member, key, value)) {
        return domain_wrong(error, "the member row of report", seq, " is not readable");
    }
    enum status status = domain_entry(check, seq, &entry, error);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && entry.kind != ENTRY_REPORT)) {
        return domain_wrong(error, "the member row of report", seq, " names no report");
    }
    uint64_t moved = 0;
    if (status == STATUS_OK && member.incident != member.origin) {
        status = moved_to(check, seq, &moved, error);
        if (status == STATUS_OK && moved != member.incident) {
            return domain_wrong(error, "the moved row of report", seq,
                                " is missing or of another incident");
        }
    }
    check->member_rows++;
    taken_sum_add(&check->members, seq, member.origin);
    return status;
}

/* Members of one incident; those of no incident before it are named. */
static enum status count_members(struct walk *walk, uint64_t number, uint64_t *ret_count,
                                 struct error *error) {
    struct store_iter *at = walk->members;
    enum status status = STATUS_OK;
    for (*ret_count = 0; status == STATUS_OK && store_iter_valid(at);) {
        struct slice key = store_iter_key(at);
        uint64_t of = key.bytes >= 8 ? load_u64_be(key.data) : 0;
        if (of > number) {
            break;
        }
        status = check_member(walk->check, key, store_iter_value(at), error);
        if (status == STATUS_OK && of < number) {
            return domain_wrong(error, "incident", of, " has members, but no row");
        }
        if (status == STATUS_OK) {
            ++*ret_count;
            store_iter_next(at);
        }
    }
    return status == STATUS_OK ? store_iter_status(at, error) : status;
}

static enum status expect_due(struct domain_check *check, const struct incident *incident) {
    if (incident->due_ms == INT64_MAX || incident->state == INCIDENT_MERGED) {
        return STATUS_OK;
    }
    const struct expected_deadline expected = {
        .deadline = {.due_ms = incident->due_ms,
                     .object = incident->number,
                     .stage = DEADLINE_SUMMARY},
        .may_miss = incident->state != INCIDENT_OPEN,
    };
    return domain_expect(check, &expected);
}

static enum status check_incident(void *context, struct slice key, struct slice value,
                                  struct error *error) {
    struct walk *walk = context;
    struct domain_check *check = walk->check;
    struct incident incident;
    union incident_detail detail;
    struct entry entry;
    uint64_t number = key.bytes == INCIDENT_KEY_BYTES ? load_u64_be(key.data) : 0, members;
    if (!incident_row_decode(&incident, &detail, key, value)) {
        return domain_wrong(error, "the row of incident", number, " is not readable");
    }
    enum status status = domain_entry(check, number, &entry, error);
    bool opened = status == STATUS_OK && entry.identity.high == number &&
                  (entry.kind == ENTRY_INCIDENT_OPENED || entry.kind == ENTRY_INCIDENT_UNMERGED);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && !opened)) {
        return domain_wrong(error, "incident", number, " is not the number of what opened it");
    }
    if (status == STATUS_OK) {
        status = count_members(walk, number, &members, error);
    }
    if (status == STATUS_OK) {
        bool merged = incident.state == INCIDENT_MERGED;
        status = domain_name(&check->merged, &check->merged_count, &check->merged_max,
                             merged ? incident.merged_into : number, members);
    }
    check->incident_rows++;
    return status == STATUS_OK ? expect_due(check, &incident) : status;
}

static int by_survivor(const void *a, const void *b) {
    const struct named_entry *left = a, *right = b;
    return (left->seq > right->seq) - (left->seq < right->seq);
}

struct counting {
    struct domain_check *check;
    size_t next;
};

/* An incident's reports are the members under its number and under those merged into it. */
static enum status compare_count(void *context, struct slice key, struct slice value,
                                 struct error *error) {
    struct counting *counting = context;
    const struct domain_check *check = counting->check;
    struct incident incident;
    union incident_detail detail;
    if (!incident_row_decode(&incident, &detail, key, value)) {
        return domain_wrong(error, "the row of incident", load_u64_be(key.data),
                            " is not readable");
    }
    if (incident.state == INCIDENT_MERGED) {
        return STATUS_OK;
    }
    uint64_t count = 0;
    for (; counting->next < check->merged_count &&
           check->merged[counting->next].seq <= incident.number;
         counting->next++) {
        if (check->merged[counting->next].seq < incident.number) {
            return domain_wrong(error, "incident", check->merged[counting->next].seq,
                                " has others merged into it, but is no survivor");
        }
        count += check->merged[counting->next].object;
    }
    if (count != incident.reports_count) {
        char text[96];
        (void)snprintf(text, sizeof text,
                       " counts %" PRIu32 " reports, but has %" PRIu64 " members",
                       incident.reports_count, count);
        return domain_wrong(error, "incident", incident.number, text);
    }
    return STATUS_OK;
}

static enum status compare_counts(struct domain_check *check, struct error *error) {
    struct counting counting = {.check = check};
    if (check->merged_count > 0) {
        qsort(check->merged, check->merged_count, sizeof *check->merged, by_survivor);
    }
    enum status status =
        domain_walk(check->store, FAMILY_INCIDENTS, compare_count, &counting, error);
    if (status == STATUS_OK && counting.next < check->merged_count) {
        status = domain_wrong(error, "incident", check->merged[counting.next].seq,
                              " has others merged into it, but is no survivor");
    }
    return status;
}

enum status domain_check_incidents(struct domain_check *check, struct error *error) {
    struct walk walk = {.check = check};
    uint64_t rest;
    enum status status = store_iter_new(&walk.members, check->store, FAMILY_MEMBERS, NULL, false);
    if (status != STATUS_OK) {
        return status;
    }
    store_iter_seek(walk.members, (struct slice){(const uint8_t[]){0}, 1});
    status = domain_walk(check->store, FAMILY_INCIDENTS, check_incident, &walk, error);
    if (status == STATUS_OK) { /* nothing may stand behind the last incident */
        status = count_members(&walk, UINT64_MAX, &rest, error);
    }
    store_iter_free(walk.members);
    return status == STATUS_OK ? compare_counts(check, error) : status;
}

/* A report's new incident has it as a member. */
static enum status check_move(struct domain_check *check, uint64_t seq, struct slice value,
                              struct error *error) {
    uint8_t key[MEMBER_KEY_BYTES];
    struct store_value member;
    uint64_t incident;
    if (!world_move_decode(&incident, value)) {
        return domain_wrong(error, "the moved row of report", seq, " is not readable");
    }
    member_key(key, incident, seq);
    enum status status = get(check, FAMILY_MEMBERS, key, sizeof key, &member, error);
    if (status == STATUS_OK) {
        store_value_free(&member);
    }
    return status == STATUS_NOT_FOUND ? domain_wrong(error, "the moved row of report", seq,
                                                     " names an incident that does not have it")
                                      : status;
}

/* What was merged says so itself. */
static enum status check_merge(struct domain_check *check, struct slice key, struct slice value,
                               struct error *error) {
    uint64_t survivor = load_u64_be(key.data), merged = load_u64_be(key.data + 8);
    struct store_value row;
    struct incident incident = {.number = 0};
    union incident_detail detail;
    if (value.bytes != MOVED_ROW_BYTES || value.data[0] != MOVED_ROW_VERSION) {
        return domain_wrong(error, "the merge row of incident", merged, " is not readable");
    }
    enum status status =
        get(check, FAMILY_INCIDENTS, key.data + 8, INCIDENT_KEY_BYTES, &row, error);
    bool right = false;
    if (status == STATUS_OK) {
        const struct slice number = {key.data + 8, INCIDENT_KEY_BYTES};
        right = incident_row_decode(&incident, &detail, number, row.bytes) &&
                incident.merged_into == survivor;
        store_value_free(&row);
    }
    return (status == STATUS_OK && right) || (status != STATUS_OK && status != STATUS_NOT_FOUND)
               ? status
               : domain_wrong(error, "the merge row of incident", merged,
                              " names another survivor than its own");
}

static enum status check_moved(void *context, struct slice key, struct slice value,
                               struct error *error) {
    struct domain_check *check = context;
    check->moved_rows++;
    if (key.bytes == WORLD_MOVE_KEY_BYTES) {
        return check_move(check, load_u64_be(key.data), value, error);
    }
    return key.bytes == MEMBER_KEY_BYTES
               ? check_merge(check, key, value, error)
               : domain_wrong(error, "the key of moved row", check->moved_rows, " is none");
}

enum status domain_check_moved(struct domain_check *check, struct error *error) {
    return domain_walk(check->store, FAMILY_MOVED, check_moved, check, error);
}
