#include "core/report/content_tag.h"

#include "core/base/check.h"

/* Odd constants without a pattern (fractions of square roots), so that kinds cannot collide. */
#define SALT_LEFT UINT64_C(0x9E3779B97F4A7C15)
#define SALT_RIGHT UINT64_C(0xBB67AE8584CAA73B)
#define SALT_STRING UINT64_C(0x3C6EF372FE94F82B)
#define SALT_NUMBER UINT64_C(0xA54FF53A5F1D36F1)
#define SALT_OBJECT UINT64_C(0x510E527FADE682D1)
#define SALT_ARRAY UINT64_C(0x9B05688C2B3E6C1F)
#define SALT_WORD UINT64_C(0x1F83D9ABFB41BD6B)

/* Multiplies to 128 bits and folds; the two sides are not exchangeable. */
static inline uint64_t mix(uint64_t left, uint64_t right) {
    unsigned __int128 product =
        (unsigned __int128)(left ^ SALT_LEFT) * (unsigned __int128)(right ^ SALT_RIGHT);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

void content_tag_init(struct content_tag *tag) {
    tag->depth = 0;
    tag->ignored = false;
    tag->levels[0] = (struct content_level){0};
}

static void add_value(struct content_tag *tag, uint64_t hash) {
    struct content_level *level = &tag->levels[tag->depth];
    if (level->object) {
        bool counts = tag->depth != 1 || !tag->ignored;
        level->sum += counts ? mix(level->key, hash) : 0;
    } else {
        level->sum = mix(level->sum, hash);
    }
}

static void open_level(struct content_tag *tag, bool object) {
    CHECK(tag->depth < JSON_DEPTH_CAP);
    tag->levels[++tag->depth] = (struct content_level){.sum = SALT_ARRAY, .object = object};
    if (object) {
        tag->levels[tag->depth].sum = SALT_OBJECT;
    }
}

static void close_level(struct content_tag *tag) {
    CHECK(tag->depth > 0);
    const struct content_level *level = &tag->levels[tag->depth--];
    add_value(tag, mix(level->sum, level->object ? SALT_OBJECT : SALT_ARRAY));
}

void content_tag_feed(struct content_tag *tag, const struct json_token *token) {
    enum json_kind kind = token->kind;
    if (kind == JSON_KEY) {
        tag->levels[tag->depth].key = token->hash;
    } else if (kind == JSON_STRING) {
        add_value(tag, mix(json_hash(token->text, token->escaped), SALT_STRING));
    } else if (kind == JSON_NUMBER) {
        add_value(tag, mix(json_hash(token->text, false), SALT_NUMBER));
    } else if (kind == JSON_OBJECT_BEGIN || kind == JSON_ARRAY_BEGIN) {
        open_level(tag, kind == JSON_OBJECT_BEGIN);
    } else if (kind == JSON_OBJECT_END || kind == JSON_ARRAY_END) {
        close_level(tag);
    } else if (kind == JSON_TRUE || kind == JSON_FALSE || kind == JSON_NULL) {
        /* Tags are on disk: these numbers stay, whatever the enum becomes. */
        uint64_t word = kind == JSON_TRUE ? 1 : kind == JSON_FALSE ? 2 : 3;
        add_value(tag, mix(word, SALT_WORD));
    }
}

uint64_t content_tag_value(const struct content_tag *tag) {
    CHECK(tag->depth == 0);
    return tag->levels[0].sum;
}
