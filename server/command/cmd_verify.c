#include "server/command/cli.h"
#include "storage/verify.h"

#include <inttypes.h>
#include <stdio.h>

static const struct cli_option options[] = {
    {"data", "DIR", "a data directory or backup that no process has open"},
    {"head", "SEQ:HASH", "a block that must be there (GET /v1/audit/head, or this command's end)"},
    {NULL, NULL, NULL}};

static void on_progress(void *context, const char *text) {
    (void)context;
    puts(text);
    fflush(stdout);
}

static void print(const struct verify_result *result) {
    printf("write-ahead log: %" PRIu64 " files, %" PRIu64 " records\n", result->wal_files,
           result->wal_records);
    printf("journal: %" PRIu64 " blocks, %" PRIu64 " entries", result->blocks, result->entries);
    if (result->entries > 0) {
        printf(", sequence numbers %" PRIu64 " to %" PRIu64, result->first_seq, result->last_seq);
    }
    puts("");
    printf("timeline: %" PRIu64 " rows, sealed through %" PRIu64 "\n", result->timeline_rows,
           result->sealed_through);
    printf("regions: %" PRIu64 " rows\n", result->region_rows);
    printf("clock-suspect reports: %" PRIu64 " rows\n", result->suspect_rows);
    printf("incidents: %" PRIu64 " rows, %" PRIu64 " members, %" PRIu64 " moved or merged\n",
           result->incident_rows, result->member_rows, result->moved_rows);
    printf("tickets: %" PRIu64 " rows\n", result->ticket_rows);
    printf("directives: %" PRIu64 " rows with their addressees\n", result->directive_rows);
    printf("deadlines: %" PRIu64 " rows\n", result->deadline_rows);
    printf("creates: %" PRIu64 " rows\n", result->create_rows);
    printf("audit: %" PRIu64 " rows\n", result->audit_rows);
    if (result->head_hash[0] != '\0') {
        printf("hash of the newest block: %s\n", result->head_hash);
        printf("head: %" PRIu64 ":%s\n", result->last_seq, result->head_hash);
    }
    puts("no damage found");
}

struct given {
    const char *path;
    struct verify_head head;
    bool has_head;
};

static enum status take(void *context, const char *name, const char *value, struct error *error) {
    struct given *given = context;
    if (name[0] == 'd') {
        given->path = value;
        return value[0] != '\0'
                   ? STATUS_OK
                   : error_set(error, STATUS_INVALID, ": the value is empty", NULL, NULL);
    }
    given->has_head = true;
    return verify_head_parse(&given->head, value)
               ? STATUS_OK
               : error_set(error, STATUS_INVALID, ": it must be SEQ:HASH, 64 hex digits", NULL,
                           NULL);
}

static int run(const struct cli_command *command, int argc, char **argv) {
    struct given given = {.path = NULL};
    int code = cli_parse(command, argc, argv, take, &given);
    if (code != CLI_GO_ON) {
        return code;
    }
    const char *path = given.path;
    if (path == NULL) {
        return cli_fail(command, CLI_USAGE, "this is needed: --data; see gridd verify --help", NULL,
                        NULL);
    }
    struct verify_result result = {0};
    struct error error;
    enum status status = verify_against(path, given.has_head ? &given.head : NULL, &result,
                                        on_progress, NULL, &error);
    if (status == STATUS_BUSY) {
        return cli_fail(command, CLI_FAILED, path,
                        ": a process has it open: stop it, or verify a backup", NULL);
    }
    if (status != STATUS_OK) {
        return cli_fail(command, CLI_FAILED, path, ": ", error.message);
    }
    print(&result);
    return CLI_DONE;
}

const struct cli_command cmd_verify = {
    "verify", "checks every block, file and row of a data directory, changing nothing", options,
    run};
