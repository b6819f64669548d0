#include "storage/verify_domain.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "storage/keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

enum { LIST_MIN = 1024 };

enum status domain_wrong(struct error *error, const char *what, uint64_t number, const char *why) {
    char text[64];
    (void)snprintf(text, sizeof text, "%s %" PRIu64, what, number);
    return error_set(error, STATUS_CORRUPT, text, why, NULL);
}

enum status domain_walk(struct store *store, enum family family, domain_row_cb callback,
                        void *context, struct error *error) {
    struct store_iter *iter;
    enum status status = store_iter_new(&iter, store, family, NULL, false);
    if (status != STATUS_OK) {
        return status;
    }
    store_iter_seek(iter, (struct slice){(const uint8_t[]){0}, 1});
    while (status == STATUS_OK && store_iter_valid(iter)) {
        status = callback(context, store_iter_key(iter), store_iter_value(iter), error);
        if (status == STATUS_OK) {
            store_iter_next(iter);
        }
    }
    status = status == STATUS_OK ? store_iter_status(iter, error) : status;
    store_iter_free(iter);
    return status;
}

static enum status find_block(struct domain_check *check, uint64_t seq, struct error *error) {
    uint8_t key[JOURNAL_KEY_BYTES];
    enum status status = STATUS_OK;
    check->has_block = false;
    if (check->journal == NULL) {
        status = store_iter_new(&check->journal, check->store, FAMILY_JOURNAL, NULL, false);
    }
    if (status != STATUS_OK) {
        return status;
    }
    store_u64_be(key, seq);
    store_iter_seek_for_prev(check->journal, (struct slice){key, sizeof key});
    if (!store_iter_valid(check->journal)) {
        status = store_iter_status(check->journal, error);
        return status != STATUS_OK ? status : STATUS_NOT_FOUND;
    }
    status = block_view(&check->block, store_iter_value(check->journal), error);
    check->has_block = status == STATUS_OK;
    return status;
}

static bool is_in_block(const struct domain_check *check, uint64_t seq) {
    return check->has_block && seq >= check->block.first_seq &&
           seq - check->block.first_seq < check->block.entries_count;
}

enum status domain_entry(struct domain_check *check, uint64_t seq, struct entry *ret,
                         struct error *error) {
    enum status status = is_in_block(check, seq) ? STATUS_OK : find_block(check, seq, error);
    if (status != STATUS_OK) {
        return status;
    }
    return is_in_block(check, seq)
               ? block_view_entry(&check->block, (uint32_t)(seq - check->block.first_seq), ret)
               : STATUS_NOT_FOUND;
}

enum status domain_expect(struct domain_check *check, const struct expected_deadline *expected) {
    if (check->expected_count == check->expected_max) {
        size_t max = check->expected_max == 0 ? LIST_MIN : 2 * check->expected_max;
        struct expected_deadline *grown = realloc(check->expected, max * sizeof *grown);
        if (grown == NULL) {
            return STATUS_NO_MEMORY;
        }
        check->expected = grown;
        check->expected_max = max;
    }
    check->expected[check->expected_count++] = *expected;
    return STATUS_OK;
}

enum status domain_name(struct named_entry **list, size_t *count, size_t *max, uint64_t seq,
                        uint64_t object) {
    if (*count == *max) {
        size_t grown_max = *max == 0 ? LIST_MIN : 2 * *max;
        struct named_entry *grown = realloc(*list, grown_max * sizeof *grown);
        if (grown == NULL) {
            return STATUS_NO_MEMORY;
        }
        *list = grown;
        *max = grown_max;
    }
    (*list)[(*count)++] = (struct named_entry){seq, object};
    return STATUS_OK;
}

void taken_sum_add(struct taken_sum *sum, uint64_t seq, uint64_t incident) {
    const uint64_t both[] = {seq, incident};
    XXH128_hash_t hash = XXH3_128bits_withSeed(both, sizeof both, sum->seed);
    sum->count++;
    sum->low += hash.low64;
    sum->high += hash.high64;
}

void domain_check_entry(struct domain_check *check, uint64_t seq, const struct entry *entry,
                        const struct record *record) {
    if (entry->kind == ENTRY_REPORT && record->incident != 0) {
        taken_sum_add(&check->reports, seq, record->incident);
    }
}

/* The sums differ. A member without its report is found by looking at each; what is left is a
 * report without its member. */
static enum status name_difference(const struct domain_check *check, struct error *error) {
    char text[128];
    (void)snprintf(text, sizeof text,
                   "%" PRIu64 " reports were taken into incidents, %" PRIu64
                   " members are of reports that say so",
                   check->reports.count, check->members.count);
    return error_set(
        error, STATUS_CORRUPT, text,
        check->reports.count == check->members.count ? ", but of another report or incident" : NULL,
        NULL);
}

static int by_seq(const void *a, const void *b) {
    const struct named_entry *left = a, *right = b;
    return (left->seq > right->seq) - (left->seq < right->seq);
}

/* The last entry of each ticket is about that ticket. */
static enum status check_named(struct domain_check *check, struct error *error) {
    enum status status = STATUS_OK;
    if (check->named_count > 0) {
        qsort(check->named, check->named_count, sizeof *check->named, by_seq);
    }
    for (size_t i = 0; status == STATUS_OK && i < check->named_count; i++) {
        const struct named_entry *named = &check->named[i];
        struct entry entry;
        status = domain_entry(check, named->seq, &entry, error);
        bool right = status == STATUS_OK && entry.identity.high == named->object &&
                     entry.kind >= ENTRY_TICKET_OPENED && entry.kind <= ENTRY_TICKET_RECOMPUTED;
        if (status == STATUS_NOT_FOUND || (status == STATUS_OK && !right)) {
            status = domain_wrong(error, "the last entry of ticket", named->object,
                                  " is of something else");
        }
    }
    return status;
}

enum status domain_check_rows(struct domain_check *check, struct error *error) {
    enum status status = domain_check_incidents(check, error);
    if (status == STATUS_OK) {
        status = domain_check_moved(check, error);
    }
    if (status == STATUS_OK) {
        status = domain_check_tickets(check, error);
    }
    if (status == STATUS_OK) {
        status = check_named(check, error);
    }
    if (status == STATUS_OK) {
        status = domain_check_directives(check, error);
    }
    if (status == STATUS_OK) {
        status = domain_check_deadlines(check, error);
    }
    if (status == STATUS_OK) {
        status = domain_check_creates(check, error);
    }
    bool same = check->reports.count == check->members.count &&
                check->reports.low == check->members.low &&
                check->reports.high == check->members.high;
    return status != STATUS_OK || same ? status : name_difference(check, error);
}

void domain_check_deinit(struct domain_check *check) {
    store_iter_free(check->journal);
    free(check->expected);
    free(check->named);
    free(check->merged);
}
