#include "core/incident/incidents_table.h"

#include "core/base/mutant.h"

#include <string.h>

struct unmerge {
    struct incidents *incidents;
    struct incident *from;
    const uint64_t *seqs;
    size_t seqs_count;
    const struct incident_members *members;
    uint64_t moved_count, staying_count;
    uint32_t category_tag; /* of the first that moves */
};

static bool moves(const struct unmerge *unmerge, uint64_t seq) {
    size_t low = 0;
    size_t high = unmerge->seqs_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (unmerge->seqs[middle] < seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < unmerge->seqs_count && unmerge->seqs[low] == seq;
}

static bool ascends(const uint64_t *seqs, size_t seqs_count) {
    for (size_t i = 1; i < seqs_count; i++) {
        if (seqs[i - 1] >= seqs[i]) {
            return false;
        }
    }
    return true;
}

static void survey(struct unmerge *unmerge) {
    struct incidents *incidents = unmerge->incidents;
    struct incident *merged = NULL;
    while ((merged = incidents_next_merged(incidents, unmerge->from, merged)) != NULL) {
        merged->moved_count = merged->staying_count = 0;
    }
    struct member member;
    while (unmerge->members->next(unmerge->members->context, &member)) {
        struct incident *under = incidents_lookup(incidents, member.incident);
        bool is_moved = moves(unmerge, member.sighting.seq);
        unmerge->moved_count += is_moved ? 1 : 0;
        unmerge->staying_count += is_moved ? 0 : 1;
        if (is_moved && unmerge->moved_count == 1) {
            unmerge->category_tag = member.sighting.category_tag;
        }
        if (under != NULL && under->state == INCIDENT_MERGED) {
            under->moved_count += is_moved ? 1 : 0;
            under->staying_count += is_moved ? 0 : 1;
        }
    }
}

/* The oldest merged one whose reports all go; NULL: none. */
static struct incident *find_original(const struct unmerge *unmerge) {
    struct incident *oldest = NULL;
    struct incident *merged = NULL;
    while ((merged = incidents_next_merged(unmerge->incidents, unmerge->from, merged)) != NULL) {
        if (merged->moved_count > 0 && merged->staying_count == 0 &&
            (oldest == NULL || merged->number < oldest->number)) {
            oldest = merged;
        }
    }
    return oldest;
}

static struct incident *begin_new(struct incidents *incidents, const struct unmerge *unmerge,
                                  const struct effects *effects) {
    const struct category *category =
        policy_category_by_tag(incidents->policy, unmerge->category_tag);
    return incidents_begin(incidents, category, effects->next_seq, effects->now_ms);
}

static void move_row(struct incidents *incidents, struct member *member, uint64_t number) {
    if (member->incident == number) {
        return;
    }
    incidents_drop_member(incidents, member->incident, member->sighting.seq);
    member->match = (struct match){.rule = MATCH_OPERATOR, .score = 1000, .distance_m = -1.0F};
    member->incident = number;
    incidents_keep_member(incidents, number, member);
}

/* Both anew, report by report. */
static void divide(const struct unmerge *unmerge, struct incident *to) {
    const struct fire_rules *rules = &unmerge->incidents->policy->fire;
    struct member member;
    incident_reset(unmerge->from);
    incident_reset(to);
    unmerge->members->rewind(unmerge->members->context);
    while (unmerge->members->next(unmerge->members->context, &member)) {
        bool is_moved = moves(unmerge, member.sighting.seq);
        if (is_moved) {
            move_row(unmerge->incidents, &member, to->number);
        }
        incident_fold(is_moved ? to : unmerge->from, &member, 0, rules);
    }
}

static enum status check(const struct unmerge *unmerge) {
    if (unmerge->moved_count != unmerge->seqs_count) {
        return STATUS_NOT_FOUND;
    }
    if (unmerge->moved_count == 0 || unmerge->staying_count == 0) {
        return STATUS_CONFLICT;
    }
    if (policy_category_by_tag(unmerge->incidents->policy, unmerge->category_tag) == NULL) {
        return STATUS_INVALID;
    }
    uint64_t rows = 2 * unmerge->moved_count;
    return rows > INCIDENTS_PENDING_MAX - unmerge->incidents->pending_count ? STATUS_BUSY
                                                                            : STATUS_OK;
}

/* Counts what moves and what stays; the status says whether it may. */
static enum status begin(struct unmerge *unmerge, uint64_t number) {
    unmerge->from = incidents_lookup(unmerge->incidents, number);
    if (unmerge->from == NULL) {
        return STATUS_NOT_FOUND;
    }
    if (unmerge->seqs_count > UNMERGE_SEQS_MAX || !ascends(unmerge->seqs, unmerge->seqs_count)) {
        return STATUS_INVALID;
    }
    if (unmerge->from->state == INCIDENT_MERGED || unmerge->from->detail_kind == DETAIL_ALARM) {
        return STATUS_CONFLICT;
    }
    survey(unmerge);
    return check(unmerge);
}

uint64_t incidents_unmerge_original(struct incidents *incidents, uint64_t number,
                                    const uint64_t *seqs, size_t seqs_count,
                                    const struct incident_members *members) {
    struct unmerge unmerge = {
        .incidents = incidents, .seqs = seqs, .seqs_count = seqs_count, .members = members};
    const struct incident *original =
        begin(&unmerge, number) == STATUS_OK ? find_original(&unmerge) : NULL;
    return original == NULL ? 0 : original->number;
}

enum status incidents_unmerge(struct incidents *incidents, uint64_t number, const uint64_t *seqs,
                              size_t seqs_count, const struct incident_members *members,
                              struct effects *effects, uint64_t *ret_number) {
    struct unmerge unmerge = {
        .incidents = incidents, .seqs = seqs, .seqs_count = seqs_count, .members = members};
    enum status status = begin(&unmerge, number);
    if (status != STATUS_OK) {
        return status;
    }
    struct incident *original = find_original(&unmerge);
    struct incident *to = original != NULL ? original : begin_new(incidents, &unmerge, effects);
    if (to == NULL) {
        return STATUS_FULL;
    }
    divide(&unmerge, to);
    if (original != NULL) {
        original->merged_into = 0;
        incidents_open_again(incidents, original);
    }
    incidents_index(incidents, unmerge.from);
    incidents_index(incidents, to);
    if (!MUTANT(UNMERGE_ROW_NOT_WRITTEN)) {
        incidents_mark(incidents, unmerge.from);
    }
    incidents_mark(incidents, to);
    incidents->counts.unmerged++;
    incident_event_unmerged(unmerge.from, to, seqs_count, effects);
    *ret_number = to->number;
    return STATUS_OK;
}
