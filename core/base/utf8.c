/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/utf8.h"

#include <string.h>

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
