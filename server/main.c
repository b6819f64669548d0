#include "core/base/check.h"
#include "server/command/cli.h"
#include "server/process/log.h"
#include "server/process/process.h"

int main(int argc, char **argv) {
    check_set_hook(log_check_failed);
    process_hide();
    return cli_main(argc, argv);
}
