#include "tests/power/ops.h"

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

void *ops_grown(void *memory, size_t count, size_t bytes) {
    void *larger = realloc(memory, count * bytes);
    if (larger == NULL) {
        fputs("power: out of memory\n", stderr);
        exit(1);
    }
    return larger;
}

static bool read_file(uint8_t **ret, size_t *ret_bytes, const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        return complain("reading", path);
    }
    *ret = ops_grown(NULL, (size_t)st.st_size + 1, 1);
    *ret_bytes = 0;
    ssize_t got = 0;
    while (*ret_bytes < (size_t)st.st_size &&
           (got = read(fd, *ret + *ret_bytes, (size_t)st.st_size - *ret_bytes)) > 0) {
        *ret_bytes += (size_t)got;
    }
    close(fd);
    return got >= 0 || complain("reading", path);
}

static void add_ack(struct ops *ops, const struct op *op, size_t index) {
    if (op->at >= ops->acks_count) {
        uint64_t count = op->at + op->at / 2 + 1024;
        ops->acks = ops_grown(ops->acks, count, sizeof *ops->acks);
        memset(ops->acks + ops->acks_count, 0, (count - ops->acks_count) * sizeof *ops->acks);
        ops->acks_count = count;
    }
    if (ops->acks[op->at].id.data == NULL) {
        ops->acks[op->at] = (struct ops_ack){{op->data, op->bytes}, index};
    }
    if (ops->first_ack > index) {
        ops->first_ack = index;
    }
}

static void add_op(struct ops *ops, const struct op_head *head, const uint8_t *data) {
    if (ops->count == ops->max) {
        ops->max = ops->max * 2 + 1024;
        ops->list = ops_grown(ops->list, ops->max, sizeof *ops->list);
    }
    size_t index = ops->count++;
    ops->list[index] = (struct op){head->kind, head->file, head->at, head->bytes, data, SIZE_MAX};
    if (head->kind == OP_ACK) {
        add_ack(ops, &ops->list[index], index);
    }
    if (head->file > ops->files_count) {
        ops->files_count = head->file;
    }
}

static bool changes_content(enum op_kind kind) {
    return kind == OP_THERE || kind == OP_WRITE || kind == OP_TRUNCATE || kind == OP_EXTEND;
}

/* Backwards, so that each one's successor is known. */
static void chain_files(struct ops *ops) {
    ops->first = ops_grown(NULL, (size_t)ops->files_count + 1, sizeof *ops->first);
    for (uint32_t i = 0; i <= ops->files_count; i++) {
        ops->first[i] = ops->count;
    }
    for (size_t i = ops->count; i-- > 0;) {
        struct op *op = &ops->list[i];
        if (changes_content(op->kind)) {
            op->next = ops->first[op->file];
            ops->first[op->file] = i;
        }
    }
}

/* RocksDB names its write-ahead logs NUMBER.log. */
static void mark_logs(struct ops *ops) {
    ops->is_log = calloc((size_t)ops->files_count + 1, sizeof *ops->is_log);
    for (size_t i = 0; ops->is_log != NULL && i < ops->count; i++) {
        const struct op *op = &ops->list[i];
        if (op->kind == OP_CREATE) {
            ops->is_log[op->file] =
                op->bytes > 4 && memcmp(op->data + op->bytes - 4, ".log", 4) == 0;
        }
    }
}

struct ops *ops_load(const char *log) {
    struct ops *ops = ops_grown(NULL, 1, sizeof *ops);
    *ops = (struct ops){.first_ack = SIZE_MAX};
    size_t bytes;
    if (!read_file(&ops->bytes, &bytes, log)) {
        free(ops);
        return NULL;
    }
    struct op_head head;
    for (size_t at = 0; at + sizeof head <= bytes; at += sizeof head + head.bytes) {
        memcpy(&head, ops->bytes + at, sizeof head);
        if (head.bytes > bytes - at - sizeof head) {
            break;
        }
        add_op(ops, &head, ops->bytes + at + sizeof head);
    }
    ops->first_ack = min_u64(ops->first_ack, ops->count);
    chain_files(ops);
    mark_logs(ops);
    return ops;
}

void ops_free(struct ops *ops) {
    free(ops->acks);
    free(ops->first);
    free(ops->is_log);
    free(ops->list);
    free(ops->bytes);
    free(ops);
}

struct slice ops_acked(const struct ops *ops, uint64_t seq, size_t at) {
    if (seq >= ops->acks_count || ops->acks[seq].id.data == NULL || ops->acks[seq].op >= at) {
        return (struct slice){NULL, 0};
    }
    return ops->acks[seq].id;
}

uint64_t ops_acked_seq(const struct ops *ops, size_t at) {
    uint64_t seq = ops->acks_count;
    while (seq > 0 && ops_acked(ops, seq - 1, at).data == NULL) {
        seq--;
    }
    return seq == 0 ? 0 : seq - 1;
}
