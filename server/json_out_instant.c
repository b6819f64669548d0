#include "server/json_out.h"

#include "core/instant.h"

void json_out_instant(struct json_out *out, int64_t ms) {
    char text[INSTANT_TEXT_BYTES];
    instant_format(text, ms);
    json_out_string(out, (struct slice){(const uint8_t *)text, sizeof text});
}
