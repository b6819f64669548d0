#include "server/api/stats_key.h"

#include "core/base/check.h"
#include "core/text/instant.h"

#include <stdio.h>
#include <string.h>

enum { TAG_TEXT_BYTES = 12, DAY_TEXT_BYTES = 10, HEX = 16 };

static const char *const by_names[] = {"", "category", "region", "channel", "unit", "day"};

const char *stats_by_name(enum stats_by by) {
    CHECK((size_t)by < ARRAY_COUNT(by_names));
    return by_names[by];
}

bool stats_by_parse(enum stats_by *ret, struct slice text) {
    for (size_t i = 1; i < ARRAY_COUNT(by_names); i++) {
        if (slice_is(text, by_names[i])) {
            *ret = (enum stats_by)i;
            return true;
        }
    }
    return false;
}

/* Places and days. */

bool stats_region_is_in(const struct region_table *regions, uint32_t root, uint32_t region) {
    if (root == REGION_NONE) {
        return true;
    }
    return region < region_count(regions) && region_is_within(regions, region, root);
}

uint64_t stats_region_key(const struct region_table *regions, uint32_t root, uint32_t region) {
    uint32_t path[REGION_DEPTH_CAP];
    if (region >= region_count(regions)) {
        return REGION_NONE;
    }
    size_t count = region_path(regions, region, path);
    size_t below = root == REGION_NONE ? 0 : (size_t)region_get(regions, root).depth + 1;
    return below < count ? path[below] : region;
}

uint64_t stats_day_key(int64_t at_ms) {
    return (uint64_t)instant_day(at_ms + STATS_DAY_OFFSET_MS);
}

/* Keys as words. */

static struct slice tag_text(char to[STATS_KEY_BYTES], uint64_t tag) {
    int bytes = snprintf(to, STATS_KEY_BYTES, "tag-%08llx", (unsigned long long)tag);
    CHECK(bytes == TAG_TEXT_BYTES);
    return (struct slice){(const uint8_t *)to, (size_t)bytes};
}

static struct slice day_text(char to[STATS_KEY_BYTES], uint64_t day) {
    char text[INSTANT_TEXT_BYTES];
    instant_format(text, (int64_t)day * DAY_MS);
    memcpy(to, text, DAY_TEXT_BYTES);
    return (struct slice){(const uint8_t *)to, DAY_TEXT_BYTES};
}

/* False: the policy does not have it. */
static bool tag_names(const struct policy *policy, enum stats_by by, uint32_t tag,
                      struct slice *ret_code, struct slice *ret_name) {
    const struct category *category =
        by == STATS_BY_CATEGORY ? policy_category_by_tag(policy, tag) : NULL;
    const struct channel *channel =
        by == STATS_BY_CHANNEL ? policy_channel_by_tag(policy, tag) : NULL;
    const struct unit *unit = by == STATS_BY_UNIT ? policy_unit_by_tag(policy, tag) : NULL;
    if (category == NULL && channel == NULL && unit == NULL) {
        return false;
    }
    *ret_code = slice_text(category != NULL  ? category->code
                           : channel != NULL ? channel->code
                                             : unit->code);
    *ret_name = slice_text(category != NULL  ? category->name
                           : channel != NULL ? channel->name
                                             : unit->name);
    return true;
}

struct slice stats_key_text(char to[STATS_KEY_BYTES], const struct stats_names *names,
                            enum stats_by by, uint64_t key, struct slice *ret_name) {
    struct slice code = {0};
    *ret_name = (struct slice){0};
    if (by == STATS_BY_DAY) {
        return day_text(to, key);
    }
    if (by == STATS_BY_REGION) {
        if (key < region_count(names->regions)) {
            struct region region = region_get(names->regions, (uint32_t)key);
            *ret_name = region.name;
            return region.code;
        }
        return code;
    }
    if (key == 0 || tag_names(names->policy, by, (uint32_t)key, &code, ret_name)) {
        return code;
    }
    return tag_text(to, key);
}

static bool day_parse(uint64_t *ret, struct slice text) {
    char instant[DAY_TEXT_BYTES + sizeof "T00:00:00Z"];
    int64_t ms;
    const char *why;
    if (text.bytes != DAY_TEXT_BYTES) {
        return false;
    }
    int bytes = snprintf(instant, sizeof instant, "%.*sT00:00:00Z", DAY_TEXT_BYTES,
                         (const char *)text.data);
    if (!instant_parse(&ms, (struct slice){(const uint8_t *)instant, (size_t)bytes}, &why)) {
        return false;
    }
    *ret = (uint64_t)instant_day(ms);
    return true;
}

bool stats_hex_parse(uint64_t *ret, const uint8_t *digits, size_t count) {
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t digit = digits[i];
        bool is_letter = digit >= 'a' && digit <= 'f';
        if (!is_letter && (digit < '0' || digit > '9')) {
            return false;
        }
        value = value * HEX + (uint64_t)(is_letter ? digit - 'a' + 10 : digit - '0');
    }
    *ret = value;
    return true;
}

static bool tag_parse(uint64_t *ret, const struct policy *policy, enum stats_by by,
                      struct slice text) {
    struct slice code, name;
    if (text.bytes == 0) {
        *ret = 0;
        return true;
    }
    uint32_t tag = policy_tag(text);
    if (tag_names(policy, by, tag, &code, &name) && slice_equal(code, text)) {
        *ret = tag;
        return true;
    }
    return text.bytes == TAG_TEXT_BYTES && memcmp(text.data, "tag-", 4) == 0 &&
           stats_hex_parse(ret, text.data + 4, 8);
}

bool stats_key_parse(uint64_t *ret, const struct stats_names *names, enum stats_by by,
                     struct slice text) {
    switch (by) {
    case STATS_BY_REGION: {
        uint32_t region = text.bytes == 0 ? REGION_NONE : region_find(names->regions, text);
        *ret = region;
        return text.bytes == 0 || region != REGION_NONE;
    }
    case STATS_BY_DAY:
        return day_parse(ret, text);
    case STATS_BY_CATEGORY:
    case STATS_BY_CHANNEL:
    case STATS_BY_UNIT:
        return tag_parse(ret, names->policy, by, text);
    case STATS_BY_NOTHING:
        break;
    }
    return false;
}
