/* Which planted bug this process has: core/base/mutant.h. Compiled into core in the `mutants`
 * build. */
#include "core/base/mutant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum mutant mutant_planted;

__attribute__((constructor)) static void plant(void) {
    static const char *const names[] = {"NONE",
#define MUTANT_NAME(name) #name,
                                        MUTANT_TABLE(MUTANT_NAME)
#undef MUTANT_NAME
    };
    const char *wanted = getenv("GRIDD_MUTANT");
    if (wanted == NULL || wanted[0] == '\0') {
        return;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], wanted) == 0) {
            mutant_planted = (enum mutant)i;
            return;
        }
    }
    fprintf(stderr, "there is no mutant %s\n", wanted);
    _exit(99);
}
