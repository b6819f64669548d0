#include "storage/staged_segment.h"

#include "core/base/bytes.h"
#include "core/base/check.h"

#include <stdlib.h>
#include <string.h>

/* A pack: u8 version, then each row: u8 family's letter | u8 1: removed | u16 key bytes | u32 value
 * bytes | key | value. */
enum { PACK_VERSION = 1, ROW_HEADER_BYTES = 8, PACK_BYTES_FIRST = 4096 };
static const uint8_t letters[STAGED_FAMILIES] = {'I', 'M'};

void staged_pack_reset(struct staged_pack *pack) {
    pack->bytes = 0;
    pack->rows_count = 0;
    pack->failed = false;
}

void staged_pack_deinit(struct staged_pack *pack) {
    free(pack->data);
    *pack = (struct staged_pack){0};
}

static uint8_t *make_room(struct staged_pack *pack, size_t bytes) {
    if (pack->bytes + bytes > pack->bytes_max) {
        size_t wanted = 2 * (pack->bytes + bytes);
        wanted = wanted < PACK_BYTES_FIRST ? PACK_BYTES_FIRST : wanted;
        uint8_t *moved = realloc(pack->data, wanted);
        if (moved == NULL) {
            pack->failed = true;
            return NULL;
        }
        pack->data = moved;
        pack->bytes_max = wanted;
    }
    uint8_t *at = pack->data + pack->bytes;
    pack->bytes += bytes;
    return at;
}

void staged_pack_put(struct staged_pack *pack, enum family family, struct slice key,
                     const struct slice *value, size_t parts_count) {
    CHECK(staged_family(family) && key.bytes > 0 && key.bytes <= STAGED_KEY_BYTES_MAX);
    size_t bytes = 0;
    for (size_t i = 0; i < parts_count; i++) {
        bytes += value[i].bytes;
    }
    CHECK(bytes <= UINT32_MAX / 2);
    size_t version_bytes = pack->bytes == 0 ? 1 : 0;
    uint8_t *at =
        pack->failed ? NULL : make_room(pack, version_bytes + ROW_HEADER_BYTES + key.bytes + bytes);
    if (at == NULL) {
        return;
    }
    if (version_bytes != 0) {
        *at++ = PACK_VERSION;
    }
    at[0] = letters[staged_slot(family)];
    at[1] = value == NULL ? 1 : 0;
    store_u16_le(at + 2, (uint16_t)key.bytes);
    store_u32_le(at + 4, (uint32_t)bytes);
    memcpy(at + ROW_HEADER_BYTES, key.data, key.bytes);
    at += ROW_HEADER_BYTES + key.bytes;
    for (size_t i = 0; i < parts_count; i++) {
        if (value[i].bytes > 0) {
            memcpy(at, value[i].data, value[i].bytes);
            at += value[i].bytes;
        }
    }
    pack->rows_count++;
}

int staged_compare_keys(struct slice a, struct slice b) {
    int order = memcmp(a.data, b.data, min_u64(a.bytes, b.bytes));
    return order != 0 ? order : (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

uint64_t staged_head(struct slice key) {
    uint8_t bytes[8] = {0};
    memcpy(bytes, key.data, min_u64(key.bytes, sizeof bytes));
    return load_u64_be(bytes);
}

enum status staged_segment_reserve(struct staged_segment **ret, size_t rows_max, size_t bytes_max) {
    struct staged_segment *segment = calloc(1, sizeof *segment);
    if (segment == NULL) {
        return STATUS_NO_MEMORY;
    }
    atomic_init(&segment->refs, 1);
    segment->rows = malloc((rows_max + 1) * sizeof *segment->rows);
    segment->data = bytes_max == 0 ? NULL : malloc(bytes_max);
    if (segment->rows == NULL || (bytes_max > 0 && segment->data == NULL)) {
        staged_segment_unref(segment);
        return STATUS_NO_MEMORY;
    }
    *ret = segment;
    return STATUS_OK;
}

void staged_segment_unref(struct staged_segment *segment) {
    if (segment != NULL && atomic_fetch_sub(&segment->refs, 1) == 1) {
        free(segment->data);
        free(segment->rows);
        free(segment);
    }
}

/* The row at `at`; NULL when it is none, else where the next one begins. */
static const uint8_t *read_row(struct staged_row *ret, const uint8_t *at, const uint8_t *end) {
    if (end - at < ROW_HEADER_BYTES || at[1] > 1) {
        return NULL;
    }
    unsigned slot = 0;
    while (slot < STAGED_FAMILIES && letters[slot] != at[0]) {
        slot++;
    }
    *ret = (struct staged_row){
        .data = at + ROW_HEADER_BYTES,
        .value_bytes = load_u32_le(at + 4),
        .key_bytes = load_u16_le(at + 2),
        .slot = (uint8_t)slot,
        .remove = at[1] == 1,
    };
    uint64_t bytes = (uint64_t)ret->key_bytes + ret->value_bytes;
    if (slot == STAGED_FAMILIES || ret->key_bytes == 0 || ret->key_bytes > STAGED_KEY_BYTES_MAX ||
        bytes > (uint64_t)(end - ret->data) || (ret->remove && ret->value_bytes != 0)) {
        return NULL;
    }
    ret->head = staged_head(staged_row_key(ret));
    return ret->data + bytes;
}

static int compare_rows(const struct staged_row *a, const struct staged_row *b) {
    return a->slot != b->slot ? (a->slot < b->slot ? -1 : 1)
                              : staged_compare(a, b->head, staged_row_key(b));
}

/* Rows of one key stay in the order they were put: they lie in one piece of memory. */
static int compare_for_sort(const void *left, const void *right) {
    const struct staged_row *a = left, *b = right;
    int order = compare_rows(a, b);
    return order != 0 ? order : (a->data > b->data) - (a->data < b->data);
}

/* Sorts what is not sorted and keeps the last row of each key; returns how many are left. */
static size_t sort_rows(struct staged_row *rows, size_t count) {
    bool sorted = true;
    for (size_t i = 1; i < count && sorted; i++) {
        sorted = compare_rows(&rows[i - 1], &rows[i]) < 0;
    }
    if (sorted) {
        return count;
    }
    qsort(rows, count, sizeof *rows, compare_for_sort);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (i + 1 == count || compare_rows(&rows[i], &rows[i + 1]) != 0) {
            rows[kept++] = rows[i];
        }
    }
    return kept;
}

static void find_starts(struct staged_segment *segment, size_t rows_count) {
    uint32_t at = 0;
    for (unsigned slot = 0; slot < STAGED_FAMILIES; slot++) {
        segment->starts[slot] = at;
        while (at < rows_count && segment->rows[at].slot == slot) {
            at++;
        }
    }
    segment->starts[STAGED_FAMILIES] = at;
    CHECK(at == rows_count);
}

/* Reads all rows of a pack; fewer than are there when it is damaged. */
static bool read_rows(struct staged_segment *segment, const struct staged_pack *pack) {
    const uint8_t *at = pack->data + 1, *end = pack->data + pack->bytes;
    size_t count = 0;
    while (at != NULL && at < end && count < pack->rows_count) {
        at = read_row(&segment->rows[count++], at, end);
    }
    return at == end && count == pack->rows_count;
}

/* A pack from the disk does not say how many rows it has. */
static size_t count_rows(const struct staged_pack *pack) {
    struct staged_row row;
    size_t count = 0;
    const uint8_t *at = pack->data + 1, *end = pack->data + pack->bytes;
    while (at != NULL && at < end) {
        at = read_row(&row, at, end);
        count++;
    }
    return at == NULL ? 0 : count;
}

enum status staged_segment_new(struct staged_segment **ret, struct staged_pack *pack,
                               uint64_t number) {
    struct staged_segment *segment;
    if (pack->bytes == 0 || pack->data[0] != PACK_VERSION) {
        return STATUS_CORRUPT;
    }
    if (pack->rows_count == 0) {
        pack->rows_count = (uint32_t)count_rows(pack);
    }
    if (pack->rows_count == 0) {
        return STATUS_CORRUPT;
    }
    enum status status = staged_segment_reserve(&segment, pack->rows_count, 0);
    if (status != STATUS_OK) {
        return status;
    }
    if (!read_rows(segment, pack)) {
        staged_segment_unref(segment);
        return STATUS_CORRUPT;
    }
    find_starts(segment, sort_rows(segment->rows, pack->rows_count));
    segment->number = number;
    segment->bytes = pack->bytes;
    segment->data = pack->data;
    *pack = (struct staged_pack){0};
    *ret = segment;
    return STATUS_OK;
}

static void copy_row(struct staged_segment *to, size_t index, const struct staged_row *row) {
    size_t bytes = (size_t)row->key_bytes + row->value_bytes;
    uint8_t *data = to->data + to->bytes;
    memcpy(data, row->data, bytes);
    to->rows[index] = *row;
    to->rows[index].data = data;
    to->bytes += bytes;
}

/* The segment with the least row of those that are left, of equal ones the newest; all that have
 * its key go on. `count` when there is none. */
static size_t take_least(struct staged_segment *const *from, size_t count, uint32_t *at,
                         const struct staged_row **ret) {
    size_t least = count;
    const struct staged_row *row = NULL;
    for (size_t i = 0; i < count; i++) {
        if (at[i] < from[i]->starts[STAGED_FAMILIES]) {
            const struct staged_row *other = &from[i]->rows[at[i]];
            int order = row == NULL ? -1 : compare_rows(other, row);
            if (order == 0 && least < count) {
                at[least]++; /* the newer one stands for both */
            }
            if (order <= 0) {
                least = i;
                row = other;
            }
        }
    }
    if (least < count) {
        at[least]++;
    }
    *ret = row;
    return least;
}

enum status staged_segment_merge(struct staged_segment **ret, struct staged_segment *const *from,
                                 size_t count) {
    struct staged_segment *to;
    uint32_t at[STAGED_SEGMENTS_MAX] = {0};
    size_t rows_count = 0, bytes = 0, merged = 0;
    unsigned tier = 0;
    CHECK(count > 0 && count <= STAGED_SEGMENTS_MAX);
    for (size_t i = 0; i < count; i++) {
        rows_count += from[i]->starts[STAGED_FAMILIES];
        bytes += from[i]->bytes;
        tier = from[i]->tier > tier ? from[i]->tier : tier;
    }
    enum status status = staged_segment_reserve(&to, rows_count, bytes);
    if (status != STATUS_OK) {
        return status;
    }
    const struct staged_row *row;
    while (take_least(from, count, at, &row) < count) {
        copy_row(to, merged++, row);
    }
    CHECK(merged <= rows_count && to->bytes <= bytes);
    find_starts(to, merged);
    to->number = from[count - 1]->number;
    to->tier = tier + 1;
    *ret = to;
    return STATUS_OK;
}
