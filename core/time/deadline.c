#include "core/time/deadline.h"

#include "core/base/bytes.h"

#define SIGN_BIT (UINT64_C(1) << 63)

static int compare_u64(uint64_t a, uint64_t b) {
    return (a > b) - (a < b);
}

/* Stage, point and part as one number in key order. */
static uint32_t kind_of(const struct deadline *deadline) {
    return (uint32_t)deadline->stage << 24 | (uint32_t)deadline->point << 16 | deadline->part;
}

int deadline_compare(const struct deadline *a, const struct deadline *b) {
    if (a->due_ms != b->due_ms) {
        return a->due_ms < b->due_ms ? -1 : 1;
    }
    return a->object != b->object ? compare_u64(a->object, b->object)
                                  : compare_u64(kind_of(a), kind_of(b));
}

struct deadline deadline_last_of(int64_t due_ms) {
    return (struct deadline){due_ms, UINT64_MAX, UINT8_MAX, UINT8_MAX, UINT16_MAX};
}

const char *deadline_stage_text(uint8_t stage) {
    static const char *const texts[] = {
#define STAGE_TEXT(name, byte, text) [byte] = (text),
        DEADLINE_STAGES(STAGE_TEXT)
#undef STAGE_TEXT
    };
    return stage < ARRAY_COUNT(texts) ? texts[stage] : NULL;
}

const char *deadline_point_text(uint8_t point) {
    static const char *const texts[] = {
#define POINT_TEXT(name, byte, text) [byte] = (text),
        DEADLINE_POINTS(POINT_TEXT)
#undef POINT_TEXT
    };
    return point < ARRAY_COUNT(texts) ? texts[point] : NULL;
}

bool deadline_is_sound(const struct deadline *deadline) {
    return deadline->object != 0 && deadline_stage_text(deadline->stage) != NULL &&
           deadline_point_text(deadline->point) != NULL;
}

static void encode(uint8_t *to, const struct deadline *deadline) {
    store_u64_be(to, (uint64_t)deadline->due_ms ^ SIGN_BIT);
    store_u64_be(to + 8, deadline->object);
    store_u32_be(to + 16, kind_of(deadline));
}

void deadline_key_encode(uint8_t to[DEADLINE_KEY_BYTES], const struct deadline *deadline) {
    CHECK(deadline_is_sound(deadline));
    encode(to, deadline);
}

bool deadline_key_decode(struct deadline *ret, struct slice key) {
    if (key.bytes != DEADLINE_KEY_BYTES) {
        return false;
    }
    uint32_t kind = load_u32_be(key.data + 16);
    const struct deadline deadline = {.due_ms = (int64_t)(load_u64_be(key.data) ^ SIGN_BIT),
                                      .object = load_u64_be(key.data + 8),
                                      .stage = (uint8_t)(kind >> 24),
                                      .point = (uint8_t)(kind >> 16),
                                      .part = (uint16_t)kind};
    if (!deadline_is_sound(&deadline)) {
        return false;
    }
    *ret = deadline;
    return true;
}

void deadline_key_after(uint8_t to[DEADLINE_KEY_BYTES + 1], const struct deadline *deadline) {
    encode(to, deadline);
    to[DEADLINE_KEY_BYTES] = 0;
}

void deadline_value_encode(uint8_t to[DEADLINE_VALUE_BYTES], uint64_t armed_seq) {
    to[0] = DEADLINE_VERSION;
    store_u64_le(to + 1, armed_seq);
}

bool deadline_value_decode(uint64_t *ret_armed_seq, struct slice value) {
    if (value.bytes != DEADLINE_VALUE_BYTES || value.data[0] != DEADLINE_VERSION) {
        return false;
    }
    *ret_armed_seq = load_u64_le(value.data + 1);
    return true;
}
