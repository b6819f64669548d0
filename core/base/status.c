#include "core/base/status.h"

#include "core/base/check.h"

#include <string.h>

static const char *const names[] = {
#define STATUS_NAME(name, text) #name,
    STATUS_TABLE(STATUS_NAME)
#undef STATUS_NAME
};

static const char *const texts[] = {
#define STATUS_TEXT(name, text) text,
    STATUS_TABLE(STATUS_TEXT)
#undef STATUS_TEXT
};

const char *status_name(enum status status) {
    CHECK((size_t)status < ARRAY_COUNT(names));
    return names[status];
}

const char *status_text(enum status status) {
    CHECK((size_t)status < ARRAY_COUNT(texts));
    return texts[status];
}

void error_set_message(struct error *error, const char *a, const char *b, const char *c) {
    if (error == NULL) {
        return;
    }
    const char *parts[] = {a, b, c};
    size_t used = 0;
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        size_t room = sizeof error->message - 1 - used;
        size_t bytes = parts[i] == NULL ? 0 : strlen(parts[i]);
        bytes = bytes < room ? bytes : room;
        if (bytes > 0) {
            memmove(error->message + used, parts[i], bytes);
        }
        used += bytes;
    }
    error->message[used] = '\0';
}
