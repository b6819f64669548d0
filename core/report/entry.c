#include "core/report/entry.h"

#include "core/base/check.h"

#include <string.h>

static const char *const kind_names[ENTRY_KIND_LIMIT] = {
#define ENTRY_KIND_NAME(number, name, text) [ENTRY_##name] = (text),
    ENTRY_KIND_TABLE(ENTRY_KIND_NAME)
#undef ENTRY_KIND_NAME
};

const char *entry_kind_name(unsigned kind) {
    return kind < ENTRY_KIND_LIMIT ? kind_names[kind] : NULL;
}

/* "ticket" of "ticket" and of "ticket.*"; the word itself otherwise. */
static struct slice object_of(struct slice word) {
    if (word.bytes > 2 && memcmp(word.data + word.bytes - 2, ".*", 2) == 0) {
        word.bytes -= 2;
    }
    return word;
}

uint64_t entry_kinds_named(struct slice word) {
    struct slice object = object_of(word);
    uint64_t kinds = 0;
    for (unsigned kind = 0; kind < ENTRY_KIND_LIMIT; kind++) {
        const char *name = kind_names[kind];
        if (name == NULL) {
            continue;
        }
        const char *dot = strchr(name, '.');
        bool of_object = dot != NULL && (size_t)(dot - name) == object.bytes &&
                         memcmp(name, object.data, object.bytes) == 0;
        if (of_object || slice_is(word, name)) {
            kinds |= UINT64_C(1) << kind;
        }
    }
    return kinds & ENTRY_KINDS_SHOWN;
}
