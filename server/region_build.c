#include "server/region_build.h"

#include "core/base/check.h"
#include "storage/region_chunk.h"

#include <stdlib.h>

enum { TABLE_ALIGN_BYTES = 64 };

struct region_ref *region_ref_acquire(struct region_ref *ref) {
    uint32_t before = __atomic_fetch_add(&ref->references, 1, __ATOMIC_RELAXED);
    CHECK(before > 0 && before < UINT32_MAX);
    return ref;
}

void region_ref_release(struct region_ref *ref) {
    if (ref == NULL) {
        return;
    }
    /* Acquire and release: the last holder must see everybody else done with the table. */
    uint32_t before = __atomic_fetch_sub(&ref->references, 1, __ATOMIC_ACQ_REL);
    CHECK(before > 0);
    if (before == 1) {
        free(ref->memory);
        free(ref);
    }
}

enum status region_ref_build(struct region_ref **ret, const struct region_table *before,
                             struct slice rows, size_t rows_count, const struct limits *limits,
                             size_t *ret_row, struct error *error) {
    size_t bytes = region_table_bytes(before, rows_count, rows.bytes);
    bytes = (bytes + TABLE_ALIGN_BYTES - 1) / TABLE_ALIGN_BYTES * TABLE_ALIGN_BYTES;
    struct region_ref *ref = calloc(1, sizeof *ref);
    void *memory = aligned_alloc(TABLE_ALIGN_BYTES, bytes);
    struct region_table *table = NULL;
    enum status status = STATUS_NO_MEMORY;
    if (ref == NULL || memory == NULL) {
        error_set(error, status, "no memory for the region table", NULL, NULL);
        goto out;
    }
    status =
        region_table_build(&table, memory, bytes, before, rows, rows_count, limits, ret_row, error);
    if (status == STATUS_OK) {
        *ref = (struct region_ref){.table = table, .references = 1, .memory = memory};
        *ret = ref;
    }
out:
    if (status != STATUS_OK) {
        free(memory);
        free(ref);
    }
    return status;
}

static bool rows_equal(const struct region_row *a, const struct region_row *b) {
    return a->level == b->level && a->has_position == b->has_position &&
           slice_equal(a->code, b->code) && slice_equal(a->parent, b->parent) &&
           slice_equal(a->name, b->name) && slice_equal(a->kind, b->kind) &&
           slice_equal(a->leader, b->leader) &&
           (!a->has_position || (a->position.lat_deg == b->position.lat_deg &&
                                 a->position.lon_deg == b->position.lon_deg));
}

static bool region_is_same(const struct region_table *before, const struct region_table *after,
                           uint32_t id) {
    struct region_row old, new;
    region_to_row(before, id, &old);
    region_to_row(after, id, &new);
    return rows_equal(&old, &new);
}

static void encode_region(struct buffer *to, const struct region_table *table, uint32_t id) {
    struct region_row row;
    region_to_row(table, id, &row);
    size_t bytes = region_row_encoded_bytes(&row);
    size_t written = region_row_encode(buffer_reserve(to, bytes), &row);
    CHECK(written == bytes);
    to->bytes += bytes;
}

/* Key and value one after the other in `bytes`. The slices hold offsets until all is written,
 * because the buffer may still move. */
static void add_chunk(struct region_changes *changes, const struct region_table *after,
                      uint32_t first, uint32_t end) {
    struct buffer *to = &changes->bytes;
    size_t start = to->bytes;
    region_chunk_key_encode(buffer_reserve(to, REGIONS_KEY_BYTES), first / REGION_CHUNK);
    to->bytes += REGIONS_KEY_BYTES;
    region_chunk_header_encode(buffer_reserve(to, REGION_CHUNK_HEADER_BYTES), end - first);
    to->bytes += REGION_CHUNK_HEADER_BYTES;
    for (uint32_t id = first; id < end; id++) {
        encode_region(to, after, id);
    }
    changes->rows[changes->rows_count++] = (struct db_row){
        .family = FAMILY_REGIONS, .value = {NULL, to->bytes - start - REGIONS_KEY_BYTES}};
}

static void point_into_bytes(struct region_changes *changes) {
    const uint8_t *at = changes->bytes.data;
    for (size_t i = 0; i < changes->rows_count; i++) {
        struct db_row *row = &changes->rows[i];
        row->key = (struct slice){at, REGIONS_KEY_BYTES};
        row->value.data = at + REGIONS_KEY_BYTES;
        at = row->value.data + row->value.bytes;
    }
    CHECK(at == changes->bytes.data + changes->bytes.bytes);
}

void region_changes_find(struct region_changes *changes, const struct region_table *before,
                         const struct region_table *after) {
    uint32_t old_count = (uint32_t)region_count(before), count = (uint32_t)region_count(after);
    CHECK(count >= old_count);
    *changes = (struct region_changes){.created_count = count - old_count};
    buffer_init(&changes->bytes);
    changes->rows = calloc(count / REGION_CHUNK + 1, sizeof changes->rows[0]);
    CHECK(changes->rows != NULL);
    for (uint32_t first = 0; first < count; first += REGION_CHUNK) {
        uint32_t end = (uint32_t)min_u64(first + (uint64_t)REGION_CHUNK, count);
        bool changed = end > old_count;
        for (uint32_t id = first; id < end && id < old_count; id++) {
            if (!region_is_same(before, after, id)) {
                changes->updated_count++;
                changed = true;
            }
        }
        if (changed) {
            add_chunk(changes, after, first, end);
        }
    }
    point_into_bytes(changes);
}

void region_changes_deinit(struct region_changes *changes) {
    free(changes->rows);
    buffer_deinit(&changes->bytes);
    changes->rows = NULL;
    changes->rows_count = 0;
}
