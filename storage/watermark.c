#include "storage/watermark.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "storage/crc32c.h"
#include "storage/store_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A slot; the rest of its 512 bytes (a disk sector, written whole or not) is zero. */
enum {
    AT_MAGIC = 0,
    AT_EPOCH = 8,
    AT_SEQ = 16,
    AT_WALL_MS = 24,
    AT_TURN = 32, /* counts writes: the higher one is the newer */
    AT_CRC = 40,
    SLOT_BYTES = 512,
    SLOTS_COUNT = 2,
    FILE_BYTES = 4096,
};

#define MAGIC UINT64_C(0x314d574844495247) /* "GRIDHWM1" */

struct watermark {
    int fd;
    uint64_t turn;
    struct watermark_value value; /* as last written */
    char path[4096];
};

static void encode_slot(uint8_t to[SLOT_BYTES], const struct watermark_value *value,
                        uint64_t turn) {
    memset(to, 0, SLOT_BYTES);
    store_u64_le(to + AT_MAGIC, MAGIC);
    store_u64_le(to + AT_EPOCH, value->epoch);
    store_u64_le(to + AT_SEQ, value->seq);
    store_u64_le(to + AT_WALL_MS, (uint64_t)value->wall_ms);
    store_u64_le(to + AT_TURN, turn);
    store_u32_le(to + AT_CRC, crc32c(0, to, AT_CRC));
}

static bool decode_slot(struct watermark_value *ret, uint64_t *ret_turn,
                        const uint8_t from[SLOT_BYTES]) {
    if (load_u64_le(from + AT_MAGIC) != MAGIC ||
        load_u32_le(from + AT_CRC) != crc32c(0, from, AT_CRC)) {
        return false;
    }
    *ret = (struct watermark_value){.epoch = load_u64_le(from + AT_EPOCH),
                                    .seq = load_u64_le(from + AT_SEQ),
                                    .wall_ms = (int64_t)load_u64_le(from + AT_WALL_MS)};
    *ret_turn = load_u64_le(from + AT_TURN);
    return true;
}

static enum status read_newest(int fd, const char *path, struct watermark_value *ret,
                               uint64_t *ret_turn, struct error *error) {
    uint8_t bytes[FILE_BYTES + 1];
    ssize_t got = pread(fd, bytes, sizeof bytes, 0);
    if (got < 0) {
        return store_dir_error(error, "reading failed", path);
    }
    if (got != FILE_BYTES) {
        return error_set(error, STATUS_CORRUPT, "the watermark has the wrong size: ", path, NULL);
    }
    bool found = false;
    for (size_t i = 0; i < SLOTS_COUNT; i++) {
        struct watermark_value value;
        uint64_t turn;
        if (decode_slot(&value, &turn, bytes + i * SLOT_BYTES) && (!found || turn > *ret_turn)) {
            *ret = value;
            *ret_turn = turn;
            found = true;
        }
    }
    return found ? STATUS_OK
                 : error_set(error, STATUS_CORRUPT,
                             "both slots of the watermark are damaged: ", path, NULL);
}

static void path_of(char to[4096], const char *directory, const char *suffix) {
    int bytes = snprintf(to, 4096, "%s/" WATERMARK_FILE "%s", directory, suffix);
    CHECK(bytes > 0 && bytes < 4096);
}

enum status watermark_read(struct watermark_value *ret, const char *directory,
                           struct error *error) {
    char path[4096];
    path_of(path, directory, "");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return errno == ENOENT
                   ? error_set(error, STATUS_NOT_FOUND, "there is no watermark ", path, NULL)
                   : store_dir_error(error, "opening failed", path);
    }
    struct watermark_value value = {0};
    uint64_t turn = 0;
    enum status status = read_newest(fd, path, &value, &turn, error);
    close(fd);
    if (status == STATUS_OK) {
        *ret = value;
    }
    return status;
}

/* Under another name first, so that the file is either not there or holds a value. */
static enum status make_file(const char *directory, const struct watermark_value *first,
                             struct error *error) {
    char path[4096], temporary[4096];
    path_of(path, directory, "");
    path_of(temporary, directory, ".dbtmp");
    uint8_t bytes[FILE_BYTES] = {0};
    encode_slot(bytes, first, 0);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return store_dir_error(error, "making a file failed", temporary);
    }
    enum status status = STATUS_OK;
    if (write(fd, bytes, sizeof bytes) != (ssize_t)sizeof bytes || fdatasync(fd) != 0) {
        status = store_dir_error(error, "writing failed", temporary);
    }
    close(fd);
    if (status == STATUS_OK && rename(temporary, path) != 0) {
        status = store_dir_error(error, "renaming failed", temporary);
    }
    return status == STATUS_OK ? store_dir_sync(directory, error) : status;
}

enum status watermark_open(struct watermark **ret, const char *directory,
                           const struct watermark_value *first, struct error *error) {
    struct watermark *watermark = calloc(1, sizeof *watermark);
    if (watermark == NULL) {
        return STATUS_NO_MEMORY;
    }
    path_of(watermark->path, directory, "");
    enum status status = STATUS_OK;
    if (access(watermark->path, F_OK) != 0 && errno == ENOENT) {
        status = make_file(directory, first, error);
    }
    watermark->fd = -1;
    if (status == STATUS_OK) {
        watermark->fd = open(watermark->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        status = watermark->fd < 0 ? store_dir_error(error, "opening failed", watermark->path)
                                   : read_newest(watermark->fd, watermark->path, &watermark->value,
                                                 &watermark->turn, error);
    }
    if (status != STATUS_OK) {
        watermark_close(watermark);
        return status;
    }
    *ret = watermark;
    return STATUS_OK;
}

enum status watermark_write(struct watermark *watermark, const struct watermark_value *value,
                            struct error *error) {
    CHECK(value->epoch != watermark->value.epoch || value->seq >= watermark->value.seq);
    uint64_t turn = watermark->turn + 1;
    uint8_t slot[SLOT_BYTES];
    encode_slot(slot, value, turn);
    off_t at = (off_t)(turn % SLOTS_COUNT) * SLOT_BYTES;
    if (pwrite(watermark->fd, slot, sizeof slot, at) != (ssize_t)sizeof slot ||
        fdatasync(watermark->fd) != 0) {
        return store_dir_error(error, "writing failed", watermark->path);
    }
    watermark->turn = turn;
    watermark->value = *value;
    return STATUS_OK;
}

void watermark_close(struct watermark *watermark) {
    if (watermark != NULL) {
        if (watermark->fd >= 0) {
            close(watermark->fd);
        }
        free(watermark);
    }
}
