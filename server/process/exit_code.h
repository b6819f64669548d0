/* Exit codes of `gridd serve` for a service manager, which decides by them whether to start it
 * again. Without --sysexits they are 0, 1 and 2, as everywhere else. Numbers are those of
 * sysexits.h. */
#ifndef SERVER_PROCESS_EXIT_CODE_H
#define SERVER_PROCESS_EXIT_CODE_H

#include "core/base/status.h"

enum exit_code {
    EXIT_CODE_USAGE = 64,
    EXIT_CODE_DATA = 65,        /* stored data is damaged or missing: a person must look */
    EXIT_CODE_UNAVAILABLE = 69, /* cannot listen */
    EXIT_CODE_CANTCREAT = 73,   /* the data directory cannot be written */
    EXIT_CODE_NOPERM = 77,
    EXIT_CODE_CONFIG = 78, /* configuration, policy, calendar, keys, or data of a newer gridd */
};

/* Where the start failed. */
enum start_stage { START_RULES, START_DATA, START_KEYS, START_LISTEN };
/* `path`: the data directory. */
int exit_code_of_start(enum start_stage stage, enum status status, const char *path);
/* What the process ends with; `code` is 0, 1, 2 or one of the above. */
int exit_code_told(int code, bool sysexits);

#endif
