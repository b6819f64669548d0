#include "server/process/exit_code.h"
#include "server/process/serve.h"
#include "server/process/serve_options.h"
#include "server/process/serve_tls.h"
#include "server/rules/rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int check_files(const struct serve_options *options, const struct cli_command *command) {
    struct error error;
    struct rules *rules;
    enum status status =
        rules_new(&rules, options->config.policy_path, options->config.calendar_path, &error);
    if (status != STATUS_OK) {
        return cli_fail(command, EXIT_CODE_CONFIG, error.message, NULL, NULL);
    }
    rules_free(rules);
    struct serve_tls tls;
    if (serve_tls_load(&tls, &options->config, &error) != STATUS_OK) {
        return cli_fail(command, CLI_FAILED, error.message, NULL, NULL);
    }
    serve_tls_free(&tls);
    return CLI_GO_ON;
}

static int print_effective(const struct config *config) {
    struct buffer text;
    buffer_init(&text);
    config_write(config, &text);
    size_t written = fwrite(text.data, 1, text.bytes, stdout);
    bool whole = written == text.bytes && fflush(stdout) == 0;
    buffer_deinit(&text);
    return whole ? CLI_DONE : CLI_FAILED;
}

/* A passed socket stands for its address: what is refused there is refused here too. */
static int take_sockets(const struct cli_command *command, struct config *config,
                        struct passed_sockets *ret) {
    struct error error;
    char text[SOCKET_TEXT_BYTES];
    if (passed_sockets_take(ret, &error) != STATUS_OK) {
        return cli_fail(command, EXIT_CODE_UNAVAILABLE, error.message, NULL, NULL);
    }
    if (ret->api >= 0) {
        socket_text(ret->api, text);
        snprintf(config->listen, sizeof config->listen, "%s", text);
    }
    if (ret->admin >= 0) {
        socket_text(ret->admin, text);
        snprintf(config->admin, sizeof config->admin, "%s", text);
    }
    return CLI_GO_ON;
}

static int serve(const struct cli_command *command, int argc, char **argv) {
    struct serve_options options;
    struct passed_sockets passed;
    int code = serve_options_parse(&options, command, argc, argv);
    const char *fault = code == CLI_GO_ON ? serve_tls_fault(&options.config) : NULL;
    if (fault != NULL) {
        return cli_fail(command, CLI_USAGE, fault, NULL, NULL);
    }
    if (code == CLI_GO_ON) {
        code = check_files(&options, command);
    }
    if (code != CLI_GO_ON) {
        return code;
    }
    if (options.print_effective) {
        return print_effective(&options.config);
    }
    if (options.check_config) {
        fputs("gridd serve: configuration, policy and calendar are right\n", stderr);
        return CLI_DONE;
    }
    code = take_sockets(command, &options.config, &passed);
    if (code != CLI_GO_ON) {
        return code;
    }
    code = serve_options_check(&options, command);
    if (code != CLI_GO_ON) {
        return code;
    }
    log_set_level(options.config.log_level);
    return serve_run(&options.config, options.config_path[0] == '\0' ? NULL : options.config_path,
                     &passed);
}

/* Looked for by hand, since what is wrong may be an option before it. */
static bool wants_sysexits(int argc, char **argv) {
    bool wanted = false;
    for (int i = 1; i < argc; i++) {
        wanted |= strcmp(argv[i], "--sysexits") == 0;
    }
    return wanted;
}

static int run(const struct cli_command *command, int argc, char **argv) {
    bool sysexits = wants_sysexits(argc, argv); /* getopt moves the words */
    return exit_code_told(serve(command, argc, argv), sysexits);
}

const struct cli_command cmd_serve = {
    "serve",
    "serves reports, timelines and the feed; SIGTERM drains and ends",
    serve_options_table,
    run,
};
