#include "server/command/cli.h"
#include "storage/verify.h"

#include <inttypes.h>
#include <stdio.h>

static const struct cli_option options[] = {
    {"data", "DIR", "a data directory or backup that no process has open"}, {NULL, NULL, NULL}};

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
    if (result->head_hash[0] != '\0') {
        printf("hash of the newest block: %s\n", result->head_hash);
    }
    puts("no damage found");
}

static int run(const struct cli_command *command, int argc, char **argv) {
    const char *path;
    int code = cli_parse_required(command, argc, argv, &path);
    if (code != CLI_GO_ON) {
        return code;
    }
    struct verify_result result = {0};
    struct error error;
    enum status status = verify_directory(path, &result, on_progress, NULL, &error);
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
