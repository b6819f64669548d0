/* Reads working calendars from YAML (libcyaml); server/policy/calendar-cn.yaml says what stands in
 * such a file. */
#ifndef SERVER_RULES_CALENDAR_FILE_H
#define SERVER_RULES_CALENDAR_FILE_H

#include "core/time/calendar_set.h"

/* `path` "" reads the built-in copy of server/policy/calendar-cn.yaml. INVALID: the message is
 * "FILE:LINE: KEY: reason". Also NOT_FOUND, IO, NO_MEMORY. `ret` is unchanged unless OK; it has at
 * least one calendar then. */
MUST_USE enum status calendar_file_read(struct calendar_set *ret, const char *path,
                                        struct error *error);

#endif
