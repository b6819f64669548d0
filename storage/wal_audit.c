#include "storage/wal_audit.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/mutant.h"
#include "core/limits.h"
#include "storage/log_fragment.h"
#include "storage/schema.h"
#include "storage/store_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BATCH_HEADER_BYTES = 12, /* of a record: u64 sequence, u32 count */
    TAG_FAMILY_VALUE = 5,    /* of a batch's entry: a put into a column family */
    HEAD_BYTES = 64,         /* of a record: all that is looked at */
};
/* Bytes the search for a valid write inside damaged blocks may hash, over all logs of one audit;
 * past it only the starts of blocks are tried. */
#define SEARCH_BYTES (256 * MIB)

struct reading {
    struct wal_audit_state *state;
    struct slice log;
    uint64_t log_number;
    size_t at;
    uint64_t hashed_bytes;
    bool in_record; /* FIRST was read, LAST was not */
    /* The record's first bytes, put together: near a block's end a fragment may be empty. */
    uint8_t head[HEAD_BYTES];
    size_t head_bytes;
};

enum step { STEP_FRAGMENT, STEP_END, STEP_BAD };

/* The next fragment, if it follows from what was read before it. */
static enum step next_fragment(struct reading *reading, struct log_fragment *ret) {
    if (reading->at < reading->log.bytes) {
        reading->at = log_skip_trailer(reading->log, reading->at);
    }
    if (reading->at >= reading->log.bytes) {
        return STEP_END;
    }
    if (log_fragment_read(ret, reading->log, reading->at, reading->log_number,
                          &reading->hashed_bytes) != LOG_VERDICT_OK) {
        return STEP_BAD;
    }
    bool follows = log_begins_record(ret) != reading->in_record;
    size_t before = log_begins_record(ret) ? 0 : reading->head_bytes;
    bool whole = !log_ends_record(ret) || before + ret->payload.bytes >= BATCH_HEADER_BYTES;
    return follows && whole ? STEP_FRAGMENT : STEP_BAD;
}

/* The number of the commit whose batch begins here; 0 when the batch does not begin with one. An
 * entry of a batch: tag, column family, key length, key, value length, value; the lengths are
 * varints, and all of these are below 128. */
static uint64_t commit_number_of(struct slice batch) {
    static const uint8_t key[] = SCHEMA_COMMIT_KEY;
    enum {
        KEY_BYTES = sizeof key - 1,
        AT_KEY = BATCH_HEADER_BYTES + 3,
        AT_VALUE = AT_KEY + KEY_BYTES + 1
    };
    if (batch.bytes < AT_VALUE + 8 || batch.data[BATCH_HEADER_BYTES] != TAG_FAMILY_VALUE ||
        batch.data[AT_KEY - 1] != KEY_BYTES || memcmp(batch.data + AT_KEY, key, KEY_BYTES) != 0 ||
        batch.data[AT_VALUE - 1] != 8) {
        return 0;
    }
    return load_u64_le(batch.data + AT_VALUE);
}

/* A whole write was read. Behind a torn log the first commit must follow the last whole one; false
 * when it does not. */
static bool take_write(struct reading *reading) {
    struct wal_audit_state *state = reading->state;
    struct slice head = {reading->head, reading->head_bytes};
    CHECK(head.bytes >= BATCH_HEADER_BYTES);
    uint64_t number = commit_number_of(head);
    if (state->bad && number != 0) {
        if (state->commit_number != 0 && number != state->commit_number + 1) {
            return false;
        }
        state->bad = false;
    }
    state->counts.records++;
    state->next_sequence =
        max_u64(state->next_sequence, load_u64_le(head.data) + load_u32_le(head.data + 8));
    state->commit_number = max_u64(state->commit_number, number);
    return true;
}

static bool take_fragment(struct reading *reading, const struct log_fragment *fragment) {
    reading->at += fragment->bytes;
    if (log_begins_record(fragment)) {
        reading->head_bytes = 0;
    }
    size_t bytes = min_u64(fragment->payload.bytes, HEAD_BYTES - reading->head_bytes);
    memcpy(reading->head + reading->head_bytes, fragment->payload.data, bytes);
    reading->head_bytes += bytes;
    reading->in_record = !log_ends_record(fragment);
    return reading->in_record || take_write(reading);
}

/* Middles and ends do not count: they may belong to the torn write itself. */
static bool later_write_at(struct reading *reading, size_t at) {
    struct log_fragment fragment;
    return log_fragment_read(&fragment, reading->log, at, reading->log_number,
                             &reading->hashed_bytes) == LOG_VERDICT_OK &&
           log_begins_record(&fragment) && fragment.payload.bytes >= BATCH_HEADER_BYTES &&
           load_u64_le(fragment.payload.data) >= reading->state->next_sequence;
}

/* Behind a bad place nothing says where a fragment begins, so every byte is tried. */
static bool later_write_from(struct reading *reading, size_t at) {
    while (at < reading->log.bytes) {
        if (later_write_at(reading, at)) {
            return true;
        }
        at += reading->hashed_bytes <= SEARCH_BYTES ? 1 : LOG_BLOCK_BYTES - at % LOG_BLOCK_BYTES;
    }
    return false;
}

bool wal_audit_log(struct wal_audit_state *state, struct slice log, uint64_t log_number) {
    struct reading reading = {.state = state, .log = log, .log_number = log_number};
    state->counts.files++;
    state->counts.bytes += log.bytes;
    struct log_fragment fragment = {0};
    enum step step;
    while ((step = next_fragment(&reading, &fragment)) == STEP_FRAGMENT) {
        if (!take_fragment(&reading, &fragment)) {
            return false;
        }
    }
    bool torn = step == STEP_BAD || reading.in_record;
    if (torn && !state->bad) {
        state->bad = true;
        state->bad_log_number = log_number;
        state->bad_offset = reading.at;
        state->counts.torn_tail = true;
    }
    return !torn || MUTANT(HOLE_IS_A_TORN_TAIL) || !later_write_from(&reading, reading.at);
}

struct log_file {
    uint64_t number;
    char name[64];
};

static int by_number(const void *a, const void *b) {
    uint64_t left = ((const struct log_file *)a)->number;
    uint64_t right = ((const struct log_file *)b)->number;
    return (left > right) - (left < right);
}

static bool log_number_of(const char *name, uint64_t *ret) {
    size_t digits = strspn(name, "0123456789");
    if (digits == 0 || digits > 18 || strcmp(name + digits, ".log") != 0) {
        return false;
    }
    *ret = strtoull(name, NULL, 10);
    return true;
}

static enum status list_logs(struct log_file **ret, size_t *ret_count, const char *directory,
                             struct error *error) {
    *ret = NULL;
    *ret_count = 0;
    DIR *entries = opendir(directory);
    if (entries == NULL) {
        return errno == ENOENT ? STATUS_OK
                               : store_dir_error(error, "listing a directory failed", directory);
    }
    struct log_file *logs = NULL;
    size_t count = 0, max = 0;
    enum status status = STATUS_OK;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        uint64_t number;
        if (!log_number_of(entry->d_name, &number)) {
            continue;
        }
        if (count == max) {
            max = max * 2 + 16;
            struct log_file *larger = realloc(logs, max * sizeof *logs);
            if (larger == NULL) {
                status = STATUS_NO_MEMORY;
                break;
            }
            logs = larger;
        }
        logs[count].number = number;
        (void)snprintf(logs[count++].name, sizeof logs->name, "%.63s", entry->d_name);
    }
    closedir(entries);
    if (status != STATUS_OK) {
        free(logs);
        return status;
    }
    if (count > 0) {
        qsort(logs, count, sizeof *logs, by_number);
    }
    *ret = logs;
    *ret_count = count;
    return STATUS_OK;
}

/* The file's bytes, mapped; an empty file is an empty slice. */
static enum status map_log(struct slice *ret, const char *path, struct error *error) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        enum status status = store_dir_error(error, "opening a log failed", path);
        if (fd >= 0) {
            close(fd);
        }
        return status;
    }
    *ret = (struct slice){NULL, 0};
    enum status status = STATUS_OK;
    if (st.st_size > 0) {
        void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes == MAP_FAILED) {
            status = store_dir_error(error, "reading a log failed", path);
        } else {
            *ret = (struct slice){bytes, (size_t)st.st_size};
        }
    }
    close(fd);
    return status;
}

static enum status audit_file(struct wal_audit_state *state, const char *directory,
                              const struct log_file *log, struct error *error) {
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", directory, log->name);
    struct slice bytes = {NULL, 0};
    enum status status = map_log(&bytes, path, error);
    if (status != STATUS_OK) {
        return status;
    }
    if (!wal_audit_log(state, bytes, log->number)) {
        char text[128];
        (void)snprintf(text, sizeof text,
                       "log %06" PRIu64 ".log is damaged at byte %" PRIu64
                       " and acknowledged commits follow, in ",
                       state->bad_log_number, state->bad_offset);
        status = error_set(error, STATUS_CORRUPT, text, directory, NULL);
    }
    if (bytes.bytes > 0) {
        munmap((void *)(uintptr_t)bytes.data, bytes.bytes);
    }
    return status;
}

enum status wal_audit_directory(struct wal_audit *ret, const char *directory, struct error *error) {
    struct log_file *logs;
    size_t count;
    enum status status = list_logs(&logs, &count, directory, error);
    if (status != STATUS_OK) {
        return status;
    }
    struct wal_audit_state state = {0};
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = audit_file(&state, directory, &logs[i], error);
    }
    free(logs);
    if (status == STATUS_OK) {
        *ret = state.counts;
    }
    return status;
}
