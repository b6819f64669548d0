/* Damage is planted in small stores that are built through store.h and block.h; verify must name
 * it. */
#include "storage/verify.h"

#include "core/base/bytes.h"
#include "core/region/region.h"
#include "core/time/deadline.h"
#include "storage/backup.h"
#include "storage/block.h"
#include "storage/keys.h"
#include "storage/region_chunk.h"
#include "storage/schema.h"
#include "storage/timeline_row.h"
#include "storage/watermark.h"
#include "tests/unit/support_db.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCKS = 10, BLOCK_ENTRIES = 50, ENTRIES = BLOCKS * BLOCK_ENTRIES, SEALED = 300 };

/* What is wrong with the store that is built; 0: nothing. Sequence numbers. */
struct store_plan {
    uint64_t row_missing, row_altered, row_extra, row_late;
    uint64_t suspect_missing, suspect_altered, suspect_extra;
    uint64_t audit_missing, audit_altered, audit_extra;
    uint64_t sealed_through; /* else SEALED */
};

struct fixture {
    char root[4096], path[4200], other[4200];
    struct error error;
    struct verify_result result;
};

static int setup(void **state) {
    static struct fixture f;
    memset(&f, 0, sizeof f);
    snprintf(f.root, sizeof f.root, "%s", support_temporary_directory());
    snprintf(f.path, sizeof f.path, "%s/data", f.root);
    snprintf(f.other, sizeof f.other, "%s/other", f.root);
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    support_remove_tree(f->root);
    return 0;
}

static struct store *open_store(const char *path) {
    const struct store_options options = {.path = path,
                                          .create = true,
                                          .cache_bytes = MIB,
                                          .memtable_bytes = MIB,
                                          .background_jobs = 1};
    struct store *store;
    struct error error = {""};
    if (store_open_rocks(&store, &options, &error) != STATUS_OK) {
        fail_msg("open: %s", error.message);
    }
    return store;
}

static bool is_suspect(uint64_t seq) {
    return seq % 100 == 7;
}

static bool is_audit(uint64_t seq) {
    return seq % 100 == 11;
}

static struct entry entry_of(uint64_t seq) {
    return (struct entry){.kind = is_audit(seq) ? ENTRY_AUDIT : ENTRY_REPORT,
                          .flags = is_suspect(seq) ? ENTRY_CLOCK_SUSPECT : 0,
                          .region = (uint32_t)(seq % 7),
                          .occurred_ms = INT64_C(1700000000000) + (int64_t)(seq * 977 % 1000),
                          .received_ms = INT64_C(1700000100000) + (int64_t)seq,
                          .identity = {.low = seq * UINT64_C(0x9e3779b97f4a7c15), .high = seq},
                          .content_tag = seq * 3};
}

static struct slice json_of(uint64_t seq, char to[64]) {
    int bytes = snprintf(to, 64, "{\"id\":\"%llx\"}", (unsigned long long)(seq * 2654435761u));
    return (struct slice){(const uint8_t *)to, (size_t)bytes};
}

static void put_one(struct store *store, enum family family, struct slice key, struct slice value) {
    struct store_batch *batch;
    assert_int_equal(store_batch_new(&batch, store), STATUS_OK);
    store_batch_put(batch, family, key, value);
    assert_int_equal(store_write(store, batch, NULL), STATUS_OK);
    store_batch_free(batch);
}

static void fill_block(struct block *block, uint64_t first_seq, const char *altered) {
    block_reset(block, first_seq);
    for (uint64_t seq = first_seq; seq < first_seq + BLOCK_ENTRIES; seq++) {
        struct entry entry = entry_of(seq);
        char json[64];
        const struct record record = {.json = altered != NULL ? slice_text(altered)
                                                              : json_of(seq, json)};
        assert_int_equal(block_append(block, &entry, &record), STATUS_OK);
    }
}

static void put_suspect(struct store_batch *batch, uint64_t seq, uint64_t content_tag) {
    struct entry entry = entry_of(seq);
    uint8_t key[SUSPECTS_KEY_BYTES], value[SUSPECTS_VALUE_BYTES];
    store_u64_be(key, entry.identity.low);
    store_u64_be(key + 8, entry.identity.high);
    store_u64_le(value, seq);
    store_u64_le(value + 8, content_tag);
    store_batch_put(batch, FAMILY_SUSPECTS, (struct slice){key, sizeof key},
                    (struct slice){value, sizeof value});
}

static void put_audit(struct store_batch *batch, uint64_t seq, uint64_t received_ms) {
    uint8_t key[8], value[8 + 64];
    char json[64];
    struct slice text = json_of(seq, json);
    store_u64_be(key, seq);
    store_u64_le(value, received_ms);
    memcpy(value + 8, text.data, text.bytes);
    store_batch_put(batch, FAMILY_AUDIT, (struct slice){key, sizeof key},
                    (struct slice){value, 8 + text.bytes});
}

static void put_audits(struct store_batch *batch, uint64_t first_seq,
                       const struct store_plan *plan) {
    for (uint64_t seq = first_seq; seq < first_seq + BLOCK_ENTRIES; seq++) {
        if (is_audit(seq) && seq != plan->audit_missing) {
            put_audit(batch, seq,
                      (uint64_t)entry_of(seq).received_ms + (seq == plan->audit_altered));
        }
    }
    if (plan->audit_extra != 0) {
        put_audit(batch, plan->audit_extra, 0);
    }
}

static void put_suspects(struct store_batch *batch, uint64_t first_seq,
                         const struct store_plan *plan) {
    for (uint64_t seq = first_seq; seq < first_seq + BLOCK_ENTRIES; seq++) {
        if (is_suspect(seq) && seq != plan->suspect_missing) {
            put_suspect(batch, seq, entry_of(seq).content_tag + (seq == plan->suspect_altered));
        }
    }
    if (plan->suspect_extra != 0) {
        put_suspect(batch, plan->suspect_extra, 1);
    }
}

/* The block and its suspects in one write, as a commit has them. */
static void put_block(struct store *store, uint64_t first_seq, const struct store_plan *plan,
                      const char *altered, const uint8_t previous[BLOCK_HASH_BYTES],
                      uint8_t ret_hash[BLOCK_HASH_BYTES]) {
    struct limits limits;
    limits_init(&limits);
    struct block *block;
    struct block_encoder *encoder;
    struct slice bytes;
    assert_int_equal(block_new(&block, &limits), STATUS_OK);
    assert_int_equal(block_encoder_new(&encoder), STATUS_OK);
    fill_block(block, first_seq, altered);
    assert_int_equal(block_encode(encoder, block, previous, &bytes, ret_hash), STATUS_OK);
    uint8_t key[JOURNAL_KEY_BYTES];
    store_u64_be(key, first_seq);
    struct store_batch *batch;
    assert_int_equal(store_batch_new(&batch, store), STATUS_OK);
    store_batch_put(batch, FAMILY_JOURNAL, (struct slice){key, sizeof key}, bytes);
    put_suspects(batch, first_seq, plan);
    put_audits(batch, first_seq, plan);
    assert_int_equal(store_write(store, batch, NULL), STATUS_OK);
    store_batch_free(batch);
    block_encoder_free(encoder);
    block_free(block);
}

struct row {
    uint8_t key[TIMELINE_KEY_BYTES], value[200];
    size_t bytes;
};

static void make_row(struct row *row, uint64_t seq) {
    struct entry entry = entry_of(seq);
    char json[64];
    const struct record record = {.json = json_of(seq, json)};
    const struct timeline_position position = {entry.occurred_ms, entry.region, entry.identity.low};
    timeline_key_encode(row->key, &position);
    timeline_row_encode_header(row->value, seq, &entry);
    row->bytes =
        TIMELINE_ROW_HEADER_BYTES + record_encode(row->value + TIMELINE_ROW_HEADER_BYTES, &record);
}

static int by_key(const void *a, const void *b) {
    return memcmp(a, b, TIMELINE_KEY_BYTES);
}

static void put_rows(struct store *store, const struct store_plan *plan) {
    static struct row rows[SEALED + 2];
    size_t count = 0;
    for (uint64_t seq = 1; seq <= SEALED; seq++) {
        if (seq != plan->row_missing) {
            make_row(&rows[count], seq);
            rows[count].value[rows[count].bytes - 3] ^= seq == plan->row_altered;
            count++;
        }
    }
    if (plan->row_extra != 0) {
        make_row(&rows[count], plan->row_extra);
        rows[count++].key[19] ^= 1;
    }
    if (plan->row_late != 0) {
        make_row(&rows[count++], plan->row_late);
    }
    qsort(rows, count, sizeof *rows, by_key);
    struct store_run *run;
    assert_int_equal(store_run_new(&run, store, 1, NULL), STATUS_OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(store_run_put(run, (struct slice){rows[i].key, TIMELINE_KEY_BYTES},
                                       (struct slice){rows[i].value, rows[i].bytes}, NULL),
                         STATUS_OK);
    }
    assert_int_equal(store_run_finish(run, NULL), STATUS_OK);
}

static void put_regions(struct store *store, uint32_t chunk) {
    const struct region_row row = {.code = SLICE_LITERAL("5101"), .name = SLICE_LITERAL("a city")};
    uint8_t key[REGIONS_KEY_BYTES], bytes[REGION_CHUNK_HEADER_BYTES + 2 * REGION_ROW_BYTES_MAX];
    region_chunk_key_encode(key, chunk);
    region_chunk_header_encode(bytes, 2);
    size_t used = REGION_CHUNK_HEADER_BYTES;
    used += region_row_encode(bytes + used, &row);
    used += region_row_encode(bytes + used, &row);
    put_one(store, FAMILY_REGIONS, (struct slice){key, sizeof key}, (struct slice){bytes, used});
}

static void put_deadline(struct store *store, uint8_t stage, uint64_t armed_seq, uint8_t version) {
    const struct deadline deadline = {-5, 9, DEADLINE_SIGN, POINT_NEAR, 0};
    uint8_t key[DEADLINE_KEY_BYTES], value[DEADLINE_VALUE_BYTES];
    deadline_key_encode(key, &deadline);
    deadline_value_encode(value, armed_seq);
    key[16] = stage;
    value[0] = version;
    put_one(store, FAMILY_DEADLINES, (struct slice){key, sizeof key},
            (struct slice){value, sizeof value});
}

static void build(struct fixture *f, const struct store_plan *plan) {
    struct store *store = open_store(f->path);
    struct schema_meta meta;
    assert_int_equal(schema_meta_new(&meta, 1, NULL), STATUS_OK);
    meta.sealed_through = plan->sealed_through != 0 ? plan->sealed_through : SEALED;
    struct store_batch *batch;
    assert_int_equal(store_batch_new(&batch, store), STATUS_OK);
    schema_put(batch, &meta);
    assert_int_equal(store_write(store, batch, NULL), STATUS_OK);
    store_batch_free(batch);
    put_regions(store, 0);
    uint8_t hash[BLOCK_HASH_BYTES] = {0};
    for (uint64_t i = 0; i < BLOCKS; i++) {
        uint8_t previous[BLOCK_HASH_BYTES];
        memcpy(previous, hash, sizeof hash);
        put_block(store, 1 + i * BLOCK_ENTRIES, plan, NULL, previous, hash);
    }
    put_rows(store, plan);
    store_close(store);
    const struct watermark_value value = {.epoch = meta.epoch, .seq = 400};
    struct watermark *watermark;
    assert_int_equal(watermark_open(&watermark, f->path, &value, NULL), STATUS_OK);
    watermark_close(watermark);
}

static void expect(struct fixture *f, enum status status, const char *words) {
    enum status got = verify_directory(f->path, &f->result, NULL, NULL, &f->error);
    if (got != status || strstr(f->error.message, words) == NULL) {
        fail_msg("%s, not %s: %s", status_name(got), status_name(status), f->error.message);
    }
}

/* Names, sizes and times of everything in the directory, as one number. */
static uint64_t fingerprint(const char *path) {
    DIR *entries = opendir(path);
    assert_non_null(entries);
    uint64_t sum = 0;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        struct stat st;
        assert_int_equal(fstatat(dirfd(entries), entry->d_name, &st, 0), 0);
        sum += (uint64_t)st.st_ino * 31 + (uint64_t)st.st_size * 7 +
               (uint64_t)st.st_mtim.tv_nsec * 3 + (uint64_t)st.st_mtim.tv_sec;
    }
    closedir(entries);
    return sum;
}

static void a_right_store_is_right_and_unchanged(void **state) {
    struct fixture *f = *state;
    build(f, &(struct store_plan){0});
    uint64_t before = fingerprint(f->path);
    expect(f, STATUS_OK, "");
    assert_int_equal(fingerprint(f->path), before);
    assert_int_equal(f->result.blocks, BLOCKS);
    assert_int_equal(f->result.entries, ENTRIES);
    assert_int_equal(f->result.last_seq, ENTRIES);
    assert_int_equal(f->result.timeline_rows, SEALED);
    assert_int_equal(f->result.region_rows, 2);
    assert_int_equal(f->result.suspect_rows, ENTRIES / 100);
    assert_int_equal(f->result.deadline_rows, 0);
    assert_int_equal(strlen(f->result.head_hash), 64);
    assert_true(f->result.wal_records > 0);
}

static void a_run_sealed_just_before_a_crash_is_right(void **state) {
    struct fixture *f = *state;
    build(f, &(struct store_plan){.row_late = SEALED + 1});
    expect(f, STATUS_OK, "");
    assert_int_equal(f->result.timeline_rows, SEALED + 1);
}

/* The largest file with the suffix. */
static void find_file(const char *directory, const char *suffix, char to[4500]) {
    DIR *entries = opendir(directory);
    assert_non_null(entries);
    off_t largest = -1;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        struct stat st;
        assert_int_equal(fstatat(dirfd(entries), entry->d_name, &st, 0), 0);
        if (strstr(entry->d_name, suffix) != NULL && st.st_size > largest) {
            largest = st.st_size;
            snprintf(to, 4500, "%s/%s", directory, entry->d_name);
        }
    }
    closedir(entries);
    assert_true(largest >= 0);
}

static void flip(const char *path, double where) {
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    long at = (long)((double)st.st_size * where);
    fseek(file, at, SEEK_SET);
    int byte = fgetc(file);
    fseek(file, at, SEEK_SET);
    fputc(byte ^ 4, file);
    fclose(file);
}

static void a_flipped_bit_in_a_sorted_file_is_found(void **state) {
    struct fixture *f = *state;
    build(f, &(struct store_plan){0});
    store_close(open_store(f->path)); /* recovery moves the log into sorted files */
    expect(f, STATUS_OK, "");
    char path[4500];
    find_file(f->path, ".sst", path);
    flip(path, 0.3);
    expect(f, STATUS_CORRUPT, ".sst");
}

static void a_flipped_bit_in_the_log_is_found(void **state) {
    struct fixture *f = *state;
    build(f, &(struct store_plan){0});
    char path[4500];
    find_file(f->path, ".log", path);
    flip(path, 0.5);
    expect(f, STATUS_CORRUPT, ".log is damaged at byte");
}

static void a_torn_tail_of_the_log_is_right(void **state) {
    struct fixture *f = *state;
    build(f, &(struct store_plan){0});
    char path[4500];
    struct stat st;
    find_file(f->path, ".log", path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size - 5), 0);
    expect(f, STATUS_OK, "");
    assert_int_equal(f->result.entries, ENTRIES - BLOCK_ENTRIES);
}

static void a_log_shorter_than_acknowledged_is_loss(void **state) {
    struct fixture *f = *state;
    build(f, &(struct store_plan){0});
    char path[4500];
    struct stat st;
    find_file(f->path, ".log", path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size * 3 / 4), 0);
    expect(f, STATUS_LOST, "up to 400 were acknowledged");
}

static void a_watermark_ahead_is_loss(void **state) {
    struct fixture *f = *state;
    build(f, &(struct store_plan){0});
    struct watermark_value value;
    assert_int_equal(watermark_read(&value, f->path, NULL), STATUS_OK);
    struct watermark *watermark;
    assert_int_equal(watermark_open(&watermark, f->path, &value, NULL), STATUS_OK);
    value.seq = ENTRIES;
    assert_int_equal(watermark_write(watermark, &value, NULL), STATUS_OK);
    expect(f, STATUS_OK, "");
    value.seq = ENTRIES + 1;
    assert_int_equal(watermark_write(watermark, &value, NULL), STATUS_OK);
    watermark_close(watermark);
    expect(f, STATUS_LOST, "501 were acknowledged, the journal ends at 500");
}

static void delete_block(struct fixture *f, uint64_t first_seq) {
    struct store *store = open_store(f->path);
    struct store_batch *batch;
    uint8_t key[JOURNAL_KEY_BYTES];
    store_u64_be(key, first_seq);
    assert_int_equal(store_batch_new(&batch, store), STATUS_OK);
    store_batch_delete(batch, FAMILY_JOURNAL, (struct slice){key, sizeof key});
    assert_int_equal(store_write(store, batch, NULL), STATUS_OK);
    store_batch_free(batch);
    store_close(store);
}

static void missing_blocks_are_found(void **state) {
    struct fixture *f = *state;
    build(f, &(struct store_plan){0});
    delete_block(f, 101);
    expect(f, STATUS_CORRUPT, "no entry 101");
    delete_block(f, 1);
    expect(f, STATUS_CORRUPT, "no entry 1");
}

static void a_missing_end_is_loss(void **state) {
    struct fixture *f = *state;
    build(f, &(struct store_plan){.sealed_through = SEALED});
    for (uint64_t seq = 251; seq < ENTRIES; seq += BLOCK_ENTRIES) {
        delete_block(f, seq);
    }
    expect(f, STATUS_LOST, "sealed through entry 300");
}

static void an_altered_block_with_its_own_hash_is_found(void **state) {
    struct fixture *f = *state;
    build(f, &(struct store_plan){0});
    struct store *store = open_store(f->path);
    uint8_t key[JOURNAL_KEY_BYTES], hash[BLOCK_HASH_BYTES];
    store_u64_be(key, 351);
    struct store_value value;
    assert_int_equal(
        store_get(store, FAMILY_JOURNAL, (struct slice){key, sizeof key}, &value, NULL), STATUS_OK);
    struct block_view view;
    assert_int_equal(block_view(&view, value.bytes, NULL), STATUS_OK);
    put_block(store, 351, &(struct store_plan){0}, "{\"id\":\"forged\"}", view.previous_hash, hash);
    store_value_free(&value);
    store_close(store);
    expect(f, STATUS_CORRUPT, "block 401 does not carry the hash");
}

static void an_altered_block_is_found(void **state) {
    struct fixture *f = *state;
    build(f, &(struct store_plan){0});
    struct store *store = open_store(f->path);
    uint8_t key[JOURNAL_KEY_BYTES];
    store_u64_be(key, 451);
    struct store_value value;
    assert_int_equal(
        store_get(store, FAMILY_JOURNAL, (struct slice){key, sizeof key}, &value, NULL), STATUS_OK);
    uint8_t *bytes = value.owner;
    bytes[72 + 4] ^= 1; /* the first entry's region */
    put_one(store, FAMILY_JOURNAL, (struct slice){key, sizeof key}, value.bytes);
    store_value_free(&value);
    store_close(store);
    expect(f, STATUS_CORRUPT, "block 451 does not have its hash");
}

static void a_missing_row_is_found(void **state) {
    struct fixture *f = *state;
    build(f, &(struct store_plan){.row_missing = 123});
    expect(f, STATUS_CORRUPT, "row of entry 123 is missing");
}

static void an_altered_row_is_found(void **state) {
    struct fixture *f = *state;
    build(f, &(struct store_plan){.row_altered = 77});
    expect(f, STATUS_CORRUPT, "row of entry 77 differs");
}

static void a_row_too_many_is_found(void **state) {
    struct fixture *f = *state;
    build(f, &(struct store_plan){.row_extra = 42});
    expect(f, STATUS_CORRUPT, "row of entry 42 is there a second time");
}

static void a_row_of_no_entry_is_found(void **state) {
    struct fixture *f = *state;
    build(f, &(struct store_plan){.row_extra = ENTRIES + 1});
    expect(f, STATUS_CORRUPT, "row of entry 501 has no entry");
}

static void a_missing_suspect_is_found(void **state) {
    struct fixture *f = *state;
    build(f, &(struct store_plan){.suspect_missing = 207});
    expect(f, STATUS_CORRUPT, "the suspects' row of entry 207 is missing");
}

static void an_altered_suspect_is_found(void **state) {
    struct fixture *f = *state;
    build(f, &(struct store_plan){.suspect_altered = 407});
    expect(f, STATUS_CORRUPT, "the suspects' row of entry 407 differs from the journal");
}

static void a_missing_audit_row_is_found(void **state) {
    struct fixture *f = *state;
    build(f, &(struct store_plan){.audit_missing = 211});
    expect(f, STATUS_CORRUPT, "the audit's row of entry 211 is missing");
}

static void an_altered_audit_row_is_found(void **state) {
    struct fixture *f = *state;
    build(f, &(struct store_plan){.audit_altered = 411});
    expect(f, STATUS_CORRUPT, "the audit's row of entry 411 differs from the journal");
}

static void an_audit_row_of_no_entry_is_found(void **state) {
    struct fixture *f = *state;
    build(f, &(struct store_plan){.audit_extra = ENTRIES + 1});
    expect(f, STATUS_CORRUPT, "the audit has rows of no entry");
}

/* A head that was written down when the journal was shorter, and then one that it never had. */
static void a_head_is_asked_for(void **state) {
    struct fixture *f = *state;
    struct verify_head head;
    char text[96];
    build(f, &(struct store_plan){0});
    assert_int_equal(verify_directory(f->path, &f->result, NULL, NULL, &f->error), STATUS_OK);
    assert_int_equal(f->result.audit_rows, ENTRIES / 100);
    (void)snprintf(text, sizeof text, "%llu:%s", (unsigned long long)f->result.last_seq,
                   f->result.head_hash);
    assert_true(verify_head_parse(&head, text));
    assert_int_equal(verify_against(f->path, &head, &f->result, NULL, NULL, &f->error), STATUS_OK);
    head.hash[31] ^= 1;
    assert_int_equal(verify_against(f->path, &head, &f->result, NULL, NULL, &f->error),
                     STATUS_LOST);
    assert_non_null(strstr(f->error.message, "the block that ended with entry 500"));
    head.hash[31] ^= 1;
    head.seq = ENTRIES + 1;
    assert_int_equal(verify_against(f->path, &head, &f->result, NULL, NULL, &f->error),
                     STATUS_LOST);
    static const char *const bad[] = {"", "1", "1:", ":", "0:", "x:00", "18446744073709551616:00"};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        assert_false(verify_head_parse(&head, bad[i]));
    }
    text[strlen(text) - 1] = 'g';
    assert_false(verify_head_parse(&head, text));
}

static void a_suspect_of_no_entry_is_found(void **state) {
    struct fixture *f = *state;
    build(f, &(struct store_plan){.suspect_extra = ENTRIES + 1});
    expect(f, STATUS_CORRUPT, "the suspects' row of entry 501 has no entry");
}

static void a_suspect_of_an_ordinary_entry_is_found(void **state) {
    struct fixture *f = *state;
    build(f, &(struct store_plan){.suspect_extra = 8});
    expect(f, STATUS_CORRUPT, "the suspects' row of entry 8 is of another entry");
}

static void a_missing_region_chunk_is_found(void **state) {
    struct fixture *f = *state;
    build(f, &(struct store_plan){0});
    struct store *store = open_store(f->path);
    put_regions(store, 1);
    store_close(store);
    expect(f, STATUS_CORRUPT, "region chunk 0 is missing or not full");
}

static void a_wrong_deadline_is_found(void **state) {
    struct fixture *f = *state;
    const struct {
        uint8_t stage, version;
        uint64_t armed_seq;
        enum status status;
        const char *words;
    } cases[] = {
        {DEADLINE_REPLY + 1, DEADLINE_VERSION, 1, STATUS_CORRUPT, "the key of deadline 0 is none"},
        {DEADLINE_SIGN, DEADLINE_VERSION + 1, 1, STATUS_CORRUPT, "deadline 0 is not readable"},
        {DEADLINE_SIGN, DEADLINE_VERSION, 1, STATUS_CORRUPT,
         "object 9, which does not wait for it"},
        {DEADLINE_SIGN, DEADLINE_VERSION, ENTRIES + 1, STATUS_LOST, "set by entry 501"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        snprintf(f->path, sizeof f->path, "%s/deadline%zu", f->root, i);
        build(f, &(struct store_plan){0});
        struct store *store = open_store(f->path);
        put_deadline(store, cases[i].stage, cases[i].armed_seq, cases[i].version);
        store_close(store);
        expect(f, cases[i].status, cases[i].words);
    }
}

static void other_formats_and_empty_directories_are_refused(void **state) {
    struct fixture *f = *state;
    build(f, &(struct store_plan){0});
    struct store *store = open_store(f->path);
    put_one(store, FAMILY_META, SLICE_LITERAL("format"),
            (struct slice){(const uint8_t[]){9, 0, 0, 0}, 4});
    expect(f, STATUS_BUSY, f->path);
    store_close(store);
    expect(f, STATUS_VERSION, "format 9");
    snprintf(f->path, sizeof f->path, "%s/none", f->root);
    expect(f, STATUS_NOT_FOUND, "none");
    assert_int_not_equal(access(f->path, F_OK), 0);
}

static struct schema_meta read_meta(const char *path) {
    struct store *store = open_store(path);
    struct schema_meta meta;
    assert_int_equal(schema_read(&meta, store, NULL), STATUS_OK);
    store_close(store);
    return meta;
}

static void backups_restore_with_a_new_epoch(void **state) {
    struct fixture *f = *state;
    build(f, &(struct store_plan){0});
    struct schema_meta before = read_meta(f->path);
    if (backup_directory(f->path, f->other, &f->error) != STATUS_OK) {
        fail_msg("%s", f->error.message);
    }
    assert_int_equal(backup_directory(f->path, f->other, &f->error), STATUS_CONFLICT);
    struct verify_result result;
    assert_int_equal(verify_directory(f->other, &result, NULL, NULL, NULL), STATUS_OK);
    assert_int_equal(result.entries, ENTRIES);
    struct watermark_value value;
    assert_int_equal(watermark_read(&value, f->other, NULL), STATUS_OK);
    char restored[4200];
    snprintf(restored, sizeof restored, "%s/restored", f->root);
    if (restore_directory(f->other, restored, &f->error) != STATUS_OK) {
        fail_msg("%s", f->error.message);
    }
    assert_int_equal(watermark_read(&value, restored, NULL), STATUS_NOT_FOUND);
    assert_int_equal(verify_directory(restored, &result, NULL, NULL, NULL), STATUS_OK);
    assert_int_equal(result.entries, ENTRIES);
    struct schema_meta after = read_meta(restored);
    assert_true(after.epoch != before.epoch && after.epoch != 0);
    assert_true(after.identity_seed == before.identity_seed);
}

static void a_damaged_backup_restores_to_nothing(void **state) {
    struct fixture *f = *state;
    build(f, &(struct store_plan){0});
    char path[4500], partial[4500];
    find_file(f->path, ".sst", path);
    flip(path, 0.2);
    assert_int_equal(restore_directory(f->path, f->other, &f->error), STATUS_CORRUPT);
    assert_non_null(strstr(f->error.message, ".sst"));
    assert_int_not_equal(access(f->other, F_OK), 0);
    snprintf(partial, sizeof partial, "%s.partial", f->other);
    assert_int_not_equal(access(partial, F_OK), 0);
}

/* What the database itself writes, crashes and seals again is right too. */
static void a_database_verifies(void **state) {
    struct fixture *f = *state;
    struct db_fixture db;
    fixture_init(&db, DB_ROCKS);
    for (int round = 0; round < 3; round++) {
        fixture_append_many(&db, 500);
        fixture_settle(&db);
        fixture_crash(&db);
    }
    char data[4200];
    snprintf(data, sizeof data, "%s/data", db.path);
    fixture_close(&db);
    if (verify_directory(data, &f->result, NULL, NULL, &f->error) != STATUS_OK) {
        fail_msg("%s", f->error.message);
    }
    assert_int_equal(f->result.entries, 1500);
    assert_true(f->result.timeline_rows > 1000);
    if (restore_directory(data, f->path, &f->error) != STATUS_OK) {
        fail_msg("%s", f->error.message);
    }
    fixture_open(&db);
    fixture_deinit(&db);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        EACH(a_right_store_is_right_and_unchanged),
        EACH(a_run_sealed_just_before_a_crash_is_right),
        EACH(a_flipped_bit_in_a_sorted_file_is_found),
        EACH(a_flipped_bit_in_the_log_is_found),
        EACH(a_torn_tail_of_the_log_is_right),
        EACH(a_log_shorter_than_acknowledged_is_loss),
        EACH(a_watermark_ahead_is_loss),
        EACH(missing_blocks_are_found),
        EACH(a_missing_end_is_loss),
        EACH(an_altered_block_with_its_own_hash_is_found),
        EACH(an_altered_block_is_found),
        EACH(a_missing_row_is_found),
        EACH(an_altered_row_is_found),
        EACH(a_row_too_many_is_found),
        EACH(a_row_of_no_entry_is_found),
        EACH(a_missing_suspect_is_found),
        EACH(an_altered_suspect_is_found),
        EACH(a_suspect_of_no_entry_is_found),
        EACH(a_missing_audit_row_is_found),
        EACH(an_altered_audit_row_is_found),
        EACH(an_audit_row_of_no_entry_is_found),
        EACH(a_head_is_asked_for),
        EACH(a_suspect_of_an_ordinary_entry_is_found),
        EACH(a_missing_region_chunk_is_found),
        EACH(a_wrong_deadline_is_found),
        EACH(other_formats_and_empty_directories_are_refused),
        EACH(backups_restore_with_a_new_epoch),
        EACH(a_damaged_backup_restores_to_nothing),
        EACH(a_database_verifies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
