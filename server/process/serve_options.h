/* What `gridd serve` was told: defaults, then the file, then flags. */
#ifndef SERVER_PROCESS_SERVE_OPTIONS_H
#define SERVER_PROCESS_SERVE_OPTIONS_H

#include "server/command/cli.h"
#include "server/process/config.h"

struct serve_options {
    struct config config;
    char config_path[4096]; /* "": none */
    bool check_config, print_effective, sysexits;
};

/* Parses and checks what needs no other file than the configuration. CLI_GO_ON or the exit code. */
int serve_options_parse(struct serve_options *ret, const struct cli_command *command, int argc,
                        char **argv);
/* May gridd serve with this? Fails when no data directory is named, or when an address that
 * others reach would be open to all or served without TLS and no flag names that. CLI_GO_ON or the
 * exit code. */
int serve_options_check(const struct serve_options *options, const struct cli_command *command);

extern const struct cli_option serve_options_table[];

#endif
