#include "core/ticket/stage.h"

#include "core/check.h"

static const char *const names[] = {
#define NAME(name, text) [STAGE_##name] = (text),
    STAGE_TABLE(NAME)
#undef NAME
};

const char *stage_name(enum stage stage) {
    CHECK((size_t)stage < ARRAY_COUNT(names));
    return names[stage];
}

bool stage_parse(enum stage *ret, struct slice text) {
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (slice_is(text, names[i])) {
            *ret = (enum stage)i;
            return true;
        }
    }
    return false;
}
