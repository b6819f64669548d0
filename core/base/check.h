/* Assertions that stay on in every build. A failed CHECK means that gridd itself is wrong: it
 * reports through the hook (the server's hook writes one line and the stack) and never returns.
 * CHECK_SLOW is for checks that cost more than O(1); dev, fuzz and simulation builds have them. */
#ifndef CORE_BASE_CHECK_H
#define CORE_BASE_CHECK_H

#include "core/base/base.h"

typedef void (*check_hook)(const char *file, int line, const char *condition);

/* `hook` is called once before the process traps; NULL restores the silent trap. */
void check_set_hook(check_hook hook);
_Noreturn void check_failed(const char *file, int line, const char *condition);

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0)) {                                                   \
            check_failed(__FILE__, __LINE__, #condition);                                          \
        }                                                                                          \
    } while (0)

#ifdef GRIDD_CHECK_SLOW
#define CHECK_SLOW(condition) CHECK(condition)
#else
#define CHECK_SLOW(condition) ((void)sizeof(condition))
#endif

#endif
