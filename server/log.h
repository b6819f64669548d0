/* The log: one JSON object a line on stderr. {"ts","level","event","msg",...}. Any thread.
 *
 * Every event has a stable id; more than 100 lines a second of one event are counted and left out
 * (the count follows). Values are escaped and cut at 256 bytes. Secrets are never passed here. */
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

#include "core/base.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

enum log_event {
    LOG_START,
    LOG_LISTENING,
    LOG_READY,
    LOG_NOT_READY,
    LOG_RECOVERED,
    LOG_RELOAD,
    LOG_RELOAD_FAILED,
    LOG_DRAIN,
    LOG_STOPPED,
    LOG_COMMIT_FAILED,
    LOG_SEALED,
    LOG_SEAL_FAILED,
    LOG_DISK_LOW,
    LOG_DISK_OK,
    LOG_IMPORT,
    LOG_HTTP,
    LOG_FEED,
    LOG_CLOCK,
    LOG_CHECK_FAILED,
    LOG_BACKUP,
    LOG_WARNING,
    LOG_EVENT_COUNT
};

void log_set_level(enum log_level level);
bool log_level_parse(enum log_level *ret_level, struct slice text);
/* `msg` is one sentence, then key/value pairs ended by NULL: ("path", LOG_TEXT, p, "seq", LOG_U64,
 * seq, NULL). */
enum log_type { LOG_TEXT = 1, LOG_U64, LOG_I64, LOG_SLICE /* struct slice by value */ };
void log_line(enum log_level level, enum log_event event, const char *msg, ...)
    __attribute__((sentinel));
uint64_t log_lines_total(enum log_level level);

#endif
