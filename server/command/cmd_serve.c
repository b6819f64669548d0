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
        return cli_fail(command, CLI_FAILED, error.message, NULL, NULL);
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

static int run(const struct cli_command *command, int argc, char **argv) {
    struct serve_options options;
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
    code = serve_options_check(&options, command);
    if (code != CLI_GO_ON) {
        return code;
    }
    log_set_level(options.config.log_level);
    return serve_run(&options.config, options.config_path[0] == '\0' ? NULL : options.config_path);
}

const struct cli_command cmd_serve = {
    "serve",
    "serves reports, timelines and the feed; SIGTERM drains and ends",
    serve_options_table,
    run,
};
