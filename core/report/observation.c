#include "core/report/observation.h"

#include "core/base/check.h"

static const char *const names[] = {
#define NAME(name, text) [OBSERVER_##name] = (text),
    OBSERVER_TABLE(NAME)
#undef NAME
};

const char *observer_name(enum observer_kind kind) {
    CHECK((size_t)kind < ARRAY_COUNT(names));
    return names[kind];
}

bool observer_parse(enum observer_kind *ret, struct slice text) {
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (slice_is(text, names[i])) {
            *ret = (enum observer_kind)i;
            return true;
        }
    }
    return false;
}
