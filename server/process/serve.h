/* `gridd serve`: puts the parts together, runs the loop, takes them apart again. */
#ifndef SERVER_PROCESS_SERVE_H
#define SERVER_PROCESS_SERVE_H

#include "server/process/config.h"
#include "server/process/sockets.h"

/* Returns the process's exit code: 0 after a drain, else one of exit_code.h (what failed is said on
 * stderr). What was passed is listened on instead of the addresses of the configuration.
 * SIGHUP reads the policy again, and the log level from `config_path` (may be NULL) unless a flag
 * gave it. */
int serve_run(const struct config *config, const char *config_path,
              const struct passed_sockets *passed);

#endif
