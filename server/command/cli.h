/* The command line: `gridd COMMAND [--option VALUE ...]`.
 *
 * Exit codes: 0 done, 1 failed, 2 used wrongly. An error is one line on stderr: what was wrong,
 * where, what to do. */
#ifndef SERVER_COMMAND_CLI_H
#define SERVER_COMMAND_CLI_H

#include "core/base/status.h"

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_GO_ON = -1, CLI_OPTIONS_MAX = 24 };

struct cli_option {
    const char *name;     /* without the dashes */
    const char *argument; /* as --help shows it; NULL: takes none */
    const char *help;
};

struct cli_command {
    const char *name, *summary;
    const struct cli_option *options; /* ended by one without a name */
    int (*run)(const struct cli_command *command, int argc, char **argv);
};

/* One option as given; `value` is NULL for one without an argument. INVALID: `error` is said and
 * the parsing ends. */
typedef enum status (*cli_take_cb)(void *context, const char *name, const char *value,
                                   struct error *error);

/* Gives each option to `take`, in order. CLI_GO_ON, or the exit code: --help was shown, or
 * something was wrong and has been said. argv[0] is the command's name. */
int cli_parse(const struct cli_command *command, int argc, char **argv, cli_take_cb take,
              void *context);
/* For commands whose options each set a text: `to[i]` is where options[i] goes; "" is refused. All
 * are required. */
int cli_parse_required(const struct cli_command *command, int argc, char **argv, const char **to);
void cli_help(const struct cli_command *command);
/* Says "gridd COMMAND: a" b c on stderr and returns `code`. */
int cli_fail(const struct cli_command *command, int code, const char *a, const char *b,
             const char *c);

/* Runs the command argv[1] names. */
int cli_main(int argc, char **argv);

extern const struct cli_command cmd_init, cmd_serve, cmd_replay, cmd_verify, cmd_repair, cmd_backup,
    cmd_restore, cmd_token, cmd_version;

#endif
