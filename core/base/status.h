/* What a fallible function answers, and the message that goes with it.
 *
 * Three kinds of failure are never mixed: the caller's input was bad (a 4xx), the world failed
 * (disk, socket, limit: a 5xx), or gridd is wrong (CHECK, never a status). */
#ifndef CORE_BASE_STATUS_H
#define CORE_BASE_STATUS_H

#include "core/base/check.h"

/* name, what it says when there is no better message */
#define STATUS_TABLE(X)                                                                            \
    X(OK, "ok")                                                                                    \
    X(INVALID, "the input is not valid")                                                           \
    X(TOO_LARGE, "the input is larger than its limit")                                             \
    X(NOT_FOUND, "there is no such thing")                                                         \
    X(CONFLICT, "it contradicts what is already there")                                            \
    X(FULL, "the memory or the table given for it is used up")                                     \
    X(BUSY, "it cannot be taken now, try again")                                                   \
    X(NO_MEMORY, "out of memory")                                                                  \
    X(NO_SPACE, "the disk is full")                                                                \
    X(IO, "reading or writing failed")                                                             \
    X(CORRUPT, "stored data is damaged")                                                           \
    X(LOST, "acknowledged data is missing")                                                        \
    X(VERSION, "written by another version of gridd")

enum status {
#define STATUS_ENUM(name, text) STATUS_##name,
    STATUS_TABLE(STATUS_ENUM)
#undef STATUS_ENUM
};

/* The enum's name without its prefix, e.g. "NOT_FOUND"; static storage. */
const char *status_name(enum status status);
/* One sentence without a full stop; static storage. */
const char *status_text(enum status status);

/* Message buffer that travels beside a status: untouched on success, always NUL-terminated. */
struct error {
    char message[512];
};

/* Sets the message from up to three parts (NULL parts are left out); cuts what does not fit.
 * `error` may be NULL. */
void error_set_message(struct error *error, const char *a, const char *b, const char *c);

/* error_set_message that returns `status`, so that a failure is one line. Inline, so that compilers
 * and analysers see that it never returns OK. */
static inline enum status error_set(struct error *error, enum status status, const char *a,
                                    const char *b, const char *c) {
    CHECK(status != STATUS_OK);
    error_set_message(error, a, b, c);
    return status;
}

#endif
