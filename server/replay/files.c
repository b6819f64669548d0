#include "server/replay/files.h"

#include "server/api/region_upload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static enum status refuse(const char *path, uint32_t line, const char *why, struct error *error) {
    char place[24];
    snprintf(place, sizeof place, ":%u: ", line);
    return error_set(error, STATUS_INVALID, path, line == 0 ? ": " : place, why);
}

static enum status take_file(struct region_upload *upload, const char *path, struct error *error) {
    uint8_t piece[1 << 16];
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return error_set(error, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, path, ": ",
                         strerror(errno));
    }
    bool sound = true;
    for (size_t got; sound && (got = fread(piece, 1, sizeof piece, file)) > 0;) {
        sound = region_upload_take(upload, (struct slice){piece, got});
    }
    bool failed = ferror(file) != 0;
    (void)fclose(file); /* read to its end, or failed already */
    if (failed) {
        return error_set(error, STATUS_IO, path, ": it cannot be read", NULL);
    }
    return sound && region_upload_end(upload)
               ? STATUS_OK
               : refuse(path, upload->problem.line, upload->problem.why, error);
}

enum status replay_regions_read(struct region_ref **ret, const char *path,
                                const struct limits *limits, struct error *error) {
    struct region_upload upload;
    struct error why;
    size_t row = 0;
    region_upload_init(&upload, REGION_UPLOAD_CSV, limits);
    enum status status = take_file(&upload, path, error);
    if (status == STATUS_OK) {
        status = region_ref_build(ret, NULL, buffer_slice(&upload.rows), upload.rows_count, limits,
                                  &row, &why);
        if (status == STATUS_INVALID) {
            status = refuse(path, region_upload_line(&upload, row), why.message, error);
        } else if (status != STATUS_OK) {
            error_set_message(error, path, ": ", why.message);
        }
    }
    region_upload_deinit(&upload);
    return status;
}
