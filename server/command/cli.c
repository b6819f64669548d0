#include "server/command/cli.h"

#include <stdio.h>
#include <string.h>

static const struct cli_command *const commands[] = {&cmd_init,    &cmd_serve,  &cmd_replay,
                                                     &cmd_verify,  &cmd_repair, &cmd_backup,
                                                     &cmd_restore, &cmd_token,  &cmd_version};

static void usage(FILE *to) {
    fputs("usage: gridd COMMAND [--option VALUE ...]\n\n", to);
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    }
    fputs("  help       this text, or that of one command\n\n"
          "gridd COMMAND --help shows a command's options.\n"
          "Exit codes: 0 done, 1 failed, 2 used wrongly.\n",
          to);
}

static const struct cli_command *find(const char *name) {
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

static int unknown(const char *name) {
    fprintf(stderr, "gridd: there is no command %s; see gridd help\n", name);
    return CLI_USAGE;
}

static int help(int argc, char **argv) {
    if (argc < 3 || strcmp(argv[2], "help") == 0 || strcmp(argv[2], "--help") == 0) {
        usage(stdout);
        return CLI_DONE;
    }
    const struct cli_command *command = find(argv[2]);
    if (command == NULL) {
        return unknown(argv[2]);
    }
    cli_help(command);
    return CLI_DONE;
}

int cli_main(int argc, char **argv) {
    if (argc < 2) {
        fputs("gridd: a command is missing; see gridd help\n", stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0) {
        return help(argc, argv);
    }
    const char *name = strcmp(argv[1], "--version") == 0 ? "version" : argv[1];
    const struct cli_command *command = find(name);
    return command == NULL ? unknown(name) : command->run(command, argc - 1, argv + 1);
}
