#include "server/command/cli.h"

#include "core/base/check.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

int cli_fail(const struct cli_command *command, int code, const char *a, const char *b,
             const char *c) {
    fprintf(stderr, "gridd %s: %s%s%s\n", command->name, a, b == NULL ? "" : b, c == NULL ? "" : c);
    return code;
}

void cli_help(const struct cli_command *command) {
    printf("usage: gridd %s [--option VALUE ...]\n\n%s\n\n", command->name, command->summary);
    for (const struct cli_option *option = command->options; option->name != NULL; option++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", option->name, option->argument == NULL ? "" : " ",
                 option->argument == NULL ? "" : option->argument);
        printf("  %-28s %s\n", left, option->help);
    }
    printf("  %-28s %s\n", "--help", "this text");
}

/* getopt's own tables: the command's options, then help, then the end. */
static void to_getopt(const struct cli_command *command, struct option *to) {
    size_t i = 0;
    for (; command->options[i].name != NULL; i++) {
        CHECK(i < CLI_OPTIONS_MAX);
        const struct cli_option *option = &command->options[i];
        to[i] = (struct option){
            option->name, option->argument == NULL ? no_argument : required_argument, NULL, 0};
    }
    to[i++] = (struct option){"help", no_argument, NULL, 'h'};
    to[i] = (struct option){NULL, 0, NULL, 0};
}

static int misuse(const struct cli_command *command, const char *what, const char *word) {
    fprintf(stderr, "gridd %s: %s%s; see gridd %s --help\n", command->name, what, word,
            command->name);
    return CLI_USAGE;
}

int cli_parse(const struct cli_command *command, int argc, char **argv, cli_take_cb take,
              void *context) {
    struct option options[CLI_OPTIONS_MAX + 2];
    to_getopt(command, options);
    optind = 0; /* glibc: starts over, the tests parse many times */
    opterr = 0;
    for (;;) {
        int index = 0;
        int got = getopt_long(argc, argv, ":", options, &index);
        if (got == -1) {
            break;
        }
        if (got == 'h') {
            cli_help(command);
            return CLI_DONE;
        }
        if (got != 0) {
            const char *word = argv[optind - 1];
            return misuse(command,
                          got == ':' ? "a value is missing after " : "no such option: ", word);
        }
        struct error error;
        if (take(context, options[index].name, optarg, &error) != STATUS_OK) {
            return cli_fail(command, CLI_USAGE, "--", options[index].name, error.message);
        }
    }
    return optind < argc ? misuse(command, "this is no option: ", argv[optind]) : CLI_GO_ON;
}

struct required {
    const struct cli_command *command;
    const char **to;
};

static enum status take_required(void *context, const char *name, const char *value,
                                 struct error *error) {
    struct required *required = context;
    if (value[0] == '\0') {
        return error_set(error, STATUS_INVALID, ": the value is empty", NULL, NULL);
    }
    for (size_t i = 0; required->command->options[i].name != NULL; i++) {
        if (strcmp(required->command->options[i].name, name) == 0) {
            required->to[i] = value;
        }
    }
    return STATUS_OK;
}

int cli_parse_required(const struct cli_command *command, int argc, char **argv, const char **to) {
    struct required required = {command, to};
    for (size_t i = 0; command->options[i].name != NULL; i++) {
        to[i] = NULL;
    }
    int code = cli_parse(command, argc, argv, take_required, &required);
    for (size_t i = 0; code == CLI_GO_ON && command->options[i].name != NULL; i++) {
        if (to[i] == NULL) {
            code = misuse(command, "this is needed: --", command->options[i].name);
        }
    }
    return code;
}
