/* Reads RocksDB's write-ahead logs before RocksDB does: its recovery stops at the first bad byte
 * and says nothing, so damage in the middle would silently cost acknowledged commits.
 *
 * There is one synced write at a time, so only the last one can be torn. A bad region with the
 * start of a later write behind it in the same log is therefore damage in acknowledged history; a
 * bad region at the very end is a torn tail and fine (the watermark decides whether it was
 * acknowledged). A torn log may still lie there beside the one that the next start began: commits
 * carry dense numbers, so the first commit of a later log says whether one is missing between.
 * (RocksDB's own sequence numbers cannot say it: taking in a sorted file uses some up without a
 * trace in the log.) */
#ifndef STORAGE_WAL_AUDIT_H
#define STORAGE_WAL_AUDIT_H

#include "core/base/status.h"

struct wal_audit {
    uint64_t files, records, bytes; /* records: whole ones (write batches) */
    bool torn_tail;
};

/* Every *.log of the directory, in number order. CORRUPT names file and offset. IO when one cannot
 * be read. Changes nothing. No logs, or no directory, is OK. */
MUST_USE enum status wal_audit_directory(struct wal_audit *ret, const char *directory,
                                         struct error *error);

/* One log's bytes. The state goes from one log to the next; begin with zeros. */
struct wal_audit_state {
    struct wal_audit counts;
    uint64_t next_sequence; /* RocksDB's number after the last whole record; 0: none yet */
    uint64_t commit_number; /* of the last whole record that has one; 0: none yet */
    bool bad;               /* a bad region, nothing valid seen behind it yet */
    uint64_t bad_log_number, bad_offset;
};
/* False: the bad region that the state then names is followed by a valid write. Linear in the
 * bytes, plus a bounded search behind a bad place. */
MUST_USE bool wal_audit_log(struct wal_audit_state *state, struct slice log, uint64_t log_number);

#endif
