#include "server/process/serve_options.h"

#include "core/base/check.h"
#include "server/process/exit_code.h"
#include "server/process/serve_tls.h"

#include <stdio.h>
#include <string.h>

const struct cli_option serve_options_table[] = {
    {"data", "DIR", "data directory; made when it is not there"},
    {"config", "FILE", "configuration (server/gridd.yaml shows every key)"},
    {"policy", "FILE", "categories and channels; default: the built-in policy"},
    {"calendar", "FILE", "working days and holidays; default: mainland China, built in"},
    {"listen", "HOST:PORT", "default 127.0.0.1:8080; port 0 picks one"},
    {"admin", "ADDRESS", "where operators ask: loopback HOST:PORT or unix:PATH"},
    {"keys", "FILE", "secrets of tokens; default: systemd credential, else DIR/keys"},
    {"tls-certificate", "FILE", "PEM; serves HTTPS. Default: systemd credential tls.crt"},
    {"tls-key", "FILE", "its key; default: systemd credential tls.key"},
    {"tls-client-listen", "HOST:PORT", "a second address, for gateways with certificates"},
    {"tls-client-ca", "FILE", "who signs those; default: systemd credential tls.ca"},
    {"no-auth", NULL, "serve without tokens; loopback addresses only"},
    {"insecure-no-auth", NULL, "with --no-auth: on any address, everybody may do everything"},
    {"insecure-http", NULL, "without TLS on any address: tokens can be read on the way"},
    {"log-level", "LEVEL", "debug, info, warn or error"},
    {"limit", "NAME=VALUE", "set one limit; may be repeated"},
    {"accept-loss-after", "SEQ", "start although what came after SEQ is lost"},
    {"sysexits", NULL, "exit codes of sysexits.h, for a service manager"},
    {"check-config", NULL, "check configuration, policy and calendar, then end"},
    {"print-effective", NULL, "print the configuration in force as YAML, then end"},
    {NULL, NULL, NULL},
};

enum { GIVEN_MAX = 256 };

/* The flags in order, held until the file they win over has been read. */
struct given {
    const char *config_path;
    size_t count;
    struct {
        const char *name, *value;
    } flags[GIVEN_MAX];
};

static enum status take(void *context, const char *name, const char *value, struct error *error) {
    struct given *given = context;
    if (strcmp(name, "config") == 0) {
        given->config_path = value;
        return STATUS_OK;
    }
    if (given->count == GIVEN_MAX) {
        return error_set(error, STATUS_INVALID, ": more than 256 options", NULL, NULL);
    }
    given->flags[given->count].name = name;
    given->flags[given->count++].value = value;
    return STATUS_OK;
}

/* NAME=VALUE, or NAME:VALUE's mistake named. */
static enum status apply_limit(struct config *config, const char *text, struct error *error) {
    char name[64];
    const char *equals = strchr(text, '=');
    if (equals == NULL || (size_t)(equals - text) >= sizeof name) {
        return error_set(error, STATUS_INVALID, "must be NAME=VALUE", NULL, NULL);
    }
    memcpy(name, text, (size_t)(equals - text));
    name[equals - text] = '\0';
    return config_set_limit(config, name, equals + 1, error);
}

static enum status apply_flag(struct serve_options *options, const char *name, const char *value,
                              struct error *error) {
    static const struct {
        const char *flag, *key;
    } keys[] = {{"data", "data"},
                {"policy", "policy"},
                {"calendar", "calendar"},
                {"listen", "listen"},
                {"keys", "keys"},
                {"log-level", "log_level"},
                {"tls-certificate", "tls_certificate"},
                {"tls-key", "tls_key"},
                {"tls-client-listen", "tls_client_listen"},
                {"tls-client-ca", "tls_client_ca"},
                {"admin", "admin"}};
    options->config.log_level_given |= strcmp(name, "log-level") == 0;
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        if (strcmp(name, keys[i].flag) == 0) {
            return config_set(&options->config, keys[i].key, value, error);
        }
    }
    if (strcmp(name, "no-auth") == 0) {
        options->config.no_auth = true;
    } else if (strcmp(name, "insecure-no-auth") == 0) {
        options->config.insecure_no_auth = true;
    } else if (strcmp(name, "insecure-http") == 0) {
        options->config.insecure_http = true;
    } else if (strcmp(name, "sysexits") == 0) {
        options->sysexits = true;
    } else if (strcmp(name, "check-config") == 0) {
        options->check_config = true;
    } else if (strcmp(name, "print-effective") == 0) {
        options->print_effective = true;
    } else if (strcmp(name, "limit") == 0) {
        return apply_limit(&options->config, value, error);
    } else {
        CHECK(strcmp(name, "accept-loss-after") == 0);
        options->config.accept_loss = true;
        return config_set(&options->config, "accept_loss_after", value, error);
    }
    return STATUS_OK;
}

static int apply_flags(struct serve_options *options, const struct cli_command *command,
                       const struct given *given) {
    struct error error;
    for (size_t i = 0; i < given->count; i++) {
        const char *name = given->flags[i].name, *value = given->flags[i].value;
        if (apply_flag(options, name, value, &error) != STATUS_OK) {
            char where[160];
            snprintf(where, sizeof where, "--%s%s%.100s: ", name, value == NULL ? "" : " ",
                     value == NULL ? "" : value);
            return cli_fail(command, CLI_USAGE, where, error.message, NULL);
        }
    }
    if (config_check(&options->config, &error) != STATUS_OK) {
        return cli_fail(command, CLI_USAGE, error.message, NULL, NULL);
    }
    return CLI_GO_ON;
}

int serve_options_parse(struct serve_options *ret, const struct cli_command *command, int argc,
                        char **argv) {
    struct given given = {NULL, 0, {{NULL, NULL}}};
    struct error error;
    memset(ret, 0, sizeof *ret);
    config_init(&ret->config);
    int code = cli_parse(command, argc, argv, take, &given);
    if (code != CLI_GO_ON) {
        return code;
    }
    if (given.config_path != NULL) {
        if (strlen(given.config_path) >= sizeof ret->config_path) {
            return cli_fail(command, CLI_USAGE, "--config: the path is too long", NULL, NULL);
        }
        snprintf(ret->config_path, sizeof ret->config_path, "%s", given.config_path);
        if (config_load(&ret->config, ret->config_path, &error) != STATUS_OK) {
            return cli_fail(command, EXIT_CODE_CONFIG, error.message, NULL, NULL);
        }
    }
    return apply_flags(ret, command, &given);
}

/* The address that others reach; NULL: there is none. */
static const char *outside_address(const struct config *config) {
    if (!config_is_loopback(config->listen)) {
        return config->listen;
    }
    bool has_second = config->tls_client_listen[0] != '\0';
    return has_second && !config_is_loopback(config->tls_client_listen) ? config->tls_client_listen
                                                                        : NULL;
}

int serve_options_check(const struct serve_options *options, const struct cli_command *command) {
    const struct config *config = &options->config;
    if (config->data[0] == '\0') {
        return cli_fail(command, CLI_USAGE, "no data directory: give --data DIR", NULL, NULL);
    }
    const char *fault = serve_tls_fault(config);
    if (fault != NULL) {
        return cli_fail(command, CLI_USAGE, fault, NULL, NULL);
    }
    bool local_admin = config->admin[0] == '\0' || config_is_loopback(config->admin);
    if (!local_admin) {
        return cli_fail(command, CLI_USAGE,
                        "the admin listener asks for no token, so it is for "
                        "loopback addresses and unix sockets only, not ",
                        config->admin, NULL);
    }
    const char *outside = outside_address(config);
    if (outside != NULL && config->no_auth && !config->insecure_no_auth) {
        return cli_fail(command, CLI_USAGE, "--no-auth is for loopback addresses only, not ",
                        outside, ": listen on 127.0.0.1");
    }
    if (!config_is_loopback(config->listen) && !config->no_auth && !config->insecure_http &&
        !serve_tls_is_on(config)) {
        return cli_fail(command, CLI_USAGE,
                        "plain HTTP is for loopback addresses only, since tokens can be read on "
                        "the way, not ",
                        config->listen,
                        ": give --tls-certificate and --tls-key, listen on 127.0.0.1 behind what "
                        "ends TLS, or give --insecure-http");
    }
    return CLI_GO_ON;
}
