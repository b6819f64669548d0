#include "core/base/base.h"

#include <string.h>

struct slice slice_text(const char *text) {
    return (struct slice){(const uint8_t *)text, strlen(text)};
}

bool slice_equal(struct slice a, struct slice b) {
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.data, b.data, a.bytes) == 0);
}

bool slice_is(struct slice a, const char *text) {
    return slice_equal(a, slice_text(text));
}
