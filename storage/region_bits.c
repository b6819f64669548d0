#include "storage/region_bits.h"

#include "core/base/check.h"

#include <stdlib.h>

enum { WORD_BITS = 64 };

enum status region_bits_init(struct region_bits *bits, const uint32_t *regions,
                             size_t regions_count) {
    CHECK(regions_count > 0);
    uint32_t highest = 0;
    for (size_t i = 0; i < regions_count; i++) {
        highest = regions[i] > highest ? regions[i] : highest;
    }
    size_t words_count = (size_t)highest / WORD_BITS + 1;
    uint64_t *words = calloc(words_count, sizeof *words);
    if (words == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < regions_count; i++) {
        words[regions[i] / WORD_BITS] |= UINT64_C(1) << (regions[i] % WORD_BITS);
    }
    *bits = (struct region_bits){words, words_count, regions_count};
    return STATUS_OK;
}

void region_bits_deinit(struct region_bits *bits) {
    free(bits->words);
    bits->words = NULL;
}

bool region_bits_has(const struct region_bits *bits, uint32_t region) {
    return region / WORD_BITS < bits->words_count &&
           (bits->words[region / WORD_BITS] >> (region % WORD_BITS) & 1) != 0;
}

static bool find_upward(const struct region_bits *bits, uint32_t region, uint32_t *ret) {
    uint64_t mask = UINT64_MAX << (region % WORD_BITS);
    for (size_t word = region / WORD_BITS; word < bits->words_count; word++) {
        if ((bits->words[word] & mask) != 0) {
            *ret = (uint32_t)word * WORD_BITS + (uint32_t)__builtin_ctzll(bits->words[word] & mask);
            return true;
        }
        mask = UINT64_MAX;
    }
    return false;
}

static bool find_downward(const struct region_bits *bits, uint32_t region, uint32_t *ret) {
    size_t word = region / WORD_BITS;
    uint64_t mask = UINT64_MAX >> (WORD_BITS - 1 - region % WORD_BITS);
    if (word >= bits->words_count) {
        word = bits->words_count - 1;
        mask = UINT64_MAX;
    }
    for (;; word--) {
        if ((bits->words[word] & mask) != 0) {
            *ret = (uint32_t)word * WORD_BITS + (WORD_BITS - 1) -
                   (uint32_t)__builtin_clzll(bits->words[word] & mask);
            return true;
        }
        if (word == 0) {
            return false;
        }
        mask = UINT64_MAX;
    }
}

bool region_bits_find(const struct region_bits *bits, uint32_t region, bool upward, uint32_t *ret) {
    CHECK(bits->words_count > 0);
    return upward ? find_upward(bits, region, ret) : find_downward(bits, region, ret);
}
