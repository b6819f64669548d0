#include "server/feed/feed_request.h"

#include "core/base/check.h"
#include "core/policy/policy.h"
#include "core/report/entry.h"

#include <string.h>

static bool is_epoch_byte(uint8_t byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z');
}

static bool sequence_parse(uint64_t *ret, struct slice text) {
    if (text.bytes == 0 || (text.data[0] == '0' && text.bytes > 1)) {
        return false;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' ||
            __builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)(text.data[i] - '0'), &value)) {
            return false;
        }
    }
    *ret = value;
    return true;
}

bool feed_position_parse(struct feed_position *ret, struct slice text) {
    size_t epoch_bytes = 0;
    while (epoch_bytes < text.bytes && is_epoch_byte(text.data[epoch_bytes])) {
        epoch_bytes++;
    }
    if (epoch_bytes == 0 || epoch_bytes > FEED_EPOCH_BYTES_MAX || epoch_bytes == text.bytes ||
        text.data[epoch_bytes] != '-') {
        return false;
    }
    uint64_t seq;
    struct slice digits = {text.data + epoch_bytes + 1, text.bytes - epoch_bytes - 1};
    if (!sequence_parse(&seq, digits)) {
        return false;
    }
    memcpy(ret->epoch, text.data, epoch_bytes);
    ret->epoch[epoch_bytes] = '\0';
    ret->seq = seq;
    return true;
}

size_t feed_id_format(char to[FEED_ID_BYTES_MAX + 1], const char *epoch, uint64_t seq) {
    size_t epoch_bytes = strlen(epoch);
    CHECK(epoch_bytes > 0 && epoch_bytes <= FEED_EPOCH_BYTES_MAX);
    char digits[20];
    size_t first = sizeof digits;
    do {
        digits[--first] = (char)('0' + seq % 10);
        seq /= 10;
    } while (seq > 0);
    memcpy(to, epoch, epoch_bytes);
    to[epoch_bytes] = '-';
    memcpy(to + epoch_bytes + 1, digits + first, sizeof digits - first);
    size_t bytes = epoch_bytes + 1 + sizeof digits - first;
    to[bytes] = '\0';
    return bytes;
}

void feed_filter_init(struct feed_filter *filter) {
    *filter = (struct feed_filter){REGION_NONE, REGION_NONE, UINT64_MAX, UINT32_MAX};
}

bool feed_filter_is_open(const struct feed_filter *filter) {
    return filter->region == REGION_NONE && filter->scope == REGION_NONE &&
           filter->kinds == UINT64_MAX && filter->severities == UINT32_MAX;
}

static bool is_under(const struct region_table *regions, uint32_t region, uint32_t root) {
    if (root == REGION_NONE || root == region) {
        return true;
    }
    return region != REGION_NONE && region_is_within(regions, region, root);
}

bool feed_filter_takes(const struct feed_filter *filter, const struct region_table *regions,
                       uint8_t kind, uint8_t severity, uint32_t region) {
    CHECK(kind < ENTRY_KIND_LIMIT && severity < 32);
    if (((filter->kinds & ENTRY_KINDS_SHOWN) >> kind & 1) == 0 ||
        (filter->severities >> severity & 1) == 0) {
        return false;
    }
    return is_under(regions, region, filter->region) && is_under(regions, region, filter->scope);
}

/* Calls `add` for each word of a comma-separated list; false as soon as one is refused. */
static bool each_word(struct slice text, bool (*add)(uint64_t *bits, struct slice word),
                      uint64_t *ret_bits) {
    uint64_t bits = 0;
    size_t begin = 0;
    for (size_t i = 0; i <= text.bytes; i++) {
        if (i < text.bytes && text.data[i] != ',') {
            continue;
        }
        if (i == begin || !add(&bits, (struct slice){text.data + begin, i - begin})) {
            return false;
        }
        begin = i + 1;
    }
    *ret_bits = bits;
    return true;
}

static bool add_kind(uint64_t *bits, struct slice word) {
    uint64_t kinds = entry_kinds_named(word);
    *bits |= kinds;
    return kinds != 0;
}

bool feed_kinds_parse(uint64_t *ret_kinds, struct slice text) {
    return each_word(text, add_kind, ret_kinds);
}

static bool add_severity(uint64_t *bits, struct slice word) {
    enum severity severity;
    if (!severity_parse(&severity, word)) {
        return false;
    }
    *bits |= UINT64_C(1) << severity;
    return true;
}

bool feed_severities_parse(uint32_t *ret_severities, struct slice text) {
    uint64_t severities;
    if (!each_word(text, add_severity, &severities)) {
        return false;
    }
    CHECK(severities <= UINT32_MAX);
    *ret_severities = (uint32_t)severities;
    return true;
}
