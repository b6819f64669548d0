#include "storage/row_order.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/mutant.h"

#include <stdlib.h>
#include <string.h>

static uint64_t head_of(struct slice key) {
    uint8_t bytes[8] = {0};
    memcpy(bytes, key.data, key.bytes < sizeof bytes ? key.bytes : sizeof bytes);
    return load_u64_be(bytes);
}

static int compare_keys(const struct db_row *a, const struct db_row *b) {
    size_t bytes = a->key.bytes < b->key.bytes ? a->key.bytes : b->key.bytes;
    int order = memcmp(a->key.data, b->key.data, bytes);
    return order != 0 ? order : (a->key.bytes > b->key.bytes) - (a->key.bytes < b->key.bytes);
}

/* Rows of one key stay in the order they were put: they lie in one array. */
static int compare(const void *left, const void *right) {
    const struct ordered_row *a = left;
    const struct ordered_row *b = right;
    if (a->row->family != b->row->family) {
        return a->row->family < b->row->family ? -1 : 1;
    }
    if (a->head != b->head) {
        return a->head < b->head ? -1 : 1;
    }
    int order = compare_keys(a->row, b->row);
    return order != 0 ? order : (a->row > b->row) - (a->row < b->row);
}

static bool same_key(const struct ordered_row *a, const struct ordered_row *b) {
    return a->head == b->head && a->row->family == b->row->family &&
           compare_keys(a->row, b->row) == 0;
}

static enum status make_room(struct row_order *order, size_t rows_count) {
    if (rows_count <= order->rows_room) {
        return STATUS_OK;
    }
    struct ordered_row *rows = malloc(rows_count * sizeof *rows);
    if (rows == NULL) {
        return STATUS_NO_MEMORY;
    }
    free(order->rows);
    order->rows = rows;
    order->rows_room = rows_count;
    return STATUS_OK;
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
    qsort(order->rows, rows_count, sizeof order->rows[0], compare);
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
    *order = (struct row_order){0};
}
