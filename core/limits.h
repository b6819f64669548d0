/* Every limit of gridd in one table: name, default, smallest and largest value that may be
 * configured, and what it bounds. Units are the last word of the name. The configuration file's
 * `limits` section has exactly these keys. */
#ifndef CORE_LIMITS_H
#define CORE_LIMITS_H

#include "core/base/base.h"

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* name, default, min, max, what it bounds */
#define LIMITS_TABLE(X)                                                                            \
    X(request_line_bytes, 8 * KIB, 64, 64 * KIB, "request line; more: 414")                        \
    X(uri_bytes, 4 * KIB, 64, 64 * KIB, "request target; more: 414")                               \
    X(header_block_bytes, 16 * KIB, 256, 256 * KIB, "all header lines of a request; more: 431")    \
    X(header_count, 64, 8, 1000, "header lines of a request; more: 431")                           \
    X(header_value_bytes, 8 * KIB, 64, 64 * KIB, "one header value; more: 431")                    \
    X(report_body_bytes, 64 * KIB, 256, 16 * MIB, "body of a single report, inflated; more: 413")  \
    X(body_wire_bytes, 64 * MIB, 1024, 16 * GIB, "a body as it comes off the wire; more: 413")     \
    X(body_inflated_bytes, 256 * MIB, 1024, 64 * GIB, "a body after inflating; more: 413")         \
    X(inflate_ratio, 100, 2, 100000, "inflated to wire bytes, past the free bytes; more: 413")     \
    X(inflate_ratio_free_bytes, 1 * MIB, 0, 1 * GIB, "inflated bytes before the ratio counts")     \
    X(zstd_window_bytes, 8 * MIB, 1024, 128 * MIB, "window a zstd frame may ask for; more: 413")   \
    X(chunk_overhead_bytes, 16 * KIB, 64, 16 * MIB, "chunked framing beyond the body; more: 400")  \
    X(line_bytes, 64 * KIB, 256, 1 * MIB, "one NDJSON or CSV line; more: that line is invalid")    \
    X(json_depth, 32, 4, 64, "nesting of a JSON text")                                             \
    X(json_keys, 256, 16, 256, "members of one JSON object")                                       \
    X(json_string_bytes, 16 * KIB, 256, 64 * KIB, "one JSON string, unescaped")                    \
    X(problem_items, 1000, 1, 100000, "problem lines listed in a bulk answer")                     \
    X(list_items_default, 100, 1, 1000, "items of a page when the caller names no limit")          \
    X(list_items_max, 1000, 1, 100000, "largest page a caller may ask for; more: 400")             \
    X(connections, 20000, 8, 1000000, "open connections; more wait in the backlog")                \
    X(connections_per_address, 20000, 1, 1000000, "open connections of one peer address")          \
    X(connections_per_principal, 16, 1, 1000000, "open connections of one token; more: 429")       \
    X(strangers, 2000, 1, 1000000,                                                                 \
      "connections that showed no good token yet; more: the oldest idle one is cut")               \
    X(strangers_per_address, 512, 1, 1000000, "the same, of one peer address")                     \
    X(requests_per_connection, 10000, 1, 1000000000, "requests before a connection is closed")     \
    X(first_byte_ms, 10000, 10, 3600000, "from accept to the first byte; more: close")             \
    X(header_ms, 10000, 10, 3600000, "from first byte to end of headers, absolute; more: 408")     \
    X(body_grace_ms, 5000, 10, 3600000, "before the body rate floor counts")                       \
    X(body_rate_bytes, 512, 1, 1 * GIB, "bytes a second a body must keep up; less: 408")           \
    X(body_ms, 300000, 100, 86400000, "a whole body, absolute; more: 408")                         \
    X(keepalive_ms, 75000, 10, 86400000, "an idle keep-alive connection; more: close")             \
    X(write_stall_ms, 30000, 10, 3600000, "an answer that the peer does not take; more: reset")    \
    X(linger_bytes, 64 * KIB, 0, 16 * MIB, "bytes drained after an error answer")                  \
    X(linger_ms, 2000, 0, 60000, "time of that drain")                                             \
    X(drain_grace_ms, 0, 0, 600000, "SIGTERM until no more connections are accepted")              \
    X(drain_ms, 30000, 100, 3600000, "SIGTERM until open connections are cut")                     \
    X(body_memory_bytes, 256 * MIB, 1 * MIB, 64 * GIB, "bodies in memory, all requests; 503")      \
    X(commit_pause_bytes, 16 * MIB, 64 * KIB, 4 * GIB, "waiting for commit: sockets are not read") \
    X(commit_queue_bytes, 64 * MIB, 128 * KIB, 16 * GIB, "waiting for commit; more: 503")          \
    X(commit_queue_ms, 2000, 10, 600000, "the oldest that waits for commit; older: 503")           \
    X(overload_lag_ms, 500, 10, 600000,                                                            \
      "lateness of the loop, half a second long; more: only what must not wait is served")         \
    X(device_requests_per_s, 10, 1, 1000000000, "requests of a device; more: 429")                 \
    X(device_requests_burst, 50, 1, 1000000000, "the same at once, after a rest")                  \
    X(device_reports_per_s, 100, 1, 1000000000, "reports of a device; more: 429")                  \
    X(device_reports_burst, 2000, 1, 1000000000, "the same at once: what was kept offline")        \
    X(token_requests_per_s, 5000, 1, 1000000000, "requests of a stored token; more: 429")          \
    X(token_requests_burst, 50000, 1, 1000000000, "the same at once, after a rest")                \
    X(token_reports_per_s, 1000000, 1, 1000000000, "reports of a stored token; more: 429")         \
    X(token_reports_burst, 10000000, 1, 1000000000, "the same at once, after a rest")              \
    X(ack_requests_per_s, 10, 1, 1000000000, "acknowledgements of one token; more: 429")           \
    X(ack_requests_burst, 200, 1, 1000000000, "the same at once, after a rest")                    \
    X(region_requests_per_s, 5000, 1, 1000000000,                                                  \
      "requests of all tokens of a region's subtree; more: 429")                                   \
    X(region_requests_burst, 50000, 1, 1000000000, "the same at once, after a rest")               \
    X(region_reports_per_s, 50000, 1, 1000000000,                                                  \
      "reports of all tokens of a region's subtree; more: 429")                                    \
    X(region_reports_burst, 1000000, 1, 1000000000, "the same at once: after a network was down")  \
    X(region_rate_level, 2, 0, 15, "level of the regions whose subtrees have a rate")              \
    X(address_requests_per_s, 200, 1, 1000000000,                                                  \
      "requests of an address that showed no good token; more: 429")                               \
    X(address_requests_burst, 2000, 1, 1000000000, "the same at once, after a rest")               \
    X(auth_failures_per_min, 30, 1, 1000000000, "tokens refused from an address; more: 429")       \
    X(rate_buckets, 65536, 8, 16777216, "buckets of each of these rates, 24 bytes each")           \
    X(commit_slow_ms, 5000, 10, 3600000,                                                           \
      "oldest write that waits to be durable; longer: not ready")                                  \
    X(commit_stuck_ms, 60000, 100, 3600000, "the same; longer: the process ends")                  \
    X(block_entries, 8192, STEP_ENTRIES_MAX, 65536, "entries of one journal block")                \
    X(block_bytes, 4 * MIB, 128 * KIB, 64 * MIB, "payload of one journal block, not compressed")   \
    X(run_entries, 500000, STEP_ENTRIES_MAX, 4000000,                                              \
      "entries of a recent run before it is sealed")                                               \
    X(run_bytes, 144 * MIB, 128 * KIB, 2 * GIB, "payload of a recent run before it is sealed")     \
    X(run_age_ms, 600000, 100, 86400000, "age of a recent run before it is sealed")                \
    X(identities, 6 * MIB, 1024, 1 * GIB,                                                          \
      "recent identities kept in memory, 32 bytes and up each")                                    \
    X(ring_bytes, 32 * MIB, 64 * KIB, 4 * GIB, "recent feed events kept encoded in memory")        \
    X(feed_readers, 2000, 1, 100000, "open feeds; more: 503")                                      \
    X(feeds_per_principal, 8, 1, 100000, "open feeds of one token; more: 429")                     \
    X(feed_heartbeat_ms, 15000, 50, 600000, "silence on a feed before a heartbeat")                \
    X(feed_buffer_bytes, 256 * KIB, 4 * KIB, 64 * MIB, "unsent bytes of one feed reader")          \
    X(feed_stall_ms, 60000, 100, 3600000, "a feed reader that takes nothing; more: close")         \
    X(feed_age_ms, 3600000, 100, 86400000, "life of one feed connection, plus or minus a tenth")   \
    X(regions, 2000000, 16, 16000000, "regions of the tree")                                       \
    X(region_depth, 16, 2, 32, "steps from a region to its root")                                  \
    X(region_code_bytes, 32, 4, 64, "a region code")                                               \
    X(region_name_bytes, 256, 16, 1024, "a region name or leader")                                 \
    X(locate_m, 3000, 1, 100000, "from a report's location to the grid it is given to")            \
    X(open_incidents, 2000000, 4, 16000000,                                                        \
      "incidents in memory: open, or closed and not yet past reopening; more: none is opened")     \
    X(clock_skew_ms, 300000, 1000, 86400000,                                                       \
      "occurred_at ahead of our clock before it is suspect")                                       \
    X(deadline_horizon_ms, 7200000, 100, 604800000,                                                \
      "how far ahead deadlines are kept in memory; later ones are on disk only")                   \
    X(deadlines_in_memory, 12000000, 64, 1 * GIB,                                                  \
      "deadlines kept in memory, 32 bytes each; more: the horizon shrinks")                        \
    X(open_tickets, 2000000, 16, 100000000, "tickets in memory; more: 503")                        \
    X(joint_tickets, 65536, 4, 10000000, "tickets handled jointly; more: 503")                     \
    X(open_directives, 65536, 4, 10000000, "directives that are not done; more: 503")              \
    X(directive_addressees, 2048, 4, 20000, "addressees of one directive; more: 422")              \
    X(create_keys, 65536, 4, 10000000,                                                             \
      "creates that are recognised by their key, 32 bytes each; older ones are forgotten")         \
    X(stats_jobs, 4, 1, 64, "statistics and their lists under way; more: 503")                     \
    X(stats_ms, 10000, 1, 600000, "one count of statistics may take; more: 503")                   \
    X(tokens, 100000, 4, 10000000, "stored tokens; more: 503")                                     \
    X(device_revocations, 1000000, 4, 100000000, "devices whose tokens were revoked; more: 503")   \
    X(token_cache, 16384, 1, 16777216, "tokens remembered as good, about 300 bytes each")          \
    X(tls_handshakes, 256, 1, 100000, "TLS handshakes under way; more wait in the backlog")        \
    X(tls_handshake_ms, 5000, 10, 600000, "from accept to the end of its handshake; more: close")  \
    X(tls_key_updates, 32, 1, 1000000,                                                             \
      "key updates and the like of one client in a minute; more: close")                           \
    X(disk_reserve_bytes, 512 * MIB, 1 * MIB, 1024 * GIB, "free disk below which intake: 507")

struct limits {
#define LIMITS_FIELD(name, preset, min, max, text) uint64_t name;
    LIMITS_TABLE(LIMITS_FIELD)
#undef LIMITS_FIELD
};

/* Bounds that size arrays and formats, and are not configurable. */
enum {
    /* One decision (a report, a command, a deadline) appends at most that many entries, and events
     * of at most that many bytes beside a report: they go into one block with the rows they change.
     */
    STEP_ENTRIES_MAX = 32,
    STEP_EVENTS_BYTES_MAX = 48 << 10,
    JSON_DEPTH_CAP = 64,          /* >= max of json_depth */
    JSON_KEYS_CAP = 256,          /* >= max of json_keys */
    REPORT_ID_BYTES_MAX = 128,    /* api.md, Reports */
    REPORT_SOURCE_BYTES_MAX = 64, /* api.md, Reports */
    REPORT_WHO_BYTES_MAX = 128,   /* reporter, on_behalf_of, device */
    REPORT_TEXT_BYTES_MAX = 4096,
    REPORT_ATTRIBUTES_BYTES_MAX = 4096,
    REPORT_MEDIA_MAX = 16,
    REGION_DEPTH_CAP = 32,
    CATEGORIES_MAX = 512,
    CHANNELS_MAX = 64,
    MERGE_CLASSES_MAX = 64,
    UNITS_MAX = 256,
    ASSIGNMENTS_MAX = 1024,
    LADDER_UNACKED_MAX = 8,
    JOINT_PARTS_MAX = 16,     /* co-handlers of one ticket */
    LIMIT_DAYS_MAX = 366,     /* of a policy: a stage limit and every other time */
    LIMIT_DAY_WORK_HOURS = 8, /* those days in work_hour */
    MERGE_DISTANCE_M_MAX = 100000,
    FIRE_DISC_M_MAX = 4000,   /* the coarsest pixel, and the coarsest estimate */
    FIRE_SECTOR_M_MIN = 1000, /* how far a camera sees: of a policy, and of a report */
    FIRE_SECTOR_M_MAX = 35000,
    FIRE_WINDOW_S_MAX = 7 * 86400,  /* between two views of one fire */
    FIRE_FRAMES_MAX = 4,            /* that confirm a camera's sequence */
    FIRE_CONFIRM_S_MAX = 86400,     /* within which they do */
    ALARM_RAISE_OF = 3,             /* newest samples, of which enough high ones raise an alarm */
    ALARM_HOLD_S_MAX = 3600,        /* high or low, until it is raised or cleared */
    LADDER_STEP_PERCENT_MAX = 1000, /* of a limit, from one step to the next */
    /* Between steps and between repeats, so that nobody is flooded: what a policy says when it does
     * not say `ladder_pause`, which only makes it shorter, for drills. */
    LADDER_PAUSE_S_DEFAULT = 60,
    LADDER_PAUSE_S_MIN = 1,
    REGION_CODE_CAP = 64,          /* >= max of region_code_bytes */
    OPEN_INCIDENTS_CAP = 16000000, /* >= max of open_incidents */
    POLICY_CODE_BYTES_MAX = 64,
    CALENDARS_MAX = 16,                /* of one file */
    CALENDAR_NAME_BYTES_MAX = 32,      /* of [a-z0-9_] */
    CALENDAR_INTERVALS_MAX = 4,        /* attendance intervals of a day */
    CALENDAR_EXCEPTIONS_MAX = 512,     /* holidays and make-up workdays of a calendar */
    CALENDAR_REGIONS_MAX = 256,        /* regions with a calendar of their own */
    CALENDAR_AHEAD_DAYS_MAX = 3660,    /* limits, and from an instant to what is due after it */
    DEADLINE_LOAD_ROWS = 4096,         /* read into memory at a time */
    COMMAND_BODY_BYTES_MAX = 64 << 10, /* of a command, a ticket opened by hand; more: 413 */
    ORDER_BODY_BYTES_MAX = 1 << 20, /* of a directive or an un-merge, which list many; more: 413 */
    ROWS_SCANNED_MAX = 50000,       /* of tickets or incidents for one page of a list */
    TICKET_HISTORY_MAX = 200,       /* events shown with a ticket, the newest */
    CLOCK_PIECES_MAX = 1000,        /* intervals that explain one clock */
    UNMERGE_MEMBERS_MAX = 200000,   /* reports of an incident that is taken apart; more: 422 */
    REPLAY_LINES_MAX = 1 << 28,     /* of one replay's input; more: refused */
    REPLAY_DEADLINES_MAX = 1 << 26, /* at once in a replay, overtaken ones too; more: it ends */
    REPLAY_ARCHIVE_BYTES = 1 << 30, /* rows of tickets that are over; the oldest are forgotten */
    STATS_GROUPS_MAX = 1000,        /* of one answer: more are left out and said so */
    STATS_DAYS_MAX = 400,           /* of a window of statistics */
    TLS_HANDSHAKE_BYTES_MAX = 64 << 10,    /* of one client's handshake; more: close */
    TLS_CLIENT_CHAIN_BYTES_MAX = 32 << 10, /* a client's certificates; more: the handshake fails */
    TLS_FILE_BYTES_MAX = 256 << 10,        /* a file of certificates or a key */
};

/* The defaults of the table. */
void limits_init(struct limits *limits);

/* One row of the table, for the configuration reader and for `--help`. Static storage. */
struct limit_row {
    const char *name;
    uint64_t preset, min, max;
    const char *text;
    size_t offset; /* of the field in struct limits */
};
/* NULL past the last row. O(1). */
const struct limit_row *limits_row(size_t index);

/* Checks the relations between limits (a line fits a body, a block fits a run, ...). On failure
 * `*ret_why` is a static sentence. */
MUST_USE bool limits_are_consistent(const struct limits *limits, const char **ret_why);

#endif
