#include "server/api/stats_link.h"

#include "core/base/check.h"
#include "core/text/instant.h"

#include <stdio.h>

static bool is_plain(uint8_t byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || byte == '.';
}

static void append_encoded(struct buffer *to, struct slice text) {
    for (size_t i = 0; i < text.bytes; i++) {
        if (is_plain(text.data[i])) {
            buffer_append(to, &text.data[i], 1);
        } else {
            buffer_printf(to, "%%%02X", text.data[i]);
        }
    }
}

static void append_instant(struct buffer *to, const char *name, int64_t ms) {
    char text[INSTANT_TEXT_BYTES];
    instant_format(text, ms);
    buffer_append_text(to, name);
    buffer_append(to, text, sizeof text);
}

void stats_link_write(struct json_out *out, struct stats_link *link, const char *what,
                      const char *parameters) {
    struct buffer *to = &link->scratch;
    const struct stats_scope *scope = &link->scope;
    buffer_reset(to);
    buffer_printf(to, "/v1/stats/%s", what);
    append_instant(to, "?from=", scope->from_ms);
    append_instant(to, "&to=", scope->to_ms);
    if (scope->root != REGION_NONE) {
        buffer_append_text(to, "&region=");
        append_encoded(to, region_get(link->names->regions, scope->root).code);
    }
    if (scope->has_key) {
        char text[STATS_KEY_BYTES];
        struct slice name;
        buffer_printf(to, "&by=%s&key=", stats_by_name(scope->by));
        append_encoded(to, stats_key_text(text, link->names, scope->by, scope->key, &name));
    }
    buffer_printf(to, "%s%s", parameters[0] == 0 ? "" : "&", parameters);
    json_out_string(out, buffer_slice(to));
}

static const char *part_name(enum stats_part part) {
    return part == STATS_DENOMINATOR ? "denominator" : "numerator";
}

void stats_link_parameters(char to[STATS_PARAMETERS_BYTES], const struct stats_choice *choice) {
    int bytes = 0;
    switch (choice->kind) {
    case STATS_KIND_COUNT:
        bytes = snprintf(to, STATS_PARAMETERS_BYTES, "stat=%s",
                         stats_count_name((enum stats_count)choice->index));
        break;
    case STATS_KIND_STATE:
        bytes = snprintf(to, STATS_PARAMETERS_BYTES, "stat=state&state=%s",
                         ticket_state_name((enum ticket_state)choice->index));
        break;
    case STATS_KIND_LIGHT:
        bytes = snprintf(to, STATS_PARAMETERS_BYTES, "stat=light&light=%s",
                         light_name((enum light)choice->index));
        break;
    case STATS_KIND_LEVEL:
        bytes = choice->index == STATS_LEVEL_UNKNOWN
                    ? snprintf(to, STATS_PARAMETERS_BYTES, "stat=level&level=unknown&part=%s",
                               part_name(choice->part))
                    : snprintf(to, STATS_PARAMETERS_BYTES, "stat=level&level=%u&part=%s",
                               choice->index, part_name(choice->part));
        break;
    case STATS_KIND_RATE:
        bytes = snprintf(to, STATS_PARAMETERS_BYTES, "stat=%s&part=%s",
                         stats_rate_name((enum stats_rate)choice->index), part_name(choice->part));
        break;
    }
    CHECK(bytes > 0 && bytes < STATS_PARAMETERS_BYTES);
}
