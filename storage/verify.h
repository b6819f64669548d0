/* `gridd verify`: checks a data directory that no process has open, changing nothing. */
#ifndef STORAGE_VERIFY_H
#define STORAGE_VERIFY_H

#include "core/base/status.h"
#include "storage/store.h"

struct verify_result {
    uint64_t blocks, entries, timeline_rows, region_rows, suspect_rows;
    uint64_t incident_rows, member_rows, moved_rows, ticket_rows, directive_rows, deadline_rows;
    uint64_t create_rows;
    uint64_t audit_rows;
    uint64_t first_seq, last_seq, sealed_through;
    uint64_t wal_files, wal_records;
    char head_hash[65]; /* hex of the newest block's hash; "" without blocks */
};

/* A block of the journal as somebody wrote it down when it was the newest: the number of its last
 * entry, and its hash. */
struct verify_head {
    uint64_t seq;
    uint8_t hash[32];
};
/* "SEQ:HASH", the hash in hex. */
MUST_USE bool verify_head_parse(struct verify_head *ret, const char *text);

/* WAL audit, MANIFEST and every SST checksum, every block's hash and chain, dense sequence numbers,
 * every record, timeline rows against the journal (each sealed entry has its row with the same
 * bytes, no row without an entry), region rows, suspects against the journal, incidents,
 * members, tickets, directives and deadlines against the journal and each other (storage/README.md,
 * "Verify"), watermark. At the first damage: CORRUPT/LOST/VERSION and a message naming file or key
 * and what is wrong. `progress` (may be NULL) is called now and then with a sentence for people. */
MUST_USE enum status verify_directory(const char *path, struct verify_result *ret,
                                      void (*progress)(void *context, const char *text),
                                      void *context, struct error *error);
/* The same, and LOST where the journal does not hold the block that `head` names: it was cut off
 * or all of it from there on was written anew. NULL: none is asked for. */
MUST_USE enum status verify_against(const char *path, const struct verify_head *head,
                                    struct verify_result *ret,
                                    void (*progress)(void *context, const char *text),
                                    void *context, struct error *error);
/* The same of a store that is open and that nobody writes to: all but WAL, MANIFEST and watermark.
 * `seed`: random, keys the sums of what must be the same set. */
MUST_USE enum status verify_store(struct store *store, uint64_t seed, struct verify_result *ret,
                                  struct error *error);

#endif
