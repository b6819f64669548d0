#include "storage/row_order.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/mutant.h"

#include <stdlib.h>
#include <string.h>

enum { DIGITS = 256, HEAD_BYTES = sizeof(uint64_t), FAMILY_DIGIT = HEAD_BYTES };
_Static_assert((int)FAMILY_COUNT <= DIGITS, "a family is one digit");

static uint64_t head_of(struct slice key) {
    uint8_t bytes[HEAD_BYTES] = {0};
    memcpy(bytes, key.data, key.bytes < sizeof bytes ? key.bytes : sizeof bytes);
    return load_u64_be(bytes);
}

static int compare_keys(const struct db_row *a, const struct db_row *b) {
    size_t bytes = a->key.bytes < b->key.bytes ? a->key.bytes : b->key.bytes;
    int order = memcmp(a->key.data, b->key.data, bytes);
    return order != 0 ? order : (a->key.bytes > b->key.bytes) - (a->key.bytes < b->key.bytes);
}

/* Of rows with one family and head. Rows of one key stay in the order they were put: they lie in
 * one array. */
static int compare(const void *left, const void *right) {
    const struct ordered_row *a = left;
    const struct ordered_row *b = right;
    int order = compare_keys(a->row, b->row);
    return order != 0 ? order : (a->row > b->row) - (a->row < b->row);
}

static bool same_head(const struct ordered_row *a, const struct ordered_row *b) {
    return a->head == b->head && a->row->family == b->row->family;
}

static bool same_key(const struct ordered_row *a, const struct ordered_row *b) {
    return same_head(a, b) && compare_keys(a->row, b->row) == 0;
}

static enum status make_room(struct row_order *order, size_t rows_count) {
    if (rows_count <= order->rows_room) {
        return STATUS_OK;
    }
    struct ordered_row *rows = malloc(rows_count * sizeof *rows);
    struct ordered_row *scratch = malloc(rows_count * sizeof *scratch);
    if (rows == NULL || scratch == NULL) {
        free(rows);
        free(scratch);
        return STATUS_NO_MEMORY;
    }
    row_order_deinit(order);
    *order = (struct row_order){.rows = rows, .scratch = scratch, .rows_room = rows_count};
    return STATUS_OK;
}

static unsigned digit_of(const struct ordered_row *row, unsigned place) {
    return place == FAMILY_DIGIT ? (unsigned)row->row->family
                                 : (unsigned)(row->head >> (8 * place)) & (DIGITS - 1);
}

/* One pass of a radix sort: by one digit, rows that have the same stay in their order. */
static void sort_by_digit(struct row_order *order, size_t rows_count, unsigned place) {
    size_t starts[DIGITS] = {0}, start = 0;
    for (size_t i = 0; i < rows_count; i++) {
        starts[digit_of(&order->rows[i], place)]++;
    }
    for (size_t digit = 0; digit < DIGITS; digit++) {
        size_t count = starts[digit];
        starts[digit] = start;
        start += count;
    }
    for (size_t i = 0; i < rows_count; i++) {
        order->scratch[starts[digit_of(&order->rows[i], place)]++] = order->rows[i];
    }
    struct ordered_row *sorted = order->scratch;
    order->scratch = order->rows;
    order->rows = sorted;
}

/* By family and head. Numbers of one commit share most of their bytes. */
static void sort_by_head(struct row_order *order, size_t rows_count) {
    uint64_t differ = 0;
    for (size_t i = 1; i < rows_count; i++) {
        differ |= order->rows[i].head ^ order->rows[0].head;
    }
    for (unsigned place = 0; place < HEAD_BYTES; place++) {
        if ((differ >> (8 * place) & (DIGITS - 1)) != 0) {
            sort_by_digit(order, rows_count, place);
        }
    }
    sort_by_digit(order, rows_count, FAMILY_DIGIT);
}

/* What lies behind the heads is mostly in order already: numbers of later entries. */
static void sort_tail(struct ordered_row *rows, size_t rows_count) {
    for (size_t i = 1; i < rows_count; i++) {
        if (compare(&rows[i - 1], &rows[i]) > 0) {
            qsort(rows, rows_count, sizeof *rows, compare);
            return;
        }
    }
}

static void sort_tails(struct ordered_row *rows, size_t rows_count) {
    size_t first = 0;
    for (size_t i = 1; i <= rows_count; i++) {
        if (i == rows_count || !same_head(&rows[first], &rows[i])) {
            sort_tail(rows + first, i - first);
            first = i;
        }
    }
}

enum status row_order_set(struct row_order *order, const struct db_row *rows, size_t rows_count) {
    order->rows_count = 0;
    enum status status = make_room(order, rows_count);
    if (status != STATUS_OK || rows_count == 0) {
        return status;
    }
    for (size_t i = 0; i < rows_count; i++) {
        CHECK(rows[i].key.bytes > 0 && rows[i].family < FAMILY_COUNT);
        order->rows[i] = (struct ordered_row){head_of(rows[i].key), &rows[i]};
    }
    sort_by_head(order, rows_count);
    sort_tails(order->rows, rows_count);
    size_t kept = 0;
    for (size_t i = 0; i < rows_count; i++) {
        bool is_wanted =
            MUTANT(FIRST_ROW_WINS)
                ? i == 0 || !same_key(&order->rows[i - 1], &order->rows[i])
                : i + 1 == rows_count || !same_key(&order->rows[i], &order->rows[i + 1]);
        if (is_wanted) {
            order->rows[kept++] = order->rows[i];
        }
    }
    order->rows_count = kept;
    return STATUS_OK;
}

void row_order_deinit(struct row_order *order) {
    free(order->rows);
    free(order->scratch);
    *order = (struct row_order){0};
}
