#include "server/http/http_headers.h"

#include "core/base/check.h"

#include <string.h>
#include <strings.h>

bool slice_equal_ignoring_case(struct slice a, const char *text) {
    size_t bytes = strlen(text);
    return a.bytes == bytes && strncasecmp((const char *)a.data, text, bytes) == 0;
}

const struct http_field *http_head_find(const struct http_head *head, const char *name) {
    for (size_t i = 0; i < head->fields_count; i++) {
        if (slice_equal_ignoring_case(head->fields[i].name, name)) {
            return &head->fields[i];
        }
    }
    return NULL;
}

bool http_head_has_body(const struct http_head *head) {
    return head->chunked || head->length_bytes > 0;
}

static struct slice trimmed(struct slice text) {
    while (text.bytes > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.bytes--;
    }
    while (text.bytes > 0 &&
           (text.data[text.bytes - 1] == ' ' || text.data[text.bytes - 1] == '\t')) {
        text.bytes--;
    }
    return text;
}

/* Cuts `list` at the first `separator`; the rest stays in it. */
static struct slice cut(struct slice *list, char separator) {
    const uint8_t *at = list->bytes == 0 ? NULL : memchr(list->data, separator, list->bytes);
    struct slice part = {list->data, at == NULL ? list->bytes : (size_t)(at - list->data)};
    size_t used = at == NULL ? list->bytes : part.bytes + 1;
    list->data = list->bytes == 0 ? list->data : list->data + used;
    list->bytes -= used;
    return trimmed(part);
}

bool http_list_next(struct slice *list, struct slice *ret_member) {
    while (list->bytes > 0) {
        struct slice member = cut(list, ',');
        if (member.bytes > 0) {
            *ret_member = member;
            return true;
        }
    }
    return false;
}

/* RFC 9110 section 12.4.2: "0" or "1", then up to three decimals. */
static bool parse_quality(struct slice text, unsigned *ret_quality) {
    if (text.bytes == 0 || text.bytes > 5 || (text.data[0] != '0' && text.data[0] != '1') ||
        (text.bytes > 1 && text.data[1] != '.')) {
        return false;
    }
    unsigned quality = text.data[0] == '1' ? 1000 : 0;
    unsigned unit = 100;
    for (size_t i = 2; i < text.bytes; i++, unit /= 10) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        quality += (unsigned)(text.data[i] - '0') * unit;
    }
    if (quality > 1000) {
        return false;
    }
    *ret_quality = quality;
    return true;
}

/* How closely a media range names `offer`: 0 not at all, 1 any, 2 its type, 3 exactly. */
static unsigned specificity(struct slice range, struct slice offer) {
    if (slice_is(range, "*/*")) {
        return 1;
    }
    if (range.bytes == offer.bytes &&
        strncasecmp((const char *)range.data, (const char *)offer.data, offer.bytes) == 0) {
        return 3;
    }
    bool any_of_type =
        range.bytes >= 2 && range.bytes - 1 <= offer.bytes &&
        memcmp(range.data + range.bytes - 2, "/*", 2) == 0 &&
        strncasecmp((const char *)range.data, (const char *)offer.data, range.bytes - 1) == 0;
    return any_of_type ? 2 : 0;
}

static void weigh(struct slice member, struct slice offer, unsigned *best, unsigned *ret_quality) {
    struct slice range = cut(&member, ';');
    unsigned level = specificity(range, offer);
    unsigned quality = 1000;
    while (member.bytes > 0) {
        struct slice parameter = cut(&member, ';');
        if (parameter.bytes > 2 && (parameter.data[0] == 'q' || parameter.data[0] == 'Q') &&
            parameter.data[1] == '=') {
            struct slice value = {parameter.data + 2, parameter.bytes - 2};
            if (!parse_quality(value, &quality)) {
                return;
            }
        }
    }
    if (level > *best) {
        *best = level;
        *ret_quality = quality;
    }
}

unsigned http_head_accept(const struct http_head *head, struct slice offer) {
    bool any = false;
    unsigned best = 0;
    unsigned quality = 0;
    for (size_t i = 0; i < head->fields_count; i++) {
        if (!slice_equal_ignoring_case(head->fields[i].name, "accept")) {
            continue;
        }
        struct slice list = head->fields[i].value;
        struct slice member;
        while (http_list_next(&list, &member)) {
            any = true;
            weigh(member, offer, &best, &quality);
        }
    }
    CHECK(quality <= 1000);
    return any ? quality : 1000;
}
