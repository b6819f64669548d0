#include "tests/power/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool complain(const char *what, const char *path) {
    fprintf(stderr, "power: %s %s: %s\n", what, path, strerror(errno));
    return false;
}

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t draw(uint64_t *state, uint64_t below) {
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % below;
}

struct name {
    char *text;
    uint32_t file;
};

struct restore {
    const struct ops *ops;
    const struct disk_cut *cut;
    struct disk_counts *counts;
    uint64_t random;
    size_t *durable; /* by file: operations before this one are on the disk */
    struct name *names;
    size_t names_count, names_max;
};

static struct name *find_name(struct restore *restore, const char *text, size_t bytes) {
    for (size_t i = 0; i < restore->names_count; i++) {
        if (strlen(restore->names[i].text) == bytes &&
            memcmp(restore->names[i].text, text, bytes) == 0) {
            return &restore->names[i];
        }
    }
    return NULL;
}

static void remove_name(struct restore *restore, const char *text, size_t bytes) {
    struct name *name = find_name(restore, text, bytes);
    if (name != NULL) {
        free(name->text);
        *name = restore->names[--restore->names_count];
    }
}

static void put_name(struct restore *restore, const char *text, size_t bytes, uint32_t file) {
    remove_name(restore, text, bytes);
    if (restore->names_count == restore->names_max) {
        restore->names_max = restore->names_max * 2 + 64;
        restore->names = ops_grown(restore->names, restore->names_max, sizeof *restore->names);
    }
    restore->names[restore->names_count++] = (struct name){strndup(text, bytes), file};
}

static bool changes_names(enum op_kind kind) {
    return kind == OP_CREATE || kind == OP_RENAME || kind == OP_LINK || kind == OP_UNLINK;
}

static void apply_name(struct restore *restore, const struct op *op) {
    const char *text = (const char *)op->data;
    size_t bytes = strnlen(text, op->bytes); /* of the first of two */
    if (op->kind == OP_CREATE || op->kind == OP_THERE) {
        put_name(restore, text, bytes, op->file);
    } else if (op->kind == OP_UNLINK) {
        remove_name(restore, text, bytes);
    } else {
        struct name *from = find_name(restore, text, bytes);
        if (from != NULL) {
            uint32_t file = from->file;
            if (op->kind == OP_RENAME) {
                remove_name(restore, text, bytes);
            }
            put_name(restore, text + bytes + 1, op->bytes - bytes - 1, file);
        }
    }
}

/* What completed syncs cover: by file, and the end of the names that are there for certain. */
static size_t find_durable(struct restore *restore) {
    const struct ops *ops = restore->ops;
    size_t *began = ops_grown(NULL, (size_t)ops->files_count + 1, sizeof *began);
    memset(began, 0, ((size_t)ops->files_count + 1) * sizeof *began);
    size_t directory_began = 0, names_durable = 0;
    for (size_t i = 0; i < restore->cut->at; i++) {
        const struct op *op = &ops->list[i];
        if (op->kind == OP_SYNC_BEGIN) {
            began[op->file] = i;
        } else if (op->kind == OP_SYNC_END &&
                   !(restore->cut->without_syncs && ops->is_log[op->file])) {
            restore->durable[op->file] = began[op->file];
        } else if (op->kind == OP_DIRECTORY_BEGIN) {
            directory_began = i;
        } else if (op->kind == OP_DIRECTORY_END) {
            names_durable = directory_began;
        }
    }
    free(began);
    return names_durable;
}

static void find_names(struct restore *restore, size_t names_durable) {
    const struct ops *ops = restore->ops;
    uint64_t pending = 0;
    for (size_t i = names_durable; i < restore->cut->at; i++) {
        pending += changes_names(ops->list[i].kind);
    }
    uint64_t kept = draw(&restore->random, pending + 1);
    restore->counts->lost_names += pending - kept;
    for (size_t i = 0; i < restore->cut->at; i++) {
        const struct op *op = &ops->list[i];
        if (op->kind == OP_THERE || (changes_names(op->kind) && (i < names_durable || kept > 0))) {
            apply_name(restore, op);
            kept -= i >= names_durable && op->kind != OP_THERE;
        }
    }
}

struct content {
    uint8_t *bytes;
    uint64_t size, max;
};

static void resize(struct content *content, uint64_t size) {
    if (size > content->max) {
        content->max = size + size / 2 + 4096;
        content->bytes = ops_grown(content->bytes, content->max, 1);
    }
    if (size > content->size) {
        memset(content->bytes + content->size, 0, size - content->size);
    }
    content->size = size;
}

static void put_bytes(struct content *content, uint64_t at, const uint8_t *data, uint64_t bytes) {
    if (at + bytes > content->size) {
        resize(content, at + bytes);
    }
    memcpy(content->bytes + at, data, bytes);
}

static void apply_whole(struct content *content, const struct op *op) {
    if (op->kind == OP_WRITE) {
        put_bytes(content, op->at, op->data, op->bytes);
    } else if (op->kind == OP_THERE) {
        size_t name = strnlen((const char *)op->data, op->bytes) + 1;
        put_bytes(content, 0, op->data + name, op->bytes - name);
    } else if (op->kind == OP_TRUNCATE || op->at > content->size) {
        resize(content, op->at);
    }
}

enum left { LEFT_NOTHING, LEFT_ALL, LEFT_PREFIX, LEFT_PART, LEFT_ZEROED, LEFT_GARBLED, LEFT_COUNT };

/* The write's first bytes; behind them nothing, zeros or garbage. */
static void apply_torn(struct restore *restore, struct content *content, const struct op *op,
                       enum left left) {
    uint64_t whole = draw(&restore->random, op->bytes + 1);
    put_bytes(content, op->at, op->data, whole);
    restore->counts->torn_writes++;
    if (left != LEFT_ZEROED && left != LEFT_GARBLED) {
        return;
    }
    uint8_t rest[256];
    for (uint64_t at = whole; at < op->bytes; at += sizeof rest) {
        for (size_t i = 0; i < sizeof rest; i++) {
            rest[i] = left == LEFT_ZEROED ? 0 : (uint8_t)draw(&restore->random, 256);
        }
        put_bytes(content, op->at + at, rest, min_u64(sizeof rest, op->bytes - at));
    }
}

static uint64_t pending_ops(const struct restore *restore, uint32_t file) {
    uint64_t count = 0;
    for (size_t i = restore->ops->first[file]; i < restore->cut->at;
         i = restore->ops->list[i].next) {
        count += i >= restore->durable[file] && restore->ops->list[i].kind != OP_THERE;
    }
    return count;
}

static void apply_pending(struct restore *restore, struct content *content, const struct op *op,
                          enum left left, bool within_prefix) {
    bool dropped = left == LEFT_NOTHING || (left == LEFT_PREFIX && !within_prefix) ||
                   (left == LEFT_PART && draw(&restore->random, 2) == 0);
    if (dropped) {
        restore->counts->lost_writes++;
    } else if (op->kind == OP_WRITE && left != LEFT_ALL && draw(&restore->random, 2) == 0) {
        apply_torn(restore, content, op, left);
    } else {
        apply_whole(content, op);
    }
}

static void build(struct restore *restore, struct content *content, uint32_t file) {
    enum left left = (enum left)draw(&restore->random, LEFT_COUNT);
    uint64_t prefix = draw(&restore->random, pending_ops(restore, file) + 1);
    content->size = 0;
    for (size_t i = restore->ops->first[file]; i < restore->cut->at;
         i = restore->ops->list[i].next) {
        const struct op *op = &restore->ops->list[i];
        if (i < restore->durable[file] || op->kind == OP_THERE) {
            apply_whole(content, op);
        } else {
            apply_pending(restore, content, op, left, prefix > 0);
            prefix -= prefix > 0;
        }
    }
}

static bool empty_directory(const char *path) {
    DIR *entries = opendir(path);
    if (entries == NULL) {
        return mkdir(path, 0700) == 0 || complain("making", path);
    }
    bool done = true;
    for (struct dirent *entry; done && (entry = readdir(entries)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        char below[4096];
        done = snprintf(below, sizeof below, "%s/%s", path, entry->d_name) < (int)sizeof below;
        if (done && unlink(below) != 0) {
            done = empty_directory(below) && rmdir(below) == 0;
        }
    }
    closedir(entries);
    return done || complain("emptying", path);
}

static bool write_file(const char *directory, const char *name, const struct content *content) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    for (char *slash = path + strlen(directory) + 1; (slash = strchr(slash, '/')) != NULL;
         slash++) {
        *slash = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST) {
            return complain("making", path);
        }
        *slash = '/';
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool done = fd >= 0 && write(fd, content->bytes, content->size) == (ssize_t)content->size;
    if (fd >= 0) {
        close(fd);
    }
    return done || complain("writing", path);
}

static int by_text(const void *a, const void *b) {
    return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

bool disk_restore(const struct ops *ops, const struct disk_cut *cut, const char *directory,
                  struct disk_counts *counts) {
    struct restore restore = {
        .ops = ops, .cut = cut, .counts = counts, .random = cut->seed ^ (cut->at << 20)};
    size_t durable_bytes = ((size_t)ops->files_count + 1) * sizeof *restore.durable;
    restore.durable = memset(ops_grown(NULL, durable_bytes, 1), 0, durable_bytes);
    find_names(&restore, find_durable(&restore));
    /* In an order that does not depend on where names were put, so that a seed is a seed. */
    if (restore.names_count > 0) {
        qsort(restore.names, restore.names_count, sizeof *restore.names, by_text);
    }
    struct content content = {0};
    resize(&content, 1);
    bool done = empty_directory(directory);
    for (size_t i = 0; i < restore.names_count; i++) {
        build(&restore, &content, restore.names[i].file);
        done = done && write_file(directory, restore.names[i].text, &content);
        counts->files++;
        free(restore.names[i].text);
    }
    free(content.bytes);
    free(restore.names);
    free(restore.durable);
    return done;
}
