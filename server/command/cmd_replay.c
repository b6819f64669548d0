#include "server/command/cli.h"
#include "server/replay/compare.h"
#include "server/replay/files.h"
#include "server/replay/out.h"
#include "server/replay/stats.h"
#include "server/rules/calendar_file.h"
#include "server/rules/policy_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct cli_option options[] = {
    {"policy", "FILE", "the policy"},
    {"calendar", "FILE", "working calendars; default: the built-in ones"},
    {"regions", "FILE", "region tree, CSV: code,parent,level,name and lat,lon if wanted"},
    {"input", "FILE", "what happened, NDJSON in time order"},
    {"out", "FILE", "every event as NDJSON"},
    {"compare-policy", "FILE", "run under this one too and print what differs"},
    {NULL, NULL, NULL}};
enum { POLICY, CALENDAR, REGIONS, INPUT, OUT, COMPARE, OPTIONS };

struct asked {
    const char *values[OPTIONS]; /* NULL: not given */
};

static enum status take(void *context, const char *name, const char *value, struct error *error) {
    struct asked *asked = context;
    if (value[0] == '\0') {
        return error_set(error, STATUS_INVALID, ": the value is empty", NULL, NULL);
    }
    for (size_t i = 0; i < OPTIONS; i++) {
        if (strcmp(options[i].name, name) == 0) {
            asked->values[i] = value;
        }
    }
    return STATUS_OK;
}

static int parse(const struct cli_command *command, int argc, char **argv, struct asked *asked) {
    static const int needed[] = {POLICY, REGIONS, INPUT};
    *asked = (struct asked){{NULL}};
    int code = cli_parse(command, argc, argv, take, asked);
    for (size_t i = 0; code == CLI_GO_ON && i < ARRAY_COUNT(needed); i++) {
        if (asked->values[needed[i]] == NULL) {
            code = cli_fail(command, CLI_USAGE, "this is needed: --", options[needed[i]].name,
                            "; see gridd replay --help");
        }
    }
    return code;
}

/* Everything a replay works on. */
struct files {
    struct limits limits;
    struct policy *policy, *other; /* other NULL: nothing is compared */
    struct calendar_set *calendars;
    struct region_ref *regions;
    struct replay_input input;
    struct replay_run *run, *other_run;
};

static enum status open_files(struct files *files, const struct asked *asked, struct error *error) {
    bool compares = asked->values[COMPARE] != NULL;
    const char *calendar = asked->values[CALENDAR] == NULL ? "" : asked->values[CALENDAR];
    limits_init(&files->limits);
    files->policy = calloc(1, sizeof *files->policy);
    files->calendars = calloc(1, sizeof *files->calendars);
    files->run = calloc(1, sizeof *files->run);
    files->other = compares ? calloc(1, sizeof *files->other) : NULL;
    files->other_run = compares ? calloc(1, sizeof *files->other_run) : NULL;
    if (files->policy == NULL || files->calendars == NULL || files->run == NULL ||
        (compares && (files->other == NULL || files->other_run == NULL))) {
        return error_set(error, STATUS_NO_MEMORY, "out of memory", NULL, NULL);
    }
    enum status status = policy_load(files->policy, asked->values[POLICY], error);
    if (status == STATUS_OK && compares) {
        status = policy_load(files->other, asked->values[COMPARE], error);
    }
    if (status == STATUS_OK) {
        status = calendar_file_read(files->calendars, calendar, error);
    }
    if (status == STATUS_OK) {
        status =
            replay_regions_read(&files->regions, asked->values[REGIONS], &files->limits, error);
    }
    return status == STATUS_OK ? replay_input_open(&files->input, asked->values[INPUT], error)
                               : status;
}

static void close_files(struct files *files) {
    if (files->run != NULL) {
        replay_run_deinit(files->run);
    }
    if (files->other_run != NULL) {
        replay_run_deinit(files->other_run);
    }
    replay_input_close(&files->input);
    region_ref_release(files->regions);
    free(files->run);
    free(files->other_run);
    free(files->policy);
    free(files->other);
    free(files->calendars);
}

/* One run and its statistics; what it needed beside the book goes. */
static enum status run_under(const struct files *files, struct replay_run *run,
                             const struct policy *policy, const struct replay_listener *listener,
                             const struct asked *asked, struct json_out *json,
                             struct error *error) {
    struct replay_input input = files->input;
    const struct replay_rules rules = {&files->limits, policy, files->calendars,
                                       files->regions->table};
    replay_input_rewind(&input);
    enum status status = replay_run_init(run, &rules, listener, replay_input_lines(&input), error);
    if (status == STATUS_OK) {
        status = replay_run_all(run, &input, asked->values[INPUT], error);
    }
    if (status == STATUS_OK) {
        replay_stats_write(json, run);
        replay_run_shrink(run);
    }
    return status;
}

static enum status run_first(const struct files *files, const struct asked *asked,
                             struct json_out *json, struct error *error) {
    const char *path = asked->values[OUT];
    struct replay_listener listener = {0};
    struct replay_out out;
    if (path == NULL) {
        return run_under(files, files->run, files->policy, &listener, asked, json, error);
    }
    enum status status = replay_out_open(&out, path, error);
    if (status != STATUS_OK) {
        return status;
    }
    listener = replay_out_listener(&out);
    status = run_under(files, files->run, files->policy, &listener, asked, json, error);
    struct error closing;
    enum status closed = replay_out_close(&out, path, &closing);
    return status == STATUS_OK && closed != STATUS_OK
               ? error_set(error, closed, closing.message, NULL, NULL)
               : status;
}

static enum status run_all(const struct files *files, const struct asked *asked,
                           struct buffer *text, struct error *error) {
    struct json_out json;
    const struct replay_listener nobody = {0};
    json_out_init(&json, text);
    if (files->other == NULL) {
        return run_first(files, asked, &json, error);
    }
    json_out_object_begin(&json);
    json_out_key(&json, "policy");
    enum status status = run_first(files, asked, &json, error);
    if (status == STATUS_OK) {
        json_out_key(&json, "compare_policy");
        status = run_under(files, files->other_run, files->other, &nobody, asked, &json, error);
    }
    if (status == STATUS_OK) {
        json_out_key(&json, "differences");
        replay_compare_write(&json, &files->run->book, &files->other_run->book);
        json_out_object_end(&json);
    }
    return status;
}

static int run(const struct cli_command *command, int argc, char **argv) {
    struct asked asked;
    struct files files = {0};
    struct buffer text;
    struct error error;
    int code = parse(command, argc, argv, &asked);
    if (code != CLI_GO_ON) {
        return code;
    }
    buffer_init(&text);
    enum status status = open_files(&files, &asked, &error);
    if (status == STATUS_OK) {
        status = run_all(&files, &asked, &text, &error);
    }
    if (status != STATUS_OK) {
        code = cli_fail(command, CLI_FAILED, error.message, NULL, NULL);
    } else {
        buffer_append(&text, "\n", 1);
        bool whole = fwrite(text.data, 1, text.bytes, stdout) == text.bytes && fflush(stdout) == 0;
        code = whole ? CLI_DONE : cli_fail(command, CLI_FAILED, "stdout takes no more", NULL, NULL);
    }
    buffer_deinit(&text);
    close_files(&files);
    return code;
}

const struct cli_command cmd_replay = {
    "replay",
    "runs recorded input through the engine under virtual time",
    options,
    run,
};
