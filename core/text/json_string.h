/* Strings inside a JSON text: finding their end and decoding them. Internal to the reader. */
#ifndef CORE_TEXT_JSON_STRING_H
#define CORE_TEXT_JSON_STRING_H

#include "core/text/json.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The first byte that is a quote, a backslash, a control byte or not ASCII; `end` when none is. */
static inline const uint8_t *json_find_special(const uint8_t *at, const uint8_t *end) {
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    const __m128i space = _mm_set1_epi8(' ');
    while (end - at >= 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        /* Bytes above 0x7F are negative here, so one comparison finds them and control bytes. */
        __m128i hit = _mm_or_si128(
            _mm_cmplt_epi8(bytes, space),
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);
        if (mask != 0) {
            return at + __builtin_ctz(mask);
        }
        at += 16;
    }
#endif
    while (at < end && *at >= ' ' && *at < 0x80 && *at != '"' && *at != '\\') {
        at++;
    }
    return at;
}

/* Scans from behind the opening quote up to the closing one, or to the first byte that is wrong.
 * `*ret_at` is set in both cases, `*ret_escaped` only on JSON_OK. Never reads at or past `end`. Out
 * of line: the reader decides plain strings itself. */
__attribute__((noinline)) enum json_problem
json_string_scan(const uint8_t **ret_at, bool *ret_escaped, const uint8_t *at, const uint8_t *end);

#endif
