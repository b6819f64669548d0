/* What is shown with a command: pictures and papers, by reference. What they are of stays where it
 * is; the references stand in the command's journal entry for good, and so in the history. */
#ifndef CORE_TICKET_TICKET_MEDIA_H
#define CORE_TICKET_TICKET_MEDIA_H

#include "core/text/json_writer.h"

enum {
    TICKET_MEDIA_MAX = 16,         /* of one command; as of a report */
    TICKET_MEDIA_BYTES_MAX = 4096, /* all their texts together */
};

/* Borrowed; empty where it was not said. `url` or `sha256` is there. */
struct ticket_medium {
    struct slice url, sha256, mime, name; /* sha256: 64 hexadecimal digits; name: of the file */
};

/* NULL, or the sentence. Texts are UTF-8 without control characters, so that none takes more than
 * twice its bytes once written. */
const char *ticket_media_problem(const struct ticket_medium *media, size_t count);
/* The array of objects, with the members that were said. */
void ticket_media_write(struct json_writer *writer, const struct ticket_medium *media,
                        size_t count);

#endif
