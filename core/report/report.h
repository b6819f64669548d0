/* One report: parsing, validation, defaults, identity and content tag. The contract of the fields
 * is api.md's "Reports" table. Pure: time, regions and policy come in with the context. */
#ifndef CORE_REPORT_REPORT_H
#define CORE_REPORT_REPORT_H

#include "core/base/arena.h"
#include "core/policy/policy.h"
#include "core/region/region.h"
#include "core/report/entry.h"
#include "core/report/observation.h"
#include "core/report/record.h"
#include "core/text/json.h"

struct report_context {
    const struct limits *limits;
    const struct policy *policy;
    const struct region_table *regions; /* NULL: no region is known */
    struct slice default_source;        /* the token's name; "anonymous" without tokens */
    struct slice only_source;           /* no report may name another one; empty: any */
    bool is_scoped;                     /* regions outside the subtree of `scope` are unknown */
    uint32_t scope;
    uint64_t identity_seed; /* random, of the store; makes identities unguessable */
    int64_t now_ms;         /* received_at */
};

struct report {
    struct entry entry;   /* complete but for record_offset */
    struct record record; /* what to store; points into the line */
    struct slice id; /* unescaped; "d-" + 32 hex digits when derived. In the arena or the line */
    struct slice source;       /* unescaped */
    int64_t occurred_given_ms; /* occurred_at as sent: entry's own differs when that is suspect */
    struct observation observation; /* for matching; not stored, read again from the record */
};

/* The text of a derived identity: "d-", then 32 hex digits, the high half first. No NUL. */
enum { REPORT_DERIVED_ID_BYTES = 2 + 32 };
void report_derived_id(char to[REPORT_DERIVED_ID_BYTES], struct identity identity);

/* Why a report is refused. `pointer` is a JSON pointer ("" for the whole), `detail` one sentence
 * that says what is wrong and what would be right. `title` is short and the same for all of one
 * kind. */
struct report_problem {
    const char *title; /* static */
    char pointer[128];
    char detail[256];
    struct slice id; /* the report's id when it could be read, else empty */
};

/* Parses and validates one line. INVALID fills `problem`; `ret` is set only on OK.
 *
 * Identity: XXH3-128(seed; source NUL id). Without an id: hash of source, reporter, category, the
 * minute of occurred_at, position to 1e-4 degrees, text and media hashes, flagged ENTRY_DERIVED_ID;
 * the id is then "d-" and the identity in hexadecimal, high half first, so the stored entry tells
 * it again. Content tag: a hash over all top-level members but the identity (id, source) and the
 * transport fields (sent_at, attempt, battery, gps_now) that does not depend on the order of
 * members, on white space or on how strings are escaped. Numbers count as written.
 *
 * `arena` holds unescaped strings (report_body_bytes of room is always enough); `reader` is
 * scratch. FULL when the arena had too little room all the same. O(line). No member is looked at
 * twice. */
MUST_USE enum status report_parse(struct report *ret, struct report_problem *problem,
                                  const struct report_context *context, struct slice line,
                                  struct arena *arena, struct json_reader *reader);

#endif
