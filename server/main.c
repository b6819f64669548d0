#include "core/base/check.h"
#include "server/command/cli.h"
#include "server/process/log.h"

int main(int argc, char **argv) {
    check_set_hook(log_check_failed);
    return cli_main(argc, argv);
}
