#include "storage/schema.h"

#include "core/base/bytes.h"
#include "core/base/check.h"

#include <stdio.h>
#include <sys/random.h>

/* Every value is one little-endian integer; the epoch is big-endian, so that its bytes read like
 * its text. */
#define KEY_FORMAT SLICE_LITERAL("format")
#define KEY_EPOCH SLICE_LITERAL("epoch")
#define KEY_IDENTITY_SEED SLICE_LITERAL("identity_seed")
#define KEY_SEALED_THROUGH SLICE_LITERAL("sealed_through")
#define KEY_RUN_NEXT SLICE_LITERAL("run_next")
#define KEY_COMMIT SLICE_LITERAL(SCHEMA_COMMIT_KEY)
#define KEY_SUSPECTS SLICE_LITERAL("suspects")
#define KEY_WATERMARK SLICE_LITERAL("watermark")
#define KEY_MIN_READER SLICE_LITERAL("min_reader")
#define KEY_CREATED_BY SLICE_LITERAL("created_by")
#define KEY_CREATED_MS SLICE_LITERAL("created_ms")

enum { SUSPECTS_COMPLETE = 1 };

enum status schema_random(uint64_t *ret, struct error *error) {
    uint64_t value = 0;
    while (value == 0) {
        if (getrandom(&value, sizeof value, 0) != (ssize_t)sizeof value) {
            return error_set(error, STATUS_IO, "getrandom gave nothing", NULL, NULL);
        }
    }
    *ret = value;
    return STATUS_OK;
}

enum status schema_meta_new(struct schema_meta *ret, int64_t now_ms, struct error *error) {
    struct schema_meta meta = {
        .format = SCHEMA_FORMAT, .run_next = 1, .created_ms = now_ms, .suspects_complete = true};
    enum status status = schema_random(&meta.epoch, error);
    if (status == STATUS_OK) {
        status = schema_random(&meta.identity_seed, error);
    }
    if (status == STATUS_OK) {
        *ret = meta;
    }
    return status;
}

static enum status get_fixed(struct store *store, struct slice key, uint8_t *to, size_t bytes,
                             struct error *error) {
    struct store_value value;
    enum status status = store_get(store, FAMILY_META, key, &value, error);
    if (status != STATUS_OK) {
        return status;
    }
    if (value.bytes.bytes == bytes) {
        memcpy(to, value.bytes.data, bytes);
    } else {
        status = error_set(error, STATUS_CORRUPT, "the meta key ", (const char *)key.data,
                           " has the wrong size");
    }
    store_value_free(&value);
    return status;
}

static enum status get_u64(struct store *store, struct slice key, uint64_t *ret,
                           struct error *error) {
    uint8_t bytes[8];
    enum status status = get_fixed(store, key, bytes, sizeof bytes, error);
    if (status == STATUS_NOT_FOUND) {
        return error_set(error, STATUS_CORRUPT, "the meta key ", (const char *)key.data,
                         " is missing");
    }
    if (status == STATUS_OK) {
        *ret = load_u64_le(bytes);
    }
    return status;
}

/* Directories from before there were suspects do not have the key. */
static enum status read_suspects(bool *ret_complete, struct store *store, struct error *error) {
    uint8_t bytes[8];
    enum status status = get_fixed(store, KEY_SUSPECTS, bytes, sizeof bytes, error);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    *ret_complete = load_u64_le(bytes) == SUSPECTS_COMPLETE;
    return *ret_complete ? STATUS_OK
                         : error_set(error, STATUS_CORRUPT, "the meta key suspects has a value ",
                                     "that this gridd does not know", NULL);
}

/* New directories, and those from before it was kept, do not have the key. */
static enum status read_watermark(uint64_t *ret_epoch, struct store *store, struct error *error) {
    uint8_t bytes[8];
    enum status status = get_fixed(store, KEY_WATERMARK, bytes, sizeof bytes, error);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    *ret_epoch = __builtin_bswap64(load_u64_le(bytes));
    return STATUS_OK;
}

static enum status read_format(struct store *store, struct error *error) {
    uint8_t bytes[4];
    enum status status = get_fixed(store, KEY_FORMAT, bytes, sizeof bytes, error);
    if (status != STATUS_OK) {
        return status;
    }
    uint32_t format = load_u32_le(bytes);
    if (format != SCHEMA_FORMAT) {
        char text[96];
        (void)snprintf(text, sizeof text, "the database has format %u, this gridd knows format %u",
                       format, (unsigned)SCHEMA_FORMAT);
        return error_set(error, STATUS_VERSION, text, NULL, NULL);
    }
    return STATUS_OK;
}

static enum status refuse_newer(struct store *store, uint64_t min_reader, struct error *error) {
    struct store_value value;
    char text[192];
    bool named = store_get(store, FAMILY_META, KEY_CREATED_BY, &value, NULL) == STATUS_OK;
    (void)snprintf(
        text, sizeof text,
        "the database was made by %.*s and needs a gridd that reads version %llu; this is "
        "gridd %s, which reads up to %d",
        named ? (int)min_u64(value.bytes.bytes, 40) : 15,
        named ? (const char *)value.bytes.data : "a gridd unnamed", (unsigned long long)min_reader,
        GRIDD_VERSION, SCHEMA_READER);
    if (named) {
        store_value_free(&value);
    }
    return error_set(error, STATUS_VERSION, text, NULL, NULL);
}

/* Directories from before there was the key may be read by all. */
static enum status read_min_reader(struct store *store, struct error *error) {
    uint8_t bytes[8];
    enum status status = get_fixed(store, KEY_MIN_READER, bytes, sizeof bytes, error);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    uint64_t min_reader = load_u64_le(bytes);
    return min_reader <= SCHEMA_READER ? STATUS_OK : refuse_newer(store, min_reader, error);
}

enum status schema_read(struct schema_meta *ret, struct store *store, struct error *error) {
    enum status status = read_format(store, error);
    if (status == STATUS_OK) {
        status = read_min_reader(store, error);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct schema_meta meta = {.format = SCHEMA_FORMAT};
    uint64_t epoch_le = 0, created = 0;
    const struct {
        struct slice key;
        uint64_t *to;
    } rows[] = {
        {KEY_EPOCH, &epoch_le},
        {KEY_IDENTITY_SEED, &meta.identity_seed},
        {KEY_SEALED_THROUGH, &meta.sealed_through},
        {KEY_RUN_NEXT, &meta.run_next},
        {KEY_COMMIT, &meta.commit_number},
        {KEY_CREATED_MS, &created},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows) && status == STATUS_OK; i++) {
        status = get_u64(store, rows[i].key, rows[i].to, error);
    }
    if (status == STATUS_OK) {
        status = read_suspects(&meta.suspects_complete, store, error);
    }
    if (status == STATUS_OK) {
        status = read_watermark(&meta.watermark_epoch, store, error);
    }
    if (status != STATUS_OK) {
        return status;
    }
    meta.epoch = __builtin_bswap64(epoch_le);
    meta.created_ms = (int64_t)created;
    *ret = meta;
    return STATUS_OK;
}

static void put_u64(struct store_batch *batch, struct slice key, uint64_t value) {
    uint8_t bytes[8];
    store_u64_le(bytes, value);
    store_batch_put(batch, FAMILY_META, key, (struct slice){bytes, sizeof bytes});
}

void schema_put_epoch(struct store_batch *batch, uint64_t epoch) {
    CHECK(epoch != 0);
    put_u64(batch, KEY_EPOCH, __builtin_bswap64(epoch));
}

void schema_put_sealed(struct store_batch *batch, uint64_t sealed_through, uint64_t run_next) {
    CHECK(run_next > 0);
    put_u64(batch, KEY_SEALED_THROUGH, sealed_through);
    put_u64(batch, KEY_RUN_NEXT, run_next);
}

void schema_put_suspects(struct store_batch *batch) {
    put_u64(batch, KEY_SUSPECTS, SUSPECTS_COMPLETE);
}

void schema_put_watermark(struct store_batch *batch, uint64_t epoch) {
    CHECK(epoch != 0);
    put_u64(batch, KEY_WATERMARK, __builtin_bswap64(epoch));
}

void schema_put_commit(struct store_batch *batch, uint64_t commit_number) {
    put_u64(batch, KEY_COMMIT, commit_number);
}

void schema_put(struct store_batch *batch, const struct schema_meta *meta) {
    CHECK(meta->format == SCHEMA_FORMAT);
    schema_put_commit(batch, meta->commit_number);
    uint8_t format[4];
    store_u32_le(format, meta->format);
    store_batch_put(batch, FAMILY_META, KEY_FORMAT, (struct slice){format, sizeof format});
    schema_put_epoch(batch, meta->epoch);
    put_u64(batch, KEY_IDENTITY_SEED, meta->identity_seed);
    schema_put_sealed(batch, meta->sealed_through, meta->run_next);
    put_u64(batch, KEY_CREATED_MS, (uint64_t)meta->created_ms);
    put_u64(batch, KEY_MIN_READER, SCHEMA_MIN_READER);
    store_batch_put(batch, FAMILY_META, KEY_CREATED_BY, SLICE_LITERAL("gridd " GRIDD_VERSION));
    if (meta->suspects_complete) {
        schema_put_suspects(batch);
    }
}

void schema_epoch_text(char to[EPOCH_TEXT_BYTES], uint64_t epoch) {
    (void)snprintf(to, EPOCH_TEXT_BYTES, "%016llx", (unsigned long long)epoch);
}
