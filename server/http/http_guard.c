#include "server/http/http_guard.h"

#include "core/base/check.h"
#include "core/base/mutant.h"

#include <string.h>

/* RFC 9110 section 5.6.2. */
static bool is_token_byte(uint8_t byte) {
    if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
        (byte >= '0' && byte <= '9')) {
        return true;
    }
    return byte != 0 && strchr("!#$%&'*+-.^_`|~", byte) != NULL;
}

static bool is_token(struct slice text) {
    for (size_t i = 0; i < text.bytes; i++) {
        if (!is_token_byte(text.data[i])) {
            return false;
        }
    }
    return text.bytes > 0;
}

static enum http_refusal check_method(struct slice method, struct http_head *head) {
    static const struct {
        const char *name;
        enum http_method method;
        bool served;
    } methods[] = {{"GET", HTTP_METHOD_GET, true},         {"POST", HTTP_METHOD_POST, true},
                   {"PUT", HTTP_METHOD_PUT, true},         {"HEAD", HTTP_METHOD_HEAD, true},
                   {"DELETE", HTTP_METHOD_DELETE, true},   {"OPTIONS", HTTP_METHOD_OPTIONS, true},
                   {"PATCH", HTTP_METHOD_OPTIONS, false},  {"TRACE", HTTP_METHOD_OPTIONS, false},
                   {"CONNECT", HTTP_METHOD_OPTIONS, false}};
    for (size_t i = 0; i < ARRAY_COUNT(methods); i++) {
        if (slice_is(method, methods[i].name)) {
            head->method = methods[i].method;
            head->method_served = methods[i].served;
            return slice_is(method, "CONNECT") ? HTTP_REFUSAL_CONNECT : HTTP_REFUSAL_NONE;
        }
    }
    return HTTP_REFUSAL_METHOD;
}

static enum http_refusal check_target(struct slice target, const struct http_head *head) {
    if (slice_is(target, "*")) {
        bool options = head->method_served && head->method == HTTP_METHOD_OPTIONS;
        return options ? HTTP_REFUSAL_NONE : HTTP_REFUSAL_TARGET;
    }
    if (target.data[0] != '/') {
        return HTTP_REFUSAL_TARGET;
    }
    for (size_t i = 0; i < target.bytes; i++) {
        uint8_t byte = target.data[i];
        if (byte <= ' ' || byte >= 0x7f || byte == '#' || byte == '\\') {
            return HTTP_REFUSAL_TARGET;
        }
    }
    return HTTP_REFUSAL_NONE;
}

static bool is_digit(uint8_t byte) {
    return byte >= '0' && byte <= '9';
}

enum http_refusal http_guard_request_line(struct slice line, const struct limits *limits,
                                          struct http_head *head) {
    const uint8_t *end = line.data + line.bytes;
    const uint8_t *space = memchr(line.data, ' ', line.bytes);
    if (space == NULL) {
        return HTTP_REFUSAL_REQUEST_LINE;
    }
    struct slice method = {line.data, (size_t)(space - line.data)};
    const uint8_t *second = memchr(space + 1, ' ', (size_t)(end - space - 1));
    if (!is_token(method) || second == NULL || second == space + 1) {
        return HTTP_REFUSAL_REQUEST_LINE;
    }
    head->target = (struct slice){space + 1, (size_t)(second - space - 1)};
    struct slice version = {second + 1, (size_t)(end - second - 1)};
    if (version.bytes != 8 || memcmp(version.data, "HTTP/", 5) != 0 || !is_digit(version.data[5]) ||
        version.data[6] != '.' || !is_digit(version.data[7])) {
        return HTTP_REFUSAL_REQUEST_LINE;
    }
    if (version.data[5] != '1' || version.data[7] > '1') {
        return HTTP_REFUSAL_VERSION;
    }
    head->minor = (unsigned)(version.data[7] - '0');
    enum http_refusal refusal = check_method(method, head);
    if (refusal != HTTP_REFUSAL_NONE) {
        return refusal;
    }
    if (head->target.bytes > limits->uri_bytes) {
        return HTTP_REFUSAL_TARGET_TOO_LONG;
    }
    return check_target(head->target, head);
}

enum http_refusal http_guard_header_line(struct slice line, const struct limits *limits) {
    CHECK(line.bytes > 0);
    if ((line.data[0] == ' ' || line.data[0] == '\t') && !MUTANT(FOLDED_HEADER_TAKEN)) {
        return HTTP_REFUSAL_HEADER_FOLDED;
    }
    const uint8_t *colon = memchr(line.data, ':', line.bytes);
    if (colon == NULL || !is_token((struct slice){line.data, (size_t)(colon - line.data)})) {
        return HTTP_REFUSAL_HEADER_SYNTAX;
    }
    const uint8_t *at = colon + 1;
    const uint8_t *end = line.data + line.bytes;
    for (const uint8_t *byte = at; byte < end; byte++) {
        if ((*byte < ' ' && *byte != '\t') || *byte == 0x7f) {
            return HTTP_REFUSAL_HEADER_SYNTAX;
        }
    }
    while (at < end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    while (at < end && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    return (size_t)(end - at) > limits->header_value_bytes ? HTTP_REFUSAL_HEADER_VALUE
                                                           : HTTP_REFUSAL_NONE;
}

/* Fields that are read here or by handlers: their values are ASCII, and those of `once` must not be
 * repeated, since two readers could pick different ones. */
enum known {
    KNOWN_HOST,
    KNOWN_TRANSFER_ENCODING,
    KNOWN_CONTENT_LENGTH,
    KNOWN_CONTENT_ENCODING,
    KNOWN_EXPECT,
    KNOWN_UPGRADE,
    KNOWN_CONNECTION,
    KNOWN_REST,
    KNOWN_COUNT = KNOWN_REST + 7
};
static const struct {
    const char *name;
    bool once;
} known_fields[KNOWN_COUNT] = {
    [KNOWN_HOST] = {"host", true},
    [KNOWN_TRANSFER_ENCODING] = {"transfer-encoding", true},
    [KNOWN_CONTENT_LENGTH] = {"content-length", true},
    [KNOWN_CONTENT_ENCODING] = {"content-encoding", true},
    [KNOWN_EXPECT] = {"expect", true},
    [KNOWN_UPGRADE] = {"upgrade", false},
    [KNOWN_CONNECTION] = {"connection", false},
    [KNOWN_REST] = {"authorization", true},
    {"content-type", true},
    {"last-event-id", true},
    {"idempotency-key", true},
    {"accept", false},
    {"x-request-id", true},
    {"accept-encoding", false},
};

static bool is_ascii(struct slice value) {
    for (size_t i = 0; i < value.bytes; i++) {
        if (value.data[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

static enum http_refusal gather(const struct http_head *head,
                                const struct http_field *ret_found[KNOWN_COUNT]) {
    for (size_t i = 0; i < head->fields_count; i++) {
        const struct http_field *field = &head->fields[i];
        for (size_t k = 0; k < KNOWN_COUNT; k++) {
            if (!slice_equal_ignoring_case(field->name, known_fields[k].name)) {
                continue;
            }
            if (ret_found[k] != NULL && known_fields[k].once) {
                return k == KNOWN_HOST ? HTTP_REFUSAL_HOST : HTTP_REFUSAL_HEADER_REPEATED;
            }
            if (!is_ascii(field->value)) {
                return HTTP_REFUSAL_HEADER_BYTES;
            }
            ret_found[k] = field;
            break;
        }
    }
    return HTTP_REFUSAL_NONE;
}

/* RFC 3986: host, and a port of digits; an IPv6 address stands in brackets. */
static bool host_is_valid(struct slice host) {
    size_t i = 0;
    if (host.bytes > 0 && host.data[0] == '[') {
        const uint8_t *end = memchr(host.data, ']', host.bytes);
        if (end == NULL) {
            return false;
        }
        for (i = 1; host.data + i < end; i++) {
            if (strchr("0123456789abcdefABCDEF:.%", host.data[i]) == NULL) {
                return false;
            }
        }
        i++;
    } else {
        while (i < host.bytes && host.data[i] != ':') {
            uint8_t byte = host.data[i++];
            if (byte <= ' ' || byte >= 0x7f || strchr("\"#/<>?@[\\]^`{|},", byte) != NULL) {
                return false;
            }
        }
    }
    if (i < host.bytes && host.data[i++] != ':') {
        return false;
    }
    while (i < host.bytes) {
        if (!is_digit(host.data[i++])) {
            return false;
        }
    }
    return true;
}

static enum http_refusal check_framing(const struct http_head *head,
                                       const struct http_field *const found[KNOWN_COUNT]) {
    const struct http_field *transfer = found[KNOWN_TRANSFER_ENCODING];
    const struct http_field *length = found[KNOWN_CONTENT_LENGTH];
    if (transfer != NULL && (head->minor == 0 || length != NULL ||
                             !slice_equal_ignoring_case(transfer->value, "chunked"))) {
        return HTTP_REFUSAL_TRANSFER_ENCODING;
    }
    if (head->chunked != (transfer != NULL) || head->has_length != (length != NULL)) {
        return HTTP_REFUSAL_FRAMING;
    }
    if (length == NULL) {
        return HTTP_REFUSAL_NONE;
    }
    uint64_t bytes = 0;
    for (size_t i = 0; i < length->value.bytes; i++) {
        if (!is_digit(length->value.data[i]) || bytes > UINT64_MAX / 10 - 1) {
            return HTTP_REFUSAL_FRAMING;
        }
        bytes = bytes * 10 + (uint64_t)(length->value.data[i] - '0');
    }
    bool agreed = length->value.bytes > 0 && bytes == head->length_bytes;
    return agreed ? HTTP_REFUSAL_NONE : HTTP_REFUSAL_FRAMING;
}

static bool connection_upgrades(const struct http_head *head) {
    for (size_t i = 0; i < head->fields_count; i++) {
        struct slice list = head->fields[i].value;
        struct slice member;
        while (slice_equal_ignoring_case(head->fields[i].name, "connection") &&
               http_list_next(&list, &member)) {
            if (slice_equal_ignoring_case(member, "upgrade")) {
                return true;
            }
        }
    }
    return false;
}

static void read_coding(struct http_head *head, const struct http_field *field) {
    static const struct {
        const char *name;
        enum http_coding coding;
    } codings[] = {{"identity", HTTP_CODING_IDENTITY},
                   {"gzip", HTTP_CODING_GZIP},
                   {"x-gzip", HTTP_CODING_GZIP},
                   {"zstd", HTTP_CODING_ZSTD}};
    head->coding = HTTP_CODING_IDENTITY;
    head->coding_known = field == NULL;
    for (size_t i = 0; field != NULL && i < ARRAY_COUNT(codings); i++) {
        if (slice_equal_ignoring_case(field->value, codings[i].name)) {
            head->coding = codings[i].coding;
            head->coding_known = true;
        }
    }
}

enum http_refusal http_guard_message(struct http_head *head) {
    const struct http_field *found[KNOWN_COUNT] = {NULL};
    enum http_refusal refusal = gather(head, found);
    if (refusal != HTTP_REFUSAL_NONE) {
        return refusal;
    }
    const struct http_field *host = found[KNOWN_HOST];
    if ((host == NULL && head->minor == 1) || (host != NULL && !host_is_valid(host->value))) {
        return HTTP_REFUSAL_HOST;
    }
    if (found[KNOWN_UPGRADE] != NULL || connection_upgrades(head)) {
        return HTTP_REFUSAL_UPGRADE;
    }
    refusal = check_framing(head, found);
    if (refusal != HTTP_REFUSAL_NONE) {
        return refusal;
    }
    bool may_have_body = head->method_served &&
                         (head->method == HTTP_METHOD_POST || head->method == HTTP_METHOD_PUT);
    if (http_head_has_body(head) && head->method_served && !may_have_body) {
        return HTTP_REFUSAL_BODY_UNEXPECTED;
    }
    const struct http_field *expect = found[KNOWN_EXPECT];
    if (expect != NULL && head->minor == 1) {
        if (!slice_equal_ignoring_case(expect->value, "100-continue")) {
            return HTTP_REFUSAL_EXPECTATION;
        }
        head->expect_continue = http_head_has_body(head);
    }
    read_coding(head, found[KNOWN_CONTENT_ENCODING]);
    return HTTP_REFUSAL_NONE;
}
