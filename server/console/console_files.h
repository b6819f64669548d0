/* The console's files as they were when gridd was built (server/embed/embed.c writes the table):
 * server/console/ and the libraries of Debian's libjs-* packages. */
#ifndef SERVER_CONSOLE_CONSOLE_FILES_H
#define SERVER_CONSOLE_CONSOLE_FILES_H

#include "core/base/base.h"

#include <stdint.h>

struct console_file {
    const char *path; /* of the request: "/console/app.js" */
    const char *media_type;
    const char *etag,
        *etag_gzip; /* strong, with their quotes; one for each variant (RFC 9110 8.8) */
    struct slice plain, gzip;
};

extern const struct console_file console_files[];
extern const size_t console_files_count;

#endif
