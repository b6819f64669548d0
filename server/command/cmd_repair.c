#include "server/command/cli.h"
#include "storage/manifest.h"

#include <inttypes.h>
#include <stdio.h>

static const struct cli_option options[] = {
    {"data", "DIR",
     "a data directory that no process has open and that a power cut left unreadable"},
    {NULL, NULL, NULL}};

static int run(const struct cli_command *command, int argc, char **argv) {
    const char *path;
    int code = cli_parse_required(command, argc, argv, &path);
    if (code != CLI_GO_ON) {
        return code;
    }
    struct manifest_repair repair;
    struct error error;
    enum status status = manifest_repair_tail(&repair, path, &error);
    if (status == STATUS_BUSY) {
        return cli_fail(command, CLI_FAILED, path, ": a process has it open: stop it first", NULL);
    }
    if (status != STATUS_OK) {
        return cli_fail(command, CLI_FAILED, path, ": ", error.message);
    }
    if (!repair.was_torn) {
        printf("%s is whole: %" PRIu64 " records in %" PRIu64 " bytes; nothing was changed\n",
               repair.name, repair.records, repair.bytes);
        return CLI_DONE;
    }
    printf("%s had a torn last record: cut from %" PRIu64 " to %" PRIu64 " bytes, %" PRIu64
           " whole records; the file as it was is kept as %s\n"
           "run `gridd verify` before the server\n",
           repair.name, repair.bytes, repair.whole_bytes, repair.records, repair.copy);
    return CLI_DONE;
}

const struct cli_command cmd_repair = {
    "repair", "cuts a torn tail off RocksDB's MANIFEST, keeping a copy; nothing else", options,
    run};
