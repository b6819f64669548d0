/* A log of operations (op_log.h) in memory: what was done to which file, and what clients were
 * told. */
#ifndef TESTS_POWER_OPS_H
#define TESTS_POWER_OPS_H

#include "core/base/base.h"
#include "tests/power/op_log.h"

struct op {
    enum op_kind kind;
    uint32_t file;
    uint64_t at, bytes;
    const uint8_t *data;
    size_t next; /* that changes the same file's content; count at the end */
};

struct ops_ack {
    struct slice id; /* NULL: nobody was told of this number */
    size_t op;
};

struct ops {
    uint8_t *bytes; /* the log, which `data` points into */
    struct op *list;
    size_t count, max;
    uint32_t files_count; /* files are numbered from 1 */
    size_t *first;        /* by file: the first operation that changes its content */
    bool *is_log;         /* by file: a write-ahead log, NUMBER.log */
    struct ops_ack *acks; /* by sequence number */
    uint64_t acks_count;
    size_t first_ack; /* index of the first acknowledgement; count when there is none */
};

/* NULL and a sentence on stderr: the file cannot be read. A last record cut short is left out. */
struct ops *ops_load(const char *log);
void ops_free(struct ops *ops);
/* The acknowledged id of a sequence number when it was told before operation `at`, else an empty
 * slice. */
struct slice ops_acked(const struct ops *ops, uint64_t seq, size_t at);
/* Highest sequence number acknowledged before operation `at`; 0: none. */
uint64_t ops_acked_seq(const struct ops *ops, size_t at);
/* realloc that ends the program when there is no memory. */
void *ops_grown(void *memory, size_t count, size_t bytes);

#endif
