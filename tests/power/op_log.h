/* What a process did to the files below one directory, in one global order: the log that power cuts
 * are made from. Preloaded as a library it begins with the process when OP_LOG_ROOT (the
 * directory, absolute) and OP_LOG (the file, outside it) are set; linked into a program it records
 * between op_log_begin and op_log_end.
 *
 * Recorded: open with O_CREAT or O_TRUNC, write, writev, pwrite, pwritev, ftruncate, fallocate,
 * fsync, fdatasync, rename, unlink, link. What could change a file past the log ends the process: a
 * shared writable mapping, sendfile, copy_file_range, io_uring. stdio's own writes are not seen
 * (RocksDB's LOG, which nobody reads back). */
#ifndef TESTS_POWER_OP_LOG_H
#define TESTS_POWER_OP_LOG_H

#include <stdint.h>

/* One record: this head, then `bytes` of data. Native byte order, no padding. */
struct op_head {
    uint8_t kind; /* enum op_kind */
    uint8_t unused[3];
    uint32_t file; /* numbers from 1, a new one for each file made; 0: none */
    uint64_t at;   /* offset of OP_WRITE, size of OP_TRUNCATE and OP_EXTEND, number of OP_ACK */
    uint64_t bytes;
};

/* Names are below the root, without a leading slash. */
enum op_kind {
    OP_THERE = 'F',      /* data: name, NUL, content of a file that was there at the beginning */
    OP_CREATE = 'C',     /* data: name */
    OP_WRITE = 'W',      /* data: what was written */
    OP_TRUNCATE = 'T',   /* cut or made longer with zeros */
    OP_EXTEND = 'X',     /* made longer with zeros, never cut */
    OP_SYNC_BEGIN = 's', /* of a file; what was written before is durable once it ended */
    OP_SYNC_END = 'S',
    OP_DIRECTORY_BEGIN = 'd', /* the same of a directory's entries */
    OP_DIRECTORY_END = 'D',
    OP_RENAME = 'R', /* data: old name, NUL, new name */
    OP_LINK = 'L',   /* the same */
    OP_UNLINK = 'U', /* data: name */
    OP_ACK = 'A',    /* by a client, appended to the same file: data: id, `at`: sequence number */
};

/* False: the log cannot be made, or a file below `root` cannot be read. */
_Bool op_log_begin(const char *root, const char *log);
void op_log_end(void);

#endif
