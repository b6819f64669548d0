/* The log: one JSON object a line on stderr. {"ts","level","event","msg",...}. Any thread.
 *
 * Every event has a stable id; more than 100 lines a second of one event are counted and left out
 * (the next line of that event, or log_tick, carries the count); those of `security` never are.
 * Values are escaped and cut at 256 bytes. Secrets are never passed here. */
#ifndef SERVER_PROCESS_LOG_H
#define SERVER_PROCESS_LOG_H

#include "core/base/base.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum { LOG_LEVEL_COUNT = LOG_LEVEL_ERROR + 1, LOG_LINES_PER_SECOND = 100 };

/* name, id as written (stable: people's alerts name them) */
#define LOG_EVENT_TABLE(X)                                                                         \
    X(START, "start")                                                                              \
    X(LISTENING, "listening")                                                                      \
    X(READY, "ready")                                                                              \
    X(NOT_READY, "not_ready")                                                                      \
    X(RECOVERED, "recovered")                                                                      \
    X(RELOAD, "reload")                                                                            \
    X(RELOAD_FAILED, "reload_failed")                                                              \
    X(DRAIN, "drain")                                                                              \
    X(STOPPED, "stopped")                                                                          \
    X(COMMIT_FAILED, "commit_failed")                                                              \
    X(COMMIT_SLOW, "commit_slow")                                                                  \
    X(COMMIT_STUCK, "commit_stuck")                                                                \
    X(SECURITY, "security")                                                                        \
    X(SEALED, "sealed")                                                                            \
    X(SEAL_FAILED, "seal_failed")                                                                  \
    X(DISK_LOW, "disk_low")                                                                        \
    X(DISK_OK, "disk_ok")                                                                          \
    X(IMPORT, "import")                                                                            \
    X(HTTP, "http")                                                                                \
    X(AUTH, "auth")                                                                                \
    X(LIMIT, "limit")                                                                              \
    X(OVERLOAD, "overload")                                                                        \
    X(FEED, "feed")                                                                                \
    X(CLOCK, "clock")                                                                              \
    X(CHECK_FAILED, "check_failed")                                                                \
    X(BACKUP, "backup")                                                                            \
    X(TLS_HANDSHAKE, "tls_handshake")                                                              \
    X(TLS_CERTIFICATE, "tls_certificate")                                                          \
    X(WARNING, "warning")

enum log_event {
#define LOG_EVENT_ENUM(name, text) LOG_##name,
    LOG_EVENT_TABLE(LOG_EVENT_ENUM)
#undef LOG_EVENT_ENUM
        LOG_EVENT_COUNT
};

/* Lines below `level` are neither written nor counted. Starts at info. */
void log_set_level(enum log_level level);
bool log_level_parse(enum log_level *ret_level, struct slice text);
const char *log_level_name(enum log_level level);
/* `msg` is one sentence, then key/value pairs ended by NULL: ("path", LOG_TEXT, p, "seq", LOG_U64,
 * seq, NULL). A number is passed as (u)int64_t. A pair that would make the line longer than 4096
 * bytes is left out and the line ends with "cut":true. */
enum log_type { LOG_TEXT = 1, LOG_U64, LOG_I64, LOG_SLICE /* struct slice by value */ };
void log_line(enum log_level level, enum log_event event, const char *msg, ...)
    __attribute__((sentinel));
/* Lines asked for at this level, the suppressed ones included. */
uint64_t log_lines_total(enum log_level level);
/* Writes the counts of suppressed lines whose second is over; called every second or so. */
void log_tick(void);

/* For check_set_hook: one line on stderr, then abort. Allocates nothing. */
_Noreturn void log_check_failed(const char *file, int line, const char *condition);

/* The limiter of one event, apart from any clock. */
struct log_rate {
    int64_t window_ms; /* start of the second under way */
    uint32_t lines;    /* let through in it */
    uint64_t suppressed;
};
/* May one more line go out? If so `*ret_suppressed` is how many were left out before it. */
bool log_rate_take(struct log_rate *rate, int64_t now_ms, uint64_t *ret_suppressed);

#endif
