#include "core/base/check.h"
#include "core/report/report_parse.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct identity report_given_identity(const struct report_context *context, struct slice source,
                                      struct slice id) {
    CHECK(source.bytes <= REPORT_SOURCE_BYTES_MAX && id.bytes <= REPORT_ID_BYTES_MAX);
    /* Neither half has a NUL, so no two pairs give the same bytes. */
    uint8_t bytes[REPORT_SOURCE_BYTES_MAX + 1 + REPORT_ID_BYTES_MAX] UNINITIALIZED;
    memcpy(bytes, source.data, source.bytes);
    bytes[source.bytes] = '\0';
    memcpy(bytes + source.bytes + 1, id.data, id.bytes);
    XXH128_hash_t hash =
        XXH3_128bits_withSeed(bytes, source.bytes + 1 + id.bytes, context->identity_seed);
    return (struct identity){hash.low64, hash.high64};
}

static bool is_space(uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static struct slice trimmed(struct slice text) {
    while (text.bytes > 0 && is_space(text.data[text.bytes - 1])) {
        text.bytes--;
    }
    while (text.bytes > 0 && is_space(text.data[0])) {
        text.data++;
        text.bytes--;
    }
    return text;
}

/* Ten-thousandths of a degree, to the nearest. */
static int64_t degrees_e4(double degrees) {
    CHECK(degrees >= -180.0 && degrees <= 180.0);
    return (int64_t)((degrees + 180.0) * 1e4 + 0.5);
}

struct identity report_derived_identity(const struct report_parse *parse, struct slice source) {
    CHECK(parse->category != NULL && parse->has_occurred && parse->occurred_ms >= 0);
    uint64_t seed = parse->context->identity_seed;
    struct slice text = trimmed(parse->text);
    const uint64_t parts[] = {
        XXH3_64bits_withSeed(source.data, source.bytes, seed),
        XXH3_64bits_withSeed(parse->reporter.data, parse->reporter.bytes, seed),
        parse->category->tag,
        (uint64_t)parse->occurred_ms / 60000,
        parse->has_position,
        parse->has_position ? (uint64_t)degrees_e4(parse->position.lat_deg) : 0,
        parse->has_position ? (uint64_t)degrees_e4(parse->position.lon_deg) : 0,
        XXH3_64bits_withSeed(text.data, text.bytes, seed),
        parse->media_hash,
    };
    XXH128_hash_t hash = XXH3_128bits_withSeed(parts, sizeof parts, seed);
    return (struct identity){hash.low64, hash.high64};
}

void report_derived_id(char to[REPORT_DERIVED_ID_BYTES], struct identity identity) {
    static const char digits[] = "0123456789abcdef";
    to[0] = 'd';
    to[1] = '-';
    for (size_t i = 0; i < 16; i++) {
        to[2 + i] = digits[identity.high >> (60 - 4 * i) & 15];
        to[18 + i] = digits[identity.low >> (60 - 4 * i) & 15];
    }
}
