/* `gridd serve`: puts the parts together, runs the loop, takes them apart again. */
#ifndef SERVER_PROCESS_SERVE_H
#define SERVER_PROCESS_SERVE_H

#include "server/process/config.h"

/* Returns the process's exit code: 0 after a drain, 1 when something failed (said on stderr).
 * SIGHUP reads the policy again, and the log level from `config_path` (may be NULL) unless a flag
 * gave it. */
int serve_run(const struct config *config, const char *config_path);

#endif
