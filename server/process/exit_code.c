#include "server/process/exit_code.h"

#include "core/base/check.h"

#include <errno.h>
#include <unistd.h>

static int data_code(enum status status, const char *path) {
    switch (status) {
    case STATUS_CORRUPT:
    case STATUS_LOST:
        return EXIT_CODE_DATA;
    case STATUS_VERSION:
        return EXIT_CODE_CONFIG;
    case STATUS_BUSY:
        return EXIT_CODE_UNAVAILABLE;
    case STATUS_OK:
    case STATUS_INVALID:
    case STATUS_TOO_LARGE:
    case STATUS_NOT_FOUND:
    case STATUS_CONFLICT:
    case STATUS_FULL:
    case STATUS_NO_MEMORY:
    case STATUS_NO_SPACE:
    case STATUS_IO:
        break;
    }
    bool forbidden = access(path, R_OK | W_OK | X_OK) != 0 && errno == EACCES;
    return forbidden ? EXIT_CODE_NOPERM : EXIT_CODE_CANTCREAT;
}

int exit_code_of_start(enum start_stage stage, enum status status, const char *path) {
    CHECK(status != STATUS_OK);
    switch (stage) {
    case START_RULES:
    case START_KEYS:
        return EXIT_CODE_CONFIG;
    case START_DATA:
        return data_code(status, path);
    case START_LISTEN:
        return EXIT_CODE_UNAVAILABLE;
    }
    return 1;
}

int exit_code_told(int code, bool sysexits) {
    if (code == 2) {
        return sysexits ? EXIT_CODE_USAGE : 2;
    }
    return code == 0 || sysexits ? code : 1;
}
