#include "storage/day_index.h"

#include "core/base/check.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
    LEVELS = 3,
    WORD_BITS = 64,
    WORDS_0 = DAY_INDEX_DAYS / WORD_BITS,
    WORDS_1 = WORDS_0 / WORD_BITS,
    WORDS_2 = WORDS_1 / WORD_BITS,
};

/* A bit of level n + 1 says that a word of level n is not zero. */
struct day_index {
    _Atomic uint64_t words[WORDS_0 + WORDS_1 + WORDS_2];
};

static const uint32_t level_begin[LEVELS] = {0, WORDS_0, WORDS_0 + WORDS_1};
static const uint32_t level_words[LEVELS] = {WORDS_0, WORDS_1, WORDS_2};

enum status day_index_new(struct day_index **ret) {
    struct day_index *index = calloc(1, sizeof *index);
    if (index == NULL) {
        return STATUS_NO_MEMORY;
    }
    *ret = index;
    return STATUS_OK;
}

void day_index_free(struct day_index *index) {
    free(index);
}

/* From the days upward, so that a reader who sees a higher bit finds something below it. */
void day_index_add(struct day_index *index, uint32_t day) {
    CHECK(day < DAY_INDEX_DAYS);
    uint32_t bit = day;
    for (int level = 0; level < LEVELS; level++) {
        _Atomic uint64_t *word = &index->words[level_begin[level] + bit / WORD_BITS];
        uint64_t mask = UINT64_C(1) << (bit % WORD_BITS);
        if ((atomic_load_explicit(word, memory_order_relaxed) & mask) != 0) {
            return;
        }
        atomic_fetch_or_explicit(word, mask, memory_order_release);
        bit /= WORD_BITS;
    }
}

static uint64_t word_at(const struct day_index *index, int level, uint32_t word) {
    CHECK(word < level_words[level]);
    return atomic_load_explicit(&index->words[level_begin[level] + word], memory_order_acquire);
}

static bool next_bit(const struct day_index *index, int level, uint32_t bit, uint32_t *ret) {
    uint32_t word = bit / WORD_BITS;
    if (word >= level_words[level]) {
        return false;
    }
    uint64_t bits = word_at(index, level, word) & (UINT64_MAX << (bit % WORD_BITS));
    while (bits == 0 && level == LEVELS - 1 && word + 1 < level_words[level]) {
        bits = word_at(index, level, ++word);
    }
    if (bits == 0) {
        if (level == LEVELS - 1 || !next_bit(index, level + 1, word + 1, &word)) {
            return false;
        }
        bits = word_at(index, level, word);
    }
    CHECK(bits != 0);
    *ret = word * WORD_BITS + (uint32_t)__builtin_ctzll(bits);
    return true;
}

static bool previous_bit(const struct day_index *index, int level, uint32_t bit, uint32_t *ret) {
    uint32_t word = bit / WORD_BITS;
    uint64_t bits = word_at(index, level, word) & (UINT64_MAX >> (WORD_BITS - 1 - bit % WORD_BITS));
    while (bits == 0 && level == LEVELS - 1 && word > 0) {
        bits = word_at(index, level, --word);
    }
    if (bits == 0) {
        if (level == LEVELS - 1 || word == 0 || !previous_bit(index, level + 1, word - 1, &word)) {
            return false;
        }
        bits = word_at(index, level, word);
    }
    CHECK(bits != 0);
    *ret = word * WORD_BITS + (WORD_BITS - 1 - (uint32_t)__builtin_clzll(bits));
    return true;
}

bool day_index_next(const struct day_index *index, uint32_t day, uint32_t *ret) {
    return next_bit(index, 0, day, ret);
}

bool day_index_previous(const struct day_index *index, uint32_t day, uint32_t *ret) {
    return previous_bit(index, 0, day < DAY_INDEX_DAYS ? day : DAY_INDEX_DAYS - 1, ret);
}
