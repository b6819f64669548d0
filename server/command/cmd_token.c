/* gridd token create | list | revoke: a client of /v1/tokens. */
#include "server/auth/token_text.h"
#include "server/command/cli.h"
#include "server/command/http_ask.h"
#include "server/json_out.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOW_TO_ASK                                                                                 \
    {"url", "URL", "of the server, http or https; default http://127.0.0.1:8080"},                 \
        {"ca", "FILE", "PEM of who signed its certificate; default: the system's"}, {              \
        "token-file", "FILE", "with the admin's token; default: the variable GRIDD_TOKEN"          \
    }

static const struct cli_option create_options[] = {
    HOW_TO_ASK,
    {"kind", "KIND", "service, human or device"},
    {"name", "NAME", "who it is for; also the source of what it sends"},
    {"role", "ROLE", "may be repeated; server/README.md has the roles"},
    {"region", "CODE", "acts in this subtree only; default: everywhere"},
    {"unit", "CODE", "acts for this unit"},
    {"expires-in-s", "SECONDS", "default: never (a device's must end within 90 days)"},
    {NULL, NULL, NULL}};
static const struct cli_option list_options[] = {
    HOW_TO_ASK, {"cursor", "CURSOR", "the page behind it"}, {NULL, NULL, NULL}};
static const struct cli_option revoke_options[] = {
    HOW_TO_ASK, {"id", "ID", "of the token, or device:NAME, or key:ID"}, {NULL, NULL, NULL}};
static const struct cli_option no_options[] = {{NULL, NULL, NULL}};

enum { ROLES_MAX = 16 };

struct given {
    const char *url, *ca, *token_file, *kind, *name, *region, *unit, *expires_in_s, *cursor, *id;
    const char *roles[ROLES_MAX];
    size_t roles_count;
};

static enum status take(void *context, const char *name, const char *value, struct error *error) {
    struct given *given = context;
    const struct {
        const char *name;
        const char **to;
    } texts[] = {{"url", &given->url},
                 {"ca", &given->ca},
                 {"token-file", &given->token_file},
                 {"kind", &given->kind},
                 {"name", &given->name},
                 {"region", &given->region},
                 {"unit", &given->unit},
                 {"expires-in-s", &given->expires_in_s},
                 {"cursor", &given->cursor},
                 {"id", &given->id}};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        if (strcmp(texts[i].name, name) == 0) {
            *texts[i].to = value;
            return STATUS_OK;
        }
    }
    if (given->roles_count == ROLES_MAX) {
        return error_set(error, STATUS_INVALID, ": there are not that many roles", NULL, NULL);
    }
    given->roles[given->roles_count++] = value;
    return STATUS_OK;
}

/* From the file or the environment: never from the command line, which others can see. */
static bool read_token(char to[TOKEN_TEXT_BYTES_MAX], const struct given *given) {
    const char *text = getenv("GRIDD_TOKEN");
    to[0] = '\0';
    if (given->token_file == NULL) {
        return (size_t)snprintf(to, TOKEN_TEXT_BYTES_MAX, "%s", text == NULL ? "" : text) <
               TOKEN_TEXT_BYTES_MAX;
    }
    FILE *file = fopen(given->token_file, "re");
    if (file == NULL) {
        return false;
    }
    bool got = fgets(to, TOKEN_TEXT_BYTES_MAX, file) != NULL;
    to[strcspn(to, "\r\n")] = '\0';
    return fclose(file) == 0 && got;
}

/* Prints the answer: the token alone on its line where one was made, else the JSON as it is. */
static int print(const struct cli_command *command, unsigned status, struct slice body) {
    if (status < 200 || status > 299) {
        fprintf(stderr, "gridd %s: the server answered %u: %.*s\n", command->name, status,
                (int)min_u64(body.bytes, 2000), (const char *)body.data);
        return CLI_FAILED;
    }
    bool written = fwrite(body.data, 1, body.bytes, stdout) == body.bytes &&
                   fputc('\n', stdout) != EOF && fflush(stdout) == 0;
    return written ? CLI_DONE : CLI_FAILED;
}

static int ask(const struct cli_command *command, const struct given *given, const char *method,
               const char *path, struct slice request) {
    char token[TOKEN_TEXT_BYTES_MAX];
    struct error error;
    struct buffer body;
    unsigned status = 0;
    if (!read_token(token, given)) {
        return cli_fail(command, CLI_FAILED, "the token cannot be read: ",
                        given->token_file == NULL ? "GRIDD_TOKEN" : given->token_file, NULL);
    }
    buffer_init(&body);
    const struct http_ask asked = {
        .url = given->url == NULL ? "http://127.0.0.1:8080" : given->url,
        .ca = given->ca,
        .token = token,
        .method = method,
        .path = path,
        .body = request,
    };
    int code = http_ask(&asked, &status, &body, &error) == STATUS_OK
                   ? print(command, status, buffer_slice(&body))
                   : cli_fail(command, CLI_FAILED, error.message, NULL, NULL);
    OPENSSL_cleanse(token, sizeof token);
    if (body.bytes > 0) {
        OPENSSL_cleanse(body.data, body.bytes); /* a new token is in it */
    }
    buffer_deinit(&body);
    return code;
}

static void write_text(struct json_out *out, const char *key, const char *value) {
    if (value != NULL) {
        json_out_key(out, key);
        json_out_text(out, value);
    }
}

static int create(const struct cli_command *command, int argc, char **argv) {
    struct given given = {.url = NULL};
    struct buffer request;
    struct json_out out;
    int code = cli_parse(command, argc, argv, take, &given);
    if (code != CLI_GO_ON) {
        return code;
    }
    buffer_init(&request);
    json_out_init(&out, &request);
    json_out_object_begin(&out);
    write_text(&out, "kind", given.kind == NULL ? "service" : given.kind);
    write_text(&out, "name", given.name);
    json_out_key(&out, "roles");
    json_out_array_begin(&out);
    for (size_t i = 0; i < given.roles_count; i++) {
        json_out_text(&out, given.roles[i]);
    }
    json_out_array_end(&out);
    write_text(&out, "region", given.region);
    write_text(&out, "unit", given.unit);
    if (given.expires_in_s != NULL) {
        json_out_key(&out, "expires_in_s");
        json_out_u64(&out, strtoull(given.expires_in_s, NULL, 10));
    }
    json_out_object_end(&out);
    code = ask(command, &given, "POST", "/v1/tokens", buffer_slice(&request));
    buffer_deinit(&request);
    return code;
}

/* Percent-encodes what a path or query takes of a value; false: it does not fit. */
static bool append_encoded(char *to, size_t room, const char *value) {
    static const char digits[] = "0123456789ABCDEF";
    size_t at = strlen(to);
    for (; *value != '\0'; value++) {
        unsigned char byte = (unsigned char)*value;
        bool is_plain = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                        (byte >= 'A' && byte <= 'Z') || strchr("-._~:", byte) != NULL;
        if (at + 4 > room) {
            return false;
        }
        if (is_plain) {
            to[at++] = *value;
        } else {
            to[at++] = '%';
            to[at++] = digits[byte >> 4];
            to[at++] = digits[byte & 15];
        }
        to[at] = '\0';
    }
    return true;
}

static int list(const struct cli_command *command, int argc, char **argv) {
    struct given given = {.url = NULL};
    char path[512] = "/v1/tokens";
    int code = cli_parse(command, argc, argv, take, &given);
    if (code != CLI_GO_ON) {
        return code;
    }
    if (given.cursor != NULL) {
        (void)snprintf(path, sizeof path, "/v1/tokens?cursor=");
        if (!append_encoded(path, sizeof path, given.cursor)) {
            return cli_fail(command, CLI_USAGE, "--cursor: it is no cursor", NULL, NULL);
        }
    }
    return ask(command, &given, "GET", path, (struct slice){NULL, 0});
}

static int revoke_one(const struct cli_command *command, int argc, char **argv) {
    struct given given = {.url = NULL};
    char path[512] = "/v1/tokens/";
    int code = cli_parse(command, argc, argv, take, &given);
    if (code != CLI_GO_ON) {
        return code;
    }
    if (given.id == NULL || given.id[0] == '\0' || !append_encoded(path, sizeof path, given.id)) {
        return cli_fail(command, CLI_USAGE, "this is needed: --id", NULL, NULL);
    }
    return ask(command, &given, "DELETE", path, (struct slice){NULL, 0});
}

static const struct cli_command verbs[] = {
    {"token create", "makes a token and prints it, this once", create_options, create},
    {"token list", "the stored tokens", list_options, list},
    {"token revoke", "revokes a token, a device or a key at once", revoke_options, revoke_one},
};

static int run(const struct cli_command *command, int argc, char **argv) {
    for (size_t i = 0; argc > 1 && i < ARRAY_COUNT(verbs); i++) {
        if (strcmp(argv[1], strchr(verbs[i].name, ' ') + 1) == 0) {
            return verbs[i].run(&verbs[i], argc - 1, argv + 1);
        }
    }
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        cli_help(command);
        return CLI_DONE;
    }
    return cli_fail(command, CLI_USAGE, "create, list or revoke; see gridd token create --help",
                    NULL, NULL);
}

const struct cli_command cmd_token = {"token", "create, list or revoke: tokens of a running server",
                                      no_options, run};
