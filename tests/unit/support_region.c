#include "tests/unit/support_region.h"

#include "tests/unit/support.h"

void support_upload_row(struct support_upload *upload, const struct region_row *row) {
    size_t bytes = region_row_encoded_bytes(row);
    if (upload->room - upload->bytes < bytes) {
        upload->room = 2 * upload->room + bytes;
        upload->rows = realloc(upload->rows, upload->room);
        assert_non_null(upload->rows);
    }
    assert_int_equal(region_row_encode(upload->rows + upload->bytes, row), bytes);
    upload->bytes += bytes;
    upload->count++;
}

void support_upload_add(struct support_upload *upload, const char *code, const char *parent,
                        uint8_t level) {
    support_upload_row(upload, &(struct region_row){.code = slice_text(code),
                                                    .parent = slice_text(parent),
                                                    .name = slice_text(code),
                                                    .level = level});
}

void support_upload_add_at(struct support_upload *upload, const char *code, const char *parent,
                           uint8_t level, struct position position) {
    support_upload_row(upload, &(struct region_row){.code = slice_text(code),
                                                    .parent = slice_text(parent),
                                                    .name = slice_text(code),
                                                    .level = level,
                                                    .has_position = true,
                                                    .position = position});
}

void support_upload_free(struct support_upload *upload) {
    free(upload->rows);
    *upload = (struct support_upload){0};
}

struct region_table *support_table(void **ret_memory, const struct region_table *before,
                                   struct support_upload *upload) {
    struct limits limits;
    limits_init(&limits);
    size_t bytes = region_table_bytes(before, upload->count, upload->bytes);
    *ret_memory = malloc(bytes);
    assert_non_null(*ret_memory);
    struct region_table *table = NULL;
    size_t row = SIZE_MAX;
    struct error error = {""};
    enum status status = region_table_build(&table, *ret_memory, bytes, before,
                                            (struct slice){upload->rows, upload->bytes},
                                            upload->count, &limits, &row, &error);
    if (status != STATUS_OK) {
        fail_msg("row %zu: %s", row, error.message);
    }
    upload->bytes = upload->count = 0;
    return table;
}
