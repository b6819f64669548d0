/* The region tree of a replay, from a CSV file instead of an upload. */
#ifndef SERVER_REPLAY_FILES_H
#define SERVER_REPLAY_FILES_H

#include "server/region_build.h"

/* With one reference. INVALID: the message is "FILE:LINE: reason". NOT_FOUND, IO. */
MUST_USE enum status replay_regions_read(struct region_ref **ret, const char *path,
                                         const struct limits *limits, struct error *error);

#endif
