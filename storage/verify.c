#include "storage/verify.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "storage/block.h"
#include "storage/keys.h"
#include "storage/region_chunk.h"
#include "storage/schema.h"
#include "storage/verify_audit.h"
#include "storage/verify_domain.h"
#include "storage/verify_rows.h"
#include "storage/verify_suspects.h"
#include "storage/wal_audit.h"
#include "storage/watermark.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CACHE_BYTES = 64 << 20, MEMTABLE_BYTES = 64 << 20, PROGRESS_BLOCKS = 10000 };

struct verify {
    const char *path;
    struct store *store;
    struct schema_meta meta;
    struct verify_result result;
    uint8_t head_hash[BLOCK_HASH_BYTES];
    struct rows_sum journal_sum;
    uint64_t late_count;              /* entries past sealed_through that have their row already */
    const struct verify_head *wanted; /* NULL: none */
    bool wanted_found;
    struct audit_check audit;
    struct suspects_check suspects;
    struct domain_check domain;
    uint8_t *payload; /* scratch */
    size_t payload_max;
    void (*progress)(void *context, const char *text);
    void *context;
};

static void say(const struct verify *v, const char *text) {
    if (v->progress != NULL) {
        v->progress(v->context, text);
    }
}

static enum status bad(struct error *error, enum status status, const char *what, uint64_t number,
                       const char *more) {
    char text[96];
    (void)snprintf(text, sizeof text, "%s %" PRIu64, what, number);
    return error_set(error, status, text, more, NULL);
}

/* The block stands where it says, follows the one before it and has the bytes it was written with.
 */
static enum status check_chain(struct verify *v, struct slice key, const struct block_view *view,
                               struct error *error) {
    if (key.bytes != JOURNAL_KEY_BYTES || load_u64_be(key.data) != view->first_seq) {
        return bad(error, STATUS_CORRUPT, "journal block", view->first_seq,
                   " is under another key");
    }
    if (view->first_seq != v->result.last_seq + 1) {
        return bad(error, STATUS_CORRUPT, "the journal has no entry", v->result.last_seq + 1,
                   ": blocks are missing before the next one");
    }
    if (!block_hash_is_right(view)) {
        return bad(error, STATUS_CORRUPT, "journal block", view->first_seq,
                   " does not have its hash: it was altered");
    }
    if (memcmp(view->previous_hash, v->head_hash, BLOCK_HASH_BYTES) != 0) {
        return bad(error, STATUS_CORRUPT, "journal block", view->first_seq,
                   " does not carry the hash of the block before it: one of them was replaced");
    }
    return STATUS_OK;
}

static enum status check_entry(struct verify *v, uint64_t seq, const struct entry *entry,
                               struct error *error) {
    struct slice bytes = {v->payload + entry->record_offset, entry->record_bytes};
    struct record record;
    if (entry_kind_name(entry->kind) == NULL || !record_decode(&record, bytes)) {
        return bad(error, STATUS_CORRUPT, "the record of entry", seq, " is not readable");
    }
    if (!rows_entry_has_position(entry)) {
        return bad(error, STATUS_CORRUPT, "the time of entry", seq, " is out of bounds");
    }
    domain_check_entry(&v->domain, seq, entry, &record);
    if (entry->kind == ENTRY_AUDIT) {
        enum status status = audit_check_entry(&v->audit, seq, entry, &record, error);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if ((entry->flags & ENTRY_CLOCK_SUSPECT) != 0) {
        enum status status = suspects_check_entry(&v->suspects, seq, entry, error);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (seq <= v->meta.sealed_through) {
        rows_sum_add(&v->journal_sum, seq, entry, bytes);
        return STATUS_OK;
    }
    enum status status = rows_lookup(v->store, seq, entry, bytes, error);
    if (status == STATUS_OK) {
        v->late_count++;
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status reserve_payload(struct verify *v, size_t bytes) {
    if (bytes > v->payload_max) {
        free(v->payload);
        v->payload_max = 0;
        v->payload = malloc(bytes);
        if (v->payload == NULL) {
            return STATUS_NO_MEMORY;
        }
        v->payload_max = bytes;
    }
    return STATUS_OK;
}

static enum status check_entries(struct verify *v, const struct block_view *view,
                                 struct error *error) {
    enum status status = reserve_payload(v, view->payload_bytes + 1);
    if (status == STATUS_OK) {
        status = block_view_inflate(view, v->payload, error);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < view->entries_count; i++) {
        struct entry entry;
        uint64_t seq = view->first_seq + i;
        status = block_view_entry(view, i, &entry) == STATUS_OK
                     ? check_entry(v, seq, &entry, error)
                     : bad(error, STATUS_CORRUPT, "entry", seq, " points outside its block");
    }
    return status;
}

static enum status check_block(struct verify *v, struct slice key, struct slice value,
                               struct error *error) {
    struct block_view view;
    enum status status = block_view(&view, value, error);
    if (status == STATUS_OK) {
        status = check_chain(v, key, &view, error);
    }
    if (status == STATUS_OK) {
        status = check_entries(v, &view, error);
    }
    if (status != STATUS_OK) {
        return status;
    }
    v->result.blocks++;
    v->result.entries += view.entries_count;
    v->result.first_seq = v->result.first_seq == 0 ? view.first_seq : v->result.first_seq;
    v->result.last_seq = view.first_seq + view.entries_count - 1;
    memcpy(v->head_hash, view.hash, BLOCK_HASH_BYTES);
    if (v->wanted != NULL && v->wanted->seq == v->result.last_seq) {
        v->wanted_found = memcmp(v->wanted->hash, view.hash, BLOCK_HASH_BYTES) == 0;
    }
    if (v->result.blocks % PROGRESS_BLOCKS == 0) {
        char text[80];
        (void)snprintf(text, sizeof text, "journal: %" PRIu64 " entries are right so far",
                       v->result.entries);
        say(v, text);
    }
    return STATUS_OK;
}

typedef enum status (*pair_cb)(struct verify *v, struct slice key, struct slice value,
                               struct error *error);

static enum status walk(struct verify *v, enum family family, pair_cb callback,
                        struct error *error) {
    struct store_iter *iter;
    enum status status = store_iter_new(&iter, v->store, family, NULL, false);
    if (status != STATUS_OK) {
        return status;
    }
    store_iter_seek(iter, (struct slice){(const uint8_t[]){0}, 1});
    while (status == STATUS_OK && store_iter_valid(iter)) {
        status = callback(v, store_iter_key(iter), store_iter_value(iter), error);
        if (status == STATUS_OK) {
            store_iter_next(iter);
        }
    }
    status = status == STATUS_OK ? store_iter_status(iter, error) : status;
    store_iter_free(iter);
    return status;
}

static enum status check_timeline(struct verify *v, struct error *error) {
    if (v->meta.sealed_through > v->result.last_seq) {
        return bad(error, STATUS_LOST, "runs are sealed through entry", v->meta.sealed_through,
                   ", but the journal ends before it");
    }
    struct rows_sum sum = {.seed = v->journal_sum.seed};
    uint64_t late_count = 0;
    enum status status =
        rows_walk_timeline(&sum, &late_count, v->store, v->meta.sealed_through, error);
    if (status != STATUS_OK) {
        return status;
    }
    v->result.timeline_rows = sum.count + late_count;
    bool same = sum.count == v->journal_sum.count && sum.low == v->journal_sum.low &&
                sum.high == v->journal_sum.high && late_count == v->late_count;
    return same ? STATUS_OK : rows_name_difference(v->store, v->meta.sealed_through, error);
}

/* Chunks are dense from 0, and each but the last is full. */
static enum status check_regions(struct verify *v, struct slice key, struct slice value,
                                 struct error *error) {
    uint32_t chunk;
    struct slice rows;
    size_t rows_count;
    enum status status = region_chunk_decode(&chunk, &rows, &rows_count, key, value, error);
    if (status != STATUS_OK) {
        return status;
    }
    uint64_t expected = v->result.region_rows / REGION_CHUNK;
    if (chunk != expected || v->result.region_rows % REGION_CHUNK != 0) {
        return bad(error, STATUS_CORRUPT, "region chunk", expected, " is missing or not full");
    }
    v->result.region_rows += rows_count;
    return STATUS_OK;
}

static enum status check_domain(struct verify *v, struct error *error) {
    struct domain_check *domain = &v->domain;
    domain->last_seq = v->result.last_seq;
    enum status status = domain_check_rows(domain, error);
    v->result.incident_rows = domain->incident_rows;
    v->result.member_rows = domain->member_rows;
    v->result.moved_rows = domain->moved_rows;
    v->result.ticket_rows = domain->ticket_rows;
    v->result.directive_rows = domain->directive_rows;
    v->result.deadline_rows = domain->deadline_rows;
    v->result.create_rows = domain->create_rows;
    return status;
}

/* A watermark of another epoch belongs to a history that was given up (an accepted loss). */
static enum status check_watermark(struct verify *v, struct error *error) {
    struct watermark_value value;
    if (v->path == NULL) {
        return STATUS_OK;
    }
    enum status status = watermark_read(&value, v->path, error);
    if (status == STATUS_NOT_FOUND && v->meta.watermark_epoch != v->meta.epoch) {
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND
                   ? error_set(error, STATUS_LOST, v->path, "/" WATERMARK_FILE, " is missing")
                   : status;
    }
    if (value.epoch == v->meta.epoch && value.seq > v->result.last_seq) {
        char text[128];
        (void)snprintf(text, sizeof text,
                       "entries up to %" PRIu64 " were acknowledged, the journal ends at %" PRIu64,
                       value.seq, v->result.last_seq);
        return error_set(error, STATUS_LOST, text, NULL, NULL);
    }
    return STATUS_OK;
}

static enum status check_wanted(const struct verify *v, struct error *error) {
    return v->wanted == NULL || v->wanted_found
               ? STATUS_OK
               : bad(error, STATUS_LOST, "the block that ended with entry", v->wanted->seq,
                     " is not there with that hash: the journal was cut or written anew");
}

static enum status read_meta(struct verify *v, struct error *error) {
    enum status status = schema_read(&v->meta, v->store, error);
    if (status == STATUS_NOT_FOUND) {
        return error_set(error, STATUS_CORRUPT, "there is no gridd database in ",
                         v->path != NULL ? v->path : "the store", NULL);
    }
    v->result.sealed_through = v->meta.sealed_through;
    v->domain.store = v->store;
    v->audit.store = v->store;
    v->domain.reports.seed = v->domain.members.seed = v->journal_sum.seed;
    v->suspects = (struct suspects_check){.store = v->store, .complete = v->meta.suspects_complete};
    return status;
}

static enum status check_all(struct verify *v, struct error *error) {
    enum status status = read_meta(v, error);
    if (status == STATUS_OK) {
        say(v, "checking the checksum of every file");
        status = store_scrub(v->store, error);
    }
    if (status == STATUS_OK) {
        say(v, "checking the journal's blocks and chain");
        status = walk(v, FAMILY_JOURNAL, check_block, error);
    }
    if (status == STATUS_OK) {
        status = check_wanted(v, error);
    }
    if (status == STATUS_OK) {
        say(v, "comparing the sealed rows with the journal");
        status = check_timeline(v, error);
    }
    if (status == STATUS_OK) {
        status = walk(v, FAMILY_REGIONS, check_regions, error);
    }
    if (status == STATUS_OK) {
        status = suspects_check_rows(&v->suspects, error);
        v->result.suspect_rows = v->suspects.rows;
    }
    if (status == STATUS_OK) {
        say(v, "comparing incidents, tickets and deadlines with the journal and each other");
        status = check_domain(v, error);
    }
    if (status == STATUS_OK) {
        status = check_watermark(v, error);
    }
    if (status == STATUS_OK) {
        status = audit_check_rows(&v->audit, error);
        v->result.audit_rows = v->audit.rows;
    }
    return status;
}

static void write_head_hash(struct verify *v) {
    for (size_t i = 0; i < BLOCK_HASH_BYTES && v->result.blocks > 0; i++) {
        (void)snprintf(v->result.head_hash + 2 * i, 3, "%02x", v->head_hash[i]);
    }
}

static bool hex_digit(uint8_t *ret, char digit) {
    bool is_letter = digit >= 'a' && digit <= 'f';
    *ret = (uint8_t)(is_letter ? digit - 'a' + 10 : digit - '0');
    return is_letter || (digit >= '0' && digit <= '9');
}

bool verify_head_parse(struct verify_head *ret, const char *text) {
    uint64_t seq = 0;
    size_t at = 0;
    for (; text[at] >= '0' && text[at] <= '9'; at++) {
        if (__builtin_mul_overflow(seq, 10, &seq) ||
            __builtin_add_overflow(seq, (uint64_t)(text[at] - '0'), &seq)) {
            return false;
        }
    }
    if (seq == 0 || text[at] != ':' || strlen(text + at + 1) != 2 * sizeof ret->hash) {
        return false;
    }
    for (size_t i = 0; i < sizeof ret->hash; i++) {
        uint8_t high, low;
        if (!hex_digit(&high, text[at + 1 + 2 * i]) || !hex_digit(&low, text[at + 2 + 2 * i])) {
            return false;
        }
        ret->hash[i] = (uint8_t)(high << 4 | low);
    }
    ret->seq = seq;
    return true;
}

static enum status finish(struct verify *v, enum status status, struct verify_result *ret) {
    domain_check_deinit(&v->domain);
    free(v->payload);
    if (status == STATUS_OK) {
        write_head_hash(v);
        CHECK(v->result.entries == v->result.last_seq);
        *ret = v->result;
    }
    return status;
}

enum status verify_store(struct store *store, uint64_t seed, struct verify_result *ret,
                         struct error *error) {
    struct verify v = {.store = store, .journal_sum = {.seed = seed}};
    return finish(&v, check_all(&v, error), ret);
}

enum status verify_directory(const char *path, struct verify_result *ret,
                             void (*progress)(void *context, const char *text), void *context,
                             struct error *error) {
    return verify_against(path, NULL, ret, progress, context, error);
}

enum status verify_against(const char *path, const struct verify_head *head,
                           struct verify_result *ret,
                           void (*progress)(void *context, const char *text), void *context,
                           struct error *error) {
    struct verify v = {.path = path, .wanted = head, .progress = progress, .context = context};
    say(&v, "reading the write-ahead logs");
    struct wal_audit audit = {0};
    enum status status = wal_audit_directory(&audit, path, error);
    if (status == STATUS_OK) {
        status = schema_random(&v.journal_sum.seed, error);
    }
    const struct store_options options = {.path = path,
                                          .read_only = true,
                                          .cache_bytes = CACHE_BYTES,
                                          .memtable_bytes = MEMTABLE_BYTES,
                                          .background_jobs = 1};
    if (status == STATUS_OK) {
        status = store_open_rocks(&v.store, &options, error);
    }
    if (status != STATUS_OK) {
        return status;
    }
    v.result.wal_files = audit.files;
    v.result.wal_records = audit.records;
    status = finish(&v, check_all(&v, error), ret);
    store_close(v.store);
    return status;
}
