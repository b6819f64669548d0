/* Uploads of region rows for tests, and tables built from them in heap memory. */
#ifndef TESTS_UNIT_SUPPORT_REGION_H
#define TESTS_UNIT_SUPPORT_REGION_H

#include "core/region/region.h"

struct support_upload {
    uint8_t *rows;
    size_t bytes, room, count;
};

void support_upload_row(struct support_upload *upload, const struct region_row *row);
/* A row with code, parent and level; its name is the code. */
void support_upload_add(struct support_upload *upload, const char *code, const char *parent,
                        uint8_t level);
void support_upload_add_at(struct support_upload *upload, const char *code, const char *parent,
                           uint8_t level, struct position position);
void support_upload_free(struct support_upload *upload);

/* Builds from the default limits; `*ret_memory` is malloc'd. The upload is emptied. */
struct region_table *support_table(void **ret_memory, const struct region_table *before,
                                   struct support_upload *upload);

#endif
