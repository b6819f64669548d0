/* The three values at which every limit is tried: one below it, the limit itself, one above it.
 * lint/limit_tests.py looks for the names in these macros, and for around() in the black-box tests.
 */
#ifndef TESTS_UNIT_SUPPORT_LIMITS_H
#define TESTS_UNIT_SUPPORT_LIMITS_H

#include "core/limits.h"

/* Runs its body with `tried` at the limit's value in `limits` (a struct limits) less one, that
 * value, and one more: it must pass, pass, and be refused (or cut, or wait, as the limit says). */
#define EACH_AROUND(tried, limits, name)                                                           \
    for (uint64_t tried = (limits).name - 1, tried##_last = (limits).name + 1;                     \
         tried <= tried##_last; tried++)

/* The same where what is tried has one size: the limit is set to one less than that (the body must
 * see it refused), to that, and to one more. */
#define EACH_LIMIT_AROUND(limits, name, tried)                                                     \
    for (int name##_turn = -1;                                                                     \
         name##_turn <= 1 && ((limits).name = (uint64_t)(tried) + (uint64_t)name##_turn, true);    \
         name##_turn++)

#endif
