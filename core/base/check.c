#include "core/base/check.h"

static check_hook hook_installed;

void check_set_hook(check_hook hook) {
    hook_installed = hook;
}

_Noreturn void check_failed(const char *file, int line, const char *condition) {
    check_hook hook = hook_installed;
    hook_installed = NULL;
    if (hook != NULL) {
        hook(file, line, condition);
    }
    __builtin_trap();
}
