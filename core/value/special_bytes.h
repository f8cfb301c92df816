/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VALUE_SPECIAL_BYTES_H
#define CORE_VALUE_SPECIAL_BYTES_H

/*
 * Finds the bytes of a string that JSON treats specially, many at a time; private to core/value.
 * Special are control characters, '"' and '\\'; for the reader also all beyond ASCII.
 *
 * Used by:  json_read, json_write.
 * Uses:     nothing.
 * Threads:  [any]
 */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline bool special_byte(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

/* Bit i: byte i of the 16 at `p` is special. `is_beyond_ascii`: so are bytes from 0x80. */
static inline uint32_t special_mask_16(const char *p, bool is_beyond_ascii)
{
#ifdef __SSE2__
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    __m128i backslashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    __m128i others = is_beyond_ascii
                         ? _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)) /* signed: 0x80 is below */
                         : _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1F)), bytes);
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quotes, backslashes), others));
#else
    uint32_t mask = 0;
    for (uint32_t i = 0; i < 16; i++) {
        unsigned char c = (unsigned char)p[i];
        bool is_special = special_byte(c) || (is_beyond_ascii && c >= 0x80);
        mask |= (is_special ? 1u : 0u) << i;
    }
    return mask;
#endif
}

/* True when one of the 8 bytes in `word` (in any order) is special. */
static inline bool special_in_8(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t tops = UINT64_C(0x8080808080808080);
    uint64_t quote = word ^ (ones * '"');
    uint64_t backslash = word ^ (ones * '\\');
    uint64_t controls = (word - ones * 0x20) & ~word;
    uint64_t quotes = (quote - ones) & ~quote;
    uint64_t backslashes = (backslash - ones) & ~backslash;
    return ((controls | quotes | backslashes) & tops) != 0;
}

#endif
