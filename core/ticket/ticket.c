#include "core/ticket/ticket.h"

#include "core/base/bytes.h"

#include <xxhash.h>

static const char *const origins[] = {
    [ORIGIN_REPORT] = "report",
    [ORIGIN_DIRECTIVE] = "directive",
    [ORIGIN_MANUAL] = "manual",
    [ORIGIN_INSPECTION] = "inspection",
};

static const char *const requests[] = {
#define TICKET_REQUEST_NAME(number, name, text) [REQUEST_##name] = (text),
    TICKET_REQUEST_TABLE(TICKET_REQUEST_NAME)
#undef TICKET_REQUEST_NAME
};

static const char *const reasons[] = {
#define TICKET_REASON_NAME(number, name, text) [REASON_##name] = (text),
    TICKET_REASON_TABLE(TICKET_REASON_NAME)
#undef TICKET_REASON_NAME
};

static const char *const closures[] = {
#define TICKET_CLOSURE_NAME(number, name, text) [CLOSURE_##name] = (text),
    TICKET_CLOSURE_TABLE(TICKET_CLOSURE_NAME)
#undef TICKET_CLOSURE_NAME
};

/* The word of a number from 1 up. */
static const char *word(const char *const *words, size_t count, size_t number) {
    CHECK(number > 0 && number < count);
    return words[number];
}

/* The number of a word; 0: it is none. */
static size_t number_of(const char *const *words, size_t count, struct slice text) {
    for (size_t i = 1; i < count; i++) {
        if (slice_is(text, words[i])) {
            return i;
        }
    }
    return 0;
}

const char *ticket_origin_name(enum ticket_origin origin) {
    return word(origins, ARRAY_COUNT(origins), origin);
}

const char *ticket_request_name(enum ticket_request_kind kind) {
    return word(requests, ARRAY_COUNT(requests), kind);
}

const char *ticket_reason_name(enum ticket_reason reason) {
    return word(reasons, ARRAY_COUNT(reasons), reason);
}

bool ticket_reason_parse(enum ticket_reason *ret, struct slice text) {
    size_t number = number_of(reasons, ARRAY_COUNT(reasons), text);
    if (number != 0) {
        *ret = (enum ticket_reason)number;
    }
    return number != 0;
}

const char *ticket_closure_name(enum ticket_closure closure) {
    return word(closures, ARRAY_COUNT(closures), closure);
}

bool ticket_closure_parse(enum ticket_closure *ret, struct slice text) {
    size_t number = number_of(closures, ARRAY_COUNT(closures), text);
    if (number != 0) {
        *ret = (enum ticket_closure)number;
    }
    return number != 0;
}

bool ticket_closure_is_founded(enum ticket_closure closure) {
    return closure != CLOSURE_FALSE_ALARM && closure != CLOSURE_NOT_FOUND &&
           closure != CLOSURE_UNVERIFIED;
}

uint64_t ticket_hash(struct slice text) {
    return text.bytes == 0 ? 0 : XXH3_64bits(text.data, text.bytes);
}

bool ticket_has(const struct ticket *ticket, enum ticket_fact fact) {
    return (ticket->facts & (uint32_t)fact) != 0;
}

void ticket_key_encode(uint8_t to[TICKET_KEY_BYTES], uint64_t number) {
    CHECK(number != 0);
    store_u64_be(to, number);
}

bool ticket_key_decode(uint64_t *ret_number, struct slice key) {
    if (key.bytes != TICKET_KEY_BYTES || load_u64_be(key.data) == 0) {
        return false;
    }
    *ret_number = load_u64_be(key.data);
    return true;
}
