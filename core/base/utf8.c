/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/utf8.h"

#include <string.h>

/* Ranges, in order. Zero: marks that combine. Two: wide and full-width blocks of Unicode. */
struct width_range {
    uint32_t first;
    uint32_t last;
    unsigned width;
};

static const struct width_range width_ranges[] = {
    {0x0300, 0x036F, 0},   {0x0483, 0x0489, 0},   {0x0591, 0x05BD, 0},   {0x0610, 0x061A, 0},
    {0x064B, 0x065F, 0},   {0x1100, 0x115F, 2},   {0x1AB0, 0x1AFF, 0},   {0x1DC0, 0x1DFF, 0},
    {0x200B, 0x200F, 0},   {0x20D0, 0x20FF, 0},   {0x231A, 0x231B, 2},   {0x23E9, 0x23EC, 2},
    {0x2614, 0x2615, 2},   {0x2648, 0x2653, 2},   {0x26A1, 0x26A1, 2},   {0x2705, 0x2705, 2},
    {0x274C, 0x274C, 2},   {0x2753, 0x2755, 2},   {0x2757, 0x2757, 2},   {0x2B50, 0x2B50, 2},
    {0x2E80, 0x303E, 2},   {0x3041, 0xA4CF, 2},   {0xA960, 0xA97C, 2},   {0xAC00, 0xD7A3, 2},
    {0xF900, 0xFAFF, 2},   {0xFE00, 0xFE0F, 0},   {0xFE20, 0xFE2F, 0},   {0xFE30, 0xFE6F, 2},
    {0xFF01, 0xFF60, 2},   {0xFFE0, 0xFFE6, 2},   {0x1F300, 0x1F64F, 2}, {0x1F680, 0x1F6FF, 2},
    {0x1F7E0, 0x1F7EB, 2}, {0x1F900, 0x1F9FF, 2}, {0x1FA70, 0x1FAFF, 2}, {0x20000, 0x3FFFD, 2},
};

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xC0u) == 0x80u;
}

size_t utf8_decode(const char *text, size_t n, uint32_t *out_code)
{
    const unsigned char *s = (const unsigned char *)text;
    if (s[0] < 0x80u) {
        *out_code = s[0];
        return 1;
    }
    if (s[0] >= 0xC2u && s[0] <= 0xDFu && n >= 2 && is_continuation(s[1])) {
        *out_code = ((uint32_t)(s[0] & 0x1Fu) << 6) | (s[1] & 0x3Fu);
        return 2;
    }
    if ((s[0] & 0xF0u) == 0xE0u && n >= 3 && is_continuation(s[1]) && is_continuation(s[2])) {
        uint32_t code = ((uint32_t)(s[0] & 0x0Fu) << 12) | ((uint32_t)(s[1] & 0x3Fu) << 6) |
                        (s[2] & 0x3Fu);
        bool is_surrogate = code >= 0xD800u && code <= 0xDFFFu;
        if (code >= 0x800u && !is_surrogate) {
            *out_code = code;
            return 3;
        }
        return 0;
    }
    if (s[0] >= 0xF0u && s[0] <= 0xF4u && n >= 4 && is_continuation(s[1]) &&
        is_continuation(s[2]) && is_continuation(s[3])) {
        uint32_t code = ((uint32_t)(s[0] & 0x07u) << 18) | ((uint32_t)(s[1] & 0x3Fu) << 12) |
                        ((uint32_t)(s[2] & 0x3Fu) << 6) | (s[3] & 0x3Fu);
        if (code >= 0x10000u && code <= 0x10FFFFu) {
            *out_code = code;
            return 4;
        }
    }
    return 0;
}

size_t utf8_valid_prefix(const char *text, size_t n)
{
    size_t i = 0;
    while (i < n) {
        uint64_t word;
        if (n - i >= sizeof(word)) {
            memcpy(&word, text + i, sizeof(word));
            if ((word & UINT64_C(0x8080808080808080)) == 0) {
                i += sizeof(word);
                continue;
            }
        }
        uint32_t code;
        size_t length = utf8_decode(text + i, n - i, &code);
        if (length == 0) {
            return i;
        }
        i += length;
    }
    return n;
}

size_t utf8_whole_prefix(const char *text, size_t n)
{
    /* A character has at most three continuation bytes, so its first byte is near. */
    for (size_t back = 1; back <= 4 && back <= n; back++) {
        unsigned char byte = (unsigned char)text[n - back];
        if (is_continuation(byte)) {
            continue;
        }
        size_t length = byte < 0x80u ? 1 : byte >= 0xF0u ? 4 : byte >= 0xE0u ? 3 : 2;
        return length <= back ? n : n - back;
    }
    return n;
}

size_t utf8_encode(uint32_t code, char out[4])
{
    if (code < 0x80u) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800u) {
        out[0] = (char)(0xC0u | (code >> 6));
        out[1] = (char)(0x80u | (code & 0x3Fu));
        return 2;
    }
    if (code >= 0xD800u && code <= 0xDFFFu) {
        return 0;
    }
    if (code < 0x10000u) {
        out[0] = (char)(0xE0u | (code >> 12));
        out[1] = (char)(0x80u | ((code >> 6) & 0x3Fu));
        out[2] = (char)(0x80u | (code & 0x3Fu));
        return 3;
    }
    if (code > 0x10FFFFu) {
        return 0;
    }
    out[0] = (char)(0xF0u | (code >> 18));
    out[1] = (char)(0x80u | ((code >> 12) & 0x3Fu));
    out[2] = (char)(0x80u | ((code >> 6) & 0x3Fu));
    out[3] = (char)(0x80u | (code & 0x3Fu));
    return 4;
}

size_t utf8_count(const char *text, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        count += is_continuation((unsigned char)text[i]) ? 0 : 1;
    }
    return count;
}

unsigned utf8_width(uint32_t code)
{
    size_t low = 0;
    size_t high = sizeof(width_ranges) / sizeof(width_ranges[0]);
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct width_range *range = &width_ranges[middle];
        if (code < range->first) {
            high = middle;
        } else if (code > range->last) {
            low = middle + 1;
        } else {
            return range->width;
        }
    }
    return 1;
}
